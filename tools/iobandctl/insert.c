// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: insert and eject: ioband under a device-mapper device that is in use.
 *
 * Before insert, and after eject, a device X maps to what is below it by its own
 * table. In between X has an ioband table on a hidden device, X-ioband-real, and
 * that has X's own table:
 *
 *	X: linear 8:2            X: ioband ──> X-ioband-real: linear 8:2
 *
 * Only X has a file system on it, and its number stays, so nobody above notices.
 *
 * The order is that of LVM when it puts a layer in. All that can be refused, the
 * tables with what they allocate and open, is loaded while X still works. Then X
 * is suspended: what is in flight ends, what comes waits. Only now the hidden
 * device gets its table to work with, so never do two devices with one table
 * work at the same time, and X goes on with ioband. Eject is the same backwards.
 * Wherever a step fails, those before it are undone from the last to the first.
 *
 * While X is suspended nothing here may need I/O, since X may be the root or
 * swap: memory is locked, udev is waited for and words are said at the end. Nor
 * may it end half-way: signals wait as well, and what ends for lack of memory
 * undoes the steps on its way out, with memory that was set aside for that.
 */

#include <getopt.h>
#include <libdevmapper.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "block.h"
#include "device.h"
#include "insert.h"
#include "layout.h"

#define HIDDEN_SUFFIX	"-ioband-real"
#define HIDDEN_UUID	"IOBAND-"

/* Targets without state of their own, of which two tables may exist for the time of a change */
static const char * const movable[] = {
	"linear", "striped", "crypt", "delay", "flakey", "zero", "error", "thin", NULL
};

static char *hidden_name(const char *name)
{
	return text("%s" HIDDEN_SUFFIX, name);
}

/* Its UUID says whose it is, so that nobody's device is taken for one of ours by its name */
static char *hidden_uuid(const char *name, const struct info *info)
{
	return text(HIDDEN_UUID "%s", *info->uuid ? info->uuid : name);
}

static bool is_hidden(const struct info *info)
{
	return info->exists && !strncmp(info->uuid, HIDDEN_UUID, strlen(HIDDEN_UUID));
}

/**
 * is_inserted - does an ioband device exist by insert, and not by create?
 * @device: the device
 */
bool is_inserted(const struct device *device)
{
	char *name = hidden_name(device->name);
	struct info hidden;
	bool inserted;

	device_info(name, &hidden);
	inserted = is_hidden(&hidden) && block_is(device->table.device, hidden.number);
	free(name);
	return inserted;
}

/* "CIPHER :64:logon:DESCRIPTION ...": the key is not in the table of a crypt target */
static bool has_key_elsewhere(const struct target *target)
{
	const char *key = strchr(target->words, ' ');

	return !strcmp(target->type, "crypt") && key && key[1] == ':';
}

static int check_targets(const char *name, const struct map *map)
{
	size_t i, j;

	for (i = 0; i < map->nr_targets; i++) {
		const char *type = map->targets[i].type;

		if (!strcmp(type, TARGET))
			return refuse(FAILED,
				      "'%s' is an ioband device already: change it with iobandctl "
				      "attach and iobandctl set",
				      name);
		for (j = 0; movable[j]; j++) {
			if (!strcmp(type, movable[j]))
				break;
		}
		if (!movable[j])
			return refuse(FAILED,
				      "'%s' has a table of target '%s', which cannot be moved "
				      "while it is in use; linear, striped, crypt, delay, flakey, "
				      "zero, error and thin can. Stop what uses it, and use: "
				      "iobandctl create NAME /dev/mapper/%s",
				      name, type, name);
		if (has_key_elsewhere(&map->targets[i]))
			return refuse(FAILED,
				      "'%s' has its key in a kernel keyring, and no table of it "
				      "can be loaded when the key is gone from there: open it with "
				      "cryptsetup open --disable-keyring, or insert ioband into a "
				      "device-mapper device on it or below it",
				      name);
	}
	return DONE;
}

