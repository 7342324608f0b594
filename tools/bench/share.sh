# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the workloads about shares, beside guest-lib.sh.
#   share QUESTION/VARIANT SECONDS DEPTH FIO-OPTION...  a job in each group, DEPTH I/Os at a time, on
#		all stacks of $share_stacks; the first one is what a total is compared with. The
#		CPU's work for QUESTION sharing is recorded for the question held
# shellcheck disable=SC2154 # names of guest-lib.sh

share_stacks=(bare ioband iocost bfq)
share_ramp=1
share_peers_seconds=	# if not SECONDS, for what dm-ioband is compared with

# share_one QUESTION/VARIANT STACK SECONDS DEPTH FIO-OPTION...
share_one() {
	local what=$1 stack=$2 seconds=$3 depth=$4 name

	shift 4
	for name in "${group_names[@]}"; do
		job "$name" "$depth"
	done
	[ "$stack" = ioband ] || seconds=${share_peers_seconds:-$seconds}
	run_jobs "$share_ramp" "$seconds" "$@"
	[ -n "$share_base" ] || share_base=$total_iops
	record "$what" "$stack" worst_error "$(share_error iops)" %
	record "$what" "$stack" total "$(calc "100 * $total_iops / $share_base")" "% of bare"
	record "$what" "$stack" rate "$total_iops" IOPS
	[ "${what%%/*}" = sharing ] || return 0
	record "held/${what#*/}" "$stack" instructions "$instructions" "per I/O"
	share_cost[$stack]=$instructions
}

share() {
	local stack share_base=
	local -A share_cost=()

	for stack in $(stacks "${share_stacks[@]}"); do
		say "${1#*/}, $stack"
		with_stack "$stack" share_one "$1" "$stack" "${@:2}"
	done
	goal "$1" ioband worst_error '<=' 0.5
	goal "$1" ioband total '>=' 99
	[ -z "${share_cost[iocost]:-}" ] ||
		goal "held/${1#*/}" ioband instructions '<=' "${share_cost[iocost]}"
}
