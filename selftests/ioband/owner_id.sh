#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The file bio.id: every cgroup has it, everybody may read it, nobody may write to it, and no two cgroups have the same number.

# shellcheck source=owner.sh
. "${BASH_SOURCE[0]%/*}/owner.sh"

require setpriv

id_file() {
	echo "$(cgroup_path "$1")/bio.id"
}

# check_file NAME: one positive decimal number and a newline
check_file() {
	expect_match "$(id_file "$1")" '[1-9][0-9]*' "$(< "$(id_file "$1")")"
	expect_eq "lines of $(id_file "$1")" 1 "$(wc -l < "$(id_file "$1")")"
	expect_le "$(id_file "$1")" "$(< "$(id_file "$1")")" $(((1 << 29) - 1))
	expect_eq "mode of $(id_file "$1")" 444 "$(stat -c %a "$(id_file "$1")")"
}

everywhere() {
	cgroup_make a a/inner a/inner/most b
	expect_eq "ID of the root" 1 "$(< "$(id_file root)")"
	check_file root
	check_file a
	check_file a/inner
	check_file a/inner/most
	check_file b
}

test_every_cgroup_of_v2_has_one() {
	everywhere
}

test_every_cgroup_of_v1_has_one() {
	cgroups_v1 || return
	everywhere
}

# Nothing is there to be enabled: it is implicit
test_not_among_the_controllers_of_v2() {
	names_word "$(< "$v2_root/cgroup.controllers")" bio && fail "cgroup.controllers lists bio: $(< "$v2_root/cgroup.controllers")"
	grep -q '^bio[[:space:]].*[[:space:]]1$' /proc/cgroups || fail "/proc/cgroups has no enabled bio
$(cat /proc/cgroups)"
}

test_unique() {
	local i name ids

	for ((i = 0; i < 100; i++)); do
		name=n$i
		cgroup_make "$name"
		ids+="$(cgroup_id "$name")"$'\n'
		# Every other one goes again at once; its number may come again only much later
		[ $((i % 2)) = 0 ] || cgroup_remove "$name"
	done
	ids+=$(cgroup_id root)
	expect_eq "numbers that occur twice" "" "$(sort <<< "$ids" | uniq -d)"
}

test_stays_the_same() {
	local before

	cgroup_make a a/inner b
	before=$(cgroup_id a)
	as a true
	start_as a sleep 600
	move "$started" b
	move "$started" a
	cgroup_remove a/inner
	expect_eq "ID after tasks came and went" "$before" "$(< "$(id_file a)")"
}

test_anybody_may_read() {
	local name

	cgroup_make a
	for name in root a; do
		expect_eq "read by user 1000 ($name)" "$(cgroup_id $name)" "$(as root setpriv --reuid 1000 --regid 1000 --clear-groups cat "$(id_file $name)")"
	done
}

# refused ERRNO-WORDS FILE PREFIX...: a write by a command with this prefix
refused() {
	local words=$1 file=$2

	shift 2
	fails_with "a write to $file by '$*'" "$words" "$@" dd of="$file" conv=nocreat,notrunc status=none <<< 5
}

test_nobody_may_write() {
	local name

	cgroup_make a
	for name in root a; do
		# Root passes over the mode, and meets a file that takes nothing
		refused "Invalid argument" "$(id_file $name)" env
		refused "Permission denied" "$(id_file $name)" setpriv --reuid 1000 --regid 1000 --clear-groups
		expect_eq "ID of $name" "$(cgroup_id $name)" "$(< "$(id_file $name)")"
	done
}

# The owner of a delegated cgroup, who may write to its other files
test_its_user_may_not_write() {
	cgroup_make a
	must chown -R 1000:1000 "$(cgroup_path a)"
	refused "Permission denied" "$(id_file a)" setpriv --reuid 1000 --regid 1000 --clear-groups
	expect_eq "ID of a" "$(cgroup_id a)" "$(< "$(id_file a)")"
}

# Up to the last ID, which others may have; no more than a thousand have to be made. Nobody else can make a cgroup meanwhile
test_when_none_is_left() {
	local last i

	cgroup_make full
	last=$(($(cgroup_id full) + 20))
	[ "$last" -lt 1000 ] || last=1000
	last_id "$last"
	for ((i = 0; i < last; i++)); do
		mkdir "$(cgroup_path full)/n$i" 2> /dev/null || break
	done
	expect_ge "cgroups made before that" "$i" 1
	expect_eq "cgroups with larger IDs" 0 "$(find "$(cgroup_path full)" -mindepth 2 -name bio.id -exec cat {} + | awk -v last="$last" '$1 > last' | wc -l)"
	fails_with "a cgroup when no ID is left" "No space left on device" mkdir "$(cgroup_path full)/none"
	[ ! -e "$(cgroup_path full)/none" ] || fail "a cgroup without an ID is there"
	set_last_id $((last + 1000))
	cgroup_make full/again
	find "$(cgroup_path full)" -mindepth 1 -name 'n*' -type d -exec rmdir {} +
}

# refused_last_id WORDS VALUE...
refused_last_id() {
	local words=$1 value

	shift
	for value; do
		fails_with "a last ID of $value" "$words" dd of="$max_id" conv=nocreat,notrunc status=none <<< "$value"
		expect_eq "the last ID after $value" $(((1 << 29) - 1)) "$(< "$max_id")"
	done
}

test_last_ids_that_are_refused() {
	refused_last_id "Invalid argument" 0 1 $((1 << 29)) -1 many
	refused_last_id "Numerical result out of range" $((1 << 32))
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
