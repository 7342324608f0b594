# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the dm-ioband selftests that do more than a process for each operation allows: what owner.sh has, programs in C, and memory that must come back.
#
#	. "${BASH_SOURCE[0]%/*}/raw.sh"
#	raw_program dm_storm
#
#   raw_program NAME               $program is NAME, which is beside the tests (make has built it there), or is built now
#   memory_in_use                  kilobytes that the kernel has in slabs and per-CPU memory, and cannot take back
#   expect_memory_back BEFORE MARGIN  within a minute no more than MARGIN kilobytes more than memory_in_use said before; where the kernel has kmemleak,
#                                  expect_no_leaks instead
#   expect_no_leaks                that kmemleak, where the kernel has it, finds nothing that nobody knows of any more
#   ioband_threads_are NUMBER      are there so many?
#   ioband_threads                 how many threads of ioband devices there are; each device has four

. "${BASH_SOURCE[0]%/*}/owner.sh"

# shellcheck disable=SC2034 # for the programs
raw_program() {
	program=$ioband_dir/$1
	[ ! -x "$program" ] || return 0
	program=$scratch/$1
	require cc
	cc -D_GNU_SOURCE -O2 -o "$program" "$ioband_dir/$1.c" || bail "$1.c cannot be built"
}

memory_in_use() {
	awk '$1 == "SUnreclaim:" || $1 == "Percpu:" { sum += $2 } END { print sum }' /proc/meminfo
}

memory_is_back() {
	[ "$(memory_in_use)" -le "$1" ]
}

# What is freed by RCU, and what a CPU keeps for itself, comes back a little later
expect_memory_back() {
	# Memory that is freed is kept for a while where leaks are searched for
	if [ -w /sys/kernel/debug/kmemleak ]; then
		expect_no_leaks
		return
	fi
	wait_until 60 memory_is_back $(($1 + $2)) || true
	diag "memory of the kernel: $1 kB before, $(memory_in_use) kB after"
}

# An object younger than five seconds is not looked at; only what two scans in a row find is reported
expect_no_leaks() {
	local file=/sys/kernel/debug/kmemleak

	if [ ! -w "$file" ]; then
		diag "no search for leaks: the kernel has no CONFIG_DEBUG_KMEMLEAK"
		return
	fi
	sleep 6
	echo scan > "$file"
	echo scan > "$file"
	expect_eq "what kmemleak found" "" "$(head -n 60 "$file")"
}

ioband_threads() {
	cat /proc/[0-9]*/comm 2> /dev/null | grep -c '^ioband-'
}

# A thread that has been told to stop is in /proc for a moment longer
ioband_threads_are() {
	[ "$(ioband_threads)" = "$1" ]
}
