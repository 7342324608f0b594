#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl insert and eject: ioband under a device-mapper device that is in use, and out again. What is written meanwhile is what is read, and
# whatever step fails, the device has the table that it had before.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require mkfs.ext4 fsck.ext4 lvm

nullb disk size=128 memory_backed=1
nullb disk2 size=128 memory_backed=1
half=$(($(sectors /dev/disk) / 2))

# Two lines, as a logical volume that was extended
two_segments() {
	dm_create "$1" "0 $half linear /dev/disk2 2048
$half 4096 linear /dev/disk 0" > /dev/null
}

linear() {
	dm_create "$1" "0 $(sectors /dev/disk) linear /dev/disk 0"
}

# mounted NAME: with an ext4 on $scratch/mnt
mounted() {
	must mkfs.ext4 -q -F "/dev/mapper/$1" && mkdir -p "$scratch/mnt" && must mount "/dev/mapper/$1" "$scratch/mnt" && on_end unmount
}

unmount() {
	not_on_end unmount
	must umount "$scratch/mnt"
}

# verify_files: writes a file of the file system and checks it, over and over in the background, until verify_ends
verify_files() {
	rm -f "$scratch/stop"
	(
		while [ ! -e "$scratch/stop" ]; do
			fio --name=verify --directory="$scratch/mnt" --rw=randwrite --bs=4k --size=2m --ioengine=libaio --iodepth=8 --direct=1 \
				--verify=crc32c --verify_fatal=1 --verify_state_save=0 --loops=2 > "$scratch/fio.out" 2>&1 || exit
		done
	) &
	fio_process=$!
}

# What was written has been read back, and was right
verify_ends() {
	touch "$scratch/stop"
	succeeds "$fio_process"
}

expect_still_running() {
	kill -0 "$fio_process" 2> /dev/null || fail "fio has ended: $(tail -5 "$scratch/fio.out")"
}

# expect_untouched NAME TABLE: the device has that table, works, and nothing of ioband is left
expect_untouched() {
	expect_eq "table of $1" "$2" "$(dmsetup table --showkeys "$1")"
	expect_eq "state of $1" "Active Live" "$(dmsetup info -c --noheadings --separator ' ' -o suspended,tables_loaded "$1")"
	! dmsetup info "$1-ioband-real" > /dev/null 2>&1 || fail "$1-ioband-real is left"
}

test_under_a_mounted_file_system() {
	local before

	linear lv && mounted lv || return
	before=$(table lv)
	echo kept > "$scratch/mnt/kept"
	ctl_insert lv --type user --weight 50 0:400 || return
	expect_match "table" "0 $(sectors /dev/disk) ioband [0-9:]+ lv 4 [0-9]+ user weight [0-9]+ :50 0:400" "$(table lv)"
	expect_eq "table of the hidden device" "$before" "$(table lv-ioband-real)"
	expect_eq "inserted" true "$(ctl list --json | jq '.devices[0].inserted')"
	expect_eq "file" kept "$(< "$scratch/mnt/kept")"
	must dd if=/dev/zero of="$scratch/mnt/new" bs=4k count=100 oflag=direct
	expect_ge "writes" "$(status_column lv 0 writes)" 100
	ctl_eject lv
	expect_untouched lv "$before"
	expect_eq "size of the new file" 409600 "$(stat -c %s "$scratch/mnt/new")"
	unmount
	must fsck.ext4 -fn /dev/mapper/lv
}

test_while_files_are_verified() {
	local i before

	linear lv && mounted lv || return
	before=$(table lv)
	verify_files
	wait_until 60 wrote_something
	for i in 1 2 3 4 5; do
		must ctl insert /dev/mapper/lv --type user --io-limit 4 0:100 || break
		expect_still_running
		wait_until 60 went_through_ioband
		must ctl eject /dev/mapper/lv || break
		expect_still_running
		expect_untouched lv "$before"
	done
	verify_ends
	unmount
	must fsck.ext4 -fn /dev/mapper/lv
}

