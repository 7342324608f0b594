#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pages dirtied through mmap(2) belong to the cgroup of the task that took the write fault, whoever writes them out.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.vfat xfs_io
memory_nullb disk

# store CGROUP FILE FROM-KIB KIB EVERY-KIB TIMES: stores into a shared mapping of 8 MiB of FILE
store() {
	local i words=(-c "mmap -rw 0 8m")

	for ((i = 0; i < $6; i++)); do
		words+=(-c "mwrite $(($3 + i * $5))k ${4}k")
	done
	as "$1" xfs_io "${words[@]}" "$2"
}

# with_files TYPE CGROUP...: files a and b, 8 MiB each, clean and cached
with_files() {
	owner_fs ib /dev/disk "$@" || return
	no_periodic_writeback
	write_file root "$scratch/ib/a" 8M
	write_file root "$scratch/ib/b" 8M
	sync
}

# faults_of_two TYPE
faults_of_two() {
	cgroup_make a b syncer
	with_files "$1" a b || return
	store a "$scratch/ib/a" 0 4096 0 1
	store b "$scratch/ib/b" 0 8192 0 1
	as syncer sync
	expect_charged ib a write 4M
	expect_charged ib b write 8M
}

test_ext4() {
	faults_of_two ext4
}

test_xfs() {
	faults_of_two xfs
}

test_vfat() {
	faults_of_two vfat
}

# A hole gets its page by the fault, not by write(2)
test_fault_into_a_hole() {
	cgroup_make a b syncer
	with_files ext4 a b || return
	must truncate -s 8M "$scratch/ib/hole"
	store a "$scratch/ib/hole" 0 4096 0 1
	store b "$scratch/ib/hole" 4096 2048 0 1
	as syncer sync
	expect_charged ib a write 4M
	expect_charged ib b write 2M
}

# Every other page is b's; ext4 has folios of one page
test_neighbouring_pages_of_two() {
	cgroup_make a b syncer
	with_files ext4 a b || return
	store a "$scratch/ib/a" 0 4 8 512
	store b "$scratch/ib/a" 4 4 8 512
	as syncer sync
	expect_charged ib a write 2M
	expect_charged ib b write 2M
}

test_first_to_fault_pays() {
	cgroup_make a b syncer
	with_files ext4 a b || return
	store a "$scratch/ib/a" 0 4096 0 1
	store b "$scratch/ib/a" 0 4096 0 1
	as syncer sync
	expect_charged ib a write 4M
	expect_charged_at_most ib b write 64K
	# Clean again: a new fault, a new owner
	store b "$scratch/ib/a" 0 4096 0 1
	as syncer sync
	expect_charged ib a write 4M
	expect_charged ib b write 4M
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
