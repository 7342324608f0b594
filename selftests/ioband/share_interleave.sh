#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Within an epoch issues are interleaved in proportion to the weights, not group after group in bursts.
# With a token_base of 4096 a group that used up its tokens at once would make bursts of 1024 to 3072 requests.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

load_nullb slow
half=$(($(sectors /dev/slow) / 2))

# both_run A-WEIGHT B-WEIGHT: group a is the default one, b user 1000; both are at their shares
both_run() {
	ioband_create ioband1 /dev/slow share1 0 0 user weight 4096 ":$1" "1000:$2" || return
	must message ioband1 carryover 1
	load ioband1 --iodepth=64 --size=512m
	load ioband1 --iodepth=64 --offset=512m -- as_user 1000
	wait_for_load ioband1/-1 ioband1/1000 || return
	# The claim of the group that started last, an epoch at most, is over when both are in step
	wait_until 60 in_step "$1" "$2" || return
}

# trace_order: the order of issue in two seconds
trace_order() {
	trace_issues /dev/slow
	sleep 2
	trace_stop > "$scratch/trace"
	issue_order "$half" < "$scratch/trace" > "$scratch/order"
	expect_ge "requests traced" "$(wc -l < "$scratch/order")" 640
}

# Neither gets more than a tenth off its share in half a second
in_step() {
	measure 0.5
	awk -v a="${requests[ioband1/-1]}" -v b="${requests[ioband1/1000]}" -v weight_a="$1" -v weight_b="$2" \
		'BEGIN { share = a / (a + b) / (weight_a / (weight_a + weight_b)); exit !(share > 0.9 && share < 1.1) }'
}

# extreme_windows SIZE: the smallest and the largest number of b's requests in any SIZE consecutive ones
extreme_windows() {
	awk -v size="$1" '
		{ order[NR] = $1 == "b"; inside += order[NR] }
		NR > size { inside -= order[NR - size] }
		NR >= size { if (least == "" || inside < least) least = inside; if (inside > most) most = inside }
		END { print least, most }' "$scratch/order"
}

# windows_hold WANT: any 64 consecutive requests have this many of b's, give or take one window of 16 in flight. One hiccup of a load spoils a trace of
# 2 s; bursts of the scheduler's would be in every trace.
windows_hold() {
	local least most attempt

	for attempt in 1 2 3 4 5; do
		trace_order
		read -r least most < <(extreme_windows 64)
		diag "trace $attempt: of any 64 requests in a row $least to $most are b's, by weight $1"
		[ "$least" -lt $(($1 - 16)) ] || [ "$most" -gt $(($1 + 16)) ] || return 0
	done
	fail "of any 64 requests in a row $least to $most are b's, expected $1 give or take 16"
}

test_equal_weights() {
	both_run 100 100 || return
	windows_hold 32
}

test_one_to_three() {
	both_run 100 300 || return
	windows_hold 48
}

run_tests test_equal_weights test_one_to_three
