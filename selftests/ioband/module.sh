#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Dm-ioband as a module: while one of its devices is there it stays; then it can go and come again, however much other devices do, and leaves nothing.
#
#	MODULE_TIMES=N   how often it goes

# shellcheck source=raw.sh
. "${BASH_SOURCE[0]%/*}/raw.sh"

times=${MODULE_TIMES:-25}

# What is built in has no count of its users
if [ ! -e /sys/module/dm_ioband/refcnt ]; then
	ktap_set_plan 1
	diag "CONFIG_DM_IOBAND=y"
	ktap_test_skip "the module goes and comes: dm-ioband is built in"
	ktap_finished
fi

require modprobe mkfs.ext4 mount
mount_point=$scratch/mount
mkdir "$mount_point"
load_nullb slow memory_backed=1
load_nullb other memory_backed=1
# for buffered writes, so that what divides dirtying is asked all the time
load_nullb pages memory_backed=1
cgroup_make a

is_loaded() {
	[ -e /sys/module/dm_ioband ]
}

unload() {
	modprobe -r dm-ioband
}

# devices_at_work: I/O of a group of each kind through a device of type cgroup and one of type user
devices_at_work() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:10 || return
	ioband_create ioband2 /dev/slow share1 0 0 cgroup weight-iosize 0 :100 "$(cgroup_id a):40" || return
	verify_load ioband1 --size=1m -- as_user 1000
	loads=($!)
	verify_load ioband2 --size=1m --offset=16m -- in_cgroup "$(cgroup_path a)"
	loads+=($!)
}

devices_removed() {
	expect_verified "${loads[@]}"
	dm_remove ioband2 && dm_remove ioband1
}

test_module_in_use_stays() {
	local device

	devices_at_work || return
	unload 2> "$scratch/err" && fail "the module is gone and its devices are not"
	expect_match "refusal" ".*in use.*" "$(tr '\n' ' ' < "$scratch/err")"
	dm_suspend ioband1 || return
	unload 2> /dev/null && fail "the module is gone and a suspended device is not"
	dm_resume ioband1 || return
	devices_removed || return
	must unload || return
	! is_loaded || fail "the module is still there"
	modprobe dm-ioband || fail "the module cannot be loaded again"
}

# other_load: verified data of a linear device, and pages of a cgroup written again and again, on devices that are not ioband's, until the end
other_load() {
	dm_create linear1 "$(whole_device linear /dev/other 0)" || return
	start_load linear1 --ioengine=io_uring --rw=randwrite --bs=4k --iodepth=16 --size=8m --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
		--verify_backlog=256 --loops=100000
	other_jobs=($!)
	mkfs.ext4 -q -F /dev/pages && mount /dev/pages "$mount_point" || return
	# shellcheck disable=SC2016 # expanded by the shell that it starts
	in_cgroup "$(cgroup_path a)" bash -c 'while :; do dd if=/dev/zero of="$1" bs=64k count=128 conv=notrunc status=none || exit; done' - "$mount_point/file" &
	other_jobs+=($!)
}

test_module_goes_and_comes_under_load() {
	local before i job

	other_load || return
	wait_until 60 test -s "$mount_point/file"
	must unload || return
	before=$(memory_in_use)
	for ((i = 0; i < times; i++)); do
		must modprobe dm-ioband || return
		devices_at_work || return
		# every other time with its trace events on
		[ $((i % 2)) = 0 ] || echo 1 > "$(tracefs)/events/ioband/enable"
		devices_removed || return
		must unload || return
	done
	diag "$i times"
	for job in "${other_jobs[@]}"; do
		running "$job" || fail "a load of the other devices has ended"
	done
	expect_eq "threads of ioband devices" 0 "$(ioband_threads)"
	kill "${other_jobs[@]}"
	wait "${other_jobs[@]}"
	must umount "$mount_point"
	expect_memory_back "$before" 2048
	modprobe dm-ioband
}

test_nothing_leaks() {
	expect_no_leaks
}

run_tests test_module_in_use_stays test_module_goes_and_comes_under_load test_nothing_leaks
