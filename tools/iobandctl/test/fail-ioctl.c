// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: a device-mapper whose Nth change fails, or that has no targets, for tests of
 * what happens then:
 *
 *	FAIL_CHANGE=N LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 *	NO_TARGETS=1 LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 * Changes are making and removing a device, loading and clearing a table, suspend and resume,
 * and messages.
 * The Nth is not made, and fails with EIO.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static bool is_change(unsigned long request)
{
	switch (request) {
	case DM_DEV_CREATE:
	case DM_DEV_REMOVE:
	case DM_DEV_SUSPEND:
	case DM_TABLE_LOAD:
	case DM_TABLE_CLEAR:
	case DM_TARGET_MSG:
		return true;
	}
	return false;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real_ioctl)(int fd, unsigned long request, void *argument);
	static int changes;
	const char *which = getenv("FAIL_CHANGE");
	void *argument;
	va_list args;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (is_change(request) && which && ++changes == atoi(which)) {
		errno = EIO;
		return -1;
	}
	if (request == DM_LIST_VERSIONS && getenv("NO_TARGETS")) {
		errno = EINVAL;
		return -1;
	}
	if (!real_ioctl)
		*(void **)&real_ioctl = dlsym(RTLD_NEXT, "ioctl");
	return real_ioctl(fd, request, argument);
}
