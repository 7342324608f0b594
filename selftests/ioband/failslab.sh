#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where memory is missing: each allocation that a table, a message, a resume or a new cgroup makes is let fail once (fail_nth.c). It is refused for
# want of memory or done, nothing is half made, nothing leaks.

# shellcheck source=raw.sh
. "${BASH_SOURCE[0]%/*}/raw.sh"

faults=/sys/kernel/debug

# A kernel for debugging has it, others have no use for it
skip_without() {
	[ ! -d "$faults/$1" ] || return 0
	ktap_set_plan 1
	diag "$2"
	ktap_test_skip "allocations that fail: the kernel has no $2"
	ktap_finished
}

skip_without failslab CONFIG_FAILSLAB
skip_without fail_page_alloc CONFIG_FAIL_PAGE_ALLOC
[ -w /proc/self/fail-nth ] || bail "there is no fail-nth"

raw_program fail_nth
nullb disk1 size=64 memory_backed=1 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64 memory_backed=1 submit_queues=1 hw_queue_depth=64

# set_fault DIRECTORY FILE VALUE: until the end
set_fault() {
	on_end set_back "$(< "$faults/$1/$2")" "$faults/$1/$2"
	set_back "$3" "$faults/$1/$2"
}

set_back() {
	echo "$1" > "$2"
}

# Also what may wait for memory, and no stack dump for each
set_fault failslab ignore-gfp-wait N
set_fault failslab verbose 0
set_fault fail_page_alloc ignore-gfp-wait N
set_fault fail_page_alloc verbose 0
set_fault failslab cache-filter N
set_fault fail_page_alloc min-order 0

# One kind at a time: whether the slab allocator needs a page is chance, and would change the number of what comes after it
only_slab() {
	set_back N "$faults/failslab/cache-filter"
	set_back 20 "$faults/fail_page_alloc/min-order"
}

only_pages() {
	set_back Y "$faults/failslab/cache-filter"
	set_back 0 "$faults/fail_page_alloc/min-order"
}

# fails_cleanly LEAST WORD...: fail_nth with these words; some of its allocations can fail, and at least LEAST of them are why it is refused
fails_cleanly() {
	local least=$1 what slab pages

	shift
	what="$*"
	what="${what:0:100}"
	only_slab
	if ! slab=$("$program" "$@" 2>&1); then
		fail "$what
$slab"
		return
	fi
	only_pages
	if ! pages=$("$program" "$@" 2>&1); then
		fail "$what, without pages
$pages"
		return
	fi
	diag "$what: refused and done all the same, without slabs: $slab, without pages: $pages"
	expect_ge "times that '$what' was refused" "${slab% *}" "$least"
	expect_ge "allocations of '$what' that failed" $((${slab% *} + ${slab#* })) 1
}

# message_fails LEAST MESSAGE UNDO: to ioband1
message_fails() {
	fails_cleanly "$1" message ioband1 "$2" "$3"
}

# still_works NAME
still_works() {
	direct_writes "/dev/mapper/$1" 8 && direct_reads "/dev/mapper/$1" 8
}

# user_device WORD...: ioband1 of type user with these groups
user_device() {
	ioband_create ioband1 /dev/disk1 share1 4 64 user weight 256 :100 "$@"
}

# Two buffers are for the message itself, whatever it is
test_messages() {
	user_device || return
	message_fails 2 "type gid" "type user"
	message_fails 3 "attach 1000" "detach 1000"
	must message ioband1 attach 1000
	message_fails 2 "weight 1000:400" "weight 1000:100"
	message_fails 2 "weight 400" "weight 100"
	message_fails 2 "token 512" "token 256"
	message_fails 2 "carryover 3" "carryover 0"
	message_fails 2 "io_throttle 5" "io_throttle 4"
	message_fails 2 "policy weight-iosize" "policy weight"
	message_fails 2 "io_limit 32" "io_limit 64"
	message_fails 2 "reset" "reset"
	message_fails 2 "detach 1000" "attach 1000"
	still_works ioband1
}

test_attach_and_detach_of_a_cgroup() {
	local id

	cgroup_make a
	id=$(cgroup_id a)
	ioband_create ioband1 /dev/disk1 share1 4 64 cgroup weight 256 :100 || return
	message_fails 3 "attach $id" "detach $id"
	still_works ioband1
}

# The hash table grows meanwhile
test_attach_of_many() {
	local id

	user_device || return
	for ((id = 1; id <= 40; id++)); do
		fails_cleanly 3 message ioband1 "attach $id" "detach $id" > "$scratch/attach"
		must message ioband1 attach "$id"
	done
	[ "$test_failed" = 0 ] || diag "$(< "$scratch/attach")"
	still_works ioband1
}

test_table() {
	local size

	size=$(sectors /dev/disk1)
	user_device 1000:400 || return
	fails_cleanly 8 load ioband1 "$size" ioband "/dev/disk1 share1 4 64 user weight 256 :100 1000:400 2000:100"
	fails_cleanly 8 load ioband1 "$size" ioband "/dev/disk2 share2 4 64 user weight-iosize 0 :100 $(seq -s ' ' -f '%.0f:7' 30)"
	fails_cleanly 8 load ioband1 "$size" band "/dev/disk2 share3 4 64"
	still_works ioband1
}

test_table_of_a_cgroup() {
	cgroup_make a
	ioband_create ioband1 /dev/disk1 share1 4 64 cgroup weight 256 :100 || return
	fails_cleanly 8 load ioband1 "$(sectors /dev/disk1)" ioband "/dev/disk1 share1 4 64 cgroup weight 256 :100 $(cgroup_id a):400"
	still_works ioband1
}

# Device-mapper itself has what a resume cannot do without beforehand
test_resume() {
	local size

	size=$(sectors /dev/disk1)
	user_device 1000:400 || return
	fails_cleanly 0 swap ioband1 "$size" ioband "$(device_number /dev/disk1) share1 4 64 user weight 256 :100 1000:400"
	still_works ioband1
	fails_cleanly 0 first ioband-first "$size" ioband "/dev/disk2 share1 4 64 user weight 256 :100 1000:400"
	fails_cleanly 0 first ioband-first "$size" ioband "/dev/disk2 share2 4 64 user weight 256 :100 1000:400"
}

test_new_cgroup() {
	fails_cleanly 5 mkdir "$(cgroup_path a)"
	# What is left of one that was not made must not be in the way of the next
	cgroup_make a
	expect_match "its ID" "[0-9]+" "$(cgroup_id a)"
}

test_nothing_leaks() {
	expect_no_leaks
	expect_eq "threads of ioband devices" 0 "$(ioband_threads)"
}

run_tests test_messages test_attach_and_detach_of_a_cgroup test_attach_of_many test_table test_table_of_a_cgroup test_resume test_new_cgroup \
	test_nothing_leaks
