#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RAID 4, 5 and 6 of ioband devices, and an ioband device on such an array. Data is charged to its owner, page by page. Parity belongs to one of
# those who wrote to its row of pages, and may be written once for each of them: at most as often as there is data in the row.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require mdadm

superblocks=$((256 << 10))

for disk in a b c d; do
	memory_nullb "$disk" size=64
done

# RAID 4 has all parity on the last device, so that data can be counted without it: exactly
test_raid4_above() {
	owner_disks a b c && array 4 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	write_in_turns /dev/md100
	expect_agreements ib-a ib-b ib-c
	expect_in_all few write "$few_bytes" "$few_bytes" ib-a ib-b
	expect_in_all many write "$many_bytes" "$many_bytes" ib-a ib-b
	expect_in_all few write 0 "$few_bytes" ib-c
	expect_in_all many write 0 "$many_bytes" ib-c
	expect_in_all others write 0 $((superblocks * 3)) ib-a ib-b ib-c
}

# expect_with_parity PARTS NAME...: no row has pages of two owners, so each pays for its parity, which is at least 1 / PARTS of its data for each
# parity device, and at most as much as its data
expect_with_parity() {
	local parts=$1 parity_devices=$(($# - 1 - $1))

	shift
	expect_agreements "$@"
	expect_in_all few write $((few_bytes + few_bytes * parity_devices / parts)) $((few_bytes * (1 + parity_devices))) "$@"
	expect_in_all many write $((many_bytes + many_bytes * parity_devices / parts)) $((many_bytes * (1 + parity_devices))) "$@"
	expect_in_all others write 0 $((superblocks * $#)) "$@"
}

test_raid5_above() {
	owner_disks a b c && array 5 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	write_apart /dev/md100
	expect_with_parity 2 ib-a ib-b ib-c
}

test_raid6_above() {
	owner_disks a b c d && array 6 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c /dev/mapper/ib-d || return
	write_apart /dev/md100
	expect_with_parity 2 ib-a ib-b ib-c ib-d
}

# Here a row may have pages of both; together they pay for all that the devices were given
test_raid5_above_in_turns() {
	local data=$((few_bytes + many_bytes))

	owner_disks a b c && array 5 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	write_in_turns /dev/md100
	expect_agreements ib-a ib-b ib-c
	expect_in_all few write "$few_bytes" $((few_bytes * 3)) ib-a ib-b ib-c
	expect_in_all many write "$many_bytes" $((many_bytes * 3)) ib-a ib-b ib-c
	expect_in_all others write 0 $((superblocks * 3)) ib-a ib-b ib-c
	expect_ge "writes of few and many" $(($(in_all few) + $(in_all many))) $((data + data / 2))
}

in_all() {
	echo $(($(charged ib-a "$1" write) + $(charged ib-b "$1" write) + $(charged ib-c "$1" write)))
}

# Whole chunks are read past the stripe cache, the others through it
test_raid5_above_direct_reads() {
	owner_disks a b c && array 5 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	read_directly /dev/md100
	expect_agreements ib-a ib-b ib-c
	expect_in_all few read "$few_bytes" "$few_bytes" ib-a ib-b ib-c
	expect_in_all many read "$many_bytes" "$many_bytes" ib-a ib-b ib-c
}

test_raid5_below() {
	array 5 /dev/a /dev/b /dev/c || return
	cgroup_make few many other
	owner_ioband ib1 /dev/md100 few many || return
	write_in_turns /dev/mapper/ib1
	read_directly /dev/mapper/ib1
	expect_both ib1 write
	expect_both ib1 read
	expect_charged ib1 others write 0
}

run_tests test_raid4_above test_raid5_above test_raid6_above test_raid5_above_in_turns test_raid5_above_direct_reads test_raid5_below
