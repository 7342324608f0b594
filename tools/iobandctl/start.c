// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: start and stop: what is in /etc/ioband.tab, at boot and by hand.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "block.h"
#include "change.h"
#include "create.h"
#include "group.h"
#include "insert.h"
#include "layout.h"
#include "tab.h"

/* Seconds for which --wait waits, if it does not say */
#define WAIT_DEFAULT	90
#define WAIT_POLL_MS	50

/* Whoever starts has it */
#define LOCK_PATH	"/run/iobandctl.lock"

/* How long start waits for a device if its line does not say, and since when, in seconds */
static int usual_wait;
static double wait_began;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* The device-mapper name of what the line makes; NULL if its device is not there */
static char *device_of(const struct entry *entry)
{
	char *path, *name;

	if (!entry->insert)
		return need(strdup(entry->name));
	path = tab_device(entry);
	name = mapper_name(path);
	free(path);
	return name;
}

/* Is the line's device there, as an ioband device? Then *device is it, for device_free(). */
static bool is_started(const struct entry *entry, struct device *device)
{
	char *name = device_of(entry);
	struct info info;
	bool started = false;

	if (name && device_info(name, &info) && info.live && device_look(name, device)) {
		started = entry->insert == is_inserted(device);
		if (!started)
			device_free(device);
	}
	free(name);
	return started;
}

/* A device of that name over another one than the line's is not this line's. */
static int check_below(const struct entry *entry, const struct device *device)
{
	char *path, *below;
	struct stat st;
	int r = DONE;

	if (entry->insert)
		return DONE;
	path = tab_device(entry);
	if (!stat(path, &st) && S_ISBLK(st.st_mode) && !block_is(device->table.device, st.st_rdev)) {
		below = block_name(device->table.device);
		r = refuse(FAILED,
			   "'%s' is over %s, not over '%s': rename one of them, or iobandctl remove "
			   "%s first",
			   entry->name, below, path, entry->name);
		free(below);
	}
	free(path);
	return r;
}

/* A service that starts again has a new cgroup; the old one's group is of no use */
static void detach_gone(const struct device *device)
{
	const struct table *table = &device->table;
	size_t i;

	group_names_forget();
	for (i = 0; i < table->nr_groups; i++) {
		if (group_is_gone(table->type, table->groups[i].id))
			device_message(device->name, "detach %lld", (long long)table->groups[i].id);
	}
}

/* Groups that were not there when it was started, and are now */
static int attach_missing(const struct entry *entry, const struct device *device)
{
	struct attached group;
	bool missing;
	int i, r;

	r = check_below(entry, device);
	if (r == DONE && strcmp(entry->table.type, device->table.type))
		r = refuse(FAILED, "'%s' runs with type %s, not %s: stop it first", entry->name,
			   device->table.type, entry->table.type);
	if (r != DONE)
		return r;
	detach_gone(device);
	for (i = 0; i < entry->nr_groups; i++) {
		int of_group = group_resolve_weight(entry->table.type, entry->groups[i], &group,
						    &missing);

		if (of_group == DONE && !table_group(&device->table, group.id))
			of_group = attach_all(device, &group, 1);
		else if (missing && entry->skip_missing)
			of_group = DONE;
		if (of_group != DONE)
			r = of_group;
	}
	return r;
}

/* Is the device there on which the line is to be? An insert can do without a node. */
static bool is_there(const struct entry *entry, const char *path)
{
	char *name = entry->insert ? mapper_name(path) : NULL;
	bool there = name || !access(path, F_OK);

	free(name);
	return there;
}

/* A device-mapper device is made in steps; before the last one it has no table that works */
static bool is_ready(const struct entry *entry, const char *path)
{
	char *name = mapper_name(path);
	struct info info;
	bool ready = is_there(entry, path);

	if (name)
		ready = ready && device_info(name, &info) && info.live && !info.suspended;
	free(name);
	return ready;
}

/* All lines wait since the start, so that several devices that never come do not add up */
static void wait_for(const struct entry *entry, const char *path, int seconds)
{
	static const struct timespec poll = { .tv_nsec = WAIT_POLL_MS * 1000000 };

	if (now() >= wait_began + seconds || is_ready(entry, path))
		return;
	note("'%s' waits for device '%s', at most %d s", entry->name, path, seconds);
	while (now() < wait_began + seconds && !is_ready(entry, path))
		nanosleep(&poll, NULL);
}

static int start_new(const struct entry *entry, const char *path)
{
	struct table table = entry->table;
	struct device device;
	int r;

	r = layout_groups(&table, entry->nr_groups, entry->groups, entry->skip_missing);
	if (r == DONE && entry->insert)
		r = eject_lost(path);
	if (r == DONE && entry->insert)
		r = insert(path, &table);
	else if (r == DONE)
		r = create(entry->name, path, &table);
	table_free(&table);
	if (r != DONE || !entry->carryover || !is_started(entry, &device))
		return r;
	r = device_message(device.name, "carryover %s", entry->carryover);
	device_free(&device);
	return r;
}

