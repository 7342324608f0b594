#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of tools/check: whatever goes wrong with a test program is counted as a failure,
# once, and the last line always adds up. Works on a small repository of its own in which
# tools/guest runs the command here. Prints KTAP.

set -u
# shellcheck source=SCRIPTDIR/lib/ktap.sh
. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"

# A repository with the true tools/check and no tests
before_test() {
	repository=$scratch/$1
	mkdir -p "$repository/tools/tests" "$repository/tools/iobandctl" "$repository/patches" "$repository/selftests/ioband" \
		"$repository/build/linux/tools/testing/selftests/kselftest" "$repository/build/linux/tools/include"
	cp "$top/tools/check" "$top/tools/lib.sh" "$repository/tools/"
	script "$repository/tools/packages" 'exit 0'
	# shellcheck disable=SC2016 # OUT is make's
	printf 'install:\nselftests:\n\ttouch $(OUT)/iobandctl $(OUT)/iobandctl-fail.so\n' > "$repository/tools/iobandctl/Makefile"
	git -C "$repository" init -q
}

# program NAME LINE...: a test program in tools/tests
program() {
	script "$repository/tools/tests/$1.sh" "${@:2}"
}

# of the check that runs this
unset DEBUG ONLY

# check SECTION...: leaves $status and $out
check() {
	status=0
	out=$("$repository/tools/check" "$@" 2> "$scratch/err") || status=$?
}

# expect_count STATUS SUMMARY, the last line; it is where the results say it is
expect_count() {
	expect "exit status" "$1" "$status"
	expect "last line" "$2" "${out##*$'\n'}"
	expect "failed results" "${2#*, }" "$(grep -c '^not ok ' <<< "$out") failed, $(grep -c '^ok .* # SKIP' <<< "$out") skipped"
}

# expect_line LINE: it is one of those printed
expect_line() {
	grep -qxF -e "$1" <<< "$out" && return
	printf '# no line %q in:\n' "$1"
	printf '# | %s\n' "${out//$'\n'/$'\n# | '}"
	right=false
}

test_passes_are_counted() {
	program a 'echo KTAP version 1; echo 1..2; echo ok 1 one; echo "ok 2 - two "'
	program b 'echo 1..1; echo ok 1 "three # SKIP no device"'
	check tools
	expect_count 0 "2 passed, 0 failed, 1 skipped"
	expect_line "ok 1 tools: a: one"
	expect_line "ok 2 tools: a: two"
	expect_line "ok 3 tools: b: three # SKIP no device"
}

test_failure_is_explained_and_counted_once() {
	program a 'echo 1..2; echo ok 1 one; echo "# wanted 3, got 4"; echo not ok 2 two; exit 1'
	check tools
	expect_count 1 "1 passed, 1 failed, 0 skipped"
	expect_line "# | wanted 3, got 4"
	expect_line "not ok 2 tools: a: two"
}

test_names_are_without_their_numbers() {
	# shellcheck disable=SC2016 # expanded when it runs
	program a 'echo 1..12; for i in {1..12}; do echo "ok $i name"; done'
	check tools
	expect "names" "$(yes "tools: a: name" | head -n 12)" "$(sed -n 's/^ok [0-9]* //p' <<< "$out")"
}

test_bad_ends_are_failures() {
	program early 'echo 1..3; echo ok 1 one'
	program late 'echo 1..1; echo ok 1 one; echo ok 2 two'
	program unplanned 'echo ok 1 one'
	program status 'echo 1..1; echo ok 1 one; exit 3'
	program signal 'echo 1..1; echo ok 1 one; kill -SEGV $$'
	program bail 'echo 1..1; echo ok 1 one; echo "Bail out! no disk"; exit 1'
	program silent 'exit 0'
	program doubtful 'echo 1..1; echo ok 1 one; exit 4'
	echo "not a program" > "$repository/tools/tests/text.sh"
	check tools
	expect_count 1 "8 passed, 9 failed, 0 skipped"
	expect "failures" "$(printf '%s\n' \
		"bail: Bail out! no disk" \
		"doubtful: the exit status says skipped, the results do not" \
		"early: 1 results where the plan says 3" \
		"late: 2 results where the plan says 1" \
		"signal: exit status 139" \
		"silent: 0 results where the plan says nothing" \
		"status: exit status 3" \
		"text: exit status 126" \
		"unplanned: 1 results where the plan says nothing")" \
		"$(sed -n 's/^not ok [0-9]* tools: //p' <<< "$out")"
}

