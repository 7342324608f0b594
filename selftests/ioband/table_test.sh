#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every argument of a table: its range, its default, how it may be written, and how `dmsetup table` prints it.

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

nullb disk1 size=64 submit_queues=1 hw_queue_depth=64
nullb disk2 size=64 submit_queues=1 hw_queue_depth=64
nullb disk3 size=64 submit_queues=1 hw_queue_depth=64
queue_size=$(nr_requests /dev/disk1)

# prints_as WANT ARGUMENT...: a device made with these arguments prints WANT
prints_as() {
	local want=$1

	shift
	ioband_create ioband1 /dev/disk1 "$@" || return
	expect_eq "the table given as '$*'" "$want" "$(arguments ioband1)"
	dm_remove ioband1
}

test_line_is_printed_byte_for_byte() {
	local line

	line="0 $(sectors /dev/disk1) ioband $(device_number /dev/disk1) 128 10 400 user weight 2048 :100 1000:80 2000:20"
	ioband_create ioband1 /dev/disk1 128 10 400 user weight 2048 :100 1000:80 2000:20 || return
	# The dot keeps the line's end from being stripped
	expect_eq "dmsetup table ioband1" "$line"$'\n.' "$(dmsetup table ioband1; echo .)"
	expect_eq "dmsetup table, the line of ioband1" "ioband1: $line" "$(dmsetup table | grep '^ioband1:')"
}

test_example_two_devices_in_proportion_40_to_10() {
	local default_base=$((4 * queue_size))

	ioband_create ioband1 /dev/disk1 1 0 0 none weight 0 :40 || return
	ioband_create ioband2 /dev/disk2 1 0 0 none weight 0 :10 || return
	expect_eq "ioband1" "1 4 $queue_size none weight $default_base :40" "$(arguments ioband1)"
	expect_eq "ioband2" "1 4 $queue_size none weight $default_base :10" "$(arguments ioband2)"
}

test_example_as_written_through_a_pipe() {
	echo "0 $(blockdev --getsz /dev/disk1) ioband /dev/disk1 128 10 400 user weight 2048 :100 1000:80 2000:20" |
		dmsetup create ioband1 --noudevsync --noudevrules || fail "dmsetup create refused the line from its input"
	on_end dm_remove ioband1
	expect_eq "ioband1" "128 10 400 user weight 2048 :100 1000:80 2000:20" "$(arguments ioband1)"
}

test_device_by_number() {
	dm_create ioband1 "0 $(sectors /dev/disk1) ioband $(device_number /dev/disk1) share1 4 64 none weight 256 :100" || return
	expect_eq "device" "$(device_number /dev/disk1)" "$(table ioband1 | cut -d ' ' -f 4)"
}

test_part_of_a_device() {
	dm_create ioband1 "0 2048 ioband /dev/disk1 share1 4 64 none weight 256 :100" || return
	expect_eq "size" 2048 "$(sectors /dev/mapper/ioband1)"
	expect_eq "table" "0 2048 ioband $(device_number /dev/disk1) share1 4 64 none weight 256 :100" "$(table ioband1)"
}

test_device_on_another_ioband_device() {
	ioband_create ioband1 /dev/disk1 share1 4 64 none weight 256 :100 || return
	ioband_create ioband2 /dev/mapper/ioband1 share2 4 64 none weight 256 :100 || return
	direct_reads /dev/mapper/ioband2 3
	expect_eq "device" "$(device_number /dev/mapper/ioband1)" "$(table ioband2 | cut -d ' ' -f 4)"
	expect_eq "reads of the upper device" 3 "$(status_column ioband2 -1 reads)"
	expect_eq "reads of the lower device" 3 "$(status_column ioband1 -1 reads)"
}

test_io_throttle_0_means_4() {
	prints_as "share1 4 64 none weight 256 :100" share1 0 64 none weight 256 :100
}

test_io_throttle_range() {
	prints_as "share1 1 64 none weight 256 :100" share1 1 64 none weight 256 :100
	prints_as "share1 32767 32767 none weight 256 :100" share1 32767 32767 none weight 256 :100
}

test_io_limit_0_means_the_queue_size() {
	prints_as "share1 4 $queue_size none weight 256 :100" share1 4 0 none weight 256 :100
}

test_io_limit_0_follows_a_changed_queue_size() {
	local file=/sys/block/disk1/queue/nr_requests

	# Every scheduler and "none" accept a smaller number than the default
	echo 24 > $file || fail "cannot set nr_requests"
	prints_as "share1 4 24 none weight 256 :100" share1 4 0 none weight 256 :100
	echo "$queue_size" > $file
}