/*
 * Services that start together may start the same line: each waits until the other
 * has made the device, and finds it. The lock ends with this process, too.
 */
static int begin_turn(int *lock)
{
	*lock = open(LOCK_PATH, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (*lock >= 0 && !flock(*lock, LOCK_EX))
		return DONE;
	return refuse(FAILED, "cannot lock '%s': %s", LOCK_PATH, strerror(errno));
}

static void end_turn(int lock)
{
	if (lock >= 0)
		close(lock);
}

static int start_turn(const struct entry *entry, const char *path, int waited)
{
	struct device device;
	int r;

	if (is_started(entry, &device)) {
		r = attach_missing(entry, &device);
		device_free(&device);
		return r;
	}
	if (is_there(entry, path) || (!waited && !entry->nofail))
		return start_new(entry, path);
	if (!entry->nofail)
		return refuse(WRONG, "device '%s' did not appear within %d s", path, waited);
	note("'%s' is not started: there is no device '%s'", entry->name, path);
	return DONE;
}

static int start_entry(const struct entry *entry)
{
	int wait = entry->device_timeout >= 0 ? entry->device_timeout : usual_wait;
	char *path = tab_device(entry);
	struct device device;
	int lock, r;

	if (is_started(entry, &device))
		device_free(&device);
	else
		wait_for(entry, path, wait);
	r = begin_turn(&lock);
	if (r == DONE)
		r = start_turn(entry, path, wait);
	end_turn(lock);
	free(path);
	return r;
}

static int stop_turn(const struct entry *entry)
{
	struct device device;
	char *path;
	int r;

	if (!is_started(entry, &device)) {
		if (!entry->insert)
			return DONE;
		path = tab_device(entry);
		r = eject_lost(path);
		free(path);
		return r;
	}
	r = check_below(entry, &device);
	if (r == DONE)
		r = entry->insert ? eject(device.name) : remove_device(device.name);
	device_free(&device);
	return r;
}

static int stop_entry(const struct entry *entry)
{
	int lock, r = begin_turn(&lock);

	if (r == DONE)
		r = stop_turn(entry);
	end_turn(lock);
	return r;
}

static bool is_named(const char *name, int count, char **names)
{
	while (count--) {
		if (!strcmp(names[count], name))
			return true;
	}
	return false;
}

static int check_names(const struct tab *tab, const char *path, int count, char **names)
{
	int i;

	for (i = 0; i < count; i++) {
		if (!tab_find(tab, names[i]))
			return refuse(WRONG, "'%s' is not in %s%s", names[i], path,
				      tab->wrong ? ", or its line is wrong" : "");
	}
	return DONE;
}

/* Each one that is meant, the last one first if @backwards; goes on after a failure */
static int each(const struct tab *tab, int (*apply)(const struct entry *entry), bool backwards,
		int count, char **names)
{
	int r = DONE, of_entry;
	size_t i;

	for (i = 0; i < tab->nr; i++) {
		const struct entry *entry = &tab->entries[backwards ? tab->nr - 1 - i : i];

		if (count ? !is_named(entry->name, count, names) : entry->noauto && !backwards)
			continue;
		of_entry = apply(entry);
		if (of_entry == DONE)
			continue;
		r = of_entry;
		note("'%s' failed", entry->name);
	}
	return r;
}

/* The value of --wait, NULL if it has none */
static int set_wait(const char *value)
{
	uint64_t seconds = WAIT_DEFAULT;

	if (value && !parse_number(value, WAIT_MAX, &seconds))
		return refuse(WRONG, "--wait '%s' is not a number of seconds from 0 to %d", value,
			      WAIT_MAX);
	usual_wait = seconds;
	return DONE;
}

static int start_or_stop(int argc, char **argv, const struct option *options,
			 int (*apply)(const struct entry *entry), bool backwards)
{
	const char *path = TAB_PATH;
	struct tab tab;
	int option, r = DONE;

	while (r == DONE && (option = getopt_long(argc, argv, ":f:", options, NULL)) >= 0) {
		if (option == 'f')
			path = optarg;
		else if (option == 'w')
			r = set_wait(optarg);
		else
			r = option_refused(option, argv);
	}
	if (r == DONE)
		r = device_mapper_ready();
	if (r == DONE)
		r = tab_read(&tab, path);
	if (r != DONE)
		return r;
	argc -= optind;
	argv += optind;
	r = check_names(&tab, path, argc, argv);
	if (r == DONE)
		r = each(&tab, apply, backwards, argc, argv);
	if (r == DONE && tab.wrong && !argc)
		r = WRONG;
	tab_free(&tab);
	return r;
}

int command_start(int argc, char **argv)
{
	static const struct option options[] = {
		{ "tab", required_argument, NULL, 'f' },
		{ "wait", optional_argument, NULL, 'w' },
		{ }
	};

	wait_began = now();
	return start_or_stop(argc, argv, options, start_entry, false);
}

int command_stop(int argc, char **argv)
{
	static const struct option options[] = {
		{ "tab", required_argument, NULL, 'f' },
		{ }
	};

	return start_or_stop(argc, argv, options, stop_entry, true);
}