wrote_something() {
	[ "$(awk '{ print $7 }' "$(sysfs_directory /dev/mapper/lv)/stat")" -gt 2000 ]
}

went_through_ioband() {
	[ "$(status_column lv 0 writes)" -gt 50 ]
}

# Every change that insert and eject make to a device fails once; what was before is there again, and the job goes on
test_every_step_that_can_fail() {
	local before nth

	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	linear lv && mounted lv || return
	before=$(table lv)
	verify_files
	for ((nth = 1; nth < 20; nth++)); do
		! FAIL_CHANGE=$nth LD_PRELOAD=$fail_library ctl insert lv 2> "$scratch/err" || break
		expect_match "what insert says" "iobandctl insert: cannot .*: Input/output error.*" "$(head -1 "$scratch/err")"
		expect_untouched lv "$before"
	done
	diag "insert makes $((nth - 1)) changes"
	expect_ge "changes that insert makes" "$nth" 6
	before=$(all_tables)
	for ((nth = 1; nth < 20; nth++)); do
		! FAIL_CHANGE=$nth LD_PRELOAD=$fail_library ctl eject lv 2> "$scratch/err" || break
		expect_match "what eject says" "iobandctl eject: cannot .*: Input/output error.*" "$(head -1 "$scratch/err")"
		# The last one comes when ioband is out already
		if table lv | grep linear > /dev/null; then
			expect_match "what eject says" "iobandctl eject: 'lv' has its own table again, only 'lv-ioband-real' is left; .*" \
				"$(tail -1 "$scratch/err")"
			must ctl eject lv
			must ctl insert lv
		else
			expect_eq "all tables after failure $nth" "$before" "$(all_tables)"
		fi
	done
	diag "eject makes $((nth - 1)) changes"
	expect_ge "changes that eject makes" "$nth" 6
	expect_still_running
	verify_ends
	unmount
	must fsck.ext4 -fn /dev/mapper/lv
}

# From each allocation on that is made while the device is suspended there is no memory; then, too, what was before is there again
test_memory_that_is_short_on_the_way() {
	local before nth

	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	linear lv && mounted lv || return
	before=$(table lv)
	verify_files
	for ((nth = 1; nth < 500; nth++)); do
		! runs_short_of_memory "$nth" insert || break
		expect_untouched lv "$before"
		goes_on || break
	done
	diag "insert makes $((nth - 1)) allocations before the device works again"
	expect_ge "allocations that insert makes" "$nth" 10
	must ctl eject lv
	must ctl insert lv --type user 0:400
	before=$(all_tables)
	for ((nth = 1; nth < 500; nth++)); do
		! runs_short_of_memory "$nth" eject || break
		expect_eq "all tables after failure $nth" "$before" "$(all_tables)"
		goes_on || break
	done
	diag "eject makes $((nth - 1)) allocations before the device works again"
	expect_ge "allocations that eject makes" "$nth" 10
	! dmsetup info lv-ioband-real > /dev/null 2>&1 || must ctl eject lv
	expect_still_running
	verify_ends
	unmount
	must fsck.ext4 -fn /dev/mapper/lv
}

# The first failure is enough, and must not keep the file system waiting
goes_on() {
	[ "$test_failed" = 0 ] || { dm_resume lv; return 1; }
}

# runs_short_of_memory NTH COMMAND: of lv; fails if the command does
runs_short_of_memory() {
	local code=0

	FAIL_ALLOCATION=$1 LD_PRELOAD=$fail_library timeout 60 "$iobandctl" "$2" lv 2> "$scratch/err" || code=$?
	[ "$code" != 0 ] || return 0
	expect_eq "exit status of $2 with failure $1" 1 "$code"
	expect_match "what $2 says" "iobandctl $2: (out of memory|cannot .*|'lv' got another table meanwhile)" "$(head -1 "$scratch/err")"
	return 1
}

