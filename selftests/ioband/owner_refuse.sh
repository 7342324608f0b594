#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Groups of type cgroup: only a cgroup that is there can be attached, by table or by message. A group stays when its cgroup goes.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

nullb disk size=64

# A number that is surely nobody's: the largest
readonly nobody=2147483647

# table_refused WORD GROUP...
table_refused() {
	local word=$1

	shift
	expect_table_refused "Invalid argument" "$word" "$(whole_device ioband /dev/disk share1 0 0 cgroup weight 0 :100 "$@")"
}

# invalid WORD MESSAGE...: refused with EINVAL because of WORD
invalid() {
	expect_refused ib "Invalid argument" "$@"
}

test_table() {
	local bad

	cgroup_make a
	table_refused $nobody $nobody:100
	table_refused $nobody "$(cgroup_id a):100" $nobody:100
	table_refused 0 0:100
	for bad in 2147483648 4294967297 $((4294967296 + $(cgroup_id a))) 9223372036854775807; do
		table_refused "$bad" "$bad:100"
	done
}

test_table_with_words_that_are_no_number() {
	local bad

	for bad in -1 -2 root a 1x 18446744073709551616; do
		table_refused "$bad" "$bad:100"
	done
}

test_attach() {
	local bad

	cgroup_make a
	owner_ioband ib /dev/disk a || return
	for bad in 0 $nobody 2147483648 4294967297 $((4294967296 + $(cgroup_id a))) 9223372036854775807 -1 root 7x; do
		invalid "$bad" attach "$bad"
	done
	expect_refused ib "File exists" "$(cgroup_id a)" attach "$(cgroup_id a)"
}

test_attach_of_what_is_there() {
	cgroup_make a b
	owner_ioband ib /dev/disk a || return
	must message ib attach "$(cgroup_id b)"
	must message ib attach 1
	expect_eq "table" "ib 4 $(nr_requests /dev/disk) cgroup weight $((4 * $(nr_requests /dev/disk))) :100 $(cgroup_id a):100 $(cgroup_id b):100 1:100" \
		"$(arguments ib)"
	as b dd if=/dev/mapper/ib of=/dev/null bs=4K count=5 iflag=direct status=none
	expect_charged ib b read 20K 0
}

test_detached_cgroup_is_one_of_the_others() {
	cgroup_make a b
	owner_ioband ib /dev/disk a b || return
	must message ib detach "$(cgroup_id b)"
	as b dd if=/dev/mapper/ib of=/dev/null bs=4K count=5 iflag=direct status=none
	expect_charged ib a read 0
	expect_charged ib others read 20K 0
}

test_attach_of_a_removed_cgroup() {
	local gone

	cgroup_make a b
	owner_ioband ib /dev/disk b || return
	gone=$(cgroup_id a)
	cgroup_remove a
	invalid "$gone" attach "$gone"
	table_refused "$gone" "$gone:100"
}

# The table can be printed and fed back, so a reload for another reason does not fail
test_cgroup_of_a_group_is_removed() {
	local before gone

	cgroup_make a b
	owner_ioband ib /dev/disk a b || return
	gone=$(cgroup_id a)
	before=$(table ib)
	cgroup_remove a
	expect_eq "table once the cgroup is gone" "$before" "$(table ib)"
	dm_reload ib "$before" || return
	expect_eq "table after the reload" "$before" "$(table ib)"
	as b dd if=/dev/mapper/ib of=/dev/null bs=4K count=5 iflag=direct status=none
	expect_charged ib b read 20K 0
	must message ib weight "$gone:7"
	must message ib detach "$gone"
	invalid "$gone" attach "$gone"
}

# A group holds its number: no new cgroup gets it
test_number_of_an_attached_group_is_kept() {
	local i gone

	cgroup_make a
	owner_ioband ib /dev/disk a || return
	gone=$(cgroup_id a)
	cgroup_remove a
	for ((i = 0; i < 50; i++)); do
		cgroup_make n
		[ "$(cgroup_id n)" != "$gone" ] || fail "the ID $gone was given to another cgroup while a group has it"
		cgroup_remove n
	done
}

test_type_by_message() {
	cgroup_make a
	ioband_create ib /dev/disk share1 0 0 none weight 0 :100 || return
	must message ib type cgroup
	must message ib attach "$(cgroup_id a)"
	trace_owners
	as a dd if=/dev/mapper/ib of=/dev/null bs=4K count=5 iflag=direct status=none
	expect_charged ib a read 20K 0
	expect_refused ib "Device or resource busy" user type user
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
