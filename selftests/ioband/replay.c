// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a log of the device-mapper target log-writes, and writes again what it
 * has recorded.
 *
 *	replay LOG
 *		lists its entries, one a line: number, flags, sector, sectors,
 *		and the words of a mark
 *	replay LOG DEVICE FROM TO [LOST...]
 *		writes the entries from number FROM to before TO to the device,
 *		without those whose numbers are LOST
 *
 * Flags: f flush, u FUA, d discard, m mark, M metadata, - none.
 *
 * The format is in drivers/md/dm-log-writes.c. Everything is little-endian and
 * in whole sectors.
 */

#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAGIC	0x6a736677736872ULL
#define LOG_VERSION	1ULL

#define LOG_FLUSH	(1 << 0)
#define LOG_FUA		(1 << 1)
#define LOG_DISCARD	(1 << 2)
#define LOG_MARK	(1 << 3)
#define LOG_METADATA	(1 << 4)

struct log_super {
	uint64_t magic;
	uint64_t version;
	uint64_t nr_entries;
	uint32_t sector_size;
};

struct log_entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	uint64_t data_len;
};

static const char *log_name;
static int log_fd;
static uint32_t sector_size;

static void read_log(void *data, size_t size, uint64_t at)
{
	ssize_t done;

	for (; size; size -= done, at += done, data = (char *)data + done) {
		done = pread(log_fd, data, size, at);
		if (done < 0)
			err(1, "%s", log_name);
		if (!done)
			errx(1, "%s: ends at byte %" PRIu64, log_name, at);
	}
}

static void list_entry(uint64_t number, const struct log_entry *entry,
		       const char *words)
{
	static const struct {
		uint64_t flag;
		char letter;
	} letters[] = {
		{ LOG_FLUSH, 'f' }, { LOG_FUA, 'u' }, { LOG_DISCARD, 'd' },
		{ LOG_MARK, 'm' }, { LOG_METADATA, 'M' },
	};
	unsigned int i;

	printf("%" PRIu64 " ", number);
	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (entry->flags & letters[i].flag)
			putchar(letters[i].letter);
	}
	printf("%s %" PRIu64 " %" PRIu64 "%s%s\n", entry->flags ? "" : "-",
	       entry->sector, entry->nr_sectors, *words ? " " : "", words);
}

/* A discarded sector reads as zeroes. */
static void write_entry(int fd, const char *name, const struct log_entry *entry,
			uint64_t at)
{
	size_t size = entry->nr_sectors * sector_size, done;
	char *data = calloc(1, size);
	ssize_t written;

	if (!data)
		err(1, "%zu bytes", size);
	if (!(entry->flags & LOG_DISCARD))
		read_log(data, size, at);
	for (done = 0; done < size; done += written) {
		written = pwrite(fd, data + done, size - done,
				 entry->sector * sector_size + done);
		if (written <= 0)
			err(1, "%s", name);
	}
	free(data);
}

static bool is_lost(uint64_t number, char **lost)
{
	for (; *lost; lost++) {
		if (strtoull(*lost, NULL, 10) == number)
			return true;
	}
	return false;
}

static void use_entry(uint64_t number, const struct log_entry *entry,
		      uint64_t at, char **argv, int fd)
{
	char words[4096] = "";

	if (fd < 0) {
		if (entry->flags & LOG_MARK && entry->data_len < sizeof(words))
			read_log(words, entry->data_len,
				 at - sector_size + sizeof(*entry));
		list_entry(number, entry, words);
	} else if (entry->nr_sectors && !(entry->flags & LOG_MARK) &&
		   number >= strtoull(argv[3], NULL, 10) &&
		   !is_lost(number, argv + 5)) {
		write_entry(fd, argv[2], entry, at);
	}
}

int main(int argc, char **argv)
{
	struct log_super super;
	uint64_t number, end, at;
	int fd = -1;

	if (argc != 2 && argc < 5)
		errx(2, "usage: replay LOG [DEVICE FROM TO [LOST...]]");
	log_name = argv[1];
	log_fd = open(log_name, O_RDONLY);
	if (log_fd < 0)
		err(1, "%s", log_name);
	read_log(&super, sizeof(super), 0);
	if (le64toh(super.magic) != LOG_MAGIC ||
	    le64toh(super.version) != LOG_VERSION)
		errx(1, "%s: not a log of log-writes", log_name);
	sector_size = le32toh(super.sector_size);
	end = le64toh(super.nr_entries);
	if (argc > 2) {
		fd = open(argv[2], O_WRONLY);
		if (fd < 0)
			err(1, "%s", argv[2]);
		if (strtoull(argv[4], NULL, 10) > end)
			errx(1, "%s: only %" PRIu64 " entries", log_name, end);
		end = strtoull(argv[4], NULL, 10);
	}

	at = sector_size;
	for (number = 0; number < end; number++) {
		struct log_entry entry;

		read_log(&entry, sizeof(entry), at);
		entry.sector = le64toh(entry.sector);
		entry.nr_sectors = le64toh(entry.nr_sectors);
		entry.flags = le64toh(entry.flags);
		entry.data_len = le64toh(entry.data_len);
		at += sector_size;
		use_entry(number, &entry, at, argv, fd);
		/* Nothing is kept of what was discarded. */
		if (!(entry.flags & LOG_DISCARD))
			at += entry.nr_sectors * sector_size;
	}
	if (fd >= 0 && fsync(fd))
		err(1, "%s", argv[2]);
	return 0;
}
