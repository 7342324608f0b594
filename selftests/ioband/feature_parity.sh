#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a device can do, an ioband device over it can do as well: the same limits, the same answers and the same requests below as with dm-linear.
# Only what is held, and when, differs, and these tests hold nothing unless they say so.

# shellcheck source=load.sh
. "${BASH_SOURCE[0]%/*}/load.sh"

require blkdiscard blkzone xfs_io perl mdadm
for target in crypt integrity; do
	require_target "$target" || skip_program "the kernel has no target $target"
done

scsi_debug=/sys/bus/pseudo/drivers/scsi_debug

# The largest request is a multiple of 4 KiB, or dm-ioband, which cuts at those, would make it a little shorter
nullb plain size=64 memory_backed=1 max_sectors=256
nullb rich size=8 memory_backed=1 discard=1 cache_size=4 fua=1 max_sectors=128 no_sched=1
nullb cached size=8 memory_backed=1 discard=1 cache_size=4 fua=0 blocksize=4096 no_sched=1
nullb bounded size=64 memory_backed=1 blocksize=1024 virt_boundary=1
nullb zones size=64 memory_backed=1 irqmode=2 completion_nsec=4000000 submit_queues=1 hw_queue_depth=8 zoned=1 zone_size=4 zone_capacity=3 zone_nr_conv=2 zone_max_open=8 zone_max_active=10
# A request that is not polled takes three seconds, a hundred of them more than the minute that the test waits
nullb polled size=64 irqmode=2 completion_nsec=3000000000 submit_queues=1 poll_queues=1 hw_queue_depth=32
nullb single size=64 irqmode=2 completion_nsec=500000000 submit_queues=1 hw_queue_depth=1 no_sched=1
for disk in rich cached plain; do
	forbid_merges "/dev/$disk"
done
head -c $((4 << 20)) /dev/urandom > "$scratch/pattern"

# Devices

# both DEVICE: /dev/mapper/linear1 and /dev/mapper/ioband1, each over all of it
both() {
	dm_create linear1 "$(whole_device linear "$1") 0" && ioband_create ioband1 "$1" share1 0 0 user weight 0 :100 1000:300
}

# Limits

# limits NAME: FILE:VALUE of all that sysfs says about what the device can do
limits() {
	local directory

	directory=$(sysfs_directory "/dev/mapper/$1")
	(cd "$directory" && grep -r . queue integrity alignment_offset discard_alignment size ro removable capability 2> /dev/null) | sort
}

# expect_same_limits DEVICE [FILE:VALUE-PATTERN...]: and these are among them
expect_same_limits() {
	local device=$1 line

	shift
	both "$device" || return
	limits linear1 > "$scratch/linear"
	limits ioband1 > "$scratch/ioband"
	expect_ge "files compared" "$(wc -l < "$scratch/linear")" 40
	diff "$scratch/linear" "$scratch/ioband" > "$scratch/diff" || fail "limits over $device (<: of dm-linear, >: of dm-ioband)
$(< "$scratch/diff")"
	for line; do
		grep -qxE -e "$line" "$scratch/ioband" || fail "not among the limits over $device: $line
$(grep -F -e "${line%%:*}:" "$scratch/ioband")"
	done
	dm_remove linear1
	dm_remove ioband1
}

test_limits_over_null_blk() {
	expect_same_limits /dev/plain queue/write_cache:"write through" queue/discard_max_bytes:0
	expect_same_limits /dev/rich queue/write_cache:"write back" queue/fua:1 queue/max_sectors_kb:64 queue/discard_granularity:512
	expect_same_limits /dev/cached queue/write_cache:"write back" queue/fua:0 queue/logical_block_size:4096
	expect_same_limits /dev/bounded queue/logical_block_size:1024 queue/virt_boundary_mask:4095
	expect_same_limits /dev/zones queue/zoned:host-managed queue/chunk_sectors:8192 queue/max_open_zones:8 queue/max_active_zones:10
	expect_same_limits /dev/polled queue/io_poll:1
}

test_limits_over_scsi() {
	[ -w "$scsi_debug/add_host" ] || bail "the kernel has no scsi_debug (CONFIG_SCSI_DEBUG)"
	must tee "$scsi_debug/add_host" <<< 1 || return
	on_end scsi_disk_remove
	wait_until 20 scsi_disk_is_there || return
	expect_same_limits "$disk" queue/optimal_io_size:524288
}

