#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The file bio.stat: what a cgroup and those below it read and wrote, each I/O once, however many devices it goes through; and how
# long they had to wait as they dirtied pages.

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

	for key in rbytes wbytes rios wios paced_usec; do
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

# The last one to close a block device writes its dirty pages, so one task keeps it open
device_stays_open() {
	sleep 600 3< /dev/mapper/ib &
	wait_until 30 test "/proc/$!/fd/3" -ef /dev/mapper/ib
	no_periodic_writeback
}

test_format() {
	local cgroup

	cgroup_make a a/inner
	for cgroup in root a a/inner; do
		expect_eq "keys of $cgroup" "rbytes wbytes rios wios paced_usec" "$(awk '{ print $1 }' "$(stat_file "$cgroup")" | paste -sd ' ')"
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
	device_stays_open
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
	device_stays_open
	write_file a/inner /dev/mapper/ib 3M
	cgroup_remove a/inner
	expect_nothing a
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

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
