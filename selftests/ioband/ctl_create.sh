#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl create, remove, attach, detach, set and reset, and the device that the kernel then has.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64 memory_backed=1
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64
queue_size=$(nr_requests /dev/disk1)

test_create_with_defaults() {
	ctl_create ioband1 /dev/disk1 || return
	expect_eq "table" "0 $(sectors /dev/disk1) ioband $(device_number /dev/disk1) ioband1 4 $queue_size none weight $((4 * queue_size)) :100" \
		"$(table ioband1)"
	[ -b /dev/mapper/ioband1 ] || fail "there is no /dev/mapper/ioband1"
}

test_create_with_all_options() {
	ctl_create ioband1 /dev/disk1 --id share1 --type user --policy weight-iosize --weight 50 --io-throttle 8 --io-limit 32 --token 777 \
		0:400 2000:100 3000 || return
	expect_eq "arguments" "share1 8 32 user weight-iosize 777 :50 0:400 2000:100 3000:100" "$(arguments ioband1)"
}

test_options_may_come_first() {
	must ctl create --weight=7 ioband1 /dev/disk1 || return
	on_end dm_remove ioband1
	expect_match "arguments" "ioband1 .* :7" "$(arguments ioband1)"
}

test_contents_stay() {
	must dd if=/dev/urandom of=/dev/disk1 bs=64k count=16 oflag=direct
	ctl_create ioband1 /dev/disk1 || return
	must cmp -n $((1 << 20)) /dev/disk1 /dev/mapper/ioband1
	ctl_remove ioband1
	[ ! -e /dev/mapper/ioband1 ] || fail "the node is left"
	must dd if=/dev/disk1 of=/dev/null bs=4k count=1 iflag=direct
}

test_read_only_device() {
	must blockdev --setro /dev/disk1
	on_end blockdev --setrw /dev/disk1
	ctl_create ioband1 /dev/disk1 || return
	expect_eq "read-only" 1 "$(blockdev --getro /dev/mapper/ioband1)"
}

test_attach_and_detach() {
	ctl_create ioband1 /dev/disk1 --id x --type user --token 256 --io-limit 64 || return
	must ctl attach ioband1 0:400 daemon 3000:1
	expect_eq "arguments" "x 4 64 user weight 256 :100 0:400 1:100 3000:1" "$(arguments ioband1)"
	must ctl detach ioband1 daemon root
	expect_eq "arguments" "x 4 64 user weight 256 :100 3000:1" "$(arguments ioband1)"
	must ctl detach /dev/mapper/ioband1 3000
	expect_eq "arguments" "x 4 64 user weight 256 :100" "$(arguments ioband1)"
}

test_set() {
	ctl_create ioband1 /dev/disk1 --id x --type user --token 256 --io-limit 64 0:400 1:100 || return
	must ctl set ioband1 weight=root:200 weight=7 token=99
	expect_eq "arguments" "x 4 64 user weight 99 :7 0:200 1:100" "$(arguments ioband1)"
	must ctl set ioband1 io-throttle=40 io_limit=50
	expect_eq "arguments" "x 40 50 user weight 200 :7 0:200 1:100" "$(arguments ioband1)"
	must ctl set ioband1 io_limit=20 io_throttle=10
	expect_eq "arguments" "x 10 20 user weight 80 :7 0:200 1:100" "$(arguments ioband1)"
	must ctl set ioband1 token=5 weight=1:9 carryover=3 policy=weight-iosize io_limit=30
	expect_eq "arguments" "x 10 30 user weight-iosize 5 :100 0:100 1:9" "$(arguments ioband1)"
	must ctl detach ioband1 0 1
	must ctl set ioband1 type=gid
	expect_eq "arguments" "x 10 30 gid weight-iosize 5 :100" "$(arguments ioband1)"
}

# The kernel alone knows what io_limit 0 comes to. When it refuses the next message, the one before is taken back.
test_set_is_taken_back_if_the_kernel_refuses() {
	ctl_create ioband1 /dev/disk1 --id x --type user --token 256 --io-limit 1000 0:400 || return
	expect_refused_ctl 1 "cannot send 'io_throttle 900' to 'ioband1': Invalid argument: io_throttle 900: above io_limit $queue_size
iobandctl set: 'ioband1' is as it was before, except carryover, which has its default" set ioband1 weight=0:5 io_limit=0 io_throttle=900
	expect_eq "arguments" "x 4 1000 user weight 256 :100 0:400" "$(arguments ioband1)"
}

