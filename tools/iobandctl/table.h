/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: the target's table and status lines as structures and back.
 */
#ifndef IOBANDCTL_TABLE_H
#define IOBANDCTL_TABLE_H

#include "iobandctl.h"

/* As the kernel has them. */
#define WEIGHT_MAX	32767
#define WEIGHT_DEFAULT	100
#define LIMIT_MAX	32767
#define NUMBER_MAX	2147483647
#define ID_LENGTH	31
#define DEFAULT_GROUP	(-1)

/**
 * struct attached - an attached group
 * @id: what its type makes of a task or a cgroup, >= 0
 * @weight: 1 to WEIGHT_MAX
 */
struct attached {
	int64_t id;
	unsigned int weight;
};

/**
 * struct table - the words of a table
 * @device: path of the device below, or its major:minor
 * @id: ioband device ID
 * @io_throttle: requests in flight below which nothing is held
 * @io_limit: requests in flight, of each direction, above which all is held
 * @type: by what groups are told apart
 * @policy: what a request costs
 * @token_base: tokens in an epoch
 * @weight: of the default group
 * @groups: the attached groups
 * @nr_groups: how many
 */
struct table {
	char *device;
	char id[ID_LENGTH + 1];
	unsigned int io_throttle;
	unsigned int io_limit;
	char type[16];
	char policy[16];
	unsigned int token_base;
	unsigned int weight;
	struct attached *groups;
	size_t nr_groups;
};

/**
 * struct counts - what status says of a group; since it was attached, or reset
 * @id: the group, DEFAULT_GROUP for the default one
 * @reads: requests
 * @reads_held: those of them that had to wait
 * @sectors_read: in units of 512 bytes
 * @writes: requests
 * @writes_held: those of them that had to wait
 * @sectors_written: in units of 512 bytes
 */
struct counts {
	int64_t id;
	uint64_t reads;
	uint64_t reads_held;
	uint64_t sectors_read;
	uint64_t writes;
	uint64_t writes_held;
	uint64_t sectors_written;
};

/**
 * struct status - a status line
 * @id: ioband device ID
 * @groups: the default group first
 * @nr_groups: how many, the default group among them
 */
struct status {
	char id[ID_LENGTH + 1];
	struct counts *groups;
	size_t nr_groups;
};

bool parse_number(const char *word, uint64_t max, uint64_t *number);
bool split_weight(const char *word, char **name, const char **weight);
bool is_type(const char *word);
bool is_policy(const char *word);

void table_init(struct table *table);
bool table_parse(struct table *table, const char *words);
char *table_print(const struct table *table);
void table_free(struct table *table);
struct attached *table_group(const struct table *table, int64_t id);
void table_attach(struct table *table, int64_t id, unsigned int weight);
uint64_t table_weights(const struct table *table);
int table_set(struct table *table, const char *key, const char *value, const char *where);

bool status_parse(struct status *status, const char *words);
void status_free(struct status *status);
const struct counts *status_group(const struct status *status, int64_t id);
unsigned int weight_at(const struct table *table, const struct status *status, size_t index);

#endif
