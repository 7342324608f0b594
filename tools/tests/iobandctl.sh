#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of iobandctl that need no kernel with dm-ioband: its unit tests, what it says to a
# user who is wrong, its installation, manual and completion. Prints KTAP.

set -u
# shellcheck source=SCRIPTDIR/lib/ktap.sh
. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"
export LC_ALL=C

# expect_match WHAT REGEX GOT: the whole of GOT
expect_match() {
	[[ $3 =~ ^($2)$ ]] && return
	printf '# %s: expected %q, got %q\n' "$1" "$2" "$3"
	right=false
}

# ctl WORD...: leaves $status, $out and $err
ctl() {
	status=0
	out=$("$iobandctl" "$@" 2> "$scratch/err" < /dev/null) || status=$?
	err=$(< "$scratch/err")
}

# refused STATUS REGEX WORD...: one sentence on stderr and nothing else
refused() {
	local want=$1 regex=$2

	shift 2
	ctl "$@"
	expect "exit status of '$*'" "$want" "$status"
	expect "output of '$*'" "" "$out"
	expect_match "error of '$*'" "iobandctl( $1)?: $regex" "$err"
}

make_ctl() { # TARGET [ARG...]
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$top/tools/iobandctl" OUT="$scratch/build" "$@"
}

test_builds_without_warnings() {
	expect "output of make" "" "$(make_ctl all unit 2>&1)"
	[ -x "$iobandctl" ] || right=false
}

test_unit_tests() {
	local results

	results=$("$scratch/build/iobandctl-unit" 2> "$scratch/unit.err")
	expect "exit status" 0 $?
	expect "results" "$(sed -n 's/^1\.\.//p' <<< "$results")" "$(grep -c '^ok ' <<< "$results")"
	grep -v '^ok ' <<< "$results" | sed 's/^/# | /'
}

# The same with what finds wrong memory accesses
test_unit_tests_with_sanitizers() {
	local results

	expect "output of make" "" "$(make_ctl unit OUT="$scratch/sanitize" \
		CFLAGS="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined" 2>&1)"
	results=$("$scratch/sanitize/iobandctl-unit" 2> "$scratch/unit.err")
	expect "exit status" 0 $?
	expect "reports" "" "$(grep -A 20 -E 'Sanitizer|runtime error' "$scratch/unit.err")"
}

test_help_names_every_command() {
	local command

	ctl help
	expect "exit status" 0 "$status"
	expect "error" "" "$err"
	for command in create remove attach detach set list status reset top record plot insert eject start stop; do
		grep -q "^  $command " <<< "$out" || expect "help" "a line for $command" "$out"
	done
	ctl
	expect "exit status without a command" 2 "$status"
	ctl create --help
	expect "exit status" 0 "$status"
	expect_match "usage of create" "Usage: iobandctl create NAME DEVICE .*" "$out"
}

test_wrong_words() {
	refused 2 "'frobnicate' is not a command: .*" frobnicate
	refused 2 "a name and a device are needed: .*" create
	refused 2 "a name and a device are needed: .*" create name
	refused 2 "--weight '0' is not a number from 1 to 32767" create --weight 0 a /dev/b
	refused 2 "--weight '32768' is not a number from 1 to 32767" create a /dev/b --weight=32768
	refused 2 "--io-limit '-1' is not a number from 0 to 32767" create a /dev/b --io-limit -1
	refused 2 "--io-throttle 'x' is not a number from 0 to 32767" create a /dev/b --io-throttle x
	refused 2 "--type 'users' is unknown: none, user, .*" create a /dev/b --type users
	refused 2 "--policy 'fair' is unknown: weight, weight-iosize or default" insert a --policy fair
	refused 2 "--id 'a b' is not an ioband device ID: .*" create a /dev/b --id "a b"
	refused 2 "option '--colour' is unknown: .*" create a /dev/b --colour
	refused 2 "option '--weight' needs a value: .*" create a /dev/b --weight
	refused 2 "one name is needed: .*" remove
	refused 2 "one name is needed: .*" remove a b
	refused 2 "one name is needed: .*" reset
	refused 2 "too few words: .*" attach a
	refused 2 "too few words: .*" detach a
	refused 2 "too few words: .*" set a
	refused 2 "surplus word 'x'" list x
	refused 2 "surplus word 'b'" status a b
	refused 2 "option '--xml' is unknown: there is only --json" list --xml
	refused 2 "-d '0' is not a number of seconds from 0.1 to 86400" top -d 0
	refused 2 "-d '1x' is not a number of seconds from 0.1 to 86400" top -d 1x
	refused 2 "-d 'nan' is not a number of seconds from 0.1 to 86400" top -d nan
	refused 2 "-n '0' is not a number from 1 on" record -n 0 a b
	refused 2 "surplus word 'b': at most one name" top a b
	refused 2 "option '-d' needs a value: .*" top -d
	refused 2 "option '--tab' needs a value: .*" start --tab
	refused 2 "option '--batch=1' takes no value" top --batch=1
	# Options that other commands have, and one letter before another
	refused 2 "option '-d' is unknown: .*" create a /dev/b -d
	refused 2 "option '-f' is unknown: .*" top -f
	refused 2 "option '-z' is unknown: .*" top -zb
	refused 2 "a name and a file are needed: .*" record a
	refused 2 "a device is needed: .*" insert
	refused 2 "one device is needed: .*" eject
	refused 2 "one file is needed: .*" plot
	refused 2 "the picture 'x.gif' is neither .svg nor .png" plot -o x.gif file
	refused 1 "cannot read '$scratch/none': No such file or directory" plot "$scratch/none"
}

