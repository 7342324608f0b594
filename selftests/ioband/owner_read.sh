#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Buffered reads and what is read ahead of them belong to the cgroup of the task that reads.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.vfat xfs_io
memory_nullb disk

# two_buffered_readers TYPE
two_buffered_readers() {
	cgroup_make a b
	owner_fs ib /dev/disk "$1" a b || return
	write_file root "$scratch/ib/a" 8M
	write_file root "$scratch/ib/b" 16M
	drop_caches
	read_file a "$scratch/ib/a" 8M
	read_file b "$scratch/ib/b" 16M
	# Cached by now
	read_file b "$scratch/ib/a" 8M
	expect_charged ib a read 8M
	expect_charged ib b read 16M
}

test_buffered_reads_on_ext4() {
	two_buffered_readers ext4
}

test_buffered_reads_on_xfs() {
	two_buffered_readers xfs
}

test_buffered_reads_on_vfat() {
	two_buffered_readers vfat
}

# Pages that are read by a fault of a mapping
test_reads_through_mmap() {
	cgroup_make a b
	owner_fs ib /dev/disk ext4 a b || return
	write_file root "$scratch/ib/a" 8M
	write_file root "$scratch/ib/b" 16M
	drop_caches
	as a xfs_io -r -c "mmap -r 0 8m" -c "mread 0 8m" "$scratch/ib/a"
	as b xfs_io -r -c "mmap -r 0 16m" -c "mread 0 16m" "$scratch/ib/b"
	expect_charged ib a read 8M
	expect_charged ib b read 16M
}

test_reads_ahead_are_of_who_asks() {
	local at words=()

	cgroup_make a b
	owner_fs ib /dev/disk ext4 a b || return
	write_file root "$scratch/ib/file" 8M
	drop_caches
	# The kernel reads no more than the device's read-ahead size for one such word
	for ((at = 0; at < 8192; at += 64)); do
		words+=(-c "fadvise -w ${at}k 64k")
	done
	as a xfs_io -r "${words[@]}" "$scratch/ib/file"
	read_file b "$scratch/ib/file" 8M
	expect_charged ib a read 8M
	expect_charged_at_most ib b read 64K
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
