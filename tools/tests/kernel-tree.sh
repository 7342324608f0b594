#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests tools/kernel-tree on a kernel of six files, in temporary directories. KTAP.

set -u
tool=$(cd "$(dirname "$0")/.." && pwd)/kernel-tree
work=$(mktemp -d)
mounted=
trap '[ -z "$mounted" ] || umount "$mounted"; rm -rf "$work"' EXIT

unset KERNEL FORCE KERNEL_TARBALL
export KERNEL_SPACE=1 XDG_CACHE_HOME=$work/cache GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME='Jürgen Groß' GIT_AUTHOR_EMAIL=jg@example.org
export GIT_COMMITTER_NAME=somebody GIT_COMMITTER_EMAIL=somebody@example.org

# --- Vocabulary ------------------------------------------------------------------------

# place DIRECTORY: where the tool works from here on
place() {
	mkdir -p "$1"
	export KERNEL_TREE=$1/build/linux KERNEL_PATCHES=$1/patches KERNEL_SERIES=$1/series
}

fake_kernel() { # DIRECTORY VERSION PATCHLEVEL SUBLEVEL
	mkdir -p "$1/drivers/md" "$1/block" "$1/scripts"
	printf '# SPDX\nVERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = %s\nEXTRAVERSION =\n' "$2" "$3" "$4" > "$1/Makefile"
	printf 'config DM_%s\n\ttristate\n\n' {A..Z} > "$1/drivers/md/Kconfig"
	seq -f 'obj-y += file%g.o' 20 > "$1/block/Makefile"
	printf 'int old;\n' > "$1/block/old.c"
	printf '#!/bin/sh\n' > "$1/scripts/run"
	chmod +x "$1/scripts/run"
	# as in Debian's sources: hides every new file
	printf '*.o\n/*\n!/debian/\n' > "$1/.gitignore"
}

# commit SUBJECT [FILE]: one commit in the tree; FILE gets a line
commit() {
	local file=$KERNEL_TREE/${2:-drivers/md/dm-ioband.c}

	echo "/* $1 */" >> "$file"
	commit_all "$1"
}

commit_all() { # SUBJECT
	git -C "$KERNEL_TREE" add --all
	git -C "$KERNEL_TREE" commit --quiet --message "$1" --message "What is wrong without it: groß." \
		--message "Signed-off-by: Jürgen Groß <jg@example.org>"
}

# three_patches: a tree with three commits, exported
three_patches() {
	"$tool" make
	sed -i 's/^config DM_M$/config DM_IOBAND\n\ttristate "A target"\n\nconfig DM_M/' "$KERNEL_TREE/drivers/md/Kconfig"
	commit "dm: ioband: a target that has a subject of more than the sixty-four letters of a file name"
	git -C "$KERNEL_TREE" rm --quiet block/old.c
	: > "$KERNEL_TREE/block/empty.h"
	printf '#!/bin/sh\nexit 0\n' > "$KERNEL_TREE/scripts/new"
	chmod +x "$KERNEL_TREE/scripts/new"
	commit_all "block: [x] one file goes, two come"
	commit "dm: ioband: grow"
	"$tool" export
}

# refused SENTENCE COMMAND...: it fails with exactly one line, which matches SENTENCE
refused() {
	local sentence=$1 said

	shift
	if said=$("$@" 2>&1); then
		echo "not refused: $*"
		return 1
	fi
	echo "$said"
	[ "$(wc -l <<< "$said")" = 1 ] && [[ $said == *$sentence* ]]
}

# fails COMMAND...: "! COMMAND" would not end a test
fails() {
	if "$@"; then
		echo "did not fail: $*"
		return 1
	fi
}

absent() {
	local file

	for file; do
		[ ! -e "$file" ] || { echo "$file is there"; return 1; }
	done
}

# state DIRECTORY: of all that must not change, in one word
state() {
	{
		find "$1" -path '*/.git/*' -prune -o -type f -exec sha1sum {} + | sort
		! [ -e "$1/build/linux" ] || git -C "$1/build/linux" show-ref --head
	} | sha1sum
}

# keep: patches and series beside the test's directory
keep() {
	mkdir "$work/$number.kept"
	cp -r patches series "$work/$number.kept"
}

nth_patch() { find patches -name "000$1-*" -printf '%f\n'; }

