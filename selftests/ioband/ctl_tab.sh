#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl start and stop: what /etc/ioband.tab says.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require setfattr
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
	ctl_stop
	expect_eq "devices" "" "$(names)"
}

# start_waits NAME DEVICE SECONDS OPTION...: start in the background, until it waits for the device of that line
start_waits() {
	local line="iobandctl start: '$1' waits for device '$2', at most $3 s"

	shift 3
	"$iobandctl" start --tab "$scratch/tab" "$@" 2> "$scratch/err" &
	starting=$!
	wait_until 30 grep -qxF "$line" "$scratch/err"
}

start_ends() {
	wait_until 60 has_ended "$starting" || return
	wait "$starting" || fail "exit status $?: $(< "$scratch/err")"
}

test_a_device_that_comes_later() {
	on_end nullb_remove disk3
	tab "home /dev/disk3" "video /dev/disk2"
	start_waits home /dev/disk3 90 --wait
	expect_eq "devices" "" "$(names)"
	nullb disk3 size=64
	start_ends
	expect_eq "devices" "home video" "$(names)"
}

# LVM makes a device, then loads its table, then resumes it
test_a_volume_that_comes_in_steps() {
	must dmsetup create lv --notable --noudevsync --noudevrules || return
	on_end dm_remove lv
	tab "data /dev/mapper/lv insert,device-timeout=80"
	start_waits data /dev/mapper/lv 80 --wait=5
	must dmsetup load lv --table "0 $(sectors /dev/disk1) linear /dev/disk1 0"
	dm_resume lv
	start_ends
	expect_match "lv" "lv 4 [0-9]+ none weight [0-9]+ :100" "$(arguments lv)"
}

# expect_start STATUS LINES OPTION...: what start ends with and says
expect_start() {
	local want=$1 lines=$2 error code

	shift 2
	error=$(ctl start --tab "$scratch/tab" "$@" 2>&1)
	code=$?
	expect_eq "exit status" "$want" "$code"
	expect_eq "error" "$lines" "${error//iobandctl start: /}"
}

test_devices_that_never_come() {
	tab "home /dev/no-such device-timeout=1" "radio /dev/none device-timeout=1" "video /dev/disk2"
	# The second one does not begin to wait when the first one has given up
	expect_start 2 "'home' waits for device '/dev/no-such', at most 1 s
device '/dev/no-such' did not appear within 1 s
'home' failed
device '/dev/none' did not appear within 1 s
'radio' failed"
	expect_eq "devices" "video" "$(names)"
	ctl_stop
	tab "home /dev/no-such nofail"
	expect_start 0 "'home' waits for device '/dev/no-such', at most 1 s
'home' is not started: there is no device '/dev/no-such'" --wait=1
	tab "home /dev/no-such nofail,device-timeout=0"
	expect_start 0 "'home' is not started: there is no device '/dev/no-such'" --wait
}

test_wrong_times() {
	tab "home /dev/disk1 device-timeout=1min"
	expect_refused_ctl 2 "$scratch/tab:1: device-timeout '1min' is not a number of seconds from 0 to 86400" start --tab "$scratch/tab"
	tab "home /dev/disk1"
	expect_refused_ctl 2 "--wait '86401' is not a number of seconds from 0 to 86400" start --tab "$scratch/tab" --wait=86401
	expect_refused_ctl 2 "option '--wait' is unknown: see iobandctl help" stop --tab "$scratch/tab" --wait
}

