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

# after_pause CARRYOVER: both run, so that b can come back
after_pause() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 64 :100 1000:100 || return
	must message ioband1 carryover "$1"
	load ioband1 --size=512m
	# Not io_uring: fio would take the signal for an error
	load ioband1 --offset=512m --ioengine=libaio -- as_user 1000
	returning=$!
	wait_for_load ioband1/-1 ioband1/1000
}

# come_back COUNT: how many of the first COUNT requests since b's return were b's
come_back() {
	local before

	before=$(status_column ioband1 -1 reads)
	kill -STOP "$returning"
	# a gets 62 half epochs of tokens to itself
	wait_until 60 has_read -1 $((before + 2000))
	before=$(status_column ioband1 1000 reads)
	trace_issues /dev/slow
	kill -CONT "$returning"
	wait_until 60 has_read 1000 $((before + $1)) || return
	trace_stop > "$scratch/trace"
	issue_order "$half" < "$scratch/trace" > "$scratch/order"
	b_count=$(sed -n '/b/,$p' "$scratch/order" | head -n "$1" | grep -c b)
	diag "$b_count of the first $1 requests are those of the group that came back"
}

# b_between LEAST MOST COUNT: of the first COUNT requests. A load may have stood still meanwhile; a wrong claim is wrong after every pause
b_between() {
	local attempt

	for attempt in 1 2 3; do
		come_back "$3" || return
		[ "$b_count" -lt "$1" ] || [ "$b_count" -gt "$2" ] || return 0
		diag "pause $attempt: expected $1 to $2"
	done
	fail "requests of the group that came back: $b_count, expected $1 to $2"
}

has_read() {
	[ "$(status_column ioband1 "$1" reads)" -ge "$2" ]
}

# Its claim is one epoch of 64 tokens, half of them its own; 16 more may be in flight. Starving the other it would get all 400, starved itself none.
test_one_epoch() {
	local returning

	after_pause 1 || return
	b_between $((200 - (64 + 16) / 2)) $((200 + (64 + 16) / 2)) 400
}

# Eight epochs of 32 tokens are claimed, then both get half: 600 + 256 / 2. Without carryover 600, without its bound 1200.
test_eight_epochs() {
	local returning

	after_pause 8 || return
	b_between $((600 + 8 * 32 / 4)) $((600 + (8 * 64 + 16) / 2)) 1200
}

run_tests test_one_epoch test_eight_epochs
