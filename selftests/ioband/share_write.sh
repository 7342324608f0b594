#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes are divided as reads are, alone and mixed with them.
# Without weights each of the two gets 50 % where 25 and 75 % are expected.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow

test_writes() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	must message ioband1 carryover 1
	load ioband1 --rw=randwrite
	load ioband1 --rw=randwrite -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 2
	expect_shares 5 writes ioband1/-1=100 ioband1/1000=300
	expect_eq "reads" 0 $((reads[ioband1/-1] + reads[ioband1/1000]))
}

test_writes_through_aio() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	must message ioband1 carryover 1
	load ioband1 --rw=randwrite --ioengine=libaio
	load ioband1 --rw=randwrite --ioengine=libaio -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 2
	expect_shares 5 writes ioband1/-1=100 ioband1/1000=300
}

# Eight of each direction fill the device, which is 16 deep
test_reads_and_writes_mixed() {
	ioband_create ioband1 /dev/slow share1 0 8 user weight 0 :100 1000:300 || return
	must message ioband1 carryover 1
	load ioband1 --rw=randrw --iodepth=64
	load ioband1 --rw=randrw --iodepth=64 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	measure 3
	expect_shares 5 requests ioband1/-1=100 ioband1/1000=300
	# fio issues as many reads as writes; a group that got one direction only would be starved in the other
	expect_shares 15 reads ioband1/-1=100 ioband1/1000=300
	expect_shares 15 writes ioband1/-1=100 ioband1/1000=300
}

run_tests test_writes test_writes_through_aio test_reads_and_writes_mixed
