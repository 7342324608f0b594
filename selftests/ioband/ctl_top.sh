#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# iobandctl top and record: the rates they show, and that top leaves a terminal as it was.

# shellcheck source=ctl.sh
. "${BASH_SOURCE[0]%/*}/ctl.sh"

require script tmux gnuplot

load_nullb slow
nullb fast size=64

export TERM=xterm

loaded_device() {
	ctl_create ioband1 /dev/slow --type user 1000:100 2000:300 || return
	must ctl set ioband1 carryover=1
	load ioband1 -- as_user 1000
	load ioband1 -- as_user 2000
	wait_for_load ioband1/1000 ioband1/2000
}

test_batch_shows_shares() {
	local line wanted got

	loaded_device || return
	ctl top --batch -d 10 -n 1 ioband1 > "$scratch/top" || fail "exit status $?"
	expect_match "heading" "TIME +DEVICE +GROUP +ID +WEIGHT +WANTED% +GOT% .*" "$(head -1 "$scratch/top")"
	line=$(awk '$4 == 2000' "$scratch/top")
	diag "$line"
	read -r _ _ _ _ _ wanted got _ <<< "$line"
	expect_eq "wanted" 75.0 "$wanted"
	expect_ge "got" "${got%.*}" 65
	expect_le "got" "${got%.*}" 85
	expect_ge "reads a second" "$(awk '{ print $8 }' <<< "$line")" 1
	expect_ge "held a second" "$(awk '{ print $12 }' <<< "$line")" 1
}

test_batch_goes_on_until_it_is_told() {
	ctl_create ioband1 /dev/fast || return
	"$iobandctl" top -b -d 0.1 > "$scratch/top" &
	wait_until 20 has_headings 3
	kill -TERM $!
	succeeds $!
}

has_headings() {
	[ "$(grep -c ^TIME "$scratch/top")" -ge "$1" ]
}

test_record_and_plot() {
	loaded_device || return
	must ctl record -d 3 -n 3 ioband1 "$scratch/data.csv" || return
	expect_eq "lines" 10 "$(wc -l < "$scratch/data.csv")"
	expect_match "heading" "seconds,device,group,id,weight,.*" "$(head -1 "$scratch/data.csv")"
	awk -F, 'NR > 1 && $4 == 2000 { got += $7 } END { print int(got / 3) }' "$scratch/data.csv" > "$scratch/got"
	expect_ge "got" "$(< "$scratch/got")" 65
	expect_le "got" "$(< "$scratch/got")" 85
	must ctl plot "$scratch/data.csv"
	grep -q "weight 300" "$scratch/data.svg" || fail "no line for weight 300 in the picture"
}

test_record_is_whole_after_an_interrupt() {
	ctl_create ioband1 /dev/fast --type user 5:5 || return
	rm -f "$scratch/data.csv"
	"$iobandctl" record -d 0.1 ioband1 "$scratch/data.csv" &
	wait_until 20 has_lines 5
	kill -TERM $!
	succeeds $!
	expect_eq "lines that are not whole" "" "$(awk -F, 'NF != 12' "$scratch/data.csv")"
}

has_lines() {
	[ -e "$scratch/data.csv" ] && [ "$(wc -l < "$scratch/data.csv")" -ge "$1" ]
}

test_record_ends_with_its_device() {
	local code=0

	ctl_create ioband1 /dev/fast || return
	rm -f "$scratch/data.csv"
	"$iobandctl" record -d 0.1 ioband1 "$scratch/data.csv" 2> "$scratch/err" &
	wait_until 20 has_lines 5
	ctl_remove ioband1
	wait_until 20 has_ended $! || return
	wait $! || code=$?
	expect_eq "exit status" 1 "$code"
	expect_eq "what record says" "iobandctl record: 'ioband1' is no ioband device any more" "$(< "$scratch/err")"
	expect_eq "lines that are not whole" "" "$(awk -F, 'NF != 12' "$scratch/data.csv")"
}

# records LOOKS GROUPS: $scratch/data.csv, as record would write it
records() {
	awk -v looks="$1" -v groups="$2" 'BEGIN {
		print "seconds,device,group,id,weight,wanted_percent,got_percent,reads_per_second,writes_per_second,kib_read_per_second," \
			"kib_written_per_second,held_per_second"
		for (i = 1; i <= looks; i++)
			for (j = 1; j <= groups; j++)
				print i ".000,ioband1,user" j "," j ",100,50.00,50.00,10.00,10.00,40.00,40.00,0.00"
	}' > "$scratch/data.csv"
}

