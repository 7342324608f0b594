#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The line that `dmsetup table` prints, fed back into `dmsetup create`, gives the same device: the same line again.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64

# feed_back: makes ioband1 anew from the line it prints
feed_back() {
	local line

	line=$(table ioband1)
	dm_remove ioband1
	dm_create ioband1 "$line" || return
	expect_eq "the line fed back" "$line" "$(table ioband1)"
}

# survives ARGUMENT...: a device made with these arguments survives the round trip
survives() {
	ioband_create ioband1 /dev/disk1 "$@" || return
	feed_back
	dm_remove ioband1
}

# groups COUNT FIRST STEP: so many words ID:WEIGHT, with weights from 1 to 32767
groups() {
	awk -v count="$1" -v first="$2" -v step="$3" 'BEGIN {
		for (i = 0; i < count; i++) printf " %.0f:%d", first + i * step, 1 + i * 13 % 32767 }'
}

test_every_type() {
	local type

	survives share1 4 64 none weight 256 :100
	for type in pgrp pid node cpuset user uid gid; do
		survives share1 4 64 $type weight 256 :100 3:10
	done
}

test_every_policy() {
	local policy

	for policy in default weight weight-iosize; do
		survives share1 4 64 user $policy 999 :70 3:10
		survives share1 0 0 user $policy 0 :70 3:10
	done
}

test_extreme_numbers() {
	survives share1 1 1 user weight 1 :1 0:1
	survives share1 32767 32767 user weight 2147483647 :32767 9223372036854775807:32767
	survives 0123456789012345678901234567890 4 64 none weight 256 :100
}

test_arguments_written_in_other_ways() {
	survives share1 0xa 0 user weight =0x28 1000,80 01750000=5
	survives share1 12 5 none weight
}

test_state_set_by_messages() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :100 || return
	must message ioband1 type gid
	must message ioband1 attach 30
	must message ioband1 attach 10
	must message ioband1 attach 4294967297
	must message ioband1 detach 30
	must message ioband1 policy weight-iosize
	must message ioband1 weight 10:7
	must message ioband1 weight 9
	must message ioband1 io_limit 100
	must message ioband1 io_throttle 50
	must message ioband1 token 12345
	expect_eq "arguments" "share1 50 100 gid weight-iosize 12345 :9 10:7 4294967297:100" "$(arguments ioband1)"
	feed_back
}

test_device_that_shares_its_id() {
	ioband_create ioband1 /dev/disk1 share1 8 32 user weight 999 :40 7:70 || return
	ioband_create ioband2 /dev/disk2 share1 0 0 gid weight-iosize 0 :10 5:50 || return
	feed_back
	expect_eq "the other device" "share1 8 32 gid weight 999 :10 5:50" "$(arguments ioband2)"
}

test_id_with_a_space_or_backslash() {
	local id line

	# Device-mapper takes a backslash as "the next character, whatever it is". Such an ID is refused, or printed so that it can be fed back.
	# shellcheck disable=SC1003 # the backslashes are meant
	for id in 'a\ b' 'a\\b'; do
		if dmsetup_create ioband1 --table "$(whole_device ioband /dev/disk1 "$id" 4 64 none weight 256 :100)" 2> /dev/null; then
			on_end dm_remove ioband1
			line=$(table ioband1)
			dm_remove ioband1
			dm_create ioband1 "$line" || return
			expect_eq "the line fed back" "$line" "$(table ioband1)"
			dm_remove ioband1
		fi
	done
}

test_a_thousand_groups() {
	local want

	want="share1 4 64 user weight 256 :100$(groups 1000 0 1)"
	# shellcheck disable=SC2086 # one word per argument
	ioband_create ioband1 /dev/disk1 $want || return
	expect_eq "arguments" "$want" "$(arguments ioband1)"
	feed_back
}

test_five_thousand_groups_print_whole() {
	local want

	want="share1 4 64 user weight 256 :100$(groups 5000 1000000000000 1000003)"
	# shellcheck disable=SC2086 # one word per argument
	ioband_create ioband1 /dev/disk1 $want || return
	expect_eq "words printed" "$(wc -w <<< "$want")" "$(arguments ioband1 | wc -w)"
	[ "$want" = "$(arguments ioband1)" ] || fail "the 5000 groups are not printed as they were given"
	expect_eq "status columns: ID and seven for each group, the default group too" $((1 + 7 * 5001)) "$(status ioband1 | cut -d ' ' -f 4- | wc -w)"
	feed_back
}

run_tests \
	test_every_type \
	test_every_policy \
	test_extreme_numbers \
	test_arguments_written_in_other_ways \
	test_state_set_by_messages \
	test_device_that_shares_its_id \
	test_id_with_a_space_or_backslash \
	test_a_thousand_groups \
	test_five_thousand_groups_print_whole
