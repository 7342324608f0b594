#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The file bio.stat: what a cgroup and those below it read and wrote, each I/O once, however many devices it goes through; how long
# they had to wait as they dirtied pages; and what they have dirty and under writeback.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4
memory_nullb disk

stat_file() {
	echo "$(cgroup_path "$1")/bio.stat"
}

# stat_of CGROUP KEY
stat_of() {
	awk -v key="$2" '$1 == key { print $2; found = 1 } END { exit !found }' "$(stat_file "$1")"
}

# expect_stat CGROUP KEY VALUE
expect_stat() {
	expect_eq "$2 of $1" "$3" "$(stat_of "$1" "$2")"
}

# expect_nothing CGROUP: it did no I/O
expect_nothing() {
	local key

	for key in rbytes wbytes rios wios paced_usec dirty_bytes writeback_bytes; do
		expect_stat "$1" "$key" 0
	done
}

# direct CGROUP read|write SIZE PIECE
direct() {
	case $2 in
	read) as "$1" dd if=/dev/mapper/ib of=/dev/null iflag=direct,count_bytes bs="$4" count="$(bytes "$3")" status=none ;;
	write) as "$1" dd if=/dev/zero of=/dev/mapper/ib oflag=direct iflag=count_bytes bs="$4" count="$(bytes "$3")" conv=notrunc status=none ;;
	esac
}

test_format() {
	local cgroup

	cgroup_make a a/inner
	for cgroup in root a a/inner; do
		expect_eq "keys of $cgroup" "rbytes wbytes rios wios paced_usec dirty_bytes writeback_bytes" \
			"$(awk '{ print $1 }' "$(stat_file "$cgroup")" | paste -sd ' ')"
		expect_eq "lines of $cgroup that are not a key and a number" "" "$(grep -Evx '[a-z_]+ [0-9]+' "$(stat_file "$cgroup")")"
		expect_eq "mode of $cgroup" 444 "$(stat -c %a "$(stat_file "$cgroup")")"
	done
	expect_nothing a
	if (echo 0 > "$(stat_file a)") 2> /dev/null; then
		fail "bio.stat can be written to"
	fi
}

# Two devices of device-mapper and a disk: counted once, as submitted first
test_direct() {
	cgroup_make a b
	dm_create below "0 $(sectors /dev/disk) linear /dev/disk 0"
	owner_ioband ib /dev/mapper/below a b || return
	direct a write 4M 64K
	direct a read 2M 32K
	direct b read 1M 4K
	expect_stat a wbytes $((4 << 20))
	expect_stat a wios 64
	expect_stat a rbytes $((2 << 20))
	expect_stat a rios 64
	expect_stat b wbytes 0
	expect_stat b wios 0
	expect_stat b rbytes $((1 << 20))
	expect_stat b rios 256
	expect_charged ib a write 4M 0
	expect_charged ib a read 2M 0
}

test_written_back_for_two_by_a_third() {
	local round rounds=16

	cgroup_make a b syncer
	owner_ioband ib /dev/disk a b || return
	device_stays_open ib
	for ((round = 0; round < rounds; round++)); do
		write_file a /dev/mapper/ib 40K $((round * 120))K
		write_file b /dev/mapper/ib 80K $((round * 120 + 40))K
	done
	as syncer sync
	expect_stat a wbytes $((rounds * 40 << 10))
	expect_stat b wbytes $((rounds * 80 << 10))
	expect_stat a rbytes 0
	expect_nothing syncer
	expect_charged ib a write $((rounds * 40))K 0
	expect_charged ib b write $((rounds * 80))K 0
	# Each piece is an I/O at least, a page at most is one
	expect_ge "wios of a" "$(stat_of a wios)" "$rounds"
	expect_le "wios of a" "$(stat_of a wios)" $((rounds * 10))
}

# Bios of many pages, of two owners by turns
test_a_file_of_two() {
	local round rounds=16 before

	cgroup_make a b syncer
	owner_fs ib /dev/disk ext4 a b || return
	no_periodic_writeback
	# All blocks are there already: only data are written
	write_file root "$scratch/ib/file" $((rounds * 128))K
	sync
	for ((round = 0; round < rounds; round++)); do
		write_file a "$scratch/ib/file" 64K $((round * 128))K
		write_file b "$scratch/ib/file" 64K $((round * 128 + 64))K
	done
	before=$(stat_of a wbytes)
	expect_le "wbytes of a before it is written" "$before" $((16 << 10))
	as syncer sync
	expect_charged ib a write $((rounds * 64))K
	expect_stat a wbytes "$(charged ib a write)"
	expect_stat b wbytes "$(charged ib b write)"
	expect_ge "wios of a" "$(stat_of a wios)" "$rounds"
}

