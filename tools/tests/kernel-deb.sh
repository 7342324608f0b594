#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of tools/kernel-deb: which configuration it takes, what it changes in it, what it
# refuses, and what it leaves of the packages. Works on a small repository of its own, in
# which the kernel's make is a script; tools/check builds and boots true ones. Prints KTAP.

set -u
# shellcheck source=SCRIPTDIR/lib/ktap.sh
. "${BASH_SOURCE[0]%/*}/lib/ktap.sh"
unset CONFIG LOCALVERSION DEBUG_INFO KERNEL KERNEL_TREE KERNEL_SPACE IOBAND_BUILD KDEB_PKGVERSION MAKE J

# A repository with the true tool, and a kernel that knows a few options
before_test() {
	repository=$scratch/$1
	tree=$repository/build/linux
	objects=$repository/build/deb/objects
	config=$repository/config
	mkdir -p "$repository/tools" "$repository/kernel-config" "$tree/scripts/kconfig"
	cp "$top/tools/kernel-deb" "$top/tools/lib.sh" "$repository/tools/"
	printf 'CONFIG_DM_IOBAND=y\nCONFIG_CGROUP_BIO=y\n' > "$repository/kernel-config/ioband.config"
	printf 'config %s\n' X86_64 DM_IOBAND CGROUP_BIO CGROUPS LOCALVERSION_AUTO DEBUG_INFO DEBUG_INFO_NONE DEBUG_INFO_BTF \
		SYSTEM_TRUSTED_KEYS SYSTEM_REVOCATION_KEYS MODULE_SIG_KEY > "$tree/Kconfig"
	# shellcheck disable=SC2016 # expanded when it runs
	printf '#!/bin/sh\nshift 2\ncat "$@" > "$KCONFIG_CONFIG"\n' > "$tree/scripts/kconfig/merge_config.sh"
	chmod +x "$tree/scripts/kconfig/merge_config.sh"
	# shellcheck disable=SC2016 # expanded when it runs
	script "$repository/tools/kernel-tree" <<< 'case $1 in version) echo 6.12.99 ;; esac'
	# The last value of an option counts; those that depend on others are only there with them
	script "$repository/make" <<-'MAKE'
		for word; do
			case $word in
			O=*) out=${word#O=} ;;
			LOCALVERSION=*) release=6.12.99${word#*=} ;;
			esac
		done
		cd "$out" || exit
		echo "$*" >> "$0.calls"
		case ${*: -1} in
		olddefconfig)
			awk -F= '{ name = $1; sub(/^# /, "", name); sub(/ is not set$/, "", name); value[name] = $0 }
				END { for (name in value) print value[name] }' .config | sort > .config.new
			if grep -q '^CONFIG_DEBUG_INFO_NONE=y' .config.new; then
				sed -i -e '/^CONFIG_DEBUG_INFO=/d' -e '/^CONFIG_DEBUG_INFO_BTF=/d' .config.new
			fi
			grep -q '^CONFIG_CGROUPS=y' .config.new || sed -i '/^CONFIG_CGROUP_BIO=/d' .config.new
			mv .config.new .config
			;;
		bindeb-pkg)
			mkdir -p include/config
			echo "$release" > include/config/kernel.release
			echo "  CC      kernel/fork.o"
			if [ -e "$0.fails" ]; then
				echo "kernel/fork.c:7:1: error: too many forks"
				exit 2
			fi
			[ -e "$0.forgets" ] || touch "../linux-image-${release}_${KDEB_PKGVERSION}_amd64.deb"
			touch "../linux-headers-${release}_${KDEB_PKGVERSION}_amd64.deb" "../linux-libc-dev_${KDEB_PKGVERSION}_amd64.deb" \
				"../linux-upstream_${KDEB_PKGVERSION}_amd64.changes" "../linux-upstream_${KDEB_PKGVERSION}_amd64.buildinfo"
			;;
		esac
	MAKE
	configuration CONFIG_X86_64=y CONFIG_CGROUPS=y
}

