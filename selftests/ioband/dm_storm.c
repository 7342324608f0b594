// SPDX-License-Identifier: GPL-2.0
/*
 * For storm.sh: operations on ioband devices of one ioband device ID in a pseudo-random order, and after each a look whether the tables are what
 * they must be then.
 *
 *	dm_storm SEED OPERATIONS PAUSE USERS CGROUPS SPARE... -- NAME...
 *
 * NAMEs are the devices there are; somebody may be doing I/O to them. SPAREs are block devices on which devices are made and removed, storm-0 and
 * so on. USERS and CGROUPS are lists of group IDs, with commas: for all types but cgroup, and for that. PAUSE is how many microseconds pass between
 * two operations on average. In the end all devices are resumed, tables that were only loaded are cleared, the spare ones removed, and it prints how
 * many bios had to wait. The same seed and devices give the same operations. What is unexpected is said on stderr, and the exit status
 * is 1.
 */

#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "dm_raw.h"

#define DEVICES_MAX	8
#define GROUPS_MAX	16
#define WORD_MAX	64

/* What a table line says of a device */
struct table {
	bool exists;
	char type[WORD_MAX];
	unsigned int weight;
	unsigned int nr_groups;
	unsigned long long ids[GROUPS_MAX];
	unsigned int weights[GROUPS_MAX];
};

struct device {
	char name[WORD_MAX];
	char below[WORD_MAX];	/* MAJOR:MINOR */
	uint64_t sectors;
	unsigned int queue_size;
	bool spare;
	bool exists;
	bool suspended;
	struct table live;
	struct table loaded;
};

/* What it says of the ioband device ID, and what depends on it */
static struct {
	char name[WORD_MAX];
	unsigned int io_throttle;
	unsigned int io_limit;
	char policy[WORD_MAX];
	unsigned int token_base;
} domain;

static struct device devices[DEVICES_MAX];
static unsigned int nr_devices;
static unsigned long long users[GROUPS_MAX], cgroups[GROUPS_MAX];
static unsigned int nr_users, nr_cgroups;

/* The operation that is being done, for whoever has to tell that it went wrong */
static unsigned long operation;
static char doing[4096];

static void __attribute__((format(printf, 1, 2))) now(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(doing, sizeof(doing), format, args);
	va_end(args);
}

static void expect(int want, int got)
{
	if (want != got)
		die("operation %lu, %s: expected %s, got %s", operation, doing, want ? strerror(-want) : "success", got ? strerror(-got) : "success");
}

/* Tables: what they should be, and what they are */

static unsigned int policy_scale(void)
{
	return strcmp(domain.policy, "weight-iosize") ? 1 : 8;
}

static void default_tokens(void)
{
	domain.token_base = 4 * domain.io_limit * policy_scale();
}

static void print_arguments(char *line, size_t size, const struct device *device, const struct table *table)
{
	size_t at;
	unsigned int i;

	at = snprintf(line, size, "%s %s %u %u %s %s %u :%u", device->below, domain.name, domain.io_throttle, domain.io_limit, table->type,
		      domain.policy, domain.token_base, table->weight);
	for (i = 0; i < table->nr_groups; i++)
		at += snprintf(line + at, size - at, " %llu:%u", table->ids[i], table->weights[i]);
}

static void check_table(const struct device *device, const struct table *table, uint32_t flags)
{
	char want[4096] = "";
	const char *got;

	if (table->exists)
		print_arguments(want, sizeof(want), device, table);
	got = dm_raw_line(device->name, DM_STATUS_TABLE_FLAG | flags);
	if (strcmp(want, got))
		die("after operation %lu, %s: %stable of %s\n  expected: %s\n  got:      %s", operation, doing, flags ? "loaded " : "", device->name,
		    want, got);
}

static void check_device(const struct device *device)
{
	struct dm_ioctl *dm = (void *)dm_raw_buffer;

	if (!device->exists)
		return;
	check_table(device, &device->live, 0);
	if (!!(dm->flags & DM_SUSPEND_FLAG) != device->suspended)
		die("after operation %lu, %s: %s is%s suspended", operation, doing, device->name, device->suspended ? " not" : "");
	check_table(device, &device->loaded, DM_QUERY_INACTIVE_TABLE_FLAG);
}