# Whoever loads another table while the device changes hands has it in the end, and nothing of ioband is left
test_a_table_that_somebody_else_loads_meanwhile() {
	local size nth other

	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	size=$(sectors /dev/disk)
	other="0 $size linear $(device_number /dev/disk2) 0"
	for nth in 4 5 6; do
		linear lv || return
		meddles "$nth" insert "$other"
		expect_untouched lv "$other"
		dm_remove lv
	done
	# Before the last step ioband is out
	for nth in 2 3 4; do
		linear lv || return
		must ctl insert lv
		meddles "$nth" eject "$other"
		expect_eq "table of lv" "$other" "$(table lv)"
		expect_eq "state of lv-ioband-real" "Active Live" "$(dmsetup info -c --noheadings --separator ' ' -o suspended,tables_loaded lv-ioband-real)"
		must ctl eject lv
		expect_untouched lv "$other"
		dm_remove lv
	done
}

# meddles NTH COMMAND TABLE: of lv, which gets another table before the NTH change
meddles() {
	local code=0

	MEDDLE_CHANGE=$1 MEDDLE="LD_PRELOAD= dmsetup load lv --table '$3'" LD_PRELOAD=$fail_library "$iobandctl" "$2" lv 2> "$scratch/err" || code=$?
	expect_eq "exit status of $2" 1 "$code"
	expect_match "what $2 says" "iobandctl $2: 'lv' got another table meanwhile.*" "$(< "$scratch/err")"
}

test_table_that_the_kernel_refuses() {
	local before

	linear lv || return
	before=$(table lv)
	expect_refused_ctl 1 "cannot load a table into 'lv': Invalid argument: 4000000000:100: no cgroup has that ID" insert lv --type cgroup 4000000000
	expect_untouched lv "$before"
}

test_a_volume_of_two_segments() {
	local before

	two_segments lv || return
	before=$(table lv)
	must dd if=/dev/urandom of=/dev/mapper/lv bs=64k count=32 oflag=direct
	ctl_insert lv || return
	expect_match "table" "0 $((half + 4096)) ioband .*" "$(table lv)"
	expect_eq "table of the hidden device" "$before" "$(table lv-ioband-real)"
	ctl_eject lv
	expect_untouched lv "$before"
}

test_read_only_volume() {
	must dmsetup create lv --readonly --noudevsync --noudevrules --table "0 $(sectors /dev/disk) linear /dev/disk 0" || return
	on_end dm_remove lv
	ctl_insert lv || return
	expect_eq "read-only" 1 "$(blockdev --getro /dev/mapper/lv)"
	expect_eq "read-only below" 1 "$(blockdev --getro /dev/mapper/lv-ioband-real)"
	ctl_eject lv
	expect_eq "read-only" 1 "$(blockdev --getro /dev/mapper/lv)"
}

# Its table has the key
test_crypt() {
	local before

	dm_create secret "0 $(sectors /dev/disk) crypt aes-xts-plain64 $(head -c 64 /dev/zero | od -v -An -tx1 | tr -d ' \n') 0 /dev/disk 0" || return
	mounted secret || return
	before=$(dmsetup table --showkeys secret)
	echo kept > "$scratch/mnt/kept"
	ctl_insert secret --type user 0:5 || return
	sync
	echo 3 > /proc/sys/vm/drop_caches
	expect_eq "file" kept "$(< "$scratch/mnt/kept")"
	ctl_eject secret
	expect_untouched secret "$before"
	unmount
	must fsck.ext4 -fn /dev/mapper/secret
}

