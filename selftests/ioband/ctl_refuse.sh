#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What iobandctl refuses: with which exit status, one sentence that says what was wrong and with which word, and nothing changed.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require mkfs.ext4 mkswap swapon

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64 memory_backed=1
nullb disk2 size=64 memory_backed=1

test_names_and_devices() {
	ctl_create ioband1 /dev/disk1 || return
	expect_refused_ctl 1 "there is a device-mapper device 'ioband1' already: choose another name" create ioband1 /dev/disk2
	expect_refused_ctl 2 "'a/b' cannot be a device's name: .*" create a/b /dev/disk2
	expect_refused_ctl 2 "'' cannot be a device's name: .*" create "" /dev/disk2
	expect_refused_ctl 2 "device '/dev/no-such': No such file or directory; 'lsblk -p' shows the devices there are" create x /dev/no-such
	expect_refused_ctl 2 "'/dev/null' is not a block device; .*" create x /dev/null
	expect_refused_ctl 2 "the name 'a-name-of-more-than-thirty-one-characters' is too long for an ioband device ID: .*" \
		create a-name-of-more-than-thirty-one-characters /dev/disk2
	expect_refused_ctl 1 "there is no device 'no-such': 'iobandctl list' shows those there are" remove no-such
	expect_refused_ctl 1 "there is no device 'no-such': .*" attach no-such 5
	expect_refused_ctl 1 "there is no device 'no-such': .*" status no-such
	expect_refused_ctl 1 "there is no device 'no-such': .*" top --batch no-such
	expect_refused_ctl 1 "there is no device '/dev/no-such': .*" status /dev/no-such
	expect_refused_ctl 1 "'/dev/disk2' is not an ioband device: .*" status /dev/disk2
}

test_other_targets_are_left_alone() {
	dm_create plain "0 $(sectors /dev/disk2) linear /dev/disk2 0" || return
	expect_refused_ctl 1 "'plain' is not an ioband device: .*" remove plain
	expect_refused_ctl 1 "'plain' is not an ioband device: .*" reset plain
	expect_refused_ctl 1 "'plain' is not an ioband device: .*" status plain
	expect_eq "list" "" "$(ctl list | tail -n +2)"
}

test_devices_in_use() {
	must mkfs.ext4 -q -F /dev/disk2
	mkdir -p "$scratch/mnt point"
	must mount /dev/disk2 "$scratch/mnt point" || return
	expect_refused_ctl 5 "the device '/dev/disk2' is in use: it is mounted on $scratch/mnt point; stop that first" create x /dev/disk2
	must umount "$scratch/mnt point"

	must mkswap /dev/disk2
	must swapon /dev/disk2 || return
	expect_refused_ctl 5 "the device '/dev/disk2' is in use: it is swap space; stop that first" create x /dev/disk2
	must swapoff /dev/disk2

	dm_create plain "0 1000 linear /dev/disk2 0" || return
	expect_refused_ctl 5 "the device '/dev/disk2' is in use: the device-mapper device 'plain' is on it; stop that first" create x /dev/disk2
	dm_create above "0 1000 linear /dev/mapper/plain 0" || return
	expect_refused_ctl 5 "the device '/dev/mapper/plain' is in use: the device-mapper device 'above' is on it; stop that first, or .* insert .*" \
		create x /dev/mapper/plain
}

test_remove_while_in_use() {
	must mkfs.ext4 -q -F /dev/disk1
	ctl_create ioband1 /dev/disk1 || return
	mkdir -p "$scratch/mnt"
	must mount /dev/mapper/ioband1 "$scratch/mnt" || return
	expect_refused_ctl 5 "'ioband1' is in use: it is mounted on $scratch/mnt; stop that first" remove ioband1
	must umount "$scratch/mnt"
	exec 9< /dev/mapper/ioband1
	expect_refused_ctl 5 "'ioband1' is in use: a program has it open; stop that first" remove ioband1
	exec 9<&-
	ctl_remove ioband1
}

# udev looks at a device that was written, and so it is open for a moment
test_remove_while_somebody_looks_at_it() {
	ctl_create ioband1 /dev/disk1 || return
	(exec 9< /dev/mapper/ioband1; sleep 1) &
	ctl_remove ioband1
	wait
}

test_attach_and_detach() {
	ctl_create ioband1 /dev/disk1 --type user 5:50 || return
	expect_refused_ctl 2 "'5:9': that group is attached to 'ioband1' already, with ID 5 and weight 50; .*" attach ioband1 7 5:9
	expect_refused_ctl 2 "'0': that group, ID 0, is named twice" attach ioband1 root 0
	expect_refused_ctl 2 "group 'root', ID 0, is not attached to 'ioband1': .*" detach ioband1 5 root
	expect_refused_ctl 2 "group '5', ID 5, is named twice" detach ioband1 5 5
	expect_refused_ctl 2 "weight '32768' of group 'root' is not a number from 1 to 32767" attach ioband1 root:32768
}