test_nothing_to_test_is_a_failure() {
	check tools
	expect_count 1 "0 passed, 1 failed, 0 skipped"
	check selftests
	expect_count 1 "0 passed, 2 failed, 0 skipped"
	check kunit
	expect_count 1 "0 passed, 2 failed, 0 skipped"
}

test_all_skipped_is_not_a_success() {
	program a 'echo "1..0 # SKIP no hardware"; exit 4'
	check tools
	expect_count 1 "0 passed, 0 failed, 1 skipped"
}

test_static_finds_faults() {
	# shellcheck disable=SC2016 # the fault to find
	program a 'echo $undefined_and_unquoted'
	check static
	expect_line "not ok 4 shellcheck: tools/tests/a.sh"
	expect_line "not ok 5 checkpatch"
	expect_line "not ok 6 htmldocs"
	expect_line "not ok 7 sparse and W=1"
	expect_count 1 "3 passed, 4 failed, 0 skipped"
}

# A tree whose make prints the lines of its file log, and a built kernel for it. Line 2 of
# touched.c and all of new.c and new.rst are the series'.
code_repository() {
	local tree=$repository/build/linux kernel=$repository/build/kernel/guest

	mkdir -p "$kernel/md" "$tree/md" "$tree/scripts" "$tree/Documentation/admin-guide"
	touch "$kernel/.config" "$kernel/vmlinux" "$kernel/md/touched.o" "$kernel/md/new.o"
	# shellcheck disable=SC2016 # expanded when it runs
	script "$tree/scripts/checkpatch.pl" 'grep -q "^+fault" "${@: -1}" || exit 0' \
		'echo "md/new.c:1: ERROR:FAULT: fault"; echo "total: some"; exit 1'
	# shellcheck disable=SC2016 # make's
	printf '%s\n' '.PHONY: md/touched.o md/new.o htmldocs' 'pages = $(O)/Documentation/output/$(SPHINXDIRS)' \
		'md/touched.o md/new.o:' $'\t@cat log' \
		'htmldocs:' $'\t@cat log; mkdir -p $(pages); cp html $(pages)/new.html' > "$tree/Makefile"
	echo text > "$tree/html"
	git -C "$tree" init -q
	printf 'one\nthree\n' > "$tree/md/touched.c"
	commit "$tree" base
	git -C "$tree" tag base
	printf 'one\ntwo\nthree\n' > "$tree/md/touched.c"
	printf 'one\n' > "$tree/md/new.c"
	printf 'one\n' > "$tree/Documentation/admin-guide/new.rst"
	commit "$tree" patch
	git -C "$tree" diff base HEAD > "$repository/patches/0001-patch.patch"
	echo 0001-patch.patch > "$repository/series"
	printf '  %s\n' "CHECK   /x/md/touched.c" "CC      md/touched.o" "CHECK   /x/md/new.c" "CC      md/new.o" > "$tree/log"
}

commit() { # TREE SUBJECT
	git -C "$1" add md Documentation
	git -C "$1" -c user.name=test -c user.email=test@example.com -c commit.gpgsign=false commit -q -m "$2"
}

# code_failures: what check found in the code, from its results
code_failures() {
	sed -n 's/^not ok [0-9]* \(sparse\|checkpatch\|htmldocs\)/\1/p' <<< "$out"
}

