#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl knows groups by the names that people have for them: what ID each becomes, and what an ID is called in the status.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require setfattr
nullb disk size=64

[ -r "$cgroup_v2/bio.id" ] || skip_program "no controller bio on cgroup2 (CONFIG_CGROUP_BIO)"

# expect_groups WANT: the groups of ioband1 in its table
expect_groups() {
	expect_eq "groups" "$1" "$(table ioband1 | sed 's/.* :100 \?//')"
}

# name_of ID: as the status has it
name_of() {
	ctl status ioband1 | awk -v id="$1" '$2 == id { print $1 }'
}

test_users() {
	ctl_create ioband1 /dev/disk --type user root:1 daemon:2 4000000000:3 || return
	expect_groups "0:1 1:2 4000000000:3"
	expect_eq "name" daemon "$(name_of 1)"
	expect_eq "name of nobody's ID" - "$(name_of 4000000000)"
	expect_eq "name of the default group" default "$(name_of -1)"
}

test_groups_of_users() {
	ctl_create ioband1 /dev/disk --type gid root:1 tty:2 || return
	expect_groups "0:1 $(getent group tty | cut -d : -f 3):2"
	expect_eq "name" tty "$(name_of "$(getent group tty | cut -d : -f 3)")"
}

test_processes() {
	local process

	sleep 100 &
	process=$!
	wait_until 30 grep -qx sleep "/proc/$process/comm"
	ctl_create ioband1 /dev/disk --type pid "$process:7" || return
	expect_groups "$process:7"
	expect_eq "name" "sleep[$process]" "$(name_of "$process")"
	kill "$process"
	wait "$process" 2> /dev/null
	expect_eq "name after its end" "(gone)" "$(name_of "$process")"
	must ctl detach ioband1 "$process"
	expect_groups ""
}

test_process_groups() {
	local process leader

	setsid sh -c 'echo $$; sleep 100 & echo $!; wait' > "$scratch/pids" &
	wait_until 10 has_lines "$scratch/pids" 2
	{ read -r leader; read -r process; } < "$scratch/pids"
	ctl_create ioband1 /dev/disk --type pgrp "$process:7" || return
	expect_groups "$leader:7"
	kill "$process" "$leader"
}

has_lines() {
	[ "$(wc -l < "$1")" -ge "$2" ]
}

# What a process is in, by @PID
test_what_a_process_is_in() {
	local process type want

	cgroup_mkdir /ctl-of-a-process
	as_user 1000 sleep 100 &
	process=$!
	echo "$process" > "$cgroup_v2/ctl-of-a-process/cgroup.procs"
	wait_until 10 user_is "$process" 1000
	for type in user pid pgrp cgroup; do
		case $type in
		user) want=1000 ;;
		pid) want=$process ;;
		pgrp) want=$(awk '{ print $5 }' "/proc/$process/stat") ;;
		cgroup) want=$(< "$cgroup_v2/ctl-of-a-process/bio.id") ;;
		esac
		ctl_create ioband1 /dev/disk --type "$type" "@$process:7" || return
		expect_groups "$want:7"
		ctl_remove ioband1
	done
	kill "$process"
}

# After it was there, before its group is known
test_a_process_that_ends_meanwhile() {
	local code=0

	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	sleep 100 &
	NO_PROCESS=1 LD_PRELOAD=$fail_library ctl create ioband1 /dev/disk --type pgrp "@$!:7" 2> "$scratch/err" || code=$?
	[ "$code" != 0 ] || on_end dm_remove ioband1
	expect_eq "exit status" 2 "$code"
	expect_eq "error" "iobandctl create: group '@$!': there is no process $!" "$(< "$scratch/err")"
	kill $!
}

user_is() {
	grep -q "^Uid:[[:space:]]$2[[:space:]]" "/proc/$1/status"
}

# Who chooses them may be anybody; what root's terminal or a reader of JSON gets must be characters
test_names_that_are_no_text() {
	local process name

	name=$(printf 'ctl-\033[31m\377\302\233\303\251')
	cgroup_mkdir "/$name"
	ctl_create ioband1 /dev/disk --type cgroup "$cgroup_v2/$name" || return
	expect_eq "name" "$(printf '/ctl-?[31m???\303\251')" "$(name_of "$(< "$cgroup_v2/$name/bio.id")")"
	expect_eq "name in JSON" "$(printf '/ctl-?[31m???\303\251')" "$(ctl status --json ioband1 | jq -r '.devices[0].groups[1].name')"
	ctl_remove ioband1
	cgroup_mkdir "/$name/same"
	cgroup_mkdir /ctl-a
	cgroup_mkdir /ctl-a/same
	! ctl create ioband1 /dev/disk --type cgroup same 2> "$scratch/err" || on_end dm_remove ioband1
	expect_eq "control characters in an error" "" "$(tr -d '\n[:print:]' < "$scratch/err" | tr -d '\303\251')"
	cp "$(command -v sleep)" "$scratch/$name"
	"$scratch/$name" 100 &
	process=$!
	wait_until 30 grep -q '^ctl' "/proc/$process/comm"
	ctl_create ioband1 /dev/disk --type pid "$process" || return
	expect_eq "name" "$(printf 'ctl-?[31m???\303\251[%s]' "$process")" "$(name_of "$process")"
	kill "$process"
}

