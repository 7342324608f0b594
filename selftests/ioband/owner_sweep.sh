#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Cgroups that dirty a page each and are removed, so many that the kernel has to let go of their IDs while the pages are still dirty. Whoever
# removed them is charged for every page: no page is somebody else's, no ID is given to another cgroup while a page has it, and no cgroup stays.
#
# A sweep over all stamps begins with one removed cgroup for every 64 pages of memory, and 1024 at least. BIO_CGROUP_SWEEPS=N asks for N of
# them instead of 2: 100 with 256 MiB of memory are 100,000 cgroups.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require perl
# Nobody reads what was written: it need not be remembered, so there can be a page for each cgroup
nullb disk size=4096

memory_pages=$(($(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo) / 4))
cgroups_per_sweep=$((memory_pages / 64 > 1024 ? memory_pages / 64 : 1024))
sweeps=${BIO_CGROUP_SWEEPS:-2}
# What is not worth a sweep is left at the end
cgroups=$((cgroups_per_sweep * sweeps + cgroups_per_sweep / 2))

cgroup_count() {
	awk '$1 == "bio" { print $3 }' /proc/cgroups
}

no_more_cgroups_than() {
	[ "$(cgroup_count)" -le "$1" ]
}

# short_lives DIRECTORY DEVICE COUNT: COUNT cgroups, one after the other, each with an ID that was not there before and one page of DEVICE
short_lives() {
	# shellcheck disable=SC2016 # perl expands it
	must perl -e '
		my ($parent, $device, $count) = @ARGV;
		my %seen;

		sub enter {
			open(my $file, ">", "$_[0]/cgroup.procs") or die "$_[0]: $!\n";
			syswrite($file, "0") or die "$_[0]: $!\n";
		}

		sysopen(my $disk, $device, 1) or die "$device: $!\n";
		for my $page (0 .. $count - 1) {
			my $cgroup = "$parent/short-$page";

			mkdir($cgroup) or die "$cgroup: $!\n";
			open(my $file, "<", "$cgroup/bio.id") or die "$cgroup/bio.id: $!\n";
			my $id = <$file>;
			chomp($id);
			die "ID $id was given twice\n" if $seen{$id}++;
			enter($cgroup);
			sysseek($disk, $page * 4096, 0);
			syswrite($disk, "x" x 4096) == 4096 or die "$device: $!\n";
			enter("$parent/..");
			rmdir($cgroup) or die "$cgroup: $!\n";
		}' "$1" "$2" "$3"
}

test_pages_of_swept_cgroups_are_their_parents() {
	local before

	no_periodic_writeback
	cgroup_make parent
	owner_ioband ib /dev/disk parent || return
	trace_sweeps
	before=$(cgroup_count)
	short_lives "$(cgroup_path parent)" /dev/mapper/ib "$cgroups" || return
	wait_until 120 swept
	sync
	# The whole amount, to the byte: what is written before a sweep, and what after
	expect_charged ib parent write $((cgroups * 4096)) 0
	expect_charged ib others write 0
	wait_until 120 no_more_cgroups_than "$before"
	diag "$cgroups cgroups, sweeps (pages, IDs): $(sweeps_seen | paste -s -d ' ')"
}

trace_sweeps() {
	echo 1 > "$trace_instance/events/bio_cgroup/bio_cgroup_sweep/enable" || bail "no tracepoint bio_cgroup_sweep"
}

sweeps_seen() {
	sed -n 's/.* bio_cgroup_sweep: pages=\([0-9]*\) ids=\([0-9]*\)$/\1,\2/p' "$trace_instance/trace"
}

# A sweep that runs for long takes more cgroups than one, so that there may be fewer
swept() {
	sweeps_seen | awk -F , -v least="$((cgroups_per_sweep * sweeps))" '{ sum += $2 } END { exit sum < least }'
}

run_tests test_pages_of_swept_cgroups_are_their_parents
