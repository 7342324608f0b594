#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The policy of an ioband device ID is switched again and again under load, and no block is lost, failed or misplaced.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow memory_backed=1

test_policy_switched_under_verified_load() {
	local pids=() switches=0 policy

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:10 || return
	verify_load ioband1
	pids+=($!)
	verify_load ioband1 --offset=16m -- as_user 1000
	pids+=($!)
	wait_for_load ioband1/-1 || return
	while running "${pids[@]}"; do
		for policy in weight-iosize default weight; do
			must message ioband1 policy "$policy" || return
			must message ioband1 weight 1000:10 || return
			switches=$((switches + 1))
			sleep 0.1
		done
	done
	expect_verified "${pids[@]}"
	diag "$switches switches"
	expect_ge "switches" "$switches" 9
	# Without held bios a switch would have had nothing to carry over
	expect_ge "delayed requests" "$(total_delayed)" 1000
}

run_tests test_policy_switched_under_verified_load
