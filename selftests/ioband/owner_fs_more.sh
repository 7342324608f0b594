#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# As owner_fs.sh, for file systems that are less common. None of them knows of cgroup writeback.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.exfat mkfs.nilfs2 mkfs.udf
memory_nullb disk

test_exfat() {
	two_writers_and_a_syncer exfat 64K 64K
}

# All that is written goes through its log, in which every segment describes itself
test_nilfs2() {
	two_writers_and_a_syncer nilfs2 256K 1M
}

test_udf() {
	two_writers_and_a_syncer udf 64K 64K
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
