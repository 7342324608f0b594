#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the README says of a disk of one's own, and what the guide begins with, from end to end: a logical volume with a mounted file system, on
# which a backup makes a database slow. Ioband goes under it, the two services get 4:1, that is seen, it is there again after a boot and after the
# services have started again, and ioband goes out. Nobody who uses the files notices. Each test begins where the one before it has ended.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require mkfs.ext4 fsck.ext4 lvm
[ -r "$cgroup_v2/bio.id" ] || skip_program "no controller bio on cgroup2 (CONFIG_CGROUP_BIO)"

volume=ctlvg-data
mount_point=$scratch/mnt
disk_depth=16

# As systemd has them
slice=/system.slice
database_cgroup=$slice/mariadb.service
backup_cgroup=$slice/backup.service

# What there was before anybody had heard of ioband
make_system() {
	# Slow enough for a busy machine to keep both services waiting for it
	load_nullb disk size=256 memory_backed=1 completion_nsec=40000000 hw_queue_depth=$disk_depth
	must lvm_ vgcreate -qq -y -s 1m ctlvg /dev/disk || bail "no volume group"
	on_end must lvm_ vgremove -qq -ff -y ctlvg
	must lvm_ lvcreate -qq -y -W n -Z n -L 128m -n data ctlvg || bail "no logical volume"
	must dmsetup mknodes
	[ -b /dev/ctlvg/data ] || bail "LVM made no /dev/ctlvg/data"
	must mkfs.ext4 -q -F /dev/ctlvg/data || bail "no file system"
	mkdir "$mount_point"
	must mount /dev/ctlvg/data "$mount_point" || bail "the file system cannot be mounted"
	on_end restore
	must dd if=/dev/urandom of="$mount_point/database" bs=1M count=8 oflag=direct
	must dd if=/dev/urandom of="$mount_point/backup" bs=1M count=8 oflag=direct
	checksum=$(sha256sum "$mount_point/database" "$mount_point/backup")
	[ -d "$cgroup_v2$slice" ] || cgroup_mkdir "$slice"
	services_start || bail "no cgroups for the services"
	on_end services_end
	original_table=$(table "$volume")
	[ -e /etc/ioband.tab ] || { : > /etc/ioband.tab; on_end rm /etc/ioband.tab; }
	tab_line > "$scratch/tab"
	must mount --bind "$scratch/tab" /etc/ioband.tab || bail "no /etc/ioband.tab"
	on_end must umount /etc/ioband.tab
}

services_start() {
	must mkdir "$cgroup_v2$database_cgroup" "$cgroup_v2$backup_cgroup" || return
	database_id=$(< "$cgroup_v2$database_cgroup/bio.id")
	backup_id=$(< "$cgroup_v2$backup_cgroup/bio.id")
}

services_end() {
	kill_jobs
	wait_until 10 rmdir_services 2> /dev/null
}

rmdir_services() {
	local cgroup

	for cgroup in "$database_cgroup" "$backup_cgroup"; do
		[ ! -d "$cgroup_v2$cgroup" ] || rmdir "$cgroup_v2$cgroup" || return
	done
}

# Also if a test failed half-way
restore() {
	umount "$mount_point"
	ctl eject "$volume" 2> /dev/null
}

# tab_line: the README's, for a disk that takes fewer requests at once
tab_line() {
	echo "data  /dev/ctlvg/data  insert,type=cgroup,io-limit=$disk_depth,skip-missing  mariadb.service:400 backup.service:100"
}

expect_on_ioband() {
	expect_match "table" "0 $(sectors /dev/ctlvg/data) ioband [0-9:]+ $volume 4 $disk_depth cgroup weight [0-9]+ :100${1:+ $1}" "$(table "$volume")"
}

expect_files() {
	mountpoint -q "$mount_point" || fail "$mount_point is not mounted any more"
	echo 3 > /proc/sys/vm/drop_caches
	expect_eq "contents of the files" "$checksum" "$(sha256sum "$mount_point/database" "$mount_point/backup")"
}

