# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Owners for the dm-ioband selftests: what load.sh has, and cgroups, devices of type cgroup, file systems, and two counts that must agree.
#
#	. "${BASH_SOURCE[0]%/*}/owner.sh"
#	memory_nullb disk
#	test_sync_by_another_cgroup() {
#		cgroup_make a syncer
#		owner_fs ib /dev/disk ext4 a || return
#		write_file a "$scratch/ib/file" 20M
#		as syncer sync
#		expect_charged ib a write 20M
#	}
#	run_tests test_sync_by_another_cgroup
#
# The first count is dm-ioband's: sectors in the status of each group. The second is bio-cgroup's: the tracepoint bio_cgroup_owner, summed by
# owner. Both begin when owner_ioband makes the device and go on to the end of the test: what a test expects is the sum of all it has done so
# far. Dm-ioband's count goes back to 0 with a reload, the trace's does not.
#
# What a test makes with these words is gone when it ends, what a program makes outside of its tests when that ends. SIZE is a number of bytes, or
# ends in K or M. KIND is read or write; discards are writes.
#
# Cgroups
#   cgroup_make NAME...            makes cgroups, on v2 unless cgroups_v1 was said; a/b is one below a. The name "root" is always there
#   cgroup_remove NAME             before the end; its processes must be gone. Its name still works where only an ID is needed
#   cgroup_path NAME               its directory
#   cgroup_id NAME                 its bio.id, read when it was made
#   cgroups_v1                     the controller is on a v1 mount of its own from here to the end of the test, and cgroup_make makes its cgroups there
#   as CGROUP COMMAND...           runs a command in it; the test fails if the command does. No shell functions
#   start_as CGROUP COMMAND...     the same in the background; the process is $started
#   enter CGROUP                   moves the shell that says it, which should be a subshell
#   move PROCESS CGROUP            moves another process
# Devices (disk images are held in memory: writing them costs as much)
#   memory_nullb NAME [ATTRIBUTE=VALUE...]   a null_blk device of 512 MiB that remembers what was written
#   owner_ioband NAME[@ID] DEVICE CGROUP...  an ioband device of type cgroup over all of DEVICE with a group for each cgroup; ID is its ioband device
#                                            ID, NAME if there is none. Starts the trace, if there is none yet
# File systems
#   make_fs TYPE DEVICE [OPTION...]  ext4, xfs, btrfs, f2fs, vfat, exfat, nilfs2 or udf; nothing is left to be done in the background after the mount
#   mount_fs TYPE DEVICE [OPTION...] mounts it on $scratch/ and the last part of DEVICE's name; the options are mount's
#   unmount DIRECTORY                before the end
#   owner_fs NAME DEVICE TYPE CGROUP...  all in one: a fresh file system on DEVICE, owner_ioband NAME over it, mounted on $scratch/NAME
#   write_file CGROUP FILE SIZE [AT]     zeros through the page cache, in pieces of 64 KiB, from byte AT (a SIZE) on; the rest of FILE stays
#   read_file CGROUP FILE SIZE [AT]      reads them
#   drop_caches                      clean pages go; those that are dirty are written before, by the root cgroup
#   dirty_ratio LIMIT BACKGROUND     percent of the memory; for on_end, with what they were
#   last_id ID                       until the end no cgroup gets a larger one
#   no_periodic_writeback            until the end the flusher does not look for dirty pages: they stay dirty until somebody wants them written
#   device_stays_open NAME           the same for the ioband device itself, whose dirty pages would be written when the last one closes it
#   two_writers_and_a_syncer TYPE SYNCER-BOUND OTHERS-BOUND  the test of one file system on /dev/disk: owner_fs.sh
# Counts
#   charged NAME CGROUP KIND         bytes by dm-ioband's status; the CGROUP "others" is the default group
#   traced NAME CGROUP KIND          bytes by the tracepoint
#   expect_charged NAME CGROUP KIND SIZE [PERCENT]   charged and traced agree exactly, and with SIZE within PERCENT (2) of it
#   expect_charged_at_most NAME CGROUP KIND SIZE     the same with a bound
#   expect_agreement NAME            only that the counts agree, for each group of the device

