// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: device-mapper devices, by libdevmapper.
 *
 * Every operation that makes or removes a device node goes with a udev cookie.
 * libdevmapper knows whether there is a udev; without one it makes the nodes
 * itself. A failure is said with the kernel's own reason, taken from the log.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block.h"
#include "device.h"

/* Of nobody's interest but ours: no links by UUID, no scan for file systems */
#define HIDDEN_RULES	(DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | \
			 DM_UDEV_DISABLE_OTHER_RULES_FLAG)

/* The kernel log; what device-mapper writes there while a task runs is the reason of its failure */
static int kernel_log = -1;

/* libdevmapper's own words are replaced by ours, which have the errno and the kernel's reason */
static void no_log(int level UNUSED, const char *file UNUSED, int line UNUSED, int error UNUSED,
		   const char *fmt UNUSED, ...)
{
}

/* Skip what is in the log already */
static void log_mark(void)
{
	if (kernel_log < 0)
		kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
}

/* The reason in a record of the log, "LEVEL,NUMBER,TIME,FLAGS;device-mapper: TEXT", or NULL */
static char *log_reason(char *record)
{
	static const char prefix[] = "device-mapper: ";
	char *text_of = strchr(record, ';'), *end, *words;

	if (!text_of || strncmp(text_of + 1, prefix, strlen(prefix)))
		return NULL;
	text_of += 1 + strlen(prefix);
	end = strchr(text_of, '\n');
	if (end)
		*end = '\0';
	/* "ioband: 254:0: " says nothing to who has just named the device */
	words = strstr(text_of, ": ");
	if (words && isdigit((unsigned char)words[2]) && strstr(words + 2, ": "))
		return strstr(words + 2, ": ") + 2;
	return text_of;
}

/* What the kernel has said since log_mark(), the first of it; NULL if nothing */
static char *kernel_says(void)
{
	char record[2048], *reason = NULL;
	ssize_t length;

	while (kernel_log >= 0) {
		length = read(kernel_log, record, sizeof(record) - 1);
		/* EPIPE: records were overwritten before they were read */
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			break;
		record[length] = '\0';
		if (!reason && log_reason(record))
			reason = need(strdup(log_reason(record)));
	}
	return reason;
}

static struct dm_task *task_of(int type, const char *name)
{
	struct dm_task *task = need(dm_task_create(type));
	bool no_memory;

	errno = 0;
	if (!name || dm_task_set_name(task, name))
		return task;
	no_memory = errno == ENOMEM;
	dm_task_destroy(task);
	if (no_memory)
		need(NULL);
	return NULL;
}

/* Says why a task failed. After several ioctls libdevmapper knows no errno; the log has it. */
static int task_failed(struct dm_task *task, const char *what, const char *name)
{
	int error = dm_task_get_errno(task);
	char *reason = kernel_says();
	int r;

	r = refuse(error == EBUSY ? IN_USE : FAILED, "cannot %s '%s': %s%s%s", what, name,
		   error ? strerror(error) : "", error && reason ? ": " : "",
		   reason ? reason : error ? "" : "device-mapper has refused it");
	free(reason);
	return r;
}

/* Runs a task that needs no udev, destroys it if it failed; without @what, in silence */
static int task_run(struct dm_task *task, const char *what, const char *name)
{
	int r;

	if (what)
		log_mark();
	if (dm_task_run(task))
		return DONE;
	r = what ? task_failed(task, what, name) : FAILED;
	dm_task_destroy(task);
	return r;
}

static int task_do(struct dm_task *task, const char *what, const char *name)
{
	int r = task_run(task, what, name);

	if (r == DONE)
		dm_task_destroy(task);
	return r;
}

/* Cookies of what was done while nothing may be waited for */
static uint32_t waiting_cookies[8];
static size_t nr_waiting;

/* Runs a task that udev hears of; destroys it. With @later, device_settle() waits for udev. */
static int task_do_with_udev(struct dm_task *task, const char *what, const char *name,
			     uint16_t rules, bool later)
{
	uint32_t cookie = 0;
	int r;

	if (!dm_task_set_cookie(task, &cookie, rules)) {
		dm_task_destroy(task);
		return refuse(FAILED, "cannot %s '%s': no udev cookie", what, name);
	}
	r = task_do(task, what, name);
	if (later && nr_waiting < sizeof(waiting_cookies) / sizeof(*waiting_cookies))
		waiting_cookies[nr_waiting++] = cookie;
	else
		dm_udev_wait(cookie);
	return r;
}

