# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# bash completion of iobandctl. Names of devices are those that "iobandctl list" shows, which
# only root can ask.

_iobandctl_devices() {
	iobandctl list 2> /dev/null | awk 'NR > 1 { print $1 }'
}

_iobandctl_layout() {
	case $1 in
	--type) echo none user uid gid pid pgrp cgroup cpuset node ;;
	--policy) echo weight weight-iosize default ;;
	*) echo --type --policy --weight --io-limit --io-throttle --id --token ;;
	esac
}

# Groups by the names that can be listed: users and cgroups
_iobandctl_groups() {
	local type

	type=$(iobandctl list 2> /dev/null | awk -v name="$1" 'NR > 1 && $1 == name { print $4 }')
	case $type in
	user | uid) compgen -u -- "$2" ;;
	gid) compgen -g -- "$2" ;;
	cgroup | cpuset) compgen -d -- "${2:-/sys/fs/cgroup/}" ;;
	esac
}

_iobandctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words=

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		words="create remove attach detach set list status reset top record plot insert eject start stop help"
	else
		case $command:$COMP_CWORD in
		create:3) mapfile -t COMPREPLY < <(compgen -f -- "${word:-/dev/}") ;;
		insert:2) mapfile -t COMPREPLY < <(compgen -f -- "${word:-/dev/mapper/}") ;;
		create:2 | start:* | stop:*) ;;
		create:* | insert:*) words=$(_iobandctl_layout "$before") ;;
		remove:2 | attach:2 | detach:2 | set:2 | reset:2 | eject:2) words=$(_iobandctl_devices) ;;
		attach:* | detach:*)
			mapfile -t COMPREPLY < <(_iobandctl_groups "${COMP_WORDS[2]}" "$word")
			;;
		set:*)
			words="type= policy= weight= token= carryover= io_throttle= io_limit="
			compopt -o nospace 2> /dev/null
			;;
		list:*) words=--json ;;
		status:*) words="--json $(_iobandctl_devices)" ;;
		top:*) words="-d -n --batch $(_iobandctl_devices)" ;;
		record:*)
			words="-d -n $(_iobandctl_devices)"
			[ "$COMP_CWORD" = 2 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
			;;
		plot:*)
			words="-o --requests"
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			;;
		esac
	fi
	[ -z "$words" ] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o filenames -F _iobandctl iobandctl
