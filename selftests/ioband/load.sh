# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Load for the dm-ioband selftests: what lib.sh has, and fio, shares and traces.
#
# No test here asserts a time or a rate. A share is a ratio of two counts taken in one interval in which every load ran; an order is read from a
# trace of the device below. So a slow or noisy machine changes how long a test takes, not how it ends.
#
# Load (fio, random reads of 4 KiB, direct, 32 deep, until the test ends)
#   load_nullb NAME [ATTRIBUTE=VALUE...]          slow_nullb without an I/O scheduler, so that its request-queue size is its true depth, 16
#   load NAME [FIO-OPTION...] [-- PREFIX...]      starts load on /dev/mapper/NAME in the background; $! is fio's process
#   wait_for_load NAME/ID...                      until each of these groups has done I/O since the last reset
#   verify_load NAME [FIO-OPTION...] [-- PREFIX...]  writes 8 MiB in random order and reads it back, checking every block, in the background
#   running PID...                                true while any of these runs
#   while_verified ROUNDS COMMAND...              runs it again and again beside two verified loads on ioband1, of users 0 and 1000, and these again
#                                                 until it has run so often; $rounds is how often it has
#   expect_verified PID...                        waits for finite loads; the test fails if one found wrong data or an I/O error
# Prefixes for load, verify_load and paused (each ends in exec, so the process keeps its number)
#   as_user UID, as_group GID, in_cgroup DIRECTORY, on_cpu NUMBER, as_leader (of a new process group)
# Shares
#   measure SECONDS                               counts meanwhile: requests[NAME/ID], moved (sectors), delayed, reads, writes; reference
#   conserve_nullb NAME                           40 ms, 32 deep: the time from a completion to the next issue, long on a busy host, is small
#   reference_load                                load 64 deep on a dm-linear device on one of its own beside it; measure counts it in $reference
#   expect_shares PERCENT COUNTER NAME/ID=WEIGHT...  the counts are in proportion to the weights; no share is off by more than PERCENT of itself
#   expect_1_to_3 LIGHT HEAVY                     for the types: the loads of these two groups of ioband1, weights 100 and 300, get what is theirs
#   total_delayed                                 requests of all groups that were held, since the last reset
#   expect_conserved PERCENT NAME/ID...           these groups together did what the reference did, at most PERCENT less
# Exact I/O
#   (read_blocks NAME COUNT [PREFIX...])          COUNT direct reads of 4 KiB, one at a time; ends in exec, hence the parentheses
#   (write_blocks NAME COUNT [PREFIX...])         the same with writes
#   paused COMMAND...                             starts it stopped, so that its number ($!) can be attached first; go PID runs it to its end
#   expect_group NAME ID READS WRITES             all of the group's counters after only those commands: nothing delayed, 8 sectors a request
# Traces
#   trace_start EVENT[,FILTER]...                 SUBSYSTEM/EVENT in a trace instance of our own, ordered across CPUs
#   trace_stop > FILE                             ends it; the records, without tracefs' comments
#   trace_dev DEVICE                              the device number as trace filters want it
#   trace_issues DEVICE                           traces what is sent down to DEVICE
#   blktrace_start NAME, blktrace_stop, blktrace_records FORMAT  what blktrace sees of an ioband device
#   issue_order SECTOR < FILE                     from that trace: one line per request, a (starts below SECTOR) or b

. "${BASH_SOURCE[0]%/*}/lib.sh"

require fio setpriv awk

trap 'trace_remove; continue_jobs; remove_everything' EXIT

# A process that is still stopped would never be gone
continue_jobs() {
	local pid

	for pid in $(jobs -p); do
		kill -CONT "$pid" 2> /dev/null
	done
}

# Load

load_nullb() {
	slow_nullb "$@" no_sched=1
}

as_user() {
	local user=$1

	shift
	exec setpriv --reuid "$user" --clear-groups "$@"
}

as_group() {
	local group=$1

	shift
	exec setpriv --regid "$group" --clear-groups "$@"
}

in_cgroup() {
	local directory=$1

	shift
	echo "$BASHPID" > "$directory/cgroup.procs" || exit
	exec "$@"
}

on_cpu() {
	local number=$1

	shift
	exec taskset -c "$number" "$@"
}