static void check_all(void)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++)
		check_device(&devices[i]);
}

/* A table as the kernel prints it, into the state of its device and of the ioband device ID */
static void read_table(struct device *device)
{
	struct table *table = &device->live;
	char line[4096], *word, *rest;
	int used;

	snprintf(line, sizeof(line), "%s", dm_raw_line(device->name, DM_STATUS_TABLE_FLAG));
	if (sscanf(line, "%63s %63s %u %u %63s %63s %u :%u%n", device->below, domain.name, &domain.io_throttle, &domain.io_limit, table->type,
		   domain.policy, &domain.token_base, &table->weight, &used) != 8)
		die("%s is not an ioband device: %s", device->name, line);
	table->nr_groups = 0;
	for (word = strtok_r(line + used, " ", &rest); word; word = strtok_r(NULL, " ", &rest), table->nr_groups++) {
		if (table->nr_groups == GROUPS_MAX || sscanf(word, "%llu:%u", &table->ids[table->nr_groups], &table->weights[table->nr_groups]) != 2)
			die("group of %s: %s", device->name, word);
	}
	table->exists = true;
}

/* The device below: its size, and what io_limit 0 is there */
static void look_below(struct device *device)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/size", device->below);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%" SCNu64, &device->sectors) != 1)
		die("%s: no size", path);
	fclose(file);
	snprintf(path, sizeof(path), "/sys/dev/block/%s/queue/nr_requests", device->below);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%u", &device->queue_size) != 1)
		die("%s: no number", path);
	fclose(file);
}

/* Choices */

static const char *const types[] = { "none", "pid", "pgrp", "node", "cgroup", "user", "uid", "gid" };
static const char *const policies[] = { "weight", "weight-iosize", "default" };
/* Few numbers, so that they meet, and those at the edges */
static const unsigned int weights[] = { 1, 1, 10, 100, 100, 400, 1000, 32767, 0, 32768 };
static const unsigned int limits[] = { 0, 0, 1, 2, 4, 8, 16, 16, 32, 64, 1000, 32767, 32768 };
static const unsigned int tokens[] = { 0, 1, 2, 64, 1024, 100000, 2147483647 };
static const unsigned int carryovers[] = { 0, 1, 1, 2, 32, 2048, 2147483647 };

static bool has_groups(const struct table *table)
{
	return strcmp(table->type, "none");
}

static unsigned long long any_id(const char *type)
{
	return strcmp(type, "cgroup") ? users[below(nr_users)] : cgroups[below(nr_cgroups)];
}

static int find_group(const struct table *table, unsigned long long id)
{
	unsigned int i;

	for (i = 0; i < table->nr_groups; i++) {
		if (table->ids[i] == id)
			return i;
	}
	return -1;
}

/* Messages: what each does, and whether it is refused */

static void send(struct device *device, int want)
{
	expect(want, dm_raw_message(device->name, strchr(doing, ' ') + 1, strlen(strchr(doing, ' ') + 1)));
}

static void message_weight(struct device *device)
{
	struct table *table = &device->live;
	unsigned int weight = one_of(weights);
	unsigned long long id = any_id(table->type);
	int i = find_group(table, id), want = weight && weight <= 32767 ? 0 : -EINVAL;

	if (!below(3)) {
		now("%s: weight %u", device->name, weight);
		send(device, want);
		if (!want)
			table->weight = weight;
		return;
	}
	now("%s: weight %llu:%u", device->name, id, weight);
	if (i < 0)
		want = -EINVAL;
	send(device, want);
	if (!want)
		table->weights[i] = weight;
}