test_static_reads_warnings() {
	local log=$repository/build/linux/log fault

	code_repository
	cp "$log" "$log.clean"
	echo "/x/md/touched.c:3:1: warning: the base kernel's own" >> "$log"
	check static
	expect "failures" "" "$(code_failures)"
	expect_count 0 "7 passed, 0 failed, 0 skipped"
	for fault in "/x/md/touched.c:2:1: warning: ours" "../md/touched.c:2:1: error: ours" "md/touched.o: warning: objtool: ours"; do
		{ cat "$log.clean"; echo "$fault"; } > "$log"
		check static
		expect "failures with $fault" "sparse and W=1: md/touched.c" "$(code_failures)"
	done
	for fault in "/x/Documentation/admin-guide/new.rst:1: ERROR: ours" "/x/Documentation/admin-guide/new.rst: WARNING: ours"; do
		{ cat "$log.clean"; echo "/x/Documentation/admin-guide/other.rst:1: WARNING: theirs"; echo "$fault"; } > "$log"
		check static
		expect "failures with $fault" "htmldocs: Documentation/admin-guide/new.rst" "$(code_failures)"
	done
	cp "$log.clean" "$log"
	mv "$repository/build/linux/html" "$repository/build/linux/html.away"
	check static
	expect "failures without the page" "htmldocs: Documentation/admin-guide/new.rst" "$(code_failures)"
	mv "$repository/build/linux/html.away" "$repository/build/linux/html"
	grep -v "CHECK.*new.c" "$log.clean" > "$log"
	check static
	expect "failures without sparse" "sparse and W=1: md/new.c" "$(code_failures)"
	cp "$log.clean" "$log"
	rm "$repository/build/kernel/guest/md/new.o"
	check static
	expect "failures without the object" "sparse and W=1: md/new.c" "$(code_failures)"
	echo "+fault" >> "$repository/patches/0001-patch.patch"
	check static
	expect "failures with a bad patch" $'checkpatch: 0001-patch.patch\nsparse and W=1: md/new.c' "$(code_failures)"
}

test_unknown_section_is_refused() {
	check tools frobnicate
	expect "exit status" 1 "$status"
	expect "output" "" "$out"
	expect "stderr" "tools/check: unknown section 'frobnicate': see tools/check --help" "$(< "$scratch/err")"
}

# The guest of these tests: the command runs here, its exit status may be overridden
kselftest_repository() {
	local kselftest=$repository/build/linux/tools/testing/selftests

	# shellcheck disable=SC2016 # expanded when it runs
	script "$repository/tools/guest" \
		'echo "$*" >> "$0.runs"' \
		'while [ "$1" != -- ] && [[ $1 == -* ]]; do [ "$1" = --icount=sleep ] || shift; shift; done; [ "$1" != -- ] || shift' \
		'"$@"; status=$?' \
		'case $* in *warn.sh*) echo "tools/guest: the kernel complained" >&2; exit 126 ;; esac' \
		'exit $status'
	# the kernel's own has more to it; what matters here is what it prints
	# shellcheck disable=SC2016 # expanded when it runs
	script "$kselftest/run_kselftest.sh" \
		'name=${4#*:}; cd "$(dirname "$0")/ioband" || exit' \
		'echo "TAP version 13"; echo 1..1; echo "# selftests: ioband: $name"' \
		'timeout --foreground "$2" "./$name" 2>&1 | sed "s/^/# /"; status=${PIPESTATUS[0]}' \
		'case $status in' \
		'0) echo "ok 1 selftests: ioband: $name" ;;' \
		'4) echo "ok 1 selftests: ioband: $name # SKIP" ;;' \
		'124) echo "not ok 1 selftests: ioband: $name # TIMEOUT $2 seconds" ;;' \
		'*) echo "not ok 1 selftests: ioband: $name # exit=$status" ;;' \
		'esac'
	touch "$kselftest/kselftest.h" "$kselftest/kselftest_harness.h"
	printf '%s\n' 'install:' \
		$'\tmkdir -p $(INSTALL_PATH); cp $(TEST_PROGS) settings $(INSTALL_PATH)' \
		'emit_tests:' \
		$'\tfor t in $(TEST_PROGS); do echo "ioband:$$t"; done' > "$kselftest/lib.mk"
	# shellcheck disable=SC2016 # make's
	printf '%s\n' 'TEST_PROGS := $(wildcard *.sh)' 'include ../lib.mk' > "$repository/selftests/ioband/Makefile"
	echo timeout=2 > "$repository/selftests/ioband/settings"
}

selftest() {
	script "$repository/selftests/ioband/$1.sh" "${@:2}"
}

test_selftests_are_counted() {
	kselftest_repository
	selftest good 'echo 1..2; echo ok 1 one; echo ok 2 two'
	selftest bad 'echo 1..2; echo "# because"; echo not ok 1 one; echo ok 2 two; exit 1'
	selftest skip 'echo "1..0 # SKIP no target"; exit 4'
	selftest slow 'echo 1..1; echo ok 1 one; sleep 60'
	selftest warn 'echo 1..1; echo ok 1 one'
	check selftests
	expect "failures" "$(printf '%s\n' "skip.sh: skipped as a whole: no target" "slow.sh: timeout" \
		"warn.sh: the kernel complained" "bad.sh again: one")" "$(sed -n 's/^not ok [0-9]* selftests: //p' <<< "$out")"
	expect_count 1 "7 passed, 4 failed, 0 skipped"
	ONLY=goo check selftests
	expect_count 0 "3 passed, 0 failed, 0 skipped"
	ONLY=nothing-like-it check selftests
	expect_count 1 "1 passed, 1 failed, 0 skipped"
}