# queue_sizes N1 N2: those of disk1 and disk2, until the end of the test
queue_sizes() {
	must tee /sys/block/disk1/queue/nr_requests <<< "$1" || return
	must tee /sys/block/disk2/queue/nr_requests <<< "$2" || return
	on_end restore_queue_sizes
}

restore_queue_sizes() {
	tee /sys/block/disk[12]/queue/nr_requests <<< "$queue_size" > /dev/null
}

# limit_over_below IO_LIMIT: what io_limit 0 is on /dev/mapper/below
limit_over_below() {
	ioband_create ioband1 /dev/mapper/below share1 4 0 none weight 256 :100 || return
	expect_eq "table" "share1 4 $1 none weight 256 :100" "$(arguments ioband1)"
	dm_remove ioband1
}

# A device without a request queue has the block layer's default, which sysfs does not show, or an eighth more than there is below
test_io_limit_0_on_a_bio_based_device() {
	queue_sizes 24 24 || return
	dm_create below "0 $(sectors /dev/disk1) linear /dev/disk1 0" || return
	limit_over_below 27
	dm_create above "0 $(sectors /dev/mapper/below) linear /dev/mapper/below 0" || return
	ioband_create ioband1 /dev/mapper/above share1 4 0 none weight 256 :100 || return
	expect_eq "table over two layers" "share1 4 27 none weight 256 :100" "$(arguments ioband1)"
}

test_io_limit_0_is_the_sum_of_the_disks_below() {
	queue_sizes 24 30 || return
	dm_create below "0 256 striped 2 128 /dev/disk1 0 /dev/disk2 0" || return
	limit_over_below 61
	must tee /sys/block/disk2/queue/nr_requests <<< 40 || return
	ioband_create ioband1 /dev/mapper/below share1 4 1 none weight 256 :100 || return
	must message ioband1 io_limit 0 || return
	expect_eq "table after the message" "share1 4 72 none weight $((4 * 72)) :100" "$(arguments ioband1)"
}

test_io_limit_0_counts_a_disk_below_once() {
	queue_sizes 24 30 || return
	dm_create half1 "0 128 linear /dev/disk1 0" && dm_create half2 "0 128 linear /dev/disk1 128" || return
	dm_create below "0 128 linear /dev/mapper/half1 0
128 128 linear /dev/mapper/half2 0
256 128 linear /dev/disk2 0
384 128 linear /dev/disk1 1024" || return
	limit_over_below 61
}

test_io_limit_0_is_128_at_most_without_a_queue() {
	dm_create below "0 384 striped 3 128 /dev/disk1 0 /dev/disk2 0 /dev/disk3 0" || return
	limit_over_below 128
	dm_create nothing "0 256 zero" || return
	ioband_create ioband1 /dev/mapper/nothing share1 4 0 none weight 256 :100 || return
	expect_eq "table over no disk" "share1 4 128 none weight 256 :100" "$(arguments ioband1)"
}

test_io_limit_range() {
	prints_as "share1 1 1 none weight 256 :100" share1 1 1 none weight 256 :100
	prints_as "share1 4 32767 none weight 256 :100" share1 4 32767 none weight 256 :100
}

test_io_limit_below_io_throttle_is_raised() {
	prints_as "share1 10 10 none weight 256 :100" share1 10 5 none weight 256 :100
	prints_as "share1 4 4 none weight 256 :100" share1 0 2 none weight 256 :100
	prints_as "share1 30000 30000 none weight 256 :100" share1 30000 0 none weight 256 :100
}

test_token_base_0_means_twice_both_limits() {
	prints_as "share1 4 64 none weight 256 :100" share1 4 64 none weight 0 :100
	prints_as "share1 10 10 none weight 40 :100" share1 10 5 none weight 0 :100
}

test_token_base_of_weight_iosize_is_in_sectors() {
	prints_as "share1 4 64 none weight-iosize 2048 :100" share1 4 64 none weight-iosize 0 :100
	prints_as "share1 4 64 none weight-iosize 2048 :100" share1 4 64 none weight-iosize
	prints_as "share1 4 64 none weight-iosize 777 :100" share1 4 64 none weight-iosize 777 :100
}

test_token_base_range() {
	prints_as "share1 4 64 none weight 1 :100" share1 4 64 none weight 1 :100
	prints_as "share1 4 64 none weight 2147483647 :100" share1 4 64 none weight 2147483647 :100
}

test_weight_defaults_to_100() {
	prints_as "share1 4 64 none weight 777 :100" share1 4 64 none weight 777
}

