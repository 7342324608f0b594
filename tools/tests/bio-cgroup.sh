#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of bio-cgroup that need a boot of their own: a kernel that has it, and the same
# with cgroup_disable=bio, where it must cost nothing and nobody may believe it works; and
# a machine of two nodes.
# Needs a kernel: GUEST_KERNEL, or the one of `make kernel`. Prints KTAP.

set -u
# shellcheck source=SCRIPTDIR/lib/ktap.sh
. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"
kernel=${GUEST_KERNEL:-$top/build/kernel/guest/arch/x86/boot/bzImage}

# guest NAME ARG...: runs tools/guest; leaves $status, $out, $err and $log, what the kernel printed
guest() {
	local name=$1

	shift
	status=0
	"$top/tools/guest" --kernel "$kernel" --log "$scratch/$name.log" --timeout 240 "$@" \
		> "$scratch/out" 2> "$scratch/err" < /dev/null || status=$?
	out=$(< "$scratch/out")
	err=$(< "$scratch/err")
	log=$(tr -d '\r' < "$scratch/$name.log")
}

# What both kernels are asked: one line "WORD: ANSWER" for each thing
# shellcheck disable=SC2016 # expanded in the guest
questions='
	mkdir /sys/fs/cgroup/a
	echo "files: $(find /sys/fs/cgroup -name bio.id | wc -l)"
	echo "controller: $(awk "\$1 == \"bio\" { print \$4 }" /proc/cgroups)"
	keys() {
		echo "keys $1: $(cut -d " " -f 1 /sys/fs/cgroup/a/bio.stat 2> /dev/null | paste -s -d " ")"
	}
	keys before
	mkdir /sys/kernel/config/nullb/disk && cd /sys/kernel/config/nullb/disk
	echo 16 > size && echo 1 > memory_backed && echo 1 > power
	create() { # TYPE GROUPS
		dmsetup create ib --noudevsync --noudevrules --table "0 32768 ioband /dev/disk 1 0 0 $1 weight 0 $2" 2> /run/refusal
	}
	if create cgroup ":100 $(cat /sys/fs/cgroup/a/bio.id 2> /dev/null || echo 2):100"; then
		echo "type cgroup: yes"
		dmsetup remove --noudevsync --noudevrules --retry ib
	else
		echo "type cgroup: no"
	fi
	for _ in {1..50}; do
		! grep -q ^dirty_bytes /sys/fs/cgroup/bio.stat 2> /dev/null || break
		sleep 0.1
	done
	keys after
	create user ":100 0:100" && dmsetup mknodes ib && dd if=/dev/zero of=/dev/mapper/ib bs=4k count=5 oflag=direct status=none
	echo "type user: $(dmsetup status ib | cut -d " " -f 12-18)"
	# Buffered: pages are dirtied and written back
	dd if=/dev/zero of=/dev/mapper/ib bs=4k count=5 conv=fsync status=none
	echo "buffered: $(dmsetup status ib | cut -d " " -f 12-18)"
'

# answer WORD
answer() {
	sed -n "s/^$1: //p" <<< "$out"
}

# ioband_words: what dm-ioband had to say; dm's own remarks are none of it
ioband_words() {
	grep -i 'ioband' <<< "$log" | grep -ivE 'command line|registered|initiali[sz]ed|version'
}

expect_type_user_to_work() {
	expect "type user: direct writes" "0 0 0 0 5 0 40" "$(answer "type user")"
	expect_like "type user: buffered writes" "0 0 0 0 [0-9]* 0 80" "$(answer buffered)"
}

test_disabled() {
	guest disabled --append cgroup_disable=bio -- bash -c "$questions"
	expect "exit status" 0 "$status"
	expect "stderr" "" "$err"
	expect "files bio.id" 0 "$(answer files)"
	expect "the controller in /proc/cgroups" 0 "$(answer controller)"
	expect "boot messages on memory for pages" "" "$(grep -i 'bio-cgroup: .*page' <<< "$log")"
	expect "keys of bio.stat" "" "$(answer "keys before")$(answer "keys after")"
	expect "type cgroup" no "$(answer "type cgroup")"
	expect_like "the sentence on type cgroup" "*ioband*cgroup*" "$(ioband_words)"
	expect_like "the sentence on type cgroup names the reason" "*disable*" "$(ioband_words)"
	expect_type_user_to_work
}

test_enabled() {
	local bytes

	guest enabled -- bash -c "$questions"
	expect "exit status" 0 "$status"
	expect "stderr" "" "$err"
	expect "files bio.id: the root's and a's" 2 "$(answer files)"
	expect "the controller in /proc/cgroups" 1 "$(answer controller)"
	bytes=$(sed -n 's/.*bio-cgroup: \([0-9]*\) bytes a page.*/\1/p' <<< "$log")
	expect_like "bytes a page in the boot message" "[1-4]" "$bytes"
	expect "keys of bio.stat" "rbytes wbytes rios wios paced_usec" "$(answer "keys before")"
	expect "keys of bio.stat once something is divided between cgroups" \
		"rbytes wbytes rios wios paced_usec dirty_bytes writeback_bytes" "$(answer "keys after")"
	expect "type cgroup" yes "$(answer "type cgroup")"
	expect "complaints about type cgroup" "" "$(ioband_words)"
	expect_type_user_to_work
}

# page_memory NAME ARGS: sets memory to what a guest of 256 MiB uses to describe its pages, in KiB
page_memory() {
	# shellcheck disable=SC2016 # awk's
	guest "$1" --memory 256 --append "$2" -- awk '/^nr_memmap(_boot)?_pages / { sum += $2 * 4 } END { print sum + 0 }' /proc/vmstat
	expect "exit status" 0 "$status"
	memory=$out
}

test_memory() {
	local with without

	page_memory enabled-memory ""
	with=$memory
	page_memory disabled-memory cgroup_disable=bio
	without=$memory
	printf '# KiB for the description of pages: %s without, %s with bio-cgroup\n' "$without" "$with"
	expect "stamps take memory" true "$([ "$with" -gt "$without" ] && echo true)"
	# 256 KiB; sections of 128 MiB have them whole, and the last one may be begun only
	expect "stamps take at most 4 bytes a page" true "$([ $((with - without)) -le $((3 * 32768 * 4 / 1024)) ] && echo true)"
}

# selftests/ioband moves pages from one node to another if there are two
test_two_nodes() {
	guest nodes --append numa=fake=2 -- "$top/selftests/ioband/owner_swap.sh"
	expect "exit status" 0 "$status"
	expect "the test of two nodes" "migrated to another node" "$(sed -n 's/^ok [0-9]* \(migrated\)/\1/p' <<< "$out")"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