test_plot_of_one_look() {
	records 1 2
	expect_eq "what plot says" "" "$(ctl plot "$scratch/data.csv" 2>&1)"
	grep -q "user2, weight 100" "$scratch/data.svg" || fail "user2 is not in the picture"
}

test_plot_of_many_groups() {
	records 2 64
	expect_eq "what plot says" "" "$(ctl plot "$scratch/data.csv" 2>&1)"
	records 2 65
	expect_eq "what plot says" \
		"iobandctl plot: '$scratch/data.csv' has more groups than can be told apart: the picture has the first 64" \
		"$(ctl plot "$scratch/data.csv" 2>&1)"
}

# an_earlier_picture DIRECTORY: in it, and a file to plot
an_earlier_picture() {
	records 2 2
	echo earlier > "$1/earlier.svg"
}

# expect_earlier DIRECTORY: is as it was, and nothing is beside it
expect_earlier() {
	expect_eq "earlier picture" earlier "$(< "$1/earlier.svg")"
	expect_eq "pictures" "$1/earlier.svg" "$(echo "$1"/*.svg*)"
}

# plot_to PICTURE: of $scratch/data.csv, with $path as PATH; all that it says, and its exit status
plot_to() {
	PATH=$path "$iobandctl" plot -o "$1" "$scratch/data.csv" 2>&1
	echo "status $?"
}

test_plot_that_fails_leaves_the_earlier_picture() {
	local directory=$scratch/pictures path=$scratch/bin

	mkdir "$directory" "$path"
	an_earlier_picture "$directory"
	expect_eq "plot" "iobandctl plot: gnuplot is not installed: it draws the picture
status 1" "$(plot_to "$directory/earlier.svg")"
	expect_earlier "$directory"
	# One that fails when it has begun to write
	cat > "$path/gnuplot" <<-'END'
	#!/bin/bash
	echo said
	echo complained >&2
	while read -r line; do
		[[ $line != "set output "* ]] || eval "echo part > ${line#set output}"
	done
	exit 1
	END
	chmod +x "$path/gnuplot"
	expect_eq "plot" "iobandctl plot: gnuplot could not draw '$directory/earlier.svg'
status 1" "$(plot_to "$directory/earlier.svg")"
	expect_earlier "$directory"
}

test_plot_where_nothing_can_be_written() {
	local directory=$scratch/read-only path=$PATH

	mkdir "$directory"
	must mount -t tmpfs none "$directory" || return
	on_end must umount "$directory"
	an_earlier_picture "$directory"
	must mount -o remount,ro "$directory"
	expect_eq "plot" "iobandctl plot: cannot write to '$directory/earlier.svg': Read-only file system
status 1" "$(plot_to "$directory/earlier.svg")"
	expect_earlier "$directory"
	must mount -o remount,rw,size=12k "$directory"
	expect_eq "plot on a full disk" "iobandctl plot: gnuplot could not draw '$directory/earlier.svg'
status 1" "$(plot_to "$directory/earlier.svg")"
	expect_earlier "$directory"
	expect_eq "plot" "iobandctl plot: cannot write to '$scratch/none/a.svg': No such file or directory
status 1" "$(plot_to "$scratch/none/a.svg")"
}

# on_terminal INPUT COMMAND: on a terminal of 100 x 24; what is typed comes from the command INPUT. Leaves $scratch/screen, and its settings
# before and after in $scratch/before and $scratch/after
on_terminal() {
	cat > "$scratch/session" <<-END
	trap : QUIT
	stty rows 24 cols 100
	stty -a > $scratch/before
	$2
	echo \$? > $scratch/status
	stty -a > $scratch/after
	END
	# script would end with its input
	{ $1; sleep 100; } | timeout 60 script -q -e -f -c "exec bash $scratch/session" "$scratch/screen" > /dev/null &
	# It ends with the session, and has then written all that was on the screen
	wait_until 60 has_ended $!
}

type_interrupt() {
	wait_until 30 grep -qs GROUP "$scratch/screen"
	printf '\003'
}

