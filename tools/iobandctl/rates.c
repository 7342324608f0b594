// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: what groups did between two looks at them. Asks nobody: it can be
 * tested without a kernel.
 */

#include <stdlib.h>
#include <string.h>

#include "rates.h"

/* Counters begin at 0 when a group is attached, the device is reloaded, or at a reset */
static double since(uint64_t before, uint64_t after)
{
	return after >= before ? after - before : after;
}

static const struct device *find_device(const struct devices *devices, const char *name)
{
	size_t i;

	for (i = 0; i < devices->nr; i++) {
		if (!strcmp(devices->list[i].name, name))
			return &devices->list[i];
	}
	return NULL;
}

/* What the group at @index had done before; mostly it was at the same place */
static const struct counts *counts_before(const struct device *before, int64_t id, size_t index)
{
	static const struct counts none;
	const struct counts *counts = NULL;

	if (before && index < before->status.nr_groups && before->status.groups[index].id == id)
		return &before->status.groups[index];
	if (before)
		counts = status_group(&before->status, id);
	return counts ? counts : &none;
}

static struct rate rate_of(const struct device *before, const struct device *device, size_t index,
			   double seconds)
{
	const struct counts *now = &device->status.groups[index];
	const struct counts *then = counts_before(before, now->id, index);

	return (struct rate){
		.device = device,
		.id = now->id,
		.weight = weight_at(&device->table, &device->status, index),
		.wanted = -1,
		.reads = since(then->reads, now->reads) / seconds,
		.writes = since(then->writes, now->writes) / seconds,
		.kib_read = since(then->sectors_read, now->sectors_read) / 2 / seconds,
		.kib_written = since(then->sectors_written, now->sectors_written) / 2 / seconds,
		.held = (since(then->reads_held, now->reads_held) +
			 since(then->writes_held, now->writes_held)) / seconds,
	};
}

/* In what its policy counts */
static double cost(const struct rate *rate)
{
	if (!strcmp(rate->device->table.policy, "weight-iosize"))
		return rate->kib_read + rate->kib_written;
	return rate->reads + rate->writes;
}

static bool is_active(const struct rate *rate)
{
	return rate->reads || rate->writes || rate->held;
}

/* All groups with the ioband device ID of @rates[first] compete; none of them is before it */
static void add_shares(struct rate *rates, size_t nr, size_t first)
{
	const char *id = rates[first].device->table.id;
	double weights = 0, of_active = 0, costs = 0;
	size_t i;

	for (i = first; i < nr; i++) {
		if (strcmp(rates[i].device->table.id, id))
			continue;
		weights += rates[i].weight;
		of_active += is_active(&rates[i]) ? rates[i].weight : 0;
		costs += cost(&rates[i]);
	}
	for (i = first; i < nr; i++) {
		if (strcmp(rates[i].device->table.id, id))
			continue;
		rates[i].got = costs > 0 ? cost(&rates[i]) / costs : 0;
		/* What nobody claims is divided among those that want it */
		if (!of_active)
			rates[i].wanted = rates[i].weight / weights;
		else
			rates[i].wanted = is_active(&rates[i]) ? rates[i].weight / of_active : 0;
	}
}

/**
 * rates_between - what all groups did between two samples
 * @before: one sample
 * @after: a later one; the rates refer to its devices
 * @rates: the rates, for the caller to free
 *
 * Return: how many.
 */
size_t rates_between(const struct sample *before, const struct sample *after,
		     struct rate **rates)
{
	double seconds = after->seconds - before->seconds;
	size_t nr = 0, i, j;

	for (i = 0; i < after->devices.nr; i++)
		nr += after->devices.list[i].status.nr_groups;
	*rates = need(calloc(nr + 1, sizeof(**rates)));
	nr = 0;
	for (i = 0; i < after->devices.nr; i++) {
		const struct device *device = &after->devices.list[i];
		const struct device *earlier = find_device(&before->devices, device->name);

		for (j = 0; j < device->status.nr_groups; j++)
			(*rates)[nr++] = rate_of(earlier, device, j, seconds > 0 ? seconds : 1);
	}
	for (i = 0; i < nr; i++) {
		if ((*rates)[i].wanted < 0)
			add_shares(*rates, nr, i);
	}
	return nr;
}