same() {
	[ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }
}

in_tree() { git -C "$KERNEL_TREE" "$@"; }

number=0 passed=0 failed=0 skipped=0

# test_that DESCRIPTION FUNCTION: in a directory of its own; exit code 4 is a skip, its last line says why
test_that() {
	local status

	number=$((number + 1))
	mkdir "$work/$number"
	(
		set -e
		place "$work/$number"
		export KERNEL=$work/kernel.tar.xz
		cd "$work/$number"
		"$2"
	) > "$work/output" 2>&1
	status=$?
	case $status in
	0) passed=$((passed + 1)); echo "ok $number $1" ;;
	4) skipped=$((skipped + 1)); echo "ok $number $1 # SKIP $(tail -n 1 "$work/output")" ;;
	*) failed=$((failed + 1)); sed 's/^/# /' "$work/output"; echo "not ok $number $1" ;;
	esac
}

# --- Base kernels ----------------------------------------------------------------------

wrong_version() {
	fake_kernel old 6 11 3
	tar -cJf old.tar.xz old
	KERNEL=old refused "old is Linux 6.11.3, and the series is for 6.12.y" "$tool" make
	fails env KERNEL=old.tar.xz "$tool" make
	absent build/linux build/linux.new
}

no_kernel() {
	KERNEL=nowhere.tar.xz refused "KERNEL=nowhere.tar.xz does not exist" "$tool" make
	mkdir empty
	KERNEL=empty refused "empty is not a kernel tree" "$tool" make
	echo "no tarball" > file.tar.xz
	fails env KERNEL=file.tar.xz "$tool" make
	absent build/linux build/linux.new
}

no_package() {
	mkdir bin
	# all commands but those that download
	for directory in /bin /usr/bin; do
		find "$directory/" -maxdepth 1 ! -name 'apt*' ! -name 'dpkg*' -exec ln -sf -t bin {} +
	done
	unset KERNEL
	PATH=$PWD/bin KERNEL_TARBALL=nowhere refused "no base kernel: name one with KERNEL=" "$tool" make
	absent build/linux
}

downloaded_package() {
	mkdir -p bin usr/src package
	cp "$work/kernel.tar.xz" usr/src/linux-source-6.12.tar.xz
	tar -cf package.tar ./usr
	printf '#!/bin/sh\n[ "$*" = "download linux-source-6.12" ] && : > package.deb && echo x >> %s/downloads\n' "$PWD" > bin/apt-get
	printf '#!/bin/sh\ncat %s/package.tar\n' "$PWD" > bin/dpkg-deb
	chmod +x bin/*
	unset KERNEL
	export PATH=$PWD/bin:$PATH KERNEL_TARBALL=nowhere XDG_CACHE_HOME=$PWD/cache
	"$tool" make
	rm -rf build/linux
	"$tool" make
	same "$("$tool" version)" 6.12.99
	same "$(wc -l < downloads)" 1
}

built_in() {
	cp -r "$work/kernel" kernel
	touch kernel/.config
	KERNEL=kernel refused "a kernel was built in" "$tool" make
}

every_source() {
	local source

	git init --quiet checkout
	cp -r "$work/kernel/." checkout
	git -C checkout add --all --force
	git -C checkout commit --quiet --message base
	echo junk > checkout/junk
	tar -C "$work/kernel" -cf flat.tar .
	for source in "$work/kernel" "$work/kernel.tar.xz" checkout flat.tar; do
		rm -rf build
		KERNEL=$source "$tool" make
		in_tree rev-parse base >> commits
		echo "$source gives $(tail -n 1 commits)"
	done
	same "$(sort -u commits | wc -l)" 1
	# A new file is seen, although Debian's .gitignore hides it
	touch build/linux/drivers/md/new.c
	same "$(in_tree status --porcelain)" "?? drivers/md/new.c"
}

kernel_is_remembered() {
	"$tool" make
	unset KERNEL
	KERNEL_TARBALL=nowhere "$tool" make
	same "$("$tool" version)" 6.12.99
}

new_base() {
	three_patches
	in_tree branch mine
	commit_in_branch=$(in_tree rev-parse mine)
	cp -r "$work/kernel" newer
	sed -i 's/SUBLEVEL = .*/SUBLEVEL = 100/' newer/Makefile
	KERNEL=newer "$tool" make
	same "$("$tool" version)" 6.12.100
	same "$(in_tree rev-list --count base..HEAD)" 3
	same "$(in_tree rev-parse mine)" "$commit_in_branch"
	same "$(in_tree status --porcelain)" ""
	absent build/linux.new
	"$tool" verify
}