static void message_attach(struct device *device)
{
	struct table *table = &device->live;
	unsigned long long id = any_id(table->type);
	int want = 0;

	if (!has_groups(table))
		want = -EINVAL;
	else if (find_group(table, id) >= 0)
		want = -EEXIST;
	now("%s: attach %llu", device->name, id);
	send(device, want);
	if (want)
		return;
	table->ids[table->nr_groups] = id;
	table->weights[table->nr_groups++] = 100;
}

static void message_detach(struct device *device)
{
	struct table *table = &device->live;
	unsigned long long id = any_id(table->type);
	int i = find_group(table, id);

	now("%s: detach %llu", device->name, id);
	send(device, i < 0 ? -EINVAL : 0);
	if (i < 0)
		return;
	table->nr_groups--;
	memmove(&table->ids[i], &table->ids[i + 1], (table->nr_groups - i) * sizeof(table->ids[0]));
	memmove(&table->weights[i], &table->weights[i + 1], (table->nr_groups - i) * sizeof(table->weights[0]));
}

static void message_type(struct device *device)
{
	struct table *table = &device->live;
	const char *type = one_of(types);

	/* By chance alone a device would hardly ever be without groups */
	while (table->nr_groups && below(4))
		message_detach(device);
	now("%s: type %s", device->name, type);
	send(device, table->nr_groups ? -EBUSY : 0);
	if (!table->nr_groups)
		strcpy(table->type, type);
}

static void default_weights(struct table *table)
{
	unsigned int i;

	table->weight = 100;
	for (i = 0; i < table->nr_groups; i++)
		table->weights[i] = 100;
}

static void message_policy(struct device *device)
{
	const char *policy = one_of(policies);
	unsigned int i, scale = policy_scale();
	char before[WORD_MAX];

	now("%s: policy %s", device->name, policy);
	send(device, 0);
	strcpy(before, domain.policy);
	strcpy(domain.policy, policy);
	if (policy_scale() == scale) {
		strcpy(domain.policy, before);
		return;
	}
	default_tokens();
	for (i = 0; i < nr_devices; i++) {
		default_weights(&devices[i].live);
		default_weights(&devices[i].loaded);
	}
}

static void message_token(struct device *device)
{
	unsigned int token = one_of(tokens);

	now("%s: token %u", device->name, token);
	send(device, 0);
	domain.token_base = token;
	if (!token)
		default_tokens();
}

static void message_carryover(struct device *device)
{
	now("%s: carryover %u", device->name, one_of(carryovers));
	send(device, 0);
}

static void message_throttle(struct device *device)
{
	unsigned int word = one_of(limits), io_throttle = word ? word : 4;
	int want = io_throttle > 32767 || io_throttle > domain.io_limit ? -EINVAL : 0;

	now("%s: io_throttle %u", device->name, word);
	send(device, want);
	if (!want)
		domain.io_throttle = io_throttle;
}

static void message_limit(struct device *device)
{
	unsigned int word = one_of(limits), io_limit = word ? word : device->queue_size;
	int want = word > 32767 || (word && word < domain.io_throttle) ? -EINVAL : 0;

	now("%s: io_limit %u", device->name, word);
	send(device, want);
	if (want)
		return;
	domain.io_limit = io_limit > domain.io_throttle ? io_limit : domain.io_throttle;
	default_tokens();
}

/* How many bios had to wait, before the counters begin again */
static unsigned long long held;

static void count_held(const struct device *device)
{
	unsigned long long reads, writes;
	const char *line;
	int used;

	line = strchr(dm_raw_line(device->name, 0), ' ');
	for (; line && sscanf(line, "%*d %*u %llu %*u %*u %llu %*u%n", &reads, &writes, &used) == 2; line += used)
		held += reads + writes;
}

static void message_reset(struct device *device)
{
	count_held(device);
	now("%s: reset", device->name);
	send(device, 0);
}

/* What device-mapper does with devices and tables */

static void suspend(struct device *device)
{
	uint32_t flags = below(2) ? DM_NOFLUSH_FLAG : 0;

	if (below(2))
		flags |= DM_SKIP_LOCKFS_FLAG;
	now("%s: suspend%s%s", device->name, flags & DM_NOFLUSH_FLAG ? " noflush" : "", flags & DM_SKIP_LOCKFS_FLAG ? " nolockfs" : "");
	expect(0, dm_raw_suspend(device->name, flags));
	device->suspended = true;
}

