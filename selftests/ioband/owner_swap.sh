#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Swap on an ioband device. Pages go out because somebody else needs memory, and are charged to who faulted them in; they come back for who reads
# them.

# shellcheck source=stack.sh
. "${BASH_SOURCE[0]%/*}/stack.sh"

require mkswap swapon
[ -e /proc/swaps ] || skip_program "the kernel has no swap (CONFIG_SWAP)"

memory_nullb disk size=128

few_mib=6
many_mib=12

# swap_disk: /dev/mapper/ib-disk is what is swapped to, one page at a time
swap_disk() {
	memory_controller
	owner_disks disk || return
	must mkswap /dev/mapper/ib-disk || return
	must swapon --priority 32767 /dev/mapper/ib-disk || return
	on_end swapoff /dev/mapper/ib-disk
	on_end set_page_cluster "$(< /proc/sys/vm/page-cluster)"
	set_page_cluster 0
}

# Only with memory cgroups can pages that are in swap already be made to leave memory as well
memory_controller() {
	grep -qw memory "$v2_root/cgroup.controllers" || return 0
	grep -qw memory "$v2_root/cgroup.subtree_control" && return
	set_memory_controller +
	on_end set_memory_controller -
}

set_memory_controller() {
	must tee "$v2_root/cgroup.subtree_control" <<< "$1memory"
}

# leave_memory CGROUP...: what was written to swap for them is read from there the next time. Fewer bytes than asked for are an error; no matter
leave_memory() {
	local cgroup

	for cgroup; do
		[ ! -e "$(cgroup_path "$cgroup")/memory.reclaim" ] ||
			(enter other && echo 64M > "$(cgroup_path "$cgroup")/memory.reclaim") 2> /dev/null
	done
	return 0
}

# swapped_in: bytes that the kernel says were read from swap
swapped_in() {
	awk '$1 == "pswpin" { print $2 * 4096 }' /proc/vmstat
}

# reads_of CGROUP: sets in_charged, its read I/O, and in_bytes, what was read from swap by then. A process that waits needs pages of its own now and
# then: the two belong together only if none was read between them.
reads_of() {
	# shellcheck disable=SC2317 # called by wait_until
	read_at_once() {
		in_bytes=$(swapped_in)
		in_charged=$(charged ib-disk "$1" read)
		[ "$(swapped_in)" = "$in_bytes" ]
	}
	wait_until 30 read_at_once "$1"
}

# expect_swapped_in CGROUP MIB COMMAND...: what COMMAND reads from swap is MIB, and the read I/O of CGROUP
expect_swapped_in() {
	local cgroup=$1 mib=$2 before charged_before

	shift 2
	reads_of "$cgroup"
	before=$in_bytes charged_before=$in_charged
	"$@"
	reads_of "$cgroup"
	in_bytes=$((in_bytes - before))
	expect_charged ib-disk "$cgroup" read $((charged_before + in_bytes)) 1
	[ ! -e "$(cgroup_path "$cgroup")/memory.reclaim" ] || expect_ge "bytes swapped in by $cgroup" "$in_bytes" $(((mib << 20) * 90 / 100))
}

set_page_cluster() {
	echo "$1" > /proc/sys/vm/page-cluster
}

# The process of holder: fills MIB of memory, writes where that is to FILE, waits until FILE is gone and reads it all
# shellcheck disable=SC2016 # perl's variables
hold_memory='
	my ($file, $mib) = @ARGV;
	open(my $random, "<:unix", "/dev/urandom") or die "/dev/urandom: $!\n";
	my $memory;
	vec($memory, ($mib << 20) - 1, 8) = 1;
	for (my $at = 0; $at < $mib << 20; $at += 1 << 20) {
		sysread($random, my $noise, 1 << 20) == 1 << 20 or die "/dev/urandom: $!\n";
		substr($memory, $at, 1 << 20) = $noise;
	}
	open(my $out, ">", "$file.new") or die "$file: $!\n";
	print $out unpack("Q", pack("p", $memory)), " ", $mib << 20, "\n";
	close($out);
	rename("$file.new", $file) or die "$file: $!\n";
	select(undef, undef, undef, 0.1) while -e $file;
	my $sum = 0;
	$sum += vec($memory, $_ << 12, 8) for 0 .. ($mib << 8) - 1;
	open($out, ">", "$file.done") or die "$file: $!\n"'