test_weight_range() {
	prints_as "share1 4 64 user weight 777 :1 5:1" share1 4 64 user weight 777 :1 5:1
	prints_as "share1 4 64 user weight 777 :32767 5:32767" share1 4 64 user weight 777 :32767 5:32767
}

test_six_arguments_are_enough() {
	prints_as "share1 4 64 none weight 256 :100" share1 4 64 none weight
}

test_token_base_may_be_left_out() {
	prints_as "share1 4 64 none weight 256 :40" share1 4 64 none weight :40
	prints_as "share1 4 64 user weight 256 :40 1000:20 2000:30" share1 4 64 user weight :40 1000:20 2000:30
}

test_separators_mean_the_same() {
	prints_as "share1 4 64 user weight 2048 :40 1000:80 2000:20 3000:10" share1 4 64 user weight 2048 :40 1000:80 2000=20 3000,10
	prints_as "share1 4 64 user weight 2048 :40 1000:80" share1 4 64 user weight 2048 =40 1000:80
	prints_as "share1 4 64 user weight 2048 :40 1000:80" share1 4 64 user weight 2048 ,40 1000:80
}

test_numbers_in_hex() {
	prints_as "share1 10 64 user weight 2048 :40 1000:80" share1 0xa 0x40 user weight 0x800 :0x28 0x3e8:0x50
	prints_as "share1 10 64 user weight 2048 :40 1000:80" share1 0XA 0X40 user weight 0X800 :0X28 0X3E8:0X50
}

test_numbers_in_octal() {
	prints_as "share1 10 64 user weight 2048 :40 1000:80" share1 012 0100 user weight 04000 :050 01750:0120
}

test_ids_of_1_and_31_characters() {
	local long=abcdefghijklmnopqrstuvwxyz01234

	expect_eq "length of the long ID" 31 "${#long}"
	prints_as "x 4 64 none weight 256 :100" x 4 64 none weight 256 :100
	prints_as "$long 4 64 none weight 256 :100" $long 4 64 none weight 256 :100
}

test_every_type() {
	local type

	prints_as "share1 4 64 none weight 256 :100" share1 4 64 none weight 256 :100
	for type in pgrp pid node cpuset user uid gid; do
		prints_as "share1 4 64 $type weight 256 :100 0:50 7:30" share1 4 64 $type weight 256 :100 0:50 7:30
	done
}

test_every_policy() {
	local policy

	for policy in default weight weight-iosize; do
		prints_as "share1 4 64 none $policy 999 :70" share1 4 64 none $policy 999 :70
	done
	prints_as "share1 4 64 none default 256 :100" share1 4 64 none default
}

test_groups_print_in_the_order_they_were_given() {
	prints_as "share1 4 64 user weight 256 :100 30:3 10:1 20:2 0:4" share1 4 64 user weight 256 :100 30:3 10:1 20:2 0:4
}

test_group_ids_are_64_bits_wide() {
	prints_as "share1 4 64 user weight 256 :100 4294967296:1 4294967295:2 0:3 9223372036854775807:4" \
		share1 4 64 user weight 256 :100 4294967296:1 4294967295:2 0:3 9223372036854775807:4
}

run_tests \
	test_line_is_printed_byte_for_byte \
	test_example_two_devices_in_proportion_40_to_10 \
	test_example_as_written_through_a_pipe \
	test_device_by_number \
	test_part_of_a_device \
	test_device_on_another_ioband_device \
	test_io_throttle_0_means_4 \
	test_io_throttle_range \
	test_io_limit_0_means_the_queue_size \
	test_io_limit_0_follows_a_changed_queue_size \
	test_io_limit_0_on_a_bio_based_device \
	test_io_limit_0_is_the_sum_of_the_disks_below \
	test_io_limit_0_counts_a_disk_below_once \
	test_io_limit_0_is_128_at_most_without_a_queue \
	test_io_limit_range \
	test_io_limit_below_io_throttle_is_raised \
	test_token_base_0_means_twice_both_limits \
	test_token_base_of_weight_iosize_is_in_sectors \
	test_token_base_range \
	test_weight_defaults_to_100 \
	test_weight_range \
	test_six_arguments_are_enough \
	test_token_base_may_be_left_out \
	test_separators_mean_the_same \
	test_numbers_in_hex \
	test_numbers_in_octal \
	test_ids_of_1_and_31_characters \
	test_every_type \
	test_every_policy \
	test_groups_print_in_the_order_they_were_given \
	test_group_ids_are_64_bits_wide
