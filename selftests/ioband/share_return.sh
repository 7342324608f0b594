#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A group that was idle comes back with at most carryover epochs of tokens: it neither starves nor is starved.
# The order of issue, traced at the device below, shows what each group got from the first request after the pause on.
# Group a is the default group and never stops; group b is user 1000, of the same weight.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow
half=$(($(sectors /dev/slow) / 2))

# after_pause CARRYOVER COUNT: how many of the first COUNT requests since b's return were b's
after_pause() {
	local returning before

	ioband_create ioband1 /dev/slow share1 0 0 user weight 64 :100 1000:100 || return
	must message ioband1 carryover "$1"
	load ioband1 --size=512m
	# Not io_uring: fio would take the signal for an error
	load ioband1 --offset=512m --ioengine=libaio -- as_user 1000
	returning=$!
	wait_for_load ioband1/-1 ioband1/1000 || return
	before=$(status_column ioband1 -1 reads)
	kill -STOP "$returning"
	# a gets 62 half epochs of tokens to itself
	wait_until 60 has_read -1 $((before + 2000))
	before=$(status_column ioband1 1000 reads)
	trace_issues /dev/slow
	kill -CONT "$returning"
	wait_until 60 has_read 1000 $((before + $2)) || return
	trace_stop > "$scratch/trace"
	issue_order "$half" < "$scratch/trace" > "$scratch/order"
	b_count=$(sed -n '/b/,$p' "$scratch/order" | head -n "$2" | grep -c b)
	diag "carryover $1: $b_count of the first $2 requests are those of the group that came back"
}

has_read() {
	[ "$(status_column ioband1 "$1" reads)" -ge "$2" ]
}

# Its claim is one epoch of 64 tokens, half of them its own; 16 more may be in flight. Starving the other it would get all 400, starved itself none.
test_one_epoch() {
	after_pause 1 400 || return
	expect_le "requests of the group that came back" "$b_count" $((200 + (64 + 16) / 2))
	expect_ge "requests of the group that came back" "$b_count" $((200 - (64 + 16) / 2))
}

# Eight epochs of 32 tokens are claimed, then both get half: 600 + 256 / 2. Without carryover 600, without its bound 1200.
test_eight_epochs() {
	after_pause 8 1200 || return
	expect_le "requests of the group that came back" "$b_count" $((600 + (8 * 64 + 16) / 2))
	expect_ge "requests of the group that came back" "$b_count" $((600 + 8 * 32 / 4))
}

run_tests test_one_epoch test_eight_epochs
