/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device-mapper for the programs of the dm-ioband selftests, by its ioctls: a process for each operation would take longer than the operation.
 * Beside that, pseudo-random numbers that are the same everywhere, and words in which a failure is told.
 *
 * What returns an int returns 0 or a negative errno, unless it says otherwise.
 */
#ifndef DM_RAW_H
#define DM_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

/* Room for the longest table and message, and for the line that it becomes */
#define DM_RAW_BUFFER	(1 << 20)
#define DM_RAW_TEXT	(DM_RAW_BUFFER - 4096)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* What cannot be gone on with: a line on stderr, and the program ends */
static inline void __attribute__((format(printf, 1, 2), noreturn)) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fflush(stdout);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* Random numbers: splitmix64 */

static uint64_t random_state;

static inline uint64_t random_next(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline unsigned int below(unsigned int end)
{
	return random_next() % end;
}

#define one_of(array) ((array)[below(ARRAY_SIZE(array))])

static inline unsigned long long number_argument(const char *word)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(word, &end, 0);
	if (!*word || *end || errno)
		die("'%s' is not a number", word);
	return number;
}

/* Ioctls */

static int dm_raw_control = -1;
static char dm_raw_buffer[DM_RAW_BUFFER] __attribute__((aligned(8)));

static inline void dm_raw_open(void)
{
	dm_raw_control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (dm_raw_control < 0)
		die("/dev/mapper/control: %s", strerror(errno));
}

/* SIZE: bytes of the buffer behind the header */
static inline struct dm_ioctl *dm_raw_prepare(const char *name, uint32_t flags, size_t size)
{
	struct dm_ioctl *dm = (void *)dm_raw_buffer;

	memset(dm, 0, sizeof(*dm));
	dm->version[0] = DM_VERSION_MAJOR;
	dm->data_start = sizeof(*dm);
	dm->data_size = sizeof(*dm) + size;
	dm->flags = flags;
	snprintf(dm->name, sizeof(dm->name), "%.*s", DM_NAME_LEN - 1, name);
	return dm;
}

static inline int dm_raw_run(unsigned long request)
{
	return ioctl(dm_raw_control, request, dm_raw_buffer) ? -errno : 0;
}

static inline int dm_raw_simple(unsigned long request, const char *name, uint32_t flags)
{
	dm_raw_prepare(name, flags, 0);
	return dm_raw_run(request);
}

static inline int dm_raw_create(const char *name)
{
	return dm_raw_simple(DM_DEV_CREATE, name, 0);
}

/* Who looks at a new device, as udev may, keeps it for a moment */
static inline int dm_raw_remove(const char *name)
{
	int r, tries = 0;

	while ((r = dm_raw_simple(DM_DEV_REMOVE, name, 0)) == -EBUSY && tries++ < 500)
		usleep(10000);
	return r;
}

/* FLAGS: DM_NOFLUSH_FLAG, DM_SKIP_LOCKFS_FLAG */
static inline int dm_raw_suspend(const char *name, uint32_t flags)
{
	return dm_raw_simple(DM_DEV_SUSPEND, name, DM_SUSPEND_FLAG | flags);
}

/* With a table that was loaded, that comes first */
static inline int dm_raw_resume(const char *name)
{
	return dm_raw_simple(DM_DEV_SUSPEND, name, 0);
}

static inline int dm_raw_clear(const char *name)
{
	return dm_raw_simple(DM_TABLE_CLEAR, name, 0);
}

/* The number of a device that there is */
static inline dev_t dm_raw_number(const char *name)
{
	struct dm_ioctl *dm = (void *)dm_raw_buffer;

	if (dm_raw_simple(DM_DEV_STATUS, name, 0))
		die("no device %s", name);
	return makedev((dm->dev & 0xfff00) >> 8, (dm->dev & 0xff) | (dm->dev >> 12 & 0xfff00));
}

/* LENGTH bytes of PARAMS, any bytes; what is behind the first 0 is not seen */
static inline int dm_raw_load(const char *name, uint64_t sectors, const char *target, const char *params, size_t length)
{
	struct dm_target_spec *spec;
	struct dm_ioctl *dm;

	dm = dm_raw_prepare(name, 0, sizeof(*spec) + length + 1);
	dm->target_count = 1;
	spec = (void *)(dm_raw_buffer + dm->data_start);
	memset(spec, 0, sizeof(*spec));
	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%.*s", DM_MAX_TYPE_NAME - 1, target);
	memcpy(spec + 1, params, length);
	((char *)(spec + 1))[length] = '\0';
	return dm_raw_run(DM_TABLE_LOAD);
}

static inline int dm_raw_message(const char *name, const char *text, size_t length)
{
	struct dm_target_msg *message;
	struct dm_ioctl *dm;

	dm = dm_raw_prepare(name, 0, sizeof(*message) + length + 1);
	message = (void *)(dm_raw_buffer + dm->data_start);
	message->sector = 0;
	memcpy(message->message, text, length);
	message->message[length] = '\0';
	return dm_raw_run(DM_TARGET_MSG);
}

/*
 * The line behind the target's name; FLAGS: DM_STATUS_TABLE_FLAG for the table's, else the status, DM_QUERY_INACTIVE_TABLE_FLAG for a table that
 * was loaded. Empty if there is no table. Valid until the next ioctl.
 */
static inline const char *dm_raw_line(const char *name, uint32_t flags)
{
	struct dm_ioctl *dm;
	size_t size = 4096;
	int r;

	/* All of a buffer is copied to the kernel and back */
	do {
		if (size > DM_RAW_BUFFER)
			die("status of %s: longer than %d bytes", name, DM_RAW_BUFFER);
		dm = dm_raw_prepare(name, DM_NOFLUSH_FLAG | flags, size - sizeof(*dm));
		r = dm_raw_run(DM_TABLE_STATUS);
		if (r)
			die("status of %s: %s", name, strerror(-r));
		size *= 4;
	} while (dm->flags & DM_BUFFER_FULL_FLAG);
	if (!dm->target_count)
		return "";
	return dm_raw_buffer + dm->data_start + sizeof(struct dm_target_spec);
}

#endif