static int check_device(const char *name, const struct info *info, const struct map *map)
{
	char *hidden = hidden_name(name);
	struct info other;
	int r = check_targets(name, map);

	if (r != DONE)
		;
	else if (info->suspended)
		r = refuse(FAILED,
			   "'%s' is suspended, by somebody who is changing it: wait, or dmsetup "
			   "resume %s",
			   name, name);
	else if (info->inactive)
		r = refuse(FAILED,
			   "'%s' has another table loaded, by somebody who is changing it: wait, "
			   "or dmsetup clear %s",
			   name, name);
	else if (strlen(hidden) > NAME_LENGTH)
		r = refuse(FAILED, "the name '%s' is too long: %zu characters at most", name,
			   NAME_LENGTH - strlen(HIDDEN_SUFFIX));
	else if (strlen(info->uuid) + strlen(HIDDEN_UUID) > UUID_LENGTH)
		r = refuse(FAILED, "the UUID of '%s' is too long: %zu characters at most", name,
			   UUID_LENGTH - strlen(HIDDEN_UUID));
	else if (device_info(hidden, &other))
		r = refuse(FAILED, "there is a device '%s' already%s%s", hidden,
			   is_hidden(&other) ? ", left by an earlier insert: iobandctl eject " : "",
			   is_hidden(&other) ? name : "");
	free(hidden);
	return r;
}

/**
 * struct change - a device on its way from one table to another
 * @name: the device
 * @hidden: its hidden device
 * @read_only: they refuse writes
 * @in: ioband comes in; else it is taken out
 * @suspending: the device is suspended, or about to be
 * @works_below: with @in, the hidden device has begun to work
 * @done: the device works with its new table
 */
struct change {
	const char *name;
	const char *hidden;
	bool read_only;
	bool in;
	bool suspending;
	bool works_below;
	bool done;
};

/* Memory for undoing a change when there is no other */
#define RESERVE_SIZE	65536

static void *reserve;

static void use_reserve(void)
{
	free(reserve);
	reserve = NULL;
}

/* The device goes on with the table it has, whatever is loaded */
static void go_back(struct change *change)
{
	use_reserve();
	if (!change->suspending)
		return;
	/* Before the device works again: no two with one table */
	if (change->works_below)
		device_suspend(change->hidden);
	if (!change->in)
		device_resume(change->hidden, true);
	device_clear(change->name);
	device_resume(change->name, false);
	change->suspending = false;
}

static int go_on(struct change *change)
{
	int r = device_resume(change->name, false);

	if (r == DONE) {
		change->done = true;
		use_reserve();
	}
	return r;
}

/* The table that was moved must still be that of the device; once it is suspended, it will be */
static int still_has(const char *name, const struct map *own)
{
	struct map now;
	int r = map_get(name, &now);

	if (r == DONE && !map_equal(&now, own))
		r = refuse(FAILED, "'%s' got another table meanwhile: try again", name);
	map_free(&now);
	return r;
}

static int still_inserted(const char *name)
{
	struct device device;
	int r;

	if (!device_look(name, &device))
		return refuse(FAILED, "'%s' got another table meanwhile", name);
	r = is_inserted(&device) ? DONE : refuse(FAILED, "'%s' got another table meanwhile", name);
	device_free(&device);
	return r;
}

static int put_in(struct change *change, const struct map *own, const struct map *ioband)
{
	int r;

	r = device_load(change->name, ioband, change->read_only);
	if (r != DONE)
		return r;
	change->suspending = true;
	r = device_suspend(change->name);
	if (r == DONE)
		r = still_has(change->name, own);
	if (r == DONE)
		r = device_resume(change->hidden, true);
	if (r == DONE) {
		change->works_below = true;
		r = go_on(change);
	}
	/* A table that somebody else has loaded meanwhile is what the device has now, and keeps */
	if (r == DONE)
		return still_inserted(change->name);
	go_back(change);
	return r;
}

static int take_out(struct change *change, const struct map *own)
{
	int r;

	r = device_load(change->name, own, change->read_only);
	if (r != DONE)
		return r;
	change->suspending = true;
	r = device_suspend(change->name);
	if (r == DONE)
		r = still_inserted(change->name);
	if (r == DONE)
		r = device_suspend(change->hidden);
	if (r == DONE)
		r = go_on(change);
	if (r != DONE) {
		go_back(change);
		return r;
	}
	r = still_has(change->name, own);
	/* Somebody else's table may be on it */
	if (r != DONE)
		device_resume(change->hidden, true);
	return r;
}

static sigset_t usual_signals;
static struct change *under_way;

static void end_change(void)
{
	under_way = NULL;
	use_reserve();
	say_release();
	munlockall();
	device_settle();
	dm_hold_control_dev(0);
	sigprocmask(SIG_SETMASK, &usual_signals, NULL);
}

/* exit() in the midst of a change: there was no memory for a step */
static void undo_change(void)
{
	struct change *change = under_way;

	if (!change)
		return;
	/* Once only, whatever this ends in */
	under_way = NULL;
	if (!change->done)
		go_back(change);
	if (!change->done && change->in)
		device_remove_hidden(change->hidden);
	end_change();
}

