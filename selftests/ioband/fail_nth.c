// SPDX-License-Identifier: GPL-2.0
/*
 * For failslab.sh: does something again and again, with its first allocation failing, then with its second, and so on until none is left to fail
 * (/proc/self/task/TID/fail-nth). Each time that it fails, it must be for want of memory, and all must be as it was before.
 *
 *	fail_nth message NAME MESSAGE UNDO        to an ioband device; UNDO is the message that undoes it
 *	fail_nth load NAME SECTORS TARGET TABLE   to an ioband device; the table is cleared again
 *	fail_nth swap NAME SECTORS TARGET TABLE   loads it and resumes: the live table is the new or the old one
 *	fail_nth first NAME SECTORS TARGET TABLE  the same with a device that is made for it
 *	fail_nth mkdir DIRECTORY                  a cgroup, say
 *
 * Says how many allocations failed: "FAILED SURVIVED", of which it was refused because of FAILED. What is unexpected is said on stderr, and the
 * exit status is 1.
 */

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "dm_raw.h"

/* As long as nothing has so many allocations, there is an end */
#define NTH_MAX	100000

static char **words;
static uint64_t sectors;
static unsigned int nth;
static int fail_nth = -1;

static void arm(unsigned int number)
{
	char digits[16];
	int count = sprintf(digits, "%u", number);

	if (pwrite(fail_nth, digits, count, 0) != count)
		die("fail-nth: %s", strerror(errno));
}

/* Has it happened? If not, it will not */
static bool disarm(void)
{
	char digits[16] = "";

	if (pread(fail_nth, digits, sizeof(digits) - 1, 0) <= 0)
		die("fail-nth: %s", strerror(errno));
	arm(0);
	return !atoi(digits);
}

static void expect_success(const char *what, int r)
{
	if (r)
		die("allocation %u: then %s fails: %s", nth, what, strerror(-r));
}

/* What there is of a device: its table, the one that is loaded, its status, whether it is suspended */
static char *picture(const char *name)
{
	struct dm_ioctl *dm = (void *)dm_raw_buffer;
	char *table, *loaded, *all;

	table = strdup(dm_raw_line(name, DM_STATUS_TABLE_FLAG));
	loaded = strdup(dm_raw_line(name, DM_STATUS_TABLE_FLAG | DM_QUERY_INACTIVE_TABLE_FLAG));
	if (asprintf(&all, "%s\n  loaded: %s\n  status: %s\n  suspended: %d", table, loaded, dm_raw_line(name, 0), !!(dm->flags & DM_SUSPEND_FLAG)) < 0)
		die("no memory");
	free(table);
	free(loaded);
	return all;
}

static void expect_picture(const char *when, char *before)
{
	char *after = picture(words[0]);

	if (strcmp(before, after))
		die("allocation %u: %s\n  before: %s\n  after:  %s", nth, when, before, after);
	free(before);
	free(after);
}

static int send_message(const char *text)
{
	return dm_raw_message(words[0], text, strlen(text));
}

static int load_table(void)
{
	return dm_raw_load(words[0], sectors, words[2], words[3], strlen(words[3]));
}

/* Each of these does it once; *INJECTED is whether an allocation has failed */

static int do_message(bool *injected)
{
	char *before = picture(words[0]);
	int r;

	arm(nth);
	r = send_message(words[1]);
	*injected = disarm();
	if (!r)
		expect_success(words[2], send_message(words[2]));
	expect_picture(r ? "after it failed" : "after it was undone", before);
	return r;
}

static int do_load(bool *injected)
{
	char *before = picture(words[0]);
	int r;

	arm(nth);
	r = load_table();
	*injected = disarm();
	if (!r)
		expect_success("to clear", dm_raw_clear(words[0]));
	expect_picture(r ? "after it failed" : "after it was cleared", before);
	return r;
}

/* Device-mapper leaves the device suspended, and drops the new table */
static int do_swap(bool *injected)
{
	char *before = picture(words[0]);
	int r;

	expect_success("to load", load_table());
	arm(nth);
	r = dm_raw_resume(words[0]);
	*injected = disarm();
	if (r) {
		expect_success("to clear", dm_raw_clear(words[0]));
		expect_success("to resume", dm_raw_resume(words[0]));
	}
	expect_picture(r ? "after it failed" : "after it was done", before);
	return r;
}

static int do_first(bool *injected)
{
	int r;

	expect_success("to create", dm_raw_create(words[0]));
	expect_success("to load", load_table());
	arm(nth);
	r = dm_raw_resume(words[0]);
	*injected = disarm();
	if (r) {
		expect_success("to load again", load_table());
		expect_success("to resume again", dm_raw_resume(words[0]));
	}
	free(picture(words[0]));
	expect_success("to remove", dm_raw_remove(words[0]));
	return r;
}

static int do_mkdir(bool *injected)
{
	struct stat status;
	int r;

	arm(nth);
	r = mkdir(words[0], 0755) ? -errno : 0;
	*injected = disarm();
	if (!r && rmdir(words[0]))
		die("allocation %u: then it cannot be removed: %s", nth, strerror(errno));
	if (!stat(words[0], &status))
		die("allocation %u: %s is there", nth, words[0]);
	return r;
}

static const struct {
	const char *name;
	int words;
	int (*run)(bool *injected);
} actions[] = {
	{ "message", 3, do_message },
	{ "load", 4, do_load },
	{ "swap", 4, do_swap },
	{ "first", 4, do_first },
	{ "mkdir", 1, do_mkdir },
};

int main(int argc, char **argv)
{
	unsigned int i, failed = 0, survived = 0;
	char path[64];
	bool injected;
	int r;

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		if (argc > 1 && !strcmp(actions[i].name, argv[1]) && argc - 2 == actions[i].words)
			break;
	}
	if (i == ARRAY_SIZE(actions))
		die("usage: %s message|load|swap|first|mkdir WORD...", argv[0]);
	words = argv + 2;
	if (actions[i].words == 4)
		sectors = number_argument(words[1]);
	dm_raw_open();
	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth", syscall(SYS_gettid));
	fail_nth = open(path, O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die("%s: %s", path, strerror(errno));

	for (nth = 1; nth < NTH_MAX; nth++) {
		r = actions[i].run(&injected);
		if (r && r != -ENOMEM)
			die("allocation %u: %s", nth, strerror(-r));
		if (!injected)
			break;
		if (r)
			failed++;
		else
			survived++;
	}
	if (r || nth == NTH_MAX)
		die("allocation %u: %s", nth, r ? "it fails although nothing was made to" : "there is no end");
	printf("%u %u\n", failed, survived);
	return 0;
}
