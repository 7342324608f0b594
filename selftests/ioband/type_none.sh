#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Type none: no groups, all I/O is the default group's.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

nullb fast size=64 no_sched=1

test_all_io_is_the_default_group_s() {
	ioband_create ioband1 /dev/fast share1 0 0 none weight 0 :100 || return
	(read_blocks ioband1 30)
	(write_blocks ioband1 7 as_user 1000)
	(read_blocks ioband1 5 as_group 2000)
	(read_blocks ioband1 4 as_leader)
	expect_eq "status" "0 $(sectors /dev/fast) ioband share1 -1 39 0 312 7 0 56" "$(status ioband1)"
}

# What was another group's is the default group's once the type is none
test_type_none_after_another_type() {
	ioband_create ioband1 /dev/fast share1 0 0 user weight 0 :100 1000:100 || return
	(read_blocks ioband1 30 as_user 1000)
	must message ioband1 detach 1000
	must message ioband1 type none
	(read_blocks ioband1 5 as_user 1000)
	expect_eq "status" "0 $(sectors /dev/fast) ioband share1 -1 5 0 40 0 0 0" "$(status ioband1)"
}

run_tests test_all_io_is_the_default_group_s test_type_none_after_another_type
