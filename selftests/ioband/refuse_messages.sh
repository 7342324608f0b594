#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every message about groups, types and policies that must be refused, with its errno: the table and the status stay as they are, and the kernel
# log says in one line which device refused which word. Numbers are in refuse_numbers.sh.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64

with_groups() {
	ioband_create ioband1 /dev/disk1 share1 8 64 user weight 777 :70 5:50 6:60
}

# invalid WORD MESSAGE...: refused with EINVAL because of WORD
invalid() {
	expect_refused ioband1 "Invalid argument" "$@"
}

test_type() {
	ioband_create ioband1 /dev/disk1 share1 8 64 gid weight 777 :70 || return
	invalid foo type foo
	invalid GID type GID
	invalid type type
	invalid pid type gid pid
}

test_type_while_groups_are_attached() {
	local type

	with_groups || return
	for type in gid none user; do
		expect_refused ioband1 "Device or resource busy" $type type $type
	done
}

test_attach() {
	local bad

	with_groups || return
	for bad in -1 root 7x 0x 18446744073709551616 7:100; do
		invalid "$bad" attach "$bad"
	done
	invalid attach attach
	invalid 8 attach 7 8
}

test_attach_twice() {
	with_groups || return
	expect_refused ioband1 "File exists" 5 attach 5
	expect_refused ioband1 "File exists" 0x6 attach 0x6
}

test_attach_with_type_none() {
	ioband_create ioband1 /dev/disk1 share1 8 64 none weight 777 :70 || return
	invalid 5 attach 5
}

test_detach() {
	local bad

	with_groups || return
	for bad in 7 0 -1 root 5x 0x 18446744073709551616 4294967301 5:50; do
		invalid "$bad" detach "$bad"
	done
	invalid detach detach
	invalid 6 detach 5 6
}

test_policy() {
	local bad

	with_groups || return
	for bad in foo WEIGHT weight- 0; do
		invalid "$bad" policy "$bad"
	done
	invalid policy policy
	invalid 9 policy weight-iosize 9
}

test_reset() {
	with_groups || return
	invalid now reset now
}

test_unknown_message() {
	with_groups || return
	invalid frobnicate frobnicate
	invalid frobnicate frobnicate 5
	invalid weights weights 5
	invalid debug debug 1
}

run_tests \
	test_type \
	test_type_while_groups_are_attached \
	test_attach \
	test_attach_twice \
	test_attach_with_type_none \
	test_detach \
	test_policy \
	test_reset \
	test_unknown_message
