#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Files that the file system encrypts: what is written are not the pages of the page cache but others, into which they were encrypted. Who dirtied
# the former pays, whether the file system encrypts or, with the option inlinecrypt, the block layer in the place of a device that could.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.f2fs xfs_io
memory_nullb disk

# encrypted_directory: makes $directory, all in it is encrypted
encrypted_directory() {
	local key

	directory=$scratch/ib/secret
	must mkdir "$directory" || return
	key=$(head -c 64 /dev/urandom | xfs_io -c add_enckey "$scratch/ib" | awk '{ print $NF }')
	must xfs_io -c "set_encpolicy $key" "$directory" || return
	expect_match "policy of the directory" ".*Master key identifier: $key.*" "$(xfs_io -r -c get_encpolicy "$directory" | tr -s '\n\t' ' ')"
}

# encrypted TYPE OPTION...: a file of each, and one in pieces of 40 KiB and 80 KiB that lie side by side
encrypted() {
	local type=$1 round rounds=32 directory

	shift
	cgroup_make a b syncer
	make_fs "$type" /dev/disk -O encrypt && owner_ioband ib /dev/disk a b && mount_fs "$type" /dev/mapper/ib "$@" || return
	encrypted_directory || return
	no_periodic_writeback
	sync
	write_file a "$directory/a" 2M
	write_file b "$directory/b" 4M
	for ((round = 0; round < rounds; round++)); do
		write_file a "$directory/both" 40K $((round * 120))K
		write_file b "$directory/both" 80K $((round * 120 + 40))K
	done
	as syncer sync
	expect_charged ib a write $((2048 + rounds * 40))K
	expect_charged ib b write $((4096 + rounds * 80))K
	drop_caches
	read_file b "$directory/a" 2M
	expect_charged ib b read 2M 5
	expect_charged_at_most ib a read 128K
}

test_ext4() {
	encrypted ext4
}

test_ext4_with_inlinecrypt() {
	encrypted ext4 -o inlinecrypt
}

test_f2fs() {
	encrypted f2fs
}

test_f2fs_with_inlinecrypt() {
	encrypted f2fs -o inlinecrypt
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
