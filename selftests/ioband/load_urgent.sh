#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Urgent I/O is issued at once and charged: the group goes into debt and pays with its next tokens. Flushes are never held and never charged.
# In every test the urgent group has weight 1 beside a saturating load of a far larger weight, so anything of it that may be held is held.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

require mkfs.ext4 mount mkswap swapon xfs_io
load_nullb slow memory_backed=1 cache_size=16
mount_point=$scratch/mount
swap_cgroup=/sys/fs/cgroup/ioband-selftest
mkdir "$mount_point"
chmod a+rx "$scratch"

# saturate: the default group, on the second half of the device, where nothing else is. What a group may owe is bounded by what it may save,
# so that is a lot here.
saturate() {
	must message ioband1 carryover 10000
	# More than it does in a second: its CPU may stand still
	load ioband1 --iodepth=2048 --offset=512m
	wait_for_load ioband1/-1
}

# Directories of a block each, so that each look-up reads one; no journal, or its thread would mix in
make_file_system() {
	mkfs.ext4 -q -F -O ^has_journal,^dir_index -E lazy_itable_init=0 -b 4096 -N 512 /dev/mapper/ioband1 100m &&
		mount -t ext4 -o noatime,inode_readahead_blks=0 /dev/mapper/ioband1 "$mount_point" &&
		mkdir "$mount_point"/{1..64} &&
		umount "$mount_point" &&
		mount -t ext4 -o ro,noatime,inode_readahead_blks=0 /dev/mapper/ioband1 "$mount_point"
}

# Reads the directory blocks: REQ_META and REQ_PRIO
look_up_names() {
	local i

	for i in {1..64}; do
		[ ! -e "$mount_point/$i/none" ] || echo "$i/none exists"
	done
}

as_user_1000() {
	(as_user 1000 bash -c "mount_point=$mount_point; $(declare -f "$1"); $1")
}

# others_between: how many b stand between the first a and the last, and between the last h (held) and the last a
others_between() {
	awk '$1 == "a" { started = 1; until_now = others; since_held = held ? others - at_hold : 0 }
		$1 == "h" { held = 1; at_hold = others + 0 }
		$1 == "b" && started { others++ }
		END { print until_now + 0, since_held + 0 }'
}

# issue_and_hold_order SECTOR < FILE: issue_order, with a line h for each hold in the trace
issue_and_hold_order() {
	sed -n 's/.*block_bio_remap: [^ ]* [^ ]* \([0-9]*\) + .*/\1/p; s/.*ioband_hold: .*/h/p' |
		awk -v border="$1" '{ print $1 == "h" ? "h" : $1 < border ? "a" : "b" }'
}

# Held, each of them would be: the group's turn comes every 100 requests. Not charged, the group could have its turn right after the look-ups,
# in which time the other, 16 deep, does about 16 for each. Charged, it is the other's turn until that has done 100 for each. A slow machine
# may take longer than that to start the program of the normal read, so the upper bound counts from when that is held.
test_metadata_reads_are_issued_at_once_and_charged() {
	local urgent other since_held

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:1 || return
	must make_file_system || return
	saturate || return
	sync
	echo 3 > /proc/sys/vm/drop_caches
	# the programs must be in memory again: reading them from a slow disk takes time in which the others go on
	(as_user 1000 bash -c true)
	chmod --version > /dev/null
	dd if=/dev/zero of=/dev/null count=1 status=none
	must message ioband1 reset
	trace_start "block/block_bio_remap,dev == $(trace_dev /dev/slow)" "ioband/ioband_hold,group == 1000"
	as_user_1000 look_up_names
	urgent=$(status_column ioband1 1000 reads)
	diag "user 1000: $urgent reads, $(status_column ioband1 1000 reads_delayed) delayed"
	expect_ge "reads of 64 look-ups" "$urgent" 64
	expect_eq "reads delayed" 0 "$(status_column ioband1 1000 reads_delayed)"
	# One normal read; when it is issued, the debt is paid
	(read_blocks ioband1 1 as_user 1000)
	trace_stop > "$scratch/trace"
	umount "$mount_point"
	read -r other since_held < <(issue_and_hold_order $((1 << 20)) < "$scratch/trace" | others_between)
	diag "$other requests of the other group from the first urgent read to the normal one, $since_held of them while that was held"
	expect_ge "requests of the other group for 100 times $urgent" "$other" $((urgent * 100 * 8 / 10))
	expect_le "requests of the other group while the normal read was held" "$since_held" $((urgent * 100 * 12 / 10))
}

