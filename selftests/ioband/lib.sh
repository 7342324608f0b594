# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The vocabulary of the dm-ioband selftests. A test program sources this file, makes its backing devices, defines functions named test_* and
# hands all of them to run_tests; each becomes one KTAP line, named after the function.
#
#	. "${BASH_SOURCE[0]%/*}/lib.sh"
#	slow_nullb slow
#	test_default_weight_is_100() {
#		ioband_create ioband1 /dev/slow share1 4 64 none weight 256 || return
#		expect_eq "arguments" "share1 4 64 none weight 256 :100" "$(arguments ioband1)"
#	}
#	run_tests test_default_weight_is_100
#
# Program
#   run_tests FUNCTION...          prints the plan, runs each test, exits; dm devices and jobs of a test are gone before the next one starts
#   require COMMAND...             skips the whole program when a command is missing
#   bail SENTENCE                  the program cannot go on: "Bail out!" and exit 1
#   $scratch                       a directory for the program's files, removed at exit
#   on_end COMMAND...              runs it at the end of the test, or of the program if no test runs; the last one given comes first. Words, no spaces
#   not_on_end COMMAND...          forgets the last such command, because its work is done
#   diag TEXT                      a KTAP diagnostic; every line of TEXT gets its "# "
#   fail TEXT                      the running test fails, with this diagnostic; the test goes on
# Devices (all removed at exit, whatever happens)
#   nullb NAME [ATTRIBUTE=VALUE...]     a null_blk device /dev/NAME; attributes as in its configfs directory
#   slow_nullb NAME [ATTRIBUTE=VALUE...]  the standard slow device: 10 ms, 16 deep, one queue: 1600 requests a second
#   nullb_remove NAME                   removes it before the end
#   sectors DEVICE, device_number DEVICE, nr_requests DEVICE   size in sectors, MAJOR:MINOR, request-queue size
#   forbid_merges DEVICE                each bio stays a request of its own, so that requests can be counted
#   dm_create NAME TABLE                any device-mapper device, /dev/mapper/NAME
#   ioband_create NAME DEVICE ARG...    an ioband device over all of DEVICE; ARG... from the ioband device ID on
#   band_create NAME DEVICE ARG...      the same with target band
#   ioband_reload NAME DEVICE ARG...    loads a new table and resumes
#   dm_suspend NAME [OPTION...], dm_resume NAME, dm_remove NAME
# Talking to a device
#   message NAME WORD...           sends a message; dmsetup's words go to stderr, its exit status is returned
#   must COMMAND...                runs it; the test fails, showing the output, if the command does
#   table NAME, status NAME        dmsetup's line without the device's name
#   arguments NAME                 its table's words from the ioband device ID on, which ioband_create takes
#   status_column NAME ID COLUMN   COLUMN of group ID (-1: the default group): reads reads_delayed read_sectors writes writes_delayed write_sectors
# Input and output
#   in_flight DEVICE               reads and writes that the block layer counts as in flight, their sum; those that ioband holds are not among them
#   completed_reads DEVICE, completed_writes DEVICE      requests that the block layer counts as completed
#   direct_reads DEVICE COUNT, direct_writes DEVICE COUNT  direct I/O of 4 KiB, one request after the other
#   start_fio DEVICE OPTION...     fio with libaio and direct I/O in the background; its process is $fio_process
#   succeeds PROCESS               waits for a job of the test, which must end within a minute and well; else the test fails
# Patience
#   wait_until SECONDS COMMAND...  polls until the command succeeds; fails when it never does
# Expectations (each fails the running test, and says what it expected and what it got)
#   expect_eq WHAT WANT GOT
#   expect_match WHAT REGEX GOT                   extended regular expression, anchored at both ends
#   expect_le WHAT A B, expect_ge WHAT A B        integers; A is what was got
#   expect_refused NAME ERRNO-WORDS WORD MESSAGE...      a message: refused with that errno; one log line that names device and WORD; table and
#                                                        status as before. ERRNO-WORDS as dmsetup prints them ("Invalid argument")
#   expect_table_refused ERRNO-WORDS WORD TABLE...       a table: refused; the log names WORD; no device remains. WORD may be empty: not looked for

set -u -o pipefail
export LC_ALL=C

ioband_dir=$(cd "${BASH_SOURCE[0]%/*}" && pwd)

