#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl with udev, as users have it: every command ends and leaves no cookie, nodes and links are right, and the device that insert hides is
# never taken for the file system on it. The other programs run without udev.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require udevadm mkfs.ext4 blkid lvm wipefs

# Of the machine itself, or one of our own
start_udevd() {
	local udevd=/lib/systemd/systemd-udevd

	! udevadm control --ping --timeout=60 2> /dev/null || return 0
	[ -x "$udevd" ] || skip_program "udev does not run, and there is no $udevd"
	must "$udevd" --daemon || bail "$udevd does not start"
	on_end must udevadm control --exit
	must udevadm control --ping --timeout=60 || bail "$udevd does not answer"
	must udevadm trigger --subsystem-match=block
	must udevadm settle --timeout=120
}

nullb disk1 size=64 memory_backed=1
start_udevd
must mkfs.ext4 -q -F /dev/disk1
uuid=$(blkid -p -s UUID -o value /dev/disk1)
[ -n "$uuid" ] || bail "no file system on /dev/disk1"
by_uuid=/dev/disk/by-uuid/$uuid
nodes_before=$(ls /dev/mapper)

# ctl_ends WORD...: iobandctl does it, and all that it asks of udev is done. A cookie that nobody completes would keep it waiting for ever.
ctl_ends() {
	must timeout 60 "$iobandctl" "$@" || return
	expect_no_cookie "$@"
}

expect_no_cookie() {
	expect_eq "udev cookies after '$*'" "" "$(dmsetup udevcookies | grep '^0x')"
}

# Without the events that are under way
settled() {
	must udevadm settle --timeout=120
}

# expect_visible NAME: udev has made its node and the link to its file system
expect_visible() {
	local node

	node=dm-$(dmsetup info -c --noheadings -o minor "$1")
	expect_eq "/dev/mapper/$1" "../$node" "$(readlink "/dev/mapper/$1")"
	expect_eq "$by_uuid" "../../$node" "$(readlink "$by_uuid")"
}

expect_nothing_left() {
	settled
	expect_eq "in /dev/mapper" "$nodes_before" "$(ls /dev/mapper)"
	[ ! -L "$by_uuid" ] || fail "$by_uuid is left: $(readlink "$by_uuid")"
}

# As LVM and cryptsetup do; test_logical_volume has LVM itself
volume() {
	must dmsetup create lv --table "0 $(sectors /dev/disk1) linear /dev/disk1 0" || return
	on_end must dmsetup remove --retry lv
	expect_visible lv
}

volume_goes() {
	not_on_end must dmsetup remove --retry lv
	must dmsetup remove --retry lv
	expect_nothing_left
}

# watch_udev: its events from now on, until expect_hidden
watch_udev() {
	: > "$scratch/events"
	udevadm monitor --udev --property --subsystem-match=block > "$scratch/events" &
	wait_until 30 grep -q '^UDEV - ' "$scratch/events"
}

hidden_events() {
	awk -v RS= '/\nDM_NAME=lv-ioband-real\n/' "$scratch/events"
}

has_hidden_event() {
	hidden_events | grep "^ACTION=$1\$" > /dev/null
}

# In no event has udev looked into the hidden device or linked it by what is in it
expect_hidden() {
	wait_until 30 has_hidden_event remove
	expect_eq "links to the hidden device" "DEVLINKS=/dev/mapper/lv-ioband-real" "$(hidden_events | grep '^DEVLINKS=' | sort -u)"
	expect_eq "what udev has seen in the hidden device" "" "$(hidden_events | grep '^ID_FS_')"
}

test_create_and_remove() {
	ctl_ends create home /dev/disk1 || return
	expect_visible home
	ctl_ends remove home
	expect_nothing_left
}

test_insert_and_eject() {
	volume || return
	mkdir "$scratch/mnt"
	must mount /dev/mapper/lv "$scratch/mnt" || return
	on_end must umount "$scratch/mnt"
	watch_udev
	ctl_ends insert lv || return
	expect_visible lv
	expect_eq "/dev/mapper/lv-ioband-real" "../dm-$(dmsetup info -c --noheadings -o minor lv-ioband-real)" \
		"$(readlink /dev/mapper/lv-ioband-real)"
	# As whoever plugs in a disk, or installs a package with rules
	must udevadm trigger --subsystem-match=block
	settled
	expect_visible lv
	ctl_ends eject lv
	expect_visible lv
	expect_hidden
	settled
	[ ! -e /dev/mapper/lv-ioband-real ] || fail "/dev/mapper/lv-ioband-real is left"
	not_on_end must umount "$scratch/mnt"
	must umount "$scratch/mnt"
	volume_goes
}

