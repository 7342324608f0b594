#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Swap on an ioband device, a file system on another of the same ID, a file of it as a loop device, an ioband device on that and a file system
# again; and 256 MiB of memory for all of it. Two cgroups, the light one with a tenth of the weight: each has a process that needs more memory than
# there is for it, and one that writes to each file system. Everything is read back and compared, again and again, and once more in the end.
#
# Nobody is stuck: there is a bound for what the disks do while a process takes its next step. It is made of bytes, not of time.
#
#	PRESSURE_SECONDS=N   how long

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require mkfs.ext4 mkswap swapon losetup perl
[ -e /proc/swaps ] || skip_program "the kernel has no swap (CONFIG_SWAP)"

seconds=${PRESSURE_SECONDS:-40}
readonly memory_mib=256 allocated_mib=128 file_mib=24 image_mib=96
readonly disk_mbps=50
# While one takes a step of 64 KiB, all of the memory may have to be written, and to be read again; and who dirtied too much waits for 8 seconds
# at a time
readonly most_mib=$((memory_mib * 2 + 8 * 2 * disk_mbps))

# filled_nullb NAME MIB: a disk that needs no more memory once it is used
filled_nullb() {
	nullb "$1" "size=$2" memory_backed=1 no_sched=1 irqmode=2 completion_nsec=1000000 hw_queue_depth=16 mbps=$disk_mbps
	must dd if=/dev/zero "of=/dev/$1" bs=1M count="$2" oflag=direct status=none
}

# leave_memory MIB: what else is free is taken, until the test ends
leave_memory() {
	local ram=$scratch/ramfs available

	mkdir -p "$ram"
	must mount -t ramfs ramfs "$ram" || return
	on_end unmount "$ram"
	echo 3 > /proc/sys/vm/drop_caches
	available=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
	must dd if=/dev/zero of="$ram/rest" bs=1M count=$((available - $1)) status=none
}

# Each process takes steps of 64 KiB, 16 pages. What a page has is the number of the round, the process's name and where it is.
# What it prints: rounds, the last one's number, the longest step in MiB that the disks moved meanwhile.
# shellcheck disable=SC2016 # perl's variables
worker='
	use Fcntl;
	my ($kind, $name, $mib, $stop, @disks) = @ARGV;
	my $steps = $mib * 16;
	my ($round, $longest, $file, @memory) = (0, 0);

	sub content { return join("", map { pack("a8 Q Q", $name, $round, $_[0] * 16 + $_) . "x" x 4072 } 0 .. 15) }

	sub moved {
		my $sum = 0;

		for my $disk (@disks) {
			open(my $stat, "<", "/sys/block/$disk/stat") or die "$disk: $!\n";
			my @counts = split(" ", <$stat>);
			$sum += $counts[2] + $counts[6];
		}
		return $sum / 2048;
	}

	sub step {
		my $before = moved();

		$_[0]->();
		my $length = moved() - $before;
		$longest = $length if $longest < $length;
	}

	sub is_right { $_[1] eq content($_[0]) or die "$name: step $_[0] of round $round has other data\n" }

	sub put {
		my $at = shift;

		if ($kind eq "memory") { $memory[$at] = content($at); return }
		sysseek($file, $at << 16, 0);
		syswrite($file, content($at)) == 65536 or die "$name: write: $!\n";
	}

	sub look {
		my $at = shift;

		if ($kind eq "memory") { is_right($at, $memory[$at]); return }
		my $data;
		sysseek($file, $at << 16, 0);
		defined(sysread($file, $data, 65536)) or die "$name: read: $!\n";
		is_right($at, $data);
	}

	$kind eq "memory" or sysopen($file, $kind, O_RDWR | O_CREAT) or die "$kind: $!\n";
	if ($stop =~ /^[0-9]+$/) {
		$round = $stop;
		look($_) for 0 .. $steps - 1;
		exit;
	}
	do {
		$round++;
		for my $at (0 .. $steps - 1) { step(sub { put($at) }) }
		for my $at (0 .. $steps - 1) { step(sub { look($at) }) }
		open(my $file, ">", "$stop-$name") or die "$stop-$name: $!\n";
	} until -e $stop;
	printf("%d %d\n", $round, $longest);
