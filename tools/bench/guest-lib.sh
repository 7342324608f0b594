# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The vocabulary of the workloads, in the guest. tools/bench/guest sources this file and then
# one of workloads/.
#
# What is compared
#   device ATTRIBUTE=VALUE...   from now on the device below is a null_blk with these attributes
#   groups NAME=WEIGHT...       from now on there are these cgroups, of these weights
#   stacks                      those of: bare linear ioband iocost bfq that are asked for
#   with_stack STACK COMMAND... runs COMMAND while $disk is that stack over a new device
#                               ioband-TYPE is dm-ioband with another type than cgroup
#   ioband_policy, io_limit     of dm-ioband: weight and 0, unless set
#   iocost_bytes, iocost_bounds of iocost's model and its limits, see make_iocost
#   make_below, remove_below    a workload that wants something else below than one null_blk
#                               device defines these again; the first one sets $disk
# Load
#   job NAME DEPTH FIO-OPTION...  a job for the next run, in the cgroup NAME, so many I/Os at a time:
#                               random reads of 4 KiB, direct, by io_uring, unless options say else
#   run_jobs RAMP SECONDS FIO-OPTION...  runs the jobs together on $disk, or if
#                               $own_files is set on what they say. Leaves, of the SECONDS
#                               after RAMP, for each of them iops[NAME], kib[NAME] (a second),
#                               mean_ms[NAME], p99_ms[NAME]; total_iops, total_kib; instructions:
#                               all that the CPU executed, per I/O
#   run_flat_out SECONDS FIO-OPTION...  runs one job that keeps the CPU busy; leaves instructions
#   share_error iops|kib        of that run, the largest error of a share, in percent of the share
# Results
#   record QUESTION/VARIANT STACK METRIC VALUE UNIT
#   goal QUESTION/VARIANT STACK METRIC OPERATOR VALUE   OPERATOR is <= or >=
#   calc EXPRESSION             arithmetic with fractions
#   say TEXT                    what is being done; the last line is shown as progress

# shellcheck disable=SC2034 # much here is for those who source this

here=$(dirname "${BASH_SOURCE[0]}")
readonly here share=/tmp/share cgroups=/sys/fs/cgroup
readonly instructions_per_second=500000000	# of tools/guest --icount

say() {
	echo "$*"
}

die() {
	echo "tools/bench/guest: $*" >&2
	exit 1
}

calc() {
	awk "BEGIN { printf \"%.6g\", $* }"
}

# Results

record() {
	csv_line "$@" >> "$share/records.csv"
}

goal() {
	csv_line "$@" >> "$share/goals.csv"
}

csv_line() {
	case $* in
	*,*) die "a comma in what is recorded: $*" ;;
	esac
	echo "${1%%/*},${1#*/},$2,$3,$4,$5"
}

# The device below

device_attributes=()

device() {
	device_attributes=("$@")
}

# attribute NAME: its value for the device below
attribute() {
	local word

	for word in "${device_attributes[@]}"; do
		[ "${word%%=*}" != "$1" ] || echo "${word#*=}"
	done
}

# null_device NAME ATTRIBUTE=VALUE...: makes /dev/NAME, without I/O scheduler
null_device() {
	local name=$1 dir=/sys/kernel/config/nullb/$1 word

	shift
	mkdir "$dir"
	for word in size=4096 submit_queues=1 "$@"; do
		echo "${word#*=}" > "$dir/${word%%=*}" || die "null_blk refuses $word"
	done
	echo 1 > "$dir/power"
	echo none > "/sys/block/$name/queue/scheduler"
}

remove_null_device() {
	echo 0 > "/sys/kernel/config/nullb/$1/power"
	rmdir "/sys/kernel/config/nullb/$1"
}

make_below() {
	null_device nullb0 "${device_attributes[@]}"
	disk=/dev/nullb0
}

remove_below() {
	remove_null_device nullb0
}

# device_iops: what the device can do, far too much if it completes at once
device_iops() {
	local nsec depth

	nsec=$(attribute completion_nsec)
	depth=$(attribute hw_queue_depth)
	[ -z "$nsec" ] && echo 10000000 || echo $((depth * 1000000000 / nsec))
}

