#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A removed cgroup leaves its dirty pages and its I/O to the nearest cgroup above that is alive; nothing is lost, and nobody else pays.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 fio
memory_nullb disk
slow_nullb slow no_sched=1

test_dirty_pages_go_to_the_one_above() {
	cgroup_make a a/inner b syncer
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 root a a/inner b || return
	write_file a/inner "$scratch/ib/inner" 8M
	write_file b "$scratch/ib/b" 16M
	cgroup_remove a/inner
	as syncer sync
	expect_charged ib a write 8M
	expect_charged ib a/inner write 0
	expect_charged ib b write 16M
	expect_charged_at_most ib root write 1M
}

test_dirty_pages_pass_over_removed_ones() {
	cgroup_make a a/middle a/middle/inner syncer
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 root a a/middle a/middle/inner || return
	write_file a/middle/inner "$scratch/ib/file" 8M
	cgroup_remove a/middle/inner
	cgroup_remove a/middle
	as syncer sync
	expect_charged ib a write 8M
	expect_charged ib a/middle write 0
	expect_charged ib a/middle/inner write 0
}

test_the_last_heir_is_root() {
	cgroup_make a syncer
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 root a syncer || return
	write_file a "$scratch/ib/file" 8M
	cgroup_remove a
	as syncer sync
	expect_charged ib a write 0
	# With the journal and the mount, which are root's anyway
	expect_charged ib root write 8M 12
	expect_charged_at_most ib syncer write 64K
}

# A new cgroup of the same name is another owner
test_same_name_is_another_owner() {
	local first

	cgroup_make a syncer
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 root a || return
	write_file a "$scratch/ib/file" 8M
	first=$(cgroup_id a)
	cgroup_remove a
	cgroup_make a
	[ "$(cgroup_id a)" != "$first" ] || fail "the ID $first was given to another cgroup while pages carry it"
	must message ib attach "$(cgroup_id a)"
	as syncer sync
	expect_charged ib a write 0
	expect_charged ib root write 8M 12
}

# A bio has its owner when it is held, so the group that holds it stays the one that is charged
test_while_its_bios_are_held() {
	local of_a of_others

	cgroup_make a other
	owner_ioband ib /dev/slow a other || return
	start_load ib --ioengine=libaio --rw=randwrite --bs=4k --size=64m --norandommap --iodepth=256 --number_ios=10000 -- in_cgroup "$(cgroup_path a)"
	started=$!
	wait_until 60 holds_writes || return
	move "$started" other
	cgroup_remove a
	expect_verified "$started"
	of_a=$(charged ib a write)
	of_others=$(($(charged ib other write) + $(charged ib others write)))
	diag "of a: $of_a, of the others: $of_others"
	expect_ge "bytes of a" "$of_a" 4096
	expect_ge "bytes of the others" "$of_others" 4096
	expect_eq "all bytes" $((10000 * 4096)) $((of_a + of_others))
	expect_charged ib others write 0
	expect_agreement ib
}

holds_writes() {
	[ "$(status_column ib "$(cgroup_id a)" writes_delayed)" -gt 0 ]
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