has_written() {
	[ "$(status_column ioband1 "$1" writes)" -ge "$2" ]
}

others_were_held() {
	[ "$(status_column ioband1 -1 reads_delayed)" -ge "$1" ]
}

# More memory than its cgroup may have, not of zeroes, which are not written; what is swapped is written with REQ_SWAP
test_swap_writes_are_issued_at_once() {
	if ! grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
		fail "no memory controller on cgroup2 (CONFIG_MEMCG)"
		return
	fi
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :200 1000:1 || return
	must mkswap /dev/mapper/ioband1 $((256 << 10)) || return
	must swapon /dev/mapper/ioband1 || return
	echo +memory > /sys/fs/cgroup/cgroup.subtree_control
	mkdir "$swap_cgroup" && echo 16M > "$swap_cgroup/memory.max"
	saturate
	must message ioband1 reset
	in_cgroup "$swap_cgroup" setpriv --reuid 1000 --clear-groups dd if=/dev/urandom of=/dev/shm/ioband-selftest bs=64k count=512 status=none &
	wait_until 60 has_written 1000 200
	diag "user 1000: $(status_column ioband1 1000 writes) writes, $(status_column ioband1 1000 writes_delayed) delayed"
	expect_eq "writes delayed" 0 "$(status_column ioband1 1000 writes_delayed)"
	wait_until 60 others_were_held 100
	echo 1 > "$swap_cgroup/cgroup.kill"
	kill_jobs
	rm -f /dev/shm/ioband-selftest
	must swapoff /dev/mapper/ioband1
	rmdir "$swap_cgroup"
}

# flushes_seen: by the device below
flushes_seen() {
	awk '{ print $16 }' /sys/class/block/slow/stat
}

# Twenty charged as requests would cost the other group's 20 * 1000 requests before the read, held they would be counted as delayed
test_flushes_are_neither_held_nor_charged() {
	local flushes other node=/dev/mapper/ioband1

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :1000 1000:1 || return
	saturate || return
	must message ioband1 reset
	flushes=$(flushes_seen)
	(as_user 1000 sync $node $node $node $node $node $node $node $node $node $node $node $node $node $node $node $node $node $node $node $node)
	expect_ge "flushes" $(($(flushes_seen) - flushes)) 20
	expect_eq "reads and writes delayed" "0 0" "$(status_column ioband1 1000 reads_delayed) $(status_column ioband1 1000 writes_delayed)"
	other=$(status_column ioband1 -1 reads)
	(read_blocks ioband1 1 as_user 1000)
	other=$(($(status_column ioband1 -1 reads) - other))
	diag "$other requests of the other group until the read was served"
	expect_le "requests of the other group until the read was served" "$other" 10000
}

load_nullb cached memory_backed=1 cache_size=16 completion_nsec=20000000

# A device with a cache that takes 16 requests at a time: a flush waits for one of these like what is held, which must not have each that gets free. It
# takes a request's time then, 16 of the others; where it waits in vain these are a hundred.
# flush_beside_a_backlog DEVICE IO_LIMIT: DEVICE is /dev/cached or upon it
flush_beside_a_backlog() {
	local before others flushes=()

	ioband_create ioband1 "$1" share1 0 "$2" user weight 0 :100 1000:300 || return
	load ioband1 --iodepth=64
	load ioband1 --iodepth=64 -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	for _ in {1..20}; do
		flushes+=(-c fsync)
	done
	before=$(completed cached)
	must xfs_io -r "${flushes[@]}" /dev/mapper/ioband1 || return
	others=$(($(completed cached) - before))
	diag "$others requests in the time of 20 flushes"
	expect_le "requests in the time of 20 flushes" "$others" 1200
}

test_flushes_are_served_beside_a_backlog() {
	flush_beside_a_backlog /dev/cached 0
}

# An eighth more slots than requests
test_flushes_are_served_on_a_stack() {
	dm_create below1 "0 $(sectors /dev/cached) linear /dev/cached 0" || return
	flush_beside_a_backlog /dev/mapper/below1 0
}

run_tests test_metadata_reads_are_issued_at_once_and_charged test_swap_writes_are_issued_at_once test_flushes_are_neither_held_nor_charged \
	test_flushes_are_served_beside_a_backlog test_flushes_are_served_on_a_stack