test_cgroups_by_path() {
	local a b

	cgroup_mkdir /ctl-a
	cgroup_mkdir /ctl-a/b
	a=$(< "$cgroup_v2/ctl-a/bio.id")
	b=$(< "$cgroup_v2/ctl-a/b/bio.id")
	ctl_create ioband1 /dev/disk --type cgroup "$cgroup_v2/ctl-a:1" || return
	must ctl attach ioband1 /ctl-a/b:2 /:3
	expect_groups "$a:1 $b:2 1:3"
	expect_eq "name" /ctl-a "$(name_of "$a")"
	expect_eq "name" /ctl-a/b "$(name_of "$b")"
	expect_eq "name of the root" / "$(name_of 1)"
	must ctl detach ioband1 ctl-a/b
	expect_groups "$a:1 1:3"
	must ctl set ioband1 "weight=ctl-a:9"
	expect_groups "$a:9 1:3"
}

test_systemd_units() {
	local web backup

	cgroup_mkdir /ctl.slice
	cgroup_mkdir /ctl.slice/ctl-web.service
	cgroup_mkdir /ctl.slice/ctl-backup@1.service
	web=$(< "$cgroup_v2/ctl.slice/ctl-web.service/bio.id")
	backup=$(< "$cgroup_v2/ctl.slice/ctl-backup@1.service/bio.id")
	ctl_create ioband1 /dev/disk --type cgroup ctl-web:400 ctl-backup@1.service:100 ctl.slice:7 || return
	expect_groups "$web:400 $backup:100 $(< "$cgroup_v2/ctl.slice/bio.id"):7"
	expect_eq "name" /ctl.slice/ctl-web.service "$(name_of "$web")"
	must ctl detach ioband1 ctl-web.service
}

test_a_removed_cgroup() {
	local id

	cgroup_mkdir /ctl-a
	id=$(< "$cgroup_v2/ctl-a/bio.id")
	ctl_create ioband1 /dev/disk --type cgroup ctl-a || return
	cgroup_rmdir /ctl-a
	expect_eq "name" "(gone)" "$(name_of "$id")"
	expect_refused_ctl 2 "group 'ctl-a': there is no such cgroup in .*" detach ioband1 ctl-a
	must ctl detach ioband1 "$id"
	expect_groups ""
}

test_cgroups_on_v1() {
	local v1=$scratch/v1 id

	mkdir "$v1"
	must mount -t cgroup -o bio none "$v1" || return
	on_end leave_v1 "$v1"
	mkdir "$v1/ctl-old"
	id=$(< "$v1/ctl-old/bio.id")
	ctl_create ioband1 /dev/disk --type cgroup "$v1/ctl-old:5" || return
	expect_groups "$id:5"
	expect_eq "name" /ctl-old "$(name_of "$id")"
	must ctl set ioband1 weight=ctl-old:6
	expect_groups "$id:6"
}

leave_v1() {
	rmdir "$1/ctl-old"
	wait_until 30 only_the_root_is_left
	must umount "$1"
	wait_until 30 test -e "$cgroup_v2/bio.id"
}

# The kernel lets go of a hierarchy that is unmounted only if no removed cgroup is left in it
only_the_root_is_left() {
	awk '$1 == "bio" { exit $3 != 1 }' /proc/cgroups
}

# cpusets: /ctl-cpus has a cpuset of its own, and /ctl-cpus/none has not
cpusets() {
	if ! grep -qw cpuset "$cgroup_v2/cgroup.subtree_control"; then
		must write_file +cpuset "$cgroup_v2/cgroup.subtree_control" || return
		on_end must write_file -cpuset "$cgroup_v2/cgroup.subtree_control"
	fi
	cgroup_mkdir /ctl-cpus
	cgroup_mkdir /ctl-cpus/none
}

write_file() {
	echo "$1" > "$2"
}

test_cpusets() {
	local id

	cpusets || return
	id=$(stat -c %i "$cgroup_v2/ctl-cpus")
	ctl_create ioband1 /dev/disk --type cpuset ctl-cpus:5 /:6 || return
	expect_groups "$id:5 $(stat -c %i "$cgroup_v2"):6"
	expect_eq "name" /ctl-cpus "$(name_of "$id")"
	# What the kernel counts there
	(read_blocks ioband1 30 in_cgroup "$cgroup_v2/ctl-cpus")
	expect_group ioband1 "$id" 30 0
}