/**
 * device_settle - wait for udev, after device_resume() and what else did not
 */
void device_settle(void)
{
	while (nr_waiting)
		dm_udev_wait(waiting_cookies[--nr_waiting]);
	dm_task_update_nodes();
}

static bool has_target(void)
{
	struct dm_task *task = task_of(DM_DEVICE_LIST_VERSIONS, NULL);
	struct dm_versions *version, *next;
	bool found = false;

	if (dm_task_run(task)) {
		next = dm_task_get_versions(task);
		do {
			version = next;
			found |= !strcmp(version->name, TARGET);
			next = (struct dm_versions *)((char *)version + version->next);
		} while (version->next);
	}
	dm_task_destroy(task);
	return found;
}

static void load_module(void)
{
	pid_t child = fork();

	if (!child) {
		execlp("modprobe", "modprobe", "-q", "dm-ioband", NULL);
		_exit(1);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/**
 * device_mapper_ready - can anything be done at all?
 *
 * Loads the module where the target is one. To be called before everything
 * else here.
 *
 * Return: DONE, NOT_ROOT or NO_TARGET.
 */
int device_mapper_ready(void)
{
	char version[32];

	if (geteuid())
		return refuse(NOT_ROOT, "only root can do this: use sudo");
	dm_log_with_errno_init(no_log);
	if (!dm_driver_version(version, sizeof(version)))
		return refuse(NO_TARGET, "the kernel has no device-mapper: it needs "
					 "CONFIG_BLK_DEV_DM, or its module: modprobe dm-mod");
	if (!has_target())
		load_module();
	if (!has_target())
		return refuse(NO_TARGET, "the kernel has no device-mapper target '" TARGET "': "
			      "it needs CONFIG_DM_IOBAND, or its module: modprobe dm-ioband");
	return DONE;
}

/**
 * device_name - a device-mapper name as the user may write it
 * @word: the name, or its path below /dev/mapper
 *
 * Return: the name, within @word.
 */
const char *device_name(const char *word)
{
	static const char directory[] = "/dev/mapper/";

	if (!strncmp(word, directory, strlen(directory)))
		return word + strlen(directory);
	return word;
}

/**
 * device_info - what device-mapper knows of a device without its table
 * @name: the device
 * @info: where that goes
 *
 * Return: @info->exists.
 */
bool device_info(const char *name, struct info *info)
{
	struct dm_task *task = task_of(DM_DEVICE_INFO, name);
	struct dm_info dm;
	const char *uuid;

	memset(info, 0, sizeof(*info));
	if (!task)
		return false;
	if (dm_task_run(task) && dm_task_get_info(task, &dm) && dm.exists) {
		info->exists = true;
		info->suspended = dm.suspended;
		info->read_only = dm.read_only;
		info->live = dm.live_table;
		info->inactive = dm.inactive_table;
		info->open_count = dm.open_count;
		info->number = makedev(dm.major, dm.minor);
		uuid = dm_task_get_uuid(task);
		if (uuid)
			snprintf(info->uuid, sizeof(info->uuid), "%s", uuid);
	}
	dm_task_destroy(task);
	return info->exists;
}

/**
 * volume_name - the name of a logical volume whose path is gone, as LVM makes it
 * @word: /dev/GROUP/VOLUME
 *
 * Return: the name, for the caller to free; NULL if @word is no such path or is there.
 */
char *volume_name(const char *word)
{
	static const char directory[] = "/dev/";
	const char *from, *slash;
	char *name, *to;

	if (strncmp(word, directory, strlen(directory)) || device_name(word) != word)
		return NULL;
	from = word + strlen(directory);
	slash = strchr(from, '/');
	if (!slash || slash == from || !slash[1] || strchr(slash + 1, '/') || !access(word, F_OK))
		return NULL;
	name = to = need(calloc(2, strlen(from) + 1));
	/* "my-group/home" is my--group-home */
	for (; *from; from++) {
		if (*from == '-')
			*to++ = '-';
		*to++ = from == slash ? '-' : *from;
	}
	return name;
}

/**
 * mapper_name - the name of a device-mapper device
 * @word: its name, its path below /dev/mapper, or another of its paths: /dev/vg/home,
 *	which need not be there
 *
 * Return: the name, for the caller to free; NULL if there is no such device.
 */
char *mapper_name(const char *word)
{
	struct info info;
	struct stat st;
	char *name;

	if (*word == '/' && !stat(word, &st) && S_ISBLK(st.st_mode)) {
		name = block_mapper_name(st.st_rdev);
		if (name)
			return name;
	}
	name = volume_name(word);
	if (!name)
		name = need(strdup(device_name(word)));
	if (strchr(name, '/') || !device_info(name, &info)) {
		free(name);
		return NULL;
	}
	return name;
}

/* The targets of @name as a DM_DEVICE_TABLE or DM_DEVICE_STATUS task has them */
static int targets_get(int type, const char *name, const char *what, struct map *map)
{
	struct dm_task *task = task_of(type, name);
	char *target, *words;
	uint64_t start, length;
	void *next = NULL;
	int r;

	memset(map, 0, sizeof(*map));
	if (!task)
		return refuse(WRONG, "'%s' is not a device-mapper name", name);
	/* No flush: what is asked for does not depend on I/O; keys do not stay in memory */
	if (!dm_task_no_flush(task) || !dm_task_no_open_count(task) || !dm_task_secure_data(task))
		exit(refuse(FAILED, "out of memory"));
	r = task_run(task, what, name);
	if (r != DONE)
		return r;
	do {
		next = dm_get_next_target(task, next, &start, &length, &target, &words);
		if (target)
			map_add(map, start, length, target, words);
	} while (next);
	dm_task_destroy(task);
	return DONE;
}

/**
 * map_add - add a line to a table
 * @map: the table
 * @start: first sector
 * @length: sectors
 * @type: the target's name
 * @words: its words
 */
void map_add(struct map *map, uint64_t start, uint64_t length, const char *type,
	     const char *words)
{
	map->targets = need(reallocarray(map->targets, map->nr_targets + 1,
					 sizeof(*map->targets)));
	map->targets[map->nr_targets++] = (struct target){
		.start = start,
		.length = length,
		.type = need(strdup(type)),
		.words = need(strdup(words)),
	};
}

/**
 * map_get - the live table of any device-mapper device
 * @name: the device
 * @map: where it goes
 *
 * Return: DONE, or what refuse() returned.
 */
int map_get(const char *name, struct map *map)
{
	return targets_get(DM_DEVICE_TABLE, name, "read the table of", map);
}

/**
 * map_free - let go of a table
 * @map: the table. There may be a key among its words.
 */
void map_free(struct map *map)
{
	size_t i;

	for (i = 0; i < map->nr_targets; i++) {
		explicit_bzero(map->targets[i].words, strlen(map->targets[i].words));
		free(map->targets[i].words);
		free(map->targets[i].type);
	}
	free(map->targets);
	memset(map, 0, sizeof(*map));
}

/**
 * map_sectors - how large a device with this table is
 * @map: the table
 */
uint64_t map_sectors(const struct map *map)
{
	const struct target *last = map->targets + map->nr_targets - 1;

	return map->nr_targets ? last->start + last->length : 0;
}

/**
 * map_equal - do two tables say the same?
 * @a: one
 * @b: the other
 */
bool map_equal(const struct map *a, const struct map *b)
{
	size_t i;

	if (a->nr_targets != b->nr_targets)
		return false;
	for (i = 0; i < a->nr_targets; i++) {
		const struct target *of_a = &a->targets[i], *of_b = &b->targets[i];

		if (of_a->start != of_b->start || of_a->length != of_b->length ||
		    strcmp(of_a->type, of_b->type) || strcmp(of_a->words, of_b->words))
			return false;
	}
	return true;
}

static bool is_ioband(const struct map *map)
{
	return map->nr_targets == 1 && !strcmp(map->targets[0].type, TARGET);
}

/* Fills @device from its lines; -1 if it is no ioband device (any more) */
static int device_read(struct device *device)
{
	struct map table, status;
	int r = -1;

	if (targets_get(DM_DEVICE_TABLE, device->name, NULL, &table) != DONE)
		return -1;
	if (is_ioband(&table) &&
	    targets_get(DM_DEVICE_STATUS, device->name, NULL, &status) == DONE) {
		if (is_ioband(&status) && table_parse(&device->table, table.targets[0].words)) {
			device->sectors = table.targets[0].length;
			if (status_parse(&device->status, status.targets[0].words))
				r = DONE;
		}
		map_free(&status);
	}
	map_free(&table);
	return r;
}

/**
 * device_look - is there an ioband device of this name?
 * @name: the name
 * @device: the device if there is, for device_free()
 *
 * Return: true if there is; says nothing if not.
 */
bool device_look(const char *name, struct device *device)
{
	memset(device, 0, sizeof(*device));
	device->name = need(strdup(name));
	if (device_info(name, &device->info) && device->info.live && device_read(device) == DONE)
		return true;
	device_free(device);
	return false;
}

/**
 * device_find - an ioband device by its name
 * @word: the name or a path, as mapper_name() takes it
 * @device: the device, for device_free()
 *
 * Return: DONE, or what refuse() returned.
 */
int device_find(const char *word, struct device *device)
{
	char *name = mapper_name(word);
	int r = DONE;

	if (!name && (*word != '/' || access(word, F_OK)))
		r = refuse(FAILED,
			   "there is no device '%s': 'iobandctl list' shows those there are",
			   device_name(word));
	else if (!name || !device_look(name, device))
		r = refuse(FAILED,
			   "'%s' is not an ioband device: 'iobandctl list' shows those there are",
			   name ? name : word);
	free(name);
	return r;
}

/**
 * device_free - let go of what device_find() found
 * @device: the device
 */
void device_free(struct device *device)
{
	free(device->name);
	device->name = NULL;
	table_free(&device->table);
	status_free(&device->status);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct device *)a)->name, ((const struct device *)b)->name);
}

