#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of tools/bench: what is wrong with a figure, a goal, a ceiling or a guest is seen, and
# never looks like a good result. A tools/guest of our own stands in for QEMU. Prints KTAP.

set -u
# shellcheck source=SCRIPTDIR/lib/ktap.sh
. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"

# A repository with the true tools/bench; workload small is its only one
before_test() {
	repository=$scratch/$1
	mkdir -p "$repository/tools"
	cp -r "$top/tools/bench" "$top/tools/lib.sh" "$repository/tools/"
	rm "$repository"/tools/bench/workloads/*
	workload small "# question: Is it small?"
	script "$repository/tools/packages" 'exit 0'
	touch "$repository/bzImage"
	echo cost,randread,ioband-none,over_base,250 > "$repository/tools/bench/ceilings"
	unset ONLY
}

workload() {
	printf '%s\n' "${@:2}" > "$repository/tools/bench/workloads/$1"
}

# guests_leave LINE...: what a guest does in its shared directory, the workload is $1 there
# shellcheck disable=SC2016 # expanded in that script
guests_leave() {
	script "$repository/tools/guest" 'while [ "$1" != -- ]; do [ "$1" != --share ] || dir=$2; shift; done' \
		'shift 2; cd "$dir" || exit' "$@"
}

# bench ARG...: leaves $status, $out and $err
bench() {
	status=0
	out=$(cd "$repository" && tools/bench/run --kernel bzImage "$@" 2> "$scratch/err") || status=$?
	err=$(< "$scratch/err")
}

# expect_line TEXT LINE: it is one of those of TEXT
expect_line() {
	grep -qxF -e "$2" <<< "$1" && return
	printf '# no line %q in:\n' "$2"
	printf '# | %s\n' "${1//$'\n'/$'\n# | '}"
	right=false
}

test_goals_that_are_met() {
	guests_leave 'echo small/x,y; echo small,a,bare,speed,20,IOPS > records.csv' \
		'echo small,a,ioband,speed,19.9,IOPS >> records.csv' 'echo small,a,ioband,speed,\>=,19 > goals.csv'
	bench
	expect "exit status" 0 "$status"
	expect_line "$out" "Is it small?"
	expect_line "$out" "| variant | stack         | speed, IOPS        |"
	expect_line "$out" "| a       | bare device   | 20                 |"
	expect_line "$out" "|         | **dm-ioband** | 19.90 (>= 19: met) |"
	expect_line "$out" "1 of 1 goals met"
}

test_goal_that_is_missed() {
	guests_leave 'echo small,a,ioband,error,0.51,% > records.csv' 'echo small,a,ioband,error,\<=,0.5 > goals.csv'
	bench
	expect "exit status" 1 "$status"
	expect_line "$out" "- NOT MET: small, a, **dm-ioband**: error is 0.51, to reach <= 0.50"
	expect_line "$err" "tools/bench/run: not every goal is met"
}

test_goal_with_two_bounds() {
	guests_leave 'echo small,a,ioband,ratio,3.4,times > records.csv' \
		'printf "small,a,ioband,ratio,%s\n" \>=,3.6 \<=,4.4 > goals.csv'
	bench
	expect "exit status" 1 "$status"
	expect_line "$out" "| a       | **dm-ioband** | 3.40 (>= 3.60, <= 4.40: NOT MET) |"
	expect_line "$out" "1 of 2 goals met"
	expect_line "$out" "- NOT MET: small, a, **dm-ioband**: ratio is 3.40, to reach >= 3.60"
}

test_goal_without_a_figure() {
	guests_leave 'echo small,a,bare,error,3,% > records.csv' 'echo small,a,ioband,error,\<=,0.5 > goals.csv'
	bench
	expect "exit status" 1 "$status"
	expect_line "$out" "- NOT MET: small, a, **dm-ioband**: no figure for error"
}

test_figure_that_is_no_number() {
	guests_leave 'echo small,a,ioband,back,never,ms > records.csv' 'echo small,a,ioband,back,\<=,100 > goals.csv'
	bench
	expect "exit status" 1 "$status"
	expect_line "$out" "- NOT MET: small, a, **dm-ioband**: back is never, to reach <= 100"
}

test_no_goals_at_all() {
	guests_leave 'echo small,a,ioband,error,0,% > records.csv'
	bench
	expect "exit status" 1 "$status"
	expect_line "$out" "0 of 0 goals met"
}

test_guest_that_fails() {
	guests_leave 'echo small,a,ioband,error,0,% > records.csv' 'echo small,a,ioband,error,\<=,0.5 > goals.csv' \
		'echo the reason' 'exit 126'
	bench
	expect "exit status" 1 "$status"
	expect_line "$err" "| the reason"
	expect_line "$err" "tools/bench/run: 1 of the workloads failed: small"
	expect "tables" "" "$out"
}

# shellcheck disable=SC2016 # expanded where the guest should be
test_only_some_workloads() {
	workload other "# question: Another?"
	guests_leave 'echo "$1,a,ioband,error,0,%" > records.csv' 'echo "$1,a,ioband,error,<=,0.5" > goals.csv'
	ONLY=none,oth bench
	expect "exit status" 0 "$status"
	expect_line "$out" "## other"
	expect "other tables" "" "$(grep '^## small' <<< "$out")"
	ONLY=nothing bench
	expect "exit status without workloads" 1 "$status"
	expect "stderr" "tools/bench/run: no workload has a name with nothing in it: there are other small" "$err"
}

test_workload_that_wants_another_guest() {
	workload small '# question: Is it small?' '# guest_options="--cpus 4"'
	script "$repository/tools/guest" 'echo "$*" > arguments; exit 1'
	bench
	expect "options" "--cpus 4" "$(grep -o -e '--cpus 4' -e '--icount' "$repository/arguments")"
}

test_ceilings() {
	workload cost '# question: How much?'
	workload owners '# question: Whose?'
	guests_leave 'echo cost,randread,ioband-none,over_base,249.6,per I/O > records.csv'
	bench --ceilings
	expect "exit status" 0 "$status"
	expect_line "$out" "1..1"
	expect_line "$out" "ok 1 - randread, ioband-none, over base # 250 instructions per I/O, ceiling 250"
	guests_leave 'echo cost,randread,ioband-none,over_base,251,per I/O > records.csv'
	bench --ceilings
	expect "exit status above it" 1 "$status"
	expect_line "$out" "not ok 1 - randread, ioband-none, over base # 251 instructions per I/O, ceiling 250"
	guests_leave ':'
	bench --ceilings
	expect "exit status unmeasured" 1 "$status"
	expect_line "$out" "not ok 1 - randread, ioband-none, over base"
}

# What a workload does in its two guests, relative to each other
# shellcheck disable=SC2016 # expanded where the guest should be
test_two_guests_of_one_workload() {
	workload cost '# question: How much?'
	workload small '# question: Is it small?' '# also_with: other=1' '# missed: It is large.'
	cp "$repository/tools/bench/workloads/small" "$repository/tools/bench/workloads/owners"
	rm "$repository/tools/bench/workloads/cost"
	script "$repository/tools/guest" 'a=1000; [[ "$*" != *other=1* ]] || a=990' \
		'while [ "$1" != -- ]; do [ "$1" != --share ] || dir=$2; shift; done; cd "$dir" || exit' \
		'[ "$3" = small ] || exit 0' \
		'if [ "$a" = 990 ]; then echo small,a,ioband,n,$a,I > records.csv; echo small,a,ioband,n,\<=,0.99*bare > goals.csv' \
		'else echo small,a,bare,n,$a,I > records.csv; fi'
	bench
	expect "exit status" 0 "$status"
	expect_line "$out" "|         | **dm-ioband** | 990 (<= 990: met) |"
	sed -i 's/0.99/0.98/' "$repository/tools/guest"
	bench
	expect "exit status of one that misses" 1 "$status"
	expect_line "$out" "- NOT MET: small, a, **dm-ioband**: n is 990, to reach <= 980"
	expect_line "$out" "  Why: It is large."
	workload cost '# question: How much?'
	for factor in 0.99 0.98; do
		echo "small,a,ioband,n,$factor*bare" > "$repository/tools/bench/ceilings"
		sed -i 's/"$3" = small/-n "$3"/' "$repository/tools/guest"
		bench --ceilings
		expect_line "$out" "$([ "$factor" = 0.99 ] || echo "not ")ok 1 - a, ioband, n # 990 instructions per I/O, ceiling ${factor#0.}0"
	done
}

test_wrong_usage() {
	guests_leave ':'
	bench --fast
	expect "exit status" 1 "$status"
	expect "stderr" "tools/bench/run: unknown argument --fast: see tools/bench/run --help" "$err"
	bench --kernel /nonexistent
	expect "stderr" "tools/bench/run: no kernel image at /nonexistent" "$err"
	ONLY=small bench --update-results
	expect "stderr" "tools/bench/run: --update-results wants all workloads, not ONLY=small" "$err"
	bench --kernel
	expect "stderr" "tools/bench/run: --kernel needs the path of a bzImage" "$err"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
