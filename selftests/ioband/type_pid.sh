#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Type pid: the ID of a bio is the thread group ID of the task that submits it, so a process with all its threads is one group.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

nullb fast size=64 no_sched=1
load_nullb slow

test_io_lands_in_the_group_of_its_process() {
	local reader writer

	ioband_create ioband1 /dev/fast share1 0 0 pid weight 0 :100 || return
	paused read_blocks ioband1 30
	reader=$!
	paused write_blocks ioband1 7
	writer=$!
	must message ioband1 attach "$reader"
	must message ioband1 attach "$writer"
	(read_blocks ioband1 5)
	go "$reader"
	go "$writer"
	(write_blocks ioband1 3)
	expect_group ioband1 "$reader" 30 0
	expect_group ioband1 "$writer" 0 7
	expect_group ioband1 -1 5 3
}

# fio's threads; one block after the other from its own part of the device
three_threads() {
	exec fio --name=threads --thread --numjobs=3 --filename=/dev/mapper/ioband1 --direct=1 --ioengine=psync --rw=read --bs=4k \
		--size=80k --offset_increment=1m
}

test_threads_belong_to_their_process() {
	local process

	ioband_create ioband1 /dev/fast share1 0 0 pid weight 0 :100 || return
	paused three_threads > "$scratch/threads"
	process=$!
	must message ioband1 attach "$process"
	go "$process"
	expect_group ioband1 "$process" 60 0
	expect_group ioband1 -1 0 0
}

parent_of_a_reader() {
	exec bash -c 'dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=9 iflag=direct status=none; exit'
}

test_child_process_is_another_group() {
	local parent

	ioband_create ioband1 /dev/fast share1 0 0 pid weight 0 :100 || return
	paused parent_of_a_reader
	parent=$!
	must message ioband1 attach "$parent"
	go "$parent"
	expect_group ioband1 "$parent" 0 0
	expect_group ioband1 -1 9 0
}

test_processes_share_1_to_3() {
	local light heavy

	ioband_create ioband1 /dev/slow share1 0 0 pid weight 0 :100 || return
	must message ioband1 carryover 1
	load ioband1
	light=$!
	load ioband1
	heavy=$!
	must message ioband1 attach "$light"
	must message ioband1 attach "$heavy"
	must message ioband1 weight "$heavy:300"
	expect_1_to_3 "$light" "$heavy"
}

run_tests test_io_lands_in_the_group_of_its_process test_threads_belong_to_their_process test_child_process_is_another_group \
	test_processes_share_1_to_3
