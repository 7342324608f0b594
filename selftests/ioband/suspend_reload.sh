#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Suspending, resuming, reloading and removing ioband devices, with I/O held, in flight or still coming: none is lost, none fails.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

# With an io_limit of 1 three requests a second: a burst is held long enough to be found held
slow_nullb slow completion_nsec=300000000
forbid_merges /dev/slow
nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb stored size=64 memory_backed=1 irqmode=2 completion_nsec=2000000 submit_queues=1 hw_queue_depth=16

has_held() {
	[ "$(grep -c ioband_hold: "$trace_instance/trace")" -ge "$1" ]
}

# start_burst: ten reads at once, of which an io_limit of 1 holds nine
start_burst() {
	# Held bios are in no count of the block layer
	trace_start ioband/ioband_hold
	start_fio /dev/mapper/ioband1 --rw=read --iodepth=10 --iodepth_batch_submit=10 --number_ios=10
	wait_until 60 has_held 9
}

# burst_succeeded BEFORE: the device below has done exactly these ten reads since it had done BEFORE
burst_succeeded() {
	succeeds "$fio_process"
	expect_eq "reads done by the device below" 10 $(($(completed_reads /dev/slow) - $1))
	expect_eq "in flight" 0 "$(in_flight /dev/mapper/ioband1)"
}

# start_verified_writes: random writes that are read back and compared
start_verified_writes() {
	local before

	before=$(completed_writes /dev/stored)
	start_fio /dev/mapper/ioband1 --rw=randwrite --iodepth=32 --size=8m --verify=crc32c --verify_fatal=1 --randseed=7
	wait_until 60 has_written $((before + 32))
}

has_written() {
	[ "$(completed_writes /dev/stored)" -ge "$1" ]
}

test_suspend_drains_held_io() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_suspend ioband1
	expect_eq "reads done when the suspend returns" 10 $(($(completed_reads /dev/slow) - before))
	dm_resume ioband1
	burst_succeeded "$before"
	expect_eq "status" "0 $(sectors /dev/slow) ioband share1 -1 10 9 80 0 0 0" "$(status ioband1)"
}

test_noflush_suspend_hands_held_io_back() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_suspend ioband1 --noflush --nolockfs
	expect_le "reads done when the suspend returns" $(($(completed_reads /dev/slow) - before)) 9
	dm_resume ioband1
	burst_succeeded "$before"
	expect_eq "reads counted" 10 "$(status_column ioband1 -1 reads)"
	expect_eq "sectors counted" 80 "$(status_column ioband1 -1 read_sectors)"
}

test_noflush_suspend_leaves_nothing_in_flight_below() {
	local before suspended

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_suspend ioband1 --noflush --nolockfs
	suspended=$(completed_reads /dev/slow)
	expect_eq "in flight on the device below" 0 "$(in_flight /dev/slow)"
	sleep 1
	expect_eq "reads done while suspended" 0 $(($(completed_reads /dev/slow) - suspended))
	dm_resume ioband1
	burst_succeeded "$before"
}

test_noflush_suspend_and_reload() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_suspend ioband1 --noflush --nolockfs
	ioband_reload ioband1 /dev/slow share2 16 16 none weight-iosize 0 :50
	expect_eq "arguments" "share2 16 16 none weight-iosize 512 :50" "$(arguments ioband1)"
	burst_succeeded "$before"
}

test_noflush_suspend_and_reload_to_linear() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_suspend ioband1 --noflush --nolockfs
	dm_reload ioband1 "0 $(sectors /dev/slow) linear /dev/slow 0"
	burst_succeeded "$before"
}

test_suspend_of_one_device_leaves_the_other_of_its_id_alone() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	ioband_create ioband2 /dev/disk1 share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_suspend ioband1 --noflush --nolockfs
	direct_reads /dev/mapper/ioband2 20
	direct_writes /dev/mapper/ioband2 20
	dm_resume ioband1
	burst_succeeded "$before"
	expect_eq "status" "0 $(sectors /dev/disk1) ioband share1 -1 20 0 160 20 0 160" "$(status ioband2)"
}

test_removal_while_another_device_of_the_id_has_held_io() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband2 /dev/disk1 share1 1 1 none weight 256 :100 || return
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	dm_remove ioband2
	burst_succeeded "$before"
}

test_suspends_under_load_lose_nothing() {
	local round

	ioband_create ioband1 /dev/stored share1 2 4 none weight 0 :100 || return
	start_verified_writes || return
	for round in 1 2 3 4 5; do
		dm_suspend ioband1
		dm_resume ioband1
		dm_suspend ioband1 --noflush --nolockfs
		[ "$round" != 3 ] || sleep 0.5
		dm_resume ioband1
	done
	succeeds "$fio_process"
}

test_reloads_under_load_lose_nothing() {
	local round

	ioband_create ioband1 /dev/stored share1 2 4 none weight 0 :100 || return
	start_verified_writes || return
	for round in 1 2 3; do
		ioband_reload ioband1 /dev/stored share1 2 4 uid weight 0 :100 0:10
		ioband_reload ioband1 /dev/stored share2 2 4 none weight-iosize 0 :100
		dm_reload ioband1 "0 $(sectors /dev/stored) linear /dev/stored 0"
		ioband_reload ioband1 /dev/stored share1 1 "$round" none default 0 :7
	done
	expect_eq "arguments" "share1 1 3 none default 12 :7" "$(arguments ioband1)"
	succeeds "$fio_process"
}

