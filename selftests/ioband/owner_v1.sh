#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The controller on a cgroup v1 mount of its own: the same owners as on v2; and back on v2 once it is unmounted.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 fio
memory_nullb disk

# basics: what a hierarchy must do, whichever it is
basics() {
	cgroup_make a a/inner b syncer
	owner_fs ib /dev/disk ext4 a a/inner b || return
	no_periodic_writeback
	write_file a "$scratch/ib/a" 4M
	write_file a/inner "$scratch/ib/inner" 8M
	write_file b "$scratch/ib/b" 16M
	as syncer sync
	expect_charged ib a write 4M
	expect_charged ib a/inner write 8M
	expect_charged ib b write 16M
	as b dd if="$scratch/ib/b" of=/dev/null bs=64K count=32 iflag=direct status=none
	expect_charged ib b read 2M
	write_file a/inner "$scratch/ib/inner" 8M
	cgroup_remove a/inner
	as syncer sync
	expect_charged ib a write 12M
	expect_charged ib a/inner write 8M
}

test_basics_on_v1() {
	cgroups_v1 || return
	expect_eq "ID of the root" 1 "$(< "$cgroup_root/bio.id")"
	basics
}

test_basics_on_v2_afterwards() {
	expect_eq "ID of the root" 1 "$(< "$cgroup_root/bio.id")"
	basics
}

# The tasks of a v2 cgroup are the root's as long as the controller is elsewhere
test_cgroups_of_v2_meanwhile() {
	local before directory

	cgroup_make two
	before=$(cgroup_id two)
	directory=$(cgroup_path two)
	expect_eq "an ID on v2" 1 "$([ "$before" -gt 1 ] && echo 1)"
	cgroups_v1 || return
	if [ -e "$directory/bio.id" ] || [ -e "$v2_root/bio.id" ]; then
		fail "bio.id is on v2 while the controller is on v1"
	fi
	owner_ioband ib /dev/disk root || return
	(
		echo "$BASHPID" > "$directory/cgroup.procs"
		exec dd if=/dev/mapper/ib of=/dev/null bs=64K count=32 iflag=direct status=none
	) || fail "cannot read"
	expect_charged ib root read 2M 0
	dm_remove ib
	# The next device gets the same number
	trace_remove
	cgroups_v2
	wait_until 10 test -r "$directory/bio.id" || return
	# It is there again, and works; with which number is not promised
	cgroup_ids[two]=$(< "$directory/bio.id")
	owner_ioband ib /dev/disk two || return
	as two dd if=/dev/mapper/ib of=/dev/null bs=64K count=32 iflag=direct status=none
	expect_charged ib two read 2M 0
}

test_mounted_ten_times() {
	local round

	for ((round = 0; round < 10; round++)); do
		cgroups_v1 || return
		cgroup_make a
		expect_match "ID in round $round" '[1-9][0-9]*' "$(cgroup_id a)"
		cgroup_remove a
		cgroups_v2
	done
	cgroup_make a
	expect_match "ID on v2" '[1-9][0-9]*' "$(cgroup_id a)"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
