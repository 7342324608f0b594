#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tables and messages with anything in them (fuzz_dm.c): what is refused changes nothing, what is accepted leaves a table that is one, nothing is
# left behind. Two of these run at a time, each with devices of its own.
#
#	FUZZ_SEED=N     repeats the inputs of a run that printed this seed
#	FUZZ_INPUTS=N   how many, of both together

# shellcheck source=raw.sh
. "${BASH_SOURCE[0]%/*}/raw.sh"

seed=${FUZZ_SEED:-$((RANDOM << 15 | RANDOM))}
inputs=${FUZZ_INPUTS:-20000}

raw_program fuzz_dm
nullb fuzz1 size=64 submit_queues=1 hw_queue_depth=64
nullb fuzz2 size=64 submit_queues=1 hw_queue_depth=64

remove_fuzzed() {
	local device

	for device in {fuzz-a,fuzz-b}-{fresh,ioband,band,bystander}; do
		! dmsetup info "$device" > /dev/null 2>&1 || dmsetup remove --noudevsync --noudevrules --retry "$device"
	done
}

# fuzz SEED INPUTS PREFIX: what it said is in $scratch/PREFIX
fuzz() {
	"$program" "$1" "$2" "$3" "$(cgroup_id fuzzed)" /dev/fuzz1 /dev/fuzz2 > "$scratch/$3" 2>&1
}

# fuzz_twice SEED INPUTS
fuzz_twice() {
	local a b

	fuzz "$1" $(($2 / 2)) fuzz-a &
	a=$!
	fuzz $(($1 + 1)) $(($2 / 2)) fuzz-b &
	b=$!
	wait "$a" || fail "$(< "$scratch/fuzz-a")"
	wait "$b" || fail "$(< "$scratch/fuzz-b")"
}

test_inputs_that_nobody_would_write() {
	local before

	cgroup_make fuzzed
	on_end remove_fuzzed
	diag "FUZZ_SEED=$seed FUZZ_INPUTS=$inputs"
	# What is kept once it was needed is not what each input leaves behind
	fuzz_twice $((seed + 2)) 1000
	[ "$test_failed" = 0 ] || return
	before=$(memory_in_use)
	fuzz_twice "$seed" "$inputs"
	[ "$test_failed" = 0 ] || return
	diag "$(cat "$scratch/fuzz-a" "$scratch/fuzz-b")"
	expect_eq "ioband devices" "" "$(dmsetup ls | grep ^fuzz-)"
	wait_until 30 ioband_threads_are 0
	expect_memory_back "$before" 1024
}

run_tests test_inputs_that_nobody_would_write
