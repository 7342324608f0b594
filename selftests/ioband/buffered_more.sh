#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# As in buffered_share.sh, on other file systems, in pieces of one file, beside direct readers, with fsync, and beside one that something else holds
# back.

# shellcheck source=buffered.sh
. "${BASH_SOURCE[0]%/*}/buffered.sh"

require mkfs.xfs mkfs.btrfs mkfs.f2fs jq

test_xfs() {
	two_files xfs
}

test_btrfs() {
	two_files btrfs
}

test_f2fs() {
	two_files f2fs
}

test_every_other_piece_of_one_file() {
	weighted_fs ext4 || return
	must fallocate --length 256M "$mounted/file"
	writer a "$mounted/file" 0 --rw=write:64k
	writer b "$mounted/file" 64k --rw=write:64k
	expect_divided 100 400
}

# Processes that are gone before they have dirtied enough to be looked at: each of them pays. It is 1.6 where none does
test_writers_that_do_not_last() {
	weighted_fs ext4 || return
	must fallocate --length 128M "$mounted/a"
	start_as a bash -c "for ((i = 0;; i++)); do dd if=/dev/zero of=$mounted/a bs=64k count=1 seek=\$((i % 2048)) conv=notrunc status=none; done"
	writer b "$mounted/b" 0
	wait_for_load "ib/$(cgroup_id a)" "ib/$(cgroup_id b)" || return
	settle_limit
	sleep 5
	measure 10
	diag "sectors: ${moved[ib/$(cgroup_id a)]} and ${moved[ib/$(cgroup_id b)]}"
	expect_ge "sectors of a, weight 100" "${moved[ib/$(cgroup_id a)]}" 1
	expect_ge "sectors of b, weight 400" $((10 * moved[ib/$(cgroup_id b)])) $((22 * moved[ib/$(cgroup_id a)]))
}

# What is read is no page that anybody dirtied
test_direct_reader_beside_it() {
	weighted_fs ext4 || return
	must message ib policy weight-iosize
	weights 100 400
	must dd if=/dev/zero of="$mounted/b" bs=1M count=128 conv=fsync status=none
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0 --direct=1 --rw=randread --ioengine=libaio --iodepth=64
	expect_divided 100 400
}

# A writer is paced by what of its cgroup is dirty now. What a memory cgroup's statistics say may be two seconds old: then the writer is slowed down
# while the flusher finds nothing to write, and the device idles.
test_one_writer_alone() {
	local unseen=() median

	controller memory
	weighted_fs ext4 || return
	writer a "$mounted/a" 0
	wait_for_load "ib/$(cgroup_id a)" || return
	for _ in 1 2 3; do
		echo > "$trace_instance/trace"
		echo 1 > "$trace_instance/events/writeback/balance_dirty_pages/enable"
		sleep 8
		echo 0 > "$trace_instance/events/writeback/balance_dirty_pages/enable"
		expect_ge "times that the writer was looked at" "$(pacing | wc -l)" 50
		unseen+=("$(pacing | unseen_pages)")
	done
	diag "in each third: ${unseen[*]}"
	# While the guest has no CPU, the device goes on; not each time
	median=$(printf '%s\n' "${unseen[@]}" | sort -n | sed -n 2p)
	expect_le "pages of the device that became dirty or clean while those of the cgroup stayed the same" "$median" 700
}

# pacing: of each time that balance_dirty_pages() slowed a down, the pages dirty or under writeback: of the limit that counts, of the device
pacing() {
	sed -nE "s/.* balance_dirty_pages: .* dirty=([0-9]+) .* bdi_dirty=([0-9]+) .* cgroup_ino=$(stat -c %i "$(cgroup_path a)")\$/\1 \2/p" "$trace_instance/trace"
}

# By how much the second number of such lines changes while the first one stays what it is, at most
unseen_pages() {
	awk '$1 != dirty || NR == 1 { dirty = $1; low = high = $2 }
		{ if ($2 < low) low = $2; if ($2 > high) high = $2; if (high - low > most) most = high - low }
		END { print most + 0 }'
}

# stream_and_fsync: a writes all the time, b calls fsync after each MiB; leaves the 99th percentile of its fsync in p99, in ms, and the
# bytes a second that a wrote in rate
stream_and_fsync() {
	local before

	writer a "$mounted/a" 0
	sleep 5
	before=$(stat_of a wbytes)
	must fallocate --length 128M "$mounted/b"
	as b fio --name=b --filename="$mounted/b" --size=128m --bs=64k --rw=write --ioengine=psync --fallocate=none --time_based --runtime=12 \
		--invalidate=0 --disk_util=0 --fsync=16 --output-format=json --output="$scratch/fsync"
	rate=$((($(stat_of a wbytes) - before) / 12))
	kill -INT "$started"
	wait "$started"
	p99=$(jq '.jobs[0].sync.lat_ns.percentile["99.000000"] / 1e6 | floor' "$scratch/fsync")
}

# stat_of CGROUP KEY: of its bio.stat
stat_of() {
	awk -v key="$2" '$1 == key { print $2; found = 1 } END { exit !found }' "$(cgroup_path "$1")/bio.stat"
}

# Who is slowed down by nothing but a share of the device does not slow down others' fsync more than one that io.max slows down
test_fsync_beside_a_stream() {
	local p99 rate divided

	controller io
	weighted_fs ext4 || return
	stream_and_fsync
	divided=$p99
	diag "beside a stream of $rate bytes/s on ib: $p99 ms"
	unmount "$mounted"
	dm_remove ib
	must mount -i -t ext4 /dev/disk "$mounted"
	on_end unmount "$mounted"
	echo "$(< /sys/block/disk/dev) wbps=$rate" > "$(cgroup_path a)/io.max"
	stream_and_fsync
	diag "beside one that io.max limits to this, it wrote $rate: $p99 ms"
	expect_le "99th percentile of fsync, in ms" "$divided" $((3 * p99 + 20))
}

# may_write CGROUP BYTES: a second, of ib
may_write() {
	echo "$(< "$(sysfs_directory /dev/mapper/ib)/dev") wbps=$2" > "$(cgroup_path "$1")/io.max" || fail "io.max of $1 refused $2"
}

# What keeps b below its share is not the device: a does not wait for b while that is idle
test_beside_one_that_io_max_limits() {
	controller io
	weighted_fs ext4 || return
	may_write b $((1 << 20))
	# or it would take minutes to write what b has dirty
	on_end may_write b max
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	wait_for_load "ib/$(cgroup_id a)" "ib/$(cgroup_id b)" || return
	settle_limit
	measure 15
	diag "sectors: ${moved[ib/$(cgroup_id a)]} and ${moved[ib/$(cgroup_id b)]}"
	expect_ge "sectors of b" "${moved[ib/$(cgroup_id b)]}" 1
	# Were it in proportion, it would be a quarter
	expect_ge "sectors of a, weight 100, beside b, weight 400" "${moved[ib/$(cgroup_id a)]}" $((moved[ib/$(cgroup_id b)] / 2))
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
