/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: device-mapper devices, by libdevmapper. Nothing else in iobandctl
 * talks to device-mapper.
 */
#ifndef IOBANDCTL_DEVICE_H
#define IOBANDCTL_DEVICE_H

#include <sys/types.h>

#include "table.h"

#define TARGET		"ioband"
/* Longest name and UUID of a device-mapper device */
#define NAME_LENGTH	127
#define UUID_LENGTH	128

/**
 * struct info - what device-mapper knows of a device without its table
 * @exists: if not, nothing else is set
 * @suspended: it keeps its I/O waiting
 * @read_only: it refuses writes
 * @open_count: how many have it open: file systems, devices above, programs
 * @live: it has a table
 * @inactive: another one is loaded and waits for a resume
 * @number: of the block device
 * @uuid: may be empty
 */
struct info {
	bool exists;
	bool suspended;
	bool read_only;
	bool live;
	bool inactive;
	int open_count;
	dev_t number;
	char uuid[UUID_LENGTH + 1];
};

/**
 * struct target - one line of a device-mapper table
 * @start: first sector
 * @length: sectors
 * @type: the target's name
 * @words: its words
 */
struct target {
	uint64_t start;
	uint64_t length;
	char *type;
	char *words;
};

/**
 * struct map - a device-mapper table
 * @targets: its lines
 * @nr_targets: how many
 */
struct map {
	struct target *targets;
	size_t nr_targets;
};

/**
 * struct device - an ioband device
 * @name: its device-mapper name
 * @info: what device-mapper knows
 * @sectors: its size
 * @table: as the kernel prints it
 * @status: its statistics
 */
struct device {
	char *name;
	struct info info;
	uint64_t sectors;
	struct table table;
	struct status status;
};

/**
 * struct devices - ioband devices, in the order of their names
 * @list: the devices
 * @nr: how many
 */
struct devices {
	struct device *list;
	size_t nr;
};

int device_mapper_ready(void);
const char *device_name(const char *word);
char *mapper_name(const char *word);
char *volume_name(const char *word);

bool device_info(const char *name, struct info *info);
bool device_look(const char *name, struct device *device);
int device_find(const char *word, struct device *device);
void device_free(struct device *device);
int devices_get(struct devices *devices);
void devices_free(struct devices *devices);

int device_message(const char *name, const char *fmt, ...) PRINTF(2, 3);
int device_create(const char *name, const char *uuid, uint64_t sectors, const char *words,
		  bool read_only);
int device_remove(const char *name);

int map_get(const char *name, struct map *map);
void map_free(struct map *map);
uint64_t map_sectors(const struct map *map);
bool map_equal(const struct map *a, const struct map *b);
void map_add(struct map *map, uint64_t start, uint64_t length, const char *type,
	     const char *words);

int device_create_hidden(const char *name, const char *uuid);
int device_load(const char *name, const struct map *map, bool read_only);
int device_clear(const char *name);
int device_suspend(const char *name);
int device_resume(const char *name, bool hidden);
int device_remove_hidden(const char *name);
void device_settle(void);

#endif