static void resume(struct device *device)
{
	if (device->loaded.exists)
		count_held(device);
	now("%s: resume%s", device->name, device->loaded.exists ? " with the table that was loaded" : "");
	expect(0, dm_raw_resume(device->name));
	device->suspended = false;
	if (device->loaded.exists) {
		device->live = device->loaded;
		device->loaded.exists = false;
	}
}

static void load(struct device *device)
{
	struct table table = { .exists = true };
	unsigned int i, wanted;
	char line[2048];
	size_t at;

	strcpy(table.type, one_of(types));
	do
		table.weight = one_of(weights);
	while (!table.weight || table.weight > 32767);
	wanted = has_groups(&table) ? below(6) : 0;
	for (i = 0; i < wanted; i++) {
		unsigned long long id = any_id(table.type);

		if (find_group(&table, id) >= 0)
			continue;
		table.ids[table.nr_groups] = id;
		table.weights[table.nr_groups++] = 1 + below(1000);
	}
	/* What is said of the ioband device ID must not matter: there is one */
	at = snprintf(line, sizeof(line), "%s %s %u %u %s %s %u :%u", device->below, domain.name, below(32768), below(32768), table.type,
		      one_of(policies), one_of(tokens), table.weight);
	for (i = 0; i < table.nr_groups; i++)
		at += snprintf(line + at, sizeof(line) - at, " %llu:%u", table.ids[i], table.weights[i]);
	now("%s: load %s", device->name, line);
	expect(0, dm_raw_load(device->name, device->sectors, "ioband", line, at));
	device->loaded = table;
}

static void clear(struct device *device)
{
	now("%s: clear", device->name);
	expect(0, dm_raw_clear(device->name));
	device->loaded.exists = false;
}

static void create(struct device *device)
{
	now("%s: create", device->name);
	expect(0, dm_raw_create(device->name));
	device->exists = true;
	device->suspended = false;
	device->live.exists = false;
	device->loaded.exists = false;
	load(device);
	resume(device);
}

static void remove_device(struct device *device)
{
	now("%s: remove", device->name);
	expect(0, dm_raw_remove(device->name));
	device->exists = false;
}

/* A few bios, one after the other, through a node of its own: there may be no udev */
static void do_io(struct device *device)
{
	static char block[4096] __attribute__((aligned(4096)));
	unsigned int i, count = 1 + below(8);
	const char *node = "/dev/mapper/storm-node";
	int fd;

	now("%s: %u writes and reads", device->name, count);
	unlink(node);
	if (mknod(node, S_IFBLK | 0600, dm_raw_number(device->name)))
		die("%s: %s", node, strerror(errno));
	fd = open(node, O_RDWR | O_DIRECT);
	unlink(node);
	if (fd < 0)
		die("operation %lu, %s: open: %s", operation, doing, strerror(errno));
	for (i = 0; i < count; i++) {
		off_t at = below(device->sectors / 8) * 4096ULL;

		if (pwrite(fd, block, sizeof(block), at) != sizeof(block) || pread(fd, block, sizeof(block), at) != sizeof(block))
			die("operation %lu, %s: %s", operation, doing, strerror(errno));
	}
	close(fd);
}

static void act_on_table(struct device *device)
{
	if (device->loaded.exists && below(2))
		clear(device);
	else
		load(device);
}

static void act_on_spare(struct device *device)
{
	if (!device->exists)
		create(device);
	else if (below(3))
		remove_device(device);
	else if (!device->suspended)
		do_io(device);
}

/* Often enough each, and most of all what changes the groups that hold bios */
static const struct {
	unsigned int share;
	void (*act)(struct device *device);
} messages[] = {
	{ 24, message_weight },
	{ 20, message_attach },
	{ 12, message_detach },
	{ 5, message_type },
	{ 4, message_policy },
	{ 6, message_token },
	{ 5, message_carryover },
	{ 6, message_throttle },
	{ 8, message_limit },
	{ 2, message_reset },
};

