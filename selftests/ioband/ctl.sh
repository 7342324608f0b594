# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# iobandctl for the dm-ioband selftests: what load.sh has, and the command. It is found beside the tests, where tools/check puts it, in the
# repository's build/ (make iobandctl), or in PATH.
#
#	. "${BASH_SOURCE[0]%/*}/ctl.sh"
#	nullb disk
#	test_create() {
#		ctl_create ioband1 /dev/disk --type user 1000:400 || return
#		expect_refused_ctl 2 "group 'nosuch' is neither a user nor a uid" attach ioband1 nosuch
#	}
#	run_tests test_create
#
#   ctl WORD...                    iobandctl
#   ctl_create NAME DEVICE WORD...  must succeed; the device goes at the end of the test
#   ctl_remove NAME                before the end
#   ctl_insert DEVICE WORD...      must succeed; ejected at the end of the test
#   ctl_eject DEVICE               before the end
#   expect_refused_ctl STATUS REGEX WORD...  refused with this exit status and one sentence, of which REGEX is all behind "iobandctl COMMAND: ";
#                                  no device and no table has changed
#   all_tables                     of all device-mapper devices
#   lvm_ WORD...                   LVM, which sees only /dev/disk... and leaves nothing in /etc
#   cgroup_mkdir PATH              makes a cgroup on v2, PATH as from its root; it goes at the end of the test

. "${BASH_SOURCE[0]%/*}/load.sh"

find_iobandctl() {
	local directory

	for directory in "$ioband_dir" "$ioband_dir/../../build"; do
		if [ -x "$directory/iobandctl" ]; then
			echo "$directory/iobandctl"
			return
		fi
	done
	command -v iobandctl
}

iobandctl=$(find_iobandctl) || skip_program "iobandctl is not built: make iobandctl"
# shellcheck disable=SC2034 # for the programs
fail_library=${iobandctl%/*}/iobandctl-fail.so

ctl() {
	"$iobandctl" "$@"
}

ctl_create() {
	must ctl create "$@" || return
	on_end dm_remove "$1"
}

ctl_remove() {
	must ctl remove "$1" || return
	not_on_end dm_remove "$1"
}

ctl_insert() {
	must ctl insert "$@" || return
	on_end ctl_eject "$1"
}

ctl_eject() {
	not_on_end ctl_eject "$1"
	must ctl eject "$1"
}

all_tables() {
	dmsetup table --showkeys
	dmsetup info -c --noheadings -o name,suspended,tables_loaded,readonly
}

expect_refused_ctl() {
	local want=$1 regex=$2 before code error

	shift 2
	before=$(all_tables)
	error=$(ctl "$@" 2>&1)
	code=$?
	expect_eq "exit status of '$*'" "$want" "$code"
	expect_match "what '$*' says" "iobandctl $1: $regex" "$error"
	expect_eq "devices and tables after '$*'" "$before" "$(all_tables)"
}

lvm_() {
	lvm "$@" --config 'devices { use_devicesfile = 0 types = [ "nullb", 16 ] scan = "/dev" filter = [ "a|/dev/disk|", "r|.*|" ] } activation { udev_sync = 0 udev_rules = 0 verify_udev_operations = 1 } backup { backup = 0 archive = 0 } global { locking_type = 1 event_activation = 0 }'
}

cgroup_v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)

cgroup_mkdir() {
	mkdir "$cgroup_v2$1" || bail "cannot make the cgroup $cgroup_v2$1"
	on_end cgroup_rmdir "$1"
}

cgroup_rmdir() {
	not_on_end cgroup_rmdir "$1"
	wait_until 10 rmdir "$cgroup_v2$1" 2> /dev/null
}
