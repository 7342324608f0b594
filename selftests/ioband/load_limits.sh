#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# io_throttle and io_limit: below the one nothing is held, at the other everything is.
# What is in flight is counted from a trace of the device below, which could take 64 requests at a time.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb deep hw_queue_depth=64 completion_nsec=100000000
load_nullb slow

# most_in_flight DIRECTION: R or W
most_in_flight() {
	sed -nE 's/.*block_rq_(issue|complete): [^ ]* ([RW])[^ ]* .*/\1 \2/p' "$scratch/trace" | awk -v direction="$1" '
		$2 == direction { inside += $1 == "issue" ? 1 : -1; if (inside > most) most = inside }
		END { print most + 0 }'
}

# trace_in_flight WHILE...: traces the device while the command runs
trace_in_flight() {
	local dev

	dev=$(trace_dev /dev/deep)
	trace_start "block/block_rq_issue,dev == $dev" "block/block_rq_complete,dev == $dev"
	"$@"
	kill_jobs
	trace_stop > "$scratch/trace"
	diag "at most $(most_in_flight R) reads and $(most_in_flight W) writes in flight"
}

mixed_load() {
	load ioband1 --rw=randrw --iodepth=128
	load ioband1 --rw=randrw --iodepth=128 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000
	sleep 1
}

test_io_limit_bounds_reads_and_writes() {
	ioband_create ioband1 /dev/deep share1 2 6 user weight 0 :100 1000:300 || return
	trace_in_flight mixed_load
	expect_eq "reads in flight" 6 "$(most_in_flight R)"
	expect_eq "writes in flight" 6 "$(most_in_flight W)"
}

read_load() {
	load ioband1 --iodepth=128
	wait_for_load ioband1/-1
	sleep 1
}

test_io_limit_0_is_the_queue_size() {
	ioband_create ioband1 /dev/deep share1 0 0 none weight 0 :100 || return
	trace_in_flight read_load
	expect_eq "reads in flight" 64 "$(most_in_flight R)"
}

lower_limit_under_load() {
	load ioband1 --iodepth=128
	wait_for_load ioband1/-1
	must message ioband1 io_limit 5
	# What was in flight before has gone
	sleep 1
	trace_stop > /dev/null
	trace_start "block/block_rq_issue,dev == $(trace_dev /dev/deep)" "block/block_rq_complete,dev == $(trace_dev /dev/deep)"
	sleep 1
}

# Those in flight when the trace begins are seen to complete only, so the count may be too low by at most the limit
test_io_limit_message_under_load() {
	ioband_create ioband1 /dev/deep share1 2 20 none weight 0 :100 || return
	trace_in_flight lower_limit_under_load
	expect_le "reads in flight" "$(most_in_flight R)" 5
}

# count_of_delayed DEPTH1 DEPTH2: two groups 1:100, 400 requests each, with that many at a time
count_of_delayed() {
	local pids=()

	start_load ioband1 --ioengine=libaio --rw=randread --bs=4k --size=64m --iodepth="$1" --number_ios=400
	pids+=($!)
	start_load ioband1 --ioengine=libaio --rw=randrw --bs=4k --size=64m --iodepth="$2" --number_ios=400 -- as_user 1000
	pids+=($!)
	expect_verified "${pids[@]}"
	delayed_count=$(total_delayed)
	expect_eq "requests" 800 "$(status ioband1 | awk '{ for (i = 5; i <= NF; i += 7) total += $(i + 1) + $(i + 4) } END { print total }')"
}

test_nothing_is_held_below_io_throttle() {
	ioband_create ioband1 /dev/slow share1 4 16 user weight 0 :1 1000:100 || return
	count_of_delayed 1 2
	expect_eq "delayed requests at 3 in flight, io_throttle 4" 0 "$delayed_count"
}

test_nothing_is_held_below_a_larger_io_throttle() {
	ioband_create ioband1 /dev/slow share1 14 16 user weight 0 :1 1000:100 || return
	count_of_delayed 6 7
	expect_eq "delayed requests at 13 in flight, io_throttle 14" 0 "$delayed_count"
}

test_requests_beyond_io_limit_are_held() {
	ioband_create ioband1 /dev/slow share1 2 4 user weight 0 :1 1000:100 || return
	count_of_delayed 12 12
	expect_ge "delayed requests at 24 at a time, io_limit 4" "$delayed_count" 200
}

run_tests test_io_limit_bounds_reads_and_writes test_io_limit_0_is_the_queue_size test_io_limit_message_under_load \
	test_nothing_is_held_below_io_throttle test_nothing_is_held_below_a_larger_io_throttle test_requests_beyond_io_limit_are_held
