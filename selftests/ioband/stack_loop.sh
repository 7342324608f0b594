#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loop devices on a file of a file system on an ioband device. A worker writes the file, into its page cache or past it: the owner is who wrote to
# the loop device, or to the file system on it.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require losetup

# What the two file systems write for everybody
metadata=$((512 << 10))

memory_nullb disk size=128

# loop_image SIZE-IN-MIB [OPTION...]: $loop on a file whose blocks are there, on ib-disk, which has counted nothing of this for few and many
loop_image() {
	local size=$1

	shift
	cgroup_make few many other
	owner_fs ib-disk /dev/disk ext4 few many || return
	must dd if=/dev/zero of="$scratch/ib-disk/image" bs=1M count="$size" conv=fsync status=none || return
	loop_on "$scratch/ib-disk/image" "$@"
}

# What was charged to nobody in particular before the test's own writes
others_before() {
	charged ib-disk others write
}

expect_others_since() {
	expect_le "writes of others since" $(($(charged ib-disk others write) - $1)) "$metadata"
}

# raw WRITE OPTION...: few and many WRITE to the loop device itself
raw() {
	local write=$1 before

	shift
	loop_image 32 "$@" || return
	before=$(others_before)
	"$write" "$loop"
	# A worker's pages are in the file's cache then, unless it wrote past it
	as other sync
	expect_both ib-disk write 2
	expect_others_since "$before"
}

test_raw_through_the_page_cache() {
	raw write_apart --direct-io=off
}

test_raw_in_turns_through_the_page_cache() {
	raw write_in_turns --direct-io=off
}

test_raw_past_the_page_cache() {
	raw write_apart --direct-io=on
}

test_raw_in_turns_past_the_page_cache() {
	raw write_in_turns --direct-io=on
}

# direct OPTION...: with direct I/O to the loop device
direct() {
	local before

	loop_image 32 "$@" || return
	before=$(others_before)
	write_directly "$loop"
	as other sync
	expect_both ib-disk write 2
	expect_others_since "$before"
	must sync
	echo 3 > /proc/sys/vm/drop_caches
	read_directly "$loop"
}

test_direct_through_the_page_cache() {
	direct --direct-io=off
	expect_agreements ib-disk
	# Read-ahead of the file goes on where a reader stops: few reads for many, and many for nobody
	expect_in_all few read "$few_bytes" $((few_bytes + (1 << 20))) ib-disk
	expect_in_all many read $((many_bytes - (1 << 20))) $((many_bytes + (1 << 20))) ib-disk
}

test_direct_past_the_page_cache() {
	direct --direct-io=on
	expect_both ib-disk read 2
}

# files OPTION...: two files on a file system on the loop device
files() {
	local before

	loop_image 64 "$@" || return
	make_fs ext4 "$loop" && mount_fs ext4 "$loop" || return
	must sync
	before=$(others_before)
	write_file few "$scratch/${loop##*/}/few" "$few_bytes"
	write_file many "$scratch/${loop##*/}/many" "$many_bytes"
	as other sync
	as other sync
	expect_both ib-disk write 2
	expect_others_since "$before"
}

test_files_through_the_page_cache() {
	files --direct-io=off
}

test_files_past_the_page_cache() {
	files --direct-io=on
}

run_tests test_raw_through_the_page_cache test_raw_in_turns_through_the_page_cache test_raw_past_the_page_cache \
	test_raw_in_turns_past_the_page_cache test_direct_through_the_page_cache test_direct_past_the_page_cache \
	test_files_through_the_page_cache test_files_past_the_page_cache
