// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: a device-mapper whose Nth change fails or that somebody else changes as well,
 * memory that is short, a device-mapper that has no targets, a process that has ended, for
 * tests of what happens then:
 *
 *	FAIL_CHANGE=N LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 *	MEDDLE_CHANGE=N MEDDLE=COMMAND LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 *	FAIL_ALLOCATION=N LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 *	NO_TARGETS=1 LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 *	NO_PROCESS=1 LD_PRELOAD=.../iobandctl-fail.so iobandctl ...
 *
 * Changes are making and removing a device, loading and clearing a table, suspend and resume,
 * and messages.
 * The Nth is not made, and fails with EIO; or COMMAND runs before it.
 * From the Nth allocation after the first suspend on, or after what device-mapper is asked
 * when a terminal has been set, none succeeds, until much is freed.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/dm-ioctl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What is much; no buffer of libdevmapper is as large */
#define MUCH	60000

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

/* Allocations until none succeeds, if there has been a suspend; 0: none does; -1: all do */
static int left = -1;

static bool is_short(void)
{
	if (left > 0)
		left--;
	if (left)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return is_short() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return is_short() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	return is_short() ? NULL : __libc_realloc(old, size);
}

void free(void *memory)
{
	if (memory && malloc_usable_size(memory) >= MUCH)
		left = -1;
	__libc_free(memory);
}

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

static bool is_suspend(unsigned long request, const struct dm_ioctl *argument)
{
	return request == DM_DEV_SUSPEND && argument->flags & DM_SUSPEND_FLAG;
}

static bool terminal_set;

int tcsetattr(int fd, int actions, const struct termios *settings)
{
	static int (*real_tcsetattr)(int fd, int actions, const struct termios *settings);

	if (!real_tcsetattr)
		*(void **)&real_tcsetattr = dlsym(RTLD_NEXT, "tcsetattr");
	terminal_set = true;
	return real_tcsetattr(fd, actions, settings);
}

static bool is_number(const char *variable, int number)
{
	const char *value = getenv(variable);

	return value && atoi(value) == number;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real_ioctl)(int fd, unsigned long request, void *argument);
	static bool counting;
	static int changes;
	const char *allocations = getenv("FAIL_ALLOCATION");
	void *argument;
	va_list args;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (is_change(request)) {
		changes++;
		if (is_number("FAIL_CHANGE", changes)) {
			errno = EIO;
			return -1;
		}
		if (is_number("MEDDLE_CHANGE", changes) && system(getenv("MEDDLE")))
			abort();
	}
	if (request == DM_LIST_VERSIONS && getenv("NO_TARGETS")) {
		errno = EINVAL;
		return -1;
	}
	if (!real_ioctl)
		*(void **)&real_ioctl = dlsym(RTLD_NEXT, "ioctl");
	if (allocations && !counting &&
	    (is_suspend(request, argument) || (terminal_set && _IOC_TYPE(request) == DM_IOCTL))) {
		counting = true;
		left = atoi(allocations);
	}
	return real_ioctl(fd, request, argument);
}

pid_t getpgid(pid_t pid)
{
	static pid_t (*real_getpgid)(pid_t pid);

	if (getenv("NO_PROCESS")) {
		errno = ESRCH;
		return -1;
	}
	if (!real_getpgid)
		*(void **)&real_getpgid = dlsym(RTLD_NEXT, "getpgid");
	return real_getpgid(pid);
}
