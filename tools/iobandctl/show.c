// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: list and status, for people and as JSON.
 *
 * The names of the JSON fields are documented in iobandctl(8) and do not change.
 */

#include <json-c/json.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "block.h"
#include "device.h"
#include "grid.h"
#include "group.h"
#include "insert.h"

static void add_text(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

static void add_number(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

static struct json_object *device_json(const struct device *device)
{
	struct json_object *object = need(json_object_new_object());
	const struct table *table = &device->table;
	char *below = block_name(table->device);

	add_text(object, "name", device->name);
	json_object_object_add(object, "major", json_object_new_int(major(device->info.number)));
	json_object_object_add(object, "minor", json_object_new_int(minor(device->info.number)));
	add_text(object, "device", below);
	add_text(object, "device_number", table->device);
	add_text(object, "id", table->id);
	add_text(object, "type", table->type);
	add_text(object, "policy", table->policy);
	add_number(object, "io_throttle", table->io_throttle);
	add_number(object, "io_limit", table->io_limit);
	add_number(object, "token", table->token_base);
	add_number(object, "weight", table->weight);
	add_number(object, "nr_groups", table->nr_groups);
	add_number(object, "sectors", device->sectors);
	add_number(object, "open_count", device->info.open_count);
	json_object_object_add(object, "inserted", json_object_new_boolean(is_inserted(device)));
	json_object_object_add(object, "suspended",
			       json_object_new_boolean(device->info.suspended));
	free(below);
	return object;
}

static struct json_object *group_json(const struct device *device, size_t index)
{
	const struct counts *counts = &device->status.groups[index];
	struct json_object *object = need(json_object_new_object());

	json_object_object_add(object, "id", json_object_new_int64(counts->id));
	add_text(object, "name", group_name(device->table.type, counts->id));
	add_number(object, "weight", weight_at(&device->table, &device->status, index));
	add_number(object, "reads", counts->reads);
	add_number(object, "reads_held", counts->reads_held);
	add_number(object, "sectors_read", counts->sectors_read);
	add_number(object, "writes", counts->writes);
	add_number(object, "writes_held", counts->writes_held);
	add_number(object, "sectors_written", counts->sectors_written);
	return object;
}

/* Prints {"devices": [...]} */
static int print_json(const struct devices *devices, bool with_groups)
{
	struct json_object *all = need(json_object_new_object());
	struct json_object *list = need(json_object_new_array());
	size_t i, j;

	for (i = 0; i < devices->nr; i++) {
		const struct device *device = &devices->list[i];
		struct json_object *object = device_json(device), *groups;

		if (with_groups) {
			groups = need(json_object_new_array());
			for (j = 0; j < device->status.nr_groups; j++)
				json_object_array_add(groups, group_json(device, j));
			json_object_object_add(object, "groups", groups);
		}
		json_object_array_add(list, object);
	}
	json_object_object_add(all, "devices", list);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	return DONE;
}

/* 512 bytes and more, in the largest unit of which there are ten */
static void size_cell(struct grid *grid, uint64_t sectors)
{
	static const char * const units[] = { "KiB", "MiB", "GiB", "TiB" };
	uint64_t size = sectors / 2;
	size_t unit = 0;

	while (unit < 3 && size >= 10 * 1024) {
		size /= 1024;
		unit++;
	}
	grid_cell(grid, "%llu %s", (unsigned long long)size, units[unit]);
}

static int print_list(const struct devices *devices)
{
	struct grid grid;
	size_t i;

	grid_init(&grid, "llllrrrl");
	grid_cell(&grid, "NAME");
	grid_cell(&grid, "DEVICE");
	grid_cell(&grid, "ID");
	grid_cell(&grid, "TYPE");
	grid_cell(&grid, "WEIGHT");
	grid_cell(&grid, "GROUPS");
	grid_cell(&grid, "SIZE");
	grid_cell(&grid, "POLICY");
	for (i = 0; i < devices->nr; i++) {
		const struct device *device = &devices->list[i];
		char *below = block_name(device->table.device);

		grid_cell(&grid, "%s", device->name);
		grid_cell(&grid, "%s", below);
		grid_cell(&grid, "%s", device->table.id);
		grid_cell(&grid, "%s", device->table.type);
		grid_cell(&grid, "%u", device->table.weight);
		grid_cell(&grid, "%zu", device->table.nr_groups);
		size_cell(&grid, device->sectors);
		grid_cell(&grid, "%s", device->table.policy);
		free(below);
	}
	grid_print(&grid, "", stdout);
	grid_free(&grid);
	return DONE;
}

static void print_device(const struct device *device)
{
	const struct table *table = &device->table;
	char *below = block_name(table->device);

	printf("%s: %s, ioband device ID %s, type %s, policy %s\n", device->name, below, table->id,
	       table->type, table->policy);
	printf("  io_throttle %u, io_limit %u, token %u%s%s\n", table->io_throttle, table->io_limit,
	       table->token_base, is_inserted(device) ? ", inserted" : "",
	       device->info.suspended ? ", suspended" : "");
	free(below);
}

static void group_row(struct grid *grid, const struct device *device, size_t index)
{
	const struct counts *counts = &device->status.groups[index];

	grid_cell(grid, "%s", group_label(device->table.type, counts->id));
	grid_cell(grid, "%lld", (long long)counts->id);
	grid_cell(grid, "%u", weight_at(&device->table, &device->status, index));
	grid_cell(grid, "%llu", (unsigned long long)counts->reads);
	grid_cell(grid, "%llu", (unsigned long long)counts->reads_held);
	grid_cell(grid, "%llu", (unsigned long long)counts->sectors_read / 2);
	grid_cell(grid, "%llu", (unsigned long long)counts->writes);
	grid_cell(grid, "%llu", (unsigned long long)counts->writes_held);
	grid_cell(grid, "%llu", (unsigned long long)counts->sectors_written / 2);
}

static void print_groups(const struct device *device)
{
	static const char * const heading[] = {
		"GROUP", "ID", "WEIGHT", "READS", "HELD", "KIB", "WRITES", "HELD", "KIB"
	};
	struct grid grid;
	size_t i;

	grid_init(&grid, "lrrrrrrrr");
	for (i = 0; i < sizeof(heading) / sizeof(*heading); i++)
		grid_cell(&grid, "%s", heading[i]);
	for (i = 0; i < device->status.nr_groups; i++)
		group_row(&grid, device, i);
	grid_print(&grid, "  ", stdout);
	grid_free(&grid);
}

static int print_status(const struct devices *devices)
{
	size_t i;

	for (i = 0; i < devices->nr; i++) {
		if (i)
			putchar('\n');
		print_device(&devices->list[i]);
		print_groups(&devices->list[i]);
	}
	return DONE;
}

/* --json, and at most @max names after it */
static int show_options(int argc, char **argv, int max, bool *json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int option;

	*json = false;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (option != 'j')
			return refuse(WRONG, "option '%s' is unknown: there is only --json",
				      argv[optind - 1]);
		*json = true;
	}
	if (argc - optind > max)
		return refuse(WRONG, "surplus word '%s'", argv[optind + max]);
	return device_mapper_ready();
}

int command_list(int argc, char **argv)
{
	struct devices devices;
	bool json;
	int r;

	r = show_options(argc, argv, 0, &json);
	if (r == DONE)
		r = devices_get(&devices);
	if (r != DONE)
		return r;
	r = json ? print_json(&devices, false) : print_list(&devices);
	devices_free(&devices);
	return r;
}

int command_status(int argc, char **argv)
{
	struct devices devices = { };
	bool json;
	int r;

	r = show_options(argc, argv, 1, &json);
	if (r != DONE)
		return r;
	if (optind < argc) {
		devices.list = need(calloc(1, sizeof(*devices.list)));
		devices.nr = 1;
		r = device_find(argv[optind], devices.list);
	} else {
		r = devices_get(&devices);
	}
	if (r == DONE)
		r = json ? print_json(&devices, true) : print_status(&devices);
	devices_free(&devices);
	return r;
}
