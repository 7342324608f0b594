# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Writers through the page cache for the dm-ioband selftests, beside owner.sh: /dev/disk writes 30 MB/s, and little memory may be dirty, so that
# they are paced soon.
#
#   weighted_fs TYPE               a file system on ib with the cgroups a, of weight 100, and b, of weight 400, on $mounted
#   weights OF-A OF-B              of these cgroups
#   writer CGROUP FILE OFFSET [FIO-OPTION...]  writes $file_mib (128) MiB of it over and over, until the test ends; the process is $started
#   two_files TYPE                 weighted_fs, and each writes a file
#   expect_divided OF-A OF-B [PERCENT]  what is written in a while is, within PERCENT (35), once the writers are paced. Both must be writing
#   dirty_limit MIB                until the end, this much memory may be dirty
#   written SECONDS                sectors that the disk writes meanwhile
#   controller NAME                for the cgroups of this test

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require mkfs.ext4 fio
settled='' file_mib=128
memory_nullb disk size=1024 irqmode=2 completion_nsec=1000000 hw_queue_depth=16 mbps=30 max_sectors=256

dirty_limit() {
	echo $(($1 << 20)) > /proc/sys/vm/dirty_bytes
	echo $(($1 << 19)) > /proc/sys/vm/dirty_background_bytes
	settled=
}

on_end dirty_ratio "$(< /proc/sys/vm/dirty_ratio)" "$(< /proc/sys/vm/dirty_background_ratio)"
dirty_limit 16

weighted_fs() {
	cgroup_make a b
	owner_fs ib /dev/disk "$1" a b || return
	weights 100 400
	mounted=$scratch/ib
}

weights() {
	must message ib weight "$(cgroup_id a):$1"
	must message ib weight "$(cgroup_id b):$2"
}

writer() {
	local cgroup=$1 file=$2 offset=$3

	shift 3
	# or it would be laid out in one system call, which nothing holds back
	must fallocate --length $((${offset%[mk]} + file_mib))M "$file"
	start_as "$cgroup" fio --name="$cgroup" --filename="$file" --offset="$offset" --size="${file_mib}m" --bs=64k --rw=write --ioengine=psync --fallocate=none \
		--time_based --runtime=600 --invalidate=0 --disk_util=0 "$@" > "$scratch/fio.$cgroup" 2>&1
}

expect_divided() {
	wait_for_load "ib/$(cgroup_id a)" "ib/$(cgroup_id b)" || return
	settle_limit
	sleep 5
	measure 10
	expect_shares "${3:-35}" moved "ib/$(cgroup_id a)=$1" "ib/$(cgroup_id b)=$2"
}

# The kernel follows a lower limit by a 32nd of the difference each fifth of a second, and only while somebody is paced
settle_limit() {
	[ -z "$settled" ] || return 0
	settled=yes
	sleep 20
}

two_files() {
	weighted_fs "$1" || return
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	expect_divided 100 400
}

# controller NAME: for the cgroups of this test
controller() {
	echo "+$1" > "$cgroup_root/cgroup.subtree_control" || fail "the controller $1 cannot be had"
	on_end without_controller "$1"
}

without_controller() {
	echo "-$1" > "$cgroup_root/cgroup.subtree_control"
}

# written SECONDS: sectors that the disk writes
written() {
	local before

	before=$(awk '{ print $7 }' /sys/block/disk/stat)
	sleep "$1"
	echo $(($(awk '{ print $7 }' /sys/block/disk/stat) - before))
}
