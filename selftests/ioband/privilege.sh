#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What those who are not root may do to devices, groups and the files bio.*: ordinary users, the root user of a user namespace, one with no more
# than the capabilities that containers are given (so that of any container), and users to whom a part of the cgroup tree was delegated. What is tested here is what Documentation/threats.md promises.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require setpriv unshare

memory_nullb disk

# Who is not root. For each of them what is forbidden must be refused
as_1000=(setpriv --reuid 1000 --regid 1000 --clear-groups)
root_of_a_namespace=("${as_1000[@]}" unshare --user --map-root-user)
# Has all capabilities, in a namespace of its own only
root_below_root=(unshare --user --map-root-user)
# Is root, as in a container without a user namespace
container_root=(setpriv --inh-caps=-all
	'--bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+mknod,+net_bind_service,+net_raw,+setfcap,+setgid,+setpcap,+setuid,+sys_chroot')

# refused_to PREFIX...: every change of ioband1, and another device beside it
refused_to() {
	local table status

	table=$(table ioband1) status=$(status ioband1)
	fails_with "a message by '$*'" "Permission denied" "$@" dmsetup message ioband1 0 weight 1000:1
	fails_with "a removal by '$*'" "Permission denied" "$@" dmsetup remove --noudevsync ioband1
	fails_with "a suspend by '$*'" "Permission denied" "$@" dmsetup suspend --noudevsync ioband1
	fails_with "a table by '$*'" "Permission denied" "$@" dmsetup reload ioband1 --table "0 $(sectors /dev/disk) ioband /dev/disk other 0 0 none weight 0 :1"
	fails_with "another device by '$*'" "Permission denied" "$@" dmsetup create --noudevsync ioband2 \
		--table "0 $(sectors /dev/disk) ioband /dev/disk share1 0 0 none weight 0 :32767"
	expect_eq "table after '$*'" "$table" "$(table ioband1)"
	expect_eq "status after '$*'" "$status" "$(status ioband1)"
	[ ! -e /dev/mapper/ioband2 ] || fail "'$*' has made a device"
}

test_only_root_changes_devices() {
	ioband_create ioband1 /dev/disk share1 4 64 user weight 256 :100 1000:300 || return
	refused_to "${as_1000[@]}"
	refused_to "${root_of_a_namespace[@]}"
	refused_to "${container_root[@]}"
}

# The mode of a device node does not decide: somebody may have passed it on, to a container perhaps
test_the_control_node_alone_is_not_enough() {
	local mode

	ioband_create ioband1 /dev/disk share1 4 64 user weight 256 :100 1000:300 || return
	mode=$(stat -c %a /dev/mapper/control)
	must chmod 666 /dev/mapper/control || return
	on_end chmod "$mode" /dev/mapper/control
	refused_to "${as_1000[@]}"
	refused_to "${root_of_a_namespace[@]}"
	refused_to "${root_below_root[@]}"
}

# refuses_5 FILE ERRNO-WORDS PREFIX...: a write to it by a command with this prefix
refuses_5() {
	local file=$1 words=$2

	shift 2
	fails_with "a write to $file by '$*'" "$words" "$@" dd of="$file" conv=nocreat,notrunc status=none <<< 5
}

# Nor do those to whom the cgroup was given. Some may open the files all the same, as root may, and meet files that take nothing
test_nobody_writes_to_the_files_of_an_owner() {
	local file before

	cgroup_make a b
	as a dd if=/dev/zero of=/dev/disk bs=64k count=4 oflag=direct status=none
	must chown -R 1000:1000 "$(cgroup_path a)"
	for file in "$(cgroup_path a)"/bio.{id,stat} "$(cgroup_path b)"/bio.{id,stat}; do
		expect_eq "mode of $file" 444 "$(stat -c %a "$file")"
		before=$(< "$file")
		refuses_5 "$file" "Permission denied" "${as_1000[@]}"
		refuses_5 "$file" "Invalid argument" env
		refuses_5 "$file" "Invalid argument" "${container_root[@]}"
		expect_eq "$file" "$before" "$(< "$file")"
	done
	for file in bio.id bio.stat; do
		refuses_5 "$(cgroup_path a)/$file" "Invalid argument" "${root_of_a_namespace[@]}"
		refuses_5 "$(cgroup_path b)/$file" "Permission denied" "${root_of_a_namespace[@]}"
	done
}

# Users are those outside: whatever a namespace calls them
test_another_name_in_a_user_namespace_is_no_other_user() {
	ioband_create ioband1 /dev/disk share1 4 64 user weight 256 :100 0:100 1000:300 || return
	must chmod 666 /dev/mapper/ioband1 || return
	must "${root_of_a_namespace[@]}" dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=7 iflag=direct status=none
	expect_eq "reads of 1000" 7 "$(status_column ioband1 1000 reads)"
	expect_eq "reads of root" 0 "$(status_column ioband1 0 reads)"
	must "${root_below_root[@]}" dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=5 iflag=direct status=none
	expect_eq "reads of 1000" 7 "$(status_column ioband1 1000 reads)"
	expect_eq "reads of root" 5 "$(status_column ioband1 0 reads)"
}

# delegate NAME: the user 1000 may make cgroups below it, and move its tasks among these
delegate() {
	must chown 1000:1000 "$(cgroup_path "$1")" "$(cgroup_path "$1")/cgroup.procs" "$(cgroup_path "$1")/cgroup.subtree_control"
}

# A container's root makes cgroups of its own. They are nobody's group, so the default one: never another's
test_a_delegated_cgroup_leads_to_the_default_group_at_most() {
	cgroup_make a b
	owner_ioband ib /dev/disk a b || return
	delegate a
	as a "${as_1000[@]}" mkdir "$(cgroup_path a)/inner" || return
	on_end cgroup_remove a/inner
	must chmod 666 /dev/mapper/ib || return
	# shellcheck disable=SC2016 # for the other shell
	as a "${root_of_a_namespace[@]}" sh -c 'echo $$ > "$1/inner/cgroup.procs" && exec dd if=/dev/zero of=/dev/mapper/ib bs=64k count=16 oflag=direct status=none' \
		- "$(cgroup_path a)"
	expect_eq "bytes of the default group" $((1 << 20)) "$(charged ib others write)"
	expect_eq "bytes of a" 0 "$(charged ib a write)"
	expect_eq "bytes of b" 0 "$(charged ib b write)"
	# shellcheck disable=SC2016
	fails_with "entering a cgroup of somebody else" "Permission denied" \
		"${as_1000[@]}" sh -c 'echo $$ > "$1/cgroup.procs"' - "$(cgroup_path b)"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