# hold CGROUP MIB: a process of CGROUP has so much memory of its own; it is holder[CGROUP]
declare -A holder=()
hold() {
	local file=$scratch/memory-$1

	rm -f "$file" "$file.done"
	start_as "$1" perl -e "$hold_memory" "$file" "$2"
	holder[$1]=$started
	wait_until 60 test -e "$file"
}

# page_out CGROUP: other has the memory of holder[CGROUP] written to swap, all whole pages of it
page_out() {
	local address size

	read -r address size < "$scratch/memory-$1" || return
	# process_madvise is 440 and pidfd_open 434 wherever new system calls have one number; MADV_PAGEOUT is 21
	# shellcheck disable=SC2016 # perl's variables
	as other perl -e '
		my ($pid, $address, $size) = @ARGV;
		my $first = ($address + 4095) & ~4095;
		my $range = pack("QQ", $first, (($address + $size) & ~4095) - $first);
		my $process = syscall(434, $pid + 0, 0);
		$process >= 0 or die "pidfd_open: $!\n";
		# A page that another CPU has not put on a list yet is found the next time
		for (1 .. 5) {
			syscall(440, $process, $range, 1, 21, 0) >= 0 or die "process_madvise: $!\n";
			select(undef, undef, undef, 0.2);
		}' "${holder[$1]}" "$address" "$size"
}

# collapse CGROUP: other has the memory of holder[CGROUP] moved to huge pages, as khugepaged does
collapse() {
	local address size

	read -r address size < "$scratch/memory-$1" || return
	# MADV_COLLAPSE is 25
	# shellcheck disable=SC2016 # perl's variables
	as other perl -e '
		my ($pid, $address, $size) = @ARGV;
		my $huge = 2 << 20;
		my $first = int(($address + $huge - 1) / $huge) * $huge;
		my $end = int(($address + $size) / $huge) * $huge;
		my $process = syscall(434, $pid + 0, 0);
		$process >= 0 or die "pidfd_open: $!\n";
		my $range = pack("QQ", $first, $end - $first);
		# A page that another CPU has not put on a list yet is found the next time
		for (1 .. 20) {
			exit if syscall(440, $process, $range, 1, 25, 0) == $end - $first;
			select(undef, undef, undef, 0.2);
		}
		die "process_madvise: $!\n"' "${holder[$1]}" "$address" "$size"
}

# of_smaps PROCESS FIELD: bytes
of_smaps() {
	awk -v field="$2:" '$1 == field { sum += $2 } END { print sum * 1024 }' "/proc/$1/smaps"
}

# on_node PROCESS NODE: pages of it there
on_node() {
	awk -v node="N$2=" '{ for (i = 3; i <= NF; i++) if (index($i, node) == 1) sum += substr($i, length(node) + 1) } END { print sum + 0 }' \
		"/proc/$1/numa_maps"
}

# migrate CGROUP NODE: other has the pages of holder[CGROUP] moved to NODE, from all others
migrate() {
	# migrate_pages is 256 on x86, 238 where system calls have the common numbers
	# shellcheck disable=SC2016 # perl's variables
	as other perl -e '
		my ($pid, $node, $call) = @ARGV;
		my ($from, $to) = (pack("Q", 0xff & ~(1 << $node)), pack("Q", 1 << $node));
		syscall($call, $pid + 0, 64, $from, $to) >= 0 or die "migrate_pages: $!\n"' \
		"${holder[$1]}" "$2" "$([ "$(uname -m)" = x86_64 ] && echo 256 || echo 238)"
}

# swapped PROCESS: bytes
swapped() {
	awk '/^VmSwap:/ { print $2 * 1024 }' "/proc/$1/status"
}

# holder_reads CGROUP: the process reads its memory and ends, for which it needs pages as well
holder_reads() {
	rm -f "$scratch/memory-$1"
	wait_until 60 test -e "$scratch/memory-$1.done"
	wait "${holder[$1]}" || fail "the process of $1 ended with $?"
}

