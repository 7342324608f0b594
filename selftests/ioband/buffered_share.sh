#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writers through the page cache: the device divides what is written back in proportion to the weights, because the cgroups may dirty pages only in
# that proportion.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.vfat fio
settled=
memory_nullb disk size=1024 irqmode=2 completion_nsec=1000000 hw_queue_depth=16 mbps=30 max_sectors=256

# Little memory may be dirty, so that writers are paced soon
dirty_ratio() {
	echo "$1" > /proc/sys/vm/dirty_ratio
	echo "$2" > /proc/sys/vm/dirty_background_ratio
}

on_end dirty_ratio "$(< /proc/sys/vm/dirty_ratio)" "$(< /proc/sys/vm/dirty_background_ratio)"
echo $((16 << 20)) > /proc/sys/vm/dirty_bytes
echo $((8 << 20)) > /proc/sys/vm/dirty_background_bytes

# weighted_fs TYPE: a file system on ib with the cgroups a, of weight 100, and b, of weight 400, on $mounted
weighted_fs() {
	cgroup_make a b
	owner_fs ib /dev/disk "$1" a b || return
	weights 100 400
	mounted=$scratch/ib
}

# weights OF-A OF-B
weights() {
	must message ib weight "$(cgroup_id a):$1"
	must message ib weight "$(cgroup_id b):$2"
}

# writer CGROUP FILE OFFSET [FIO-OPTION...]: writes 128 MiB of it over and over, until the test ends
writer() {
	local cgroup=$1 file=$2 offset=$3

	shift 3
	# or it would be laid out in one system call, which nothing holds back
	must fallocate --length $((${offset%m} + 128))M "$file"
	start_as "$cgroup" fio --name="$cgroup" --filename="$file" --offset="$offset" --size=128m --bs=64k --rw=write --ioengine=psync --fallocate=none \
		--time_based --runtime=600 --invalidate=0 --disk_util=0 "$@" > "$scratch/fio.$cgroup" 2>&1
}

# expect_divided OF-A OF-B: what is written in a while is, once the writers are paced. Both must be writing.
expect_divided() {
	wait_for_load "ib/$(cgroup_id a)" "ib/$(cgroup_id b)" || return
	settle_limit
	sleep 5
	measure 10
	expect_shares 35 moved "ib/$(cgroup_id a)=$1" "ib/$(cgroup_id b)=$2"
}

two_files() {
	weighted_fs "$1" || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	expect_divided 100 400
}

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

test_new_weights() {
	weighted_fs ext4 || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	sleep 4
	weights 400 100
	expect_divided 400 100
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

# Whoever waits can be killed, and its cgroup removed
test_kill_and_remove() {
	weighted_fs ext4 || return
	must message ib weight "$(cgroup_id a):1"
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	sleep 4
	pkill -KILL fio
	wait
	cgroup_remove a
	cgroup_remove b
	must sync
}

# A device that goes takes no writer with it
test_device_goes() {
	weighted_fs ext4 || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	sleep 4
	must message ib detach "$(cgroup_id a)"
	must dm_suspend ib
	must dmsetup load ib --table "0 $(sectors /dev/disk) linear /dev/disk 0"
	must dm_resume ib
	sleep 2
	pkill -INT fio
	wait
	must sync
}

# The kernel follows a lower limit by a 32nd of the difference each fifth of a second, and only while somebody is paced
settle_limit() {
	[ -z "$settled" ] || return 0
	settled=yes
	sleep 20
}

run_tests test_two_files_of_ext4 test_two_files_of_vfat test_halves_of_one_file test_two_writers_count_as_one \
	test_new_weights test_direct_writes_beside_it test_who_stops_is_not_waited_for test_who_wants_little_is_not_waited_for test_kill_and_remove test_device_goes
