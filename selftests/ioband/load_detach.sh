#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Groups come and go, change their weight and their type under load: held bios of a group that goes are issued, none is lost or failed.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow memory_backed=1

attach_weight_detach_type() {
	must message ioband1 attach 1000 || return
	must message ioband1 weight 1000:1 || return
	# At weight 1 most of what it has, up to 32 requests, is held when it goes
	sleep 0.2
	held=$((held + $(status_column ioband1 1000 writes_delayed) + $(status_column ioband1 1000 reads_delayed)))
	must message ioband1 detach 1000 || return
	must message ioband1 type gid || return
	must message ioband1 type user
}

test_attach_weight_detach_type_under_verified_load() {
	local held=0

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 || return
	while_verified 3 attach_weight_detach_type || return
	diag "$held requests held in the group before it went"
	expect_ge "requests held in the group before it went" "$held" 20
}

# Held bios of a group that is detached must not wait for a share it has no more: all of them complete although the other load never ends
test_detach_issues_what_was_held() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :32767 1000:1 || return
	must message ioband1 carryover 1
	load ioband1 --iodepth=512
	wait_for_load ioband1/-1 || return
	start_load ioband1 --ioengine=libaio --rw=randread --bs=4k --iodepth=1000 --number_ios=1000 --size=64m -- as_user 1000
	local reader=$!
	wait_until 60 has_delayed 1000 1 || return
	sleep 0.5
	running "$reader" || fail "the group of weight 1 was served although another of weight 32767 has I/O pending"
	must message ioband1 detach 1000
	expect_verified "$reader"
}

has_delayed() {
	[ "$(status_column ioband1 "$1" reads_delayed)" -ge "$2" ]
}

run_tests test_attach_weight_detach_type_under_verified_load test_detach_issues_what_was_held