test_reload_keeps_the_settings_of_its_id() {
	ioband_create ioband1 /dev/disk1 share1 8 32 user weight 999 :40 7:70 || return
	ioband_reload ioband1 /dev/disk1 share1 1 2 gid weight-iosize 3 :4 5:50
	# The type, the default group's weight and the groups belong to the device, and are what the new table says
	expect_eq "arguments" "share1 8 32 gid weight 999 :4 5:50" "$(arguments ioband1)"
}

test_reload_keeps_what_messages_set() {
	ioband_create ioband1 /dev/disk1 share1 8 32 none weight 999 :40 || return
	must message ioband1 policy weight-iosize
	must message ioband1 io_limit 100
	must message ioband1 token 12345
	ioband_reload ioband1 /dev/disk1 share1 8 32 none weight 999 :40
	expect_eq "arguments" "share1 8 100 none weight-iosize 12345 :40" "$(arguments ioband1)"
}

test_reload_to_another_id() {
	ioband_create ioband1 /dev/disk1 share1 8 32 none weight 999 :40 || return
	ioband_reload ioband1 /dev/disk1 share2 1 2 none weight 3 :4
	expect_eq "arguments" "share2 1 2 none weight 3 :4" "$(arguments ioband1)"
	# Nobody has the first ID any more
	ioband_reload ioband1 /dev/disk1 share1 5 6 none weight 7 :8
	expect_eq "arguments" "share1 5 6 none weight 7 :8" "$(arguments ioband1)"
}

test_reload_to_linear_and_back() {
	ioband_create ioband1 /dev/disk1 share1 8 32 none weight 999 :40 || return
	dm_reload ioband1 "0 $(sectors /dev/disk1) linear /dev/disk1 0"
	direct_reads /dev/mapper/ioband1 3
	expect_eq "table" "0 $(sectors /dev/disk1) linear $(device_number /dev/disk1) 0" "$(table ioband1)"
	ioband_reload ioband1 /dev/disk1 share1 1 2 none weight 3 :4
	expect_eq "arguments" "share1 1 2 none weight 3 :4" "$(arguments ioband1)"
	direct_reads /dev/mapper/ioband1 3
	expect_eq "status" "0 $(sectors /dev/disk1) ioband share1 -1 3 0 24 0 0 0" "$(status ioband1)"
}

test_table_that_is_loaded_but_not_resumed() {
	ioband_create ioband1 /dev/disk1 share1 8 32 none weight 999 :40 || return
	must dmsetup reload ioband1 --table "$(whole_device ioband /dev/disk1 share2 1 2 none weight 3 :4)"
	expect_eq "live table" "share1 8 32 none weight 999 :40" "$(arguments ioband1)"
	expect_eq "inactive table" "0 $(sectors /dev/disk1) ioband $(device_number /dev/disk1) share2 1 2 none weight 3 :4" "$(dmsetup table --inactive ioband1)"
	must dmsetup clear ioband1
	dm_suspend ioband1
	dm_resume ioband1
	expect_eq "live table" "share1 8 32 none weight 999 :40" "$(arguments ioband1)"
}

test_messages_while_suspended() {
	ioband_create ioband1 /dev/disk1 share1 8 32 user weight 999 :40 7:70 || return
	dm_suspend ioband1
	must message ioband1 attach 5
	must message ioband1 detach 7
	must message ioband1 policy weight-iosize
	must message ioband1 weight 5:11
	must message ioband1 io_limit 64
	must message ioband1 io_throttle 16
	must message ioband1 token 12345
	must message ioband1 reset
	expect_refused ioband1 "File exists" 5 attach 5
	dm_resume ioband1
	expect_eq "arguments" "share1 16 64 user weight-iosize 12345 :100 5:11" "$(arguments ioband1)"
	direct_reads /dev/mapper/ioband1 3
	expect_eq "status" "0 $(sectors /dev/disk1) ioband share1 -1 3 0 24 0 0 0 5 0 0 0 0 0 0" "$(status ioband1)"
}

test_messages_while_suspended_with_io_handed_back() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 uid weight 256 :100 0:50 || return
	start_burst || return
	dm_suspend ioband1 --noflush --nolockfs
	must message ioband1 detach 0
	must message ioband1 io_limit 16
	must message ioband1 io_throttle 16
	must message ioband1 policy weight-iosize
	dm_resume ioband1
	burst_succeeded "$before"
}

test_busy_device_is_not_removed() {
	local before

	before=$(completed_reads /dev/slow)
	ioband_create ioband1 /dev/slow share1 1 1 none weight 256 :100 || return
	start_burst || return
	fails_with "removal under load" "Device or resource busy" dmsetup remove --noudevsync --noudevrules ioband1
	expect_eq "arguments" "share1 1 1 none weight 256 :100" "$(arguments ioband1)"
	burst_succeeded "$before"
}

run_tests \
	test_suspend_drains_held_io \
	test_noflush_suspend_hands_held_io_back \
	test_noflush_suspend_leaves_nothing_in_flight_below \
	test_noflush_suspend_and_reload \
	test_noflush_suspend_and_reload_to_linear \
	test_suspend_of_one_device_leaves_the_other_of_its_id_alone \
	test_removal_while_another_device_of_the_id_has_held_io \
	test_suspends_under_load_lose_nothing \
	test_reloads_under_load_lose_nothing \
	test_reload_keeps_the_settings_of_its_id \
	test_reload_keeps_what_messages_set \
	test_reload_to_another_id \
	test_reload_to_linear_and_back \
	test_table_that_is_loaded_but_not_resumed \
	test_messages_while_suspended \
	test_messages_while_suspended_with_io_handed_back \
	test_busy_device_is_not_removed
