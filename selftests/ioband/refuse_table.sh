#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every table that must be refused: nothing is made, nothing else changes, and the kernel log names the word that was wrong.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64

# invalid WORD ARGUMENT...: a table for /dev/disk1 with these arguments is refused because of WORD
invalid() {
	local word=$1

	shift
	expect_table_refused "Invalid argument" "$word" "$(whole_device ioband /dev/disk1 "$@")"
}

test_fewer_than_six_arguments() {
	invalid ""
	invalid "" share1
	invalid "" share1 4
	invalid "" share1 4 64
	invalid "" share1 4 64 none
	expect_table_refused "Invalid argument" "" "0 2048 ioband"
}

test_device_that_does_not_exist() {
	expect_table_refused "" /dev/no-such-disk "0 2048 ioband /dev/no-such-disk share1 4 64 none weight 256 :100"
	expect_table_refused "" 8:9999 "0 2048 ioband 8:9999 share1 4 64 none weight 256 :100"
}

test_longer_than_its_device() {
	expect_table_refused "Invalid argument" "" "0 $(($(sectors /dev/disk1) + 8)) ioband /dev/disk1 share1 4 64 none weight 256 :100"
}

test_id_of_32_characters() {
	local long=abcdefghijklmnopqrstuvwxyz012345

	expect_eq "length of the long ID" 32 "${#long}"
	invalid "$long" "$long" 4 64 none weight 256 :100
}

test_io_throttle() {
	local bad

	for bad in 32768 65540 4294967300 99999999999999999999999 -1 four 4x 0x; do
		invalid "$bad" share1 "$bad" 64 none weight 256 :100
	done
}

test_io_limit() {
	local bad

	for bad in 32768 65600 4294967360 99999999999999999999999 -1 many 64x 0x; do
		invalid "$bad" share1 4 "$bad" none weight 256 :100
	done
}

test_type() {
	local bad

	for bad in non nonee NONE 0; do
		invalid "$bad" share1 4 64 "$bad" weight 256 :100
	done
}

test_policy() {
	local bad

	for bad in weigh weights WEIGHT 0; do
		invalid "$bad" share1 4 64 none "$bad" 256 :100
	done
}

test_no_policy_before_the_weight() {
	invalid :100 share1 4 64 none :100
	invalid :100 share1 4 64 none :100 256
}

test_token_base() {
	local bad

	for bad in 2147483648 4294967297 99999999999999999999999 -1 all 2k; do
		invalid "$bad" share1 4 64 none weight "$bad" :100
	done
	invalid 2147483648 share1 4 64 none weight-iosize 2147483648 :100
}

test_surplus_policy_parameter() {
	invalid 7 share1 4 64 none weight 256 7 :100
	invalid 7 share1 4 64 none weight 256 7
	invalid 5:100 share1 4 64 user weight 256 5:100
}

test_default_weight() {
	local bad

	for bad in 0 32768 65537 4294967297 -1 heavy 10x ""; do
		invalid ":$bad" share1 4 64 none weight 256 ":$bad"
	done
	invalid "=0" share1 4 64 none weight 256 "=0"
	invalid ,0 share1 4 64 none weight 256 ,0
}

test_group_weight() {
	local bad

	for bad in 0 32768 65537 4294967297 -1 heavy 10x "" 10:20; do
		invalid "5:$bad" share1 4 64 user weight 256 :100 "5:$bad"
	done
	invalid 5 share1 4 64 user weight 256 :100 5
}

test_group_id() {
	local bad

	for bad in -1 -5 18446744073709551616 99999999999999999999999 root 5x; do
		invalid "$bad" share1 4 64 user weight 256 :100 "$bad:50"
	done
	invalid :50 share1 4 64 user weight 256 :100 :50
}

test_duplicate_group() {
	expect_table_refused "File exists" 5 "$(whole_device ioband /dev/disk1 share1 4 64 user weight 256 :100 5:10 5:20)"
	expect_table_refused "File exists" 0x5 "$(whole_device ioband /dev/disk1 share1 4 64 user weight 256 :100 5:10 6:10 0x5:20)"
	expect_table_refused "File exists" 5 "$(whole_device ioband /dev/disk1 share1 4 64 user weight 256 :100 5:10 5=10)"
}

test_group_with_type_none() {
	invalid 5:20 share1 4 64 none weight 256 :100 5:20
}

test_last_of_many_groups() {
	# shellcheck disable=SC2046 # one word per group
	invalid 77:0 share1 4 64 user weight 256 :100 $(seq -f "%.0f:10" 1000 2000) 77:0
}

test_refused_table_leaves_no_id_behind() {
	invalid 5:0 share1 8 16 user weight 999 :100 5:0
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :100 || return
	expect_eq "a new device with that ID" "share1 4 64 none weight 256 :100" "$(arguments ioband1)"
}

test_refused_table_leaves_its_id_alone() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 5:50 || return
	expect_table_refused "Invalid argument" 99999 "$(whole_device ioband /dev/disk2 share1 99999 32 none weight 77 :100)"
	expect_table_refused "Invalid argument" foo "$(whole_device ioband /dev/disk2 share1 8 32 none foo 77 :100)"
	expect_table_refused "Invalid argument" :0 "$(whole_device ioband /dev/disk2 share1 8 32 none weight-iosize 77 :0)"
	expect_eq "the device that was there" "share1 4 64 user weight 256 :100 5:50" "$(arguments ioband1)"
}

test_refused_reload_leaves_the_device_alone() {
	local before

	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 5:50 || return
	before="$(table ioband1) $(status ioband1)"
	fails_with "reload with weight 0" "Invalid argument" dmsetup reload ioband1 --table "$(whole_device ioband /dev/disk1 share1 4 64 user weight 256 :0)"
	fails_with "reload with another ID and type cats" "Invalid argument" \
		dmsetup reload ioband1 --table "$(whole_device ioband /dev/disk1 share2 4 64 cats weight 256 :50)"
	must dmsetup resume --noudevsync --noudevrules ioband1
	expect_eq "table and status" "$before" "$(table ioband1) $(status ioband1)"
}

test_refused_table_frees_its_device() {
	nullb disk3 size=64 memory_backed=1 discard=1
	expect_table_refused "Invalid argument" :0 "$(whole_device ioband /dev/disk3 share1 4 64 none weight 256 :0)"
	expect_table_refused "Invalid argument" foo "$(whole_device ioband /dev/disk3 share1 4 64 foo weight 256 :10)"
	# It opens the device exclusively, which fails while a table holds it
	must blkdiscard --length 4096 /dev/disk3
	nullb_remove disk3 || fail "the backing device cannot be removed"
}

run_tests \
	test_fewer_than_six_arguments \
	test_device_that_does_not_exist \
	test_longer_than_its_device \
	test_id_of_32_characters \
	test_io_throttle \
	test_io_limit \
	test_type \
	test_policy \
	test_no_policy_before_the_weight \
	test_token_base \
	test_surplus_policy_parameter \
	test_default_weight \
	test_group_weight \
	test_group_id \
	test_duplicate_group \
	test_group_with_type_none \
	test_last_of_many_groups \
	test_refused_table_leaves_no_id_behind \
	test_refused_table_leaves_its_id_alone \
	test_refused_reload_leaves_the_device_alone \
	test_refused_table_frees_its_device
