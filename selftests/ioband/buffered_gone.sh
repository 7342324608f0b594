#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writers through the page cache that wait for their turn, and what could let them wait for ever: they are killed, their cgroup or the device goes, one
# is almost without weight, memory is almost without room. In buffered_share.sh they are divided.

# shellcheck source=buffered.sh
. "${BASH_SOURCE[0]%/*}/buffered.sh"

# one_waits: a has a weight of 1, and has had to wait
one_waits() {
	weighted_fs ext4 || return
	must message ib weight "$(cgroup_id a):1"
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	wait_until 100 has_waited
}

has_waited() {
	[ "$(awk '$1 == "paced_usec" { print $2 }' "$(cgroup_path a)/bio.stat")" -ge 2000000 ]
}

no_fio() {
	! pgrep -x fio > /dev/null
}

# Whoever waits can be killed at once, and not only when it has waited for 8 seconds; and its cgroup removed
test_kill_and_remove() {
	one_waits || return
	pkill -KILL fio
	wait_until 4 no_fio
	wait
	cgroup_remove a
	cgroup_remove b
	must sync
}

# It waits on in another cgroup, or has moved on; nobody else waits for it
test_remove_while_it_waits() {
	local process

	one_waits || return
	for process in $(< "$(cgroup_path a)/cgroup.procs"); do
		echo "$process" > "$cgroup_root/cgroup.procs"
	done
	cgroup_remove a
	expect_ge "sectors that b wrote then" "$(written 4)" 20000
	pkill -INT fio
	wait
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

# unwritten CGROUP: bytes that it has dirty, or that are on their way to the disk
unwritten() {
	awk '$1 == "dirty_bytes" || $1 == "writeback_bytes" { sum += $2 } END { print sum }' "$(cgroup_path "$1")/bio.stat"
}

# Any page of the light one would take minutes at its share. It may not dirty many, and the heavy one goes on meanwhile
test_extreme_weights() {
	weighted_fs ext4 || return
	weights 1 32767
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	wait_for_load "ib/$(cgroup_id b)" || return
	sleep 10
	expect_ge "writes of the light one that had to wait" "$(status_column ib "$(cgroup_id a)" writes_delayed)" 1
	expect_ge "sectors written meanwhile" "$(written 8)" 20000
	must timeout 100 sync
	pkill -INT fio
	wait
	must timeout 100 umount "$mounted"
	not_on_end unmount "$mounted"
}

# The light one has something that is not written; sync, and then umount, are beside a heavy one that goes on, or whose pages are held as well
test_sync_and_umount_while_pages_are_held() {
	weighted_fs ext4 || return
	weights 1 50
	writer b "$mounted/b" 0
	wait_for_load "ib/$(cgroup_id b)" || return
	as a dd if=/dev/zero of="$mounted/a" bs=64K count=32 status=none
	expect_ge "bytes of a to be written" "$(unwritten a)" $((1 << 16))
	must timeout 100 sync
	expect_eq "bytes of a to be written after sync" 0 "$(unwritten a)"
	expect_ge "writes of a that had to wait" "$(status_column ib "$(cgroup_id a)" writes_delayed)" 1
	as a dd if=/dev/zero of="$mounted/a" bs=64K count=32 conv=notrunc status=none
	kill -INT "$started"
	wait "$started"
	expect_ge "bytes to be written by umount" $(($(unwritten a) + $(unwritten b))) 1
	must timeout 100 umount "$mounted"
	not_on_end unmount "$mounted"
}

# Limits lower than the smallest that the kernel works with, a few pages: they write on, and come to an end
test_hardly_any_memory_may_be_dirty() {
	on_end dirty_limit 16
	echo 1 > /proc/sys/vm/dirty_background_bytes
	echo 8192 > /proc/sys/vm/dirty_bytes
	weighted_fs ext4 || return
	start_as a dd if=/dev/zero of="$mounted/a" bs=64K count=64 status=none
	as b dd if=/dev/zero of="$mounted/b" bs=64K count=64 status=none
	wait "$started" || fail "a could not write"
	must timeout 120 sync
	expect_ge "bytes that a wrote" "$(charged ib a write)" $((4 << 20))
	expect_ge "bytes that b wrote" "$(charged ib b write)" $((4 << 20))
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
