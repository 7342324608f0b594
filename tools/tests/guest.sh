#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of tools/guest: what goes in, what comes out, and that nothing that goes wrong
# in the guest looks like success. Needs a kernel: GUEST_KERNEL, or the one of
# `make kernel`. Prints KTAP.

set -u
# shellcheck source=SCRIPTDIR/lib/ktap.sh
. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"
kernel=${GUEST_KERNEL:-$top/build/kernel/guest/arch/x86/boot/bzImage}

# guest ARG...: runs tools/guest; leaves $status, $out (stdout), $err (stderr)
guest() {
	status=0
	"$top/tools/guest" --kernel "$kernel" --log "$scratch/log" --timeout 120 "$@" \
		> "$scratch/out" 2> "$scratch/err" < /dev/null || status=$?
	out=$(< "$scratch/out")
	err=$(< "$scratch/err")
}

# refused WHAT SENTENCE ARG...: exit status 125, one sentence on stderr, no output
refused() {
	local what=$1 sentence=$2

	shift 2
	guest "$@"
	expect "$what: exit status" 125 "$status"
	expect "$what: lines on stderr" 1 "$(wc -l < "$scratch/err")"
	expect_like "$what: stderr" "tools/guest: $sentence" "$err"
	expect "$what: output" "" "$out"
}

test_status_and_output_pass() {
	guest -- bash -c 'echo to-stdout; echo to-stderr >&2; echo again > /dev/stdout; exit 3'
	expect "exit status" 3 "$status"
	expect "output" $'to-stdout\nto-stderr\nagain' "$out"
	expect "stderr" "" "$err"
}

test_success_and_odd_arguments() {
	local odd=("two words" "" "quote'and\"quote" $'new\nline' "\$HOME \`x\` \\" "*" "ünï" "-n" "a,b=c")

	guest printf '<%s>' "${odd[@]}"
	expect "exit status" 0 "$status"
	expect "arguments" "$(printf '<%s>' "${odd[@]}")" "$out"
}

test_signal_death_is_seen() {
	# shellcheck disable=SC2016 # expanded in the guest
	guest bash -c 'kill -9 $$'
	expect "exit status" 137 "$status"
}

test_large_binary_output_is_complete() {
	head -c 20000000 /dev/urandom > "$scratch/random"
	mkdir "$scratch/binary"
	cp "$scratch/random" "$scratch/binary/"
	"$top/tools/guest" --kernel "$kernel" --log "$scratch/log" --share "$scratch/binary" \
		cat /tmp/share/random > "$scratch/random.out"
	cmp -s "$scratch/random" "$scratch/random.out"
	expect "cmp" 0 "$?"
}

# Only a command that is still running can be asked for its second half.
test_output_comes_as_it_is_written() {
	mkdir "$scratch/gate"
	"$top/tools/guest" --kernel "$kernel" --log "$scratch/log" --timeout 60 --share "$scratch/gate" -- \
		bash -c 'echo first; until [ -e /tmp/share/open ]; do sleep 0.1; done; echo second' |
		while read -r line; do
			[ "$line" != first ] || : > "$scratch/gate/open"
			echo "$line"
		done > "$scratch/out"
	expect "output" $'first\nsecond' "$(< "$scratch/out")"
}

test_working_directory_and_root_are_this_machines() {
	cd "$scratch" || return
	echo here > "file in cwd"
	# shellcheck disable=SC2016 # expanded in the guest
	guest bash -c 'pwd; cat "file in cwd"; echo changed > "file in cwd"; id -u; ls -A /tmp /dev/shm |
		grep -v -e : -e "^$"; [ ! -t 0 ] && ! read -r && echo no-stdin'
	expect "exit status" 0 "$status"
	expect "output" "$scratch"$'\nhere\n0\n'"$(basename "$scratch")"$'\nno-stdin' "$out"
	expect "the file on the host" here "$(< "file in cwd")"
}

test_root_is_writable_and_forgotten() {
	guest bash -c 'useradd -m -u 4711 guest-test && rm -r /etc/default && mkdir /etc/default &&
		chown guest-test /etc/default && stat -c %u /home/guest-test /etc/default'
	expect "exit status" 0 "$status"
	expect "output" $'4711\n4711' "$out"
	expect "the user on the host" "" "$(getent passwd guest-test)"
}