test_ancestors_have_what_those_below_did() {
	local root_before

	cgroup_make a a/inner a/inner/most b
	owner_ioband ib /dev/disk || return
	root_before=$(stat_of root wbytes)
	direct a/inner/most write 1M 64K
	direct a/inner write 2M 64K
	direct b write 4M 64K
	expect_stat a/inner/most wbytes $((1 << 20))
	expect_stat a/inner wbytes $((3 << 20))
	expect_stat a wbytes $((3 << 20))
	expect_stat b wbytes $((4 << 20))
	expect_ge "wbytes of the root" "$(stat_of root wbytes)" $((root_before + (7 << 20)))
	# What a removed one did stays
	cgroup_remove a/inner/most
	cgroup_remove a/inner
	expect_stat a wbytes $((3 << 20))
	expect_stat a wios 48
}

# What was dirtied by a cgroup that is gone when it is written is the parent's
test_removed_before_its_pages_are_written() {
	cgroup_make a a/inner
	owner_ioband ib /dev/disk || return
	device_stays_open ib
	write_file a/inner /dev/mapper/ib 3M
	cgroup_remove a/inner
	expect_stat a wbytes 0
	expect_stat a dirty_bytes $((3 << 20))
	as root sync
	expect_stat a wbytes $((3 << 20))
}

test_on_v1() {
	cgroups_v1 || return
	cgroup_make a a/inner
	owner_ioband ib /dev/disk || return
	direct a/inner write 1M 64K
	direct a read 2M 64K
	expect_stat a/inner wbytes $((1 << 20))
	expect_stat a wbytes $((1 << 20))
	expect_stat a rbytes $((2 << 20))
	expect_ge "wbytes of the root" "$(stat_of root wbytes)" $((1 << 20))
}

test_paced() {
	local before after paced

	cgroup_make a b
	nullb slow memory_backed=1 size=512 mbps=10
	on_end set_dirty_limits "$(< /proc/sys/vm/dirty_bytes)" "$(< /proc/sys/vm/dirty_background_bytes)"
	set_dirty_limits $((8 << 20)) $((4 << 20))
	make_fs ext4 /dev/slow && owner_ioband ib /dev/slow a b && mount_fs ext4 /dev/mapper/ib || return
	before=$(uptime_usec)
	write_file a "$scratch/ib/file" 64M
	after=$(uptime_usec)
	paced=$(stat_of a paced_usec)
	# One task cannot wait longer than it lives
	expect_ge "paced_usec of one who wrote 8 times the limit" "$paced" 1
	expect_le "paced_usec of one who wrote 8 times the limit" "$paced" $((after - before))
	expect_stat b paced_usec 0
}

# expect_pages CGROUP DIRTY WRITEBACK: bytes of its pages that are dirty, and under writeback
expect_pages() {
	expect_stat "$1" dirty_bytes "$(bytes "$2")"
	expect_stat "$1" writeback_bytes "$(bytes "$3")"
}

test_dirty() {
	cgroup_make a a/inner b syncer
	owner_ioband ib /dev/disk || return
	device_stays_open ib
	write_file a/inner /dev/mapper/ib 3M
	write_file b /dev/mapper/ib 5M 8M
	expect_pages a/inner 3M 0
	expect_pages a 3M 0
	expect_pages b 5M 0
	# It is whose it was before; its other pages are still clean
	write_file b /dev/mapper/ib 4M
	expect_pages a 3M 0
	expect_pages b 6M 0
	as syncer sync
	expect_pages a 0 0
	expect_pages b 0 0
	expect_pages syncer 0 0
	write_file b /dev/mapper/ib 1M
	expect_pages a 0 0
	expect_pages b 1M 0
}

# What a removed cgroup has dirty is its ancestor's, which loses it once it is written
test_dirty_of_a_removed_one() {
	cgroup_make a a/inner a/inner/most
	owner_ioband ib /dev/disk || return
	device_stays_open ib
	write_file a/inner/most /dev/mapper/ib 3M
	write_file a /dev/mapper/ib 1M 3M
	cgroup_remove a/inner/most
	expect_pages a/inner 3M 0
	cgroup_remove a/inner
	expect_pages a 4M 0
	as root sync
	expect_pages a 0 0
}

# Pages that never will be written
test_dirty_and_deleted() {
	cgroup_make a
	owner_fs ib /dev/disk vfat a || return
	no_periodic_writeback
	write_file a "$scratch/ib/file" 4M
	expect_ge "dirty_bytes before" "$(stat_of a dirty_bytes)" $((4 << 20))
	truncate -s 1M "$scratch/ib/file"
	expect_ge "dirty_bytes of a quarter" "$(stat_of a dirty_bytes)" $((1 << 20))
	expect_le "dirty_bytes of a quarter" "$(stat_of a dirty_bytes)" $(((1 << 20) + (64 << 10)))
	rm "$scratch/ib/file"
	# The directory and the allocation table are left
	expect_le "dirty_bytes after" "$(stat_of a dirty_bytes)" $((64 << 10))
	expect_stat a writeback_bytes 0
}