# The groups

declare -A weight=()
group_names=()

groups() {
	local word name

	for name in "${group_names[@]}"; do
		rmdir "$cgroups/$name"
	done
	weight=()
	group_names=()
	for word; do
		name=${word%%=*}
		weight[$name]=${word#*=}
		group_names+=("$name")
		mkdir "$cgroups/$name"
		echo "${weight[$name]}" > "$cgroups/$name/io.weight"
		echo "${weight[$name]}" > "$cgroups/$name/io.bfq.weight"
	done
}

# The stacks. Each has make_NAME, which goes from $disk to what is above it.

only_stacks=()

# stacks NAME...: those of them that were asked for
stacks() {
	local name

	for name; do
		if [ ${#only_stacks[@]} = 0 ] || [[ " ${only_stacks[*]} " == *" $name "* ]]; then
			echo "$name"
		fi
	done
}

ioband_policy=weight io_limit=0

# ioband_groups TYPE: the words for the groups. The default group has nothing to do. Whatever runs
# here, root runs it.
ioband_groups() {
	local name

	echo ":1"
	case $1 in
	cgroup)
		for name in "${group_names[@]}"; do
			echo "$(< "$cgroups/$name/bio.id"):${weight[$name]}"
		done
		;;
	user) echo "0:100" ;;
	esac
}

remove_dm_device() {
	dmsetup remove --noudevsync "$1"
	rm -f "/dev/mapper/$1"	# no udev here to do it
}

# dm_device NAME WORD...: WORDs are the target and its arguments for the whole of $disk
dm_device() {
	local name=$1

	shift
	dmsetup create --noudevsync "$name" --table "0 $(blockdev --getsz "$disk") $*" || die "no device-mapper target $1"
	dmsetup mknodes "$name"
	disk=/dev/mapper/$name
}

make_bare() {
	:
}

make_linear() {
	dm_device bench linear "$disk" 0
}

make_ioband() {
	local type words

	type=${1#ioband}
	type=${type#-}
	mapfile -t words < <(ioband_groups "${type:-cgroup}")
	dm_device bench ioband "$disk" bench 0 "$io_limit" "${type:-cgroup}" "$ioband_policy" 0 "${words[@]}"
}

# Its model is the truth about the device: so many requests, of so many bytes if they were all that long
iocost_bytes=65536 iocost_bounds="min=50 max=150"

make_iocost() {
	local number ios bytes

	number=$(< "/sys/block/${disk##*/}/dev")
	ios=$(device_iops)
	bytes=$((ios * iocost_bytes))
	echo "$number enable=1 ctrl=user rpct=95 rlat=4000 wpct=95 wlat=4000 $iocost_bounds" > "$cgroups/io.cost.qos"
	echo "$number ctrl=user model=linear rbps=$bytes rseqiops=$ios rrandiops=$ios wbps=$bytes wseqiops=$ios wrandiops=$ios" > "$cgroups/io.cost.model"
}

make_bfq() {
	echo bfq > "/sys/block/${disk##*/}/queue/scheduler"
}

with_stack() {
	local stack=$1

	shift
	make_below
	"make_${stack%%-*}" "$stack"
	"$@"
	! dmsetup info bench > /dev/null 2>&1 || remove_dm_device bench
	remove_below
}

# Load

jobs=() own_files=
declare -A iops=() kib=() mean_ms=() p99_ms=()
total_iops='' total_kib='' instructions=''

job() {
	jobs+=(--name="$1" --cgroup="$1" --cgroup_nodelete=1 --iodepth="$2" "${@:3}")
}

# run_fio SECONDS FIO-OPTION...: its output to /tmp/fio. One process, so that the jobs start together.
run_fio() {
	local seconds=$1

	shift
	[ -n "$own_files" ] || set -- --filename="$disk" "$@"
	fio --direct=1 --bs=4k --rw=randread --ioengine=io_uring --time_based --runtime="$seconds" \
	    --eta=never --output-format=json --output=/tmp/fio "$@" "${jobs[@]}" > /tmp/fio.err 2>&1 ||
		die "fio failed: $(tail -n 3 /tmp/fio.err /tmp/fio)"
	jobs=()
}

# usage: up to now, the seconds in which the CPU had something to do, which waiting for I/O is not,
# and the I/Os that all null_blk devices completed
usage() {
	awk 'FILENAME == "/proc/uptime" { up = $1 }
	     FILENAME == "/proc/stat" && $1 == "cpu" { idle = ($5 + $6) / 100 }
	     FILENAME ~ /nullb/ { ios += $1 + $5 }
	     END { print up - idle, ios }' /proc/uptime /proc/stat /sys/block/nullb*/stat
}

# count_jobs: has fio add to its output what each job has done up to now. What it says in the end
# will not do: each job comes to its end at its own time, and those left have the device to themselves.
count_jobs() {
	pkill -USR1 -o -x fio || die "fio ended before its jobs were counted"
}

# watch_jobs RAMP SECONDS: counts what is done in SECONDS that begin RAMP after the jobs; usage to /tmp/usage
watch_jobs() {
	local ios=0 busy start before

	read -r busy start < <(usage)
	until [ "$ios" -gt $((start + 10)) ]; do
		sleep 0.1
		[ -d /proc/$$ ] || return	# what it watches has failed
		read -r busy ios < <(usage)
	done
	sleep "$1"
	count_jobs
	before=$(usage)
	sleep "$2"
	echo "$before $(usage)" > /tmp/usage
	count_jobs
}

# once_jobs RAMP SECONDS FIO-OPTION...: a run of the jobs; total_iops stays 0 if it gave no figures
once_jobs() {
	local ramp=$1 seconds=$2 watcher name words

	shift 2
	rm -f /tmp/usage
	watch_jobs "$ramp" "$seconds" &
	watcher=$!
	# fio itself leaves out the beginning, or its latencies were also those of the ramp
	run_fio "$(calc "$ramp + $seconds + 2")" --ramp_time="$(calc "$ramp / 2")" "$@"
	wait "$watcher" || die "the jobs could not be counted"
	instructions=$(awk -v rate="$instructions_per_second" '{ printf "%.0f", rate * ($3 - $1) / ($4 - $2) }' /tmp/usage)
	total_iops=0 total_kib=0
	while read -r name words; do
		read -r "iops[$name]" "kib[$name]" "mean_ms[$name]" "p99_ms[$name]" <<< "$words"
		total_iops=$(calc "$total_iops + ${iops[$name]}")
		total_kib=$(calc "$total_kib + ${kib[$name]}")
	done < <(jq -r -s -f "$here/rates.jq" /tmp/fio)
}

# fio asks each job for what it has done, and one that the stack below lets wait for seconds, as BFQ
# does among many, answers no earlier than it can: all have ended by then. Another run may have more luck.
run_jobs() {
	local again=("${jobs[@]}") run

	for run in {1..8}; do
		jobs=("${again[@]}")
		once_jobs "$@"
		[ "$total_iops" = 0 ] || return 0
		say "run $run ended before all of its jobs had been counted"
	done
	die "there are no figures of fio's jobs"
}

run_flat_out() {
	local seconds=$1

	shift
	run_fio "$seconds" --ramp_time=0.2 "$@"
	instructions=$(jq --argjson rate "$instructions_per_second" '.jobs[0] | (.read, .write) | select(.total_ios > 0)
		| $rate * .runtime / 1000 / .total_ios * 10 | round / 10' /tmp/fio)
}

share_error() {
	local -n rate=$1
	local name

	for name in "${group_names[@]}"; do
		echo "${weight[$name]} ${rate[$name]}"
	done | awk '
		{ weight[NR] = $1; rate[NR] = $2; weights += $1; total += $2 }
		END {
			for (i = 1; i <= NR; i++) {
				error = (rate[i] / total) / (weight[i] / weights) - 1
				if (error < 0)
					error = -error
				if (error > worst)
					worst = error
			}
			printf "%.3f", 100 * worst
		}'
}
