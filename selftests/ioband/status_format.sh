#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# `dmsetup status`, byte for byte, after I/O whose every request is known.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

require fio setpriv losetup blkdiscard

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64
# So slow that all requests of a job are there before the first one is done
slow_nullb slow completion_nsec=300000000

# status_is NAME WANT: the whole line, its end included
status_is() {
	local size

	size=$(sectors "/dev/mapper/$1")
	# The dot keeps the line's end from being stripped
	expect_eq "dmsetup status $1" "0 $size ioband $2"$'\n.' "$(status "$1"; echo .)"
}

# user_reads ID DEVICE COUNT, user_writes ID DEVICE COUNT: as direct_reads and direct_writes; root opens the device, to which it belongs
user_reads() {
	must setpriv --reuid "$1" --regid "$1" --clear-groups dd of=/dev/null bs=4k count="$3" iflag=direct < "$2"
}

user_writes() {
	must setpriv --reuid "$1" --regid "$1" --clear-groups sh -c "exec dd if=/dev/zero bs=4k count=$3 oflag=direct >&3" 3<> "$2"
}

# start_burst DEVICE COUNT read|write: so many requests of 4 KiB in one system call
start_burst() {
	start_fio "$1" --rw="$3" --iodepth="$2" --iodepth_batch_submit="$2" --number_ios="$2"
}

test_idle_device() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :100 || return
	status_is ioband1 "share1 -1 0 0 0 0 0 0"
	expect_eq "dmsetup status, the line of ioband1" "ioband1: 0 $(sectors /dev/disk1) ioband share1 -1 0 0 0 0 0 0" "$(dmsetup status | grep '^ioband1:')"
}

test_idle_groups_in_the_order_of_the_table() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 3000:10 1000:20 || return
	must message ioband1 attach 2000
	status_is ioband1 "share1 -1 0 0 0 0 0 0 3000 0 0 0 0 0 0 1000 0 0 0 0 0 0 2000 0 0 0 0 0 0"
	must message ioband1 detach 3000
	status_is ioband1 "share1 -1 0 0 0 0 0 0 1000 0 0 0 0 0 0 2000 0 0 0 0 0 0"
}

test_reads_and_writes_that_were_not_held() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :100 || return
	direct_reads /dev/mapper/ioband1 10
	status_is ioband1 "share1 -1 10 0 80 0 0 0"
	direct_writes /dev/mapper/ioband1 7
	status_is ioband1 "share1 -1 10 0 80 7 0 56"
	must dd if=/dev/mapper/ioband1 of=/dev/null bs=64k count=3 iflag=direct
	status_is ioband1 "share1 -1 13 0 464 7 0 56"
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=512 count=5 oflag=direct conv=nocreat,notrunc
	status_is ioband1 "share1 -1 13 0 464 12 0 61"
}

test_same_columns_for_every_policy() {
	local policy

	for policy in default weight weight-iosize; do
		ioband_create ioband1 /dev/disk1 share1 4 64 none $policy 0 :100 || return
		must dd if=/dev/mapper/ioband1 of=/dev/null bs=64k count=3 iflag=direct
		direct_writes /dev/mapper/ioband1 2
		status_is ioband1 "share1 -1 3 0 384 2 0 16"
		dm_remove ioband1
	done
}

test_held_reads_are_delayed_reads() {
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst /dev/mapper/ioband1 8 read
	succeeds "$fio_process"
	status_is ioband1 "share1 -1 8 7 64 0 0 0"
}

test_held_writes_are_delayed_writes() {
	ioband_create ioband1 /dev/slow share1 1 2 none weight 256 :100 || return
	start_burst /dev/mapper/ioband1 8 write
	succeeds "$fio_process"
	status_is ioband1 "share1 -1 0 0 0 8 6 64"
}

test_nothing_is_held_below_io_throttle() {
	ioband_create ioband1 /dev/slow share1 16 16 none weight 1 :1 || return
	start_burst /dev/mapper/ioband1 16 read
	succeeds "$fio_process"
	status_is ioband1 "share1 -1 16 0 128 0 0 0"
}

