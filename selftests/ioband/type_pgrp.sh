#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Type pgrp: the ID of a bio is the process group ID of the task that submits it.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

nullb fast size=64 no_sched=1
load_nullb slow

# A process group whose I/O is done by two children of its leader
leader_of_two_readers() {
	exec setsid bash -c 'for i in 1 2; do dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=10 iflag=direct status=none; done; exit'
}

test_io_lands_in_the_group_of_its_process_group() {
	local readers writer

	ioband_create ioband1 /dev/fast share1 0 0 pgrp weight 0 :100 || return
	paused leader_of_two_readers
	readers=$!
	paused write_blocks ioband1 7 as_leader
	writer=$!
	must message ioband1 attach "$readers"
	must message ioband1 attach "$writer"
	go "$readers"
	go "$writer"
	(read_blocks ioband1 5)
	(write_blocks ioband1 3)
	expect_group ioband1 "$readers" 20 0
	expect_group ioband1 "$writer" 0 7
	expect_group ioband1 -1 5 3
}

test_process_groups_share_1_to_3() {
	local light heavy

	ioband_create ioband1 /dev/slow share1 0 0 pgrp weight 0 :100 || return
	must message ioband1 carryover 1
	load ioband1 -- as_leader
	light=$!
	load ioband1 -- as_leader
	heavy=$!
	must message ioband1 attach "$light"
	must message ioband1 attach "$heavy"
	must message ioband1 weight "$heavy:300"
	expect_1_to_3 "$light" "$heavy"
}

run_tests test_io_lands_in_the_group_of_its_process_group test_process_groups_share_1_to_3