# The first one ends when the third has begun, which is once the second is over
test_two_programs_run_at_a_time() {
	kselftest_repository
	# shellcheck disable=SC2016 # expanded when it runs
	selftest error_below 'echo 1..1; for i in {1..15}; do [ ! -e "${0%/*}/c.begun" ] || { echo ok 1 beside c; exit 0; }; sleep 0.1; done; exit 1'
	# shellcheck disable=SC2016
	selftest fuzz_dm 'echo 1..1; sleep 0.3; touch "${0%/*}/b.over"; echo ok 1 one'
	# shellcheck disable=SC2016
	selftest load_detach 'echo 1..1; touch "${0%/*}/c.begun"; [ -e "${0%/*}/b.over" ] && echo ok 1 after b; sleep 1; touch "${0%/*}/c.over"'
	# shellcheck disable=SC2016
	selftest share_weight 'echo 1..1; [ -e "${0%/*}/c.over" ] && echo ok 1 after c; sleep 1; touch "${0%/*}/d.over"'
	# shellcheck disable=SC2016
	selftest storm 'echo 1..1; [ -e "${0%/*}/d.over" ] && echo ok 1 after d'
	check selftests
	expect "results" "$(printf '%s\n' install "error_below.sh: beside c" "fuzz_dm.sh: one" "load_detach.sh: after b" "share_weight.sh: after c" "storm.sh: after d")" \
		"$(sed -n 's/^ok [0-9]* selftests: //p' <<< "$out")"
	expect_count 0 "6 passed, 0 failed, 0 skipped"
}

test_two_cpus_or_a_clock_that_counts() {
	kselftest_repository
	selftest a 'echo 1..1; echo ok 1 one'
	selftest load_suspend 'echo 1..1; echo ok 1 one'
	check selftests
	expect_count 0 "3 passed, 0 failed, 0 skipped"
	expect "guests with --icount=sleep" a.sh "$(sed -n 's/.* --icount=sleep .*ioband:\([^ ]*\).*/\1/p' "$repository/tools/guest.runs")"
	expect "guests without" load_suspend.sh "$(sed -n '/ --icount=sleep /d; s/.*ioband:\([^ ]*\).*/\1/p' "$repository/tools/guest.runs")"
}

# fails_once NAME: a program whose second test fails the first time
fails_once() {
	# shellcheck disable=SC2016 # expanded when it runs
	selftest "$1" 'echo 1..2; echo ok 1 one; [ ! -e "$0.failed" ] || { echo ok 2 two; exit 0; }' \
		'touch "$0.failed"; echo "# was late"; echo not ok 2 two; exit 1'
}

test_two_programs_may_run_again() {
	kselftest_repository
	fails_once a
	fails_once b
	check selftests
	expect_line "# | was late"
	expect_line "# not ok, the first time: selftests: a.sh: two"
	expect_line "# had to be run a second time: a.sh b.sh"
	expect "results" "$(printf '%s\n' install a.sh:\ one b.sh:\ one "a.sh again: one" "a.sh again: two" "b.sh again: one" "b.sh again: two")" \
		"$(sed -n 's/^ok [0-9]* selftests: //p' <<< "$out")"
	expect_count 0 "7 passed, 0 failed, 0 skipped"
	fails_once a
	fails_once b
	fails_once c
	check selftests
	expect_line "# had to be run a second time: a.sh b.sh"
	expect "failures" "c.sh: two" "$(sed -n 's/^not ok [0-9]* selftests: //p' <<< "$out")"
	expect_count 1 "8 passed, 1 failed, 0 skipped"
}

