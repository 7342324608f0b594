#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Type gid: the ID of a bio is the group ID of the task that submits it; supplementary groups do not count.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

nullb fast size=64 no_sched=1
load_nullb slow

also_in_2000() {
	exec setpriv --regid 1000 --groups 2000 "$@"
}

test_io_lands_in_the_group_of_its_gid() {
	ioband_create ioband1 /dev/fast share1 0 0 gid weight 0 :100 1000:100 2000:100 || return
	(read_blocks ioband1 30 as_group 1000)
	(write_blocks ioband1 7 as_group 1000)
	(read_blocks ioband1 1 also_in_2000)
	(read_blocks ioband1 5 as_group 2000)
	(write_blocks ioband1 3 as_group 3000)
	(read_blocks ioband1 2 as_user 1000)
	expect_group ioband1 1000 31 7
	expect_group ioband1 2000 5 0
	expect_group ioband1 -1 2 3
}

test_gids_share_1_to_3() {
	ioband_create ioband1 /dev/slow share1 0 0 gid weight 0 :100 1000:100 2000:300 || return
	must message ioband1 carryover 1
	load ioband1 -- as_group 1000
	load ioband1 -- as_group 2000
	expect_1_to_3 1000 2000
}

run_tests test_io_lands_in_the_group_of_its_gid test_gids_share_1_to_3
