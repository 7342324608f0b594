#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bcache with its disk and its cache on ioband devices, writing through, and an ioband device on it. Data is its owner's on both. The journal and
# the B-tree of the cache are everybody's, so the root's. (What writes back later, from the cache to the disk, is the root's too.)

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require make-bcache
[ -d /sys/fs/bcache ] || modprobe -q bcache 2> /dev/null
[ -d /sys/fs/bcache ] || skip_program "the kernel has no bcache (CONFIG_BCACHE)"

# Superblocks, B-tree, and some of the journal for each piece that the cache takes: all 12 MiB on a slow machine, a tenth of it on others
metadata=$((8 << 20))

memory_nullb disk size=64
memory_nullb cache size=128

# cached DISK CACHE: /dev/bcache0
cached() {
	local device file

	# Make-bcache does not like what is left of an earlier test
	for device in /dev/disk /dev/cache; do
		must dd if=/dev/zero of="$device" bs=1M count=1 oflag=direct status=none || return
	done
	must make-bcache --wipe-bcache --bucket 128k --bdev "$1" --cache "$2" || return
	on_end bcache_stop
	# There may be an udev that has registered them
	for device; do
		readlink -f "$device" 2> /dev/null > /sys/fs/bcache/register
	done
	wait_until 30 test -b /dev/bcache0 || return
	wait_until 30 grep -q '^clean' /sys/block/bcache0/bcache/state || return
	# The first to open it looks for partitions
	must blockdev --getsz /dev/bcache0 || return
	# What is sequential, or comes while the cache is slow, would pass it by
	for file in /sys/block/bcache0/bcache/sequential_cutoff /sys/fs/bcache/*-*/congested_{read,write}_threshold_us; do
		echo 0 > "$file" || fail "$file takes no 0"
	done
	wait_until 30 cache_takes
}

# Until the first bucket is ready, what is written passes the cache by. Root's, where no test looks
cache_takes() {
	dd if=/dev/zero of=/dev/bcache0 bs=64K seek=512 count=1 oflag=direct conv=notrunc status=none &&
		! grep -qx '0\.0k' /sys/fs/bcache/*-*/cache0/written
}

bcache_stop() {
	local file

	for file in /sys/block/bcache0/bcache/stop /sys/fs/bcache/*-*/stop; do
		[ ! -e "$file" ] || echo 1 > "$file"
	done
	wait_until 60 bcache_is_gone
}

bcache_is_gone() {
	[ ! -e /sys/block/bcache0 ] && ! compgen -G "/sys/fs/bcache/*-*" > /dev/null
}

# How much the cache takes depends on how many buckets are ready just then. All of that, and there is some, is its owner's
expect_cached() {
	expect_agreements ib-cache
	expect_in_all few write 4096 "$few_bytes" ib-cache
	expect_in_all many write 4096 "$many_bytes" ib-cache
}

test_written_back_above() {
	owner_disks disk cache && cached /dev/mapper/ib-disk /dev/mapper/ib-cache || return
	write_in_turns /dev/bcache0
	expect_both ib-disk write
	expect_charged_at_most ib-disk others write "$metadata"
	expect_cached
	expect_charged_at_most ib-cache others write "$metadata"
}

test_direct_above() {
	owner_disks disk cache && cached /dev/mapper/ib-disk /dev/mapper/ib-cache || return
	write_directly /dev/bcache0
	expect_both ib-disk write
	expect_cached
	read_directly /dev/bcache0
	expect_agreements ib-disk ib-cache
	# From the cache or from the disk: that is not looked at here
	expect_in_all few read "$few_bytes" "$few_bytes" ib-disk ib-cache
	expect_in_all many read "$many_bytes" "$many_bytes" ib-disk ib-cache
}

# What is read from the disk for the first time is put in the cache for who reads it
test_read_for_the_first_time_above() {
	owner_disks disk cache && cached /dev/mapper/ib-disk /dev/mapper/ib-cache || return
	read_directly /dev/bcache0
	expect_both ib-disk read
	wait_until 30 cache_has_taken
	expect_cached
	expect_charged_at_most ib-cache others write "$metadata"
}

# Not before the read has ended, but soon
cache_has_taken() {
	[ "$(charged ib-cache few write)" -ge 4096 ] && [ "$(charged ib-cache many write)" -ge 4096 ]
}

test_written_back_below() {
	cached /dev/disk /dev/cache || return
	cgroup_make few many other
	owner_ioband ib1 /dev/bcache0 few many || return
	write_in_turns /dev/mapper/ib1
	read_directly /dev/mapper/ib1
	expect_both ib1 write
	expect_both ib1 read
	expect_charged ib1 others write 0
}

run_tests test_written_back_above test_direct_above test_read_for_the_first_time_above test_written_back_below