# As LUKS2 has it: only the name of the key is in the table
test_crypt_with_a_key_in_a_keyring() {
	local before

	command -v keyctl > /dev/null || [ "$(uname -m)" = x86_64 ] || return 0
	must add_key cryptsetup:ctl-test || return
	dm_create secret "0 $(sectors /dev/disk) crypt aes-xts-plain64 :64:logon:cryptsetup:ctl-test 0 /dev/disk 0" || return
	before=$(all_tables)
	expect_refused_ctl 1 "'secret' has its key in a kernel keyring, .*: open it with cryptsetup open --disable-keyring, or insert .* below it" \
		insert secret
	expect_eq "all tables" "$before" "$(all_tables)"
	# On it there may be ioband
	dm_create lv "0 1000 linear /dev/mapper/secret 0" || return
	ctl_insert lv
}

# add_key DESCRIPTION: of 64 bytes, in root's keyring; 248 is add_key() on x86-64
add_key() {
	local description=$1

	if command -v keyctl > /dev/null; then
		head -c 64 /dev/urandom | keyctl padd logon "$description" @u
	else
		perl -e '($type, $description, $key) = ("logon", $ARGV[0], "k" x 64); exit(syscall(248, $type, $description, $key, 64, -4) < 0)' \
			"$description"
	fi
}

test_thin() {
	dm_create meta "0 8192 linear /dev/disk2 0" || return
	must dd if=/dev/zero of=/dev/mapper/meta bs=64k count=1 oflag=direct
	dm_create pool "0 131072 thin-pool /dev/mapper/meta /dev/disk 128 0" || return
	must dmsetup message pool 0 create_thin 0
	dm_create thin "0 65536 thin /dev/mapper/pool 0" || return
	mounted thin || return
	echo kept > "$scratch/mnt/kept"
	ctl_insert thin || return
	sync
	echo 3 > /proc/sys/vm/drop_caches
	expect_eq "file" kept "$(< "$scratch/mnt/kept")"
	expect_refused_ctl 1 "'pool' has a table of target 'thin-pool', which cannot be moved while it is in use; .*" insert pool
	ctl_eject thin
	expect_match "table" "0 65536 thin .*" "$(table thin)"
}

# As with the root: the command and its libraries are on the device that is suspended, and not in memory when it starts
test_from_a_file_system_on_the_device_itself() {
	local root=$scratch/mnt file before

	linear lv && mounted lv || return
	before=$(table lv)
	for file in dev proc sys; do
		mkdir "$root/$file"
		must mount --bind "/$file" "$root/$file" || return
		on_end must umount "$root/$file"
	done
	mkdir "$root/sbin"
	must cp "$iobandctl" "$root/sbin/" || return
	for file in $(ldd "$iobandctl" | grep -o '/[^ ]*'); do
		must cp -L --parents "$file" "$root" || return
	done
	sync
	echo 3 > /proc/sys/vm/drop_caches
	must chroot "$root" "/sbin/${iobandctl##*/}" insert lv --type user 0:5 || return
	expect_match "table" "0 $(sectors /dev/disk) ioband .*" "$(table lv)"
	sync
	echo 3 > /proc/sys/vm/drop_caches
	must chroot "$root" "/sbin/${iobandctl##*/}" eject lv
	expect_untouched lv "$before"
	# What is refused half-way is told to a file there
	chroot "$root" "/sbin/${iobandctl##*/}" insert lv --type cgroup 4000000000 2> "$root/err"
	expect_match "error" "iobandctl insert: cannot load a table into 'lv': .*" "$(< "$root/err")"
	expect_untouched lv "$before"
}