'

# begin NAME CGROUP KIND MIB
begin() {
	start_as "$2" perl -e "$worker" "$3" "$1" "$4" "$scratch/stop" disk swap > "$scratch/$1"
	workers[$1]=$started
}

# moved: sectors of both disks
moved() {
	awk '{ sum += $3 + $7 } END { print sum }' /sys/block/disk/stat /sys/block/swap/stat
}

# swapped_out: pages
swapped_out() {
	awk '$1 == "pswpout" { print $2 }' /proc/vmstat
}

all_had_a_round() {
	local name

	for name; do
		[ -e "$scratch/stop-$name" ] || return
	done
}

test_memory_is_short_on_every_level() {
	local -A workers=()
	local cgroup name base upper end before swapped

	cgroup_make light heavy
	filled_nullb disk 384
	filled_nullb swap 320
	for name in disk swap; do
		ioband_create "ib-$name" "/dev/$name" pressure 0 0 cgroup weight 0 :100 "$(cgroup_id light):100" "$(cgroup_id heavy):1000" || return
	done
	must mkswap /dev/mapper/ib-swap || return
	must swapon /dev/mapper/ib-swap || return
	on_end swapoff /dev/mapper/ib-swap
	make_fs ext4 /dev/mapper/ib-disk && mount_fs ext4 /dev/mapper/ib-disk || return
	base=$scratch/ib-disk
	must dd if=/dev/zero of="$base/image" bs=1M count=$image_mib conv=fsync status=none || return
	loop_on "$base/image" || return
	ioband_create ib-loop "$loop" pressure-loop 0 0 cgroup weight 0 :100 "$(cgroup_id light):100" "$(cgroup_id heavy):1000" || return
	make_fs ext4 /dev/mapper/ib-loop && mount_fs ext4 /dev/mapper/ib-loop || return
	upper=$scratch/ib-loop
	leave_memory $memory_mib || return
	swapped=$(swapped_out)

	for cgroup in light heavy; do
		begin "m-$cgroup" "$cgroup" memory $allocated_mib
		begin "f-$cgroup" "$cgroup" "$base/$cgroup" $file_mib
		begin "l-$cgroup" "$cgroup" "$upper/$cgroup" $file_mib
	done
	end=$((SECONDS + seconds))
	while [ "$SECONDS" -lt "$end" ]; do
		before=$(moved)
		sleep 10
		expect_ge "sectors moved in 10 seconds" "$(moved)" $((before + 1))
		for name in "${!workers[@]}"; do
			kill -0 "${workers[$name]}" 2> /dev/null || { fail "$name has ended"; break 2; }
		done
	done
	# so that all of them have had all of their memory at the same time
	wait_until 900 all_had_a_round "${!workers[@]}"
	: > "$scratch/stop"
	for name in "${!workers[@]}"; do
		wait "${workers[$name]}" || fail "$name ended with exit status $?"
		diag "$name: rounds, longest step in MiB moved: $(< "$scratch/$name")"
		expect_le "MiB that the disks moved while $name took a step" "$(cut -d ' ' -f 2 "$scratch/$name")" $most_mib
	done
	swapped=$(($(swapped_out) - swapped))
	diag "$((swapped / 256)) MiB written to swap"
	expect_ge "pages written to swap" "$swapped" $((16 << 8))
	drop_caches
	for cgroup in light heavy; do
		must perl -e "$worker" "$base/$cgroup" "f-$cgroup" $file_mib "$(cut -d ' ' -f 1 "$scratch/f-$cgroup")" disk swap
		must perl -e "$worker" "$upper/$cgroup" "l-$cgroup" $file_mib "$(cut -d ' ' -f 1 "$scratch/l-$cgroup")" disk swap
	done
	for name in disk swap loop; do
		wait_until 60 in_flight_is 0 "/dev/mapper/ib-$name"
	done
}

in_flight_is() {
	[ "$(in_flight "$2")" = "$1" ]
}

run_tests test_memory_is_short_on_every_level
