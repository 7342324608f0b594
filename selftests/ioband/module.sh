#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Dm-ioband as a module: while one of its devices is there it stays; then it can go and come again, however much other devices do, and leaves nothing.
#
#	MODULE_TIMES=N   how often it goes, 6 at least

# shellcheck source=raw.sh
. "${BASH_SOURCE[0]%/*}/raw.sh"

times=${MODULE_TIMES:-12}

# What is built in has no count of its users
if [ ! -e /sys/module/dm_ioband/refcnt ]; then
	ktap_set_plan 1
	diag "CONFIG_DM_IOBAND=y"
	ktap_test_skip "the module goes and comes: dm-ioband is built in"
	ktap_finished
fi
[ "$(< /sys/module/dm_ioband/refcnt)" = 0 ] || skip_program "there are ioband devices, which keep the module"

require modprobe mkfs.ext4 mount perl
on_end modprobe dm-ioband
load_nullb slow memory_backed=1
load_nullb other memory_backed=1
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
	devices_at_work || return
	unload 2> "$scratch/err" && fail "the module is gone and its devices are not"
	expect_match "refusal" ".*in use.*" "$(tr '\n' ' ' < "$scratch/err")"
	dm_suspend ioband1 || return
	unload 2> /dev/null && fail "the module is gone and a suspended device is not"
	dm_resume ioband1 || return
	devices_removed || return
	must unload || return
	! is_loaded || fail "the module is still there"
	must modprobe dm-ioband
}

# other_load: verified data of a device that is never ioband's; and pages of a cgroup, written again and again, on a file system on a volume
other_load() {
	dm_create linear1 "$(whole_device linear /dev/other 0)" && dm_create volume "$(whole_device linear /dev/pages 0)" || return
	start_load linear1 --ioengine=io_uring --rw=randwrite --bs=4k --iodepth=16 --size=8m --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
		--verify_backlog=256 --loops=100000
	other_jobs=($!)
	make_fs ext4 /dev/mapper/volume && mount_fs ext4 /dev/mapper/volume || return
	must fallocate --length 8M "$scratch/volume/file"
	# shellcheck disable=SC2016 # perl's
	start_as a perl -e 'open(F, "+<", $ARGV[0]) or die; for (;;) { sysseek(F, 0, 0); syswrite(F, "x" x 65536) for 1 .. 128; select(undef, undef, undef, 0.05) }' \
		"$scratch/volume/file"
	other_jobs+=("$started")
}

# volume_is_divided: it becomes an ioband device of type cgroup; from the first page that is written back on, who dirties pages of it is paced by it
volume_is_divided() {
	dm_reload volume "$(whole_device ioband /dev/pages share2 0 0 cgroup weight 0 :100 "$(cgroup_id a):40")" || return
	must sync -f "$scratch/volume"
	expect_ge "writes of its cgroup" "$(status_column volume "$(cgroup_id a)" writes)" 1
}

volume_is_linear() {
	dm_reload volume "$(whole_device linear /dev/pages 0)"
}

test_module_goes_and_comes_under_load() {
	local before i job

	other_load || return
	must unload || return
	for ((i = 0; i < times; i++)); do
		# Not the first few, in which caches fill
		[ "$i" != 4 ] || before=$(memory_in_use)
		must modprobe dm-ioband || return
		devices_at_work && volume_is_divided || return
		# every other time with its trace events on
		[ $((i % 2)) = 0 ] || echo 1 > "$(tracefs)/events/ioband/enable" || fail "no trace events"
		devices_removed && volume_is_linear || return
		must unload || return
	done
	diag "$i times"
	wait_until 30 ioband_threads_are 0
	expect_memory_back "$before" 1024
	for job in "${other_jobs[@]}"; do
		running "$job" || fail "a load of the other devices has ended"
	done
	must modprobe dm-ioband
}

run_tests test_module_in_use_stays test_module_goes_and_comes_under_load