# What asks for an end while the device is suspended is heard when it works again
test_a_signal_while_io_is_waited_for() {
	local process code=0

	dm_create late "0 $(sectors /dev/disk) delay /dev/disk 0 10000" || return
	dm_create lv "0 $(sectors /dev/disk) linear /dev/mapper/late 0" || return
	dd if=/dev/mapper/lv of=/dev/null bs=4k count=1 iflag=direct status=none &
	wait_until 10 waits_for_io $!
	"$iobandctl" insert lv &
	process=$!
	wait_until 10 dmsetup info lv-ioband-real > /dev/null 2>&1
	wait_until 10 blocks_term "$process"
	kill -TERM "$process"
	wait "$process" || code=$?
	expect_eq "exit status" 143 "$code"
	expect_match "table" "0 $(sectors /dev/disk) ioband .*" "$(table lv)"
	expect_eq "state" "Active Live" "$(dmsetup info -c --noheadings --separator ' ' -o suspended,tables_loaded lv)"
	ctl_eject lv
	expect_match "table" "0 $(sectors /dev/disk) linear .*" "$(table lv)"
}

# Signal 15 is bit 14
blocks_term() {
	grep -qE '^SigBlk:[[:space:]][0-9a-f]{12}[4-7c-f][0-9a-f]{3}$' "/proc/$1/status"
}

waits_for_io() {
	grep -q '^State:[[:space:]]D' "/proc/$1/status"
}

# A real logical volume, with LVM's own UUID and name
volume() {
	must lvm_ vgcreate -qq -y -s 1m ctlvg /dev/disk /dev/disk2 || return
	on_end must lvm_ vgremove -qq -ff -y ctlvg
	must lvm_ lvcreate -qq -y -W n -Z n -L 64m -n home ctlvg
}

test_logical_volume() {
	local before

	volume || return
	dmsetup mknodes
	mounted ctlvg-home || return
	before=$(table ctlvg-home)
	verify_files
	ctl_insert ctlvg-home --type user --io-limit 4 0:400 || return
	expect_eq "LVM sees the volume" "home ctlvg" "$(lvm_ lvs --noheadings -o lv_name,vg_name 2> /dev/null | xargs)"
	expect_still_running
	ctl_eject ctlvg-home
	expect_untouched ctlvg-home "$before"
	verify_ends
	unmount
	must fsck.ext4 -fn /dev/mapper/ctlvg-home
}

# All commands take the path that LVM makes
test_path_of_a_logical_volume() {
	local path=$scratch/vg/home

	volume || return
	dmsetup mknodes
	mkdir -p "${path%/*}"
	must ln -s /dev/mapper/ctlvg-home "$path"
	expect_eq "what insert says" "iobandctl insert: '$path' is the ioband device 'ctlvg-home' now" "$(ctl insert "$path" --type user 2>&1)"
	must ctl attach "$path" 0:400
	must ctl set "$path" weight=0:200
	expect_match "table" "0 131072 ioband .* :100 0:200" "$(table ctlvg-home)"
	must ctl reset "$path"
	expect_match "status" "ctlvg-home: .*" "$(ctl status "$path" | head -1)"
	ctl top --batch -d 0.1 -n 1 "$path" > "$scratch/top" || fail "exit status of top: $?"
	expect_match "what top shows" ".* ctlvg-home +root +0 +200 .*" "$(tail -1 "$scratch/top")"
	must ctl record -d 0.1 -n 1 "$path" "$scratch/data.csv"
	expect_match "what record writes" ".*,ctlvg-home,root,0,200,.*" "$(tail -1 "$scratch/data.csv")"
	must ctl detach "$path" root
	expect_refused_ctl 5 "'ctlvg-home' has its ioband layer from 'iobandctl insert': .*" remove "$path"
	must ctl eject "$path"
	expect_match "table" "0 131072 linear .*" "$(table ctlvg-home)"
	expect_eq "what insert says to a name" "" "$(ctl insert ctlvg-home 2>&1)"
	must ctl eject ctlvg-home
	rm "$path"
}