expect_own_table() {
	expect_eq "table" "$original_table" "$(table "$volume")"
	expect_eq "state" "Active Live" "$(dmsetup info -c --noheadings --separator ' ' -o suspended,tables_loaded "$volume")"
	! dmsetup info "$volume-ioband-real" > /dev/null 2>&1 || fail "$volume-ioband-real is left"
}

# service CGROUP FILE FIO-OPTION...: fio in the background, in that cgroup and on that file; $! is its process
service() {
	local cgroup=$1 file=$2

	shift 2
	in_cgroup "$cgroup_v2$cgroup" fio --name=service --thread --filename="$mount_point/$file" --ioengine=io_uring --direct=1 --bs=4k --iodepth=32 \
		"$@" > "$scratch/$file.out" 2>&1 &
	fio_log[$!]=$scratch/$file.out
}

reads_all_the_time() {
	service "$@" --rw=randread --size=8m --norandommap --time_based --runtime=600
}

# expect_in_top ID WANTED LEAST MOST: the line of that group. WANTED is one thing while the file system's journal is written, for the default
# group, and another while it is not.
expect_in_top() {
	local line wanted got

	line=$(awk -v id="$1" '$4 == id' "$scratch/top")
	diag "$line"
	read -r _ _ _ _ _ wanted got _ <<< "$line"
	expect_match "percent that group $1 should get" "$2" "$wanted"
	expect_ge "percent that group $1 got" "${got%.*}" "$3"
	expect_le "percent that group $1 got" "${got%.*}" "$4"
}

# Without the weights, each would have half of it
expect_4_to_1() {
	reads_all_the_time "$database_cgroup" database
	reads_all_the_time "$backup_cgroup" backup
	wait_for_load "$volume/$database_id" "$volume/$backup_id" || return
	must ctl top --batch -d 4 -n 1 "$volume" > /dev/null || return
	ctl top --batch -d 10 -n 1 "$volume" > "$scratch/top"
	expect_in_top "$database_id" "80.0|66.7" 72 88
	expect_in_top "$backup_id" "20.0|16.7" 12 28
	grep -q " $database_cgroup " "$scratch/top" || fail "$database_cgroup is not named: $(< "$scratch/top")"
}

test_ioband_goes_under_the_volume() {
	must ctl insert /dev/ctlvg/data --type cgroup --io-limit "$disk_depth" || return
	expect_on_ioband ""
	expect_eq "LVM sees the volume" "data ctlvg" "$(lvm_ lvs --noheadings -o lv_name,vg_name 2> /dev/null | xargs)"
	expect_files
}

test_services_get_weights() {
	must ctl attach "$volume" mariadb.service:400 backup.service:100 || return
	expect_on_ioband "$database_id:400 $backup_id:100"
}

test_top_shows_4_to_1() {
	expect_4_to_1
}

# The file system stays where it is; at boot, there are no services yet
test_shutdown_and_boot() {
	services_end
	must ctl stop || return
	expect_own_table
	expect_files
	must ctl start || return
	expect_on_ioband ""
	expect_files
}

# What their units have as ExecStartPre; by then they have their cgroups
test_services_start_again() {
	services_start || return
	must ctl start data || return
	expect_on_ioband "$database_id:400 $backup_id:100"
	expect_4_to_1
	services_end
	services_start || return
	must ctl start data || return
	expect_on_ioband "$database_id:400 $backup_id:100"
}

wrote_through_ioband() {
	[ "$(status_column "$volume" "$database_id" writes)" -ge 200 ]
}

test_eject_while_files_are_verified() {
	local writer

	service "$database_cgroup" new --rw=randwrite --size=8m --verify=crc32c --verify_fatal=1 --verify_state_save=0 --verify_backlog=256
	writer=$!
	wait_until 60 wrote_through_ioband || return
	must ctl eject /dev/ctlvg/data
	running "$writer" || fail "the writer had ended before ioband was out"
	expect_own_table
	expect_verified "$writer"
	expect_files
	must umount "$mount_point"
	must fsck.ext4 -fn /dev/ctlvg/data
	must mount /dev/ctlvg/data "$mount_point"
}

make_system
run_tests test_ioband_goes_under_the_volume test_services_get_weights test_top_shows_4_to_1 test_shutdown_and_boot test_services_start_again \
	test_eject_while_files_are_verified
