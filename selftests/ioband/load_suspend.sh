#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Suspend drains held bios, a noflush suspend hands them back, a reload keeps the scheduler; whatever comes in between, no block is lost.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow memory_backed=1
# One request at a time, 50 ms each
load_nullb slower completion_nsec=50000000 hw_queue_depth=1

# under_load COMMAND...: most bios of the loads are held
under_load() {
	local held=0

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:10 || return
	while_verified 5 and_then_some_load "$@" || return
	held=$((held + $(total_delayed)))
	diag "$held requests were held"
	expect_ge "held requests" "$held" 1000
}

and_then_some_load() {
	"$@" && sleep 0.2
}

# nothing_happens: while the device is suspended, none of its I/O does
nothing_happens() {
	local before

	before=$(completed slow)
	sleep 0.2
	expect_eq "requests completed below a suspended device" 0 $(($(completed slow) - before))
}

suspend_and_resume() {
	dm_suspend ioband1 && nothing_happens && dm_resume ioband1
}

suspend_noflush_and_resume() {
	dm_suspend ioband1 --noflush && nothing_happens && dm_resume ioband1
}

# The counters are the table's, so they begin again with it
reload() {
	held=$((held + $(total_delayed)))
	dm_reload ioband1 "$(table ioband1)"
}

test_suspend_and_resume_under_verified_load() {
	under_load suspend_and_resume
}

test_noflush_suspend_and_resume_under_verified_load() {
	under_load suspend_noflush_and_resume
}

test_reload_under_verified_load() {
	under_load reload
	expect_eq "groups after reloads" "share1 4 16 user weight 64 :100 1000:10" "$(table ioband1 | cut -d ' ' -f 5-)"
}

# hundred_reads [FIO-OPTION...]: of which one at a time can be served
hundred_reads() {
	ioband_create ioband1 /dev/slower share1 1 1 none weight 0 :100 || return
	trace_start ioband/ioband_hold
	before=$(completed slower)
	start_load ioband1 --ioengine=libaio --rw=randread --bs=4k --iodepth=100 --iodepth_batch_submit=100 --number_ios=100 --size=64m "$@"
	reader=$!
	wait_until 60 has_held 99 && wait_until 60 has_completed $((before + 3))
}

has_held() {
	[ "$(grep -c ioband_hold: "$trace_instance/trace")" -ge "$1" ]
}

has_completed() {
	[ "$(completed slower)" -ge "$1" ]
}

test_suspend_waits_for_all_held_bios() {
	local reader before

	hundred_reads || return
	dm_suspend ioband1 || return
	expect_eq "requests completed when suspended" 100 $(($(completed slower) - before))
	dm_resume ioband1
	expect_verified "$reader"
}

# One or two of those in flight complete; without the hand-back all hundred would
test_noflush_suspend_hands_held_bios_back() {
	local reader before completed_now

	hundred_reads || return
	dm_suspend ioband1 --noflush || return
	completed_now=$(($(completed slower) - before))
	diag "$completed_now of 100 requests completed when suspended"
	expect_le "requests completed when suspended" "$completed_now" 80
	dm_resume ioband1
	expect_verified "$reader"
	expect_eq "requests completed in the end" 100 $(($(completed slower) - before))
}

# io_uring asks not to wait for a request (REQ_NOWAIT), and can try again only while it submits. Device-mapper would submit such bios again to a
# device that takes one at a time, and the process would get "Resource temporarily unavailable". So they are issued instead of handed back.
test_noflush_suspend_fails_nothing_that_asked_not_to_wait() {
	local reader before

	hundred_reads --ioengine=io_uring || return
	dm_suspend ioband1 --noflush || return
	expect_eq "requests completed when suspended" 100 $(($(completed slower) - before))
	must message ioband1 io_limit 16
	dm_resume ioband1
	expect_verified "$reader"
}

# Device-mapper fails readahead (REQ_RAHEAD) that comes to a suspended device, and so it may what it was handed back
test_noflush_suspend_fails_no_readahead() {
	local device i errors held=0

	ioband_create ioband1 /dev/slower share1 1 1 none weight 0 :100 || return
	device=$(dmsetup info -c --noheadings --separator , -o major,minor ioband1)
	must blockdev --setra 8192 /dev/mapper/ioband1
	trace_start ioband/ioband_hold block/block_bio_complete
	for ((i = 1; i <= 20; i++)); do
		# One window of readahead, and nothing more while the device is suspended: that would fail on any target
		dd if=/dev/mapper/ioband1 of=/dev/null bs=1M count=1 status=none &
		wait_until 60 has_held $((held + 3)) || return
		dm_suspend ioband1 --noflush || return
		dm_resume ioband1
		held=$(grep -c ioband_hold: "$trace_instance/trace")
		wait
		must blockdev --flushbufs /dev/mapper/ioband1
	done
	diag "$held bios were held"
	errors=$(awk -v device="$device" '/block_bio_complete:/ && $0 ~ ": " device " R" && !/\[0\]$/' "$trace_instance/trace")
	expect_eq "reads that failed" "" "$errors"
	expect_ge "reads that completed" "$(grep -c "block_bio_complete: $device R.*\[0\]$" "$trace_instance/trace")" 20
}

run_tests test_suspend_and_resume_under_verified_load test_noflush_suspend_and_resume_under_verified_load test_reload_under_verified_load \
	test_suspend_waits_for_all_held_bios test_noflush_suspend_hands_held_bios_back \
	test_noflush_suspend_fails_nothing_that_asked_not_to_wait test_noflush_suspend_fails_no_readahead
