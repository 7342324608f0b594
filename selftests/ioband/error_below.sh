#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Errors of the device below: each comes, as it is, to those bios that it is about and to no other, whether the bio was held or not and however
# the error came about. Then nothing is in flight, nothing is held, no slot is lost or won, and the device can be removed.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

require blkdiscard
for target in flakey thin-pool; do
	require_target "$target" || skip_program "the kernel has no target $target"
done

# Of every two blocks of 4 KiB the second one is bad
blocks=512
limit=4
scsi_debug=/sys/bus/pseudo/drivers/scsi_debug

# With a cache, or there would be no flushes
load_nullb slow memory_backed=1 cache_size=16
load_nullb slow2 memory_backed=1
load_nullb small size=64 memory_backed=1 max_sectors=128
slots_nullb
# A bio that is merged into the request of another shares that one's error
for disk in slow slow2 small; do
	forbid_merges "/dev/$disk"
done

# Devices

# striped: /dev/mapper/below, whose odd blocks are errors and whose even ones are those of /dev/slow
striped() {
	dm_create below "$(awk -v blocks="$blocks" 'BEGIN { for (i = 0; i < blocks; i++)
		print i * 8, 8, i % 2 ? "error" : "linear /dev/slow " i * 8 }')"
}

# The bytes that are odd blocks from byte $1 to byte $2
odd_blocks() {
	seq $(($1 + 4096)) 8192 $(($2 - 1))
}

# numbered DEVICE: each block holds its offset
numbered() {
	must fio --name=number --filename="$1" --rw=write --bs=4k --size=$((blocks * 4096)) --direct=1 --ioengine=libaio --iodepth=32 \
		"${numbers[@]}"
}

# ioband NAME DEVICE: of the ID share1, with a group for the user 1000
ioband() {
	ioband_create "$1" "$2" share1 "$limit" "$limit" user weight 0 :100 1000:300
}

# scsi_disk: $disk, which scsi_debug makes, of 8 MiB
scsi_disk() {
	[ -w "$scsi_debug/add_host" ] || bail "the kernel has no scsi_debug (CONFIG_SCSI_DEBUG)"
	must tee "$scsi_debug/add_host" <<< 1 || return
	on_end scsi_disk_remove
	wait_until 60 scsi_disk_is_there || return
	wait_until 60 scsi_disk_is_slow || return
	forbid_merges "$disk"
}