# LVM loads a table of its own over ioband's; eject removes what is left
test_logical_volume_that_lvm_changes() {
	volume || return
	dmsetup mknodes
	must ctl insert ctlvg-home || return
	must lvm_ lvextend -qq -L +8m ctlvg/home
	expect_match "table after lvextend" "0 147456 linear .*" "$(table ctlvg-home | head -1)"
	expect_match "what eject says" "iobandctl eject: 'ctlvg-home' had lost its ioband layer already; 'ctlvg-home-ioband-real' is removed" \
		"$(ctl eject ctlvg-home 2>&1)"
	must ctl insert ctlvg-home || return
	must lvm_ lvchange -qq -an ctlvg/home
	must ctl eject ctlvg-home
	must lvm_ lvchange -qq -ay ctlvg/home
	! dmsetup info ctlvg-home-ioband-real > /dev/null 2>&1 || fail "the hidden device is left"
}

# The path goes with the volume, and means the hidden device still
test_path_of_a_logical_volume_that_is_gone() {
	must lvm_ vgcreate -qq -y -s 1m ctl-vg /dev/disk /dev/disk2 || return
	on_end must lvm_ vgremove -qq -ff -y ctl-vg
	must lvm_ lvcreate -qq -y -W n -Z n -L 64m -n my-home ctl-vg || return
	dmsetup mknodes
	must ctl insert ctl--vg-my--home || return
	must lvm_ lvchange -qq -an ctl-vg/my-home
	expect_refused_ctl 1 "there is no device '/dev/ctl-vg/none': .*" eject /dev/ctl-vg/none
	expect_match "what eject says" "iobandctl eject: 'ctl--vg-my--home' had lost its ioband layer already; .*" \
		"$(ctl eject /dev/ctl-vg/my-home 2>&1)"
	! dmsetup info ctl--vg-my--home-ioband-real > /dev/null 2>&1 || fail "the hidden device is left"

	must lvm_ lvchange -qq -ay ctl-vg/my-home
	dmsetup mknodes
	echo "home /dev/ctl-vg/my-home insert" > "$scratch/tab"
	must ctl start --tab "$scratch/tab" || return
	expect_match "table" "0 131072 ioband .*" "$(table ctl--vg-my--home)"
	must lvm_ lvchange -qq -an ctl-vg/my-home
	expect_match "what stop says" "iobandctl stop: 'ctl--vg-my--home' had lost its ioband layer already; .*" \
		"$(ctl stop --tab "$scratch/tab" 2>&1)"
	! dmsetup info ctl--vg-my--home-ioband-real > /dev/null 2>&1 || fail "the hidden device is left"
}

# An insert that was killed after it had loaded the tables
test_what_a_killed_insert_leaves() {
	local before

	linear lv || return
	before=$(table lv)
	must dmsetup create lv-ioband-real --notable --uuid IOBAND-lv
	must dmsetup load lv-ioband-real --table "$before"
	must dmsetup load lv --table "0 $(sectors /dev/disk) ioband $(dmsetup info -c --noheadings --separator : -o major,minor lv-ioband-real) x 0 0 none weight 0 :100"
	expect_refused_ctl 1 "'lv' has another table loaded, .*: wait, or dmsetup clear lv" insert lv
	expect_refused_ctl 5 "'lv' is suspended or has another table loaded, as an insert that was killed leaves it: dmsetup clear lv, dmsetup resume lv, then try again" \
		eject lv
	must dmsetup suspend --noflush --nolockfs lv
	must dmsetup clear lv
	# Whatever is on it waits
	expect_refused_ctl 5 "'lv' is suspended or .*" eject lv
	must dmsetup resume lv
	expect_refused_ctl 1 "there is a device 'lv-ioband-real' already, left by an earlier insert: iobandctl eject lv" insert lv
	must ctl eject lv
	expect_untouched lv "$before"
}

