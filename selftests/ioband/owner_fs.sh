#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two cgroups write files through the page cache, a third one calls sync(2): each pays for what it wrote, on every file system, whether or not
# the file system knows of cgroup writeback. What the file system writes for all of its users is the root cgroup's, and little.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.f2fs mkfs.vfat
memory_nullb disk

test_ext4() {
	two_writers_and_a_syncer ext4 64K 256K
}

test_xfs() {
	two_writers_and_a_syncer xfs 64K 256K
}

test_btrfs() {
	two_writers_and_a_syncer btrfs 512K 1M
}

test_f2fs() {
	two_writers_and_a_syncer f2fs 256K 512K
}

# No journal: the file allocation table is dirtied by whoever writes
test_vfat() {
	two_writers_and_a_syncer vfat 64K 64K
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
