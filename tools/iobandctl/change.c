// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: attach, detach, set and reset: changes to a device that runs.
 *
 * All words of a command are checked before the first message is sent. If the
 * kernel refuses one all the same, those before it are taken back. What ends a
 * program waits meanwhile.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "group.h"
#include "layout.h"

/* A device and the groups that are named in a command about it */
struct change {
	struct device device;
	struct attached *groups;
	size_t nr_groups;
};

static void change_free(struct change *change)
{
	device_free(&change->device);
	free(change->groups);
}

static bool is_named(const struct change *change, int64_t id)
{
	size_t i;

	for (i = 0; i < change->nr_groups; i++) {
		if (change->groups[i].id == id)
			return true;
	}
	return false;
}

static int refuse_attached(const struct device *device, const char *word,
			   const struct attached *group)
{
	return refuse(WRONG,
		      "'%s': that group is attached to '%s' already, with ID %lld and weight %u; "
		      "to change that: iobandctl set %s weight=%lld:WEIGHT",
		      word, device->name, (long long)group->id, group->weight, device->name,
		      (long long)group->id);
}

/* A group that is attached, by name or by ID: its process or cgroup may be gone */
static int find_attached(const struct device *device, const char *word, int64_t *id)
{
	uint64_t number;
	int r;

	if (parse_number(word, INT64_MAX, &number) && table_group(&device->table, number)) {
		*id = number;
		return DONE;
	}
	r = group_resolve(device->table.type, word, id, NULL);
	if (r == DONE && !table_group(&device->table, *id))
		r = refuse(WRONG,
			   "group '%s', ID %lld, is not attached to '%s': 'iobandctl status %s' "
			   "shows those that are",
			   word, (long long)*id, device->name, device->name);
	return r;
}

/* Sets its weight, where it is not what a new group has anyway */
static int attach(const char *name, const struct attached *group)
{
	int r = device_message(name, "attach %lld", (long long)group->id);

	if (r != DONE || group->weight == WEIGHT_DEFAULT)
		return r;
	r = device_message(name, "weight %lld:%u", (long long)group->id, group->weight);
	if (r != DONE)
		device_message(name, "detach %lld", (long long)group->id);
	return r;
}

/* From the first message to the last one. The process ends soon after, so it is for good. */
static void not_half_way(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGPIPE);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

/**
 * attach_all - attach groups to a device
 * @device: the device
 * @groups: the groups
 * @nr_groups: how many
 *
 * Return: DONE, or what refuse() returned; then none of them is attached.
 */
int attach_all(const struct device *device, const struct attached *groups, size_t nr_groups)
{
	size_t i;
	int r = DONE;

	for (i = 0; i < nr_groups; i++) {
		r = attach(device->name, &groups[i]);
		if (r != DONE)
			break;
	}
	if (r == DONE)
		return r;
	while (i--)
		device_message(device->name, "detach %lld", (long long)groups[i].id);
	return r;
}

static int prepare(struct change *change, int argc, char **argv, const char *usage)
{
	int r;

	memset(change, 0, sizeof(*change));
	if (argc < 3)
		return refuse(WRONG, "too few words: iobandctl %s", usage);
	r = device_mapper_ready();
	if (r == DONE)
		r = device_find(argv[1], &change->device);
	if (r == DONE)
		change->groups = need(calloc(argc, sizeof(*change->groups)));
	return r;
}

int command_attach(int argc, char **argv)
{
	struct change change;
	int i, r;

	r = prepare(&change, argc, argv, "attach NAME GROUP[:WEIGHT]...");
	for (i = 2; r == DONE && i < argc; i++) {
		struct attached *group = &change.groups[change.nr_groups], *there;

		r = group_resolve_weight(change.device.table.type, argv[i], group, NULL);
		if (r != DONE)
			break;
		there = table_group(&change.device.table, group->id);
		if (there)
			r = refuse_attached(&change.device, argv[i], there);
		else if (is_named(&change, group->id))
			r = refuse(WRONG, "'%s': that group, ID %lld, is named twice", argv[i],
				   (long long)group->id);
		change.nr_groups++;
	}
	if (r == DONE) {
		not_half_way();
		r = attach_all(&change.device, change.groups, change.nr_groups);
	}
	change_free(&change);
	return r;
}