/* What may be needed while a device is suspended is in memory, and stays there */
static void begin_change(struct change *change)
{
	static bool registered;
	sigset_t all;

	if (!registered && atexit(undo_change))
		need(NULL);
	registered = true;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &usual_signals);
	dm_hold_control_dev(1);
	reserve = need(malloc(RESERVE_SIZE));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		note("memory cannot be locked; this may hang if the device holds the root or swap");
	say_hold();
	under_way = change;
}

static int insert_layer(struct change *change, const char *uuid, const struct map *own,
			struct table *table)
{
	struct map ioband = { };
	struct info info;
	char *words;
	int r;

	r = device_create_hidden(change->hidden, uuid);
	if (r != DONE)
		return r;
	begin_change(change);
	device_info(change->hidden, &info);
	table->device = text("%u:%u", major(info.number), minor(info.number));
	words = table_print(table);
	map_add(&ioband, 0, map_sectors(own), TARGET, words);

	r = device_load(change->hidden, own, change->read_only);
	if (r == DONE)
		r = put_in(change, own, &ioband);
	if (r != DONE)
		device_remove_hidden(change->hidden);
	end_change();
	map_free(&ioband);
	free(words);
	return r;
}

/* What insert was given instead of a device-mapper device */
static int no_mapper_device(const char *word)
{
	struct stat st;

	if (*word != '/' || stat(word, &st))
		return refuse(WRONG,
			      "there is no device '%s': 'dmsetup ls' shows the device-mapper "
			      "devices",
			      word);
	if (!S_ISBLK(st.st_mode))
		return refuse(WRONG, "'%s' is not a block device", word);
	return refuse(WRONG,
		      "'%s' is not a device-mapper device; unmount it and use: iobandctl create "
		      "NAME %s",
		      word, word);
}

/**
 * insert - put ioband under a device that is in use
 * @word: the device, by name or path
 * @table: what it is to be; gets the device
 *
 * Return: DONE, or what refuse() returned; then the device has its own table.
 */
int insert(const char *word, struct table *table)
{
	char *name = mapper_name(word), *hidden = NULL, *uuid = NULL;
	struct map own = { };
	struct info info;
	int r;

	if (!name)
		return no_mapper_device(word);
	device_info(name, &info);
	if (info.live)
		r = map_get(name, &own);
	else
		r = refuse(FAILED, "'%s' has no table yet: dmsetup load it, or choose a device that "
			   "works", name);
	if (r == DONE)
		r = check_device(name, &info, &own);
	if (r == DONE)
		r = layout_id(table, name);
	if (r == DONE)
		r = layout_limits(table);
	if (r == DONE)
		r = layout_joins(table);
	if (r == DONE) {
		struct change change;

		hidden = hidden_name(name);
		uuid = hidden_uuid(name, &info);
		change = (struct change){
			.name = name, .hidden = hidden, .read_only = info.read_only,
			.in = true,
		};
		r = insert_layer(&change, uuid, &own, table);
	}
	map_free(&own);
	free(hidden);
	free(uuid);
	free(name);
	return r;
}

/* Somebody else took ioband out of it, by a table of his own, or removed it: LVM does */
static int eject_left_over(const char *name, const char *hidden, const struct info *info,
			   const struct info *left)
{
	int r;

	if (!is_hidden(left))
		return refuse(FAILED, "'%s' has no ioband layer from 'iobandctl insert'", name);
	if (info->suspended || (left->open_count && info->inactive))
		return refuse(IN_USE, "'%s' is suspended or has another table loaded, as an insert "
			      "that was killed leaves it: dmsetup clear %s, dmsetup resume %s, then "
			      "try again", name, name, name);
	if (left->open_count)
		return refuse(IN_USE, "'%s' is in use, but not by '%s'", hidden, name);
	r = device_remove_hidden(hidden);
	device_settle();
	if (r == DONE)
		note("'%s' had lost its ioband layer already; '%s' is removed", name, hidden);
	return r;
}

