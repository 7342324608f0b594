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
nullb disk size=16384

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

# short_lives DIRECTORY DEVICE FIRST COUNT IDS: COUNT cgroups, one after the other, each with an ID that none of them had before and one page of
# DEVICE, from page FIRST on. Their IDs go to the file IDS.
short_lives() {
	# shellcheck disable=SC2016 # perl expands it
	must perl -e '
		my ($parent, $device, $first, $count, $ids) = @ARGV;
		my %seen;

		sub enter {
			open(my $file, ">", "$_[0]/cgroup.procs") or die "$_[0]: $!\n";
			syswrite($file, "0") or die "$_[0]: $!\n";
		}

		open(my $list, ">", $ids) or die "$ids: $!\n";
		sysopen(my $disk, $device, 1) or die "$device: $!\n";
		for my $page ($first .. $first + $count - 1) {
			my $cgroup = "$parent/short-$page";

			mkdir($cgroup) or die "$cgroup: $!\n";
			open(my $file, "<", "$cgroup/bio.id") or die "$cgroup/bio.id: $!\n";
			my $id = <$file>;
			chomp($id);
			die "ID $id was given twice\n" if $seen{$id}++;
			print $list "$id\n";
			enter($cgroup);
			sysseek($disk, $page * 4096, 0);
			syswrite($disk, "x" x 4096) == 4096 or die "$device: $!\n";
			enter("$parent/..");
			rmdir($cgroup) or die "$cgroup: $!\n";
		}' "$@"
}

little_background_writeback() {
	on_end dirty_ratio "$(< /proc/sys/vm/dirty_ratio)" "$(< /proc/sys/vm/dirty_background_ratio)"
	dirty_ratio 80 70
}

test_pages_of_swept_cgroups_are_their_parents() {
	local most=$((cgroups_per_sweep * 3)) before first some

	little_background_writeback
	cgroup_make parent
	owner_ioband ib /dev/disk parent || return
	device_stays_open ib
	trace_sweeps
	before=$(cgroup_count)
	# Not more dirty pages than memory for them: what is written while its cgroup lives is not the parent's
	for ((first = 0; first < cgroups; first += some)); do
		some=$((cgroups - first < most ? cgroups - first : most))
		short_lives "$(cgroup_path parent)" /dev/mapper/ib "$first" "$some" "$scratch/ids" || return
		sync
	done
	wait_until 120 swept
	# The whole amount, to the byte: what is written before a sweep, and what after
	expect_charged ib parent write $((cgroups * 4096)) 0
	expect_charged ib others write 0
	wait_until 120 no_more_cgroups_than "$before"
	diag "$cgroups cgroups, sweeps (pages, IDs): $(sweeps_seen | paste -s -d ' ')"
}

# There are only so many IDs that cgroups of the second half have those of the first, whose pages are dirty all the time
test_an_id_that_comes_round_is_on_no_page() {
	local half=$((cgroups_per_sweep * 3)) before same

	little_background_writeback
	cgroup_make first second
	owner_ioband ib /dev/disk first second || return
	device_stays_open ib
	before=$(cgroup_count)
	last_id $((half * 2 - cgroups_per_sweep))
	short_lives "$(cgroup_path first)" /dev/mapper/ib 0 "$half" "$scratch/first" || return
	short_lives "$(cgroup_path second)" /dev/mapper/ib "$half" "$half" "$scratch/second" || return
	same=$(sort "$scratch/first" "$scratch/second" | uniq -d | wc -l)
	expect_ge "IDs that came round" "$same" "$cgroups_per_sweep"
	expect_eq "pages written before their owners were gone" 0 "$(charged ib first write)"
	sync
	expect_charged ib first write $((half * 4096)) 0
	expect_charged ib second write $((half * 4096)) 0
	expect_charged ib others write 0
	wait_until 120 no_more_cgroups_than "$before"
	diag "$((half * 2)) cgroups, $same IDs of the first half had by the second"
}

# In an instance of their own, where those who write pages do not displace them
trace_sweeps() {
	sweep_instance=$(tracefs)/instances/bio-sweeps
	mkdir "$sweep_instance" || bail "cannot make the trace instance $sweep_instance"
	on_end rmdir "$sweep_instance"
	echo 1 > "$sweep_instance/events/bio_cgroup/bio_cgroup_sweep/enable" || bail "no tracepoint bio_cgroup_sweep"
}

sweeps_seen() {
	sed -n 's/.* bio_cgroup_sweep: pages=\([0-9]*\) ids=\([0-9]*\)$/\1,\2/p' "$sweep_instance/trace"
}

# A sweep that runs for long takes more cgroups than one, so that there may be fewer
swept() {
	sweeps_seen | awk -F , -v least="$((cgroups_per_sweep * sweeps))" '{ sum += $2 } END { exit sum < least }'
}

run_tests test_pages_of_swept_cgroups_are_their_parents test_an_id_that_comes_round_is_on_no_page