find_ktap_helpers() {
	local dir

	for dir in "$ioband_dir/../kselftest" "${KSELFTEST_DIR:-}" "$ioband_dir/../../build/linux/tools/testing/selftests/kselftest"; do
		if [ -n "$dir" ] && [ -r "$dir/ktap_helpers.sh" ]; then
			echo "$dir/ktap_helpers.sh"
			return
		fi
	done
	echo "selftests/ioband: no ktap_helpers.sh: run in a kernel tree, or set KSELFTEST_DIR to its tools/testing/selftests/kselftest" >&2
	return 1
}

ktap_helpers=$(find_ktap_helpers) || exit 1
# shellcheck source=/dev/null
. "$ktap_helpers"

end_commands=()
null_devices=()
test_failed=0

# Program

diag() {
	echo "# ${1//$'\n'/$'\n# '}"
}

fail() {
	test_failed=1
	diag "$1"
}

bail() {
	# The helper's unquoted echo would expand wildcards
	set -f
	ktap_exit_fail_msg "$1"
}

skip_program() {
	ktap_skip_all "$1"
	exit "$KSFT_SKIP"
}

require() {
	local command

	for command; do
		command -v "$command" > /dev/null || skip_program "$command is not installed"
	done
}

require_target() {
	dmsetup targets 2> /dev/null | grep "^$1 " > /dev/null && return
	modprobe -q "dm-$1" 2> /dev/null
	dmsetup targets 2> /dev/null | grep "^$1 " > /dev/null
}

require_null_blk() {
	[ -d /sys/kernel/config/nullb ] && return
	modprobe -q null_blk nr_devices=0 2> /dev/null
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config 2> /dev/null
	[ -d /sys/kernel/config/nullb ]
}

check_prerequisites() {
	[ "$(id -u)" = 0 ] || skip_program "must be root"
	require dmsetup blockdev
	dmsetup version > /dev/null 2>&1 || skip_program "the kernel has no device-mapper"
	require_target ioband || skip_program "the kernel has no target ioband (CONFIG_DM_IOBAND)"
	require_null_blk || skip_program "the kernel has no null_blk (CONFIG_BLK_DEV_NULL_BLK)"
}

kill_jobs() {
	local pids

	pids=$(jobs -p)
	[ -n "$pids" ] || return 0
	# shellcheck disable=SC2086 # one word per process
	kill $pids 2> /dev/null
	# The shell's own remark about a killed job is no part of the result
	wait 2> /dev/null
}

on_end() {
	end_commands+=("$*")
}