# An eject that was killed between suspending the hidden device and resuming the other
test_what_a_killed_eject_leaves() {
	local before with_ioband

	linear lv || return
	before=$(table lv)
	ctl_insert lv || return
	half_ejected "$before"
	expect_refused_ctl 1 "'lv' and 'lv-ioband-real' are suspended, as an eject that was killed leaves them: dmsetup resume lv, then try again" eject lv
	must dmsetup resume lv
	must dd if=/dev/mapper/lv of=/dev/null bs=4k count=1 iflag=direct status=none
	ctl_eject lv
	expect_untouched lv "$before"

	# As somebody does it who thinks of the table that was loaded
	ctl_insert lv || return
	with_ioband=$(table lv)
	half_ejected "$before"
	must dmsetup clear lv
	must dmsetup resume lv
	expect_refused_ctl 1 "'lv-ioband-real', which 'lv' is on, is suspended: dmsetup resume lv-ioband-real, then try again" eject lv
	must dmsetup resume lv-ioband-real
	expect_eq "table" "$with_ioband" "$(table lv)"
	ctl_eject lv
	expect_untouched lv "$before"
}

# half_ejected TABLE: of the volume without ioband
half_ejected() {
	must dmsetup load lv --table "$1"
	must dmsetup suspend --nolockfs lv
	must dmsetup suspend --nolockfs lv-ioband-real
}

test_what_is_refused() {
	linear lv || return
	expect_refused_ctl 2 "'/dev/disk2' is not a device-mapper device; unmount it and use: .*" insert /dev/disk2
	expect_refused_ctl 2 "there is no device 'no-such': 'dmsetup ls' shows the device-mapper devices" insert no-such
	expect_refused_ctl 2 "there is no device '/dev/vg/typo': .*" insert /dev/vg/typo
	expect_refused_ctl 2 "'/dev/null' is not a block device" insert /dev/null
	expect_refused_ctl 1 "'lv' has no ioband layer from 'iobandctl insert'" eject lv
	expect_refused_ctl 1 "there is no device 'no-such': 'iobandctl list' shows those there are" eject no-such
	expect_refused_ctl 1 "there is no device '/dev/vg/typo': .*" eject /dev/vg/typo
	expect_refused_ctl 1 "'/dev/disk2' has no ioband layer from 'iobandctl insert'" eject /dev/disk2
	dm_suspend lv
	expect_refused_ctl 1 "'lv' is suspended, by somebody who is changing it: .*" insert lv
	dm_resume lv
	must dmsetup reload lv --table "0 1000 linear /dev/disk 0"
	expect_refused_ctl 1 "'lv' has another table loaded, by somebody who is changing it: .*" insert lv
	must dmsetup clear lv
	dm_create lv-ioband-real "0 1000 linear /dev/disk2 0" || return
	expect_refused_ctl 1 "there is a device 'lv-ioband-real' already" insert lv
	expect_refused_ctl 1 "'lv' has no ioband layer from 'iobandctl insert'" eject lv
	dm_remove lv-ioband-real
	ctl_insert lv || return
	expect_refused_ctl 1 "'lv' is an ioband device already: .*" insert lv
	expect_refused_ctl 5 "'lv' has its ioband layer from 'iobandctl insert': iobandctl eject lv" remove lv
	ctl_eject lv
	ctl_create ioband1 /dev/disk2 || return
	expect_refused_ctl 1 "'ioband1' is an ioband device already: .*" insert ioband1
	expect_refused_ctl 1 "'ioband1' has no ioband layer from 'iobandctl insert'" eject ioband1
}

run_tests test_under_a_mounted_file_system test_while_files_are_verified test_every_step_that_can_fail \
	test_memory_that_is_short_on_the_way test_a_table_that_somebody_else_loads_meanwhile test_table_that_the_kernel_refuses \
	test_a_volume_of_two_segments test_read_only_volume test_crypt test_crypt_with_a_key_in_a_keyring test_thin \
	test_from_a_file_system_on_the_device_itself test_a_signal_while_io_is_waited_for test_logical_volume test_path_of_a_logical_volume \
	test_logical_volume_that_lvm_changes test_path_of_a_logical_volume_that_is_gone \
	test_what_a_killed_insert_leaves test_what_a_killed_eject_leaves test_what_is_refused