. "${BASH_SOURCE[0]%/*}/load.sh"

v2_root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$v2_root" ] || skip_program "cgroup2 is not mounted"
[ -r "$v2_root/bio.id" ] || skip_program "no controller bio on cgroup2 in $v2_root (CONFIG_CGROUP_BIO, cgroup_disable)"
cgroup_root=$v2_root
# What the cgroups of these programs are called, beside others that may be there
cgroup_prefix=bio-selftest-

# Cgroups

declare -A cgroup_ids=([others]=-1)
cgroup_ids[root]=$(< "$v2_root/bio.id")

cgroup_path() {
	if [ "$1" = root ]; then
		echo "$cgroup_root"
	else
		echo "$cgroup_root/$cgroup_prefix$1"
	fi
}

cgroup_make() {
	local name directory

	for name; do
		directory=$(cgroup_path "$name")
		mkdir "$directory" || bail "cannot make the cgroup $directory"
		on_end cgroup_remove "$name"
		cgroup_ids[$name]=$(< "$directory/bio.id") || fail "cgroup $name has no bio.id"
	done
}

# The kernel lets go of a process's cgroup a little after the process has been waited for
cgroup_remove() {
	not_on_end cgroup_remove "$1"
	wait_until 60 remove_directory "$(cgroup_path "$1")"
}

remove_directory() {
	rmdir "$1" 2> /dev/null
}

cgroup_id() {
	echo "${cgroup_ids[$1]:-no-cgroup-$1}"
}

cgroups_v1() {
	local directory=$scratch/cgroup-v1

	mkdir -p "$directory"
	if ! mount -t cgroup -o bio none "$directory"; then
		fail "cannot mount the controller bio as cgroup v1"
		return 1
	fi
	cgroup_root=$directory
	on_end cgroups_v2
}

cgroups_v2() {
	not_on_end cgroups_v2
	wait_until 30 only_the_root_is_left
	must umount "$cgroup_root"
	cgroup_root=$v2_root
	wait_until 30 test -e "$v2_root/bio.id"
}

# The kernel lets go of a hierarchy that is unmounted only if no removed cgroup is left in it
only_the_root_is_left() {
	awk '$1 == "bio" { exit $3 != 1 }' /proc/cgroups
}

enter() {
	echo "$BASHPID" > "$(cgroup_path "$1")/cgroup.procs"
}

move() {
	must tee "$(cgroup_path "$2")/cgroup.procs" <<< "$1"
}

as() {
	local cgroup=$1 code

	shift
	# shellcheck disable=SC2093 # the subshell is there to be replaced
	(enter "$cgroup" && exec "$@")
	code=$?
	[ "$code" = 0 ] || fail "in cgroup $cgroup, exit status $code: $*"
	return "$code"
}

# shellcheck disable=SC2034 # started is for the programs
start_as() {
	local cgroup=$1

	shift
	{ enter "$cgroup" && exec "$@"; } &
	started=$!
}

# Devices

memory_nullb() {
	local name=$1

	shift
	nullb "$name" size=512 memory_backed=1 no_sched=1 "$@"
}

owner_ioband() {
	local name=${1%%@*} id=${1##*@} device=$2 cgroup groups=()

	shift 2
	for cgroup; do
		groups+=("$(cgroup_id "$cgroup"):100")
	done
	trace_owners
	ioband_create "$name" "$device" "$id" 0 0 cgroup weight 0 :100 "${groups[@]}"
}

# File systems

make_fs() {
	local type=$1 device=$2 options

	shift 2
	case $type in
	ext4) options=(-q -F -E "nodiscard,lazy_itable_init=0,lazy_journal_init=0") ;;
	xfs) options=(-q -f -K) ;;
	btrfs) options=(-q -f -K) ;;
	f2fs) options=(-q -f -t 0) ;;
	vfat) options=(-F 32) ;;
	exfat) options=() ;;
	nilfs2) options=(-q -f -K) ;;
	udf) options=(--media-type=hd) ;;
	*) bail "make_fs knows no $type" ;;
	esac
	must "mkfs.$type" "${options[@]}" "$@" "$device"
}