not_on_end() {
	local i

	for ((i = ${#end_commands[@]} - 1; i >= 0; i--)); do
		if [ "${end_commands[i]}" = "$*" ]; then
			unset "end_commands[i]"
			end_commands=("${end_commands[@]}")
			return
		fi
	done
}

# run_end_commands COUNT: the newest first, until COUNT are left
run_end_commands() {
	local last command

	while [ "${#end_commands[@]}" -gt "$1" ]; do
		last=$((${#end_commands[@]} - 1))
		command=${end_commands[last]}
		unset "end_commands[last]"
		# shellcheck disable=SC2086 # a command and its words
		$command
	done
}

remove_everything() {
	local name

	kill_jobs
	run_end_commands 0
	for name in "${null_devices[@]}"; do
		rmdir "/sys/kernel/config/nullb/$name"
	done
	null_devices=()
	rm -rf "$scratch"
}

run_one_test() {
	local name=${1#test_} kept=${#end_commands[@]}

	test_failed=0
	"$1"
	kill_jobs
	run_end_commands "$kept"
	if [ "$test_failed" = 0 ]; then
		ktap_test_pass "${name//_/ }"
	else
		ktap_test_fail "${name//_/ }"
	fi
}

run_tests() {
	local function

	# A test that is defined but not listed would look like one that passed
	for function in $(compgen -A function test_); do
		case " $* " in
		*" $function "*) ;;
		*) bail "$function is defined but not in the list given to run_tests" ;;
		esac
	done
	ktap_set_plan $#
	for function; do
		run_one_test "$function"
	done
	ktap_finished
}

# Devices

nullb() {
	local name=$1 dir=/sys/kernel/config/nullb/$1 attribute

	shift
	mkdir "$dir" || bail "cannot make the null_blk device $name"
	null_devices+=("$name")
	for attribute; do
		echo "${attribute#*=}" > "$dir/${attribute%%=*}" || bail "null_blk device $name: $attribute was refused"
	done
	echo 1 > "$dir/power" || bail "null_blk device $name does not start"
	[ -b "/dev/$name" ] || bail "null_blk device $name has no node /dev/$name"
}

slow_nullb() {
	local name=$1

	shift
	nullb "$name" size=1024 irqmode=2 completion_nsec=10000000 submit_queues=1 hw_queue_depth=16 "$@"
}

nullb_remove() {
	local kept=() name

	rmdir "/sys/kernel/config/nullb/$1" || return
	for name in "${null_devices[@]}"; do
		[ "$name" = "$1" ] || kept+=("$name")
	done
	null_devices=("${kept[@]}")
}

sectors() {
	blockdev --getsz "$1"
}

# A node in /dev/mapper may be a symbolic link or the device itself
device_number() {
	stat -L -c %Hr:%Lr "$1"
}

sysfs_directory() {
	stat -L -c /sys/dev/block/%Hr:%Lr "$1"
}

nr_requests() {
	cat "$(sysfs_directory "$1")/queue/nr_requests"
}

forbid_merges() {
	echo 2 > "$(sysfs_directory "$1")/queue/nomerges" || bail "cannot set nomerges of $1"
}

# There may be no udev, or one that nobody waits for
dmsetup_create() {
	local name=$1

	shift
	dmsetup create "$name" --noudevsync --noudevrules "$@" < /dev/null || return
	dmsetup mknodes "$name"
}

dm_create() {
	local output

	if ! output=$(dmsetup_create "$1" --table "$2" 2>&1); then
		fail "cannot create $1 with the table: $2
$output"
		return 1
	fi
	on_end dm_remove "$1"
}

# whole_device TARGET DEVICE ARG...: the table line for all of DEVICE
whole_device() {
	local target=$1 device=$2

	shift 2
	echo "0 $(sectors "$device") $target $device $*"
}

ioband_create() {
	local name=$1

	shift
	dm_create "$name" "$(whole_device ioband "$@")"
}

band_create() {
	local name=$1

	shift
	dm_create "$name" "$(whole_device band "$@")"
}

dm_reload() {
	must dmsetup reload "$1" --table "$2" && dm_resume "$1"
}

ioband_reload() {
	local name=$1

	shift
	dm_reload "$name" "$(whole_device ioband "$@")"
}

dm_suspend() {
	local name=$1

	shift
	must dmsetup suspend --noudevsync --noudevrules "$@" "$name"
}

dm_resume() {
	must dmsetup resume --noudevsync --noudevrules "$1"
}

dm_remove() {
	not_on_end dm_remove "$1"
	# A device that a failed test left suspended would keep its I/O, and with it the removal, waiting
	dmsetup resume --noudevsync --noudevrules "$1" 2> /dev/null
	must dmsetup remove --noudevsync --noudevrules --retry "$1"
}

# Talking to a device

message() {
	local name=$1

	shift
	dmsetup message "$name" 0 "$*"
}

must() {
	local output

	if ! output=$("$@" 2>&1); then
		fail "failed: $*
$output"
		return 1
	fi
}

table() {
	dmsetup table "$1"
}

status() {
	dmsetup status "$1"
}

arguments() {
	table "$1" | cut -d ' ' -f 5-
}

status_column() {
	status "$1" | awk -v id="$2" -v column="$3" '
		BEGIN { number = split("reads reads_delayed read_sectors writes writes_delayed write_sectors", names, " ")
			for (i = 1; i <= number; i++) offset[names[i]] = i }
		!(column in offset) { exit 1 }
		{ for (i = 5; i <= NF; i += 7) if ($i "" == id "") { print $(i + offset[column]); found = 1 } }
		END { exit !found }'
}

in_flight() {
	awk '{ print $1 + $2 }' "$(sysfs_directory "$1")/inflight"
}

completed_reads() {
	awk '{ print $1 }' "$(sysfs_directory "$1")/stat"
}

completed_writes() {
	awk '{ print $5 }' "$(sysfs_directory "$1")/stat"
}

direct_reads() {
	must dd if="$1" of=/dev/null bs=4k count="$2" iflag=direct
}

direct_writes() {
	must dd if=/dev/zero of="$1" bs=4k count="$2" oflag=direct conv=nocreat,notrunc
}

# shellcheck disable=SC2034 # fio_process is for the test programs
start_fio() {
	local device=$1

	shift
	fio --name=fio --filename="$device" --ioengine=libaio --direct=1 --bs=4k --size="$(blockdev --getsize64 "$device")" --allow_file_create=0 "$@" \
		> "$scratch/fio.out" 2>&1 &
	fio_process=$!
}

has_ended() {
	! kill -0 "$1" 2> /dev/null
}

succeeds() {
	wait_until 60 has_ended "$1" || return
	wait "$1" || fail "exit status $?:
$(tail -20 "$scratch/fio.out")"
}

wait_until() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		if [ "$SECONDS" -gt "$deadline" ]; then
			fail "never became true: $*"
			return 1
		fi
		sleep 0.05
	done
}

# The kernel log: one reader, opened once, that remembers how far it has read

log_reader=

# log_new: device-mapper's messages since the last call
log_new() {
	[ -n "$log_reader" ] || exec {log_reader}< /dev/kmsg || bail "cannot read /dev/kmsg"
	# Ends with "try again" once everything is read. A record is one line "LEVEL,NUMBER,TIME,FLAGS;TEXT"; others belong to the one above.
	dd bs=8192 iflag=nonblock <&"$log_reader" 2> /dev/null | sed -n 's/^[0-9]*,[^;]*;\(device-mapper: .*\)/\1/p'
}

# Ten refusals within five seconds silence the log until the five are over; then the same refusal must be in it
wait_for_the_log() {
	sleep 5.1
}

# Expectations

expect_eq() {
	[ "$2" = "$3" ] || fail "$1
  expected: $2
  got:      $3"
}

expect_match() {
	[[ $3 =~ ^($2)$ ]] || fail "$1
  expected: $2
  got:      $3"
}

is_integer() {
	[[ $1 =~ ^-?[0-9]+$ ]]
}

expect_le() {
	if ! is_integer "$2" || [ "$2" -gt "$3" ]; then
		fail "$1
  expected: at most $3
  got:      $2"
	fi
}

expect_ge() {
	if ! is_integer "$2" || [ "$2" -lt "$3" ]; then
		fail "$1
  expected: at least $3
  got:      $2"
	fi
}

# names_word LINE WORD: WORD stands in LINE as a word of its own, not as part of another
names_word() {
	[[ $1 =~ (^|[^[:alnum:]_-])"$2"($|[^[:alnum:]_-]) ]]
}

# fails_with WHAT ERRNO-WORDS COMMAND...: the command fails, and says so with these words
fails_with() {
	local what=$1 words=$2 output

	shift 2
	if output=$("$@" 2>&1); then
		fail "accepted, should be refused ($words): $what"
		return 1
	fi
	case $output in
	*"$words"*) ;;
	*)
		fail "$what
  expected: $words
  got:      $output"
		return 1
		;;
	esac
}

# check_refusal_log NAME WORD WHAT LINES: one line, with the device by name or number, and the word beside it
check_refusal_log() {
	local number rest

	if [[ $4 = *$'\n'* ]]; then
		fail "$3: the log has not exactly one line
$4"
		return
	fi
	number=$(device_number "/dev/mapper/$1")
	case $4 in
	*"$number"*) rest=${4//"$number"/} ;;
	*"$1"*) rest=${4//"$1"/} ;;
	*)
		fail "$3: the log line does not name $1 or $number
$4"
		return
		;;
	esac
	names_word "$rest" "$2" || fail "$3: the log line does not name the word '$2'
$4"
}

expect_refused() {
	local name=$1 words=$2 word=$3 what lines table_before status_before

	shift 3
	what="message $name '$*'"
	table_before=$(table "$name")
	status_before=$(status "$name")
	log_new > /dev/null
	fails_with "$what" "$words" message "$name" "$@" || return
	lines=$(log_new)
	if [ -z "$lines" ]; then
		wait_for_the_log
		fails_with "$what, again" "$words" message "$name" "$@" || return
		lines=$(log_new)
	fi
	check_refusal_log "$name" "$word" "$what" "$lines"
	expect_eq "table after the refused $what" "$table_before" "$(table "$name")"
	expect_eq "status after the refused $what" "$status_before" "$(status "$name")"
}

expect_table_refused() {
	local words=$1 word=$2 name=ioband-refused what lines

	shift 2
	what="table '$*'"
	log_new > /dev/null
	if fails_with "$what" "$words" dmsetup_create "$name" --table "$*"; then
		lines=$(log_new)
		if [ -n "$word" ] && ! names_word "$lines" "$word"; then
			wait_for_the_log
			fails_with "$what, again" "$words" dmsetup_create "$name" --table "$*"
			lines=$(log_new)
			names_word "$lines" "$word" || fail "$what: the log does not name the word '$word'
$lines"
		fi
	fi
	if dmsetup info "$name" > /dev/null 2>&1; then
		fail "$what: a device is left"
		dmsetup remove --noudevsync --noudevrules --retry "$name"
	fi
}

ktap_print_header
check_prerequisites
scratch=$(mktemp -d) || bail "cannot make a scratch directory"
trap remove_everything EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
