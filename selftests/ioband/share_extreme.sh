#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proportions hold for weights far apart and for many groups.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow

# Without weights: 50 % each
test_1_to_20_with_deep_queues() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :20 1000:1 || return
	must message ioband1 carryover 1
	load ioband1 --iodepth=128
	load ioband1 --iodepth=128 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 4
	expect_shares 7 requests ioband1/-1=20 ioband1/1000=1
}

# The group's share must not depend on how many requests it has waiting. Without scheduling, the deeper queue gets four times as much: 80 %.
test_depth_gives_no_advantage() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:100 || return
	must message ioband1 carryover 1
	load ioband1 --iodepth=128
	load ioband1 --iodepth=32 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 2
	expect_shares 5 requests ioband1/-1=1 ioband1/1000=1
}

# Nine equal groups and one of weight 900: by weight 5.6 % and 50 %, without weights 10 % each
test_ten_groups() {
	local user list=() shares=() groups=()

	for user in 1001 1002 1003 1004 1005 1006 1007 1008 1009; do
		list+=("$user:100")
		shares+=("ioband1/$user=100")
		groups+=("ioband1/$user")
	done
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :900 "${list[@]}" || return
	must message ioband1 carryover 1
	load ioband1
	for user in 1001 1002 1003 1004 1005 1006 1007 1008 1009; do
		load ioband1 -- as_user "$user"
	done
	wait_for_load ioband1/-1 "${groups[@]}" || return
	measure 4
	expect_shares 6 requests ioband1/-1=900 "${shares[@]}"
}

run_tests test_1_to_20_with_deep_queues test_depth_gives_no_advantage test_ten_groups