# A policy, and the weights of all devices of the ID with it
test_set_is_taken_back_on_all_devices_of_the_id() {
	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	ctl_create ioband1 /dev/disk1 --id x --type user --token 256 --io-limit 64 --weight 50 0:400 || return
	ctl_create ioband2 /dev/disk2 --id x --type gid --token 256 --io-limit 64 --weight 7 0:900 5:300 || return
	FAIL_CHANGE=2 LD_PRELOAD=$fail_library ctl set ioband1 policy=weight-iosize weight=3 2> "$scratch/err"
	expect_eq "exit status" 1 $?
	expect_match "error" "iobandctl set: cannot send 'weight 3' to 'ioband1': Input/output error.*
iobandctl set: 'ioband1' is as it was before, except carryover, which has its default" "$(< "$scratch/err")"
	expect_eq "arguments" "x 4 64 user weight 256 :50 0:400" "$(arguments ioband1)"
	expect_eq "arguments of the other" "x 4 64 gid weight 256 :7 0:900 5:300" "$(arguments ioband2)"
}

test_attach_and_detach_are_taken_back_if_the_kernel_refuses() {
	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	ctl_create ioband1 /dev/disk1 --id x --type user --token 256 --io-limit 64 0:400 1:7 || return
	FAIL_CHANGE=2 LD_PRELOAD=$fail_library ctl attach ioband1 2 3 2> "$scratch/err"
	expect_eq "exit status of attach" 1 $?
	expect_match "error" "iobandctl attach: cannot send 'attach 3' to 'ioband1': Input/output error.*" "$(< "$scratch/err")"
	expect_eq "arguments" "x 4 64 user weight 256 :100 0:400 1:7" "$(arguments ioband1)"
	FAIL_CHANGE=2 LD_PRELOAD=$fail_library ctl detach ioband1 0 1 2> "$scratch/err"
	expect_eq "exit status of detach" 1 $?
	expect_match "error" "iobandctl detach: cannot send 'detach 1' to 'ioband1': Input/output error.*
iobandctl detach: the groups before that are attached again; what they have done counts from 0" "$(< "$scratch/err")"
	expect_match "arguments" "x 4 64 user weight 256 :100 (0:400 1:7|1:7 0:400)" "$(arguments ioband1)"
}

test_reset() {
	ctl_create ioband1 /dev/disk1 --type user 0 || return
	direct_reads /dev/mapper/ioband1 5
	expect_eq "reads" 5 "$(status_column ioband1 0 reads)"
	must ctl reset ioband1
	expect_eq "reads" 0 "$(status_column ioband1 0 reads)"
}

test_two_devices_of_one_id() {
	local out

	ctl_create ioband1 /dev/disk1 --id share1 --io-limit 32 --weight 40 || return
	out=$(ctl create ioband2 /dev/disk2 --id share1 --io-limit 16 --weight 10 2>&1)
	on_end dm_remove ioband2
	expect_match "note" "iobandctl create: the ioband device ID 'share1' is that of 'ioband1', too: its .* io_limit 32 .*stay as they are" "$out"
	expect_eq "arguments" "share1 4 32 none weight 128 :10" "$(arguments ioband2)"
	# "default" is the same as "weight", so nothing that was asked for has no effect
	ctl_remove ioband2
	expect_eq "note" "" "$(ctl create ioband2 /dev/disk2 --id share1 --policy default 2>&1)"
	on_end dm_remove ioband2
}

test_list_and_status() {
	local list

	ctl_create ioband1 /dev/disk1 --type user --weight 30 0:400 || return
	list=$(ctl list)
	expect_match "list" "NAME +DEVICE +ID +TYPE +WEIGHT +GROUPS +SIZE +POLICY
ioband1 +/dev/disk1 +ioband1 +user +30 +1 +64 MiB +weight" "$list"
	direct_reads /dev/mapper/ioband1 5
	expect_match "status" "ioband1: /dev/disk1, ioband device ID ioband1, type user, policy weight
  io_throttle 4, io_limit [0-9]+, token [0-9]+
  GROUP +ID +WEIGHT +READS +HELD +KIB +WRITES +HELD +KIB
  default +-1 +30 +0 +0 +0 +0 +0 +0
  root +0 +400 +5 +0 +20 +0 +0 +0" "$(ctl status ioband1)"
	ctl_remove ioband1
	expect_match "list of none" "NAME +DEVICE .*" "$(ctl list)"
	expect_eq "status of none" "" "$(ctl status)"
}

run_tests test_create_with_defaults test_create_with_all_options test_options_may_come_first test_contents_stay test_read_only_device \
	test_attach_and_detach test_set test_set_is_taken_back_if_the_kernel_refuses test_set_is_taken_back_on_all_devices_of_the_id \
	test_attach_and_detach_are_taken_back_if_the_kernel_refuses test_reset test_two_devices_of_one_id test_list_and_status
