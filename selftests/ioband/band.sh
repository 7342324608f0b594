#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The target `band`: tables, messages and lines of dm-band 0.0.2.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

require fio setpriv

require_target band || bail "the kernel has target ioband but not target band"
nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64
# So slow that all requests of a job are there before the first one is done
slow_nullb slow completion_nsec=300000000

# band_table NAME DISK ID THROTTLE LIMIT LINE...: what `dmsetup table` prints
band_table_is() {
	local name=$1 disk=$2 want

	want="0 $(sectors "$disk") band $(device_number "$disk") devgrp=$3 io_throttle=$4 io_limit=$5"
	shift 5
	want+=$(printf '\n %s' "$@")
	# The dot keeps the line's end from being stripped
	expect_eq "dmsetup table $name" "$want"$'\n.' "$(table "$name"; echo .)"
}

# band_status_is NAME ID LINE...: what `dmsetup status` prints
band_status_is() {
	local name=$1 want

	want="0 $(sectors "/dev/mapper/$1") band devgrp=$2 # read-req delay sect write-req delay sect"
	shift 2
	want+=$(printf '\n %s' "$@")
	expect_eq "dmsetup status $name" "$want"$'\n.' "$(status "$name"; echo .)"
}

invalid() {
	expect_refused band1 "Invalid argument" "$@"
}

refused_table() {
	local word=$1

	shift
	expect_table_refused "Invalid argument" "$word" "$(whole_device band /dev/disk1 "$@")"
}

test_defaults() {
	band_create band1 /dev/disk1 1 || return
	band_table_is band1 /dev/disk1 1 4 128 "id=default type=none weight=100 token=2048"
}

test_io_throttle_and_io_limit() {
	band_create band1 /dev/disk1 group1 10 || return
	band_table_is band1 /dev/disk1 group1 10 128 "id=default type=none weight=100 token=2048"
	dm_remove band1
	band_create band1 /dev/disk1 group1 10 400 || return
	band_table_is band1 /dev/disk1 group1 10 400 "id=default type=none weight=100 token=2048"
	dm_remove band1
	band_create band1 /dev/disk1 group1 0 64 || return
	band_table_is band1 /dev/disk1 group1 4 64 "id=default type=none weight=100 token=2048"
	dm_remove band1
	band_create band1 /dev/disk1 group1 10 5 || return
	band_table_is band1 /dev/disk1 group1 10 10 "id=default type=none weight=100 token=2048"
}

test_groups() {
	band_create band1 /dev/disk1 1 || return
	must message band1 type user
	must message band1 attach 1000
	must message band1 attach 5
	must message band1 weight 5:300
	band_table_is band1 /dev/disk1 1 4 128 "id=default type=user weight=100 token=2048" \
		"id=1000 weight=100 token=2048" "id=5 weight=300 token=2048"
	must message band1 detach 1000
	band_table_is band1 /dev/disk1 1 4 128 "id=default type=user weight=100 token=2048" "id=5 weight=300 token=2048"
}

test_every_type() {
	local type

	band_create band1 /dev/disk1 1 || return
	for type in pgrp pid node cpuset user uid gid none; do
		must message band1 type $type
		band_table_is band1 /dev/disk1 1 4 128 "id=default type=$type weight=100 token=2048"
	done
}

test_token_is_that_of_the_device_group() {
	band_create band1 /dev/disk1 1 || return
	must message band1 type user
	must message band1 attach 5
	must message band1 token 5:4096
	band_table_is band1 /dev/disk1 1 4 128 "id=default type=user weight=100 token=4096" "id=5 weight=100 token=4096"
}

test_io_throttle_and_io_limit_messages() {
	band_create band1 /dev/disk1 1 || return
	must message band1 io_throttle 16
	band_table_is band1 /dev/disk1 1 16 128 "id=default type=none weight=100 token=2048"
	must message band1 io_limit 64
	expect_match "first line" ".* devgrp=1 io_throttle=16 io_limit=64" "$(table band1 | head -1)"
	invalid 65 io_throttle 65
	invalid 15 io_limit 15
}

