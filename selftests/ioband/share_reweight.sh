#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A weight message changes the shares of loads that are running; nothing else does.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow

# Without effect the shares stay 50 % each
test_weight_under_load() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:100 || return
	must message ioband1 carryover 1
	load ioband1
	load ioband1 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 2
	expect_shares 5 requests ioband1/-1=1 ioband1/1000=1
	must message ioband1 weight 1000:300
	measure 2
	expect_shares 5 requests ioband1/-1=100 ioband1/1000=300
	must message ioband1 weight 900
	measure 2
	expect_shares 5 requests ioband1/-1=900 ioband1/1000=300
}

# A group attached under load has weight 100. Before, its I/O was the default group's: all three got 400 together.
test_attach_under_load() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :400 1000:300 || return
	must message ioband1 carryover 1
	load ioband1
	load ioband1 -- as_user 1000
	load ioband1 -- as_user 2000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 2
	expect_shares 5 requests ioband1/-1=400 ioband1/1000=300
	must message ioband1 attach 2000
	wait_for_load ioband1/2000 || return
	measure 3
	expect_shares 5 requests ioband1/-1=400 ioband1/1000=300 ioband1/2000=100
}

# "Weights return to 100"
test_policy_switch_makes_shares_equal() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:400 || return
	load ioband1
	load ioband1 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	must message ioband1 policy weight-iosize
	must message ioband1 carryover 1
	measure 2
	expect_shares 5 requests ioband1/-1=1 ioband1/1000=1
}

run_tests test_weight_under_load test_attach_under_load test_policy_switch_makes_shares_equal
