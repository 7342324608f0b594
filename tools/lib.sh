# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by every tool. Gives it
#	$top	the repository
#	$build	everything that is built, not in git (IOBAND_BUILD= names another place)
#	$cache	what is kept per user, across clones
#	$jobs	how many jobs the kernel's make may run (J= from the Makefile)
# and the functions below. Messages go to stderr: stdout is the tool's result.
#
# shellcheck disable=SC2034 # the variables are for those who source this

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${IOBAND_BUILD:-$top/build}
cache=${XDG_CACHE_HOME:-~/.cache}/linux-ioband
jobs=${J:-$(nproc)}

# As the user would type it from the repository: tools/guest, tools/tests/x.sh
program=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
program=${program#"$top"/}

died=		# set once die has said what is wrong
progress_open=	# set while an unfinished line of progress is on the terminal
progress_last=0	# $SECONDS of the last line where stderr is not a terminal

# note TEXT: tells the user something
note() {
	progress_clear
	printf '%s: %s\n' "$program" "$*" >&2
}

# die TEXT: one sentence that says what is wrong, and the end
die() {
	note "$*"
	died=1
	exit 1
}

# progress TEXT: how far long work has got. In place on a terminal, else a line every 15 seconds.
progress() {
	if [ -t 2 ]; then
		printf '\r\033[K%s: %s' "$program" "$*" >&2
		progress_open=1
	elif ((SECONDS - progress_last >= 15)); then
		progress_last=$SECONDS
		printf '%s: %s\n' "$program" "$*" >&2
	fi
}

# progress_clear: takes an unfinished line of progress off the terminal
progress_clear() {
	[ -z "$progress_open" ] || printf '\r\033[K' >&2
	progress_open=
}

# elapsed START: the time since $SECONDS was START, for people
elapsed() {
	local seconds=$((SECONDS - $1))

	if ((seconds < 60)); then
		printf '%d s' "$seconds"
	else
		printf '%d min %02d s' $((seconds / 60)) $((seconds % 60))
	fi
}

# count_progress TEXT EVERY: counts the lines on stdin; "TEXT 12000 files, 8 s" each EVERY lines
count_progress() {
	local count=0 start=$SECONDS

	while read -r; do
		((++count % $2)) || progress "$1 $count files, $(elapsed "$start")"
	done
	progress_clear
}

# need COMMAND...: stops with a hint unless they exist
need() {
	local command

	for command; do
		command -v "$command" > /dev/null ||
			die "no command '$command': 'make packages' installs it"
	done
}

# lock_kernel DIRECTORY: waits until no other tool builds the kernel or changes its tree.
# The lock is on DIRECTORY and lasts until this program ends.
lock_kernel() {
	mkdir -p "$1"
	exec {kernel_lock}> "$1/.lock"
	flock --nonblock "$kernel_lock" && return
	note "waiting for another build or tree change in $1"
	flock "$kernel_lock"
}

# What the kernel's make must not see of the make and the shell that called us
readonly clean_environment=(-u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES
	-u KERNEL -u DEBUG -u J -u V -u W -u C -u O -u KBUILD_OUTPUT -u KCFLAGS LC_ALL=C)

# kernel_make TREE OUTPUT-DIRECTORY ARGUMENT...: the kernel's make. Every tool uses this one, as
# make builds all objects again when it is called with other words. Equal sources give an
# equal kernel. MAKE= names another make.
kernel_make() {
	local tree=$1 out=$2 compiler=gcc

	shift 2
	! command -v ccache > /dev/null || compiler="ccache gcc"
	env "${clean_environment[@]}" LOCALVERSION='' KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=ioband \
		KBUILD_BUILD_HOST=ioband KBUILD_BUILD_TIMESTAMP='Sun Nov 17 22:15:00 UTC 2024' \
		"${MAKE:-make}" -C "$tree" O="$out" ARCH=x86_64 CC="$compiler" HOSTCC="$compiler" "$@"
}

# check_space MIB DIRECTORY PURPOSE
check_space() {
	local free

	free=$(df --output=avail --block-size=1M "$2" | tail -n 1)
	((free >= $1)) ||
		die "$2 has $((free)) MiB free, and $3 needs $1 MiB"
}

# requested FRAGMENT...: OPTION and value (n where a fragment says "is not set"), the last one wins
requested() {
	cat "$@" |
		sed -n -e 's/^CONFIG_\([A-Za-z0-9_]*\)=\(.*\)/\1 \2/p' \
			-e 's/^# CONFIG_\([A-Za-z0-9_]*\) is not set$/\1 n/p' |
		awk '{ value[$1] = $2 } END { for (option in value) print option, value[option] }' |
		sort
}

# known_options TREE: all that the tree's Kconfig files define
known_options() {
	find "$1" -path "$1/.git" -prune -o -name 'Kconfig*' -type f -print0 |
		xargs -0 sed -n 's/^[[:space:]]*\(menu\)\?config[[:space:]]\+\([A-Za-z0-9_]\+\).*/\2/p' |
		sort -u
}

# check_config TREE CONFIG FRAGMENT...: names every option that is not as a fragment has it
check_config() {
	local tree=$1 config=$2 option value actual wrong=() known

	shift 2
	known=$(known_options "$tree")
	while read -r option value; do
		actual=$(sed -n "s/^CONFIG_$option=//p" "$config")
		if ! grep -qx -e "$option" <<< "$known"; then
			wrong+=("CONFIG_$option (the tree does not know it)")
		elif [ "${actual:-n}" != "$value" ]; then
			wrong+=("CONFIG_$option=$value (is ${actual:-n})")
		fi
	done < <(requested "$@")
	[ ${#wrong[@]} -eq 0 ] ||
		die "these options did not come through: $(printf '%s\n' "${wrong[@]}" | paste -s -d , | sed 's/,/, /g')"
}

# watch_build LOG FILE EXPECTED: the kernel's make's output on stdin to LOG, progress from it to the
# user, and the number of objects to FILE. EXPECTED is that number, 0 if it is not known.
watch_build() {
	local log=$1 file=$2 line rest='' status objects=0 start=$SECONDS of=

	[ "$3" = 0 ] || of=" of about $3"
	while :; do
		# Every few seconds the time goes on, whether there is a line or not
		status=0
		IFS= read -r -t 5 line || status=$?
		rest+=$line
		if ((status <= 128)); then
			[ -z "$rest" ] && ((status)) || printf '%s\n' "$rest"
			((status == 0)) || break
			case $rest in
			'  CC '*|'  AS '*|'  HOSTCC '*) objects=$((objects + 1)) ;;
			esac
			rest=
		fi
		progress "$objects$of objects, $(elapsed "$start")"
	done >> "$log"
	progress_clear
	echo "$objects" > "$file"
}

# first_errors LOG: what the log of a kernel build says first, and where
first_errors() {
	grep -n -m 5 -A 3 -E '(fatal |: )error:|undefined reference|^ERROR:|No rule to make|No space left|\*\*\*' "$1" ||
		tail -n 10 "$1"
}
