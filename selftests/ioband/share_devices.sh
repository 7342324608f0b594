#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ioband devices with the same ioband device ID divide one bandwidth; with different IDs they know nothing of each other.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow
conserve_nullb conserve
half=$(($(sectors /dev/slow) / 2))
dm_create half1 "0 $half linear /dev/slow 0"
dm_create half2 "0 $half linear /dev/slow $half"
dm_create part1 "0 $half linear /dev/conserve 0"
dm_create part2 "0 $half linear /dev/conserve $half"

# two_devices ID1 ID2: a dm-linear device cannot tell its depth, so io_limit does
two_devices() {
	ioband_create ioband1 /dev/mapper/half1 "$1" 0 16 user weight 0 :40 || return
	ioband_create ioband2 /dev/mapper/half2 "$2" 0 16 user weight 0 :10 || return
	must message ioband1 carryover 1
	must message ioband2 carryover 1
	load ioband1
	load ioband2
	wait_for_load ioband1/-1 ioband2/-1
}

# Without a shared scheduler 50 % each
test_two_devices_40_to_10() {
	two_devices share1 share1 || return
	measure 3
	expect_shares 5 requests ioband1/-1=40 ioband2/-1=10
}

# Three groups on two devices, each with a share of the one total; device after device, then group after group would be 25, 25 and 50 %
test_groups_of_two_devices_share_one_total() {
	ioband_create ioband1 /dev/mapper/half1 share1 0 16 user weight 0 :100 1000:200 || return
	ioband_create ioband2 /dev/mapper/half2 share1 0 16 user weight 0 :100 || return
	must message ioband1 carryover 1
	load ioband1
	load ioband1 -- as_user 1000
	load ioband2
	wait_for_load ioband1/-1 ioband1/1000 ioband2/-1 || return
	measure 3
	expect_shares 5 requests ioband1/-1=100 ioband1/1000=200 ioband2/-1=100
}

# Without work conservation the other would stay at its 20 %
test_idle_device_leaves_all_to_the_other() {
	ioband_create ioband1 /dev/mapper/part1 share1 0 32 user weight 0 :40 || return
	ioband_create ioband2 /dev/mapper/part2 share1 0 32 user weight 0 :10 || return
	reference_load || return
	load ioband2 --iodepth=64
	load ioband1 --iodepth=64
	local first=$!
	wait_for_load ioband1/-1 ioband2/-1 || return
	kill "$first"
	wait "$first"
	measure 3
	expect_eq "requests of the idle device" 0 "${requests[ioband1/-1]}"
	expect_conserved 8 ioband2/-1
}

# Two schedulers with a window of the whole device each: the weights, 40 and 10, mean nothing between them; by weight each would be off by 60 %
test_different_ids_do_not_share() {
	two_devices share1 share2 || return
	measure 2
	expect_shares 45 requests ioband1/-1=1 ioband2/-1=1
}

run_tests test_two_devices_40_to_10 test_groups_of_two_devices_share_one_total test_idle_device_leaves_all_to_the_other \
	test_different_ids_do_not_share