# expect_paged_out: each is charged what it has in swap, and that is nearly all of it
expect_paged_out() {
	local few many

	few=$(swapped "${holder[few]}")
	many=$(swapped "${holder[many]}")
	expect_ge "swapped memory of few" "$few" $(((few_mib << 20) * 95 / 100))
	expect_ge "swapped memory of many" "$many" $(((many_mib << 20) * 95 / 100))
	expect_charged ib-disk few write "$few" 2
	expect_charged ib-disk many write "$many" 2
}

test_anonymous_memory() {
	swap_disk || return
	hold few "$few_mib" && hold many "$many_mib" || return
	page_out few && page_out many || return
	expect_paged_out
	# What mkswap wrote is the shell's
	expect_charged_at_most ib-disk others write $((256 << 10))
	leave_memory few many
	expect_swapped_in few "$few_mib" holder_reads few
	expect_swapped_in many "$many_mib" holder_reads many
}

set_vm() {
	echo "$2" > "/proc/sys/vm/$1"
}

# memory_of_smallest_node: MiB
memory_of_smallest_node() {
	local info=(/sys/devices/system/node/node*/meminfo)

	[ -e "${info[0]}" ] || info=(/proc/meminfo)
	awk '$(NF - 2) == "MemTotal:" { print int($(NF - 1) / 1024) }' "${info[@]}" | sort -n | head -n 1
}

# memory_is_short COMMAND...: while it fails, and for a minute at most, kswapd would like to have more than half of each node's memory free, of which it
# cannot have more than a quarter. So it swaps out what it can; nobody is so short of memory that processes are killed
memory_is_short() {
	local ram=$scratch/ramfs free

	mkdir -p "$ram"
	must mount -t ramfs ramfs "$ram" || return
	on_end unmount "$ram"
	free=$(awk '$1 == "MemFree:" { print int($2 / 1024) }' /proc/meminfo)
	# One node is filled before the next; as long as any has more than it wants, no kswapd is woken
	as other dd if=/dev/zero of="$ram/file" bs=1M count=$((free - $(memory_of_smallest_node) / 4)) status=none
	on_end set_vm swappiness "$(< /proc/sys/vm/swappiness)"
	on_end set_vm watermark_scale_factor "$(< /proc/sys/vm/watermark_scale_factor)"
	set_vm swappiness 200
	set_vm watermark_scale_factor 3000
	wait_until 60 "$@"
	set_vm watermark_scale_factor 10
	rm "$ram/file"
}

# Nearly all that few and many hold
both_are_swapped() {
	[ "$(swapped "${holder[few]}")" -ge $(((few_mib << 20) * 95 / 100)) ] && [ "$(swapped "${holder[many]}")" -ge $(((many_mib << 20) * 95 / 100)) ]
}

# Nobody asks for it: kswapd chooses the pages and writes them, once or, if they are used meanwhile, more often
test_memory_is_short() {
	local cgroup before

	swap_disk || return
	hold few "$few_mib" && hold many "$many_mib" || return
	before=$(awk '$1 == "pgsteal_kswapd" { print $2 }' /proc/vmstat)
	memory_is_short both_are_swapped
	expect_ge "pages that kswapd took" $(($(awk '$1 == "pgsteal_kswapd" { print $2 }' /proc/vmstat) - before)) $(((few_mib + many_mib) << 8))
	for cgroup in few many; do
		expect_charged ib-disk "$cgroup" write "$(swapped "${holder[$cgroup]}")" 10
	done
}

# The page stays with who faulted it in; reading it back is the I/O of the cgroup the process is in then
test_process_that_has_moved() {
	swap_disk || return
	hold few "$few_mib" || return
	move "${holder[few]}" many
	page_out few || return
	expect_charged ib-disk few write "$(swapped "${holder[few]}")" 2
	expect_charged ib-disk many write 0
	leave_memory few
	expect_swapped_in many "$few_mib" holder_reads few
	expect_charged_at_most ib-disk few read 64K
}