# --- Patches to commits ------------------------------------------------------------------

commits_from_patches() {
	three_patches
	in_tree log --format='%an <%ae>%n%s%n%n%b' base..HEAD > before
	first=$(in_tree rev-parse 'HEAD^{tree}')
	rm -rf build/linux
	"$tool" make
	in_tree log --format='%an <%ae>%n%s%n%n%b' base..HEAD > after
	diff before after
	same "$(in_tree rev-parse 'HEAD^{tree}')" "$first"
	grep -q '^Jürgen Groß <jg@example.org>$' after
	grep -qF 'block: [x] one file goes' after
	second=$(in_tree rev-parse HEAD)
	rm -rf build/linux
	"$tool" make
	same "$(in_tree rev-parse HEAD)" "$second"
}

foreign_configuration() {
	three_patches
	same "$("$tool" verify 2>&1 | grep -c agree)" 1
	cp -r patches before
	mkdir -p home/template/hooks
	printf '#!/bin/sh\nexit 1\n' > home/template/hooks/pre-commit
	cp home/template/hooks/pre-commit home/template/hooks/post-checkout
	cp home/template/hooks/pre-commit home/template/hooks/reference-transaction
	chmod +x home/template/hooks/*
	export HOME=$PWD/home GIT_DIR=/nonexistent GIT_INDEX_FILE=/nonexistent
	unset GIT_CONFIG_GLOBAL
	cat > home/.gitconfig <<-END
		[core]
			autocrlf = true
			hooksPath = $HOME/template/hooks
			abbrev = 5
			whitespace = tab-in-indent
		[apply]
			whitespace = error-all
		[commit]
			gpgSign = true
		[gpg]
			program = false
		[init]
			templateDir = $HOME/template
			defaultBranch = other
		[diff]
			noprefix = true
			algorithm = patience
			renames = copies
			context = 9
			external = false
		[format]
			numbered = true
			signature = me
			subjectPrefix = XYZ
			attach = true
			from = me <me@example.org>
			headers = "X-Header: x\n"
			useAutoBase = true
			thread = deep
			notes = true
		[i18n]
			commitEncoding = ISO-8859-1
			logOutputEncoding = ISO-8859-1
		[log]
			showSignature = true
		[status]
			showUntrackedFiles = no
	END
	rm -rf build/linux
	"$tool" make
	touch build/linux/new.c
	refused "uncommitted changes" "$tool" export
	rm build/linux/new.c
	FORCE=1 "$tool" export
	diff -r before patches
	"$tool" verify
}

fuzz_is_refused() {
	three_patches
	before=$(state .)
	patch=patches/$(nth_patch 1)
	cp "$patch" kept
	# The context of the hunk in Kconfig is another now: patch(1) takes it with fuzz
	sed -i 's/^ config DM_M$/ config DM_N/' "$patch"
	cp "$patch" fuzzy
	refused "${patch#*/} does not apply without fuzz (patch failed: drivers/md/Kconfig:" "$tool" make
	cp kept "$patch"
	rm kept
	mv fuzzy "$work/fuzzy"
	same "$(state .)" "$before"
	# It is only the fuzz that was wrong with it
	cp -r "$work/kernel" kernel
	patch --quiet -p1 -d kernel < "$work/fuzzy"
	# And without a tree, none is left behind
	rm -rf build/linux
	cp "$work/fuzzy" "$patch"
	fails "$tool" make
	absent build/linux build/linux.new
}

offset_is_taken() {
	three_patches
	cp -r "$work/kernel" shifted
	sed -i '1i # a line\n# and another' shifted/drivers/md/Kconfig
	KERNEL=shifted "$tool" make
	grep -q DM_IOBAND build/linux/drivers/md/Kconfig
}

