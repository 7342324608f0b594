# SPDX-License-Identifier: GPL-2.0
#
# The front door: each target calls one tool. Text after ## is what "make help" prints.

# The base kernel: a directory, a git checkout or a tarball. Default: package linux-source-6.12
KERNEL ?=
# 1: the debug kernel. "make kernel" also takes the name of another fragment in kernel-config/
DEBUG ?=
# The patches that bisect-check looks at, numbers as in patches/
FROM ?=
TO ?=
# Jobs for the kernel build. Default: one for each CPU
J ?=

kernel_name := $(if $(DEBUG),$(patsubst 1,debug,$(DEBUG)),guest)

export KERNEL DEBUG J FROM TO

.NOTPARALLEL:
.PHONY: help tree export kernel bisect-check config-check deb check demo bench iobandctl install packages clean distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo
	@echo "  KERNEL=PATH       another base kernel 6.12.y: a directory, a git checkout or a tarball"
	@echo "  DEBUG=1           the debug kernel (KASAN, lockdep, ...) instead of the guest's"
	@echo "  DEBUG=kcsan       the kernel that looks for data races"
	@echo "  CONFIG=PATH       deb: a configuration other than the running kernel's"
	@echo "  LOCALVERSION=-X   deb: what the kernel's release ends in, default: -ioband"
	@echo "  DEBUG_INFO=1      deb: with debug information, three times the disk space"
	@echo "  J=N               jobs for the kernel build, default: one for each CPU"
	@echo "  ONLY=WORD         bench: only workloads with WORD in their name; several: WORD,WORD"
	@echo "                    config-check: likewise, of the configurations' names"
	@echo "  FROM=N TO=N       bisect-check: only the patches from N to N, numbers as in patches/"
	@echo "  FORCE=1           tree: put work that is not exported aside; export: overwrite newer patches"

demo: ## one device divided 4:1, between users and between cgroups; and who wrote what
	@tools/demo/run

check: ## static checks, build, KUnit and kselftests; ends with "N passed, N failed, N skipped"
	@DEBUG=$(DEBUG) tools/check

bench: ## dm-ioband measured beside dm-linear, iocost and BFQ
	@tools/bench/run

tree: build-packages ## build/linux: the base kernel as a git tree with a commit for each patch
	@tools/kernel-tree make

export: ## patches/ and series from the commits in build/linux
	@tools/kernel-tree export

kernel: build-packages ## build/kernel/guest: the patched kernel for the test guest
	@tools/kernel-build $(kernel_name)

bisect-check: ## each patch of the series builds without a warning and boots alone
	@tools/packages demo
	@tools/bisect-check

config-check: ## the series builds without a warning in configurations that nobody here runs
	@tools/packages build
	@tools/packages config
	@tools/config-check

deb: ## build/deb/*.deb: the patched kernel as packages, configured like the running one
	@tools/packages deb
	@tools/kernel-deb

iobandctl: ## build/iobandctl, the command for ioband devices
	@tools/packages iobandctl
	@$(MAKE) --no-print-directory -C tools/iobandctl OUT=$(CURDIR)/build selftests

install: iobandctl ## iobandctl with its manual; DESTDIR= and PREFIX= (/usr/local) say where
	@$(MAKE) --no-print-directory -C tools/iobandctl OUT=$(CURDIR)/build install

packages: ## install the Debian packages that are missing
	@tools/packages all

clean: ## remove what was built, keep the tree in build/linux
	@rm -rf build/kernel build/deb build/log build/demo build/bench build/iobandctl*

distclean: ## remove build/ as a whole; stops if build/linux has work that is not exported
	@tools/kernel-tree remove
	@rm -rf build

.PHONY: build-packages
build-packages:
	@tools/packages build
