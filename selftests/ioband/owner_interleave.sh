#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two cgroups write to one file, in pieces of 40 KiB and 80 KiB that lie side by side: each pays for its own pieces, also where one bio, or one
# folio, has pages of both.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.vfat mkfs.btrfs mkfs.f2fs xfs_io
memory_nullb disk

# append_in_turns TYPE [ROUNDS]: the pieces are written in the order in which they lie, new pages all
append_in_turns() {
	local round rounds=${2:-16}

	cgroup_make a b syncer
	owner_fs ib /dev/disk "$1" a b || return
	no_periodic_writeback
	for ((round = 0; round < rounds; round++)); do
		write_file a "$scratch/ib/file" 40K $((round * 120))K
		write_file b "$scratch/ib/file" 80K $((round * 120 + 40))K
	done
	as syncer sync
	expect_charged ib a write $((rounds * 40))K
	expect_charged ib b write $((rounds * 80))K
}

# pieces FIRST-KIB KIB ROUNDS: as many words for xfs_io, each a piece of every 120 KiB
pieces() {
	local round

	for ((round = 0; round < $3; round++)); do
		printf -- '-c\npwrite -q %sK %sK\n' $((round * 120 + $1)) "$2"
	done
}

# rewrite_in_pieces TYPE: all pages are in the page cache and clean, in folios as large as the file system makes them for one long write
rewrite_in_pieces() {
	local rounds=80 of_a of_b

	cgroup_make a b filler syncer
	owner_fs ib /dev/disk "$1" a b filler || return
	no_periodic_writeback
	write_file filler "$scratch/ib/file" $((rounds * 120))K
	as syncer sync
	expect_charged ib filler write $((rounds * 120))K
	mapfile -t of_a < <(pieces 0 40 "$rounds")
	mapfile -t of_b < <(pieces 40 80 "$rounds")
	as a xfs_io "${of_a[@]}" "$scratch/ib/file"
	as b xfs_io "${of_b[@]}" "$scratch/ib/file"
	as syncer sync
	expect_charged ib a write $((rounds * 40))K
	expect_charged ib b write $((rounds * 80))K
	expect_charged ib filler write $((rounds * 120))K
}

test_ext4_appended_in_turns() {
	append_in_turns ext4
}

test_xfs_appended_in_turns() {
	append_in_turns xfs
}

# The pages of the file allocation table count as well, 4 KiB of 800
test_vfat_appended_in_turns() {
	append_in_turns vfat
}

# What it writes of its trees, tens of KiB, counts as well
test_btrfs_appended_in_turns() {
	append_in_turns btrfs 96
}

test_f2fs_appended_in_turns() {
	append_in_turns f2fs
}

test_ext4_rewritten_in_pieces() {
	rewrite_in_pieces ext4
}

test_xfs_rewritten_in_pieces() {
	rewrite_in_pieces xfs
}

test_vfat_rewritten_in_pieces() {
	rewrite_in_pieces vfat
}

# The kernel without other controllers is without these file systems
for type in btrfs f2fs; do
	grep -qw "$type" /proc/filesystems || unset -f "test_${type}_appended_in_turns"
done
mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
