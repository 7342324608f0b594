#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Type node: the ID of a bio is the NUMA node of the CPU that submits it.
# On a machine of one node everything is node 0. A second one with a CPU of its own adds what tells nodes apart; in QEMU that takes -numa and a
# socket per node, numa=fake leaves all CPUs in node 0.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

require taskset
nullb fast size=64 no_sched=1
load_nullb slow

# One CPU of each node that has any
declare -A cpu_of_node
for link in /sys/devices/system/cpu/cpu[0-9]*/node[0-9]*; do
	[ -e "$link" ] || continue
	cpu=${link%/node*}
	cpu_of_node[${link##*/node}]=${cpu##*/cpu}
done
[ "${#cpu_of_node[@]}" -gt 0 ] || cpu_of_node[0]=0
diag "nodes with CPUs: ${!cpu_of_node[*]}"

test_io_lands_in_the_group_of_its_node() {
	local node count=10 list=()

	for node in "${!cpu_of_node[@]}"; do
		list+=("$node:100")
	done
	ioband_create ioband1 /dev/fast share1 0 0 node weight 0 :100 "${list[@]}" || return
	for node in "${!cpu_of_node[@]}"; do
		(read_blocks ioband1 $((count + node)) on_cpu "${cpu_of_node[$node]}")
		(write_blocks ioband1 $((count + 2 * node)) on_cpu "${cpu_of_node[$node]}")
	done
	for node in "${!cpu_of_node[@]}"; do
		expect_group ioband1 "$node" $((count + node)) $((count + 2 * node))
	done
	expect_group ioband1 -1 0 0
}

test_other_nodes_are_the_default_group() {
	ioband_create ioband1 /dev/fast share1 0 0 node weight 0 :100 1000:100 || return
	(read_blocks ioband1 10)
	expect_group ioband1 1000 0 0
	expect_group ioband1 -1 10 0
}

if [ "${#cpu_of_node[@]}" -ge 2 ]; then
		test_nodes_share_1_to_3() {
		local nodes=("${!cpu_of_node[@]}")
		local light=${nodes[0]} heavy=${nodes[1]}

		ioband_create ioband1 /dev/slow share1 0 0 node weight 0 :100 "$light:100" "$heavy:300" || return
		must message ioband1 carryover 1
		# Not io_uring: its workers may run on other CPUs
		load ioband1 --ioengine=libaio -- on_cpu "${cpu_of_node[$light]}"
		load ioband1 --ioengine=libaio -- on_cpu "${cpu_of_node[$heavy]}"
		expect_1_to_3 "$light" "$heavy"
	}
else
	# One load on the only node, one on the same but before the group exists: without groups both counts would be the default group's
	test_only_node_takes_all() {
		ioband_create ioband1 /dev/slow share1 0 0 node weight 0 :100 0:300 || return
		load ioband1
		load ioband1
		wait_for_load ioband1/0 || return
		measure 3
		expect_eq "requests of the default group" 0 "${requests[ioband1/-1]}"
		expect_ge "requests of node 0" "${requests[ioband1/0]}" 64
	}
fi

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