test_set() {
	ctl_create ioband1 /dev/disk1 --type user --io-limit 32 --io-throttle 8 5:50 || return
	expect_refused_ctl 2 "'weight' is not KEY=VALUE" set ioband1 weight
	expect_refused_ctl 2 "'colour' cannot be set: .*" set ioband1 colour=red
	expect_refused_ctl 2 "'id' cannot be set: .*" set ioband1 id=other
	expect_refused_ctl 2 "weight '0' is not a number from 1 to 32767" set ioband1 token=5 weight=0
	expect_refused_ctl 2 "weight=5:0: weight '0' is not a number from 1 to 32767" set ioband1 token=5 weight=5:0
	expect_refused_ctl 2 "group 'root', ID 0, is not attached to 'ioband1': .*" set ioband1 weight=root:7
	expect_refused_ctl 2 "weight=5:7: the group has a weight already" set ioband1 weight=5:6 weight=5:7
	expect_refused_ctl 2 "io_throttle 8 is above io_limit 7: io_throttle=7 or less, or io_limit=8 or more" set ioband1 io_limit=7
	expect_refused_ctl 2 "io_throttle 33 is above io_limit 32: .*" set ioband1 io_throttle=33
	expect_refused_ctl 2 "carryover 'x' is not a number from 0 to 2147483647" set ioband1 carryover=x
	expect_refused_ctl 2 "policy 'fair' is unknown: .*" set ioband1 policy=fair
	expect_refused_ctl 1 "type 'gid': groups of type user are attached to 'ioband1': detach them first" set ioband1 type=gid
}

test_limits() {
	expect_refused_ctl 2 "io_throttle 50 is above io_limit 10: .*" create x /dev/disk1 --io-throttle 50 --io-limit 10
	dm_create plain "0 $(sectors /dev/disk1) linear /dev/disk1 0" || return
	expect_refused_ctl 2 "io_throttle 11 is above io_limit 10: .*" insert plain --io-throttle 11 --io-limit 10
	dm_remove plain
	ctl_create x /dev/disk1 --io-throttle 10 --io-limit 10
}

test_files_that_cannot_be_read() {
	expect_refused_ctl 1 "cannot read '$scratch': Is a directory" start --tab "$scratch"
	expect_refused_ctl 1 "cannot read '$scratch': Is a directory" stop --tab "$scratch"
	expect_refused_ctl 1 "cannot read '$scratch': Is a directory" plot "$scratch"
	expect_refused_ctl 1 "cannot read '$scratch/none': No such file or directory" plot "$scratch/none"
}

test_output_that_cannot_be_written() {
	local code word

	for word in help list "top --help"; do
		code=0
		# shellcheck disable=SC2086 # its words
		ctl $word > /dev/full 2> "$scratch/err" || code=$?
		expect_eq "exit status of $word" 1 "$code"
		expect_eq "error of $word" "iobandctl ${word% *}: cannot write to the standard output" "$(< "$scratch/err")"
	done
}

# What the tool cannot know, the kernel refuses: nothing is left, and its reason is in the sentence
test_what_the_kernel_refuses() {
	expect_refused_ctl 1 "cannot create 'x': 4000000000:100: no cgroup has that ID" create x /dev/disk1 --type cgroup 4000000000
	ctl_create ioband1 /dev/disk1 --type cgroup || return
	expect_refused_ctl 1 "cannot send 'attach 4000000000' to 'ioband1': Invalid argument: attach 4000000000: no cgroup has that ID" \
		attach ioband1 /:7 4000000000
}

# A device directly on another with the same ioband device ID would wait for itself
test_a_device_on_another_of_its_id() {
	ctl_create ioband1 /dev/disk1 --id share1 || return
	expect_refused_ctl 1 "cannot create 'ioband2': [0-9]+:[0-9]+: ioband device directly on another of ID share1" \
		create ioband2 /dev/mapper/ioband1 --id share1
}

test_not_root() {
	local code

	code=0
	setpriv --reuid 1000 --regid 1000 --clear-groups "$iobandctl" list 2> "$scratch/err" || code=$?
	expect_eq "exit status" 3 "$code"
	expect_eq "error" "iobandctl list: only root can do this: use sudo" "$(< "$scratch/err")"
}

test_no_target() {
	local code

	code=0
	NO_TARGETS=1 LD_PRELOAD=$fail_library "$iobandctl" list > "$scratch/out" 2> "$scratch/err" || code=$?
	expect_eq "exit status" 4 "$code"
	expect_eq "error" \
		"iobandctl list: the kernel has no device-mapper target 'ioband': it needs CONFIG_DM_IOBAND, or its module: modprobe dm-ioband" \
		"$(< "$scratch/err")"
}

run_tests test_names_and_devices test_other_targets_are_left_alone test_devices_in_use test_remove_while_in_use test_remove_while_somebody_looks_at_it test_attach_and_detach test_set \
	test_limits test_files_that_cannot_be_read test_output_that_cannot_be_written test_what_the_kernel_refuses test_a_device_on_another_of_its_id test_not_root test_no_target
