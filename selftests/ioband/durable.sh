#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is fsynced is on the disk, whenever the power goes. Dm-log-writes, below the ioband device, records what reaches the disk and when it is
# flushed. For each flush, or a sample of them, a disk is made that has what was written until then and nothing later: the file system mounts, is
# clean, and has every record whose fsync had returned.
#
#	DURABLE_POINTS=N   how many points in time are looked at, for each file system

# shellcheck source=raw.sh
. "${BASH_SOURCE[0]%/*}/raw.sh"

require perl mkfs.ext4 fsck.ext4 mkfs.xfs xfs_repair mount
for target in log-writes snapshot; do
	require_target "$target" || skip_program "the kernel has no target $target"
done

raw_program replay
replay=$program
points=${DURABLE_POINTS:-12}
# Records of each writer, of 64 KiB; a new file for each four of them
records=12
writers=(1000 1001 2000 2001)
mount_point=$scratch/mnt
mkdir "$mount_point"

# disks: new ones. The one that is written has a cache, or nobody would flush it, and takes a part of a record at a time, so that many are held
disks() {
	nullb disk size=320 memory_backed=1 cache_size=16 irqmode=2 completion_nsec=8000000 submit_queues=1 hw_queue_depth=8 max_sectors=32 no_sched=1
	nullb recorded size=512 memory_backed=1
	nullb replayed size=320 memory_backed=1
	nullb cow size=128 memory_backed=1
	on_end disks_remove
}

disks_remove() {
	local name

	for name in disk recorded replayed cow; do
		nullb_remove "$name"
	done
}

# The records, in perl: record() is one's contents, place() the file that it is in
# shellcheck disable=SC2016 # perl's variables
common='
	use strict;
	use warnings;
	use Fcntl;
	use IO::Handle;
	sub record { my ($writer, $number) = @_; return substr("record $number of $writer\n" x 8192, 0, 65536) }
	sub place { my ($directory, $writer, $number) = @_; return "$directory/$writer." . int($number / 4) }
'