has_under_writeback() {
	[ "$(stat_of "$1" writeback_bytes)" -ge "$2" ]
}

# Each page is under writeback for four seconds at least. Whoever dirties such pages again has them, as dirty and as under writeback
test_writeback() {
	local syncer sum

	cgroup_make a b
	nullb second size=64 memory_backed=1 irqmode=2 completion_nsec=4000000000 hw_queue_depth=64 submit_queues=1 max_sectors=128
	owner_ioband ib /dev/second || return
	device_stays_open ib
	write_file a /dev/mapper/ib 1M
	expect_pages a 1M 0
	sync &
	syncer=$!
	wait_until 60 has_under_writeback a $((1 << 20))
	expect_pages a 0 1M
	write_file b /dev/mapper/ib 512K
	expect_stat b dirty_bytes $((512 << 10))
	sum=$(($(stat_of a writeback_bytes) + $(stat_of b writeback_bytes)))
	expect_le "bytes under writeback of both" "$sum" $((1 << 20))
	if [ "$sum" = $((1 << 20)) ]; then
		expect_pages a 0 512K
		expect_pages b 512K 512K
	else
		diag "writeback ended before it was looked at"
	fi
	wait "$syncer"
	as root sync
	expect_pages a 0 0
	expect_pages b 0 0
}

# in_turns CGROUP FILE NUMBER: writes to odd or even pieces of FILE, through write(2) and mmap, and deletes files of its own
in_turns() {
	local round piece

	for round in {1..4}; do
		for piece in {0..7}; do
			write_file "$1" "$2" 40K $((piece * 80 + $3 * 40))K
		done
		write_file "$1" "$2.$3" 1M
		[ $((round % 2)) = 0 ] || as "$1" truncate -s 300K "$2.$3"
		as "$1" rm "$2.$3"
	done
}

# Nothing is left over, whatever happens to pages: files of both with large folios, truncated, deleted, written by two at a time,
# migrated
test_nothing_is_left() {
	local type jobs

	nullb other size=512 memory_backed=1
	no_periodic_writeback
	for type in xfs ext4; do
		cgroup_make a b
		owner_fs ib /dev/other "$type" a b || return
		in_turns a "$scratch/ib/file" 0 &
		jobs=$!
		in_turns b "$scratch/ib/file" 1 &
		jobs+=" $!"
		for _ in {1..4}; do
			sync
		done
		for job in $jobs; do
			wait "$job"
		done
		write_file a "$scratch/ib/file" 1M
		echo 1 > /proc/sys/vm/compact_memory
		expect_ge "dirty_bytes of a on $type" "$(stat_of a dirty_bytes)" 4096
		sync
		unmount "$scratch/ib"
		dm_remove ib
		expect_pages a 0 0
		expect_pages b 0 0
		cgroup_remove a
		cgroup_remove b
	done
}

uptime_usec() {
	awk '{ printf "%.0f\n", $1 * 1000000 }' /proc/uptime
}

# Where a limit is given in percent, its number of bytes is 0
set_dirty_limits() {
	if [ "$1" = 0 ]; then
		echo 20 > /proc/sys/vm/dirty_ratio
		echo 10 > /proc/sys/vm/dirty_background_ratio
	else
		echo "$1" > /proc/sys/vm/dirty_bytes
		echo "$2" > /proc/sys/vm/dirty_background_bytes
	fi
}

# Whoever has counted before the controller goes to another hierarchy counts there
test_root_counts_on_in_another_hierarchy() {
	local before

	owner_ioband ib /dev/disk || return
	direct root write 1M 64K
	cgroups_v1 || return
	before=$(stat_of root wbytes)
	direct root write 2M 64K
	expect_ge "wbytes of the root on v1" "$(stat_of root wbytes)" $((before + (2 << 20)))
	cgroups_v2
	before=$(stat_of root wbytes)
	direct root write 4M 64K
	expect_ge "wbytes of the root on v2" "$(stat_of root wbytes)" $((before + (4 << 20)))
}

# From the first device of type cgroup on
pages_are_counted() {
	grep -q '^dirty_bytes ' "$cgroup_root/bio.stat"
}

dm_create first "0 $(sectors /dev/disk) ioband /dev/disk first 0 0 cgroup weight 0 :100"
wait_until 30 pages_are_counted
dm_remove first
mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
