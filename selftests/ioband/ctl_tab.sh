#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl start and stop: what /etc/ioband.tab says.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64 memory_backed=1
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64

# tab LINE...: the file
tab() {
	printf '%s\n' "$@" > "$scratch/tab"
	on_end ctl_stop_all
}

ctl_start() {
	must ctl start --tab "$scratch/tab" "$@"
}

ctl_stop() {
	must ctl stop --tab "$scratch/tab" "$@"
}

ctl_stop_all() {
	ctl stop --tab "$scratch/tab" 2> /dev/null
}

names() {
	ctl list | awk 'NR > 1 { print $1 }' | paste -s -d ' '
}

test_start_and_stop() {
	tab "# name device options groups" \
		"home /dev/disk1 id=share1,type=user,weight=50,io-limit=32,io-throttle=8,token=99 root:400 daemon" \
		"video /dev/disk2"
	ctl_start
	expect_eq "devices" "home video" "$(names)"
	expect_eq "home" "share1 8 32 user weight 99 :50 0:400 1:100" "$(arguments home)"
	expect_eq "video" "video 4 64 none weight 256 :100" "$(arguments video)"
	ctl_stop
	expect_eq "devices" "" "$(names)"
}

test_names() {
	tab "home /dev/disk1" "video /dev/disk2"
	ctl_start video
	expect_eq "devices" "video" "$(names)"
	ctl_start
	expect_eq "devices" "home video" "$(names)"
	ctl_stop video
	expect_eq "devices" "home" "$(names)"
	expect_refused_ctl 2 "'radio' is not in .*tab" stop --tab "$scratch/tab" radio
}

test_start_again_changes_nothing() {
	local before

	tab "home /dev/disk1 type=user root:400"
	ctl_start
	must ctl set home weight=root:7
	before=$(all_tables)
	ctl_start
	expect_eq "tables" "$before" "$(all_tables)"
	ctl_stop
	ctl_stop
}

test_noauto_and_nofail() {
	tab "home /dev/disk1 noauto" "video /dev/no-such nofail" "radio /dev/disk2"
	must ctl start --tab "$scratch/tab"
	expect_eq "devices" "radio" "$(names)"
	ctl_start home
	expect_eq "devices" "home radio" "$(names)"
}

# At boot one line must not keep the others from working
test_a_line_that_fails() {
	local error code

	tab "home /dev/disk1 weight=0" "video /dev/no-such" "radio /dev/disk2"
	error=$(ctl start --tab "$scratch/tab" 2>&1)
	code=$?
	expect_eq "exit status" 2 "$code"
	expect_match "error" "iobandctl start: $scratch/tab:1: weight '0' is not a number from 1 to 32767
iobandctl start: device '/dev/no-such': No such file or directory
iobandctl start: 'video' failed" "$error"
	expect_eq "devices" "radio" "$(names)"
}

test_services_that_start_later() {
	local first second

	[ -r "$cgroup_v2/bio.id" ] || bail "no controller bio on cgroup2"
	tab "home /dev/disk1 type=cgroup,skip-missing ctl-web.service:400"
	ctl_start
	expect_match "without the service" ".* :100" "$(arguments home)"
	cgroup_mkdir /ctl-web.service
	first=$(< "$cgroup_v2/ctl-web.service/bio.id")
	ctl_start
	expect_match "with the service" ".* :100 $first:400" "$(arguments home)"
	cgroup_rmdir /ctl-web.service
	cgroup_mkdir /ctl-web.service
	second=$(< "$cgroup_v2/ctl-web.service/bio.id")
	ctl_start home
	expect_match "with the service's new cgroup" ".* :100 $second:400" "$(arguments home)"
}

test_insert() {
	dm_create lv "0 $(sectors /dev/disk1) linear /dev/disk1 0" || return
	tab "data /dev/mapper/lv insert,type=user,id=share1,carryover=1 root:400"
	ctl_start
	expect_match "lv" "share1 4 [0-9]+ user weight [0-9]+ :100 0:400" "$(arguments lv)"
	ctl_start
	expect_refused_ctl 5 "'lv' has its ioband layer from 'iobandctl insert': iobandctl eject lv" remove lv
	ctl_stop
	expect_eq "lv" "0 $(sectors /dev/disk1) linear $(device_number /dev/disk1) 0" "$(table lv)"
}

test_stop_while_in_use() {
	tab "home /dev/disk1" "video /dev/disk2"
	ctl_start
	exec 9< /dev/mapper/home
	ctl stop --tab "$scratch/tab" 2> "$scratch/err"
	expect_eq "exit status" 5 $?
	exec 9<&-
	expect_match "error" "iobandctl stop: 'home' is in use: .*" "$(head -1 "$scratch/err")"
	expect_eq "devices" "home" "$(names)"
}

test_no_file() {
	expect_refused_ctl 1 "cannot read '$scratch/no-tab': No such file or directory" start --tab "$scratch/no-tab"
}

run_tests test_start_and_stop test_names test_start_again_changes_nothing test_noauto_and_nofail test_a_line_that_fails \
	test_services_that_start_later test_insert test_stop_while_in_use test_no_file
