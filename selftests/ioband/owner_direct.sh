#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Direct I/O belongs to the cgroup of the task that asked for it, by whichever system call and whichever thread of the kernel.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.f2fs
memory_nullb disk

# start_direct CGROUP FILE SIZE FIO-OPTION...: writes SIZE, then reads it; in the background
start_direct() {
	local cgroup=$1 file=$2 size=$3

	shift 3
	start_as "$cgroup" fio --thread --filename="$file" --direct=1 --bs=64k --size="$size" --allow_file_create=0 --invalidate=0 --disk_util=0 "$@" \
		--name=writes --rw=write --name=reads --stonewall --rw=read > "$scratch/fio.$cgroup" 2>&1
	fio_log[$started]=$scratch/fio.$cgroup
}

# exactly_its_own FIO-OPTION...: two cgroups and the bare device: no metadata, so not a byte more or less
exactly_its_own() {
	local of_a

	cgroup_make a b
	owner_ioband ib /dev/disk a b || return
	start_direct a /dev/mapper/ib 2M "$@"
	of_a=$started
	start_direct b /dev/mapper/ib 4M "$@"
	expect_verified "$of_a" "$started"
	expect_charged ib a read 2M 0
	expect_charged ib a write 2M 0
	expect_charged ib b read 4M 0
	expect_charged ib b write 4M 0
}

test_system_call() {
	exactly_its_own --ioengine=psync
}

test_libaio() {
	exactly_its_own --ioengine=libaio --iodepth=16
}

test_io_uring() {
	exactly_its_own --ioengine=io_uring --iodepth=16
}

test_io_uring_by_its_workers() {
	exactly_its_own --ioengine=io_uring --iodepth=16 --force_async=1
}

test_io_uring_polling_thread() {
	exactly_its_own --ioengine=io_uring --iodepth=16 --sqthread_poll=1
}

# file_on TYPE
file_on() {
	local of_a

	cgroup_make a b
	owner_fs ib /dev/disk "$1" a b || return
	write_file root "$scratch/ib/a" 2M
	write_file root "$scratch/ib/b" 4M
	drop_caches
	start_direct a "$scratch/ib/a" 2M --ioengine=libaio --iodepth=16
	of_a=$started
	start_direct b "$scratch/ib/b" 4M --ioengine=io_uring --iodepth=16 --force_async=1
	expect_verified "$of_a" "$started"
	expect_charged ib a write 2M
	expect_charged ib b write 4M
	expect_charged ib a read 2M
	expect_charged ib b read 4M
}

test_files_of_ext4() {
	file_on ext4
}

test_files_of_xfs() {
	file_on xfs
}

test_files_of_btrfs() {
	file_on btrfs
}

test_files_of_f2fs() {
	file_on f2fs
}

# The kernel without other controllers is without these file systems
for type in btrfs f2fs; do
	grep -qw "$type" /proc/filesystems || unset -f "test_files_of_$type"
done
mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