# Whoever makes a huge page of a process's pages, each part of it stays with who faulted that in
test_collapsed_to_huge_pages() {
	local huge

	swap_disk || return
	hold many "$many_mib" || return
	collapse many || return
	huge=$(of_smaps "${holder[many]}" AnonHugePages)
	diag "$huge bytes in huge pages"
	expect_ge "bytes in huge pages" "$huge" $(((many_mib - 4) << 20))
	page_out many || return
	expect_charged ib-disk many write "$(swapped "${holder[many]}")" 2
	expect_charged_at_most ib-disk others write 256K
	leave_memory many
	expect_swapped_in many "$many_mib" holder_reads many
}

# A page that is moved to another node takes its owner with it
test_migrated_to_another_node() {
	local pages

	swap_disk || return
	hold few "$few_mib" || return
	# There and back: wherever it was, it has been moved
	migrate few 1 || return
	pages=$(on_node "${holder[few]}" 1)
	migrate few 0 || return
	pages="$pages $(on_node "${holder[few]}" 0)"
	diag "pages on node 1, then on node 0: $pages"
	expect_ge "pages on node 1" "${pages% *}" $((few_mib << 8))
	expect_ge "pages on node 0" "${pages#* }" $((few_mib << 8))
	page_out few || return
	expect_charged ib-disk few write "$(swapped "${holder[few]}")" 2
	expect_charged_at_most ib-disk others write 256K
}

# mapped_page_out FILE: other maps FILE and has its pages written to swap. The layer :mmap maps it when it is first read, until its end or a seek
mapped_page_out() {
	# shellcheck disable=SC2016 # perl's variables
	as other perl -e '
		my ($file) = @ARGV;
		open(my $in, "<:mmap", $file) or die "$file: $!\n";
		# Only what is in the page table is written
		read($in, my $page, 4096) == 4096 or die "$file: $!\n" for 2 .. (-s $file) >> 12;
		open(my $maps, "<", "/proc/self/maps") or die "maps: $!\n";
		my ($first, $end);
		while (<$maps>) { ($first, $end) = (hex $1, hex $2) if /^([0-9a-f]+)-([0-9a-f]+) .*\Q$file\E$/ }
		defined $first or die "$file is not mapped\n";
		my $range = pack("QQ", $first, $end - $first);
		my $process = syscall(434, $$ + 0, 0);
		$process >= 0 or die "pidfd_open: $!\n";
		for (1 .. 5) {
			syscall(440, $process, $range, 1, 21, 0) >= 0 or die "process_madvise: $!\n";
			select(undef, undef, undef, 0.2);
		}' "$1"
}

# A file in a tmpfs is memory without a process
test_tmpfs_file() {
	swap_disk || return
	mkdir -p "$scratch/tmpfs"
	must mount -t tmpfs tmpfs "$scratch/tmpfs" || return
	on_end unmount "$scratch/tmpfs"
	as few dd if=/dev/urandom of="$scratch/tmpfs/few" bs=1M count="$few_mib" status=none
	as many dd if=/dev/urandom of="$scratch/tmpfs/many" bs=1M count="$many_mib" status=none
	mapped_page_out "$scratch/tmpfs/few"
	mapped_page_out "$scratch/tmpfs/many"
	expect_charged ib-disk few write "${few_mib}M" 5
	expect_charged ib-disk many write "${many_mib}M" 5
	leave_memory few many
	# Each reads what the other wrote
	expect_swapped_in few "$many_mib" as few dd if="$scratch/tmpfs/many" of=/dev/null bs=1M status=none
	expect_swapped_in many "$few_mib" as many dd if="$scratch/tmpfs/few" of=/dev/null bs=1M status=none
}

tests=(test_anonymous_memory test_memory_is_short test_process_that_has_moved test_tmpfs_file)
[ ! -e /sys/kernel/mm/transparent_hugepage ] || tests+=(test_collapsed_to_huge_pages)
[ ! -e /sys/devices/system/node/node1 ] || tests+=(test_migrated_to_another_node)
for test in test_collapsed_to_huge_pages test_migrated_to_another_node; do
	case " ${tests[*]} " in
	*" $test "*) ;;
	*)
		diag "without huge pages, or another node: no $test"
		unset -f "$test"
		;;
	esac
done
run_tests "${tests[@]}"
