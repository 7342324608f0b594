#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Held bios are issued by several threads, since one may have to wait in the device below. Those of a group stay in order nevertheless, and who
# waits for one device, or for one part of a device, does not keep the others' bios from theirs.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

# Submitters wait for a tag of the leg that is busy
load_nullb leg1 hw_queue_depth=4
load_nullb leg2 hw_queue_depth=4
# For ever, as far as this test is concerned
load_nullb stuck hw_queue_depth=1 completion_nsec=8000000000
load_nullb fast hw_queue_depth=64
leg=$(sectors /dev/leg1)
dm_create stripe "0 $((2 * leg)) striped 2 8 /dev/leg1 0 /dev/leg2 0"

# sectors_of EVENT DEVICE-NUMBER: the sectors of a trace's records, one a line
sectors_of() {
	sed -n "s/.*$1: $2 [^ ]* \\([0-9]*\\) + .*/\\1/p" "$scratch/trace"
}

# in_order FIRST BEYOND: of the bios in these sectors, those that went down did so in the order in which they had come
in_order() {
	local came went number

	number=$(device_number /dev/mapper/ioband1)
	came=$(sectors_of block_bio_queue "${number/:/,}" | awk -v first="$1" -v beyond="$2" '$1 >= first && $1 < beyond')
	number=$(device_number /dev/mapper/stripe)
	went=$(sectors_of block_bio_remap "${number/:/,}" | awk -v first="$1" -v beyond="$2" '$1 >= first && $1 < beyond')
	diag "$(wc -l <<< "$came") came, $(wc -l <<< "$went") went down"
	expect_ge "bios that went down" "$(wc -l <<< "$went")" 200
	# The trace began before the first one came; when it ended some had not gone yet
	diff <(head -n "$(wc -l <<< "$went")" <<< "$came") - <<< "$went" > "$scratch/diff" ||
		fail "bios of a group went down in another order than they came
$(head -n 6 "$scratch/diff")"
}

test_bios_of_a_group_stay_in_order() {
	ioband_create ioband1 /dev/mapper/stripe share1 0 8 user weight 0 :100 1000:300 || return
	trace_start "block/block_bio_queue,dev == $(trace_dev /dev/mapper/ioband1)" "block/block_bio_remap,dev == $(trace_dev /dev/mapper/stripe)"
	# io_uring has workers for what finds no tag at once, so it has no order of its own
	load ioband1 --ioengine=libaio --iodepth=32 --size=512m
	load ioband1 --ioengine=libaio --iodepth=32 --size=512m --offset=512m -- as_user 1000
	wait_until 60 has_read -1 400 && wait_until 60 has_read 1000 400 || return
	trace_stop > "$scratch/trace"
	kill_jobs
	in_order 0 $((1 << 20))
	in_order $((1 << 20)) $((2 << 20))
}

has_read() {
	[ "$(status_column ioband1 "$1" reads)" -ge "$2" ]
}

has_begun() {
	[ "$(awk '{ print $1 + $2 }' /sys/class/block/stuck/inflight)" -ge 1 ]
}

has_done() {
	[ "$(completed fast)" -ge "$1" ]
}

# Of the 24 requests that both may have in flight, ten are the stuck device's for ever
test_a_stuck_device_stops_no_other() {
	local before

	ioband_create ioband1 /dev/stuck share1 0 24 user weight 0 :100 || return
	ioband_create ioband2 /dev/fast share1 0 24 user weight 0 :100 || return
	load ioband2 --iodepth=64
	wait_for_load ioband2/-1 || return
	start_load ioband1 --ioengine=libaio --rw=randread --bs=4k --iodepth=10 --number_ios=10 --size=64m
	wait_until 60 has_begun || return
	# until every thread that takes a bio for it has one
	sleep 2
	before=$(completed stuck)
	wait_until 60 has_done $(($(completed fast) + 1000)) || return
	diag "$(($(completed stuck) - before)) requests of the stuck device completed beside 1000 of the other"
	expect_le "requests of the stuck device" $(($(completed stuck) - before)) 3
	# or the test would wait for all ten
	kill_jobs
}

run_tests test_bios_of_a_group_stay_in_order test_a_stuck_device_stops_no_other