test_system_is_mounted() {
	# shellcheck disable=SC2016 # expanded in the guest
	guest bash -c 'for t in cgroup2 configfs debugfs tracefs proc sysfs devtmpfs devpts; do
			findmnt -n -o FSTYPE -t "$t" | head -n 1
		done; grep -w io /sys/fs/cgroup/cgroup.controllers > /dev/null && ip -o link show lo up | wc -l
		ls /sys/block | grep -c -e nullb -e sd'
	expect "output" $'cgroup2\nconfigfs\ndebugfs\ntracefs\nproc\nsysfs\ndevtmpfs\ndevpts\n1\n0' "$out"
}

test_share_is_writable() {
	mkdir "$scratch/share,with comma"
	echo "from the host" > "$scratch/share,with comma/in"
	guest --share "$scratch/share,with comma" bash -c 'cat /tmp/share/in; echo "from the guest" > /tmp/share/out; mkdir /tmp/share/directory'
	expect "exit status" 0 "$status"
	expect "read" "from the host" "$out"
	expect "written" "from the guest" "$(cat "$scratch/share,with comma/out")"
	[ -d "$scratch/share,with comma/directory" ]
	expect "directory" 0 "$?"
}

test_disks_in_order_and_written() {
	truncate -s 8M "$scratch/disk0"
	truncate -s 24M "$scratch/disk1"
	guest --disk "$scratch/disk0" --disk "$scratch/disk1" bash -c 'blockdev --getsize64 /dev/vda /dev/vdb && echo written > /dev/vdb'
	expect "exit status" 0 "$status"
	expect "sizes" $'8388608\n25165824' "$out"
	expect "content" written "$(head -n 1 "$scratch/disk1" | tr -d '\0')"
}

test_cpus_memory_and_append() {
	# shellcheck disable=SC2016 # expanded in the guest
	guest --cpus 3 --memory 777 --append 'tools.test=42 "tools.words=a b"' \
		bash -c 'nproc; awk "/^MemTotal/ { print (\$2 > 650000 && \$2 < 777 * 1024) }" /proc/meminfo; grep -o "tools\.test.*" /proc/cmdline'
	expect "output" $'3\n1\ntools.test=42 "tools.words=a b"' "$out"
}

# Counted time is the same for the same work; the host's is not.
test_icount() {
	# shellcheck disable=SC2016 # expanded in the guest
	guest --icount bash -c 'nproc
		work() { local i; for ((i = 0; i < $1; i++)); do :; done; }
		work 10000
		a=${EPOCHREALTIME/./}; work 40000; b=${EPOCHREALTIME/./}; work 80000; c=${EPOCHREALTIME/./}
		percent=$(((c - b) * 100 / (b - a)))
		((percent > 190 && percent < 210)) && echo "twice the work: twice the time" || echo "$percent %"'
	expect "exit status" 0 "$status"
	expect "CPUs, ratio" $'1\ntwice the work: twice the time' "$out"
}

test_leftover_processes_do_not_hold_the_guest() {
	guest bash -c 'sleep 1000 & setsid sleep 1000 & echo started'
	expect "exit status" 0 "$status"
	expect "output" started "$out"
}

test_timeout() {
	guest --timeout 5 sleep 1000
	expect "exit status" 124 "$status"
	expect_like "stderr" "tools/guest: timeout: *5 s*" "$err"
}

# The kernel's words come from an unprivileged line in its log, so that every kernel
# can say them.
test_kernel_complaints_fail() {
	local complaint

	for complaint in \
		"WARNING: CPU: 1 PID: 99 at drivers/md/dm.c:1 dm_x+0x1/0x2" \
		"BUG: sleeping function called from invalid context at mm/x.c:1" \
		"INFO: task fio:99 blocked for more than 120 seconds." \
		"WARNING: possible circular locking dependency detected"; do
		guest bash -c "echo visible; echo '<4>$complaint' > /dev/kmsg; echo '<4>and its context' > /dev/kmsg; exit 0"
		expect "$complaint: exit status" 126 "$status"
		expect "output" visible "$out"
		expect_like "stderr" "*the kernel complained*$complaint*and its context*" "$err"
		expect_like "log" "*$complaint*" "$(cat "$scratch/log")"
	done
}