int command_detach(int argc, char **argv)
{
	struct change change;
	size_t done;
	int i, r;

	r = prepare(&change, argc, argv, "detach NAME GROUP...");
	for (i = 2; r == DONE && i < argc; i++) {
		struct attached *group = &change.groups[change.nr_groups];

		r = find_attached(&change.device, argv[i], &group->id);
		if (r != DONE)
			break;
		if (is_named(&change, group->id))
			r = refuse(WRONG, "group '%s', ID %lld, is named twice", argv[i],
				   (long long)group->id);
		group->weight = table_group(&change.device.table, group->id)->weight;
		change.nr_groups++;
	}
	not_half_way();
	for (done = 0; r == DONE && done < change.nr_groups; done++) {
		r = device_message(change.device.name, "detach %lld",
				   (long long)change.groups[done].id);
		if (r != DONE && done && attach_all(&change.device, change.groups, done) == DONE)
			note("the groups before that are attached again; what they have done "
			     "counts from 0");
	}
	change_free(&change);
	return r;
}

/* set */

/**
 * struct wishes - what the words of set say
 * @table: the table as it is to be; of the groups, only those named
 * @type: a type is named
 * @policy: a policy is named
 * @io_throttle: io_throttle is named
 * @io_limit: io_limit is named
 * @token: token is named
 * @weight: a weight of the default group is named
 * @carryover: its value, NULL if it is not named
 */
struct wishes {
	struct table table;
	bool type;
	bool policy;
	bool io_throttle;
	bool io_limit;
	bool token;
	bool weight;
	const char *carryover;
};

static bool key_is(const char *key, const char *name)
{
	for (; *key && *name; key++, name++) {
		if (*key != *name && !(*key == '-' && *name == '_'))
			return false;
	}
	return *key == *name;
}

/* weight=GROUP:N, or weight=N for the default group */
static int wish_weight(struct wishes *wishes, const struct device *device, const char *value)
{
	const char *weight;
	uint64_t number;
	char *group;
	int64_t id;
	int r;

	if (*value == ':')
		value++;
	if (!strchr(value, ':')) {
		wishes->weight = true;
		return table_set(&wishes->table, "weight", value, "");
	}
	if (!split_weight(value, &group, &weight) || !weight ||
	    !parse_number(weight, WEIGHT_MAX, &number) || !number) {
		r = refuse(WRONG, "weight=%s: weight '%s' is not a number from 1 to %d", value,
			   weight ? weight : "", WEIGHT_MAX);
	} else {
		r = find_attached(device, group, &id);
		if (r == DONE && table_group(&wishes->table, id))
			r = refuse(WRONG, "weight=%s: the group has a weight already", value);
		else if (r == DONE)
			table_attach(&wishes->table, id, number);
	}
	free(group);
	return r;
}

static int wish(struct wishes *wishes, const struct device *device, const char *word)
{
	const char *value = strchr(word, '=');
	uint64_t number;
	char *key;
	int r = DONE;

	if (!value || value == word)
		return refuse(WRONG, "'%s' is not KEY=VALUE", word);
	key = need(strndup(word, value++ - word));
	if (key_is(key, "type"))
		wishes->type = true;
	else if (key_is(key, "policy"))
		wishes->policy = true;
	else if (key_is(key, "io_throttle"))
		wishes->io_throttle = true;
	else if (key_is(key, "io_limit"))
		wishes->io_limit = true;
	else if (key_is(key, "token"))
		wishes->token = true;
	else if (key_is(key, "carryover") && parse_number(value, NUMBER_MAX, &number))
		wishes->carryover = value;
	else if (key_is(key, "carryover"))
		r = refuse(WRONG, "carryover '%s' is not a number from 0 to %d", value, NUMBER_MAX);
	else if (!key_is(key, "weight"))
		r = refuse(WRONG, "'%s' cannot be set: type, policy, weight, token, carryover, "
			   "io_throttle or io_limit can", key);
	if (r == DONE && key_is(key, "weight"))
		r = wish_weight(wishes, device, value);
	else if (r == DONE && !key_is(key, "carryover"))
		r = table_set(&wishes->table, key, value, "");
	free(key);
	return r;
}

/* What the kernel would refuse half-way */
static int check_wishes(const struct wishes *wishes, const struct device *device)
{
	const struct table *now = &device->table, *then = &wishes->table;

	if (wishes->type && strcmp(then->type, now->type) && now->nr_groups)
		return refuse(FAILED,
			      "type '%s': groups of type %s are attached to '%s': detach them "
			      "first",
			      then->type, now->type, device->name);
	return wishes->io_throttle || wishes->io_limit ? layout_limits(then) : DONE;
}

