#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a share is a share of: requests under policy weight, sectors under weight-iosize.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow

# large_beside_small POLICY: 64 KiB requests of user 1000 beside the default group's 4 KiB
large_beside_small() {
	ioband_create ioband1 /dev/slow share1 0 0 user "$1" 0 :100 1000:100 || return
	must message ioband1 carryover 1
	load ioband1 --iodepth=64
	load ioband1 --iodepth=64 --bs=64k -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 4
}

# In sectors this is 1:16
test_weight_divides_requests() {
	large_beside_small weight || return
	expect_shares 5 requests ioband1/-1=1 ioband1/1000=1
	expect_eq "sectors a large request" 128 $((moved[ioband1/1000] / requests[ioband1/1000]))
}

# In requests this is 16:1
test_weight_iosize_divides_sectors() {
	large_beside_small weight-iosize || return
	expect_shares 5 moved ioband1/-1=1 ioband1/1000=1
}

run_tests test_weight_divides_requests test_weight_iosize_divides_sectors