scsi_disk_is_there() {
	disk=$(compgen -G "$scsi_debug/adapter*/host*/target*/*/block/*") && disk=/dev/${disk##*/} && [ -b "$disk" ]
}

scsi_disk_remove() {
	must tee "$scsi_debug/add_host" <<< -1
}

test_limits_over_raid() {
	must mdadm --create /dev/md100 --run --quiet --metadata=1.2 --level=0 --chunk=64 --raid-devices=2 /dev/plain /dev/bounded || return
	on_end wait_until 10 array_stopped
	wait_until 10 test -b /dev/md100 || return
	expect_same_limits /dev/md100 queue/minimum_io_size:65536 queue/optimal_io_size:131072
	# Begins within a chunk
	dm_create shifted "0 65536 linear /dev/md100 8" || return
	expect_same_limits /dev/mapper/shifted
	dm_remove shifted
}

array_stopped() {
	mdadm --stop --quiet /dev/md100 2> /dev/null
}

# Tags of 16 bytes for each sector, kept by dm-integrity for whoever is above
tagged() {
	must dd if=/dev/zero of=/dev/plain bs=4k count=1 oflag=direct status=none || return
	dm_create tagged "0 65536 integrity /dev/plain 0 16 D 0"
}

test_limits_over_integrity() {
	tagged || return
	expect_same_limits /dev/mapper/tagged integrity/format:nop integrity/tag_size:16
}

# Requests

# step COMMAND...: how the command ends and what it says; its name is in the trace
step() {
	local words=${*//$node/DEVICE} code

	echo "step: $words" > "$trace_instance/trace_marker"
	"$@" > "$scratch/output" 2>&1
	code=$?
	echo "exit status $code: $words"
	sed "s|$node|DEVICE|g; /copied/d; /records/d; /ops\/sec/d" "$scratch/output"
}

# Each kind of request, to the node
all_kinds() {
	step dd if="$scratch/pattern" of="$node" bs=1M count=2 oflag=direct conv=notrunc
	step dd if="$scratch/pattern" of="$node" bs=4k seek=603 count=5 oflag=direct conv=notrunc
	step dd if="$scratch/pattern" of="$node" bs=512 seek=5003 count=1 oflag=direct conv=notrunc
	step dd if="$scratch/pattern" of="$node" bs=4k seek=5003 count=1 oflag=direct,seek_bytes conv=notrunc
	step dd if="$scratch/pattern" of="$node" bs=4k count=5 oflag=direct,dsync conv=notrunc
	step sync "$node" "$node"
	step xfs_io -c "pwrite -q 4k 4k" -c fsync -c "pwrite -q 12k 4k" -c fdatasync "$node"
	step dd if="$node" of=/dev/null bs=1M count=2 iflag=direct
	step blkdiscard -f -o 4096 -l 1048576 "$node"
	step blkdiscard -f -o 100 -l 1048576 "$node"
	step blkdiscard -f -o 512 -l 1536 "$node"
	step blkdiscard -s -f "$node"
	step blkdiscard -z -f -o 4096 -l 1048576 "$node"
	step xfs_io -c "fpunch 1m 128k" -c "fzero 2m 64k" -c "fzero -k 3m 64k" "$node"
	step dd if="$scratch/pattern" of="$node" bs=4k seek=999999 count=1 oflag=direct conv=notrunc
}

# expect_same_requests DEVICE PATTERN...: all of this does the same on both: how it ends, what the device below is asked for (kind, sector, sectors)
# and what is on the device then. The PATTERNs are among it
expect_same_requests() {
	local device=$1 name node pattern

	shift
	both "$device" || return
	for name in linear1 ioband1; do
		node=/dev/mapper/$name
		must dd if=/dev/zero of="$device" bs=1M count=8 oflag=direct conv=notrunc,fsync status=none
		trace_start "block/block_rq_issue,dev == $(trace_dev "$device")"
		all_kinds > "$scratch/$name"
		trace_stop > "$scratch/trace"
		sed -n 's/.*tracing_mark_write: //p; s/.*block_rq_issue: [^ ]* \([A-Z]*\) [0-9]* ([^)]*) \([0-9]*\) + \([0-9]*\) .*/\1 \2 \3/p
			/records were lost/p' "$scratch/trace" >> "$scratch/$name"
		dd if="$device" bs=1M count=8 iflag=direct status=none | md5sum >> "$scratch/$name"
	done
	for pattern; do
		grep -qxE -e "$pattern" "$scratch/linear1" || fail "$device: no '$pattern'
$(cut -c -150 "$scratch/linear1")"
	done
	diff "$scratch/linear1" "$scratch/ioband1" > "$scratch/diff" || fail "$device (<: dm-linear, >: dm-ioband)
$(head -n 40 "$scratch/diff")"
}

# What a kind begins with is F for a flush before; an F after the W is FUA
test_requests_to_a_device_with_fua() {
	expect_same_requests /dev/rich "WS 0 128" "WS 5003 1" "WFS 0 8" "FF? .*" "R[A-Z]* 0 128" "D[A-Z]* 8 2048" "exit status 1: blkdiscard -s .*" \
		"exit status 1: dd .*seek=999999 .*"
}

# Blocks of 4 KiB, and a flush after each write that should be FUA
test_requests_to_a_device_without_fua() {
	expect_same_requests /dev/cached "WS? 0 8" "FF? .*" "D[A-Z]* 8 2048" "exit status 1: dd .* bs=512 .*" "exit status 1: blkdiscard -f -o 512 .*"
}

test_requests_that_a_device_refuses() {
	expect_same_requests /dev/plain "exit status 1: blkdiscard -f -o 4096 .*" "W[A-Z]* 8 256"
}

# Not waiting

# reads_nowait DEVICE COUNT: preadv2 with RWF_NOWAIT, one after the other; how often it read, and the other answers
reads_nowait() {
	# shellcheck disable=SC2016 # perl's variables
	perl -MFcntl -MErrno -e '
		my ($device, $count) = @ARGV;
		my %answers;
		sysopen(my $in, $device, O_RDONLY | 040000) or die "$device: $!\n";
		my $memory = "\0" x (1 << 20);
		my $address = (unpack("J", pack("P", $memory)) + 4095) & ~4095;
		my $vector = pack("JJ", $address, 4096);
		for (my $i = 0; $i < $count; $i++) {
			my $got = syscall(327, fileno($in), $vector, 1, $i * 4096, 0, 8);
			$answers{$got < 0 ? "$!" : $got}++;
		}
		print "$_: $answers{$_}\n" for sort keys %answers;' "$@"
}

test_reads_that_do_not_wait() {
	local name reader

	[ "$(uname -m)" = x86_64 ] || bail "the number of preadv2 is that of x86_64"
	both /dev/plain || return
	for name in linear1 ioband1; do
		expect_eq "reads of an idle device, $name" "4096: 20" "$(reads_nowait "/dev/mapper/$name" 20)"
	done
	dm_remove linear1
	dm_remove ioband1
	# A device that takes one request at a time is busy with one; ioband has been told that it takes 16, so it holds nothing
	dm_create linear1 "$(whole_device linear /dev/single) 0" && ioband_create ioband1 /dev/single share1 16 16 none weight 0 :100 || return
	for name in linear1 ioband1; do
		start_load linear1 --ioengine=libaio --rw=randread --bs=4k --iodepth=2 --time_based --runtime=600
		reader=$!
		wait_until 60 is_busy || return
		wait_until 60 refuses_to_wait "/dev/mapper/$name"
		kill "$reader"
		wait "$reader"
	done
	expect_eq "requests held" 0 "$(total_delayed)"
}

is_busy() {
	[ "$(in_flight /dev/single)" -ge 1 ]
}

# Between the end of one request and the start of the next the device is idle
refuses_to_wait() {
	[ "$(reads_nowait "$1" 5)" = "Resource temporarily unavailable: 5" ]
}

# Polling

test_polled_reads() {
	local name before

	both /dev/polled || return
	for name in linear1 ioband1; do
		before=$(completed polled)
		start_load "$name" --ioengine=io_uring --hipri --rw=randread --bs=4k --iodepth=3 --size=64m --number_ios=100
		wait_until 60 has_ended $! || return
		expect_verified $!
		expect_eq "reads by polling, $name" 100 $(($(completed polled) - before))
	done
	expect_eq "reads of ioband1" 100 "$(status_column ioband1 -1 reads)"
}

# Zones

zones_of() {
	blkzone report "/dev/mapper/$1"
}

zone_commands() {
	local device=/dev/mapper/$1

	echo "reset $(blkzone reset "$device" 2>&1; echo $?)"
	dd if="$scratch/pattern" of="$device" bs=64k count=16 seek=128 oflag=direct conv=notrunc status=none; echo $?
	echo "open $(blkzone open -o 24576 -l 8192 "$device" 2>&1; echo $?)"
	echo "finish $(blkzone finish -o 32768 -l 8192 "$device" 2>&1; echo $?)"
	echo "close $(blkzone close -o 24576 -l 8192 "$device" 2>&1; echo $?)"
	# Not where the zone is written next; nor in one that is full
	dd if="$scratch/pattern" of="$device" bs=64k count=1 seek=128 oflag=direct conv=notrunc status=none 2>&1 | sed 's/.*: //'
	dd if="$scratch/pattern" of="$device" bs=64k count=1 seek=256 oflag=direct conv=notrunc status=none 2>&1 | sed 's/.*: //'
	# Any order in one that is conventional
	dd if="$scratch/pattern" of="$device" bs=64k count=1 seek=5 oflag=direct conv=notrunc status=none; echo $?
	echo "unaligned $(blkzone reset -o 100 -l 8192 "$device" 2>&1 | sed 's/.*: //')"
}

test_zones_are_reported_and_managed() {
	both /dev/zones || return
	must zone_commands linear1
	zone_commands linear1 > "$scratch/linear"
	zones_of linear1 >> "$scratch/linear"
	zone_commands ioband1 > "$scratch/ioband"
	zones_of ioband1 >> "$scratch/ioband"
	expect_ge "lines" "$(wc -l < "$scratch/ioband")" 24
	grep -q "(fu)" "$scratch/ioband" || fail "no zone is full
$(cat "$scratch/ioband")"
	diff "$scratch/linear" "$scratch/ioband" > "$scratch/diff" || fail "zones (<: dm-linear, >: dm-ioband)
$(< "$scratch/diff")"
}

# zone_job NAME KIND MIB: 16 KiB to or from the two zones from there on, each of which says where it is
zone_job() {
	start_load "$1" --ioengine=libaio --zonemode=zbd --rw="$2" --bs=16k --iodepth=16 --iodepth_batch_submit=8 --offset="$3m" --size=8m \
		--max_open_zones=4 --verify=pattern --verify_pattern=%o --do_verify=0 "${@:4}"
}

has_held() {
	[ "$(total_delayed)" -ge "$1" ]
}

# Many writes to a zone at once, from users of which one has a hundredth of the other's weight, while reads keep the device busy
test_writes_to_zones_stay_in_order() {
	local name pids

	for name in linear1 ioband1; do
		both /dev/zones || return
		must message ioband1 io_throttle 1
		must message ioband1 io_limit 2
		must message ioband1 weight 1000:1
		must blkzone reset "/dev/mapper/$name"
		load "$name" --size=8m --iodepth=8
		[ "$name" = linear1 ] || wait_until 60 has_held 100 || return
		zone_job "$name" write 8
		pids=($!)
		zone_job "$name" write 32 -- as_user 1000
		pids+=($!)
		expect_verified "${pids[@]}"
		kill_jobs
		expect_eq "full zones, $name" 4 "$(zones_of "$name" | grep -c '(fu)')"
		zone_job "$name" read 8
		pids=($!)
		zone_job "$name" read 32
		pids+=($!)
		expect_verified "${pids[@]}"
		dm_remove linear1
		dm_remove ioband1
	done
}

# Integrity

# The tags have the random IVs of dm-crypt: without the right one the right data cannot come back
test_tags_go_through() {
	local name

	tagged && both /dev/mapper/tagged || return
	for name in linear1 ioband1; do
		dm_create secret "0 65536 crypt aes-xts-random $(printf '0123456789abcdef%.0s' {1..4}) 0 /dev/mapper/$name 0 1 integrity:16:none" || return
		must dd if="$scratch/pattern" of=/dev/mapper/secret bs=64k count=64 oflag=direct conv=notrunc status=none
		expect_eq "sum, $name" "$(md5sum < "$scratch/pattern")" "$(dd if=/dev/mapper/secret bs=64k count=64 iflag=direct status=none | md5sum)"
		dm_remove secret
		# What was written over the one is right over the other
		dm_create secret "0 65536 crypt aes-xts-random $(printf '0123456789abcdef%.0s' {1..4}) 0 /dev/mapper/ioband1 0 1 integrity:16:none" || return
		expect_eq "sum, read over ioband" "$(md5sum < "$scratch/pattern")" \
			"$(dd if=/dev/mapper/secret bs=64k count=64 iflag=direct status=none | md5sum)"
		dm_remove secret
	done
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