/* Adds @name if it is an ioband device */
static void devices_add(struct devices *devices, const char *name)
{
	struct device device;

	if (!device_look(name, &device))
		return;
	devices->list = need(reallocarray(devices->list, devices->nr + 1, sizeof(device)));
	devices->list[devices->nr++] = device;
}

/**
 * devices_get - all ioband devices
 * @devices: where they go, for devices_free()
 *
 * Return: DONE, or what refuse() returned.
 */
int devices_get(struct devices *devices)
{
	struct dm_task *task = task_of(DM_DEVICE_LIST, NULL);
	struct dm_names *name;
	unsigned int next = 0;
	int r;

	memset(devices, 0, sizeof(*devices));
	r = task_run(task, "list", "device-mapper devices");
	if (r != DONE)
		return r;
	name = dm_task_get_names(task);
	if (name && name->dev) {
		do {
			name = (struct dm_names *)((char *)name + next);
			devices_add(devices, name->name);
			next = name->next;
		} while (next);
	}
	dm_task_destroy(task);
	if (devices->nr)
		qsort(devices->list, devices->nr, sizeof(*devices->list), by_name);
	return DONE;
}

/**
 * devices_free - let go of what devices_get() found
 * @devices: the devices
 */
void devices_free(struct devices *devices)
{
	size_t i;

	for (i = 0; i < devices->nr; i++)
		device_free(&devices->list[i]);
	free(devices->list);
	memset(devices, 0, sizeof(*devices));
}

