#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The policy of an ioband device ID is switched again and again under load, and no block is lost, failed or misplaced.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow memory_backed=1

switch_policies() {
	local policy

	for policy in weight-iosize default weight; do
		must message ioband1 policy "$policy" || return
		must message ioband1 weight 1000:10 || return
		sleep 0.1
	done
}

test_policy_switched_under_verified_load() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:10 || return
	while_verified 3 switch_policies || return
	# Without held bios a switch would have had nothing to carry over
	expect_ge "delayed requests" "$(total_delayed)" 1000
}

run_tests test_policy_switched_under_verified_load
