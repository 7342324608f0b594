#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every message of an ioband device, and its effect as `dmsetup table` shows it.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
queue_size=$(nr_requests /dev/disk1)

# after_message WANT WORD...: the message is accepted, and then the table is WANT
after_message() {
	local want=$1

	shift
	must message ioband1 "$@" || return
	expect_eq "table after message '$*'" "$want" "$(arguments ioband1)"
}

test_type() {
	local type

	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :70 || return
	for type in pgrp pid node cpuset user uid gid none gid gid; do
		after_message "share1 4 64 $type weight 256 :70" type $type
	done
}

test_type_once_the_groups_are_gone() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 5:50 || return
	must message ioband1 detach 5
	after_message "share1 4 64 none weight 256 :70" type none
	after_message "share1 4 64 gid weight 256 :70" type gid
	after_message "share1 4 64 gid weight 256 :70 5:100" attach 5
}

test_attach() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 || return
	after_message "share1 4 64 user weight 256 :70 30:100" attach 30
	after_message "share1 4 64 user weight 256 :70 30:100 10:100" attach 10
	after_message "share1 4 64 user weight 256 :70 30:100 10:100 0:100" attach 0
	after_message "share1 4 64 user weight 256 :70 30:100 10:100 0:100 9223372036854775807:100" attach 9223372036854775807
	after_message "share1 4 64 user weight 256 :70 30:100 10:100 0:100 9223372036854775807:100 255:100" attach 0xff
}

test_attach_same_low_bits() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 5:10 || return
	after_message "share1 4 64 user weight 256 :70 5:10 4294967301:100" attach 4294967301
	after_message "share1 4 64 user weight 256 :70 5:10 4294967301:20" weight 4294967301:20
	after_message "share1 4 64 user weight 256 :70 4294967301:20" detach 5
}

test_detach() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 30:3 10:1 20:2 || return
	after_message "share1 4 64 user weight 256 :70 30:3 20:2" detach 10
	after_message "share1 4 64 user weight 256 :70 20:2" detach 30
	after_message "share1 4 64 user weight 256 :70 20:2 30:100" attach 30
	after_message "share1 4 64 user weight 256 :70 30:100" detach 20
	after_message "share1 4 64 user weight 256 :70" detach 30
}

test_weight() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 5:50 0:60 || return
	after_message "share1 4 64 user weight 256 :1 5:50 0:60" weight 1
	after_message "share1 4 64 user weight 256 :32767 5:50 0:60" weight 32767
	after_message "share1 4 64 user weight 256 :20 5:50 0:60" weight :20
	after_message "share1 4 64 user weight 256 :20 5:1 0:60" weight 5:1
	after_message "share1 4 64 user weight 256 :20 5:1 0:32767" weight 0:32767
	after_message "share1 4 64 user weight 256 :20 5:1 0:64" weight 0x0:0x40
	after_message "share1 4 64 user weight 256 :20 5:8 0:64" weight 05:010
}

test_weight_separators() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 5:50 || return
	after_message "share1 4 64 user weight 256 :70 5:30" weight 5=30
	after_message "share1 4 64 user weight 256 :70 5:40" weight 5,40
	after_message "share1 4 64 user weight 256 :10 5:40" weight =10
	after_message "share1 4 64 user weight 256 :20 5:40" weight ,20
}

test_token() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 777 :70 || return
	after_message "share1 4 64 none weight 1 :70" token 1
	after_message "share1 4 64 none weight 2147483647 :70" token 2147483647
	after_message "share1 4 64 none weight 2048 :70" token 0x800
	after_message "share1 4 64 none weight 256 :70" token 0
}

test_token_of_weight_iosize() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight-iosize 777 :70 || return
	after_message "share1 4 64 none weight-iosize 4096 :70" token 4096
	after_message "share1 4 64 none weight-iosize 2048 :70" token 0
}

test_carryover_is_accepted_and_not_printed() {
	local value

	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :70 || return
	for value in 1 8 0x10 2147483647 0; do
		after_message "share1 4 64 none weight 256 :70" carryover $value
	done
}

test_policy_switch_resets_weights_and_token_base() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 777 :70 5:50 || return
	after_message "share1 4 64 user weight-iosize 2048 :100 5:100" policy weight-iosize
	must message ioband1 weight 5:9
	after_message "share1 4 64 user weight 256 :100 5:100" policy weight
	must message ioband1 weight 5:9
	must message ioband1 token 999
	after_message "share1 4 64 user weight-iosize 2048 :100 5:100" policy weight-iosize
	after_message "share1 4 64 user default 256 :100 5:100" policy default
}

test_same_policy_again_changes_nothing() {
	local policy

	for policy in default weight weight-iosize; do
		ioband_create ioband1 /dev/disk1 share1 8 64 user $policy 777 :70 5:50 || return
		after_message "share1 8 64 user $policy 777 :70 5:50" policy $policy
		dm_remove ioband1
	done
}

test_io_throttle() {
	ioband_create ioband1 /dev/disk1 share1 8 64 none weight 777 :70 || return
	after_message "share1 1 64 none weight 777 :70" io_throttle 1
	after_message "share1 64 64 none weight 777 :70" io_throttle 64
	after_message "share1 16 64 none weight 777 :70" io_throttle 0x10
	after_message "share1 4 64 none weight 777 :70" io_throttle 0
}

test_io_limit_resets_token_base() {
	ioband_create ioband1 /dev/disk1 share1 8 64 none weight 777 :70 || return
	after_message "share1 8 100 none weight 400 :70" io_limit 100
	after_message "share1 8 32767 none weight 131068 :70" io_limit 32767
	must message ioband1 token 5
	after_message "share1 8 8 none weight 32 :70" io_limit 8
	after_message "share1 8 10 none weight 40 :70" io_limit 012
	after_message "share1 8 $queue_size none weight $((4 * queue_size)) :70" io_limit 0
}

test_io_limit_resets_token_base_of_weight_iosize() {
	ioband_create ioband1 /dev/disk1 share1 8 64 none weight-iosize 777 :70 || return
	after_message "share1 8 100 none weight-iosize 3200 :70" io_limit 100
}

test_reset_leaves_the_table_alone() {
	ioband_create ioband1 /dev/disk1 share1 8 64 user weight 777 :70 5:50 || return
	after_message "share1 8 64 user weight 777 :70 5:50" reset
}

test_many_groups_come_and_go() {
	local id

	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :70 || return
	for id in $(seq 50); do
		must message ioband1 attach "$id" || return
	done
	for id in $(seq 2 2 50); do
		must message ioband1 detach "$id" || return
	done
	expect_eq "the odd groups" "share1 4 64 user weight 256 :70 $(seq -s ' ' -f '%.0f:100' 1 2 49)" "$(arguments ioband1)"
}

run_tests \
	test_type \
	test_type_once_the_groups_are_gone \
	test_attach \
	test_attach_same_low_bits \
	test_detach \
	test_weight \
	test_weight_separators \
	test_token \
	test_token_of_weight_iosize \
	test_carryover_is_accepted_and_not_printed \
	test_policy_switch_resets_weights_and_token_base \
	test_same_policy_again_changes_nothing \
	test_io_throttle \
	test_io_limit_resets_token_base \
	test_io_limit_resets_token_base_of_weight_iosize \
	test_reset_leaves_the_table_alone \
	test_many_groups_come_and_go