type_quit() {
	wait_until 30 grep -qs GROUP "$scratch/screen"
	printf '\034'
}

type_q() {
	wait_until 30 grep -qs GROUP "$scratch/screen"
	printf q
}

# expect_clean_terminal: its settings are as before, and the last that was written leaves the other screen and shows the cursor
expect_clean_terminal() {
	expect_eq "exit status" 0 "$(< "$scratch/status")"
	expect_eq "terminal settings" "$(< "$scratch/before")" "$(< "$scratch/after")"
	grep -q $'\e\[?1049h' "$scratch/screen" || fail "the other screen was not entered"
	sed 's/.*\(\x1b\[?1049[hl]\)/\1/' "$scratch/screen" | grep -a -o $'\e\[?1049[hl]' | tail -1 | grep -q l || fail "the other screen was not left"
	grep -a -o $'\e\[?25[hl]' "$scratch/screen" | tail -1 | grep -q h || fail "the cursor is not shown again"
}

test_interrupt_leaves_the_terminal_clean() {
	ctl_create ioband1 /dev/fast --type user root:5 || return
	rm -f "$scratch/after" "$scratch/screen"
	on_terminal type_interrupt "$iobandctl top -d 0.3" 2> /dev/null
	expect_clean_terminal
}

test_quit_leaves_the_terminal_clean() {
	ctl_create ioband1 /dev/fast --type user root:5 || return
	rm -f "$scratch/after" "$scratch/screen"
	on_terminal type_quit "$iobandctl top -d 0.3" 2> /dev/null
	expect_clean_terminal
}

test_q_leaves_the_terminal_clean() {
	ctl_create ioband1 /dev/fast --type user root:5 || return
	rm -f "$scratch/after" "$scratch/screen"
	on_terminal type_q "$iobandctl top -d 0.3" 2> /dev/null
	expect_clean_terminal
}

terminal() {
	tmux -L "ctl-$$" -f /dev/null "$@"
}

# pane_shows REGEX
pane_shows() {
	terminal capture-pane -p -t top | grep -E "$1" > /dev/null
}

test_view_and_resize() {
	ctl_create ioband1 /dev/fast --type user root:300 || return
	terminal new-session -d -s top -x 100 -y 12 "$iobandctl top -d 0.3" || { fail "tmux does not start"; return; }
	on_end terminal kill-server
	wait_until 30 pane_shows "^  GROUP +WEIGHT +WANTED +GOT .*HELD/s"
	wait_until 30 pane_shows "^ioband1: /dev/fast, ID ioband1, type user, policy weight"
	wait_until 30 pane_shows "^  root +300 +75.0% +0.0% .*\|"
	terminal resize-window -t top -x 60 -y 5
	wait_until 30 pane_shows "^  GROUP +WEIGHT +WANTED +GOT +IO/s +MiB"
	expect_eq "lines" 5 "$(terminal display-message -p -t top '#{pane_height}')"
	terminal resize-window -t top -x 140 -y 30
	wait_until 30 pane_shows "^  root +300 +75.0% +0.0% {25,}\|"
	direct_reads /dev/mapper/ioband1 100
	terminal send-keys -t top q
	wait_until 30 terminal_is_gone
	not_on_end terminal kill-server
}

# On the smallest usual terminal each group has its bar, and all that is shown besides has room
test_view_on_80_columns() {
	ctl_create ioband1 /dev/fast --type user root:300 daemon:100 || return
	terminal new-session -d -s top -x 80 -y 24 "$iobandctl top -d 0.3" || { fail "tmux does not start"; return; }
	on_end terminal kill-server
	wait_until 30 pane_shows "^  GROUP +WEIGHT +WANTED +GOT +IO/s +MiB/s +HELD/s$"
	wait_until 30 pane_shows "^  default +100 +20.0% +0.0% {3}\| {7,} +0 +0\.0 +0$"
	pane_shows "^  root +300 +60.0% +0.0% {7}\| {3,} +0 +0\.0 +0$" || fail "no bar of root: $(terminal capture-pane -p -t top)"
	pane_shows "^  daemon +100 +20.0% +0.0% {3}\| {7,} +0 +0\.0 +0$" || fail "no bar of daemon: $(terminal capture-pane -p -t top)"
	terminal send-keys -t top q
	wait_until 30 terminal_is_gone
	not_on_end terminal kill-server
}