# In a container's cgroup namespace the others' cgroups are not there, but they are not gone either
test_where_only_some_cgroups_are_seen() {
	local other

	[ -r "$cgroup_v2/bio.id" ] || bail "no controller bio on cgroup2"
	cgroup_mkdir /ctl-container
	must setfattr -n trusted.delegate -v 1 "$cgroup_v2/ctl-container" || return
	cgroup_mkdir /ctl-container/ctl-web.service
	cgroup_mkdir /ctl-other.service
	other=$(< "$cgroup_v2/ctl-other.service/bio.id")
	tab "home /dev/disk1 type=cgroup,skip-missing ctl-other.service:400 ctl-web.service:200"
	ctl_start
	expect_match "groups, as all see them" ".* :100 $other:400" "$(arguments home)"
	must in_container "exec '$iobandctl' start --tab '$scratch/tab'"
	expect_match "groups" ".* :100 $other:400 [0-9]*:200" "$(arguments home)"
}

# in_container COMMAND: with /ctl-container as the root of all cgroups
in_container() {
	sh -c "echo \$\$ > '$cgroup_v2/ctl-container/cgroup.procs'; exec unshare --cgroup --mount sh -c \"umount -l '$cgroup_v2'
		mount -t cgroup2 none '$cgroup_v2' && [ -d '$cgroup_v2/ctl-web.service' ] || exit 99
		$1\""
}

# A device of that name that is not the line's is left alone
test_a_name_that_another_device_has() {
	ctl_create home /dev/disk2 || return
	tab "home /dev/disk1 type=user root:400"
	not_on_end ctl_stop_all
	expect_refused_ctl 1 "'home' is over /dev/disk2, not over '/dev/disk1': .*
iobandctl start: 'home' failed" start --tab "$scratch/tab"
	expect_refused_ctl 1 "'home' is over /dev/disk2, not over '/dev/disk1': .*
iobandctl stop: 'home' failed" stop --tab "$scratch/tab"
	ctl_remove home
	dm_create home "0 $(sectors /dev/disk2) linear /dev/disk2 0" || return
	ctl_insert home || return
	expect_refused_ctl 1 "there is a device-mapper device 'home' already: choose another name
iobandctl start: 'home' failed" start --tab "$scratch/tab"
	must ctl stop --tab "$scratch/tab"
	expect_match "table" ".* ioband .*" "$(table home)"
	ctl_eject home
}

# Services that start together: none of them fails, and all have their weights in the end
test_several_at_once() {
	local i starters=()

	[ -r "$cgroup_v2/bio.id" ] || bail "no controller bio on cgroup2"
	dm_create volume "0 $(sectors /dev/disk1) linear /dev/disk1 0" || return
	tab "home /dev/mapper/volume insert,type=cgroup,skip-missing ctl-1.service:100 ctl-2.service:200 ctl-3.service:300 ctl-4.service:400"
	for i in 1 2 3 4; do
		cgroup_mkdir "/ctl-$i.service"
		"$iobandctl" start --tab "$scratch/tab" home 2>> "$scratch/starts" &
		starters+=("$!")
	done
	for i in "${starters[@]}"; do
		succeeds "$i"
	done
	for i in 1 2 3 4; do
		expect_match "groups" ".* $(< "$cgroup_v2/ctl-$i.service/bio.id"):${i}00( .*)?" "$(table volume)"
	done
	ctl_stop
}

# At boot one line must not keep the others from working
test_a_line_that_fails() {
	local error code

	tab "home /dev/disk1 weight=0" "video /dev/no-such" "radio /dev/disk2"
	error=$(ctl start --tab "$scratch/tab" 2>&1)
	code=$?
	expect_eq "exit status" 2 "$code"
	expect_match "error" "iobandctl start: $scratch/tab:1: weight '0' is not a number from 1 to 32767
iobandctl start: device '/dev/no-such': No such file or directory; 'lsblk -p' shows the devices there are
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
	ctl_stop
	cgroup_rmdir /ctl-web.service
}

