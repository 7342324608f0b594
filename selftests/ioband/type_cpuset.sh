#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Type cpuset: the ID of a bio is that of the cpuset cgroup of the task that submits it, as `stat -c %i` shows for its directory.
# A cgroup without a cpuset of its own belongs to the nearest one above that has it.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

root=/sys/fs/cgroup
if ! grep -qw cpuset "$root/cgroup.controllers" 2> /dev/null; then
	skip_program "no cpuset controller on cgroup2 in $root (CONFIG_CPUSETS)"
fi
nullb fast size=64 no_sched=1
load_nullb slow

top=$root/ioband-selftest
was_enabled=$(grep -cw cpuset "$root/cgroup.subtree_control")

remove_cgroups() {
	rmdir "$top/light/inner" "$top/light" "$top/heavy/inner" "$top/heavy" "$top"
	[ "$was_enabled" = 1 ] || echo -cpuset > "$root/cgroup.subtree_control"
}
trap 'trace_remove; continue_jobs; remove_everything; remove_cgroups' EXIT

# light/inner has no cpuset of its own, heavy/inner has one
echo +cpuset > "$root/cgroup.subtree_control" || bail "cannot enable cpuset in $root"
make_cgroups() {
	mkdir "$top" && echo +cpuset > "$top/cgroup.subtree_control" &&
		mkdir -p "$top/light/inner" "$top/heavy" && echo +cpuset > "$top/heavy/cgroup.subtree_control" &&
		mkdir "$top/heavy/inner"
}
make_cgroups || bail "cannot make cgroups in $top"

id_of() {
	stat -c %i "$1"
}

test_io_lands_in_the_group_of_its_cpuset() {
	local light heavy

	light=$(id_of "$top/light")
	heavy=$(id_of "$top/heavy/inner")
	ioband_create ioband1 /dev/fast share1 0 0 cpuset weight 0 :100 "$light:100" "$heavy:100" || return
	(read_blocks ioband1 30 in_cgroup "$top/light")
	(write_blocks ioband1 7 in_cgroup "$top/light")
	(read_blocks ioband1 5 in_cgroup "$top/heavy/inner")
	(write_blocks ioband1 3 in_cgroup "$root")
	expect_group ioband1 "$light" 30 7
	expect_group ioband1 "$heavy" 5 0
	expect_group ioband1 -1 0 3
}

test_cgroup_without_cpuset_belongs_to_the_one_above() {
	local light inner

	light=$(id_of "$top/light")
	inner=$(id_of "$top/light/inner")
	ioband_create ioband1 /dev/fast share1 0 0 cpuset weight 0 :100 "$light:100" "$inner:100" || return
	(read_blocks ioband1 30 in_cgroup "$top/light/inner")
	expect_group ioband1 "$light" 30 0
	expect_group ioband1 "$inner" 0 0
	expect_group ioband1 -1 0 0
}

test_cgroup_with_cpuset_does_not_belong_to_the_one_above() {
	local heavy

	heavy=$(id_of "$top/heavy")
	ioband_create ioband1 /dev/fast share1 0 0 cpuset weight 0 :100 "$heavy:100" || return
	(read_blocks ioband1 30 in_cgroup "$top/heavy/inner")
	expect_group ioband1 "$heavy" 0 0
	expect_group ioband1 -1 30 0
}

test_root_cpuset_is_a_group_too() {
	local id

	id=$(id_of "$root")
	ioband_create ioband1 /dev/fast share1 0 0 cpuset weight 0 :100 "$id:100" || return
	(read_blocks ioband1 30 in_cgroup "$root")
	(read_blocks ioband1 5 in_cgroup "$top/light")
	expect_group ioband1 "$id" 30 0
	expect_group ioband1 -1 5 0
}

test_cpusets_share_1_to_3() {
	local light heavy

	light=$(id_of "$top/light")
	heavy=$(id_of "$top/heavy/inner")
	ioband_create ioband1 /dev/slow share1 0 0 cpuset weight 0 :100 "$light:100" "$heavy:300" || return
	must message ioband1 carryover 1
	load ioband1 -- in_cgroup "$top/light"
	load ioband1 -- in_cgroup "$top/heavy/inner"
	expect_1_to_3 "$light" "$heavy"
}

run_tests test_io_lands_in_the_group_of_its_cpuset test_cgroup_without_cpuset_belongs_to_the_one_above \
	test_cgroup_with_cpuset_does_not_belong_to_the_one_above test_root_cpuset_is_a_group_too test_cpusets_share_1_to_3
