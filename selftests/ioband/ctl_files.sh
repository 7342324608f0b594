#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What make install installs beside iobandctl, where it is used: completion that is loaded into bash and knows the devices, the manual. Skipped where
# only the command is there, as in a kernel tree.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require mandoc

installed=$ioband_dir/iobandctl.installed
[ -d "$installed" ] || skip_program "iobandctl is not installed beside the tests"
completion=$installed/usr/share/bash-completion/completions/iobandctl

nullb disk size=64

# complete WORD...: what an interactive bash would offer for the last WORD
complete_words() {
	PATH=$installed/usr/sbin:$PATH bash --norc -c '
		[ ! -r /usr/share/bash-completion/bash_completion ] || . /usr/share/bash-completion/bash_completion
		. "$1"
		shift
		complete -p iobandctl > /dev/null || exit
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_iobandctl
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$completion" "$@" | sort | paste -s -d ' '
}

test_completion_of_devices() {
	expect_eq "no devices" "" "$(complete_words iobandctl remove "")"
	ctl_create ctl-one /dev/disk --type user root:5 || return
	expect_eq "devices" "ctl-one" "$(complete_words iobandctl remove "")"
	expect_eq "devices" "ctl-one" "$(complete_words iobandctl top ctl)"
	expect_eq "users" "root" "$(complete_words iobandctl attach ctl-one roo)"
	must ctl attach ctl-one 4000000000
	expect_eq "attached users" "4000000000 root" "$(complete_words iobandctl detach ctl-one "")"
	expect_eq "attached users" "root" "$(complete_words iobandctl set ctl-one weight = ro)"
}

test_completion_of_cgroups() {
	ctl_create ctl-one /dev/disk --type cgroup || return
	cgroup_mkdir /ctl-a-cgroup
	expect_eq "cgroups" "$cgroup_v2/ctl-a-cgroup" "$(complete_words iobandctl attach ctl-one "$cgroup_v2/ctl-a")"
}

test_manual() {
	local page

	for page in man8/iobandctl.8 man5/ioband.tab.5; do
		expect_eq "$page" "" "$(mandoc -T lint "$installed/usr/share/man/$page" 2>&1 |
			grep -v -e 'outdated mandoc.db' -e 'referenced manual not found')"
	done
}

test_command_as_installed() {
	must "$installed/usr/sbin/iobandctl" list
}

run_tests test_completion_of_devices test_completion_of_cgroups test_manual test_command_as_installed
