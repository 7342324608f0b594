#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints ioband_hold, ioband_issue and ioband_epoch, and the notes that blktrace shows among its own records.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

require blktrace
load_nullb slow

# has_field EVENT NAME SIZE SIGNED
has_field() {
	grep -Eq "field:[^;]*\<$2;.*size:$3;[[:space:]]*signed:$4;" "$(tracefs)/events/ioband/$1/format" ||
		fail "ioband:$1 has no field $2 of $3 bytes, signed $4
$(cat "$(tracefs)/events/ioband/$1/format")"
}

test_events_have_device_group_and_sectors() {
	local event

	for event in ioband_hold ioband_issue; do
		has_field "$event" dev 4 0
		has_field "$event" group 8 1
		has_field "$event" write 1 0
		has_field "$event" sectors 4 0
	done
	has_field ioband_issue delayed 1 0
	has_field ioband_epoch dev 4 0
}

# finite_load: two users, 600 requests each of 4 and 64 KiB, most of them held; ends when all have completed
finite_load() {
	local pids=()

	start_load ioband1 --ioengine=libaio --rw=randrw --bs=4k --size=256m --norandommap --iodepth=64 --number_ios=600
	pids+=($!)
	start_load ioband1 --ioengine=libaio --rw=randrw --bs=64k --size=256m --norandommap --iodepth=64 --number_ios=600 -- as_user 1000
	pids+=($!)
	expect_verified "${pids[@]}"
}

# events NAME [PATTERN]: how many the trace has, with that in them
events() {
	grep "ioband_$1: " "$scratch/trace" | grep -c -- "${2:-}"
}

requests_of() {
	echo $(($(status_column ioband1 "$1" reads) + $(status_column ioband1 "$1" writes)))
}

test_events_agree_with_the_counters() {
	local group held

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	trace_start ioband/ioband_hold ioband/ioband_issue ioband/ioband_epoch
	finite_load
	trace_stop > "$scratch/trace"
	diag "$(grep -m 2 ioband_hold "$scratch/trace"; grep -m 2 ioband_issue "$scratch/trace"; grep -m 2 ioband_epoch "$scratch/trace")"
	for group in -1 1000; do
		held=$(($(status_column ioband1 "$group" reads_delayed) + $(status_column ioband1 "$group" writes_delayed)))
		expect_ge "held requests of group $group" "$held" 100
		expect_eq "hold events of group $group" "$held" "$(events hold "group=$group ")"
		expect_eq "issue events of group $group" "$(requests_of "$group")" "$(events issue "group=$group ")"
		expect_eq "issue events of delayed requests of group $group" "$held" "$(events issue "group=$group .*delayed=1")"
	done
	expect_eq "hold events with the sectors of user 1000's requests" "$(events hold 'group=1000 ')" "$(events hold 'group=1000 .*sectors=128')"
	expect_ge "epochs" "$(events epoch)" 3
}

test_events_can_be_filtered_by_group() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	trace_start "ioband/ioband_hold,group == 1000" "ioband/ioband_issue,dev == $(trace_dev /dev/mapper/ioband1) && group == -1"
	finite_load
	trace_stop > "$scratch/trace"
	expect_ge "hold events of group 1000" "$(events hold)" 100
	expect_eq "hold events of others" 0 "$(($(events hold) - $(events hold 'group=1000 ')))"
	expect_ge "issue events of the default group" "$(events issue)" 100
	expect_eq "issue events of others" 0 "$(($(events issue) - $(events issue 'group=-1 ')))"
}

# blkparse before 1.3.0 skips the notes of a kernel with CONFIG_BLK_CGROUP, so they are looked for in what blktrace has written
blktrace_notes() {
	cat "$scratch"/blktrace.blktrace.* | grep -a -o "ioband $1 group=$2 [a-z]* [0-9]*" | wc -l
}

test_blktrace_notes_holds_and_issues() {
	local group held

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	blktrace_start ioband1 || return
	finite_load
	blktrace_stop
	for group in -1 1000; do
		held=$(($(status_column ioband1 "$group" reads_delayed) + $(status_column ioband1 "$group" writes_delayed)))
		expect_ge "held requests of group $group" "$held" 100
		expect_eq "notes of holds of group $group" "$held" "$(blktrace_notes hold "$group")"
		expect_eq "notes of issues of group $group" "$held" "$(blktrace_notes issue "$group")"
	done
}

run_tests test_events_have_device_group_and_sectors test_events_agree_with_the_counters test_events_can_be_filtered_by_group \
	test_blktrace_notes_holds_and_issues
