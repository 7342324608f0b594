#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl list --json and status --json, as jq sees them: documented fields, numbers as numbers.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require jq

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64

# expect_json WHAT WANT FILTER COMMAND...: what jq's FILTER makes of the command's output
expect_json() {
	local what=$1 want=$2 filter=$3 got

	shift 3
	got=$(ctl "$@" | jq -c "$filter" 2>&1)
	expect_eq "$what" "$want" "$got"
}

test_no_devices() {
	expect_json "list" '{"devices":[]}' . list --json
	expect_json "status" '{"devices":[]}' . status --json
}

test_list() {
	ctl_create ioband1 /dev/disk1 --id share1 --type user --weight 50 --io-limit 32 --token 99 0:400 5:1 || return
	ctl_create ioband2 /dev/disk2 || return
	expect_json "names" '["ioband1","ioband2"]' '[.devices[].name]' list --json
	expect_json "fields" '["device","device_number","id","inserted","io_limit","io_throttle","major","minor","name","nr_groups","open_count","policy","sectors","suspended","token","type","weight"]' \
		'.devices[0] | keys' list --json
	expect_json "strings" '["/dev/disk1","'"$(device_number /dev/disk1)"'","share1","user","weight"]' \
		'.devices[0] | [.device, .device_number, .id, .type, .policy]' list --json
	expect_json "numbers" '[4,32,99,50,2,131072,0]' '.devices[0] | [.io_throttle, .io_limit, .token, .weight, .nr_groups, .sectors, .open_count]' list --json
	expect_json "truths" '[false,false]' '.devices[0] | [.inserted, .suspended]' list --json
	expect_json "number of the device" "\"$(device_number /dev/mapper/ioband1)\"" '.devices[0] | "\(.major):\(.minor)"' list --json
}

test_status() {
	ctl_create ioband1 /dev/disk1 --type user --weight 50 0:400 4000000000:1 || return
	direct_reads /dev/mapper/ioband1 5
	direct_writes /dev/mapper/ioband1 3
	expect_json "groups" '[[-1,"default",50],[0,"root",400],[4000000000,null,1]]' '[.devices[0].groups[] | [.id, .name, .weight]]' status --json
	expect_json "fields" '["id","name","reads","reads_held","sectors_read","sectors_written","weight","writes","writes_held"]' \
		'.devices[0].groups[0] | keys' status --json ioband1
	expect_json "counts" '[5,0,40,3,0,24]' '.devices[0].groups[1] | [.reads, .reads_held, .sectors_read, .writes, .writes_held, .sectors_written]' \
		status --json ioband1
	expect_json "all but groups is as in the list" true \
		"[.devices[] | del(.groups)] == $(ctl list --json | jq -c .devices)" status --json
}

test_status_of_one_device() {
	ctl_create ioband1 /dev/disk1 || return
	ctl_create ioband2 /dev/disk2 || return
	expect_json "names" '["ioband2"]' '[.devices[].name]' status --json ioband2
}

test_suspended_and_open() {
	ctl_create ioband1 /dev/disk1 || return
	exec 9< /dev/mapper/ioband1
	expect_json "open" 1 '.devices[0].open_count' list --json
	exec 9<&-
	dm_suspend ioband1
	expect_json "suspended" true '.devices[0].suspended' list --json
	dm_resume ioband1
}

test_a_thousand_groups() {
	local groups

	mapfile -t groups < <(seq -f '%.0f:7' 1 1000)
	ctl_create ioband1 /dev/disk1 --type user "${groups[@]}" || return
	expect_json "groups" '[1001,7000]' '.devices[0].groups | [length, ([.[] | select(.id >= 0) | .weight] | add)]' status --json
}

run_tests test_no_devices test_list test_status test_status_of_one_device test_suspended_and_open test_a_thousand_groups