broken_series() {
	three_patches
	before=$(state build)
	echo nowhere.patch >> series
	refused "series names nowhere.patch" "$tool" make
	sed -i 's/^nowhere.patch$/0001-a.patch -p0/' series
	refused "'0001-a.patch -p0' is not just the name of a file" "$tool" make
	sed -i 's/^0001-a.patch -p0/plain.patch/' series
	printf -- '--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-# SPDX\n+# XPDS\n' > patches/plain.patch
	refused "plain.patch has no From: line" "$tool" make
	same "$(state build)" "$before"
}

only_what_changed() {
	three_patches
	"$tool" make
	find build/linux -type f ! -path '*/.git/*' -exec touch -d 2001-01-01 {} +
	git -C build/linux update-index --refresh
	stamp=$(stat -c %Y.%i build/linux/.git/index)
	"$tool" make 2>&1 | grep -q "is up to date"
	same "$(stat -c %Y.%i build/linux/.git/index)" "$stamp"
	# A change of the last patch writes that file and leaves the others
	sed -i 's/^+.*grow \*\/$/+other/' patches/0003*
	"$tool" make
	grep -q other build/linux/drivers/md/dm-ioband.c
	same "$(find build/linux -type f ! -path '*/.git/*' -newermt 2002-01-01)" build/linux/drivers/md/dm-ioband.c
}

# --- Work in the tree ----------------------------------------------------------------------

dirty_tree() {
	local change

	three_patches
	sed -i 's/grow/shrink/' patches/0003*
	for change in 'echo x >> Makefile' 'echo x > new.c' 'rm block/Makefile' 'echo x >> Makefile; git add Makefile'; do
		(cd build/linux && eval "$change")
		before=$(state .)
		refused "uncommitted changes" "$tool" make
		refused "uncommitted changes: commit them first" "$tool" export
		"$tool" update
		same "$(state .)" "$before"
		git -C build/linux reset --quiet --hard
		git -C build/linux clean -qfd
	done
	"$tool" make
}

unexported_commits() {
	three_patches
	commit "dm: ioband: more"
	before=$(state .)
	refused "commits that are not in patches/: 'make export' saves commits" "$tool" make
	refused "commits that are not in patches/" "$tool" remove
	"$tool" update
	same "$(state .)" "$before"
	"$tool" export
	"$tool" make
	same "$(in_tree rev-list --count base..HEAD)" 4
}

unfinished_rebase() {
	three_patches
	git -C build/linux -c sequence.editor="sed -i 1s/pick/edit/" rebase --quiet --interactive base
	refused "an unfinished rebase" "$tool" make
	refused "an unfinished rebase" "$tool" export
}

force_keeps_all() {
	three_patches
	commit "dm: ioband: more"
	mine=$(in_tree rev-parse HEAD)
	echo precious > build/linux/precious.c
	FORCE=1 "$tool" make
	same "$(in_tree rev-list --count base..HEAD)" 3
	same "$(in_tree status --porcelain)" ""
	same "$(in_tree show 'stash@{0}^3:precious.c')" precious
	same "$(in_tree rev-parse "refs/ioband/aside/$mine")" "$mine"
	refused "a stash" "$tool" remove
	[ -e build/linux ]
	FORCE=1 "$tool" remove
	absent build/linux
}

foreign_directory() {
	mkdir -p build/linux
	echo mine > build/linux/mine
	refused "is not a tree that tools/kernel-tree made" "$tool" make
	refused "is not a tree that tools/kernel-tree made" env FORCE=1 "$tool" make
	same "$(cat build/linux/mine)" mine
}

# --- Export --------------------------------------------------------------------------------

export_is_reproducible() {
	three_patches
	keep
	before=$(state .)
	"$tool" export
	same "$(state .)" "$before"
	diff -r patches "$work/$number.kept/patches"
	diff series "$work/$number.kept/series"
	# Other commit ids and dates
	(
		export GIT_COMMITTER_DATE='2001-01-01 00:00 +0100' GIT_COMMITTER_NAME=else
		git -C build/linux rebase --quiet --force-rebase base
		git -C build/linux commit --quiet --amend --no-edit --date '2002-02-02 02:02 +0200'
	)
	"$tool" export
	diff -r patches "$work/$number.kept/patches"
	diff series "$work/$number.kept/series"
	fails grep -rE '^(Date:|index [0-9a-f]|-- $)' patches
}