test_start_and_stop() {
	volume || return
	echo "data $by_uuid insert" > "$scratch/tab"
	ctl_ends start --tab "$scratch/tab" || return
	expect_match "table of lv" "0 [0-9]+ ioband .*" "$(table lv)"
	expect_visible lv
	ctl_ends stop --tab "$scratch/tab"
	expect_match "table of lv" "0 [0-9]+ linear .*" "$(table lv)"
	expect_visible lv
	volume_goes
}

# udev never hears of what was not done
test_steps_that_fail() {
	local command nth

	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	volume || return
	for command in insert eject; do
		for ((nth = 1; nth < 20; nth++)); do
			FAIL_CHANGE=$nth LD_PRELOAD=$fail_library timeout 60 "$iobandctl" "$command" lv 2> "$scratch/err"
			case $? in
			0) break ;;
			1) ;;
			*) fail "$command with failure $nth ends with status $?: $(< "$scratch/err")" ;;
			esac
			expect_no_cookie "$command" with failure "$nth"
			expect_visible lv
			# The last step of eject: ioband is out, the hidden device is left
			! grep -q "has its own table again" "$scratch/err" || must ctl eject lv
			[ "$command" = insert ] || table lv | grep ioband > /dev/null || must ctl insert lv
		done
		diag "$command makes $((nth - 1)) changes"
		expect_ge "changes that $command makes" "$nth" 6
	done
	volume_goes
}

lvm_udev() {
	lvm "$@" --config 'devices { use_devicesfile = 0 types = [ "nullb", 16 ] filter = [ "a|/dev/disk1|", "r|.*|" ] } activation { udev_sync = 1 udev_rules = 1 verify_udev_operations = 0 } backup { backup = 0 archive = 0 } global { locking_type = 1 event_activation = 0 }'
}

# expect_volume ATTRIBUTES: LVM has it, and udev its links
expect_volume() {
	local node

	node=dm-$(dmsetup info -c --noheadings -o minor ctludev-data)
	expect_eq "/dev/ctludev/data" "../$node" "$(readlink /dev/ctludev/data)"
	expect_eq "/dev/mapper/ctludev-data" "../$node" "$(readlink /dev/mapper/ctludev-data)"
	expect_eq "what LVM says of it" "data ctludev $1" "$(lvm_udev lvs --noheadings -o lv_name,vg_name,lv_attr 2> /dev/null | xargs)"
}

# What LVM does not know it shows as X. When it loads a table of its own, ioband is out of it; eject and insert put it back
test_logical_volume() {
	must wipefs -qa /dev/disk1 && must lvm_udev vgcreate -qq -y -s 1m ctludev /dev/disk1 || return
	on_end must lvm_udev vgremove -qq -ff -y ctludev
	must lvm_udev lvcreate -qq -y -W n -Z n -L 16m -n data ctludev || return
	settled
	expect_volume -wi-a-----
	ctl_ends insert /dev/ctludev/data --type user 1000:400 || return
	must udevadm trigger --subsystem-match=block
	settled
	expect_volume -wi-XX--X-
	expect_match "table" "0 32768 ioband .*" "$(table ctludev-data)"
	must lvm_udev lvextend -qq -y -L 24m ctludev/data
	expect_no_cookie lvextend
	expect_match "table after lvextend" "0 49152 linear .*" "$(table ctludev-data)"
	ctl_ends eject /dev/ctludev/data
	ctl_ends insert /dev/ctludev/data --type user 1000:400
	settled
	expect_volume -wi-XX--X-
	expect_match "table" "0 49152 ioband .*" "$(table ctludev-data)"
	ctl_ends eject /dev/ctludev/data
	must lvm_udev lvchange -qq -an ctludev/data
	settled
	expect_eq "in /dev/mapper" "$nodes_before" "$(ls /dev/mapper)"
}

run_tests test_create_and_remove test_insert_and_eject test_start_and_stop test_steps_that_fail test_logical_volume
