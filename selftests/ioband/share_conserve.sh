#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The device never idles while a bio is held: what a group does not use, the others get at once.
# The measure is a dm-linear device on a null_blk device of its own, loaded at the same time.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

conserve_nullb slow

# A group that could use only its own share of three would get 33 % of the reference
test_lone_group_gets_what_dm_linear_gives() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:100 2000:100 || return
	reference_load || return
	load ioband1 --iodepth=64 -- as_user 1000
	wait_for_load ioband1/1000 || return
	measure 8
	expect_conserved 6 ioband1/1000
}

test_groups_together_get_what_dm_linear_gives() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	reference_load || return
	load ioband1 --iodepth=64
	load ioband1 --iodepth=64 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 8
	expect_conserved 6 ioband1/-1 ioband1/1000
}

# The light group would stay at 10 % of the reference
test_group_takes_over_when_the_other_stops() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :10 1000:90 || return
	reference_load || return
	load ioband1 --iodepth=64
	load ioband1 --iodepth=64 -- as_user 1000
	local heavy=$!
	wait_for_load ioband1/-1 ioband1/1000 || return
	kill "$heavy"
	wait "$heavy"
	measure 8
	expect_eq "requests of the group that stopped" 0 "${requests[ioband1/1000]}"
	expect_conserved 6 ioband1/-1
}

# Heavy, but with one request at a time: it cannot use more than one part in 32 of the device
test_share_a_group_cannot_use_goes_to_the_others() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :10 1000:90 || return
	must message ioband1 carryover 1
	reference_load || return
	load ioband1 --iodepth=64
	load ioband1 --iodepth=1 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 8
	expect_conserved 6 ioband1/-1 ioband1/1000
}

run_tests test_lone_group_gets_what_dm_linear_gives test_groups_together_get_what_dm_linear_gives test_group_takes_over_when_the_other_stops \
	test_share_a_group_cannot_use_goes_to_the_others
