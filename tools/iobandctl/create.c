// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: create and remove.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "block.h"
#include "create.h"
#include "device.h"
#include "group.h"
#include "insert.h"
#include "layout.h"

/**
 * option_refused - an option that getopt_long() does not know, or that lacks its value
 * @option: what it has returned, '?' or ':'
 * @argv: the command's words
 *
 * Return: WRONG, after naming the option.
 */
int option_refused(int option, char **argv)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		return refuse(WRONG, "option '%s' needs a value: see iobandctl help", word);
	if (optopt >= LONG_OPTION)
		return refuse(WRONG, "option '%s' takes no value", word);
	/* @word may be the one before: an option of one letter can be followed by others */
	if (optopt)
		return refuse(WRONG, "option '-%c' is unknown: see iobandctl help", optopt);
	return refuse(WRONG, "option '%s' is unknown: see iobandctl help", word);
}

/**
 * layout_groups - resolve the groups of a table that is to be made
 * @table: the table, with its type; gets the groups
 * @count: how many words
 * @words: each GROUP or GROUP:WEIGHT
 * @skip_missing: a group that is not there (yet) is left out with a note
 *
 * Return: DONE, or what refuse() returned.
 */
int layout_groups(struct table *table, int count, char **words, bool skip_missing)
{
	struct attached group;
	bool missing;
	int i, j, r;

	for (i = 0; i < count; i++) {
		r = group_resolve_weight(table->type, words[i], &group, &missing);
		if (missing && skip_missing) {
			note("left out group '%s'", words[i]);
			continue;
		}
		if (r != DONE)
			return r;
		if (!table_group(table, group.id)) {
			table_attach(table, group.id, group.weight);
			continue;
		}
		for (j = 0; j < i; j++) {
			struct attached earlier;

			if (group_resolve_weight(table->type, words[j], &earlier, NULL) == DONE &&
			    earlier.id == group.id)
				break;
		}
		return refuse(WRONG, "groups '%s' and '%s' are the same, ID %lld: name it once",
			      words[j], words[i], (long long)group.id);
	}
	return DONE;
}

/**
 * layout_id - the ioband device ID, if the user has named none
 * @table: the table
 * @name: of the device
 *
 * Return: DONE, or what refuse() returned.
 */
int layout_id(struct table *table, const char *name)
{
	if (*table->id)
		return DONE;
	if (strlen(name) > ID_LENGTH)
		return refuse(WRONG,
			      "the name '%s' is too long for an ioband device ID: give one of at "
			      "most %d characters, --id ID (in ioband.tab id=ID)",
			      name, ID_LENGTH);
	return table_set(table, "id", name, "--");
}

/**
 * layout_limits - refuse an io_limit that the kernel would raise to io_throttle
 * @table: the table
 *
 * Return: DONE, or WRONG after saying what is wrong.
 */
int layout_limits(const struct table *table)
{
	if (table->io_limit && table->io_throttle > table->io_limit)
		return refuse(WRONG,
			      "io_throttle %u is above io_limit %u: io_throttle=%u or less, or "
			      "io_limit=%u or more",
			      table->io_throttle, table->io_limit, table->io_limit,
			      table->io_throttle);
	return DONE;
}

/* "default" is another name of a policy */
static const char *policy_name(const char *policy)
{
	return strcmp(policy, "default") ? policy : "weight";
}

/**
 * layout_joins - tell the user which of his settings have no effect
 * @table: the table
 *
 * A device that joins an ioband device ID takes that ID's settings.
 *
 * Return: DONE, or what refuse() returned.
 */
