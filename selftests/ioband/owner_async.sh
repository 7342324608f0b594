#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes through the page cache that a task asks for and others do: a context of libaio, a ring of io_uring, its workers, its polling thread. The pages
# are those of the cgroup that the task is in. What it writes past the page cache is in owner_direct.sh. And the trace of stamps says so page by page.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs fio
memory_nullb disk

# start_buffered CGROUP FILE SIZE FIO-OPTION...: in the background
start_buffered() {
	local cgroup=$1 file=$2 size=$3

	shift 3
	start_as "$cgroup" fio --name="$cgroup" --thread --filename="$file" --bs=64k --rw=write --size="$size" --fallocate=none --invalidate=0 --end_fsync=0 \
		--disk_util=0 "$@" > "$scratch/fio.$cgroup" 2>&1
	fio_log[$started]=$scratch/fio.$cgroup
}

# own_pages TYPE FIO-OPTION...
own_pages() {
	local type=$1 of_a

	shift
	cgroup_make a b syncer
	no_periodic_writeback
	owner_fs ib /dev/disk "$type" a b || return
	start_buffered a "$scratch/ib/a" 4M "$@"
	of_a=$started
	start_buffered b "$scratch/ib/b" 8M "$@"
	expect_verified "$of_a" "$started"
	as syncer sync
	expect_charged ib a write 4M
	expect_charged ib b write 8M
}

test_libaio() {
	own_pages ext4 --ioengine=libaio --iodepth=16
}

test_io_uring() {
	own_pages ext4 --ioengine=io_uring --iodepth=16
}

test_io_uring_on_xfs() {
	own_pages xfs --ioengine=io_uring --iodepth=16
}

test_io_uring_by_its_workers() {
	own_pages ext4 --ioengine=io_uring --iodepth=16 --force_async=1
}

test_io_uring_polling_thread() {
	own_pages ext4 --ioengine=io_uring --iodepth=16 --sqthread_poll=1
}

# stamped OWNER: pages, by the trace
stamped() {
	sed -n 's/.* bio_cgroup_stamp: .*pages=\([0-9]*\) owner=\([0-9]*\)$/\1 \2/p' "$trace_instance/trace" |
		awk -v owner="$1" '$2 == owner { sum += $1 } END { print sum + 0 }'
}

# expect_stamped CGROUP PAGES
expect_stamped() {
	local pages

	pages=$(stamped "$(cgroup_id "$1")")
	expect_ge "pages stamped for $1" "$pages" "$2"
	expect_le "pages stamped for $1" "$pages" $(($2 + 400))
}

# Each page once, when it becomes dirty; not again when it is written once more before that is on the disk. Memory of the programs has stamps, too
test_trace_of_stamps() {
	local again

	cgroup_make a b
	no_periodic_writeback
	owner_ioband ib /dev/disk a b || return
	device_stays_open ib
	echo 1 > "$trace_instance/events/bio_cgroup/bio_cgroup_stamp/enable"
	for again in no yes; do
		diag "again: $again"
		as a dd if=/dev/zero of=/dev/mapper/ib bs=64K count=128 conv=notrunc status=none
		as b dd if=/dev/zero of=/dev/mapper/ib bs=64K seek=128 count=256 conv=notrunc status=none
	done
	# b comes too late for pages of a
	as b dd if=/dev/zero of=/dev/mapper/ib bs=64K count=128 conv=notrunc status=none
	expect_stamped a 2048
	expect_stamped b 4096
	must sync
	expect_charged ib a write 8M 0
	expect_charged ib b write 16M 0
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
