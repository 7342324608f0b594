#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Cgroups that come and go under load: no ID is two cgroups' at a time, what a removed one left dirty is its parent's, and nothing of it stays.
# BIO_CGROUP_LIFETIMES says how many of them (400).

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

lifetimes=${BIO_CGROUP_LIFETIMES:-400}
# So many live at the same time, and one in so many writes a page
batch=50
one_in=10
# What is dirty is written back after so many batches, so that no page is dirtied a second time before
between_syncs=3

memory_nullb disk

# cgroups_alive: those that the kernel still has, dying ones among them
cgroups_alive() {
	awk '$1 == "bio" { print $3 }' /proc/cgroups
}

# settled COUNT: nothing is dirty or cached any more, and no more than COUNT cgroups are there
settled() {
	drop_caches
	wait_until 60 no_more_cgroups_than "$1"
}

no_more_cgroups_than() {
	[ "$(cgroups_alive)" -le "$1" ]
}

# Slab and per-CPU memory
unreclaimable_kib() {
	awk '/^(SUnreclaim|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# read_ids DIRECTORY...: the IDs, one a line
read_ids() {
	cat "${@/%//bio.id}"
}

# one_batch NUMBER: makes, looks at, uses and removes a batch of cgroups below parent
one_batch() {
	local first=$(($1 % between_syncs * batch)) directories=() ids i

	for ((i = 0; i < batch; i++)); do
		directories+=("$(cgroup_path parent)/c$i")
	done
	must mkdir "${directories[@]}" || return
	ids=$(read_ids "${directories[@]}" "$(cgroup_path root)" "$(cgroup_path parent)" "$(cgroup_path busy)")
	expect_eq "IDs of batch $1" $((batch + 3)) "$(wc -l <<< "$ids")"
	expect_eq "IDs in batch $1 that two cgroups have" "" "$(sort <<< "$ids" | uniq -d)"
	expect_eq "IDs in batch $1 that are no positive number" "" "$(grep -vE '^[1-9][0-9]*$' <<< "$ids")"
	for ((i = 0; i < batch; i += one_in)); do
		one_page "${directories[i]}" $((first + i)) || return
	done
	wait_until 30 remove_directory_list "${directories[@]}"
}

one_page() {
	(echo "$BASHPID" > "$1/cgroup.procs" && exec dd if=/dev/zero of=/dev/mapper/ib-disk bs=4K count=1 seek="$2" conv=nocreat,notrunc status=none) ||
		fail "$1 cannot write a page"
}

# A process that has ended keeps its cgroup for a moment; those removed by then are not there the next time
remove_directory_list() {
	local directory left=()

	for directory; do
		[ ! -d "$directory" ] || left+=("$directory")
	done
	[ ${#left[@]} = 0 ] || rmdir "${left[@]}" 2> /dev/null
}

# Direct writes behind all of that, until it is stopped; prints how many bytes
# shellcheck disable=SC2016 # perl's variables
busy_writer='
	open(my $out, "+<:unix", $ARGV[0]) or die;
	my $stop = $ARGV[1];
	my $written = 0;
	until (-e $stop) {
		system("dd", "if=/dev/zero", "of=$ARGV[0]", "bs=1M", "count=4", "seek=256", "oflag=direct", "conv=nocreat,notrunc", "status=none") == 0 or die;
		$written += 4 << 20;
		select(undef, undef, undef, 0.05);
	}
	print "$written\n"'

test_come_and_go_under_load() {
	local held before memory i writer pages

	no_periodic_writeback
	cgroup_make parent busy other
	owner_ioband ib-disk /dev/disk parent busy || return
	exec {held}< /dev/mapper/ib-disk
	before=$(cgroups_alive)
	# What is made only once is made before memory is looked at
	one_batch 0 || return
	as other sync
	settled "$before" || return
	memory=$(unreclaimable_kib)
	start_as busy perl -e "$busy_writer" /dev/mapper/ib-disk "$scratch/stop" > "$scratch/busy"
	writer=$started
	for ((i = 1; i * batch < lifetimes; i++)); do
		one_batch "$i" || break
		[ $((i % between_syncs)) != 0 ] || as other sync
	done
	: > "$scratch/stop"
	wait "$writer" || fail "the load ended with exit status $?"
	as other sync
	pages=$((i * (batch / one_in)))
	expect_charged ib-disk parent write $((pages * 4096)) 0
	expect_charged ib-disk busy write "$(< "$scratch/busy")" 0
	expect_charged ib-disk others write 0
	settled "$before"
	exec {held}<&-
	diag "$((i * batch)) cgroups: memory of the kernel, KiB: $memory before, $(unreclaimable_kib) after"
	# Some memory is kept for the next; a cgroup that stayed would be more than 100 bytes
	wait_until 60 no_more_kib_than $((memory + 4096 + lifetimes / 10))
}

no_more_kib_than() {
	[ "$(unreclaimable_kib)" -le "$1" ]
}

run_tests test_come_and_go_under_load
