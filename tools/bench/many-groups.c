// SPDX-License-Identifier: GPL-2.0
/*
 * Many groups of a dm-ioband device of type user, from one thread: for the workload
 * scale-groups.
 *
 *	many-groups io DEVICE GROUPS PENDING RAMP SECONDS
 *		keeps PENDING random 4 KiB direct reads pending, those of the users 1 to GROUPS,
 *		as many of each. Prints, of the SECONDS after RAMP: I/Os, seconds, seconds that
 *		the CPUs were busy
 *	many-groups attach NAME GROUPS
 *		has the device-mapper device NAME attach the groups 1 to GROUPS, one message each
 *	many-groups load NAME SECTORS GROUPS WORDS
 *		gives the device NAME a table: an ioband target with the words WORDS (up to the
 *		default group's weight) and those of the groups 1 to GROUPS, weight 100 each
 *		Both print the seconds that it took.
 *
 * A read is that of a user because its io_uring entry names a personality: the credentials
 * that this thread had when it registered them. So there is no system call to become that
 * user, and a read costs the same whoever's it is.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, GROUPS = 60000 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static unsigned int number(const char *word, unsigned int max)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || value < 1 || value > max)
		errx(2, "'%s' is not a number from 1 to %u", word, max);
	return value;
}

static double seconds(const char *word)
{
	char *end;
	double value = strtod(word, &end);

	if (*word < '0' || *word > '9' || *end)
		errx(2, "'%s' is not a number of seconds", word);
	return value;
}

/* io_uring, as much as is needed of it */

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_array, sq_mask, queued;
	unsigned int *cq_head, *cq_tail, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static void *ring_map(int fd, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

	if (p == MAP_FAILED)
		err(1, "cannot map the io_uring");
	return p;
}

static void ring_open(struct ring *ring, unsigned int entries)
{
	struct io_uring_params p = { };
	char *sq, *cq;

	ring->fd = syscall(__NR_io_uring_setup, entries, &p);
	if (ring->fd < 0)
		err(1, "cannot make an io_uring of %u entries", entries);

	sq = ring_map(ring->fd, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		      IORING_OFF_SQ_RING);
	cq = ring_map(ring->fd, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		      IORING_OFF_CQ_RING);
	ring->sqes = ring_map(ring->fd, p.sq_entries * sizeof(struct io_uring_sqe),
			      IORING_OFF_SQES);
	ring->sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	ring->sq_mask = *(unsigned int *)(sq + p.sq_off.ring_mask);
	ring->sq_array = (unsigned int *)(sq + p.sq_off.array);
	ring->cq_head = (unsigned int *)(cq + p.cq_off.head);
	ring->cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(cq + p.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	ring->queued = 0;
}

/* The next entry to fill in; it is submitted by the next ring_enter(). */
static struct io_uring_sqe *ring_next(struct ring *ring)
{
	unsigned int tail = *ring->sq_tail, i = tail & ring->sq_mask;

	ring->sq_array[i] = i;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	ring->queued++;
	return &ring->sqes[i];
}

/* Submits what is queued, and waits until at least one I/O is done. */
static void ring_enter(struct ring *ring)
{
	int n = syscall(__NR_io_uring_enter, ring->fd, ring->queued, 1, IORING_ENTER_GETEVENTS,
			NULL, 0);

	if (n < 0 && errno != EINTR)
		err(1, "cannot submit to the io_uring");
	if (n > 0)
		ring->queued -= n;
}

/* The load */

struct load {
	struct ring ring;
	int fd;
	uint64_t blocks;
	unsigned int groups, pending;
	int *personality;		/* by group, from 0 */
	unsigned int *group;		/* by slot, of its next I/O */
	void *buffer;			/* for all: nobody reads what was read */
	uint64_t random;
};

static void become_users(struct load *load)
{
	unsigned int i;

	load->personality = calloc(load->groups, sizeof(int));
	if (!load->personality)
		err(1, "%u groups", load->groups);
	for (i = 0; i < load->groups; i++) {
		if (setresuid(i + 1, -1, -1))
			err(1, "cannot become user %u", i + 1);
		load->personality[i] = syscall(__NR_io_uring_register, load->ring.fd,
					       IORING_REGISTER_PERSONALITY, NULL, 0);
		if (load->personality[i] < 0)
			err(1, "cannot register user %u", i + 1);
	}
	if (setresuid(0, -1, -1))
		err(1, "cannot become root again");
}

static void queue_read(struct load *load, unsigned int slot)
{
	struct io_uring_sqe *sqe = ring_next(&load->ring);

	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_READ;
	sqe->fd = load->fd;
	sqe->off = load->random % load->blocks * BLOCK;
	sqe->addr = (uintptr_t)load->buffer;
	sqe->len = BLOCK;
	sqe->personality = load->personality[load->group[slot]];
	sqe->user_data = slot;

	/* The same group if there is a slot for each, else the groups in turn */
	load->group[slot] = (load->group[slot] + load->pending) % load->groups;
}

/* Returns how many I/Os were done; with again, each is followed by another one. */
static unsigned int turn(struct load *load, bool again)
{
	struct ring *ring = &load->ring;
	unsigned int head, tail, done;

	ring_enter(ring);
	head = *ring->cq_head;
	tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
	done = tail - head;
	for (; head != tail; head++) {
		struct io_uring_cqe *cqe = &ring->cqes[head & ring->cq_mask];

		if (cqe->res != BLOCK)
			errx(1, "a read returned %d", cqe->res);
		if (again)
			queue_read(load, cqe->user_data);
	}
	__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	return done;
}

/*
 * Seconds that all CPUs together had nothing to do since the boot, idle or in iowait, as
 * it is called when somebody waits for an io_uring. /proc/stat has it in steps of 10 ms.
 */
static double idle(void)
{
	FILE *f = fopen("/proc/timer_list", "r");
	unsigned long ns, sum = 0;
	char line[256];

	if (!f)
		err(1, "/proc/timer_list");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " .idle_sleeptime : %lu", &ns) == 1 ||
		    sscanf(line, " .iowait_sleeptime : %lu", &ns) == 1)
			sum += ns;
	}
	fclose(f);
	if (!sum)
		errx(1, "no idle time in /proc/timer_list");
	return sum / 1e9;
}