/**
 * device_message - send a message
 * @name: the ioband device
 * @fmt: the message
 *
 * Return: DONE, or what refuse() returned.
 */
int device_message(const char *name, const char *fmt, ...)
{
	struct dm_task *task = task_of(DM_DEVICE_TARGET_MSG, name);
	char *message = NULL, *what;
	va_list args;
	int r;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	need(message);
	if (!task || !dm_task_set_sector(task, 0) || !dm_task_set_message(task, message))
		exit(refuse(FAILED, "out of memory"));
	what = text("send '%s' to", message);
	r = task_do(task, what, name);
	free(what);
	free(message);
	return r == IN_USE ? FAILED : r;
}

/* Where there is no udev, or one that makes no nodes */
static void make_node(const char *name)
{
	char *path = text("%s/%s", dm_dir(), name);
	struct stat st;

	dm_task_update_nodes();
	if (stat(path, &st))
		dm_mknodes(name);
	free(path);
}

/**
 * device_create - a new ioband device
 * @name: its name
 * @uuid: its UUID or NULL
 * @sectors: its size
 * @words: of the target
 * @read_only: it is to refuse writes
 *
 * The table goes with it: if that is refused, no device remains.
 *
 * Return: DONE, or what refuse() returned.
 */
int device_create(const char *name, const char *uuid, uint64_t sectors, const char *words,
		  bool read_only)
{
	struct dm_task *task = task_of(DM_DEVICE_CREATE, name);
	int r;

	if (!task || (uuid && !dm_task_set_uuid(task, uuid)) ||
	    (read_only && !dm_task_set_ro(task)) ||
	    !dm_task_add_target(task, 0, sectors, TARGET, words)) {
		if (task)
			dm_task_destroy(task);
		return refuse(WRONG, "'%s' cannot be a device-mapper device's name", name);
	}
	r = task_do_with_udev(task, "create", name, 0, false);
	if (r == DONE)
		make_node(name);
	return r;
}

