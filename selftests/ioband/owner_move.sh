#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A task that moves to another cgroup takes its future I/O with it; what it dirtied before stays where it was.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 mkfs.xfs perl
memory_nullb disk

# Writes 8 MiB, stops until somebody continues it, writes 16 MiB more
# shellcheck disable=SC2016 # perl's variables
readonly two_parts='
	open(my $file, "+<", $ARGV[0]) or die "open: $!";
	sub mebibytes {
		for (1 .. 16 * $_[0]) {
			(syswrite($file, "x" x 65536) // -1) == 65536 or die "write: $!";
		}
	}
	mebibytes(8);
	kill "STOP", $$;
	mebibytes(16);'

# moved_in_between FILE: a process of a becomes one of b
moved_in_between() {
	start_as a perl -e "$two_parts" "$1"
	wait_until 30 is_stopped "$started" || return
	move "$started" b
	go "$started"
}

# moved_on TYPE
moved_on() {
	cgroup_make a b syncer
	no_periodic_writeback
	owner_fs ib /dev/disk "$1" a b || return
	: > "$scratch/ib/file"
	moved_in_between "$scratch/ib/file" || return
	as syncer sync
	expect_charged ib a write 8M
	expect_charged ib b write 16M
}

test_writes_on_ext4() {
	moved_on ext4
}

test_writes_on_xfs() {
	moved_on xfs
}

# It writes 24 MiB and never stops for it
test_while_it_writes() {
	local writer of_a

	cgroup_make a b syncer
	no_periodic_writeback
	owner_fs ib /dev/disk ext4 a b || return
	: > "$scratch/ib/file"
	# shellcheck disable=SC2016 # perl's
	start_as a perl -e 'open(F, ">", $ARGV[0]) or die; for (1 .. 384) { syswrite(F, "x" x 65536) == 65536 or die; select(undef, undef, undef, 0.01) }' \
		"$scratch/ib/file"
	writer=$started
	wait_until 30 is_longer_than "$scratch/ib/file" $((4 << 20)) || return
	move "$writer" b
	wait "$writer" || fail "it could not write"
	as syncer sync
	of_a=$(charged ib a write)
	diag "of a: $of_a bytes"
	expect_ge "bytes of a" "$of_a" $((4 << 20))
	expect_le "bytes of a" "$of_a" $((20 << 20))
	expect_charged ib b write $(((24 << 20) - of_a))
}

is_longer_than() {
	[ "$(stat -c %s "$1")" -gt "$2" ]
}

test_writes_to_a_block_device() {
	cgroup_make a b syncer
	owner_ioband ib /dev/disk a b || return
	sleep 600 3< /dev/mapper/ib &
	wait_until 30 test "/proc/$!/fd/3" -ef /dev/mapper/ib
	no_periodic_writeback
	moved_in_between /dev/mapper/ib || return
	as syncer sync
	expect_charged ib a write 8M 0
	expect_charged ib b write 16M 0
}

test_direct_reads() {
	cgroup_make a b
	owner_ioband ib /dev/disk a b || return
	as a dd if=/dev/mapper/ib of=/dev/null bs=64K count=16 iflag=direct status=none
	# One shell, two cgroups: what it starts is where it is
	as a bash -c "echo \$\$ > '$(cgroup_path b)/cgroup.procs' && exec dd if=/dev/mapper/ib of=/dev/null bs=64K count=32 iflag=direct status=none"
	expect_charged ib a read 1M 0
	expect_charged ib b read 2M 0
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