/* Both within the bounds of each other at every step: 0 is a default, which may be anything */
static int send_limits(const char *name, const struct wishes *wishes, const struct table *now)
{
	bool limit_first = !wishes->table.io_limit || wishes->table.io_limit >= now->io_throttle;
	int r = DONE;

	if (wishes->io_limit && limit_first)
		r = device_message(name, "io_limit %u", wishes->table.io_limit);
	if (r == DONE && wishes->io_throttle)
		r = device_message(name, "io_throttle %u", wishes->table.io_throttle);
	if (r == DONE && wishes->io_limit && !limit_first)
		r = device_message(name, "io_limit %u", wishes->table.io_limit);
	return r;
}

static int send_wishes(const char *name, const struct wishes *wishes, const struct table *now)
{
	const struct table *table = &wishes->table;
	size_t i;
	int r = DONE;

	if (wishes->type)
		r = device_message(name, "type %s", table->type);
	if (r == DONE && wishes->policy)
		r = device_message(name, "policy %s", table->policy);
	if (r == DONE)
		r = send_limits(name, wishes, now);
	if (r == DONE && wishes->token)
		r = device_message(name, "token %u", table->token_base);
	if (r == DONE && wishes->weight)
		r = device_message(name, "weight %u", table->weight);
	for (i = 0; r == DONE && i < table->nr_groups; i++)
		r = device_message(name, "weight %lld:%u", (long long)table->groups[i].id,
				   table->groups[i].weight);
	/* Last, as nothing can tell what it was before; token would set it to its default */
	if (r == DONE && wishes->carryover)
		r = device_message(name, "carryover %s", wishes->carryover);
	return r;
}

static int send_weights(const struct device *device)
{
	const struct table *table = &device->table;
	size_t i;
	int r;

	r = device_message(device->name, "weight %u", table->weight);
	for (i = 0; r == DONE && i < table->nr_groups; i++)
		r = device_message(device->name, "weight %lld:%u", (long long)table->groups[i].id,
				   table->groups[i].weight);
	return r;
}

/* A new policy has taken the weights of all devices with the ioband device ID */
static int restore_others(const struct device *device, const struct devices *before)
{
	size_t i;
	int r = DONE;

	for (i = 0; r == DONE && i < before->nr; i++) {
		const struct device *other = &before->list[i];

		if (!strcmp(other->table.id, device->table.id) && strcmp(other->name, device->name))
			r = send_weights(other);
	}
	return r;
}

/* Takes back what send_wishes() has done before it failed; @all is what there was then */
static void restore(const struct device *device, const struct wishes *wishes,
		    const struct devices *all)
{
	const struct table *before = &device->table;
	const char *name = device->name;
	struct wishes back = *wishes;
	int r;

	back.table = *before;
	/* These bring defaults with them */
	back.token |= back.io_limit || back.policy;
	back.weight |= back.policy;
	back.carryover = NULL;
	if (!back.policy && !wishes->table.nr_groups)
		back.table.nr_groups = 0;
	/* What carryover was, nobody can tell */
	r = send_wishes(name, &back, &wishes->table);
	if (r == DONE && back.policy)
		r = restore_others(device, all);
	if (r == DONE)
		note("'%s' is as it was before%s", name,
		     back.token ? ", except carryover, which has its default" : "");
}

int command_set(int argc, char **argv)
{
	struct wishes wishes = { };
	struct devices all = { };
	struct device device;
	int i, r;

	if (argc < 3)
		return refuse(WRONG, "too few words: iobandctl set NAME KEY=VALUE...");
	r = device_mapper_ready();
	if (r == DONE)
		r = device_find(argv[1], &device);
	if (r != DONE)
		return r;
	wishes.table = device.table;
	wishes.table.groups = NULL;
	wishes.table.nr_groups = 0;
	for (i = 2; r == DONE && i < argc; i++)
		r = wish(&wishes, &device, argv[i]);
	if (r == DONE)
		r = check_wishes(&wishes, &device);
	if (r == DONE && wishes.policy)
		r = devices_get(&all);
	if (r == DONE) {
		not_half_way();
		r = send_wishes(device.name, &wishes, &device.table);
		if (r != DONE)
			restore(&device, &wishes, &all);
	}
	devices_free(&all);
	free(wishes.table.groups);
	device_free(&device);
	return r;
}

int command_reset(int argc, char **argv)
{
	struct device device;
	int r;

	if (argc != 2)
		return refuse(WRONG, "one name is needed: iobandctl reset NAME");
	r = device_mapper_ready();
	if (r == DONE)
		r = device_find(argv[1], &device);
	if (r != DONE)
		return r;
	r = device_message(device.name, "reset");
	device_free(&device);
	return r;
}