# Nothing would ever be counted as that of a cgroup without one; the kernel has its processes in the one above
test_a_cgroup_without_a_cpuset() {
	local id process

	cpusets || return
	id=$(stat -c %i "$cgroup_v2/ctl-cpus")
	expect_refused_ctl 1 "group 'ctl-cpus/none': $cgroup_v2/ctl-cpus/none has no cpuset of its own, .*: its parent needs \\+cpuset in .*" \
		create x /dev/disk --type cpuset ctl-cpus/none
	sleep 100 &
	process=$!
	echo "$process" > "$cgroup_v2/ctl-cpus/none/cgroup.procs"
	ctl_create ioband1 /dev/disk --type cpuset "@$process:5" || return
	kill "$process"
	wait "$process" 2> /dev/null
	expect_groups "$id:5"
	(read_blocks ioband1 30 in_cgroup "$cgroup_v2/ctl-cpus/none")
	expect_group ioband1 "$id" 30 0
}

test_numa_nodes() {
	ctl_create ioband1 /dev/disk --type node node0:5 || return
	expect_groups "0:5"
	expect_eq "name" node0 "$(name_of 0)"
}

# What users and containers call their cgroups is not what the system's are called
test_names_in_the_hands_of_others() {
	local unit

	cgroup_mkdir /ctl-user
	must chown 1000 "$cgroup_v2/ctl-user"
	cgroup_mkdir /ctl-user/ctl-db.service
	expect_refused_ctl 2 "group 'ctl-db': there is no such cgroup in .*; one of a user or a container needs its path" \
		create x /dev/disk --type cgroup ctl-db
	cgroup_mkdir /ctl-slice
	cgroup_mkdir /ctl-slice/ctl-db.service
	unit=$(< "$cgroup_v2/ctl-slice/ctl-db.service/bio.id")
	ctl_create ioband1 /dev/disk --type cgroup ctl-db:5 /ctl-user/ctl-db.service:6 ctl-user:7 || return
	expect_match "groups" ".* :100 $unit:5 [0-9]+:6 [0-9]+:7" "$(table ioband1)"
	expect_eq "name" /ctl-user/ctl-db.service "$(name_of "$(< "$cgroup_v2/ctl-user/ctl-db.service/bio.id")")"
}

# As systemd marks what it has given away
test_names_that_are_delegated() {
	cgroup_mkdir /ctl-user
	cgroup_mkdir /ctl-user/ctl-db.service
	must setfattr -n trusted.delegate -v 1 "$cgroup_v2/ctl-user" || return
	expect_refused_ctl 2 "group 'ctl-db': there is no such cgroup in .*" create x /dev/disk --type cgroup ctl-db
}

# The root's directory is called cgroup, or whatever it is mounted on
test_a_name_that_the_root_has() {
	expect_refused_ctl 2 "group '${cgroup_v2##*/}': there is no such cgroup in .*" create x /dev/disk --type cgroup "${cgroup_v2##*/}"
}

test_groups_that_are_none() {
	local type

	cgroup_mkdir /ctl-a
	cgroup_mkdir /ctl-a/same
	cgroup_mkdir /ctl-same
	cgroup_mkdir /ctl-same/same
	for type in user uid gid pid pgrp cgroup cpuset node; do
		expect_refused_ctl 2 "group 'no-such'(:| ).*" create x /dev/disk --type "$type" no-such
	done
	expect_refused_ctl 2 "group 'root': type none has no groups; another type has, .*" create x /dev/disk root:5
	expect_refused_ctl 2 "group '@4194305': there is no process 4194305" create x /dev/disk --type user @4194305
	expect_refused_ctl 2 "group '4294967295' is not a uid: 0 to 4294967294" create x /dev/disk --type user 4294967295
	expect_refused_ctl 2 "group '@me': 'me' is not the number of a process" create x /dev/disk --type user @me
	expect_refused_ctl 2 "group 'same' is the name of several cgroups, .*/same and .*/same among them: give a path" \
		create x /dev/disk --type cgroup same
	expect_refused_ctl 2 "group '/ctl-a/none': there is no such cgroup in .*" create x /dev/disk --type cgroup /ctl-a/none
	expect_refused_ctl 2 "group 'node99': this machine has no NUMA node 99" create x /dev/disk --type node node99
	expect_refused_ctl 2 "groups 'root:1' and '0:2' are the same, ID 0: name it once" create x /dev/disk --type user root:1 0:2
	expect_refused_ctl 2 "weight '0' of group 'root' is not a number from 1 to 32767" create x /dev/disk --type user root:0
	expect_refused_ctl 2 "weight 'many' of group 'root' is not a number from 1 to 32767" create x /dev/disk --type user root:many
	expect_refused_ctl 2 "':5' names no group: GROUP or GROUP:WEIGHT" create x /dev/disk --type user :5
}

run_tests test_users test_groups_of_users test_processes test_process_groups test_what_a_process_is_in test_a_process_that_ends_meanwhile \
	test_names_that_are_no_text test_cgroups_by_path test_systemd_units test_a_removed_cgroup test_cgroups_on_v1 test_cpusets \
	test_a_cgroup_without_a_cpuset test_numa_nodes test_names_in_the_hands_of_others test_names_that_are_delegated \
	test_a_name_that_the_root_has test_groups_that_are_none
