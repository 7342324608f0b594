#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who asks for dirty pages to be written, or whether anybody does, does not matter: fsync(2) by another task, sync_file_range(2), the flusher.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.f2fs mkfs.vfat xfs_io
memory_nullb disk

# fsync_by_another TYPE BOUND: the log that an fsync writes, if the caller itself writes it, is all it may pay for
fsync_by_another() {
	cgroup_make a b
	no_periodic_writeback
	owner_fs ib /dev/disk "$1" a b || return
	write_file a "$scratch/ib/file" 8M
	as b xfs_io -r -c fsync "$scratch/ib/file"
	expect_charged ib a write 8M
	expect_charged_at_most ib b write "$2"
}

test_fsync_on_ext4() {
	fsync_by_another ext4 64K
}

test_fsync_on_xfs() {
	fsync_by_another xfs 64K
}

test_fsync_on_btrfs() {
	fsync_by_another btrfs 256K
}

test_fsync_on_f2fs() {
	fsync_by_another f2fs 256K
}

test_fsync_on_vfat() {
	fsync_by_another vfat 64K
}

# journal_is_nobodys TYPE: who calls fsync may write the journal himself, but it is not his
journal_is_nobodys() {
	local commands=() i

	for i in {0..99}; do
		commands+=(-c "pwrite -q $((i * 4))k 4k" -c fsync)
	done
	cgroup_make b
	no_periodic_writeback
	owner_fs ib /dev/disk "$1" b || return
	as b xfs_io -f "${commands[@]}" "$scratch/ib/file"
	expect_charged ib b write 400K 2
	expect_ge "bytes of the journal, which are nobody's" "$(charged ib others write)" $((100 * 512))
}

test_journal_of_ext4() {
	journal_is_nobodys ext4
}

test_journal_of_xfs() {
	journal_is_nobodys xfs
}

# Its entries are in buffers of the block device, which fsync writes one by one. A name of 13 characters takes two of 32 bytes
test_fsync_of_a_directory_by_another() {
	local before

	cgroup_make a b
	no_periodic_writeback
	owner_fs ib /dev/disk vfat a b || return
	as a mkdir "$scratch/ib/directory"
	as a sync -f "$scratch/ib/directory"
	before=$(charged ib a write)
	# shellcheck disable=SC2016 # the other shell's
	as a sh -c 'i=1000; while [ $((i += 1)) -le 1512 ]; do : > "$1/directory-$i"; done' - "$scratch/ib/directory"
	as b xfs_io -r -c fsync "$scratch/ib/directory"
	expect_ge "bytes that a's entries take" $(($(charged ib a write) - before)) $((512 * 64))
	expect_charged_at_most ib b write 4K
}

test_sync_file_range_by_another() {
	cgroup_make a b
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 a b || return
	write_file a "$scratch/ib/file" 8M
	as b xfs_io -r -c "sync_range -w 0 8m" -c "sync_range -a 0 8m" "$scratch/ib/file"
	expect_charged ib a write 8M
	expect_charged ib b write 0
}

all_is_written() {
	[ "$(charged ib a write)" -ge $((8 << 20)) ] && [ "$(charged ib b write)" -ge $((16 << 20)) ]
}

test_flusher() {
	local expire

	cgroup_make a b
	owner_fs ib /dev/disk ext4 a b || return
	expire=$(< /proc/sys/vm/dirty_expire_centisecs)
	on_end set_dirty_expire "$expire"
	on_end set_periodic_writeback "$(< /proc/sys/vm/dirty_writeback_centisecs)"
	set_dirty_expire 10
	set_periodic_writeback 10
	write_file a "$scratch/ib/a" 8M
	write_file b "$scratch/ib/b" 16M
	wait_until 60 all_is_written
	expect_charged ib a write 8M
	expect_charged ib b write 16M
}

set_dirty_expire() {
	echo "$1" > /proc/sys/vm/dirty_expire_centisecs
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