static void do_io(struct load *load, double ramp, double span)
{
	double start = now(), end, was_idle;
	uint64_t done = 0;
	unsigned int slot;

	for (slot = 0; slot < load->pending; slot++) {
		load->group[slot] = slot % load->groups;
		queue_read(load, slot);
	}

	/* Each of them was done at least once before anything is counted. */
	while (now() - start < ramp || done < load->pending)
		done += turn(load, true);

	was_idle = idle();
	start = now();
	for (done = 0; (end = now()) - start < span; done += turn(load, true))
		;
	printf("%lu %.6f %.6f\n", done, end - start,
	       (end - start) * sysconf(_SC_NPROCESSORS_ONLN) - (idle() - was_idle));

	/* The device is not busy any more when this program is gone. */
	for (done = 0; done < load->pending; done += turn(load, false))
		;
}

static void command_io(char **argv)
{
	struct load load = { .random = 88172645463325252ULL };
	uint64_t bytes;

	load.groups = number(argv[1], GROUPS);
	load.pending = number(argv[2], 32768);
	load.fd = open(argv[0], O_RDONLY | O_DIRECT);
	if (load.fd < 0)
		err(1, "%s", argv[0]);
	if (ioctl(load.fd, BLKGETSIZE64, &bytes))
		err(1, "size of %s", argv[0]);
	load.blocks = bytes / BLOCK;
	load.group = calloc(load.pending, sizeof(unsigned int));
	load.buffer = aligned_alloc(BLOCK, BLOCK);
	if (!load.group || !load.buffer)
		err(1, "%u reads", load.pending);

	ring_open(&load.ring, load.pending);
	become_users(&load);
	do_io(&load, seconds(argv[3]), seconds(argv[4]));
}

/* Device-mapper, without dmsetup, which looks for many a file */

enum { HEAD = sizeof(struct dm_ioctl), WORD = 24 };

/* An ioctl's argument with room for so many bytes after its head */
static struct dm_ioctl *argument(const char *name, size_t bytes)
{
	struct dm_ioctl *a = calloc(1, HEAD + bytes);

	if (!a)
		err(1, "%zu bytes", bytes);
	a->version[0] = DM_VERSION_MAJOR;
	a->data_size = HEAD + bytes;
	a->data_start = HEAD;
	strncpy(a->name, name, sizeof(a->name) - 1);
	return a;
}

static int open_control(void)
{
	int control = open("/dev/mapper/control", O_RDWR);

	if (control < 0)
		err(1, "/dev/mapper/control");
	return control;
}

static void command_attach(char **argv)
{
	size_t room = sizeof(struct dm_target_msg) + WORD;
	unsigned int i, groups = number(argv[1], GROUPS);
	struct dm_ioctl *blank = argument(argv[0], room), *a = argument(argv[0], room);
	struct dm_target_msg *target = (void *)((char *)a + HEAD);
	int control = open_control();
	double start = now();

	for (i = 1; i <= groups; i++) {
		memcpy(a, blank, HEAD + room);	/* the answer was written over it */
		snprintf(target->message, WORD, "attach %u", i);
		if (ioctl(control, DM_TARGET_MSG, a))
			err(1, "message 'attach %u' to %s", i, argv[0]);
	}
	printf("%.6f\n", now() - start);
}

static void command_load(char **argv)
{
	unsigned int i, groups = number(argv[2], GROUPS);
	size_t room = 512 + (size_t)groups * WORD;
	struct dm_ioctl *load = argument(argv[0], sizeof(struct dm_target_spec) + room);
	struct dm_ioctl *resume = argument(argv[0], 0);
	struct dm_target_spec *target = (void *)((char *)load + HEAD);
	char *words = (char *)(target + 1), *end = words;
	int control = open_control();
	double start;

	target->length = number(argv[1], UINT32_MAX);
	strcpy(target->target_type, "ioband");
	end += snprintf(end, 512, "%s", argv[3]);
	for (i = 1; i <= groups; i++)
		end += snprintf(end, WORD, " %u:100", i);
	load->target_count = 1;

	start = now();
	if (ioctl(control, DM_TABLE_LOAD, load))
		err(1, "table of %u groups for %s", groups, argv[0]);
	if (ioctl(control, DM_DEV_SUSPEND, resume))
		err(1, "resume %s", argv[0]);
	printf("%.6f\n", now() - start);
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "io"))
		command_io(argv + 2);
	else if (argc == 4 && !strcmp(argv[1], "attach"))
		command_attach(argv + 2);
	else if (argc == 6 && !strcmp(argv[1], "load"))
		command_load(argv + 2);
	else
		errx(2, "wrong arguments: see the top of many-groups.c");
	return 0;
}
