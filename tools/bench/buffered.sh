# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the workloads about writes through the page cache, beside guest-lib.sh: a device of 40 MB/s,
# groups a and b of weights 100 and 400.
#   scene VARIANT TYPE COMMAND...  on all of $buffered_stacks: COMMAND in a new file system of TYPE,
#		at $mountpoint; it gives its jobs to run_writers. The ratio of what $heavy and $light
#		did should be 4.
#   writer NAME FILE KIB [FIO-OPTION...]  a job for run_writers: writes $file_mib of FILE, from KIB on, again and again
#   dirty_limit MIB		memory that may be dirty
# shellcheck disable=SC2034,SC2154 # names of guest-lib.sh

mountpoint=/tmp/mounted
buffered_stacks=(bare ioband iocost) buffered_seconds=20
# The kernel lowers the limit of dirty memory slowly.
buffered_ramp=20
file_mib=128 heavy=b light=a
own_files=yes
iocost_bytes=4000

device irqmode=2 completion_nsec=1000000 hw_queue_depth=16 mbps=40 memory_backed=1 size=1024 max_sectors=256
groups a=100 b=400

dirty_limit() {
	echo $(($1 << 20)) > /proc/sys/vm/dirty_bytes
	echo $(($1 << 19)) > /proc/sys/vm/dirty_background_bytes
}

mount_new() {
	wipefs --quiet --all "$disk"
	case $1 in
	ext4) mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$disk" ;;
	vfat) mkfs.vfat "$disk" > /dev/null ;;
	*) "mkfs.$1" -q -f "$disk" ;;
	esac
	mkdir -p "$mountpoint"
	mount -t "$1" "$disk" "$mountpoint"
	sync
}

writer() {
	fallocate --length $(($3 + (file_mib << 10)))K "$mountpoint/$2"
	job "$1" 1 --filename="$mountpoint/$2" --offset="$3k" "${@:4}"
}

run_writers() {
	run_jobs "$buffered_ramp" "$buffered_seconds" --direct=0 --ioengine=psync --rw=write --bs=64k --size="${file_mib}m" --fallocate=none \
		--end_fsync=0 --invalidate=0
}

two_files() {
	writer a a 0
	writer b b 0
	run_writers
}

# scene_on VARIANT STACK TYPE COMMAND...
scene_on() {
	mount_new "$3"
	"${@:4}"
	umount "$mountpoint"
	record "buffered/$1" "$2" ratio "$(calc "${kib[$heavy]} / ${kib[$light]}")" "$heavy : $light"
	record "buffered/$1" "$2" rate "$total_kib" KiB/s
	[ "$2" != bare ] || buffered_base=$total_kib
	[ -z "$buffered_base" ] || record "buffered/$1" "$2" total "$(calc "100 * $total_kib / $buffered_base")" "% of bare"
}

scene() {
	local stack buffered_base=

	for stack in $(stacks "${buffered_stacks[@]}"); do
		say "$1, $stack"
		with_stack "$stack" scene_on "$1" "$stack" "${@:2}"
	done
	goal "buffered/$1" ioband ratio '>=' 3.6
	goal "buffered/$1" ioband ratio '<=' 4.4
	[ -z "$buffered_base" ] || goal "buffered/$1" ioband total '>=' 97
}