/**
 * device_remove - remove a device
 * @name: its name
 *
 * Return: DONE, or what refuse() returned: IN_USE if somebody has it open.
 */
int device_remove(const char *name)
{
	struct dm_task *task = task_of(DM_DEVICE_REMOVE, name);
	int r;

	/* udev may just be looking at it */
	if (!task || !dm_task_retry_remove(task))
		exit(refuse(FAILED, "out of memory"));
	r = task_do_with_udev(task, "remove", name, 0, false);
	dm_task_update_nodes();
	return r;
}

/**
 * device_create_hidden - a device without a table, which udev leaves alone
 * @name: its name
 * @uuid: its UUID
 *
 * Return: DONE, or what refuse() returned.
 */
int device_create_hidden(const char *name, const char *uuid)
{
	struct dm_task *task = task_of(DM_DEVICE_CREATE, name);

	if (!task || !dm_task_set_uuid(task, uuid)) {
		if (task)
			dm_task_destroy(task);
		return refuse(FAILED, "'%s' cannot be a device-mapper device's name", name);
	}
	/* No event before the device is resumed, so no cookie */
	return task_do(task, "create", name);
}

/**
 * device_load - load a table, for the next device_resume()
 * @name: the device
 * @map: the table
 * @read_only: the device is to refuse writes
 *
 * Return: DONE, or what refuse() returned.
 */
int device_load(const char *name, const struct map *map, bool read_only)
{
	struct dm_task *task = task_of(DM_DEVICE_RELOAD, name);
	bool right = task && dm_task_secure_data(task) && (!read_only || dm_task_set_ro(task));
	size_t i;

	for (i = 0; right && i < map->nr_targets; i++)
		right = dm_task_add_target(task, map->targets[i].start, map->targets[i].length,
					   map->targets[i].type, map->targets[i].words);
	if (!right)
		exit(refuse(FAILED, "out of memory"));
	return task_do(task, "load a table into", name);
}

/**
 * device_clear - forget the table that device_load() loaded
 * @name: the device
 *
 * Return: DONE, or what refuse() returned.
 */
int device_clear(const char *name)
{
	return task_do(need(task_of(DM_DEVICE_CLEAR, name)), "clear the loaded table of", name);
}

/**
 * device_suspend - let what is in flight end, and keep what comes waiting
 * @name: the device
 *
 * A file system on it is not frozen: its I/O waits as any other, and nothing
 * on the device changes meanwhile.
 *
 * Return: DONE, or what refuse() returned.
 */
int device_suspend(const char *name)
{
	struct dm_task *task = need(task_of(DM_DEVICE_SUSPEND, name));

	if (!dm_task_skip_lockfs(task))
		exit(refuse(FAILED, "out of memory"));
	return task_do(task, "suspend", name);
}

/**
 * device_resume - let a device go on, with the table that was loaded if there is one
 * @name: the device
 * @hidden: udev is to leave it alone
 *
 * Does not wait for udev, which may need the device: device_settle() does.
 *
 * Return: DONE, or what refuse() returned.
 */
int device_resume(const char *name, bool hidden)
{
	struct dm_task *task = need(task_of(DM_DEVICE_RESUME, name));

	return task_do_with_udev(task, "resume", name, hidden ? HIDDEN_RULES : 0, true);
}

/**
 * device_remove_hidden - remove a device that udev has not heard of
 * @name: the device
 *
 * Return: DONE, or what refuse() returned.
 */
int device_remove_hidden(const char *name)
{
	struct dm_task *task = need(task_of(DM_DEVICE_REMOVE, name));

	if (!dm_task_retry_remove(task))
		exit(refuse(FAILED, "out of memory"));
	return task_do_with_udev(task, "remove", name, HIDDEN_RULES, true);
}
