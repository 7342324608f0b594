#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# As in buffered_share.sh, with other limits of memory that may be dirty, for all and for a cgroup, and with 50 cgroups of 50 weights.

# shellcheck source=buffered.sh
. "${BASH_SOURCE[0]%/*}/buffered.sh"

require perl
# more than most of the limits let one of two have dirty
file_mib=256

# dirty_memory MIB|default: until the end of the test
dirty_memory() {
	on_end dirty_limit 16
	case $1 in
	default)
		dirty_ratio 20 10
		settled=
		;;
	*) dirty_limit "$1" ;;
	esac
}

# two_files_and_memory_high: each of the cgroups has all the memory it wants, but not for nothing
two_files_and_memory_high() {
	controller memory
	weighted_fs ext4 || return
	echo 64M > "$(cgroup_path a)/memory.high"
	echo 64M > "$(cgroup_path b)/memory.high"
	writer a "$mounted/a" 0
	writer b "$mounted/b" 0
	expect_divided 100 400
}

test_128_mib() {
	dirty_memory 128
	two_files ext4
}

test_default_limit() {
	dirty_memory default
	two_files ext4
}

test_16_mib_and_memory_high() {
	two_files_and_memory_high
}

test_128_mib_and_memory_high() {
	dirty_memory 128
	two_files_and_memory_high
}

test_default_limit_and_memory_high() {
	dirty_memory default
	two_files_and_memory_high
}

# small_writer CGROUP FILE: pages of 8 MiB of it, one at a time, until the end; with less memory than fio takes
small_writer() {
	must fallocate --length 8M "$2"
	# shellcheck disable=SC2016 # perl's
	start_as "$1" perl -e 'open(F, "+<", $ARGV[0]) or die; for (;;) { sysseek(F, 0, 0); syswrite(F, "x" x 4096) for 1 .. 2048 }' "$2"
}

# wrote: WEIGHT SECTORS of each of them, in what was measured
wrote() {
	local i

	for i in {1..50}; do
		echo "$i ${moved[ib/$(cgroup_id "g$i")]}"
	done
}

# Before anybody is slowed down all may dirty the same: that is seconds of what is the lightest one's share
test_fifty_cgroups() {
	local i names=() worst

	for i in {1..50}; do
		names+=("g$i")
	done
	cgroup_make "${names[@]}"
	owner_fs ib /dev/disk ext4 "${names[@]}" || return
	mounted=$scratch/ib
	for i in {1..50}; do
		must message ib weight "$(cgroup_id "g$i"):$i"
		small_writer "g$i" "$mounted/g$i"
	done
	sleep 60
	measure 60
	worst=$(wrote | awk '{ bytes[$1] = $2; sum += $2; weights += $1 }
		END {
			for (i in bytes) {
				error = 100 * (bytes[i] / sum * weights / i - 1)
				if (error < 0)
					error = -error
				if (error > worst) {
					worst = error
					who = i
				}
			}
			printf "%d %d\n", worst + 1, who
		}')
	diag "worst error of a share: ${worst% *} %, of weight ${worst#* }"
	expect_le "worst error of a share, in percent" "${worst% *}" 45
	# Spearman's rank correlation, in percent
	expect_ge "order by weight, in percent" "$(wrote | sort -k2,2n | awk '{ squares += ($1 - NR) ^ 2 }
		END { printf "%d", 100 * (1 - 6 * squares / (NR * (NR ^ 2 - 1))) }')" 98
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
