#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A page that is dirty belongs to whoever dirtied it first; once it is clean, to whoever dirties it next.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.f2fs mkfs.vfat
memory_nullb disk

# rewritten TYPE [BOUND]: metadata of the file that a rewriter of dirty pages may pay for
rewritten() {
	local bound=${2:-64K}

	cgroup_make a b syncer
	no_periodic_writeback
	owner_fs ib /dev/disk "$1" a b || return
	write_file a "$scratch/ib/file" 8M
	write_file b "$scratch/ib/file" 8M
	as syncer sync
	expect_charged ib a write 8M 3
	expect_charged_at_most ib b write "$bound"
	write_file b "$scratch/ib/file" 8M
	write_file a "$scratch/ib/file" 8M
	as syncer sync
	expect_charged ib a write 8M 3
	expect_charged ib b write 8M 3
}

test_ext4() {
	rewritten ext4
}

test_xfs() {
	rewritten xfs
}

test_btrfs() {
	rewritten btrfs 256K
}

test_f2fs() {
	rewritten f2fs
}

test_vfat() {
	rewritten vfat
}

# What is dropped before it was written is nobody's, and the page's next owner is a new one
test_truncated_while_dirty() {
	cgroup_make a b syncer
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 a b || return
	write_file a "$scratch/ib/file" 8M
	as syncer truncate -s 0 "$scratch/ib/file"
	write_file b "$scratch/ib/file" 8M
	as syncer sync
	expect_charged_at_most ib a write 64K
	expect_charged ib b write 8M
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