test_not_root() {
	local user=(setpriv --reuid 65534 --regid 65534 --clear-groups)

	if [ "$(id -u)" != 0 ]; then
		user=()
	else
		chmod 755 "$scratch" "$scratch/build"
	fi
	status=0
	err=$("${user[@]}" "$iobandctl" list 2>&1) || status=$?
	expect "exit status" 3 "$status"
	expect "error" "iobandctl list: only root can do this: use sudo" "$err"
}

csv_heading=seconds,device,group,id,weight,wanted_percent,got_percent,reads_per_second
csv_heading+=,writes_per_second,kib_read_per_second,kib_written_per_second,held_per_second

test_plot() {
	cat > "$scratch/data.csv" <<-END
	$csv_heading
	1.000,home,alice,1000,400,80,75,100,0,400,0,0
	1.000,home,"it's, a ""name""",1001,100,20,25,20,0,80,0,0
	2.000,home,alice,1000,400,80,80,100,20,400,80,5
	2.000,home,"it's, a ""name""",1001,100,20,20,30,0,120,0,0
	END
	ctl plot "$scratch/data.csv"
	expect "exit status" 0 "$status"
	expect "error" "" "$err"
	grep -q "alice, weight 400" "$scratch/data.svg" || expect "data.svg" "a line for alice" "none"
	grep -q "it's, a .*name.*, weight 100" "$scratch/data.svg" || expect "data.svg" "a line for it's, a" "none"
	ctl plot --requests -o "$scratch/picture.png" "$scratch/data.csv"
	expect "exit status" 0 "$status"
	expect "picture.png" "PNG" "$(head -c 4 "$scratch/picture.png" | tail -c 3)"
	refused 2 "the picture '.*' is neither .svg nor .png" plot -o "$scratch/p.svg.txt" "$scratch/data.csv"
	echo "not,a,record" > "$scratch/wrong.csv"
	refused 2 "line 1 of '.*wrong.csv' is not one that 'iobandctl record' writes" plot "$scratch/wrong.csv"
	echo "1.000,home,alice,1000,400,80,75,many,20,300,80,5" > "$scratch/wrong.csv"
	refused 2 "line 1 of '.*wrong.csv' is not one that 'iobandctl record' writes" plot --requests "$scratch/wrong.csv"
	echo "nan,home,alice,1000,400,80,75,75,20,300,80,5" > "$scratch/wrong.csv"
	refused 2 "line 1 of '.*wrong.csv' is not one that 'iobandctl record' writes" plot "$scratch/wrong.csv"
	echo "$csv_heading" > "$scratch/empty.csv"
	refused 2 "'.*empty.csv' has no rates in it: .*" plot "$scratch/empty.csv"
	[ ! -e "$scratch/empty.svg" ] || expect "after a refusal" "no picture" "$scratch/empty.svg"
}

