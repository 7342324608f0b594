#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Types user and uid, two words for one: the ID of a bio is the user ID of the task that submits it.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

nullb fast size=64 no_sched=1
load_nullb slow

# lands_in_the_group_of_its_user TYPE
lands_in_the_group_of_its_user() {
	ioband_create ioband1 /dev/fast share1 0 0 "$1" weight 0 :100 0:100 1000:100 2000:100 || return
	(read_blocks ioband1 30 as_user 1000)
	(write_blocks ioband1 7 as_user 1000)
	(read_blocks ioband1 5 as_user 2000)
	(write_blocks ioband1 3 as_user 3000)
	(read_blocks ioband1 2 as_user 3000)
	(read_blocks ioband1 4)
	(read_blocks ioband1 6 as_group 2000)
	expect_group ioband1 1000 30 7
	expect_group ioband1 2000 5 0
	expect_group ioband1 0 10 0
	expect_group ioband1 -1 2 3
}

test_user_io_lands_in_the_group_of_its_user() {
	lands_in_the_group_of_its_user user
}

test_uid_io_lands_in_the_group_of_its_user() {
	lands_in_the_group_of_its_user uid
}

# Above 2^31: a signed int would be negative, which is nobody's ID
test_largest_user() {
	ioband_create ioband1 /dev/fast share1 0 0 user weight 0 :100 4294967294:100 || return
	(read_blocks ioband1 30 as_user 4294967294)
	expect_group ioband1 4294967294 30 0
	expect_group ioband1 -1 0 0
}

# users_share_1_to_3 TYPE
users_share_1_to_3() {
	ioband_create ioband1 /dev/slow share1 0 0 "$1" weight 0 :100 1000:100 2000:300 || return
	must message ioband1 carryover 1
	load ioband1 -- as_user 1000
	load ioband1 -- as_user 2000
	expect_1_to_3 1000 2000
}

test_user_shares_1_to_3() {
	users_share_1_to_3 user
}

test_uid_shares_1_to_3() {
	users_share_1_to_3 uid
}

run_tests test_user_io_lands_in_the_group_of_its_user test_uid_io_lands_in_the_group_of_its_user test_largest_user test_user_shares_1_to_3 \
	test_uid_shares_1_to_3