int layout_joins(const struct table *table)
{
	struct devices devices;
	size_t i;
	int r = devices_get(&devices);

	if (r != DONE)
		return r;
	for (i = 0; i < devices.nr; i++) {
		const struct table *other = &devices.list[i].table;

		if (strcmp(other->id, table->id))
			continue;
		if ((table->io_throttle && table->io_throttle != other->io_throttle) ||
		    (table->io_limit && table->io_limit != other->io_limit) ||
		    (table->token_base && table->token_base != other->token_base) ||
		    strcmp(policy_name(table->policy), policy_name(other->policy)))
			note("the ioband device ID '%s' is that of '%s', too: its policy %s, "
			     "io_throttle %u, io_limit %u and token %u stay as they are",
			     table->id, devices.list[i].name, other->policy, other->io_throttle,
			     other->io_limit, other->token_base);
		break;
	}
	devices_free(&devices);
	return DONE;
}

static int name_is_free(const char *name)
{
	struct info info;

	if (!*name || strlen(name) > NAME_LENGTH || strchr(name, '/'))
		return refuse(WRONG,
			      "'%s' cannot be a device's name: 1 to %d characters without '/'",
			      name, NAME_LENGTH);
	if (device_info(name, &info))
		return refuse(FAILED,
			      "there is a device-mapper device '%s' already: choose another name",
			      name);
	return DONE;
}

/**
 * create - a new ioband device over another device
 * @name: its name
 * @path: the device below
 * @table: what it is to be; gets the device
 *
 * Return: DONE, or what refuse() returned; then there is no new device.
 */
int create(const char *name, const char *path, struct table *table)
{
	struct block block;
	char *words;
	int r;

	r = name_is_free(name);
	if (r == DONE)
		r = block_find(path, &block);
	if (r == DONE)
		r = block_unused(path, &block);
	if (r == DONE)
		r = layout_id(table, name);
	if (r == DONE)
		r = layout_limits(table);
	if (r == DONE)
		r = layout_joins(table);
	if (r != DONE)
		return r;
	table->device = text("%u:%u", major(block.number), minor(block.number));
	words = table_print(table);
	r = device_create(name, NULL, block.sectors, words, block.read_only);
	free(words);
	return r;
}

int command_create(int argc, char **argv)
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
	if (r == DONE && argc - optind < 2)
		r = refuse(WRONG, "a name and a device are needed: iobandctl create NAME DEVICE "
			   "[OPTION]... [GROUP:WEIGHT]...");
	if (r == DONE)
		r = device_mapper_ready();
	if (r == DONE)
		r = layout_groups(&table, argc - optind - 2, argv + optind + 2, false);
	if (r == DONE)
		r = create(device_name(argv[optind]), argv[optind + 1], &table);
	table_free(&table);
	return r;
}

/* Is it open? Not for what udev does, which looks at each device that was written, for a moment. */
static bool stays_open(const char *name)
{
	static const struct timespec poll = { .tv_nsec = 100000000 };
	struct info info;
	int i;

	for (i = 0; i < 50 && device_info(name, &info) && info.open_count; i++)
		nanosleep(&poll, NULL);
	return info.open_count;
}

/**
 * remove_device - remove an ioband device
 * @name: the device
 *
 * Return: DONE, or what refuse() returned; then it is still there.
 */
int remove_device(const char *name)
{
	struct device device;
	char *user;
	int r;

	r = device_find(name, &device);
	if (r != DONE)
		return r;
	user = block_user(device.info.number);
	if (is_inserted(&device)) {
		r = refuse(IN_USE, "'%s' has its ioband layer from 'iobandctl insert': "
			   "iobandctl eject %s", device.name, device.name);
	} else if (user) {
		r = refuse(IN_USE, "'%s' is in use: %s; stop that first", device.name, user);
	} else if (stays_open(device.name)) {
		r = refuse(IN_USE, "'%s' is in use: a program has it open; stop that first",
			   device.name);
	} else {
		r = device_remove(device.name);
	}
	free(user);
	device_free(&device);
	return r;
}

int command_remove(int argc, char **argv)
{
	int r;

	if (argc != 2)
		return refuse(WRONG, "one name is needed: iobandctl remove NAME");
	r = device_mapper_ready();
	return r == DONE ? remove_device(argv[1]) : r;
}