export_refuses() {
	three_patches
	before=$(state .)
	commit "fixup! dm: ioband: grow"
	refused "is still to be squashed" "$tool" export
	in_tree reset --quiet --hard HEAD^
	git -C build/linux commit --quiet --allow-empty --message "dm: unsigned"
	refused "'dm: unsigned' has no Signed-off-by: line" "$tool" export
	in_tree reset --quiet --hard HEAD^
	git -C build/linux commit --quiet --allow-empty --signoff --message "dm: nothing"
	refused "'dm: nothing' changes nothing" "$tool" export
	in_tree reset --quiet --hard HEAD^
	echo x >> build/linux/Makefile
	git -C build/linux commit --quiet --all --signoff --message $'dm: dashes\n\none\n---\ntwo'
	refused "does not survive a mail" "$tool" export
	in_tree reset --quiet --hard HEAD^
	echo x >> build/linux/Makefile
	git -C build/linux commit --quiet --all --signoff --message 'dm: side'
	git -C build/linux checkout --quiet -b side HEAD^
	git -C build/linux merge --quiet --no-ff ioband --message merge
	refused "has a merge" "$tool" export
	git -C build/linux checkout --quiet ioband
	in_tree reset --quiet --hard base
	refused "nothing to export" "$tool" export
	in_tree reset --quiet --hard refs/ioband/exported
	in_tree branch --quiet -D side
	same "$(state .)" "$before"
	# Patches that came from elsewhere meanwhile
	sed -i 's/grow/shrink/' patches/0003*
	commit "dm: ioband: more"
	before=$(state .)
	refused "patches/ or series changed since" "$tool" export
	same "$(state .)" "$before"
}

stale_patches_go() {
	three_patches
	in_tree reset --quiet --hard HEAD^
	commit "dm: ioband: another"
	"$tool" export
	same "$(find patches -name '0003*')" patches/0003-dm-ioband-another.patch
	same "$(find patches -type f | wc -l)" 3
	"$tool" verify
}

sections() {
	three_patches
	commit "dm: ioband: four" block/Makefile
	"$tool" export
	cat > series <<-END
		# SPDX-License-Identifier: GPL-2.0
		# The header.

		# Section one
		$(nth_patch 1)
		$(nth_patch 2)

		# Section two,
		# of two lines
		$(nth_patch 3)
		$(nth_patch 4)

		# The end
	END
	cp series before
	"$tool" export
	diff before series
	"$tool" verify

	# The patch below a section's name is renamed, and another grows behind the first section
	git -C build/linux -c sequence.editor="sed -i -e '/one file/a break' -e '/grow/a break'" rebase --quiet --interactive base
	commit "dm: ioband: inserted" new.c
	git -C build/linux rebase --continue
	git -C build/linux commit --quiet --amend --message 'dm: ioband: renamed' --message 'Signed-off-by: J <j@example.org>'
	git -C build/linux rebase --continue
	"$tool" export
	sed -e "s/^0004-dm-ioband-four.*/0005-dm-ioband-four.patch/" -e "s/^0003-dm-ioband-grow.*/0004-dm-ioband-renamed.patch/" \
		-e "/^0002/a 0003-dm-ioband-inserted.patch" before > expected
	diff expected series

	# A section whose patches are all gone keeps its comment too
	in_tree reset --quiet --hard HEAD~3
	"$tool" export
	grep -v '^000[3-5]' expected > left
	diff left series
}

# --- Verification ----------------------------------------------------------------------------

verify_notices() {
	three_patches
	"$tool" verify
	keep
	sed -i '/^From: /a Date: today' patches/0002*
	fails "$tool" verify
	cp "$work/$number.kept/patches/"* patches
	: > patches/0009-stale.patch
	fails "$tool" verify
	rm patches/0009*
	tac series > reversed
	mv reversed series
	fails "$tool" verify
	cp "$work/$number.kept/series" series
	"$tool" verify
	commit "dm: ioband: more"
	fails "$tool" verify
}

quilt_applies() {
	command -v quilt > /dev/null || { echo "no quilt"; exit 4; }
	three_patches
	cp -r "$work/kernel" plain
	ln -s "$PWD/patches" "$PWD/series" plain
	(cd plain && quilt --quiltrc /dev/null push -a --fuzz=0)
	rm -rf plain/.pc plain/patches plain/series plain/.gitignore
	git -C build/linux archive HEAD | (mkdir expected && tar -x -C expected)
	rm expected/.gitignore
	diff -r plain expected
}