# writer NUMBER: as that user; says which record has been fsynced
writer() {
	# shellcheck disable=SC2016
	as_user "$1" perl -e "$common"'
		my ($directory, $writer, $records) = @ARGV;
		STDOUT->autoflush(1);
		for my $number (0 .. $records - 1) {
			my $name = place($directory, $writer, $number);
			my $new = !-e $name;
			sysopen(my $out, $name, O_WRONLY | O_CREAT | O_APPEND) or die "$name: $!\n";
			my $data = record($writer, $number);
			(syswrite($out, $data) // 0) == length $data or die "$name: $!\n";
			$out->sync or die "$name: $!\n";
			if ($new) {
				sysopen(my $in, $directory, O_RDONLY) or die "$directory: $!\n";
				$in->sync or die "$directory: $!\n";
			}
			print "$writer:$number\n";
		}' "$mount_point" "$1" "$records"
}

# holds_records WRITER:NUMBER...: the mounted file system has these and all of the same writer that came before
holds_records() {
	# shellcheck disable=SC2016
	perl -e "$common"'
		my $directory = shift @ARGV;
		for (@ARGV) {
			my ($writer, $last) = split /:/;
			for my $number (0 .. $last) {
				my $name = place($directory, $writer, $number);
				my $want = record($writer, $number);
				open(my $in, "<", $name) or die "$name, which has record $number: $!\n";
				seek($in, ($number % 4) * length $want, 0);
				read($in, my $got, length $want) == length $want or die "$name: record $number is not all there\n";
				$got eq $want or die "$name: record $number is wrong\n";
			}
		}' "$mount_point" "$@"
}

# write_records TYPE: the records are written to a new file system, through ioband; $scratch/log says what the disk got, and /dev/replayed is as
# the disk was before
write_records() {
	local type=$1 writer mark

	case $type in
	ext4) must mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 -J size=8 /dev/disk || return ;;
	xfs) must mkfs.xfs -q -f -K /dev/disk || return ;;
	esac
	must dd if=/dev/disk of=/dev/replayed bs=1M conv=sparse,fsync status=none
	dm_create logged "0 $(sectors /dev/disk) log-writes /dev/disk /dev/recorded" || return
	ioband_create ioband1 /dev/mapper/logged share1 1 2 user weight 0 :100 1000:10 2000:300 || return
	must mount -t "$type" /dev/mapper/ioband1 "$mount_point" || return
	on_end must umount "$mount_point"
	chmod a+rwx "$scratch" "$mount_point"
	rm -f "$scratch/failed"
	# A mark stands in the log behind all that had been flushed when it was said
	for writer in "${writers[@]}"; do
		{ (writer "$writer") || echo "writer $writer" >> "$scratch/failed"; } &
	done | while read -r mark; do
		must dmsetup message logged 0 mark "$mark" || echo "mark $mark" >> "$scratch/failed"
	done
	[ ! -e "$scratch/failed" ] || fail "failed: $(< "$scratch/failed")"
	diag "$(total_delayed) requests were held"
	expect_ge "requests held" "$(total_delayed)" $((${#writers[@]} * records))
	must umount "$mount_point"
	not_on_end must umount "$mount_point"
	dm_remove ioband1
	dm_remove logged
	"$replay" /dev/recorded > "$scratch/log" || fail "the log cannot be read"
}

# flushes: the numbers of the entries up to which, and with which, a disk is made: those that flush it or are FUA, spread over the whole log
flushes() {
	awk -v points="$points" '$2 ~ /[fu]/ { number[n++] = $1 }
		END { step = n > points ? n / points : 1
			for (i = n - 1; i >= 0; i -= step) print number[int(i)] }' "$scratch/log" | sort -n
}

# fsynced NUMBER: the last record of each writer whose mark stands before this entry
fsynced() {
	awk -v before="$1" '$1 >= before { exit } $2 ~ /m/ && $5 ~ /:/ { split($5, word, ":"); last[word[1]] = word[2] }
		END { for (writer in last) print writer ":" last[writer] }' "$scratch/log"
}

# check TYPE NUMBER: the disk as of that entry. What is written to it, by the replay of the journal, goes elsewhere
check() {
	local type=$1 marks code=0

	mapfile -t marks < <(fsynced "$2")
	dm_create crashed "0 $(sectors /dev/replayed) snapshot /dev/replayed /dev/cow N 8" || return
	if mount -t "$type" /dev/mapper/crashed "$mount_point"; then
		holds_records "${marks[@]}" || code=1
		umount "$mount_point" || code=1
	else
		code=1
	fi > "$scratch/output" 2>&1
	case $type in
	ext4) fsck.ext4 -fn /dev/mapper/crashed >> "$scratch/output" 2>&1 || code=1 ;;
	xfs) xfs_repair -n /dev/mapper/crashed >> "$scratch/output" 2>&1 || code=1 ;;
	esac
	dm_remove crashed
	return "$code"
}

# crash_anywhere TYPE
crash_anywhere() {
	local type=$1 number from=0 checked=0

	disks
	write_records "$type" || return
	for number in $(flushes); do
		must "$replay" /dev/recorded /dev/replayed "$from" $((number + 1)) || return
		from=$((number + 1))
		check "$type" "$number" || fail "$type, as of entry $number, with $(fsynced "$number" | xargs)
$(tail -n 15 "$scratch/output")"
		checked=$((checked + 1))
	done
	diag "$(wc -l < "$scratch/log") entries, $checked points in time"
	expect_ge "points in time" "$checked" "$points"
	expect_eq "records in the end" "$((${#writers[@]} * records))" "$(grep -c ' [0-9]*:[0-9]*$' "$scratch/log")"
}

test_ext4_after_every_flush() {
	crash_anywhere ext4
}

test_xfs_after_every_flush() {
	crash_anywhere xfs
}

# This test can fail: without one of the writes of data the records are not all there
test_a_write_that_is_lost_is_found() {
	local last lost

	disks
	write_records ext4 || return
	last=$(flushes | tail -n 1)
	lost=$(awk '$2 == "-" && $4 >= 32 { number[n++] = $1 } END { print number[int(n / 2)] }' "$scratch/log")
	must "$replay" /dev/recorded /dev/replayed 0 $((last + 1)) "$lost" || return
	! check ext4 "$last" || fail "entry $lost was left out, and all is there"
	grep -q "record [0-9]* is wrong" "$scratch/output" || fail "nothing is said about a record
$(tail -n 5 "$scratch/output")"
	must "$replay" /dev/recorded /dev/replayed 0 $((last + 1)) || return
	check ext4 "$last" || fail "$(tail -n 15 "$scratch/output")"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
