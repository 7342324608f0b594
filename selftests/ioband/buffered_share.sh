#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writers through the page cache: the device divides what is written back in proportion to the weights, because the cgroups may dirty pages only in
# that proportion.

# shellcheck source=buffered.sh
. "${BASH_SOURCE[0]%/*}/buffered.sh"

require mkfs.vfat

test_two_files_of_ext4() {
	two_files ext4
}

test_two_files_of_vfat() {
	two_files vfat
}

test_halves_of_one_file() {
	weighted_fs ext4 || return
	must fallocate --length 256M "$mounted/file"
	writer a "$mounted/file" 0
	writer b "$mounted/file" 128m
	expect_divided 100 400
}

test_two_writers_count_as_one() {
	weighted_fs ext4 || return
	writer a "$mounted/a1" 0
	writer a "$mounted/a2" 0
	writer a "$mounted/a3" 0
	writer b "$mounted/b" 0
	expect_divided 100 400
}

# From two seconds after that on
test_new_weights() {
	weighted_fs ext4 || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	wait_for_load "ib/$(cgroup_id a)" "ib/$(cgroup_id b)" || return
	settle_limit
	sleep 4
	weights 400 100
	sleep 2
	measure 8
	expect_shares 35 moved "ib/$(cgroup_id a)=400" "ib/$(cgroup_id b)=100"
}

# expect_total CGROUP...: what they write together on ib, and then without it, are about the same
expect_total() {
	local cgroup divided

	for cgroup; do
		writer "$cgroup" "$mounted/$cgroup" 0
	done
	sleep 5
	settle_limit
	divided=$(written 8)
	pkill -INT fio
	wait
	unmount "$mounted"
	not_on_end unmount "$mounted"
	dm_remove ib
	must mount -i -t ext4 /dev/disk "$mounted" || return
	on_end unmount "$mounted"
	for cgroup; do
		writer "$cgroup" "$mounted/$cgroup" 0
	done
	sleep 5
	expect_ge "written by $*, in percent of what they write without ioband" $((divided * 100 / $(written 8))) 80
}

test_total_of_two() {
	weighted_fs ext4 && expect_total a b
}

test_one_alone_has_the_device() {
	weighted_fs ext4 && expect_total a
}

# They are not divided where pages become dirty, but at the device, where large bios of writeback must not keep all others out.
test_direct_writes_beside_it() {
	weighted_fs ext4 || return
	must message ib policy weight-iosize
	weights 100 400
	must dd if=/dev/zero of="$mounted/b" bs=1M count=128 conv=fsync status=none
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0 --direct=1 --rw=randwrite --ioengine=libaio --iodepth=64
	expect_divided 100 400
}

# The other one comes and goes: it is waited for no longer
test_who_stops_is_not_waited_for() {
	local a both

	weighted_fs ext4 || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	a=ib/$(cgroup_id a)
	wait_for_load "$a" "ib/$(cgroup_id b)" || return
	sleep 4
	measure 4
	both=$((moved[$a] + moved[ib/$(cgroup_id b)]))
	kill -INT "$started"
	wait "$started"
	measure 8
	# In twice the time; its share would be 20
	expect_ge "written alone, in percent of both" $((moved[$a] * 50 / (both > 0 ? both : 1))) 50
}

# A group that uses only a little of its share leaves the rest to others
test_who_wants_little_is_not_waited_for() {
	local a beside

	weighted_fs ext4 || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0 --rate=1m
	a=ib/$(cgroup_id a)
	sleep 5
	measure 8
	beside=${moved[$a]}
	kill -INT "$started"
	wait "$started"
	measure 8
	expect_ge "written beside it, in percent of alone" $((beside * 100 / (moved[$a] > 0 ? moved[$a] : 1))) 50
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
