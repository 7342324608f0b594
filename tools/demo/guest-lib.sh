# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the parts of the demo have in common in the guest.

# shellcheck disable=SC2034 # for those who source this
readonly share=/tmp/share mount_point=/tmp/demo

die() {
	echo "tools/demo/${0##*/}: $*" >&2
	exit 1
}

# null_device ATTRIBUTE=VALUE...: makes /dev/nullb0, 256 MiB, or what size= says, that keep what is
# written. No I/O scheduler, so dm-ioband's default io_limit (nr_requests) is what the device can hold.
null_device() {
	local dir=/sys/kernel/config/nullb/nullb0 attribute

	modprobe -q null_blk nr_devices=0 || true	# built in, as a rule
	mkdir "$dir"
	for attribute in memory_backed=1 size=256 "$@"; do
		echo "${attribute#*=}" > "$dir/${attribute%%=*}"
	done
	echo 1 > "$dir/power"
	echo none > /sys/block/nullb0/queue/scheduler
}

# ioband_device WORD...: /dev/mapper/ioband over /dev/nullb0; the words from the ioband device ID on
ioband_device() {
	dmsetup create --noudevsync ioband --table "0 $(blockdev --getsz /dev/nullb0) ioband /dev/nullb0 $*"
	dmsetup mknodes ioband	# no udev here to do it
}

# The first thing to look at: an older kernel is no reason for a puzzling error
require_target() {
	dmsetup targets | grep -q '^ioband ' && return
	touch "$share/no-target"
	exit 1
}

# For those who need a cgroup's bio.id
require_bio_cgroup() {
	[ ! -e /sys/fs/cgroup/bio.id ] || return 0
	touch "$share/no-bio-cgroup"
	exit 1
}