test_install() {
	expect "output of make" "" "$(make_ctl install DESTDIR="$scratch/root" PREFIX=/usr 2>&1)"
	expect "files" "./lib/systemd/system/ioband.service
./usr/sbin/iobandctl
./usr/share/bash-completion/completions/iobandctl
./usr/share/man/man5/ioband.tab.5
./usr/share/man/man8/iobandctl.8" "$(cd "$scratch/root" && find . -type f | sort)"
	# systemd stops what it has started well, and so what works if a line is wrong
	expect "commands of the unit" "SuccessExitStatus=1 2 5
ExecStart=/usr/sbin/iobandctl start --wait
ExecStop=/usr/sbin/iobandctl stop" "$(grep -e '^Exec' -e ExitStatus "$scratch/root/lib/systemd/system/ioband.service")"
}

# verify_unit [SED-COMMAND]: what systemd says to the unit; the command that it runs must be there
verify_unit() {
	mkdir -p "$scratch/unit"
	sed -e "s|=/usr/sbin/|=$scratch/root/usr/sbin/|; ${1:-}" "$scratch/root/lib/systemd/system/ioband.service" \
		> "$scratch/unit/ioband.service"
	# Not what it says to the other units of this machine
	systemd-analyze verify --man=no "$scratch/unit/ioband.service" 2>&1 | grep -F ioband.service
}

test_unit_of_systemd() {
	expect "what systemd-analyze says" "" "$(verify_unit)"
	expect_match "what it says to a wrong setting" ".*/ioband.service:[0-9]+: Unknown key (name )?'SuccessStatus' .*" \
		"$(verify_unit 's/^SuccessExitStatus=/SuccessStatus=/')"
	expect_match "what it says to a wrong command" ".*Command $scratch/root/usr/sbin/no-such is not executable: .*" \
		"$(verify_unit 's|sbin/iobandctl start|sbin/no-such start|')"
}

test_man_pages() {
	local page

	for page in iobandctl.8 ioband.tab.5; do
		# What is not installed here cannot be looked up, and that is no fault of the page
		expect "mandoc on $page" "" "$(mandoc -T lint "$top/tools/iobandctl/$page" 2>&1 |
			grep -v -e 'outdated mandoc.db' -e 'referenced manual not found')"
	done
}

# What the command really takes: its tables of long options, and the letters that it gives to getopt_long()
options() {
	sed -n 's/.*{ "\([a-z-]*\)",[[:space:]]*[a-z]*_argument,.*/--\1/p' "$top"/tools/iobandctl/*.[ch]
	sed -n 's/.*getopt_long(argc, argv, ":\([a-z:]*\)".*/\1/p' "$top"/tools/iobandctl/*.c | tr -d : | grep -o . | sed 's/^/-/'
}

test_man_page_names_every_command_and_option() {
	local text help word

	text=$(mandoc -T ascii "$top/tools/iobandctl/iobandctl.8" | sed 's/.\x08//g')
	help=$("$iobandctl" help)
	expect "some of the options" "--batch --id --json --tab -d -o" \
		"$(options | sort -u | grep -xe --batch -e --id -e --json -e --tab -e -d -e -o | paste -s -d ' ')"
	for word in $(sed -n 's/^  \([a-z-][a-z-]*\) .*/\1/p' <<< "$help") $(options | sort -u); do
		grep -qw -- "$word" <<< "$text" || expect "iobandctl(8)" "$word" "not in it"
		grep -qw -- "$word" <<< "$help" || expect "iobandctl help" "$word" "not in it"
	done
}

# complete WORD...: what completion offers for the last WORD
complete_words() {
	# Names come from the command itself, which only root has, and from systemctl: here are some that say what they would
	bash --norc -c '
		iobandctl() {
			case $* in
			list) printf "NAME DEVICE ID TYPE\nhome /dev/sdb1 home user\nvideo /dev/sdb2 home cgroup\n" ;;
			"status home")
				printf "%s\n" "home: /dev/sdb1, ioband device ID home, type user, policy weight" \
					"  io_throttle 4, io_limit 64, token 256" \
					"  GROUP ID WEIGHT READS HELD KIB WRITES HELD KIB" "  default -1 100 0 0 0 0 0 0" \
					"  alice 1000 400 0 0 0 0 0 0" "  - 4000 50 0 0 0 0 0 0"
				;;
			"status video")
				printf "%s\n" "video: /dev/sdb2, ioband device ID home, type cgroup, policy weight" "" "" \
					"  default -1 100 0 0 0 0 0 0" "  /a\$(>$0.ran) 5 1 0 0 0 0 0 0" "  (gone) 7 1 0 0 0 0 0 0"
				;;
			esac
		}
		systemctl() { printf "%s loaded active running X\n" web.service system.slice; }
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_iobandctl
		printf "%s\n" "${COMPREPLY[@]}"
	' "$scratch/complete" "$top/tools/iobandctl/iobandctl.bash" "$@" | sort | paste -s -d ' '
}

