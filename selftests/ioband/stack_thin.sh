#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dm-thin with its pool on an ioband device, and an ioband device on a thin volume. Data is charged to its owner, and so is what the pool does for
# a first write to a part of a block: it zeroes the block, or copies it when a snapshot has it too.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require_target thin-pool || skip_program "the kernel has no target thin-pool (CONFIG_DM_THIN_PROVISIONING)"

block=$((64 << 10))

memory_nullb disk size=64 discard=1
memory_nullb metadata size=8

# thin_volume DATA-DEVICE [OPTION]: /dev/mapper/thin1, nothing of which is there yet
thin_volume() {
	local data=$1 volume_sectors=$((48 << 11))

	shift
	# A pool is made where the metadata begins with zeros
	must dd if=/dev/zero of=/dev/metadata bs=4K count=1 oflag=direct status=none || return
	dm_create pool1 "0 $(sectors "$data") thin-pool /dev/metadata $data $((block >> 9)) 0${1:+ 1 $1}" || return
	must message pool1 create_thin 0 || return
	dm_create thin1 "0 $volume_sectors thin /dev/mapper/pool1 0"
}

test_pool_above() {
	owner_disks disk && thin_volume /dev/mapper/ib-disk skip_block_zeroing || return
	write_apart /dev/mapper/thin1
	expect_both ib-disk write
	expect_charged ib-disk others write 0
}

test_pool_above_in_turns() {
	owner_disks disk && thin_volume /dev/mapper/ib-disk skip_block_zeroing || return
	write_in_turns /dev/mapper/thin1
	expect_both ib-disk write
	expect_charged ib-disk others write 0
}

test_pool_above_direct() {
	owner_disks disk && thin_volume /dev/mapper/ib-disk skip_block_zeroing || return
	write_directly /dev/mapper/thin1
	read_directly /dev/mapper/thin1
	expect_both ib-disk write
	expect_both ib-disk read
	expect_charged ib-disk others write 0
}

few_blocks=32
many_blocks=64

# A page in each of few_blocks blocks and in each of many_blocks others
write_parts() {
	in_pieces few "$1" 4 0 $((block >> 10)) "$few_blocks" &&
		in_pieces many "$1" 4 $((few_blocks * block >> 10)) $((block >> 10)) "$many_blocks"
}

# expect_parts: each owner is charged its pages, and the block around each that had to be zeroed or copied first
expect_parts() {
	expect_charged ib-disk few write $((few_blocks * (4096 + block))) 0
	expect_charged ib-disk many write $((many_blocks * (4096 + block))) 0
	expect_charged ib-disk others write 0
}

test_zeroed_blocks() {
	owner_disks disk && thin_volume /dev/mapper/ib-disk || return
	written_back /dev/mapper/thin1 write_parts
	expect_parts
}

test_copied_blocks() {
	cgroup_make few many other
	thin_volume /dev/disk skip_block_zeroing || return
	written_back /dev/mapper/thin1 write_whole
	dm_suspend thin1 && must message pool1 create_snap 1 0 && dm_resume thin1 || return
	dm_remove thin1
	dm_remove pool1
	owner_ioband ib-disk /dev/disk few many || return
	dm_create pool1 "0 $(sectors /dev/mapper/ib-disk) thin-pool /dev/metadata /dev/mapper/ib-disk $((block >> 9)) 0 1 skip_block_zeroing" || return
	dm_create thin1 "0 $((48 << 11)) thin /dev/mapper/pool1 0" || return
	written_back /dev/mapper/thin1 write_parts
	expect_parts
	expect_charged ib-disk few read $((few_blocks * block)) 0
	expect_charged ib-disk many read $((many_blocks * block)) 0
}

write_whole() {
	in_pieces other "$1" $((block >> 10)) 0 $((block >> 10)) $((few_blocks + many_blocks))
}

# What the pool gives back to the device below, in bios of its own
test_discards_above() {
	owner_disks disk && thin_volume /dev/mapper/ib-disk skip_block_zeroing || return
	must dd if=/dev/zero of=/dev/mapper/thin1 bs=1M count=48 oflag=direct status=none
	as few blkdiscard -o 0 -l $((8 << 20)) /dev/mapper/thin1
	as many blkdiscard -o $((16 << 20)) -l $((16 << 20)) /dev/mapper/thin1
	expect_charged ib-disk few write $((8 << 20)) 0
	expect_charged ib-disk many write $((16 << 20)) 0
}

test_volume_below() {
	thin_volume /dev/disk || return
	cgroup_make few many other
	owner_ioband ib1 /dev/mapper/thin1 few many || return
	write_in_turns /dev/mapper/ib1
	read_directly /dev/mapper/ib1
	expect_both ib1 write
	expect_both ib1 read
	expect_charged ib1 others write 0
}

run_tests test_pool_above test_pool_above_in_turns test_pool_above_direct test_zeroed_blocks test_copied_blocks \
	test_discards_above test_volume_below
