# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Stacks for the tests of ownership: what owner.sh has, and devices above and below an ioband device.
#
# Everywhere the same two cgroups write or read, "few" half as much as "many", and a third, "other", has it written back. So whoever is charged
# by accident - the writer of the first page, the caller of sync, the kernel thread of a driver, both in turns - is charged a wrong amount.
#
# Devices (gone at the end of the test)
#   owner_disks NAME...                  makes few, many and other, and of each /dev/NAME an ioband device ib-NAME with groups for few and many
#   array LEVEL DEVICE...                /dev/md100, an md array of the DEVICEs, in step from the start, chunks of 64 KiB
#   crypt NAME DEVICE [FEATURE...]       /dev/mapper/NAME, dm-crypt on all of DEVICE
#   loop_on FILE [OPTION...]             $loop, a loop device on FILE; OPTIONs of losetup
# Input and output
#   in_pieces CGROUP FILE SIZE START STRIDE COUNT   CGROUP writes COUNT pieces of SIZE into FILE, at START, START + STRIDE, ...; all in KiB
#   write_apart FILE                     few writes 4 MiB through the page cache, many 8 MiB behind it; then other calls sync, while FILE is
#   write_in_turns FILE                  still open, so that no close wrote it; or pieces of 40 and of 80 KiB in turns, to the same sums
#   write_directly FILE, read_directly FILE         4 and 8 MiB with direct I/O
#   $few_bytes, $many_bytes              these sums
# Expectations
#   expect_both NAME KIND [PERCENT]      few and many are charged these sums on NAME, within PERCENT (0) of them
#   expect_in_all CGROUP KIND LEAST MOST NAME...    what CGROUP is charged on all the NAMEs together is no less and no more
#   expect_agreements NAME...            the two counts of each agree; to be said beside expect_in_all

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require perl

few_bytes=$((4 << 20))
many_bytes=$((8 << 20))

# Devices

owner_disks() {
	local name

	cgroup_make few many other
	for name; do
		owner_ioband "ib-$name" "/dev/$name" few many || return
	done
}

array() {
	local level=$1 options=()

	shift
	[ "$level" = 0 ] || options+=(--assume-clean --bitmap=none)
	[ "$level" = 1 ] || options+=(--chunk=64)
	must mdadm --create /dev/md100 --run --quiet --metadata=1.2 "--level=$level" "--raid-devices=$#" "${options[@]}" "$@" || return
	on_end array_stop
	wait_until 10 test -b /dev/md100 || return
	# The first to open it looks for partitions: not one of those whose I/O is counted
	must blockdev --getsz /dev/md100
}

# Whoever had it open last may not have let go yet
array_stop() {
	wait_until 10 array_stopped
}

array_stopped() {
	mdadm --stop --quiet /dev/md100 2> /dev/null
}

crypt() {
	local name=$1 device=$2

	shift 2
	dm_create "$name" "0 $(sectors "$device") crypt aes-xts-plain64 $(printf '0123456789abcdef%.0s' {1..4}) 0 $device 0${1:+ $# $*}"
}

# shellcheck disable=SC2034 # loop is for the test programs
loop_on() {
	local file=$1

	shift
	if ! loop=$(losetup --find --show "$@" "$file"); then
		fail "no loop device on $file"
		return 1
	fi
	on_end losetup --detach "$loop"
}

# Input and output

in_pieces() {
	local cgroup=$1

	shift
	# shellcheck disable=SC2016 # perl's variables
	as "$cgroup" perl -e '
		my ($file, $size, $start, $stride, $count) = @ARGV;
		my $piece = "bio-cgroup owns.\n" x ($size * 64);
		$piece = substr($piece, 0, $size << 10);
		open(my $out, "+<:unix", $file) or die "$file: $!\n";
		for (my $i = 0; $i < $count; $i++) {
			sysseek($out, ($start + $i * $stride) << 10, 0) or die "$file: $!\n";
			my $written = syswrite($out, $piece) // die "$file: $!\n";
			$written == length $piece or die "$file: $written bytes instead of ", length $piece, "\n";
		}' "$@"
}

# written_back FILE COMMAND...: COMMAND FILE writes to it, and other calls sync
written_back() {
	local file=$1 held code

	shift
	# The last one to close a block device would write it back
	exec {held}< "$file" || return
	"$@" "$file" && as other sync
	code=$?
	exec {held}<&-
	return "$code"
}

pieces_apart() {
	in_pieces few "$1" 64 0 64 $((few_bytes >> 16)) &&
		in_pieces many "$1" 64 $((few_bytes >> 10)) 64 $((many_bytes >> 16))
}

# As 4 MiB are no multiple of 40 KiB, each has a last piece that is shorter
pieces_in_turns() {
	local turns=$((few_bytes / (40 << 10))) few_rest many_rest

	few_rest=$(((few_bytes >> 10) - turns * 40))
	many_rest=$(((many_bytes >> 10) - turns * 80))
	in_pieces few "$1" 40 0 120 "$turns" &&
		in_pieces many "$1" 80 40 120 "$turns" &&
		in_pieces few "$1" "$few_rest" $((turns * 120)) 0 1 &&
		in_pieces many "$1" "$many_rest" $((turns * 120 + few_rest)) 0 1
}

write_apart() {
	written_back "$1" pieces_apart
}

write_in_turns() {
	written_back "$1" pieces_in_turns
}

write_directly() {
	as few dd if=/dev/zero of="$1" bs=64K count=$((few_bytes >> 16)) oflag=direct conv=nocreat,notrunc status=none &&
		as many dd if=/dev/zero of="$1" bs=64K seek=$((few_bytes >> 16)) count=$((many_bytes >> 16)) oflag=direct conv=nocreat,notrunc \
			status=none
}

read_directly() {
	as few dd if="$1" of=/dev/null bs=64K count=$((few_bytes >> 16)) iflag=direct status=none &&
		as many dd if="$1" of=/dev/null bs=64K skip=$((few_bytes >> 16)) count=$((many_bytes >> 16)) iflag=direct status=none
}

# Expectations

expect_both() {
	expect_charged "$1" few "$2" "$few_bytes" "${3:-0}"
	expect_charged "$1" many "$2" "$many_bytes" "${3:-0}"
}

expect_in_all() {
	local cgroup=$1 kind=$2 least=$3 most=$4 what name sum=0

	shift 4
	for name; do
		sum=$((sum + $(charged "$name" "$cgroup" "$kind")))
	done
	what="${kind}s of $cgroup on $*"
	diag "$what: $sum, from $least to $most"
	expect_ge "$what" "$sum" "$least"
	expect_le "$what" "$sum" "$most"
}

expect_agreements() {
	local name

	for name; do
		expect_agreement "$name"
	done
}
