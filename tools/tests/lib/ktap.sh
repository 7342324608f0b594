# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of the tools have in common.
#
#	. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"
#	test_two_and_two() {
#		expect "sum" 4 $((2 + 2))
#	}
#	run_tests test_two_and_two
#
#   $top                          the repository
#   $scratch                      a directory for files, gone at the end
#   expect WHAT WANT GOT          the running test fails if they differ
#   expect_like WHAT PATTERN GOT  PATTERN as in case
#   script FILE [LINE...]         FILE is an executable bash script of these lines, or of stdin
#   before_test NAME              where a program has this function, it runs before each test
#   run_tests FUNCTION...         each in the directory where the program began; prints KTAP. Comes last: its status is
#                                 the program's

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck disable=SC2034 # for those who source this
readonly top
scratch=$(mktemp -d) || exit
trap 'rm -rf "$scratch"' EXIT

expect() {
	[ "$2" = "$3" ] && return
	printf '# %s: expected %q, got %q\n' "$1" "$2" "$3"
	right=false
}

expect_like() {
	# shellcheck disable=SC2053 # the right side is a pattern, as the name says
	[[ $3 == $2 ]] && return
	printf '# %s: expected something like %q, got %q\n' "$1" "$2" "$3"
	right=false
}

script() {
	{
		echo '#!/bin/bash'
		if [ $# -gt 1 ]; then
			printf '%s\n' "${@:2}"
		else
			cat
		fi
	} > "$1"
	chmod +x "$1"
}

run_tests() {
	local test number=0 failed=0 right directory=$PWD

	echo "KTAP version 1"
	echo "1..$#"
	for test; do
		number=$((number + 1))
		right=true
		! declare -F before_test > /dev/null || before_test "$test"
		"$test"
		cd "$directory" || exit
		echo "# ${test#test_}: $SECONDS s since the start"
		if $right; then
			echo "ok $number ${test#test_}"
		else
			echo "not ok $number ${test#test_}"
			failed=$((failed + 1))
		fi
	done
	[ "$failed" = 0 ]
}