test_what_loses_data_does_not_run_again() {
	kselftest_repository
	fails_once storm
	# warn: the kernel complains of all that has it in its name
	fails_once a-warn
	selftest early 'echo 1..2; echo not ok 1 one; exit 1'
	check selftests
	expect "failures" "$(printf '%s\n' "a-warn.sh: two" "a-warn.sh: the kernel complained" \
		"early.sh: one" "early.sh: 1 results where the plan says 2" "storm.sh: two")" \
		"$(sed -n 's/^not ok [0-9]* selftests: //p' <<< "$out")"
	expect_count 1 "3 passed, 5 failed, 0 skipped"
	expect "run a second time" 0 "$(grep -c again <<< "$out")"
}

# All of the programs that it names, on a kernel of its own
test_nomemcg_runs_what_it_names() {
	kselftest_repository
	script "$repository/tools/kernel-build" 'echo "$@"'
	selftest owner_id 'echo 1..1; echo ok 1 one'
	selftest owner_swap 'echo "1..0 # SKIP no swapon"; exit 4'
	selftest another 'echo 1..1; echo ok 1 one'
	ONLY=owner_ check nomemcg
	expect_line "ok 1 nomemcg: kernel"
	expect_line "ok 3 nomemcg: owner_id.sh: one"
	expect "what it skips" "owner_swap.sh: skipped as a whole: no swapon" "$(sed -n 's/^not ok [0-9]* nomemcg: \(owner_swap.*\)/\1/p' <<< "$out")"
	expect "what is not there" 0 "$(grep -c '^ok .*owner_raw' <<< "$out")"
	expect "kernels" build/kernel/nomemcg "$(sed -n 's,.*--kernel [^ ]*/\(build/kernel/[^/]*\)/.*,\1,p' "$repository/tools/guest.runs" | sort -u)"
	expect "exit status" 1 "$status"
}

# On a kernel of its own, made for what runs there: a program that skips a test has failed
test_debug_runs_what_it_names() {
	kselftest_repository
	script "$repository/tools/kernel-build" 'echo "$@"'
	# shellcheck disable=SC2016 # expanded when it runs
	selftest fuzz_dm 'echo 1..1; echo "ok 1 $FUZZ_INPUTS inputs"'
	selftest failslab 'echo 1..1; echo "ok 1 one # SKIP the kernel has no CONFIG_FAILSLAB"'
	selftest another 'echo 1..1; echo ok 1 one'
	check debug
	expect_line "ok 1 debug: kernel"
	expect "programs" "$(printf '%s\n' "ok fuzz_dm.sh: 1500 inputs" "not ok failslab.sh: one: skipped")" \
		"$(sed -n 's/^\(.*ok\) [0-9]* debug: \(fuzz_dm.sh\|failslab.sh\)/\1 \2/p' <<< "$out" | sort -r)"
	expect_line "# debug: not run, but by make check DEBUG=1: another"
	expect "kernels" build/kernel/debug "$(sed -n 's,.*--kernel [^ ]*/\(build/kernel/[^/]*\)/.*,\1,p' "$repository/tools/guest.runs" | sort -u)"
	expect "exit status" 1 "$status"
}

# interrupted_check SECTION FILE: a check that is ended once FILE is there
interrupted_check() {
	"$repository/tools/check" "$1" > "$scratch/out" 2>&1 &
	pid=$!
	until [ -e "$2" ]; do
		kill -0 "$pid" || break
		sleep 0.1
	done
	kill -TERM "$pid"
	wait "$pid"
	expect "exit status" 143 "$?"
}

test_interruption_is_a_failure() {
	# shellcheck disable=SC2016 # expanded when it runs
	program a 'echo 1..2; echo ok 1 one; touch "$0.started"; sleep 5; echo ok 2 two'
	interrupted_check tools "$repository/tools/tests/a.sh.started"
	expect "last line" "1 passed, 1 failed, 0 skipped" "$(tail -n 1 "$scratch/out")"
}

# What it has begun in other process groups as well
test_interruption_ends_the_guests() {
	kselftest_repository
	# shellcheck disable=SC2016 # expanded when it runs
	selftest a 'echo 1..1; exec sleep 2'
	# shellcheck disable=SC2016
	selftest b 'echo 1..1; touch "${0%/*}/b.begun"; sleep 1; touch "${0%/*}/../../../b.over"; echo ok 1 one'
	interrupted_check selftests "$repository/build/selftests/install/ioband/b.begun"
	sleep 1.5
	expect "second program" "" "$(find "$repository" -name b.over)"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
