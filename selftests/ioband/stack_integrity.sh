#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dm-integrity above an ioband device. Without its journal data is its owner's. The checksums of many writers share sectors that are written when
# they have to be: they are the root's, and bounded. With the journal, which is its default, all that it writes is the root's.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require_target integrity || skip_program "the kernel has no target integrity (CONFIG_DM_INTEGRITY)"

memory_nullb disk size=64

# The superblock, and the checksums: 4 bytes for each 4 KiB, in buffers of 64 KiB that may be written many times
checksums=$((4 << 20))

# integrity MODE: /dev/mapper/integrity on ib-disk; the target formats a device that begins with zeros
integrity() {
	must dd if=/dev/zero of=/dev/disk bs=4K count=1 oflag=direct status=none || return
	dm_create integrity "0 $((48 << 11)) integrity /dev/mapper/ib-disk 0 - $1 2 block_size:4096 internal_hash:crc32c"
}

test_written_back_above() {
	owner_disks disk && integrity D || return
	write_in_turns /dev/mapper/integrity
	expect_both ib-disk write
	expect_charged_at_most ib-disk others write "$checksums"
}

test_direct_above() {
	owner_disks disk && integrity D || return
	write_directly /dev/mapper/integrity
	read_directly /dev/mapper/integrity
	expect_both ib-disk write
	expect_both ib-disk read
	expect_charged_at_most ib-disk others write "$checksums"
}

test_with_a_bitmap_above() {
	owner_disks disk && integrity B || return
	write_in_turns /dev/mapper/integrity
	expect_both ib-disk write
	expect_charged_at_most ib-disk others write "$checksums"
}

# Twice, and checksums as well: to the journal, and from memory to its place
test_with_a_journal_above() {
	owner_disks disk && integrity J || return
	write_in_turns /dev/mapper/integrity
	# The journal is written to its place when it is committed again, or at the end
	must dmsetup suspend integrity && must dmsetup resume integrity || return
	expect_charged ib-disk few write 0
	expect_charged ib-disk many write 0
	expect_ge "writes of the root" "$(charged ib-disk others write)" $((2 * (few_bytes + many_bytes)))
	expect_charged_at_most ib-disk others write $((3 * (few_bytes + many_bytes) + checksums))
	read_directly /dev/mapper/integrity
	expect_both ib-disk read
}

run_tests test_written_back_above test_direct_above test_with_a_bitmap_above test_with_a_journal_above
