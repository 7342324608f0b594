#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All ioband devices created with the same ioband device ID share one scheduler, which exists while any of them does.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=128 submit_queues=1 hw_queue_depth=32
nullb disk3 size=64 submit_queues=1 hw_queue_depth=64

# tables_are WANT1 WANT2: the arguments of ioband1 and ioband2
tables_are() {
	expect_eq "ioband1" "$1" "$(arguments ioband1)"
	expect_eq "ioband2" "$2" "$(arguments ioband2)"
}

two_devices() {
	ioband_create ioband1 /dev/disk1 share1 8 32 user weight 999 :40 7:70 || return
	ioband_create ioband2 /dev/disk2 share1 0 0 gid weight-iosize 0 :10 5:50
}

test_joining_device_keeps_the_settings() {
	two_devices || return
	tables_are "share1 8 32 user weight 999 :40 7:70" "share1 8 32 gid weight 999 :10 5:50"
}

test_types_and_groups_belong_to_the_device() {
	two_devices || return
	must message ioband2 detach 5
	must message ioband2 type pid
	must message ioband2 attach 7
	must message ioband2 weight 7:1
	must message ioband1 weight 11
	tables_are "share1 8 32 user weight 999 :11 7:70" "share1 8 32 pid weight 999 :10 7:1"
}

test_messages_reach_all_devices() {
	two_devices || return
	must message ioband2 io_throttle 16
	tables_are "share1 16 32 user weight 999 :40 7:70" "share1 16 32 gid weight 999 :10 5:50"
	must message ioband1 io_limit 100
	tables_are "share1 16 100 user weight 400 :40 7:70" "share1 16 100 gid weight 400 :10 5:50"
	must message ioband2 token 12345
	tables_are "share1 16 100 user weight 12345 :40 7:70" "share1 16 100 gid weight 12345 :10 5:50"
	must message ioband2 policy weight
	tables_are "share1 16 100 user weight 12345 :40 7:70" "share1 16 100 gid weight 12345 :10 5:50"
	must message ioband2 policy weight-iosize
	tables_are "share1 16 100 user weight-iosize 3200 :100 7:100" "share1 16 100 gid weight-iosize 3200 :100 5:100"
}

test_refused_message_changes_no_device() {
	local before

	two_devices || return
	before=$(arguments ioband1)
	expect_refused ioband2 "Invalid argument" 33 io_throttle 33
	expect_refused ioband2 "Invalid argument" 7 weight 7:50
	expect_refused ioband2 "Invalid argument" foo policy foo
	expect_eq "ioband1" "$before" "$(arguments ioband1)"
}

test_removed_device_leaves_the_other() {
	two_devices || return
	dm_remove ioband1
	expect_eq "ioband2" "share1 8 32 gid weight 999 :10 5:50" "$(arguments ioband2)"
	direct_reads /dev/mapper/ioband2 3
	expect_eq "status" "0 $(sectors /dev/disk2) ioband share1 -1 3 0 24 0 0 0 5 0 0 0 0 0 0" "$(status ioband2)"
	ioband_create ioband1 /dev/disk1 share1 1 2 none weight-iosize 3 :4 || return
	tables_are "share1 8 32 none weight 999 :4" "share1 8 32 gid weight 999 :10 5:50"
}

test_id_ends_with_its_last_device() {
	two_devices || return
	dm_remove ioband2
	dm_remove ioband1
	ioband_create ioband2 /dev/disk2 share1 1 2 none weight-iosize 3 :4 || return
	expect_eq "ioband2" "share1 1 2 none weight-iosize 3 :4" "$(arguments ioband2)"
}

test_ids_that_begin_alike_are_different() {
	local long=abcdefghijklmnopqrstuvwxyz0123

	ioband_create ioband1 /dev/disk1 "${long}4" 8 32 none weight 999 :40 || return
	ioband_create ioband2 /dev/disk2 "${long}5" 1 2 none weight 3 :4 || return
	ioband_create ioband3 /dev/disk3 "$long" 5 6 none weight 7 :8 || return
	tables_are "${long}4 8 32 none weight 999 :40" "${long}5 1 2 none weight 3 :4"
	expect_eq "ioband3" "$long 5 6 none weight 7 :8" "$(arguments ioband3)"
	must message ioband1 token 5
	tables_are "${long}4 8 32 none weight 5 :40" "${long}5 1 2 none weight 3 :4"
}

test_ids_are_case_sensitive_words_not_numbers() {
	ioband_create ioband1 /dev/disk1 010 8 32 none weight 999 :40 || return
	ioband_create ioband2 /dev/disk2 8 1 2 none weight 3 :4 || return
	tables_are "010 8 32 none weight 999 :40" "8 1 2 none weight 3 :4"
	dm_remove ioband1
	dm_remove ioband2
	ioband_create ioband1 /dev/disk1 share 8 32 none weight 999 :40 || return
	ioband_create ioband2 /dev/disk2 SHARE 1 2 none weight 3 :4 || return
	tables_are "share 8 32 none weight 999 :40" "SHARE 1 2 none weight 3 :4"
}

test_two_devices_on_one_disk() {
	dm_create ioband1 "0 2048 ioband /dev/disk1 share1 8 32 none weight 999 :40" || return
	dm_create ioband2 "0 4096 ioband /dev/disk1 share1 0 0 none weight 0 :10" || return
	tables_are "share1 8 32 none weight 999 :40" "share1 8 32 none weight 999 :10"
}

test_many_devices_with_one_id() {
	local number

	for number in $(seq 20); do
		dm_create "ioband$number" "0 2048 ioband /dev/disk1 share1 $number $((30 + number)) none weight $number :$number" || return
	done
	# The oldest goes first: the settings are the ID's, not those of the device that made it
	dm_remove ioband1
	must message ioband20 io_throttle 3
	for number in $(seq 2 20); do
		expect_eq "ioband$number" "share1 3 31 none weight 1 :$number" "$(arguments "ioband$number")"
	done
}

run_tests \
	test_joining_device_keeps_the_settings \
	test_types_and_groups_belong_to_the_device \
	test_messages_reach_all_devices \
	test_refused_message_changes_no_device \
	test_removed_device_leaves_the_other \
	test_id_ends_with_its_last_device \
	test_ids_that_begin_alike_are_different \
	test_ids_are_case_sensitive_words_not_numbers \
	test_two_devices_on_one_disk \
	test_many_devices_with_one_id
