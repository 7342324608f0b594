#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A thousand groups on one ioband device: I/O goes where it belongs and shares are right; all memory comes back.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

nullb fast size=64 no_sched=1
load_nullb slow

thousand=()
for id in {100001..101000}; do
	thousand+=("$id:100")
done

groups_with_io() {
	status ioband1 | awk '{ for (i = 5; i <= NF; i += 7) if ($(i + 1) + $(i + 4)) number++ } END { print number + 0 }'
}

test_io_lands_in_the_right_one_of_a_thousand() {
	ioband_create ioband1 /dev/fast share1 0 0 user weight 0 :100 "${thousand[@]}" || return
	expect_eq "groups in the table" 1001 "$(table ioband1 | grep -o '[0-9]*:100' | wc -l)"
	(read_blocks ioband1 30 as_user 100001)
	(write_blocks ioband1 7 as_user 100500)
	(read_blocks ioband1 5 as_user 101000)
	(read_blocks ioband1 3 as_user 101001)
	expect_group ioband1 100001 30 0
	expect_group ioband1 100500 0 7
	expect_group ioband1 101000 5 0
	expect_group ioband1 -1 3 0
	expect_eq "groups that did I/O" 4 "$(groups_with_io)"
}

# The other 999 are idle, so their shares go to the two that are not
test_two_of_a_thousand_share_1_to_3() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 "${thousand[@]}" || return
	must message ioband1 weight 101000:300
	must message ioband1 carryover 1
	load ioband1 -- as_user 100001
	load ioband1 -- as_user 101000
	expect_1_to_3 100001 101000
}

test_groups_are_attached_and_detached_beside_a_thousand() {
	local id

	ioband_create ioband1 /dev/fast share1 0 0 user weight 0 :100 "${thousand[@]}" || return
	for id in 100001 100500 101000; do
		must message ioband1 detach "$id"
	done
	must message ioband1 attach 5
	(read_blocks ioband1 30 as_user 100500)
	(read_blocks ioband1 20 as_user 5)
	expect_group ioband1 -1 30 0
	expect_group ioband1 5 20 0
	expect_eq "groups in the table" 999 "$(table ioband1 | grep -o '[0-9]*:100' | wc -l)"
}

kernel_memory() {
	echo 3 > /proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|Percpu|VmallocUsed):/ { total += $2 } END { print total }' /proc/meminfo
}

make_and_remove() {
	ioband_create ioband1 /dev/fast share1 0 0 user weight 0 :100 "${thousand[@]}" && dm_remove ioband1
}

# Ten thousand groups of only a hundred bytes would be a thousand KiB
test_memory_comes_back() {
	local before after

	make_and_remove || return
	before=$(kernel_memory)
	for _ in {1..10}; do
		make_and_remove || return
	done
	wait_until 60 memory_is_back
	diag "kernel memory: $before KiB before, $after KiB after ten times a thousand groups"
}

memory_is_back() {
	after=$(kernel_memory)
	[ $((after - before)) -le 900 ]
}

run_tests test_io_lands_in_the_right_one_of_a_thousand test_two_of_a_thousand_share_1_to_3 \
	test_groups_are_attached_and_detached_beside_a_thousand test_memory_comes_back