static int eject_layer(const char *name, const char *hidden, const struct info *info,
		       const struct info *below)
{
	struct change change = { .name = name, .hidden = hidden, .read_only = info->read_only };
	struct map own;
	int r;

	/* With its own table, which is loaded already, it does not need what is suspended */
	if (below->suspended && info->suspended && info->inactive)
		return refuse(FAILED,
			      "'%s' and '%s' are suspended, as an eject that was killed leaves them: "
			      "dmsetup resume %s, then try again",
			      name, hidden, name);
	if (below->suspended)
		return refuse(FAILED,
			      "'%s', which '%s' is on, is suspended: dmsetup resume %s, then try "
			      "again",
			      hidden, name, hidden);
	if (info->suspended || info->inactive)
		return refuse(FAILED,
			      "'%s' is suspended or has another table loaded, by somebody who is "
			      "changing it: wait, or dmsetup clear %s and dmsetup resume %s",
			      name, name, name);
	r = map_get(hidden, &own);
	if (r != DONE)
		return r;
	begin_change(&change);
	r = take_out(&change, &own);
	if (r == DONE) {
		r = device_remove_hidden(hidden);
		if (r != DONE)
			note("'%s' has its own table again, only '%s' is left; to remove it: "
			     "iobandctl eject %s", name, hidden, name);
	}
	end_change();
	map_free(&own);
	return r;
}

/* A hidden device can outlive the one it was made for; what that is or was called */
static char *lasting_name(const char *word)
{
	char *name = mapper_name(word);

	if (!name)
		name = volume_name(word);
	return name ? name : need(strdup(device_name(word)));
}

/**
 * eject - take ioband out of a device that is in use
 * @word: the device, by name or path
 *
 * Return: DONE, or what refuse() returned; then the device has ioband still.
 */
int eject(const char *word)
{
	char *name = lasting_name(word), *hidden;
	struct info info, left;
	struct device device;
	int r;

	hidden = hidden_name(name);
	device_info(name, &info);
	if (!device_info(hidden, &left) && !info.exists && (*word != '/' || access(word, F_OK))) {
		r = refuse(FAILED,
			   "there is no device '%s': 'iobandctl list' shows those there are", word);
	} else if (!is_hidden(&left)) {
		r = refuse(FAILED, "'%s' has no ioband layer from 'iobandctl insert'", name);
	} else if (left.open_count && info.live && device_look(name, &device)) {
		r = is_inserted(&device) ? eject_layer(name, hidden, &info, &left) :
			eject_left_over(name, hidden, &info, &left);
		device_free(&device);
	} else {
		r = eject_left_over(name, hidden, &info, &left);
	}
	free(hidden);
	free(name);
	return r;
}

/**
 * eject_lost - remove what is left of a layer that somebody else has taken out
 * @word: the device that had it, by name or path
 *
 * Only a hidden device that works and that nothing uses: that of an insert which is
 * under way has no table yet or is in use, and that of an eject is suspended.
 *
 * Return: DONE, also if there is none, or what refuse() returned.
 */
int eject_lost(const char *word)
{
	char *name = lasting_name(word), *hidden;
	struct info info, left;
	int r = DONE;

	hidden = hidden_name(name);
	device_info(name, &info);
	if (device_info(hidden, &left) && is_hidden(&left) && left.live && !left.suspended &&
	    !left.open_count)
		r = eject_left_over(name, hidden, &info, &left);
	free(hidden);
	free(name);
	return r;
}

/* The other commands and what they print have the name, so whoever gave a path is told it */
static void say_name(const char *word)
{
	char *name = mapper_name(word);

	if (name && strcmp(name, device_name(word)))
		note("'%s' is the ioband device '%s' now", word, name);
	free(name);
}

int command_insert(int argc, char **argv)
{
	static const struct option options[] = { LAYOUT_OPTIONS, { } };
	struct table table;
	int option, which, r = DONE;

	table_init(&table);
	while (r == DONE && (option = getopt_long(argc, argv, ":", options, &which)) >= 0) {
		if (option == LAYOUT_OPTION)
			r = table_set(&table, options[which].name, optarg, "--");
		else
			r = option_refused(option, argv);
	}
	if (r == DONE && argc - optind < 1)
		r = refuse(WRONG, "a device is needed: iobandctl insert DEVICE [OPTION]... "
			   "[GROUP:WEIGHT]...");
	if (r == DONE)
		r = device_mapper_ready();
	if (r == DONE)
		r = layout_groups(&table, argc - optind - 1, argv + optind + 1, false);
	if (r == DONE)
		r = insert(argv[optind], &table);
	if (r == DONE)
		say_name(argv[optind]);
	table_free(&table);
	return r;
}

int command_eject(int argc, char **argv)
{
	int r;

	if (argc != 2)
		return refuse(WRONG, "one device is needed: iobandctl eject DEVICE");
	r = device_mapper_ready();
	return r == DONE ? eject(argv[1]) : r;
}