test_data_races_of_others_are_no_complaint() {
	guest bash -c "echo '<4>BUG: KCSAN: data-race in do_epoll_wait / unshare_fs' > /dev/kmsg"
	expect "exit status" 0 "$status"
	guest bash -c "echo '<4>BUG: KCSAN: data-race in a_function / set_page_stamps' > /dev/kmsg"
	expect "exit status" 126 "$status"
	expect_like "stderr" "*the kernel complained*set_page_stamps*" "$err"
}

test_modules() {
	mkdir -p "$scratch/modules/1.2.3"
	echo here > "$scratch/modules/1.2.3/file"
	guest --modules "$scratch/modules" cat /lib/modules/1.2.3/file
	expect "exit status" 0 "$status"
	expect "output" here "$out"
}

test_panic_is_a_complaint() {
	guest --append "init=/bin/false" true
	expect "exit status" 126 "$status"
	expect_like "stderr" "*Kernel panic*" "$err"
}

test_guest_that_goes_away() {
	guest bash -c 'echo last words; sleep 1; poweroff -f > /dev/null 2>&1'
	expect "exit status" 127 "$status"
	expect "output" "last words" "$out"
	expect_like "stderr" "tools/guest: the guest ended without a status*" "$err"
}

test_bad_usage_is_refused() {
	refused "missing kernel" "no kernel image at $scratch/none: run 'make kernel' first" --kernel "$scratch/none" true
	refused "unknown option" "unknown option '--frobnicate'*" --frobnicate true
	refused "no command" "no command given*"
	refused "no argument" "--disk wants an argument" --disk
	refused "CPUs" "--cpus wants a number from 1 to 64, not '0'" --cpus 0 true
	refused "memory" "--memory wants a number * not 'much'" --memory much true
	refused "timeout" "--timeout wants a number * not '-1'" --timeout -1 true
	refused "icount" "--icount * cannot be used with --cpus 2" --icount --cpus 2 true
	refused "disk" "--disk $scratch/none is neither *" --disk "$scratch/none" true
	refused "modules" "--modules $scratch/none is not a directory" --modules "$scratch/none" true
	refused "share" "--share $scratch/none is not a directory" --share "$scratch/none" true
	refused "append" "the kernel's command line is too long *" --append "$(printf '%02000d' 0)" true
	refused "log" "cannot write the console log *" --log "$scratch/none/log" true
	expect "left behind" "" "$(ls "$scratch/none" 2> /dev/null)"
}

test_not_a_kernel() {
	echo "not a kernel" > "$scratch/text"
	guest --kernel "$scratch/text" true
	expect "exit status" 125 "$status"
	expect_like "stderr" "tools/guest: QEMU failed: *" "$err"
}

# qemu_of LOG: the process whose console goes to LOG
qemu_of() {
	local entry

	for entry in /proc/[0-9]*; do
		if [[ $(cat "$entry/comm" 2> /dev/null) == qemu-system* ]] &&
		   grep -aqF "path=$1" "$entry/cmdline" 2> /dev/null; then
			echo "${entry#/proc/}"
		fi
	done
}

test_termination_ends_qemu() {
	local pid qemu

	"$top/tools/guest" --kernel "$kernel" --log "$scratch/log.int" --share "$scratch" -- \
		bash -c 'echo > /tmp/share/running; sleep 1000' > /dev/null 2>&1 < /dev/null &
	pid=$!
	until [ -e "$scratch/running" ]; do
		kill -0 "$pid" || break
		sleep 0.2
	done
	qemu=$(qemu_of "$scratch/log.int")
	expect_like "QEMU's process" "[0-9]*" "$qemu"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	expect "exit status" 143 "$status"
	kill -0 "$qemu" 2> /dev/null
	expect "QEMU is gone" 1 "$?"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