mount_fs() {
	local type=$1 device=$2 directory=$scratch/${2##*/} options=()

	shift 2
	# F2fs moves and discards blocks when it has nothing else to do
	[ "$type" != f2fs ] || options=(-o "background_gc=off,nodiscard")
	mkdir -p "$directory"
	# Without the helpers of mount: that of nilfs2 would start a daemon
	must mount -i -t "$type" "${options[@]}" "$@" "$device" "$directory" || return
	on_end unmount "$directory"
}

unmount() {
	not_on_end unmount "$1"
	# A process of the test that was killed may hold it a moment longer
	wait_until 60 unmounted "$1" || umount -l "$1"
}

unmounted() {
	umount "$1" 2> /dev/null
}

owner_fs() {
	local name=$1 device=$2 type=$3

	shift 3
	make_fs "$type" "$device" && owner_ioband "$name" "$device" "$@" && mount_fs "$type" "/dev/mapper/$name"
}

bytes() {
	case $1 in
	*M) echo $((${1%M} << 20)) ;;
	*K) echo $((${1%K} << 10)) ;;
	*) echo "$1" ;;
	esac
}

write_file() {
	as "$1" dd if=/dev/zero of="$2" bs=64K count="$(bytes "$3")" seek="$(bytes "${4:-0}")" iflag=count_bytes,fullblock oflag=seek_bytes \
		conv=notrunc status=none
}

read_file() {
	as "$1" dd if="$2" of=/dev/null bs=64K count="$(bytes "$3")" skip="$(bytes "${4:-0}")" iflag=count_bytes,skip_bytes status=none
}

drop_caches() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
}

dirty_ratio() {
	echo "$1" > /proc/sys/vm/dirty_ratio
	echo "$2" > /proc/sys/vm/dirty_background_ratio
}

readonly max_id=/sys/module/bio_cgroup/parameters/max_id

last_id() {
	on_end set_last_id "$(< $max_id)"
	set_last_id "$1"
}

set_last_id() {
	echo "$1" > $max_id
}

# Once in ten hours. With 0 the flusher would look for work as soon as a page is dirty, and find that a new device has a small share of the
# dirty pages.
no_periodic_writeback() {
	on_end set_periodic_writeback "$(< /proc/sys/vm/dirty_writeback_centisecs)"
	set_periodic_writeback 3600000
}

set_periodic_writeback() {
	echo "$1" > /proc/sys/vm/dirty_writeback_centisecs
}

device_stays_open() {
	sleep infinity 3< "/dev/mapper/$1" &
	wait_until 30 test "/proc/$!/fd/3" -ef "/dev/mapper/$1"
	no_periodic_writeback
}

# two_writers_and_a_syncer TYPE SYNCER-BOUND OTHERS-BOUND: what the syncer and the root cgroup may have written, the mount not counted. Metadata
# that the writers dirty is theirs, within the 2 % of expect_charged.
two_writers_and_a_syncer() {
	local of_the_mount

	cgroup_make a b syncer
	owner_fs ib /dev/disk "$1" a b syncer || return
	sync
	of_the_mount=$(charged ib others write)
	write_file a "$scratch/ib/a" 20M
	write_file b "$scratch/ib/b" 40M
	as syncer sync
	expect_charged ib a write 20M
	expect_charged ib b write 40M
	expect_charged_at_most ib syncer write "$2"
	expect_charged_at_most ib others write $((of_the_mount + $(bytes "$3")))
	# Not one of them has read data
	expect_charged_at_most ib a read 256K
	expect_charged_at_most ib b read 256K
}

# Counts

trace_owners() {
	[ -z "$trace_instance" ] || return 0
	trace_start bio_cgroup/bio_cgroup_owner
	echo 16384 > "$trace_instance/buffer_size_kb"
	on_end trace_remove
}

# charged_by_group NAME: ID KIND BYTES of each group, by the status
charged_by_group() {
	status "$1" | awk '{ for (i = 5; i <= NF; i += 7) printf "%s read %.0f\n%s write %.0f\n", $i, $(i + 3) * 512, $i, $(i + 6) * 512 }' | sort
}