# --- A full disk -----------------------------------------------------------------------------

no_space_to_begin_with() {
	KERNEL_SPACE=999999999 refused "needs 999999999 MiB" "$tool" make
	absent build/linux build/linux.new
}

disk_fills_up() {
	mkdir disk
	mount -t tmpfs -o size=4m tmpfs disk || { echo "cannot mount a tmpfs: not root"; exit 4; }
	trap 'umount disk' EXIT
	place "$PWD/disk"

	# While a kernel is unpacked
	cp -r "$work/kernel" big
	head -c 6000000 /dev/urandom > big/blob
	fails env KERNEL=big "$tool" make
	absent disk/build/linux disk/build/linux.new

	# While the files are written: a patch is small in git and large in the tree
	three_patches
	before=$(state disk)
	sed -n '/^diff/q;p' disk/patches/0003-*.patch > "$work/large"
	{
		printf 'diff --git a/large b/large\nnew file mode 100644\n--- /dev/null\n+++ b/large\n@@ -0,0 +1,300000 @@\n'
		yes '+sixteen letters' | head -n 300000
	} >> "$work/large"
	sed -e 's/grow/large/' "$work/large" > large.patch
	mkdir more
	cp disk/patches/* more
	mv large.patch more/0004-large.patch
	{ cat disk/series; echo 0004-large.patch; } > more.series
	fails env KERNEL_PATCHES="$PWD/more" KERNEL_SERIES="$PWD/more.series" "$tool" make
	same "$(in_tree status --porcelain)" ""
	same "$(state disk)" "$before"

	# While patches are written
	head -c 60000 /dev/urandom | base64 > disk/build/linux/block/blob
	commit_all "block: a blob"
	before=$(state disk)
	head -c 9000000 /dev/zero > disk/build/filler || true
	fails "$tool" export
	rm disk/build/filler
	same "$(state disk)" "$before"
	"$tool" export
	"$tool" verify
}

unknown_words() {
	refused "unknown command 'mak'" "$tool" mak
	refused "one command at a time" "$tool" make export
	absent build
}

fake_kernel "$work/kernel" 6 12 99
tar -C "$work" -cJf "$work/kernel.tar.xz" kernel

echo "KTAP version 1"
echo "1..28"
test_that "a kernel of another version is refused" wrong_version
test_that "what is not a kernel is refused" no_kernel
test_that "without the package and without apt there is a sentence" no_package
test_that "who cannot install the package gets it downloaded, once" downloaded_package
test_that "a directory with a kernel built in it is refused" built_in
test_that "directory, git checkout and tarball give the same base" every_source
test_that "a tree keeps the base that KERNEL= named" kernel_is_remembered
test_that "a new base kernel keeps the user's branches" new_base
test_that "patches become commits with author, subject and body" commits_from_patches
test_that "the user's git configuration changes nothing" foreign_configuration
test_that "a patch that needs fuzz is refused and the tree kept" fuzz_is_refused
test_that "a patch that needs an offset is taken" offset_is_taken
test_that "a broken series is refused" broken_series
test_that "a changed patch writes the files it changes, no change none" only_what_changed
test_that "a dirty tree is not overwritten" dirty_tree
test_that "commits that are not exported are not overwritten" unexported_commits
test_that "an unfinished rebase is left alone" unfinished_rebase
test_that "FORCE=1 puts work aside and loses none" force_keeps_all
test_that "a directory of somebody else is left alone" foreign_directory
test_that "equal commits give equal patches" export_is_reproducible
test_that "export refuses what makes no patch" export_refuses
test_that "export removes patches that are gone" stale_patches_go
test_that "export keeps the sections of series" sections
test_that "verify notices every difference" verify_notices
test_that "quilt push -a applies the series without fuzz" quilt_applies
test_that "too little space is said before anything is done" no_space_to_begin_with
test_that "a disk that fills up costs nothing" disk_fills_up
test_that "unknown words are refused" unknown_words
echo "# Totals: pass:$passed fail:$failed xfail:0 xpass:0 skip:$skipped error:0"
[ "$failed" = 0 ]