test_completion() {
	expect "of a command" "start status stop" "$(complete_words iobandctl st)"
	expect "of a device" "home video" "$(complete_words iobandctl attach "")"
	expect "of a device" "video" "$(complete_words iobandctl remove v)"
	expect "of a user" "root" "$(complete_words iobandctl attach home root | tr ' ' '\n' | grep -x root)"
	expect "of a type" "cgroup cpuset" "$(complete_words iobandctl create a /dev/b --type c)"
	expect "of an option" "--io-limit --io-throttle" "$(complete_words iobandctl create a /dev/b --io)"
	expect "of a key" "io_limit= io_throttle=" "$(complete_words iobandctl set home io)"
	expect "of a file" "/dev/null" "$(complete_words iobandctl create a /dev/nul)"
	printf '# %s\n' comment 'home /dev/sdb1' > "$scratch/tab"
	printf '%s\n' '' '  home  /dev/sdb1 type=user' $'video\t/dev/sdb2' >> "$scratch/tab"
	expect "of a name in a tab" "home video" "$(complete_words iobandctl start --tab "$scratch/tab" "")"
	expect "of a name in a tab" "video" "$(complete_words iobandctl stop "--tab=$scratch/tab" v)"
	expect "of a name in a tab" "video" "$(complete_words iobandctl stop --tab = "$scratch/tab" home v)"
	expect "of a tab" "$scratch/tab" "$(complete_words iobandctl start -f "$scratch/ta")"
	expect "of an option" "--tab --wait" "$(complete_words iobandctl start --)"
	expect "of an option" "--tab" "$(complete_words iobandctl stop --)"
	expect "of a type" "pgrp pid" "$(complete_words iobandctl insert /dev/mapper/a --type = p)"
	expect "of a type" "--type=pgrp --type=pid" "$(complete_words iobandctl insert /dev/mapper/a --type=p)"
	expect "of a user" "root" "$(complete_words iobandctl create a /dev/b --type user root | tr ' ' '\n' | grep -x root)"
	expect "of a unit" "web.service" "$(complete_words iobandctl insert /dev/mapper/a --type=cgroup w)"
	expect "of a unit" "web.service" "$(complete_words iobandctl attach video w)"
	expect "of nothing" "" "$(complete_words iobandctl create a /dev/b --type none ro)"
	expect "of a group that is attached" "4000 alice" "$(complete_words iobandctl detach home "")"
	expect "of its weight" "alice" "$(complete_words iobandctl set home weight = al)"
	expect "of its weight" "4000 alice" "$(complete_words iobandctl set home weight =)"
	expect "of its weight" "weight=alice" "$(complete_words iobandctl set home weight=al)"
	expect "of a policy" "weight weight-iosize" "$(complete_words iobandctl set home policy = w)"
	# Whoever can make a cgroup could have it run by root otherwise
	expect "of a cgroup with a command in its name" "/a\$(>$scratch/complete.ran) 7" "$(complete_words iobandctl detach video "")"
	[ ! -e "$scratch/complete.ran" ] || expect "the command in it" "not run" "run"
	expect "commands" "$("$iobandctl" help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort | paste -s -d ' ')" \
		"$(complete_words iobandctl "" | sed 's/ *help */ /')"
}

iobandctl=$scratch/build/iobandctl
# In this order: the first one builds what the others look at
run_tests test_builds_without_warnings test_unit_tests test_unit_tests_with_sanitizers \
	test_help_names_every_command test_wrong_words test_not_root test_plot test_install test_unit_of_systemd test_man_pages \
	test_man_page_names_every_command_and_option test_completion