as_leader() {
	exec setsid "$@"
}

declare -A fio_log=()

# start_load NAME FIO-OPTION... [-- PREFIX...]
start_load() {
	local name=$1 options=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	chmod a+rw "/dev/mapper/$name"
	# As a thread, or fio would do its I/O in a child with a session of its own
	"$@" fio --name=load --thread --filename="/dev/mapper/$name" --direct=1 --invalidate=0 "${options[@]}" > "$scratch/fio.${#fio_log[@]}" 2>&1 &
	fio_log[$!]=$scratch/fio.${#fio_log[@]}
}

load() {
	local name=$1

	shift
	start_load "$name" --ioengine=io_uring --rw=randread --bs=4k --iodepth=32 --norandommap --randrepeat=0 --gtod_reduce=1 --time_based \
		--runtime=600 "$@"
}

verify_load() {
	local name=$1

	shift
	start_load "$name" --ioengine=io_uring --rw=randwrite --bs=4k --iodepth=32 --size=8m --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
		--verify_backlog=256 "$@"
}

# all_busy NAME/ID...: far enough that none is starting up any more
all_busy() {
	local group read write

	read_counters
	for group; do
		read -r read _ _ write _ <<< "${counters[$group]:-0 0 0 0 0 0}"
		[ $((read + write)) -ge 64 ] || return
	done
}

wait_for_load() {
	if ! wait_until 60 all_busy "$@"; then
		diag "$(dmsetup status --target ioband; grep -h -m 5 '^fio:' "$scratch"/fio.*)"
		return 1
	fi
	# What a latecomer may claim for the time before, a few epochs, is not what is measured
	sleep 0.3
}

# slots_nullb: the disk for expect_all_slots, so slow that a burst is submitted as a whole before one of it completes
slots_nullb() {
	load_nullb slots size=64 completion_nsec=1200000000 hw_queue_depth=64
}

# expect_all_slots ID LIMIT: has the idle ioband device ID as many slots as io_limit says? On another device of it, of LIMIT + 3 at once three are
# held. One more, and a slot was lost; one less, and one is there twice
expect_all_slots() {
	local number=$(($2 + 3)) kind
	local burst=(--ioengine=libaio --bs=4k --iodepth="$number" --iodepth_batch_submit="$number" --number_ios="$number" --size=64m)

	ioband_create slots1 /dev/slots "$1" "$2" "$2" user weight 0 :100 || return
	start_load slots1 --rw=randread "${burst[@]}" --name=writes --thread --filename=/dev/mapper/slots1 --direct=1 --rw=randwrite "${burst[@]}"
	expect_verified $!
	for kind in read write; do
		expect_eq "${kind}s held of $number at once" 3 "$(status_column slots1 -1 "${kind}s_delayed")"
	done
	dm_remove slots1
}

running() {
	local pid

	for pid; do
		kill -0 "$pid" 2> /dev/null && return
	done
	return 1
}

expect_verified() {
	local pid

	for pid; do
		wait "$pid" || {
			fail "fio ended with exit code $?:
$(grep -m 3 -E '^(fio|verify):' "${fio_log[$pid]}")"
		}
	done
}

rounds=0

while_verified() {
	local least=$1 pids

	shift
	rounds=0
	# A machine that is slow or busy does less while a load of a given size lasts
	while [ "$rounds" -lt "$least" ]; do
		verify_load ioband1
		pids=($!)
		verify_load ioband1 --offset=16m -- as_user 1000
		pids+=($!)
		wait_for_load ioband1/-1 || return
		while running "${pids[@]}"; do
			"$@" || return
			rounds=$((rounds + 1))
		done
		expect_verified "${pids[@]}"
	done
	diag "$rounds rounds"
}

# Shares

declare -A counters=() reads=() writes=() requests=() moved=() delayed=()
reference=0

# read_counters: the six counters of each group of each ioband device, into counters[NAME/ID]
read_counters() {
	local group six

	counters=()
	while read -r group six; do
		counters[$group]=$six
	done < <(dmsetup status --target ioband | awk '{ sub(/:$/, "", $1)
		for (i = 6; i <= NF; i += 7) print $1 "/" $i, $(i + 1), $(i + 2), $(i + 3), $(i + 4), $(i + 5), $(i + 6) }')
}

# total_delayed: requests of all groups that were held since the last reset
total_delayed() {
	dmsetup status --target ioband | awk '{ for (i = 6; i <= NF; i += 7) total += $(i + 2) + $(i + 5) } END { print total + 0 }'
}

# completed DEVICE: requests the block layer has seen complete
completed() {
	local -a fields

	read -r -a fields < "/sys/class/block/$1/stat"
	echo $((fields[0] + fields[4]))
}

reference_count() {
	if [ -e /dev/reference ]; then completed reference; else echo 0; fi
}

measure() {
	local reference_before key
	local -A earlier
	local -a was is

	measured=$1
	read_counters
	for key in "${!counters[@]}"; do
		earlier[$key]=${counters[$key]}
	done
	reference_before=$(reference_count)
	sleep "$1"
	read_counters
	reference=$(($(reference_count) - reference_before))
	# shellcheck disable=SC2034 # read through expect_shares' name reference and by the programs
	for key in "${!earlier[@]}"; do
		read -r -a was <<< "${earlier[$key]}"
		read -r -a is <<< "${counters[$key]:-${earlier[$key]}}"
		reads[$key]=$((is[0] - was[0]))
		writes[$key]=$((is[3] - was[3]))
		requests[$key]=$((is[0] - was[0] + is[3] - was[3]))
		moved[$key]=$((is[2] - was[2] + is[5] - was[5]))
		delayed[$key]=$((is[1] - was[1] + is[4] - was[4]))
	done
}

conserve_nullb() {
	slow_nullb "$1" no_sched=1 completion_nsec=40000000 hw_queue_depth=32
}

reference_load() {
	[ -e /dev/reference ] || conserve_nullb reference
	dm_create reference1 "0 $(sectors /dev/reference) linear /dev/reference 0" || return
	load reference1 --iodepth=64
	wait_until 60 reference_runs
}

reference_runs() {
	[ "$(completed reference)" -ge 64 ]
}

# again_if_not COMMAND...: whether it is true of what was measured, or else of another two measurements. A load whose CPU stands still for a while has
# nothing pending, so another one gets its share. What the scheduler did wrong it would do again.
again_if_not() {
	"$@" || { measure_again && "$@"; } || { measure_again && "$@"; }
}

measure_again() {
	diag "measured again, for $measured s"
	measure "$measured"
}

expect_shares() {
	again_if_not shares_are "$@" || fail "a share is off by more than $1 %"
}

shares_are() {
	local percent=$1 counter=$2 word list=()
	local -n counts=$2

	shift 2
	for word; do
		list+=("${word%=*} ${counts[${word%=*}]:-0} ${word##*=}")
	done
	printf '%s\n' "${list[@]}" | awk -v percent="$percent" -v counter="$counter" '
		{ group[NR] = $1; count[NR] = $2; weight[NR] = $3; counts += $2; weights += $3 }
		END { for (i = 1; i <= NR; i++) {
			got = counts ? count[i] / counts * 100 : 0
			want = weight[i] / weights * 100
			off = (got / want - 1) * 100
			printf "# %s: %d %s, %.2f %% (by weight %.2f %%, off by %+.1f %%)\n", group[i], count[i], counter, got, want, off
			if (off > percent || off < -percent) wrong = 1
		} exit wrong }'
}

# Without groups both would be the default group's; with groups but no weights each would get 50 %
expect_1_to_3() {
	wait_for_load "ioband1/$1" "ioband1/$2" || return
	measure 2
	expect_shares 7 requests "ioband1/$1=100" "ioband1/$2=300"
	expect_eq "requests of the default group" 0 "${requests[ioband1/-1]}"
}

expect_conserved() {
	again_if_not is_conserved "$@" || fail "requests are more than $1 % below the reference"
}

is_conserved() {
	local percent=$1 total=0 group

	shift
	for group; do
		total=$((total + ${requests[$group]:-0}))
	done
	diag "$*: $total requests, the reference: $reference"
	[ $((total * 100 / (reference > 0 ? reference : 1))) -ge $((100 - percent)) ]
}

# Exact I/O

paused() {
	{
		kill -STOP "$BASHPID"
		"$@"
	} &
	wait_until 60 is_stopped $!
}

is_stopped() {
	grep -q '^State:[[:space:]]*T' "/proc/$1/status"
}

go() {
	kill -CONT "$1"
	wait "$1" || fail "process $1 ended with exit code $?"
}

read_blocks() {
	local name=$1 count=$2

	shift 2
	[ $# -gt 0 ] || set -- exec
	chmod a+rw "/dev/mapper/$name"
	"$@" dd if="/dev/mapper/$name" of=/dev/null bs=4k count="$count" iflag=direct status=none
}

write_blocks() {
	local name=$1 count=$2

	shift 2
	[ $# -gt 0 ] || set -- exec
	chmod a+rw "/dev/mapper/$name"
	"$@" dd if=/dev/zero of="/dev/mapper/$name" bs=4k count="$count" oflag=direct status=none
}

expect_group() {
	local want="$2 $3 0 $(($3 * 8)) $4 0 $(($4 * 8))"

	expect_eq "counters of group $2" "$want" "$(status "$1" | awk -v id="$2" '
		{ for (i = 5; i <= NF; i += 7) if ($i "" == id "") print $i, $(i + 1), $(i + 2), $(i + 3), $(i + 4), $(i + 5), $(i + 6) }')"
}

# Traces

trace_instance=

tracefs() {
	local directory

	for directory in /sys/kernel/tracing /sys/kernel/debug/tracing; do
		if [ -e "$directory/trace" ]; then
			echo "$directory"
			return
		fi
	done
	mount -t tracefs tracefs /sys/kernel/tracing && echo /sys/kernel/tracing
}

trace_start() {
	local event

	trace_remove
	trace_instance=$(tracefs)/instances/ioband-selftest
	mkdir "$trace_instance" || bail "cannot make a trace instance"
	# The one clock that puts the records of all CPUs in one order
	echo counter > "$trace_instance/trace_clock"
	echo 8192 > "$trace_instance/buffer_size_kb"
	for event; do
		case $event in
		*,*) echo "${event#*,}" > "$trace_instance/events/${event%%,*}/filter" || fail "trace filter refused: $event" ;;
		esac
		echo 1 > "$trace_instance/events/${event%%,*}/enable" || fail "no event $event"
	done
}

trace_stop() {
	echo 0 > "$trace_instance/tracing_on"
	# A full buffer would have dropped the oldest records without a word
	awk '$1 == "overrun:" || $1 == "dropped" { lost += $NF } END { exit lost > 0 }' "$trace_instance"/per_cpu/cpu*/stats ||
		echo "records were lost"
	grep -v '^#' "$trace_instance/trace"
	trace_remove
}

trace_remove() {
	[ -n "$trace_instance" ] || return 0
	rmdir "$trace_instance"
	trace_instance=
}

trace_dev() {
	local number

	number=$(device_number "$1")
	echo $((${number%:*} << 20 | ${number#*:}))
}

trace_issues() {
	trace_start "block/block_bio_remap,dev == $(trace_dev "$1")"
}

issue_order() {
	sed -n 's/.*block_bio_remap: [^ ]* [^ ]* \([0-9]*\) + .*/\1/p' | awk -v border="$1" '{ print $1 < border ? "a" : "b" }'
}

blktrace=

blktrace_runs() {
	compgen -G "/sys/kernel/debug/block/*/trace0" > /dev/null
}

blktrace_start() {
	local device

	device=$(readlink -f "/dev/mapper/$1")
	blktrace -d "$device" -D "$scratch" -o blktrace > "$scratch/blktrace.log" 2>&1 &
	blktrace=$!
	# blktrace says nothing when it is ready, nor does the kernel
	if ! wait_until 20 blktrace_runs; then
		diag "$(cat "$scratch/blktrace.log")"
		return 1
	fi
	sleep 3
}

blktrace_stop() {
	kill -INT "$blktrace" 2> /dev/null || kill "$blktrace"
	wait "$blktrace"
}

# FORMAT as blkparse -f has it, empty: its own
blktrace_records() {
	blkparse -q -D "$scratch" -i blktrace ${1:+-f "$1"}
}
