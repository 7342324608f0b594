#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything at once: four devices of one ioband device ID do I/O whose data is verified, while messages change all that can be changed, groups come
# and go, devices are suspended, resumed and get new tables, and two more devices of the same ID are made and removed. After each operation the
# tables are compared with what they must be (dm_storm.c).
#
#	STORM_SEED=N         repeats the operations of a run that printed this seed
#	STORM_OPERATIONS=N   how many
#	STORM_REST=N         microseconds between two of them

# shellcheck source=raw.sh
. "${BASH_SOURCE[0]%/*}/raw.sh"

seed=${STORM_SEED:-$((RANDOM << 15 | RANDOM))}
operations=${STORM_OPERATIONS:-600}
rest=${STORM_REST:-2000}

raw_program dm_storm
# The first two take no more than a quarter of a bio at once
for disk in storm1 storm2; do
	load_nullb "$disk" memory_backed=1 completion_nsec=4000000 max_sectors=32
done
for disk in storm3 storm4 storm5 storm6; do
	load_nullb "$disk" memory_backed=1 completion_nsec=4000000
done
slots_nullb

# verified_loads: of two users and of two cgroups, each with a checksum of its own; their processes are in $loads
verified_loads() {
	loads=()
	verify_load ioband1 --size=4m --bs=64k --verify=crc32c
	loads+=($!)
	verify_load ioband2 --size=4m --bs=4k-64k --verify=md5 -- as_user 1000
	loads+=($!)
	verify_load ioband3 --size=4m --verify=xxhash -- in_cgroup "$(cgroup_path storm-a)"
	loads+=($!)
	verify_load ioband4 --size=4m --verify=sha1 -- in_cgroup "$(cgroup_path storm-b)"
	loads+=($!)
}

# calm: what a storm that was cut short has left
calm() {
	local device

	for device in ioband1 ioband2 ioband3 ioband4; do
		dmsetup resume --noudevsync --noudevrules "$device" 2> /dev/null
	done
	for device in storm-0 storm-1; do
		! dmsetup info "$device" > /dev/null 2>&1 || dmsetup remove --noudevsync --noudevrules --retry "$device"
	done
}

# operate SEED OPERATIONS: before all else, because it is to act on I/O and not to wait for a CPU behind it
operate() {
	nice -n -15 "$program" "$1" "$2" "$rest" 0,1000,1001,65534,4294967295,9223372036854775807 "1,$(cgroup_id storm-a),$(cgroup_id storm-b)" \
		/dev/storm5 /dev/storm6 -- ioband1 ioband2 ioband3 ioband4 && return
	# Or the loads would never end
	calm
	return 1
}

# loads_have_begun COUNT...: each disk has done more requests than that
loads_have_begun() {
	local disk

	for disk in storm1 storm2 storm3 storm4; do
		[ "$(completed "$disk")" -gt "$(($1 + 64))" ] || return
		shift
	done
}

# storm SEED OPERATIONS: beside loads that are never cut short; $rounds is how many there were
storm() {
	local loads storm before

	before=("$(completed storm1)" "$(completed storm2)" "$(completed storm3)" "$(completed storm4)")
	verified_loads
	wait_until 60 loads_have_begun "${before[@]}" || return
	operate "$1" "$2" > "$scratch/storm" 2>&1 &
	storm=$!
	rounds=0
	while :; do
		expect_verified "${loads[@]}"
		rounds=$((rounds + 1))
		[ "$test_failed" = 0 ] || break
		running "$storm" || break
		verified_loads
	done
	wait "$storm" || fail "$(< "$scratch/storm")"
}

test_storm() {
	local device rounds before threads held

	cgroup_make storm-a storm-b
	for device in 1 2 3 4; do
		ioband_create "ioband$device" "/dev/storm$device" share1 1 2 user weight 0 :100 || return
	done
	on_end calm
	diag "STORM_SEED=$seed STORM_OPERATIONS=$operations"
	# What is kept once it was needed, caches and the disks' memory, is not what the next storm leaves behind
	storm "$((seed + 1))" 100
	[ "$test_failed" = 0 ] || return
	before=$(memory_in_use)
	threads=$(ioband_threads)
	storm "$seed" "$operations"
	held=$(tail -n 1 "$scratch/storm")
	diag "$operations operations, $rounds rounds of verified I/O, $held requests held"
	expect_ge "requests held" "$held" $((operations / 6))
	for device in 1 2 3 4; do
		expect_eq "in flight on ioband$device" 0 "$(in_flight "/dev/mapper/ioband$device")"
		expect_eq "in flight on storm$device" 0 "$(in_flight "/dev/storm$device")"
		# A suspend waits for what is held
		dm_suspend "ioband$device" && dm_resume "ioband$device"
	done
	must message ioband1 policy weight && must message ioband1 io_throttle 1 && must message ioband1 io_limit 4
	expect_all_slots share1 4
	expect_eq "ioband devices" "ioband1 ioband2 ioband3 ioband4" "$(dmsetup ls --target ioband | cut -f 1 | sort | xargs)"
	wait_until 30 ioband_threads_are "$threads"
	expect_memory_back "$before" 1024
}

run_tests test_storm
