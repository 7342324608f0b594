#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every message with a number that must be refused: weights, tokens, carryover, io_throttle and io_limit. As in refuse_messages.sh the table and
# the status stay as they are, and the kernel log says in one line which device refused which word.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64

with_groups() {
	ioband_create ioband1 /dev/disk1 share1 8 64 user weight 777 :70 5:50 6:60
}

# invalid WORD MESSAGE...: refused with EINVAL because of WORD
invalid() {
	expect_refused ioband1 "Invalid argument" "$@"
}

test_weight_of_the_default_group() {
	local bad

	with_groups || return
	for bad in 0 32768 65537 4294967297 -1 heavy 7x; do
		invalid "$bad" weight "$bad"
	done
	invalid 0 weight :0
	invalid 32768 weight :32768
	invalid : weight :
	invalid weight weight
	invalid 8 weight 7 8
}

test_weight_of_a_group() {
	local bad

	with_groups || return
	for bad in 0 32768 4294967297 -1 heavy 7x; do
		invalid "$bad" weight "5:$bad"
	done
	invalid 5: weight 5:
	invalid 6:10 weight 5:6:10
	invalid 6:10 weight 5:10 6:10
}

test_weight_of_no_group() {
	with_groups || return
	invalid 7 weight 7:50
	invalid 4294967301 weight 4294967301:50
	invalid root weight root:50
	invalid -2 weight -2:50
}

test_token() {
	local bad

	with_groups || return
	for bad in -1 2147483648 4294967297 all 7x; do
		invalid "$bad" token "$bad"
	done
	invalid token token
	invalid 8 token 7 8
}

test_carryover() {
	local bad

	with_groups || return
	for bad in -1 2147483648 4294967297 all 7x; do
		invalid "$bad" carryover "$bad"
	done
	invalid carryover carryover
	invalid 8 carryover 7 8
}

test_io_throttle() {
	local bad

	with_groups || return
	for bad in -1 32768 65537 4294967297 four 7x; do
		invalid "$bad" io_throttle "$bad"
	done
	invalid io_throttle io_throttle
	invalid 9 io_throttle 7 9
}

test_io_throttle_above_io_limit() {
	with_groups || return
	invalid 65 io_throttle 65
	invalid 32767 io_throttle 32767
}

test_io_limit() {
	local bad

	with_groups || return
	for bad in -1 32768 65537 4294967297 many 7x; do
		invalid "$bad" io_limit "$bad"
	done
	invalid io_limit io_limit
	invalid 99 io_limit 70 99
}

test_io_limit_below_io_throttle() {
	with_groups || return
	invalid 7 io_limit 7
	invalid 1 io_limit 1
}

run_tests \
	test_weight_of_the_default_group \
	test_weight_of_a_group \
	test_weight_of_no_group \
	test_token \
	test_carryover \
	test_io_throttle \
	test_io_throttle_above_io_limit \
	test_io_limit \
	test_io_limit_below_io_throttle
