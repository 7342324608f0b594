#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# File systems that compress: what reaches the disk are pages of the file system's own, filled by a kernel thread. How many they are nobody knows
# beforehand; but who writes twice as much of the same is charged twice as much, for all of it, and for less than what it wrote.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

memory_nullb disk

few_bytes=$((12 << 20))
many_bytes=$((24 << 20))

# compressible CGROUP FILE BYTES: half of each page is noise, so that it becomes about half as big
compressible() {
	# shellcheck disable=SC2016 # perl's variables
	as "$1" perl -e '
		my ($file, $bytes) = @ARGV;
		open(my $random, "<:unix", "/dev/urandom") or die "/dev/urandom: $!\n";
		open(my $out, ">:unix", $file) or die "$file: $!\n";
		for (my $at = 0; $at < $bytes; $at += 131072) {
			sysread($random, my $noise, 65536) == 65536 or die "/dev/urandom: $!\n";
			my $pages = join "", map { $_ . "\0" x 2048 } unpack "(a2048)*", $noise;
			syswrite($out, $pages) == 131072 or die "$file: $!\n";
		}' "$2" "$3"
}

# compressed TYPE: few and many write to a file system that is mounted, and are charged 1 to 2
compressed() {
	local few many others

	compressible few "$scratch/ib-disk/few" "$few_bytes"
	compressible many "$scratch/ib-disk/many" "$many_bytes"
	others=$(charged ib-disk others write)
	as other sync
	as other sync
	expect_agreement ib-disk
	few=$(charged ib-disk few write)
	many=$(charged ib-disk many write)
	others=$(($(charged ib-disk others write) - others))
	diag "few $few, many $many, others $others"
	# Noise alone is half of it
	expect_ge "writes of few" "$few" $((few_bytes * 45 / 100))
	expect_le "writes of few: as if nothing had been compressed" "$few" $((few_bytes * 80 / 100))
	expect_ge "writes of many, in percent of twice those of few" $((many * 50 / (few > 0 ? few : 1))) 95
	expect_le "writes of many, in percent of twice those of few" $((many * 50 / (few > 0 ? few : 1))) 105
	expect_le "writes of others" "$others" $((2 << 20))
}

test_btrfs() {
	cgroup_make few many other
	make_fs btrfs /dev/disk || return
	owner_ioband ib-disk /dev/disk few many || return
	mount_fs btrfs /dev/mapper/ib-disk -o compress-force=zstd:1 || return
	compressed
}

test_f2fs() {
	cgroup_make few many other
	make_fs f2fs /dev/disk -O extra_attr,compression || return
	owner_ioband ib-disk /dev/disk few many || return
	mount_fs f2fs /dev/mapper/ib-disk -o 'compress_algorithm=lz4,compress_extension=*' || return
	compressed
}

run_tests test_btrfs test_f2fs
