# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# bash completion of iobandctl. Names of devices are those that "iobandctl list" shows, which
# only root can ask.

_iobandctl_types="none user uid gid pid pgrp cgroup cpuset node"
_iobandctl_policies="weight weight-iosize default"

# The lines of the standard input that begin with WORD. Unlike compgen -W it takes them as they
# are: anybody may have made a cgroup that is called $(something).
_iobandctl_begin_with() {
	local line

	while IFS= read -r line; do
		[[ $line != "$1"* ]] || printf '%s\n' "$line"
	done
}

_iobandctl_devices() {
	iobandctl list 2> /dev/null | awk 'NR > 1 { print $1 }'
}

_iobandctl_type_of() {
	iobandctl list 2> /dev/null | awk -v name="$1" 'NR > 1 && $1 == name { print $4 }'
}

# Groups of a type by the names that can be listed
_iobandctl_groups() {
	case $1 in
	user | uid) compgen -u -- "$2" ;;
	gid) compgen -g -- "$2" ;;
	cgroup | cpuset)
		[[ $2 == /* ]] || _iobandctl_units | _iobandctl_begin_with "$2"
		compgen -d -- "${2:-/sys/fs/cgroup/}"
		;;
	esac
}

# What runs and has a cgroup
_iobandctl_units() {
	systemctl list-units --type=service,slice,scope --plain --no-legend 2> /dev/null |
		awk '{ print $1 }'
}

# The groups that are attached to a device: by ID where the name would not do
_iobandctl_attached() {
	iobandctl status "$1" 2> /dev/null | awk '
		NR == 1 { by_id = /, type (pid|pgrp),/ }
		NR > 3 && $(NF - 7) != -1 {
			print by_id || NF != 9 || $1 == "-" || $1 == "(gone)" ? $(NF - 7) : $1
		}'
}

# The value of an option before the cursor, of which both names are given
_iobandctl_value() {
	local i value=

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		"$1" | "$2")
			value=${COMP_WORDS[i + 1]}
			[ "$value" != = ] || value=${COMP_WORDS[i + 2]}
			;;
		"$2"=*) value=${COMP_WORDS[i]#*=} ;;
		esac
	done
	printf '%s\n' "$value"
}

# The names in ioband.tab, or in the file that takes its place
_iobandctl_tab_names() {
	local tab

	tab=$(_iobandctl_value -f --tab)
	awk '$1 != "" && $1 !~ /^#/ { print $1 }' "${tab:-/etc/ioband.tab}" 2> /dev/null
}

_iobandctl_layout() { # WORD
	local type

	type=$(_iobandctl_value --type --type)
	[[ $1 == -* ]] || mapfile -t COMPREPLY < <(_iobandctl_groups "$type" "$1")
	[[ $1 != "" && $1 != -* ]] ||
		words="--type --policy --weight --io-limit --io-throttle --id --token"
}

# KEY=VALUE of set
_iobandctl_setting() { # DEVICE KEY WORD
	case $2 in
	type) words=$_iobandctl_types ;;
	policy) words=$_iobandctl_policies ;;
	weight) mapfile -t COMPREPLY < <(_iobandctl_attached "$1" | _iobandctl_begin_with "$3") ;;
	esac
}

_iobandctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words='' prefix='' assigned=''

	COMPREPLY=()
	# --type=user is three words, unless COMP_WORDBREAKS is without "="
	if [ "$word" = = ]; then
		word='' assigned=1
	elif [ "$before" = = ]; then
		before=${COMP_WORDS[COMP_CWORD - 2]} assigned=1
	elif [[ $word == --*=* || $command:$word == set:*=* ]]; then
		before=${word%%=*} prefix=$before= word=${word#*=} assigned=1
	elif [[ $before == --*=* ]]; then
		before=''
	fi

	if [ "$COMP_CWORD" = 1 ]; then
		words="create remove attach detach set list status reset top record plot insert eject start stop help"
	else
		case $command:$before:$COMP_CWORD in
		create:--type:* | insert:--type:*) words=$_iobandctl_types ;;
		create:--policy:* | insert:--policy:*) words=$_iobandctl_policies ;;
		create:--*:* | insert:--*:* | top:-[dn]:* | record:-[dn]:*) ;;
		start:-f:* | start:--tab:* | stop:-f:* | stop:--tab:* | plot:-o:* | plot:--output:*)
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			;;
		create:*:3) mapfile -t COMPREPLY < <(compgen -f -- "${word:-/dev/}") ;;
		insert:*:2) mapfile -t COMPREPLY < <(compgen -f -- "${word:-/dev/mapper/}") ;;
		create:*:2) ;;
		create:* | insert:*) _iobandctl_layout "$word" ;;
		start:* | stop:*)
			words="-f --tab"
			[ "$command" = stop ] || words+=" --wait"
			[[ $word == -* ]] || words=''
			mapfile -t COMPREPLY < <(_iobandctl_tab_names | _iobandctl_begin_with "$word")
			;;
		remove:*:2 | attach:*:2 | detach:*:2 | set:*:2 | reset:*:2 | eject:*:2)
			words=$(_iobandctl_devices)
			;;
		attach:*)
			mapfile -t COMPREPLY < \
				<(_iobandctl_groups "$(_iobandctl_type_of "${COMP_WORDS[2]}")" "$word")
			;;
		detach:*)
			mapfile -t COMPREPLY < \
				<(_iobandctl_attached "${COMP_WORDS[2]}" | _iobandctl_begin_with "$word")
			;;
		set:*)
			[ -z "$assigned" ] || _iobandctl_setting "${COMP_WORDS[2]}" "$before" "$word"
			[ -n "$assigned" ] ||
				words="type= policy= weight= token= carryover= io_throttle= io_limit="
			compopt -o nospace 2> /dev/null
			;;
		list:*) words=--json ;;
		status:*) words="--json $(_iobandctl_devices)" ;;
		top:*) words="-d -n -b --batch $(_iobandctl_devices)" ;;
		record:*)
			words="-d -n $(_iobandctl_devices)"
			[ "$COMP_CWORD" = 2 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
			;;
		plot:*)
			words="-o --output --requests"
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			;;
		esac
	fi
	[ -z "$words" ] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$word")
	COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
}

complete -o filenames -F _iobandctl iobandctl