test_reads_and_writes_have_a_limit_each() {
	local reader

	ioband_create ioband1 /dev/slow share1 1 3 none weight 256 :100 || return
	start_burst /dev/mapper/ioband1 4 read
	reader=$fio_process
	start_burst /dev/mapper/ioband1 4 write
	succeeds "$reader"
	succeeds "$fio_process"
	status_is ioband1 "share1 -1 4 1 32 4 1 32"
}

test_io_is_counted_in_the_group_of_its_user() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 1000:10 2000:20 || return
	user_reads 1000 /dev/mapper/ioband1 3
	user_writes 2000 /dev/mapper/ioband1 5
	user_reads 3000 /dev/mapper/ioband1 2
	direct_reads /dev/mapper/ioband1 1
	status_is ioband1 "share1 -1 3 0 24 0 0 0 1000 3 0 24 0 0 0 2000 0 0 0 5 0 40"
	# What is attached later counts from there on
	must message ioband1 attach 3000
	user_reads 3000 /dev/mapper/ioband1 4
	status_is ioband1 "share1 -1 3 0 24 0 0 0 1000 3 0 24 0 0 0 2000 0 0 0 5 0 40 3000 4 0 32 0 0 0"
}

test_detached_group_attached_again_counts_from_0() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 1000:10 || return
	user_reads 1000 /dev/mapper/ioband1 3
	must message ioband1 detach 1000
	status_is ioband1 "share1 -1 0 0 0 0 0 0"
	must message ioband1 attach 1000
	status_is ioband1 "share1 -1 0 0 0 0 0 0 1000 0 0 0 0 0 0"
}

test_reset_zeroes_this_device_only() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 1000:10 || return
	ioband_create ioband2 /dev/disk2 share1 4 64 none weight 256 :100 || return
	direct_reads /dev/mapper/ioband1 2
	user_writes 1000 /dev/mapper/ioband1 5
	direct_writes /dev/mapper/ioband2 3
	must message ioband1 reset
	status_is ioband1 "share1 -1 0 0 0 0 0 0 1000 0 0 0 0 0 0"
	status_is ioband2 "share1 -1 0 0 0 3 0 24"
	direct_reads /dev/mapper/ioband1 1
	status_is ioband1 "share1 -1 1 0 8 0 0 0 1000 0 0 0 0 0 0"
}

test_policy_switch_keeps_the_statistics() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :100 || return
	direct_reads /dev/mapper/ioband1 2
	must message ioband1 policy weight-iosize
	status_is ioband1 "share1 -1 2 0 16 0 0 0"
}

test_flush_is_not_counted() {
	nullb cached size=64 cache_size=1 memory_backed=1
	ioband_create ioband1 /dev/cached share1 4 64 none weight 256 :100 || return
	must sync /dev/mapper/ioband1
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=4k count=2 oflag=direct conv=nocreat,notrunc,fsync
	status_is ioband1 "share1 -1 0 0 0 2 0 16"
}

test_sectors_do_not_wrap_at_32_bits() {
	local loop counted

	# A discard of a sparse file moves no data; 4 TiB are 2^33 sectors
	truncate -s 4T "$scratch/sparse"
	loop=$(losetup --find --show "$scratch/sparse") || bail "cannot make a loop device"
	if ioband_create ioband1 "$loop" share1 4 64 none weight 256 :100; then
		must blkdiscard /dev/mapper/ioband1
		counted=$(status_column ioband1 -1 write_sectors)
		expect_eq "written sectors" 8589934592 "$counted"
		dm_remove ioband1
	fi
	losetup --detach "$loop"
}

run_tests \
	test_idle_device \
	test_idle_groups_in_the_order_of_the_table \
	test_reads_and_writes_that_were_not_held \
	test_same_columns_for_every_policy \
	test_held_reads_are_delayed_reads \
	test_held_writes_are_delayed_writes \
	test_nothing_is_held_below_io_throttle \
	test_reads_and_writes_have_a_limit_each \
	test_io_is_counted_in_the_group_of_its_user \
	test_detached_group_attached_again_counts_from_0 \
	test_reset_zeroes_this_device_only \
	test_policy_switch_keeps_the_statistics \
	test_flush_is_not_counted \
	test_sectors_do_not_wrap_at_32_bits
