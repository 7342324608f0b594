#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RAID 1, 0 and 10 of ioband devices, and an ioband device on an array. The copies and the parts of a bio are its owner's; an array's superblock
# is everybody's, so the root's.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require mdadm blkdiscard

# What mdadm reads and writes to make an array, and md while it is used
superblocks=$((256 << 10))

for disk in a b c; do
	memory_nullb "$disk" size=64 discard=1
done

# expect_mirrored NAME...: each has all of it
expect_mirrored() {
	local name

	for name; do
		expect_both "$name" write
		expect_charged_at_most "$name" others write "$superblocks"
	done
}

# expect_divided COPIES NAME...: together they have COPIES of it
expect_divided() {
	local copies=$1

	shift
	expect_agreements "$@"
	expect_in_all few write $((few_bytes * copies)) $((few_bytes * copies)) "$@"
	expect_in_all many write $((many_bytes * copies)) $((many_bytes * copies)) "$@"
	expect_in_all others write 0 $((superblocks * $#)) "$@"
}

test_raid1_above() {
	owner_disks a b && array 1 /dev/mapper/ib-a /dev/mapper/ib-b || return
	write_apart /dev/md100
	expect_mirrored ib-a ib-b
}

test_raid1_above_in_turns() {
	owner_disks a b && array 1 /dev/mapper/ib-a /dev/mapper/ib-b || return
	write_in_turns /dev/md100
	expect_mirrored ib-a ib-b
}

test_raid1_above_one_ioband_device_id() {
	cgroup_make few many other
	owner_ioband ib-a@share1 /dev/a few many && owner_ioband ib-b@share1 /dev/b few many || return
	array 1 /dev/mapper/ib-a /dev/mapper/ib-b || return
	write_in_turns /dev/md100
	expect_mirrored ib-a ib-b
}

test_raid1_above_direct() {
	owner_disks a b && array 1 /dev/mapper/ib-a /dev/mapper/ib-b || return
	write_directly /dev/md100
	expect_mirrored ib-a ib-b
	read_directly /dev/md100
	expect_agreements ib-a ib-b
	expect_in_all few read "$few_bytes" "$few_bytes" ib-a ib-b
	expect_in_all many read "$many_bytes" "$many_bytes" ib-a ib-b
}

test_raid0_above() {
	owner_disks a b c && array 0 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	write_in_turns /dev/md100
	expect_divided 1 ib-a ib-b ib-c
}

test_raid10_above() {
	owner_disks a b c && array 10 /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	write_in_turns /dev/md100
	expect_divided 2 ib-a ib-b ib-c
}

# The second disk is written from copies, after the writer has been told that it is done
test_raid1_above_writes_behind() {
	owner_disks a b || return
	must mdadm --create /dev/md100 --run --quiet --metadata=1.2 --level=1 --raid-devices=2 --assume-clean --bitmap=internal --write-behind=256 \
		/dev/mapper/ib-a --write-mostly /dev/mapper/ib-b || return
	on_end array_stop
	wait_until 10 test -b /dev/md100 || return
	must blockdev --getsz /dev/md100 || return
	write_apart /dev/md100
	wait_until 30 is_written_behind
	expect_mirrored ib-a ib-b
}

is_written_behind() {
	[ "$(charged ib-b few write)" -ge "$few_bytes" ] && [ "$(charged ib-b many write)" -ge "$many_bytes" ]
}

# discards_above LEVEL COPIES: of pieces that lie on all disks
discards_above() {
	owner_disks a b c && array "$1" /dev/mapper/ib-a /dev/mapper/ib-b /dev/mapper/ib-c || return
	as few blkdiscard -o 0 -l "$few_bytes" /dev/md100
	as many blkdiscard -o $((few_bytes * 2)) -l "$many_bytes" /dev/md100
	expect_divided "$2" ib-a ib-b ib-c
}

test_raid0_above_discards() {
	discards_above 0 1
}

test_raid10_above_discards() {
	discards_above 10 2
}

# below LEVEL DEVICE...
below() {
	array "$@" || return
	cgroup_make few many other
	owner_ioband ib1 /dev/md100 few many || return
	write_in_turns /dev/mapper/ib1
	read_directly /dev/mapper/ib1
	expect_both ib1 write
	expect_both ib1 read
	expect_charged ib1 others write 0
}

test_raid1_below() {
	below 1 /dev/a /dev/b
}

test_raid0_below() {
	below 0 /dev/a /dev/b /dev/c
}

test_raid10_below() {
	below 10 /dev/a /dev/b /dev/c
}

run_tests test_raid1_above test_raid1_above_in_turns test_raid1_above_one_ioband_device_id test_raid1_above_direct test_raid0_above \
	test_raid10_above test_raid1_above_writes_behind test_raid0_above_discards test_raid10_above_discards test_raid1_below test_raid0_below test_raid10_below