scsi_disk_is_there() {
	disk=$(compgen -G "$scsi_debug/adapter*/host*/target*/*/block/*") && disk=/dev/${disk##*/} && [ -b "$disk" ]
}

# scsi_debug refuses another delay, in ns, while it has a request: somebody may still be looking for partitions
scsi_disk_is_slow() {
	tee "$scsi_debug/ndelay" <<< 10000000 > /dev/null 2>&1
}

scsi_disk_remove() {
	must tee "$scsi_debug/add_host" <<< -1
}

# Input and output

# Options by which each block that is read must hold its offset, and each that is written does
numbers=(--verify=pattern --verify_pattern=%o --do_verify=0)

# job NAME KIND FROM BYTES [OPTION...] [-- PREFIX...]: fio that goes on after an error and says which block it was, also after ENODATA (61) and ENOSPC (28)
job() {
	local name=$1 kind=$2 from=$3 bytes=$4

	shift 4
	start_load "$name" --ioengine=libaio --rw="$kind" --bs=4k --iodepth=32 --offset="$from" --size="$bytes" --continue_on_error=io \
		--ignore_error=5:61,5:28 --error_dump=1 "$@"
}

# failed PROCESS: a line with the error and the offset for each block that failed
failed() {
	sed -n 's/.*io_u error on file [^:]*: \(.*\): [a-z]* offset=\([0-9]*\), .*/\1 \2/p' "${fio_log[$1]}" | sort
}

# errors PROCESS: which errors these were
errors() {
	failed "$1" | sed 's/ [0-9]*$//' | sort -u
}

# expect_failed PROCESS ERROR OFFSET...: the job has ended, and these blocks of it failed with that error, and no others. Wrong data fails as well
expect_failed() {
	local process=$1 error=$2

	shift 2
	wait_until 60 has_ended "$process" || return
	wait "$process"
	! grep -q -e '^verify' -e 'Invalid or incomplete' "${fio_log[$process]}" || fail "wrong data
$(grep -m 5 -e '^verify' -e '^fio:' "${fio_log[$process]}")"
	printf '%s\n' "${@/#/$error }" | sed '/^$/d' | sort > "$scratch/want"
	failed "$process" > "$scratch/got"
	diag "$(wc -l < "$scratch/got") blocks failed"
	diff "$scratch/want" "$scratch/got" > "$scratch/diff" || fail "other blocks failed than should have ($(wc -l < "$scratch/want"))
$(head -n 10 "$scratch/diff")
$(head -n 5 "${fio_log[$process]}")"
}

# Expectations

start() {
	trace_start ioband/ioband_hold ioband/ioband_issue
}

# holds: so far; each bio that was held is one
holds() {
	grep -c "ioband_hold: " "$trace_instance/trace"
}

has_held() {
	[ "$(holds)" -ge "$1" ]
}

# expect_over HELD NAME...: at least so many bios of these devices were held since the start and nothing is left of any; then they are removed
expect_over() {
	local least=$1 name held issued

	shift
	for name; do
		expect_eq "in flight on $name" 0 "$(in_flight "/dev/mapper/$name")"
	done
	trace_stop > "$scratch/trace"
	held=$(grep -c "ioband_hold: " "$scratch/trace")
	issued=$(grep -c "ioband_issue: .* delayed=1" "$scratch/trace")
	diag "$held bios were held"
	expect_ge "bios that were held" "$held" "$least"
	expect_eq "bios that were issued after that" "$held" "$issued"
	expect_all_slots share1 "$limit"
	for name; do
		dm_remove "$name"
	done
}

# Two of them, on striped: root's on the first half, user 1000's on the second

half=$((blocks * 2048))

# two_jobs randread|randwrite: in $pids
two_jobs() {
	job ioband1 "$1" 0 "$half" "${numbers[@]}"
	pids=($!)
	job ioband1 "$1" "$half" "$half" "${numbers[@]}" -- as_user 1000
	pids+=($!)
}

# Every other block, for both of them
expect_bad_blocks_failed() {
	# shellcheck disable=SC2046 # a word for each block
	expect_failed "${pids[0]}" "Input/output error" $(odd_blocks 0 "$half")
	# shellcheck disable=SC2046
	expect_failed "${pids[1]}" "Input/output error" $(odd_blocks "$half" $((2 * half)))
}

# Tests

# An error target completes a bio while it is being submitted
test_reads_of_bad_blocks_fail_and_of_good_ones_do_not() {
	local pids

	numbered /dev/slow && striped && ioband ioband1 /dev/mapper/below || return
	start
	two_jobs randread
	expect_bad_blocks_failed
	expect_eq "reads" "$((blocks / 2)) $((blocks / 2))" "$(status_column ioband1 -1 reads) $(status_column ioband1 1000 reads)"
	expect_over 100 ioband1
}

test_writes_to_bad_blocks_fail_and_to_good_ones_do_not() {
	local pids

	must blkdiscard -z -f -l $((2 * half)) /dev/slow
	striped && ioband ioband1 /dev/mapper/below || return
	start
	two_jobs randwrite
	expect_bad_blocks_failed
	expect_eq "writes" "$((blocks / 2)) $((blocks / 2))" "$(status_column ioband1 -1 writes) $(status_column ioband1 1000 writes)"
	# What did not fail is on the disk
	job ioband1 randread 0 $((2 * half)) "${numbers[@]}"
	# shellcheck disable=SC2046
	expect_failed $! "Input/output error" $(odd_blocks 0 $((2 * half)))
	expect_over 100 ioband1
}

# Held bios are issued, or handed back and come again, while others of them fail
test_errors_while_the_device_is_suspended_and_resumed() {
	local pids round=0

	numbered /dev/slow && striped && ioband ioband1 /dev/mapper/below || return
	# The jobs may be over before the first round is
	while [ "$round" -lt 2 ]; do
		two_jobs randread
		while running "${pids[@]}"; do
			dm_suspend ioband1 && dm_resume ioband1 && dm_suspend ioband1 --noflush --nolockfs && dm_resume ioband1 || return
			round=$((round + 1))
			sleep 0.1
		done
		expect_bad_blocks_failed
	done
	diag "$round rounds"
	start
	expect_over 0 ioband1
}

# A detached group has its held bios issued, and is there until the last has failed
test_errors_of_a_group_that_is_detached() {
	local pids round=0

	numbered /dev/slow && striped && ioband ioband1 /dev/mapper/below || return
	start
	while [ "$round" -lt 2 ]; do
		two_jobs randread
		while running "${pids[@]}"; do
			must message ioband1 detach 1000 && must message ioband1 attach 1000 || return
			round=$((round + 1))
		done
		expect_bad_blocks_failed
	done
	diag "$round rounds"
	expect_over 100 ioband1
}

# The driver's own: the error comes when the request completes, from an interrupt
test_bad_blocks_of_a_disk_beside_another_group_that_verifies() {
	local pids=()

	# Sectors from 32 MiB on, one block of 4 KiB in eight
	awk 'BEGIN { for (i = 0; i < 64; i++) print "+" 65536 + i * 64 "-" 65543 + i * 64 }' | while read -r range; do
		echo "$range" > /sys/kernel/config/nullb/slow2/badblocks || echo "$range was refused"
	done > "$scratch/refused"
	expect_eq "ranges that were refused" "" "$(< "$scratch/refused")"
	ioband ioband1 /dev/slow2 || return
	start
	verify_load ioband1 --size=2m
	pids+=($!)
	job ioband1 randrw $((32 << 20)) $((2 << 20)) -- as_user 1000
	pids+=($!)
	# shellcheck disable=SC2046
	expect_failed "${pids[1]}" "Input/output error" $(seq $((32 << 20)) 32768 $((34 << 20)) | head -n 64)
	expect_verified "${pids[0]}"
	expect_over 100 ioband1
}

# Cut in four on its way down, of which the third fails; the program is told of its error, once, and the bios beside it are fine
test_one_part_of_a_large_bio_fails() {
	echo "+300-307" > /sys/kernel/config/nullb/small/badblocks
	ioband ioband1 /dev/small || return
	start
	fails_with "read of 256 KiB" "Input/output error" dd if=/dev/mapper/ioband1 of=/dev/null bs=256k count=1 iflag=direct status=none
	expect_eq "reads" 4 "$(status_column ioband1 -1 reads)"
	fails_with "write of 256 KiB" "Input/output error" dd if=/dev/zero of=/dev/mapper/ioband1 bs=256k count=1 oflag=direct status=none
	expect_eq "writes" 4 "$(status_column ioband1 -1 writes)"
	must dd if=/dev/mapper/ioband1 of=/dev/null bs=256k skip=1 count=4 iflag=direct status=none
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=256k seek=1 count=4 oflag=direct status=none
	expect_over 0 ioband1
}

# flakey FEATURE...: the table of a device that is always down
flakey() {
	echo "0 $(sectors /dev/slow) flakey /dev/slow 0 0 3600 $# $*"
}

# The device below is another one at once, under load: from good to bad and back
test_a_device_that_fails_for_a_while() {
	local reader writer failures half=$((blocks * 2048))

	numbered /dev/slow && dm_create below "0 $(sectors /dev/slow) linear /dev/slow 0" && ioband ioband1 /dev/mapper/below || return
	start
	job ioband1 randread 0 $half "${numbers[@]}"
	reader=$!
	job ioband1 randwrite $half $half --time_based --runtime=600 --rate_iops=100 -- as_user 1000
	writer=$!
	wait_until 60 has_held 50 || return
	dm_reload below "$(flakey error_writes)"
	wait_until 60 has_failed "$writer" 10
	dm_reload below "0 $(sectors /dev/slow) linear /dev/slow 0"
	expect_failed "$reader" none
	# Those that were on their way have arrived
	writes_go_on
	failures=$(failed "$writer" | wc -l)
	diag "$failures writes failed"
	writes_go_on
	expect_eq "writes that failed" "$failures" "$(failed "$writer" | wc -l)"
	expect_eq "errors" "Input/output error" "$(errors "$writer")"
	kill_jobs
	expect_over 100 ioband1
}

has_failed() {
	[ "$(failed "$1" | wc -l)" -ge "$2" ]
}

# writes_go_on: 50 more
writes_go_on() {
	wait_until 60 has_written $(($(status_column ioband1 1000 writes) + 50))
}

has_written() {
	[ "$(status_column ioband1 1000 writes)" -ge "$1" ]
}

test_each_kind_of_request_fails_by_itself() {
	dm_create below "$(flakey error_writes)" && ioband ioband1 /dev/mapper/below || return
	start
	must dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=8 iflag=direct status=none
	fails_with "write" "Input/output error" dd if=/dev/zero of=/dev/mapper/ioband1 bs=4k count=1 oflag=direct status=none
	fails_with "flush" "Input/output error" sync /dev/mapper/ioband1
	fails_with "zeroed range" "Input/output error" blkdiscard -z -f -l 65536 /dev/mapper/ioband1
	dm_reload below "$(flakey error_reads)"
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=4k count=8 oflag=direct status=none
	must sync /dev/mapper/ioband1
	fails_with "read" "Input/output error" dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=1 iflag=direct status=none
	# Nothing fails, and nothing is written
	numbered /dev/slow
	dm_reload below "$(flakey drop_writes)"
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=4k count=8 oflag=direct status=none
	dm_reload below "0 $(sectors /dev/slow) linear /dev/slow 0"
	job ioband1 randread 0 $((blocks * 4096)) "${numbers[@]}"
	expect_failed $! none
	expect_over 0 ioband1
}

# Not only EIO
test_the_error_is_that_of_the_device_below() {
	scsi_disk || return
	# Two blocks of 4 KiB are unreadable
	echo 2 > "$scsi_debug/opts"
	ioband ioband1 "$disk" || return
	start
	job ioband1 randread $((2 << 20)) $((1 << 20))
	expect_failed $! "No data available" 2383872 2387968
	echo 0 > "$scsi_debug/opts"
	expect_over 100 ioband1
}

test_a_device_without_space() {
	local job

	must dd if=/dev/zero of=/dev/small bs=64k count=64 oflag=direct status=none seek=512
	dm_create meta "0 8192 linear /dev/small 65536" || return
	dm_create pool "0 2048 thin-pool /dev/mapper/meta /dev/slow 128 0 1 error_if_no_space" || return
	must dmsetup message pool 0 create_thin 0
	dm_create thin "0 65536 thin /dev/mapper/pool 0" || return
	ioband ioband1 /dev/mapper/thin || return
	start
	# 64 blocks of the pool, which has 16
	job ioband1 randwrite 0 $((4 << 20)) --bs=64k
	job=$!
	wait_until 60 has_ended "$job" || return
	expect_eq "blocks that failed" 48 "$(failed "$job" | wc -l)"
	expect_eq "errors" "No space left on device" "$(errors "$job")"
	expect_over 30 ioband1
}

in_flight_below() {
	[ "$(in_flight "$1")" -ge 1 ]
}

# A device that goes away with some bios in flight and others held. Those of another device that has the same scheduler go on
test_a_device_that_is_deleted_under_load() {
	local pids=() process

	scsi_disk || return
	ioband ioband1 "$disk" && ioband ioband2 /dev/slow2 || return
	start
	verify_load ioband2 --size=2m
	pids+=($!)
	load ioband1 --ioengine=libaio
	pids+=($!)
	load ioband1 --ioengine=libaio -- as_user 1000
	pids+=($!)
	wait_until 60 has_held 300 || return
	wait_until 60 in_flight_below "$disk" || return
	must tee "/sys/block/${disk##*/}/device/delete" <<< 1
	for process in "${pids[@]:1}"; do
		wait_until 60 has_ended "$process" || return
		! wait "$process" || fail "a job did not fail"
		expect_match "errors" "((Input/output error|No such device);)+" "$(errors "$process" | tr '\n' ';')"
	done
	running "${pids[0]}" || diag "the other job was over before the device was deleted"
	expect_verified "${pids[0]}"
	fails_with "read of a device that is gone" "Input/output error" dd if=/dev/mapper/ioband1 of=/dev/null bs=4k count=1 iflag=direct status=none
	expect_over 300 ioband1 ioband2
}

# Requests that the device below forgets come again after a time-out of its driver's: whoever waits for them gets no error and the right data
test_requests_that_time_out_below() {
	local pids=() late

	scsi_disk || return
	echo 1 > "/sys/block/${disk##*/}/device/timeout"
	ioband ioband1 "$disk" || return
	start
	echo 4 > "$scsi_debug/opts"
	echo 100 > "$scsi_debug/every_nth"
	verify_load ioband1 --size=512k
	pids+=($!)
	verify_load ioband1 --size=512k --offset=4m -- as_user 1000
	pids+=($!)
	expect_verified "${pids[@]}"
	echo 0 > "$scsi_debug/opts"
	echo 0 > "$scsi_debug/every_nth"
	late=$(($(cat "/sys/block/${disk##*/}/device/iotmo_cnt")))
	diag "$late requests timed out"
	expect_ge "requests that timed out" "$late" 1
	expect_over 100 ioband1
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
