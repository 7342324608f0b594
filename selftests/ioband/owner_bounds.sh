#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an unprivileged user may try: pages of alternating owners, which make a bio for each page out of every large one, and processes that hop
# between cgroups. Each page is still its owner's, others get their turn, and the memory for it comes back.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

# Nobody in particular, without privileges
user=65534
pages_each=2048

memory_nullb disk
# 400 requests a second, so that bios pile up
slow_nullb slow memory_backed=1 completion_nsec=40000000

# bio_objects: objects of the slabs that bios and dm's share of them are in
bio_objects() {
	awk '/^(bio|biovec|dm_|dm-|ioband|kcopyd)/ { sum += $2 } END { print sum + 0 }' /proc/slabinfo
}

no_more_bio_objects_than() {
	[ "$(bio_objects)" -le "$1" ]
}

# alternate FILE: few and many dirty every other page of it, as the user
alternate() {
	local pieces

	# shellcheck disable=SC2016 # perl's variables
	pieces='my ($file, $first, $count) = @ARGV;
		open(my $out, "+<:unix", $file) or die "$file: $!\n";
		for (my $i = 0; $i < $count; $i++) {
			sysseek($out, ($first + 2 * $i) << 12, 0) or die "$file: $!\n";
			(syswrite($out, "\xa5" x 4096) // 0) == 4096 or die "$file: $!\n";
		}'
	as few setpriv --reuid "$user" --clear-groups perl -e "$pieces" "$1" 0 "$pages_each" &&
		as many setpriv --reuid "$user" --clear-groups perl -e "$pieces" "$1" 1 "$pages_each"
}

# users_file FILE: 16 MiB that belong to the user, and are on the disk
users_file() {
	chmod a+rx "$scratch" "${1%/*}"
	must dd if=/dev/zero of="$1" bs=1M count=$((pages_each * 2 >> 8)) conv=fsync status=none || return
	chown "$user" "$1"
}

test_alternating_pages_of_a_file() {
	cgroup_make few many other
	owner_fs ib-disk /dev/disk ext4 few many || return
	users_file "$scratch/ib-disk/file" || return
	alternate "$scratch/ib-disk/file" || return
	as other sync
	expect_charged ib-disk few write $((pages_each * 4096)) 0
	expect_charged ib-disk many write $((pages_each * 4096)) 0
}

# Without a file system every page is of few or of many
test_alternating_pages_of_a_device_leave_no_bios() {
	local before

	owner_disks disk || return
	chown "$user" /dev/mapper/ib-disk
	[ -r /proc/slabinfo ] || fail "no /proc/slabinfo (CONFIG_SLUB_DEBUG)"
	must sync
	before=$(bio_objects)
	written_back /dev/mapper/ib-disk alternate || return
	expect_charged ib-disk few write $((pages_each * 4096)) 0
	expect_charged ib-disk many write $((pages_each * 4096)) 0
	expect_charged ib-disk others write 0
	# Slabs count what lies ready for each CPU as used
	wait_until 30 no_more_bio_objects_than $((before + 256)) || diag "objects for bios: $before before, $(bio_objects) after"
}

# All of that is being written back to a slow disk, for ten seconds, when somebody else wants one page on it
test_another_writer_is_not_stalled() {
	local flusher written

	cgroup_make few many third other
	owner_fs ib-slow /dev/slow ext4 few many third || return
	users_file "$scratch/ib-slow/file" || return
	alternate "$scratch/ib-slow/file" || return
	start_as other sync
	flusher=$started
	as third dd if=/dev/zero of="$scratch/ib-slow/third" bs=4K count=1 conv=fsync status=none
	written=$(($(charged ib-slow few write) + $(charged ib-slow many write)))
	expect_le "of what the others write, in percent, was written when the third one's page was" $((written * 100 / (2 * pages_each * 4096))) 60
	wait_until 60 has_ended "$flusher"
	expect_charged ib-slow few write $((pages_each * 4096)) 0
	expect_charged ib-slow many write $((pages_each * 4096)) 0
	expect_charged ib-slow third write 4096 100
}

test_forks_across_cgroups() {
	local generations=200

	cgroup_make delegated delegated/few delegated/many other
	owner_ioband ib-disk /dev/disk delegated delegated/few delegated/many || return
	chown "$user" /dev/mapper/ib-disk "$(cgroup_path delegated)"{,/few,/many}/cgroup.procs
	written_back /dev/mapper/ib-disk storm "$generations" || return
	expect_charged ib-disk delegated/few write $((generations * 4096)) 0
	expect_charged ib-disk delegated/many write $((generations * 2 * 4096)) 0
	expect_charged ib-disk delegated write 0
	expect_charged ib-disk others write 0
}

# storm GENERATIONS FILE: three lines of processes at once, one in few and two in many; each process goes to the other side and back and writes a
# page
storm() {
	# shellcheck disable=SC2016 # perl's variables
	as delegated setpriv --reuid "$user" --clear-groups perl -e '
		my ($parent, $generations, $file) = @ARGV;
		sub hop { open(my $procs, ">:unix", "$parent/$_[0]/cgroup.procs") or die "$_[0]: $!\n"; syswrite($procs, "0\n") or die "$_[0]: $!\n" }
		my @lines;
		for my $line (0 .. 2) {
			my ($own, $other) = $line == 0 ? ("few", "many") : ("many", "few");
			my $child = fork // die "fork: $!\n";
			push @lines, $child;
			next if $child;
			for my $generation (0 .. $generations - 1) {
				my $writer = fork // die "fork: $!\n";
				if ($writer) { waitpid($writer, 0); die "a process failed\n" if $?; next }
				open(my $out, "+<:unix", $file) or die "$file: $!\n";
				hop($other);
				hop($own);
				sysseek($out, ($generation * 3 + $line) << 12, 0) or die "$file: $!\n";
				(syswrite($out, "\x5a" x 4096) // 0) == 4096 or die "$file: $!\n";
				exit 0;
			}
			exit 0;
		}
		for (@lines) { waitpid($_, 0); die "a process failed\n" if $? }' "$(cgroup_path delegated)" "$1" "$2"
}

run_tests test_alternating_pages_of_a_file test_alternating_pages_of_a_device_leave_no_bios test_another_writer_is_not_stalled \
	test_forks_across_cgroups
