#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The counters of dmsetup status agree with what blktrace saw of the same device.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

require blktrace blkparse blkdiscard
load_nullb slow memory_backed=1 discard=1
load_nullb small memory_backed=1 max_sectors=128
# The kernel's default, which is no multiple of 4 KiB
load_nullb odd memory_backed=1 max_sectors=255

# seen ACTION KIND: requests and sectors blktrace saw, KIND a pattern of the direction
seen() {
	awk -v action="$1" -v kind="$2" '$1 == action && $2 ~ kind { requests++; sectors += $3 } END { print requests + 0, sectors + 0 }' "$scratch/records"
}

# counted DIRECTION: requests and sectors in dmsetup status, all groups
counted() {
	status ioband1 | awk -v offset="$([ "$1" = reads ] && echo 1 || echo 4)" '
		{ for (i = 5; i <= NF; i += 7) { requests += $(i + offset); sectors += $(i + offset + 2) } }
		END { print requests + 0, sectors + 0 }'
}

some_io() {
	start_load ioband1 --ioengine=io_uring --rw=randrw --bsrange=4k-64k --iodepth=32 --size=256m --norandommap --number_ios=800 "$@"
}

test_counters_agree_with_blktrace() {
	local pids=() action

	ioband_create ioband1 /dev/slow share1 0 0 user weight 0 :100 1000:300 || return
	blktrace_start ioband1 || return
	some_io
	pids+=($!)
	some_io -- as_user 1000
	pids+=($!)
	expect_verified "${pids[@]}"
	blkdiscard --force -o 4096 -l 1048576 /dev/mapper/ioband1 || fail "blkdiscard failed"
	blktrace_stop
	blktrace_records '%a %d %n\n' > "$scratch/records"
	# Queued and completed
	for action in Q C; do
		diag "blktrace, $action: $(seen $action '^R') reads and sectors, $(seen $action '^[WD]') writes and sectors"
		expect_eq "reads and their sectors" "$(seen $action '^R')" "$(counted reads)"
		expect_eq "writes and their sectors" "$(seen $action '^[WD]')" "$(counted writes)"
	done
	expect_ge "reads" "$(status_column ioband1 1000 reads)" 200
	expect_ge "delayed requests" "$(total_delayed)" 200
}

test_discard_is_counted_as_one_write() {
	ioband_create ioband1 /dev/slow share1 0 0 none weight 0 :100 || return
	blkdiscard --force -o 4096 -l 1048576 /dev/mapper/ioband1 || fail "blkdiscard failed"
	expect_eq "status" "0 $(sectors /dev/slow) ioband share1 -1 0 0 0 1 0 2048" "$(status ioband1)"
}

# One bio of 256 KiB, of which the device below takes 64 KiB at once
test_large_bio_is_several_requests() {
	local before

	ioband_create ioband1 /dev/small share1 0 0 none weight 0 :100 || return
	before=$(completed small)
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=256k count=1 oflag=direct status=none
	expect_eq "status" "0 $(sectors /dev/small) ioband share1 -1 0 0 0 4 0 512" "$(status ioband1)"
	expect_eq "requests below" 4 $(($(completed small) - before))
}

# The block layer takes 510 sectors as two requests of such a device
test_large_bio_is_cut_as_the_block_layer_does() {
	local before

	before=$(completed odd)
	must dd if=/dev/zero of=/dev/odd bs=255k count=1 oflag=direct status=none
	expect_eq "requests without ioband" 2 $(($(completed odd) - before))
	ioband_create ioband1 /dev/odd share1 0 0 none weight 0 :100 || return
	before=$(completed odd)
	must dd if=/dev/zero of=/dev/mapper/ioband1 bs=255k count=1 oflag=direct status=none
	expect_eq "status" "0 $(sectors /dev/odd) ioband share1 -1 0 0 0 2 0 510" "$(status ioband1)"
	expect_eq "requests below" 2 $(($(completed odd) - before))
}

run_tests test_counters_agree_with_blktrace test_discard_is_counted_as_one_write test_large_bio_is_several_requests \
	test_large_bio_is_cut_as_the_block_layer_does