# configuration LINE...: what a distribution has in /boot
configuration() {
	printf '%s\n' "#" "# Automatically generated file; DO NOT EDIT." "#" "" "$@" > "$config"
}

# deb WORD...: the tool; leaves $status, $out and $said
deb() {
	status=0
	out=$(MAKE=$repository/make "$repository/tools/kernel-deb" "$@" 2> "$scratch/err") || status=$?
	said=$(< "$scratch/err")
}

# expect_refused SENTENCE: that is all that was said, and nothing was built
expect_refused() {
	expect "exit status" 1 "$status"
	expect "output" "" "$out"
	expect "last words" "tools/kernel-deb: $1" "${said##*$'\n'}"
	expect "packages" "" "$(packages)"
}

packages() {
	find "$repository/build/deb" -maxdepth 1 -type f -printf '%f\n' 2> /dev/null | sort | paste -s -d ' '
}

# expect_config LINE...: these are in the configuration, and nothing else
expect_config() {
	expect "exit status" 0 "$status"
	expect "configuration" "$(printf '%s\n' "$@" CONFIG_X86_64=y CONFIG_CGROUPS=y CONFIG_DM_IOBAND=y CONFIG_CGROUP_BIO=y | sort)" \
		"$(grep CONFIG_ "$objects/.config" | sort)"
}

test_packages_have_names_of_their_own() {
	CONFIG=$config deb
	expect "exit status" 0 "$status"
	expect "packages" "linux-headers-6.12.99-ioband_6.12.99-1_amd64.deb linux-image-6.12.99-ioband_6.12.99-1_amd64.deb" "$(packages)"
	expect "output" "$(printf '%s\n' "$repository"/build/deb/linux-{headers,image}-6.12.99-ioband_6.12.99-1_amd64.deb)" "$out"
	CONFIG=$config LOCALVERSION=-mine KDEB_PKGVERSION=7-8 deb
	expect "packages" "linux-headers-6.12.99-mine_7-8_amd64.deb linux-image-6.12.99-mine_7-8_amd64.deb" "$(packages)"
}

test_the_running_kernels_configuration_is_found() {
	RUNNING_CONFIGS="/nonexistent $config" deb --config
	expect_config
	RUNNING_CONFIGS="/nonexistent /neither" deb
	expect_refused "no configuration of the running kernel (/nonexistent /neither): name one with CONFIG="
}

test_compressed_configurations() {
	gzip -k "$config"
	xz -k "$config"
	CONFIG=$config.gz deb --config
	expect_config
	rm "$objects/.config"
	CONFIG=$config.xz deb --config
	expect_config
	echo CONFIG_X86_64=y > "$repository/plain.gz"
	CONFIG=$repository/plain.gz deb
	expect_refused "$repository/plain.gz cannot be decompressed by zcat"
}

test_config_only_builds_nothing() {
	CONFIG=$config deb --config
	expect "exit status" 0 "$status"
	expect "calls" olddefconfig "$(sed 's/.* //' "$repository/make.calls")"
	expect "packages" "" "$(packages)"
}

# All that only the distribution can build with goes, what a user has stays
test_keys_of_the_distribution() {
	configuration CONFIG_X86_64=y CONFIG_CGROUPS=y 'CONFIG_SYSTEM_TRUSTED_KEYS="debian/certs/debian-uefi-certs.pem"' \
		'CONFIG_SYSTEM_REVOCATION_KEYS="debian/revoked.pem"' 'CONFIG_MODULE_SIG_KEY="/nonexistent/key.pem"'
	CONFIG=$config deb --config
	expect_config 'CONFIG_SYSTEM_TRUSTED_KEYS=""' 'CONFIG_SYSTEM_REVOCATION_KEYS=""' 'CONFIG_MODULE_SIG_KEY="certs/signing_key.pem"'
	expect "said" "tools/kernel-deb: $config, changed: CONFIG_SYSTEM_TRUSTED_KEYS=\"\", CONFIG_SYSTEM_REVOCATION_KEYS=\"\", \
CONFIG_MODULE_SIG_KEY=\"certs/signing_key.pem\"" "$said"
	configuration CONFIG_X86_64=y CONFIG_CGROUPS=y "CONFIG_SYSTEM_TRUSTED_KEYS=\"$config\"" 'CONFIG_MODULE_SIG_KEY=""'
	CONFIG=$config deb --config
	expect_config "CONFIG_SYSTEM_TRUSTED_KEYS=\"$config\"" 'CONFIG_MODULE_SIG_KEY=""'
	expect "said" "" "$said"
}