static void act_by_message(struct device *device)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < ARRAY_SIZE(messages); i++)
		sum += messages[i].share;
	at = below(sum);
	for (i = 0; at >= messages[i].share; i++)
		at -= messages[i].share;
	messages[i].act(device);
}

static void step(void)
{
	struct device *device = &devices[below(nr_devices)];
	unsigned int choice = below(100);

	if (device->spare && (!device->exists || choice < 25)) {
		act_on_spare(device);
	} else if (device->suspended) {
		/* Not for long: nobody's I/O goes on meanwhile */
		if (choice < 60)
			resume(device);
		else if (choice < 70)
			act_on_table(device);
		else
			act_by_message(device);
	} else if (choice < 10) {
		suspend(device);
	} else if (choice < 15) {
		act_on_table(device);
	} else if (choice < 18 && device->loaded.exists) {
		resume(device);
	} else {
		act_by_message(device);
	}
	check_device(device);
	if (operation % 50 == 0)
		check_all();
}

static void finish(void)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++) {
		struct device *device = &devices[i];

		if (!device->exists)
			continue;
		if (device->loaded.exists)
			clear(device);
		if (device->suspended)
			resume(device);
		if (device->live.exists)
			count_held(device);
		check_device(device);
		if (device->spare)
			remove_device(device);
	}
	now("the end");
	check_all();
}

/* Somebody who looks at all devices all the time, and sees each as it is before or after an operation */
static pid_t start_reader(void)
{
	unsigned int i, flags = 0;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dm_raw_open();
	for (;; flags ^= DM_STATUS_TABLE_FLAG) {
		for (i = 0; i < nr_devices; i++) {
			dm_raw_prepare(devices[i].name, DM_NOFLUSH_FLAG | flags, 4096);
			dm_raw_run(DM_TABLE_STATUS);
			usleep(1000);
		}
	}
}

static unsigned int read_ids(const char *list, unsigned long long *ids)
{
	char words[1024], *word, *rest;
	unsigned int count = 0;

	snprintf(words, sizeof(words), "%s", list);
	for (word = strtok_r(words, ",", &rest); word && count < GROUPS_MAX; word = strtok_r(NULL, ",", &rest))
		ids[count++] = number_argument(word);
	if (!count)
		die("no group IDs in '%s'", list);
	return count;
}

static void add_device(const char *word, bool spare)
{
	struct device *device = &devices[nr_devices];
	struct stat node;

	if (nr_devices == DEVICES_MAX)
		die("more than %d devices", DEVICES_MAX);
	device->spare = spare;
	if (spare) {
		snprintf(device->name, sizeof(device->name), "storm-%u", nr_devices);
		if (stat(word, &node))
			die("%s: %s", word, strerror(errno));
		snprintf(device->below, sizeof(device->below), "%u:%u", major(node.st_rdev), minor(node.st_rdev));
	} else {
		snprintf(device->name, sizeof(device->name), "%s", word);
		device->exists = true;
		read_table(device);
	}
	look_below(device);
	nr_devices++;
}

int main(int argc, char **argv)
{
	unsigned long operations, rest;
	bool spare = true;
	pid_t reader;
	int i;

	if (argc < 8)
		die("usage: %s SEED OPERATIONS PAUSE USERS CGROUPS SPARE... -- NAME...", argv[0]);
	random_state = number_argument(argv[1]);
	operations = number_argument(argv[2]);
	rest = number_argument(argv[3]);
	nr_users = read_ids(argv[4], users);
	nr_cgroups = read_ids(argv[5], cgroups);
	dm_raw_open();
	for (i = 6; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			spare = false;
		else
			add_device(argv[i], spare);
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	now("the beginning");
	check_all();
	reader = start_reader();
	for (operation = 1; operation <= operations; operation++) {
		step();
		if (rest)
			usleep(below(2 * rest));
	}
	finish();
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	printf("%llu\n", held);
	return 0;
}