test_view_of_more_groups_than_lines() {
	ctl_create ioband1 /dev/fast --type user $(seq -f '%.0f:10' 1 30) || return
	terminal new-session -d -s top -x 80 -y 10 "$iobandctl top -d 0.3" || { fail "tmux does not start"; return; }
	on_end terminal kill-server
	# Time, an empty line, device, heading, 5 of the 31 groups, and the last line
	wait_until 30 pane_shows "^26 more: in a terminal of more lines, or with a NAME, or --batch"
	terminal resize-window -t top -x 80 -y 35
	wait_until 30 pane_shows "^  (-|[a-z-]+) +10 .*"
	wait_until 30 pane_has_no "more: in"
	terminal send-keys -t top q
	wait_until 30 terminal_is_gone
	not_on_end terminal kill-server
}

pane_has_no() {
	! pane_shows "$1"
}

# Whatever it ends with, the terminal is as before, and the reason can be read
test_no_memory_leaves_the_terminal_clean() {
	ctl_create ioband1 /dev/fast --type user root:5 || return
	rm -f "$scratch/after" "$scratch/screen"
	[ -r "$fail_library" ] || bail "no $fail_library: make iobandctl"
	on_terminal "sleep 1" "FAIL_ALLOCATION=5 LD_PRELOAD=$fail_library $iobandctl top -d 0.3" 2> /dev/null
	expect_eq "exit status" 1 "$(< "$scratch/status")"
	echo 0 > "$scratch/status"
	expect_clean_terminal
	# The last that can be read, when the other screen has been left
	sed 's/.*\x1b\[?1049l//' "$scratch/screen" | grep -a "iobandctl top: out of memory" > /dev/null || fail "it did not say why"
}

test_view_of_a_load() {
	loaded_device || return
	terminal new-session -d -s top -x 140 -y 12 "$iobandctl top -d 3 ioband1" || { fail "tmux does not start"; return; }
	on_end terminal kill-server
	# What it got, and a bar of that
	wait_until 120 pane_shows "^  - +300 +75.0% +(6[5-9]|7[0-9]|8[0-4])\.[0-9]% #[ #]+\|"
	terminal send-keys -t top q
	wait_until 30 terminal_is_gone
	not_on_end terminal kill-server
}

# What is shown only once is what happened in one interval. A vt100 has no other screen, so that this can be read when top has ended.
test_view_that_is_shown_once() {
	loaded_device || return
	rm -f "$scratch/times"
	terminal new-session -d -s top -x 140 -y 12 \
		"date +%s > $scratch/times; TERM=vt100 $iobandctl top -d 5 -n 1 ioband1; date +%s >> $scratch/times; sleep 1000" ||
		{ fail "tmux does not start"; return; }
	on_end terminal kill-server
	wait_until 60 has_times
	expect_ge "seconds" "$(awk '{ seconds = $1 - seconds } END { print seconds }' "$scratch/times")" 5
	wait_until 30 pane_shows "^  - +300 +75.0% +[1-9][0-9.]+% #[ #]*\|"
	not_on_end terminal kill-server
	terminal kill-server
}

has_times() {
	[ -e "$scratch/times" ] && [ "$(wc -l < "$scratch/times")" = 2 ]
}

terminal_is_gone() {
	! terminal has-session -t top 2> /dev/null
}

test_no_terminal() {
	ctl_create ioband1 /dev/fast || return
	expect_refused_ctl 2 "the standard input and output are not a terminal: use --batch" top
}

run_tests test_batch_shows_shares test_batch_goes_on_until_it_is_told test_record_and_plot test_record_is_whole_after_an_interrupt \
	test_record_ends_with_its_device test_plot_of_one_look test_plot_of_many_groups test_plot_that_fails_leaves_the_earlier_picture \
	test_plot_where_nothing_can_be_written test_interrupt_leaves_the_terminal_clean test_quit_leaves_the_terminal_clean \
	test_q_leaves_the_terminal_clean test_view_and_resize test_view_on_80_columns test_view_of_more_groups_than_lines \
	test_no_memory_leaves_the_terminal_clean test_view_of_a_load test_view_that_is_shown_once \
	test_no_terminal
