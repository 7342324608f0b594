#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The page cache of a block device, and discards: no file system, so not a byte more or less.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require xfs_io blkdiscard
memory_nullb disk discard=1

# The last one to close a block device writes its dirty pages, so one task keeps it open
with_device() {
	owner_ioband ib /dev/disk "$@" || return
	sleep 600 3< /dev/mapper/ib &
	wait_until 30 test "/proc/$!/fd/3" -ef /dev/mapper/ib
	no_periodic_writeback
}

test_buffered_writes() {
	cgroup_make a b syncer
	with_device a b syncer || return
	write_file a /dev/mapper/ib 8M
	write_file b /dev/mapper/ib 16M 8M
	as syncer sync
	expect_charged ib a write 8M 0
	expect_charged ib b write 16M 0
	expect_charged ib syncer write 0
	expect_charged ib others write 0
}

test_pieces_of_two_side_by_side() {
	local round rounds=16

	cgroup_make a b syncer
	with_device a b syncer || return
	for ((round = 0; round < rounds; round++)); do
		write_file a /dev/mapper/ib 40K $((round * 120))K
		write_file b /dev/mapper/ib 80K $((round * 120 + 40))K
	done
	as syncer sync
	expect_charged ib a write $((rounds * 40))K 0
	expect_charged ib b write $((rounds * 80))K 0
	expect_charged ib others write 0
}

test_fsync_and_close_by_another() {
	cgroup_make a b
	with_device a b || return
	write_file a /dev/mapper/ib 4M
	as b xfs_io -c fsync /dev/mapper/ib
	expect_charged ib a write 4M 0
	expect_charged ib b write 0
	write_file a /dev/mapper/ib 4M
	kill_jobs
	# The last to close it
	as b true < /dev/mapper/ib
	expect_charged ib a write 8M 0
	expect_charged ib b write 0
}

test_reads() {
	cgroup_make a b
	with_device a b || return
	drop_caches
	as a dd if=/dev/mapper/ib of=/dev/null bs=64K count=32 status=none iflag=direct
	as b xfs_io -r -c "fadvise -r" -c "pread -q 16m 4m" /dev/mapper/ib
	expect_charged ib a read 2M 0
	# Random access reads nothing ahead
	expect_charged ib b read 4M 0
}

test_discards() {
	cgroup_make a b
	with_device a b || return
	as a blkdiscard -o 0 -l $((4 << 20)) /dev/mapper/ib
	as b blkdiscard -o $((8 << 20)) -l $((8 << 20)) /dev/mapper/ib
	expect_charged ib a write 4M 0
	expect_charged ib b write 8M 0
	expect_charged ib others write 0
}

test_zeroed_ranges() {
	cgroup_make a b
	with_device a b || return
	as a blkdiscard -z -o 0 -l $((4 << 20)) /dev/mapper/ib
	as b blkdiscard -z -o $((8 << 20)) -l $((8 << 20)) /dev/mapper/ib
	expect_charged ib a write 4M 0
	expect_charged ib b write 8M 0
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