test_debug_information_only_if_asked_for() {
	configuration CONFIG_X86_64=y CONFIG_CGROUPS=y CONFIG_DEBUG_INFO=y
	CONFIG=$config deb --config
	expect_config CONFIG_DEBUG_INFO_NONE=y
	CONFIG=$config DEBUG_INFO=1 deb --config
	expect_config CONFIG_DEBUG_INFO=y
}

test_release_without_the_commit() {
	configuration CONFIG_X86_64=y CONFIG_CGROUPS=y CONFIG_LOCALVERSION_AUTO=y
	CONFIG=$config deb --config
	expect_config "# CONFIG_LOCALVERSION_AUTO is not set"
}

test_options_that_do_not_survive() {
	configuration CONFIG_X86_64=y
	CONFIG=$config deb
	expect_refused "these options did not come through: CONFIG_CGROUP_BIO=y (is n)"
	echo CONFIG_DM_MISSPELT=y >> "$repository/kernel-config/ioband.config"
	configuration CONFIG_X86_64=y CONFIG_CGROUPS=y
	CONFIG=$config deb
	expect_refused "these options did not come through: CONFIG_DM_MISSPELT (the tree does not know it)"
}

test_what_is_no_configuration() {
	local text

	CONFIG=$repository/nothing deb
	expect_refused "CONFIG=$repository/nothing does not exist"
	CONFIG=$repository deb
	expect_refused "CONFIG=$repository is not a file"
	for text in "" "# a comment" $'CONFIG_X86_64=y\nCONFIG_A B=y' $'#!/bin/sh\nexit 0' $'CONFIG_X86_64=y\n\x01'; do
		printf '%s\n' "$text" > "$config"
		CONFIG=$config deb
		expect_refused "$config is not a kernel configuration"
	done
	configuration CONFIG_ARM64=y
	CONFIG=$config deb
	expect_refused "$config is not a configuration for x86_64"
}

test_names_that_no_package_can_have() {
	local name

	for name in -Ioband "-io band" -io_band / -; do
		CONFIG=$config LOCALVERSION=$name deb
		expect_refused "LOCALVERSION=$name cannot be part of a package's name: only lower-case letters, digits, and . + ~ - between them"
	done
	CONFIG=$config deb --frobnicate
	expect_refused "unknown word '--frobnicate': see tools/kernel-deb --help"
}

test_no_space() {
	local free sentence

	CONFIG=$config KERNEL_SPACE=999999999 deb
	free=$(sed -n 's/.* has \([0-9]*\) MiB free.*/\1/p' <<< "$said")
	sentence="$objects has $free MiB free, and a build of this configuration needs 999999999 MiB"
	expect_refused "$sentence"
}

# Packages of an earlier build are not there to be taken for those of this one
test_a_build_that_fails() {
	CONFIG=$config deb
	expect "exit status" 0 "$status"
	touch "$repository/make.fails"
	CONFIG=$config deb
	expect_refused "the kernel build failed: the whole log is $repository/build/log/kernel-deb.log"
	grep -qF "kernel/fork.c:7:1: error: too many forks" <<< "$said" || expect "said" "the compiler's error" "$said"
	rm "$repository/make.fails"
	touch "$repository/make.forgets"
	CONFIG=$config deb
	expect "exit status" 1 "$status"
	expect "last words" "tools/kernel-deb: the kernel build made no package of the kernel 6.12.99-ioband: see $repository/build/log/kernel-deb.log" \
		"${said##*$'\n'}"
}

mapfile -t tests < <(compgen -A function test_)
run_tests "${tests[@]}"