test_policy() {
	band_create band1 /dev/disk1 1 || return
	must message band1 type user
	must message band1 attach 5
	must message band1 weight 5:300
	must message band1 policy weight-iosize
	expect_match "the group's line after a switch" " id=5 weight=100 token=[0-9]+" "$(table band1 | tail -1)"
	must message band1 policy weight
	invalid foo policy foo
}

test_debug_is_accepted_and_ignored() {
	local before

	band_create band1 /dev/disk1 1 || return
	before="$(table band1) $(status band1)"
	must message band1 debug 1
	must message band1 debug 0
	expect_eq "table and status" "$before" "$(table band1) $(status band1)"
	invalid debug debug
	invalid 2 debug 1 2
}

test_device_group_is_shared() {
	band_create band1 /dev/disk1 1 8 64 || return
	band_create band2 /dev/disk2 1 || return
	must message band2 io_throttle 16
	band_table_is band1 /dev/disk1 1 16 64 "id=default type=none weight=100 token=2048"
	band_table_is band2 /dev/disk2 1 16 64 "id=default type=none weight=100 token=2048"
	dm_remove band1
	band_table_is band2 /dev/disk2 1 16 64 "id=default type=none weight=100 token=2048"
}

test_status() {
	band_create band1 /dev/disk1 1 || return
	band_status_is band1 1 "default 0 0 0 0 0 0"
	must message band1 type user
	must message band1 attach 1000
	must message band1 attach 5
	band_status_is band1 1 "default 0 0 0 0 0 0" "1000 0 0 0 0 0 0" "5 0 0 0 0 0 0"
	direct_reads /dev/mapper/band1 10
	must setpriv --reuid 1000 --regid 1000 --clear-groups dd of=/dev/null bs=4k count=3 iflag=direct < /dev/mapper/band1
	band_status_is band1 1 "default 10 0 80 0 0 0" "1000 3 0 24 0 0 0" "5 0 0 0 0 0 0"
	must message band1 reset
	band_status_is band1 1 "default 0 0 0 0 0 0" "1000 0 0 0 0 0 0" "5 0 0 0 0 0 0"
}

test_status_of_held_requests() {
	band_create band1 /dev/slow 1 1 1 || return
	start_fio /dev/mapper/band1 --rw=read --iodepth=8 --iodepth_batch_submit=8 --number_ios=8
	succeeds "$fio_process"
	band_status_is band1 1 "default 8 7 64 0 0 0"
}

test_refused_tables() {
	local long=abcdefghijklmnopqrstuvwxyz012345 bad

	refused_table ""
	for bad in 32768 -1 four 4x; do
		refused_table "$bad" 1 "$bad"
		refused_table "$bad" 1 4 "$bad"
	done
	refused_table 9 1 4 64 9
	refused_table "$long" "$long"
	expect_table_refused "" /dev/no-such-disk "0 2048 band /dev/no-such-disk 1"
}

test_refused_groups() {
	band_create band1 /dev/disk1 1 || return
	invalid 5 attach 5
	must message band1 type user
	must message band1 attach 5
	invalid 0 attach 0
	invalid -1 attach -1
	invalid root attach root
	invalid attach attach
	expect_refused band1 "File exists" 5 attach 5
	expect_refused band1 "Device or resource busy" gid type gid
	invalid 7 detach 7
	invalid detach detach
}

test_refused_words() {
	band_create band1 /dev/disk1 1 || return
	must message band1 type user
	must message band1 attach 5
	invalid 0 weight 5:0
	invalid 32768 weight 5:32768
	invalid 7 weight 7:50
	invalid weight weight
	invalid -1 token 5:-1
	invalid 2147483648 token 5:2147483648
	invalid 7 token 7:50
	invalid token token
	invalid foo type foo
	invalid now reset now
	invalid frobnicate frobnicate
}

run_tests \
	test_defaults \
	test_io_throttle_and_io_limit \
	test_groups \
	test_every_type \
	test_token_is_that_of_the_device_group \
	test_io_throttle_and_io_limit_messages \
	test_policy \
	test_debug_is_accepted_and_ignored \
	test_device_group_is_shared \
	test_status \
	test_status_of_held_requests \
	test_refused_tables \
	test_refused_groups \
	test_refused_words
