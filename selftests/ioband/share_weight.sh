#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Groups with pending I/O get bandwidth in proportion to their weights.
# Without dm-ioband, three equal loads get a third each: 33 % where 14, 29 and 57 % are expected.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow

# three_users POLICY
three_users() {
	ioband_create ioband1 /dev/slow share1 0 0 user "$1" 0 :100 1000:200 2000:400 || return
	must message ioband1 carryover 1
	load ioband1
	load ioband1 -- as_user 1000
	load ioband1 -- as_user 2000
	wait_for_load ioband1/-1 ioband1/1000 ioband1/2000 || return
	measure 3
	expect_shares 5 requests ioband1/-1=100 ioband1/1000=200 ioband1/2000=400
}

test_three_users_under_weight() {
	three_users weight
}

test_three_users_under_weight_iosize() {
	three_users weight-iosize
}

test_three_users_under_default() {
	three_users default
}

run_tests test_three_users_under_weight test_three_users_under_weight_iosize test_three_users_under_default
