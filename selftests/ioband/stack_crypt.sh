#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dm-crypt above and below an ioband device. It encrypts into pages of its own and sends them from a kernel thread: the owner is whose data it is.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

memory_nullb disk size=64

test_written_back_above() {
	owner_disks disk && crypt crypt1 /dev/mapper/ib-disk || return
	write_apart /dev/mapper/crypt1
	expect_both ib-disk write
	expect_charged ib-disk others write 0
}

test_written_back_in_turns_above() {
	owner_disks disk && crypt crypt1 /dev/mapper/ib-disk || return
	write_in_turns /dev/mapper/crypt1
	expect_both ib-disk write
	expect_charged ib-disk others write 0
}

test_without_its_write_thread_above() {
	owner_disks disk && crypt crypt1 /dev/mapper/ib-disk submit_from_crypt_cpus no_read_workqueue no_write_workqueue || return
	write_in_turns /dev/mapper/crypt1
	expect_both ib-disk write
	expect_charged ib-disk others write 0
}

test_direct_above() {
	owner_disks disk && crypt crypt1 /dev/mapper/ib-disk || return
	write_directly /dev/mapper/crypt1
	expect_both ib-disk write
	expect_charged ib-disk others write 0
	read_directly /dev/mapper/crypt1
	expect_both ib-disk read
}

# Two files of a journalling file system: blocks that the two share, and the journal, are the root's
test_file_system_above() {
	owner_disks disk && crypt crypt1 /dev/mapper/ib-disk || return
	make_fs ext4 /dev/mapper/crypt1 && mount_fs ext4 /dev/mapper/crypt1 || return
	write_file few "$scratch/crypt1/few" "$few_bytes"
	write_file many "$scratch/crypt1/many" "$many_bytes"
	as other sync
	expect_both ib-disk write 2
}

test_written_back_below() {
	crypt crypt1 /dev/disk || return
	cgroup_make few many other
	owner_ioband ib1 /dev/mapper/crypt1 few many || return
	write_in_turns /dev/mapper/ib1
	expect_both ib1 write
	expect_charged ib1 others write 0
}

test_direct_below() {
	crypt crypt1 /dev/disk || return
	cgroup_make few many other
	owner_ioband ib1 /dev/mapper/crypt1 few many || return
	write_directly /dev/mapper/ib1
	read_directly /dev/mapper/ib1
	expect_both ib1 write
	expect_both ib1 read
	expect_charged ib1 others write 0
}

run_tests test_written_back_above test_written_back_in_turns_above test_without_its_write_thread_above test_direct_above \
	test_file_system_above test_written_back_below test_direct_below