# skip-missing is for what is not there, and not for what is wrong
test_wrong_groups_are_not_skipped() {
	local failed="
iobandctl start: 'home' failed"

	[ -r "$cgroup_v2/bio.id" ] || bail "no controller bio on cgroup2"
	cgroup_mkdir /ctl-a
	cgroup_mkdir /ctl-a/ctl-web.service
	tab "home /dev/disk1 type=cgroup,skip-missing ctl-none.service:4OO"
	expect_refused_ctl 2 "weight '4OO' of group 'ctl-none.service' is not a number from 1 to 32767$failed" start --tab "$scratch/tab"
	tab "home /dev/disk1 type=cgroup,skip-missing ctl-web.service"
	ctl_start
	# The same for a device that is there already
	tab "home /dev/disk1 type=cgroup,skip-missing ctl-none.service:0"
	expect_refused_ctl 2 "weight '0' of group 'ctl-none.service' is not a number from 1 to 32767$failed" start --tab "$scratch/tab"
	cgroup_mkdir /ctl-b
	cgroup_mkdir /ctl-b/ctl-web.service
	tab "home /dev/disk1 type=cgroup,skip-missing ctl-web.service"
	expect_refused_ctl 2 "group 'ctl-web.service' is the name of several cgroups, .*$failed" start --tab "$scratch/tab"
	ctl_stop
	expect_refused_ctl 2 "group 'ctl-web.service' is the name of several cgroups, .*$failed" start --tab "$scratch/tab"
	# What is not there is
	tab "home /dev/disk1 type=user,skip-missing no-such:7 root:8"
	expect_match "what start says" "iobandctl start: group 'no-such' is neither a user nor a uid
iobandctl start: left out group 'no-such:7'" "$(ctl start --tab "$scratch/tab" 2>&1)"
	expect_match "with one user" ".* :100 0:8" "$(arguments home)"
	ctl_stop
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

linear_lv() {
	echo "0 $(sectors /dev/disk1) linear /dev/disk1 0"
}

# lv_loses_its_layer: LVM loads a table of its own
lv_loses_its_layer() {
	dm_reload lv "$(linear_lv)"
	dmsetup info lv-ioband-real > /dev/null || fail "there is no lv-ioband-real"
}

expect_nothing_hidden() {
	! dmsetup info lv-ioband-real > /dev/null 2>&1 || fail "lv-ioband-real is left"
}

test_a_layer_that_was_lost() {
	dm_create lv "$(linear_lv)" || return
	tab "data /dev/mapper/lv insert"
	ctl_start
	lv_loses_its_layer
	expect_start 0 "'lv' had lost its ioband layer already; 'lv-ioband-real' is removed"
	expect_match "lv" "lv 4 [0-9]+ none weight [0-9]+ :100" "$(arguments lv)"
	lv_loses_its_layer
	exec 9< /dev/mapper/lv-ioband-real
	expect_start 1 "there is a device 'lv-ioband-real' already, left by an earlier insert: iobandctl eject lv
'data' failed"
	exec 9<&-
	ctl_stop
	expect_nothing_hidden
	expect_match "table of lv" "0 [0-9]+ linear .*" "$(table lv)"
}

# Without a table that works it may be that of an insert which is under way
test_a_hidden_device_of_somebody_else() {
	dm_create lv "$(linear_lv)" || return
	must dmsetup create lv-ioband-real --notable --uuid IOBAND-lv --noudevsync --noudevrules
	on_end dm_remove lv-ioband-real
	tab "data /dev/mapper/lv insert"
	expect_start 1 "there is a device 'lv-ioband-real' already, left by an earlier insert: iobandctl eject lv
'data' failed"
	ctl_stop
	must dmsetup info lv-ioband-real
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

run_tests test_start_and_stop test_names test_start_again_changes_nothing test_noauto_and_nofail test_a_device_that_comes_later \
	test_a_volume_that_comes_in_steps test_devices_that_never_come test_wrong_times test_a_line_that_fails test_a_name_that_another_device_has test_several_at_once \
	test_services_that_start_later test_where_only_some_cgroups_are_seen \
	test_wrong_groups_are_not_skipped test_insert test_a_layer_that_was_lost test_a_hidden_device_of_somebody_else test_stop_while_in_use test_no_file