# traced_by_owner NAME: ID KIND BYTES of each owner, by the trace. What is neither a read nor its read-ahead is a write: a discard too
traced_by_owner() {
	local number

	number=$(device_number "/dev/mapper/$1")
	sed -n 's/.* bio_cgroup_owner: //p' "$trace_instance/trace" | awk -v number="${number/:/,}" '
		$1 == number { sub(/^owner=/, "", $6); sum[$6 ($2 ~ /^F?R/ ? " read" : " write")] += $5 * 512 }
		END { for (key in sum) printf "%s %.0f\n", key, sum[key] }' | sort
}

# traced_by_group NAME: the same lines as charged_by_group's, from the trace: an owner without a group is in the default group
traced_by_group() {
	awk '
		NR == FNR { sum[$1 " " $2] = 0; next }
		{ sum[($1 " " $2) in sum ? $1 " " $2 : "-1 " $2] += $3 }
		END { for (key in sum) printf "%s %.0f\n", key, sum[key] }' <(charged_by_group "$1") <(traced_by_owner "$1") | sort
}

# of_group LINES CGROUP KIND
of_group() {
	awk -v id="$(cgroup_id "$2")" -v kind="$3" '$1 "" == id && $2 == kind { print $3; found = 1 } END { exit !found }' <<< "$1"
}

charged() {
	of_group "$(charged_by_group "$1")" "$2" "$3"
}

traced() {
	of_group "$(traced_by_group "$1")" "$2" "$3"
}

# A full buffer would have dropped the oldest records without a word
trace_is_whole() {
	awk '$1 == "overrun:" || $1 == "dropped" { lost += $NF } END { exit lost > 0 }' "$trace_instance"/per_cpu/cpu*/stats
}

# A file system may do I/O of its own between the reading of one count and of the other, so one difference proves nothing. A bio that only one of
# them has seen makes them differ for good.
expect_agreement() {
	local attempt charged_sums traced_sums

	for attempt in 1 2 3 4 5 6 7 8; do
		charged_sums=$(charged_by_group "$1")
		traced_sums=$(traced_by_group "$1")
		[ "$charged_sums" != "$traced_sums" ] || break
		sleep "0.$attempt"
	done
	trace_is_whole || fail "$1: records of the trace were lost"
	[ -n "$charged_sums" ] || fail "$1: no counts"
	[ "$charged_sums" = "$traced_sums" ] || fail "$1: status and trace do not agree (status: trace: group, kind, bytes)
$(diff <(echo "$charged_sums") <(echo "$traced_sums"))
the owners in the trace:
$(traced_by_owner "$1")"
}

expect_charged() {
	local name=$1 cgroup=$2 kind=$3 want percent=${5:-2} got

	want=$(bytes "$4")
	expect_agreement "$name"
	got=$(charged "$name" "$cgroup" "$kind")
	diag "$name: ${kind}s of $cgroup: ${got:-no group}, expected $want"
	# Times 100 instead of divided: nothing is lost by rounding, and 0 must be 0
	if ! is_integer "$got" || [ $(((got > want ? got - want : want - got) * 100)) -gt $((want * percent)) ]; then
		fail "$name: ${kind}s of $cgroup
  expected: $want, at most $percent % more or less
  got:      $got
$(charges "$name")"
	fi
}

expect_charged_at_most() {
	local name=$1 cgroup=$2 kind=$3 most got

	most=$(bytes "$4")
	expect_agreement "$name"
	got=$(charged "$name" "$cgroup" "$kind")
	diag "$name: ${kind}s of $cgroup: ${got:-no group}, at most $most"
	expect_le "$name: ${kind}s of $cgroup" "$got" "$most"
}

# charges NAME: who was charged what, for a diagnostic
charges() {
	local name

	echo "charged to groups:"
	charged_by_group "$1"
	echo "IDs:"
	for name in "${!cgroup_ids[@]}"; do
		echo "${cgroup_ids[$name]} $name"
	done | sort
}
