// SPDX-License-Identifier: GPL-2.0
/*
 * For fuzz_dm.sh: tables and messages that nobody would write, and many that somebody might.
 *
 *	fuzz_dm SEED INPUTS PREFIX CGROUP DISK1 DISK2
 *
 * An input is made by the grammar of a table or of a message, with words that are right or wrong, and often spoilt after that. It goes to a
 * device of target ioband, to one of target band, or to one that comes and goes; their names begin with PREFIX. CGROUP is a bio.id that exists. What
 * is refused must be so with an errno that has a meaning, and leave table and status of the device as they were, and no table loaded. What is
 * accepted must leave a table that is one, and that gives the same table when it is loaded. A bystander of another ioband device ID never changes.
 *
 * What this finds is put into regressions[] below, which comes before all else.
 */

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "dm_raw.h"

#define REFUSED		(-EINVAL)

static const struct {
	const char *target;	/* whose device it is sent to */
	const char *message;
	int want;
} regressions[] = {
	/* Each on a device of type user without groups, io_throttle 4, io_limit 64 */
	{ "ioband", "", REFUSED },
	{ "ioband", " \t\n ", REFUSED },
	{ "ioband", "\\", REFUSED },
	{ "ioband", "weight", REFUSED },
	{ "ioband", "weight 1 2", REFUSED },
	{ "ioband", "weight :", REFUSED },
	{ "ioband", "weight ::1", REFUSED },
	{ "ioband", "weight 1:", REFUSED },
	{ "ioband", "weight +1", REFUSED },
	{ "ioband", "weight 1\\\n", REFUSED },
	{ "ioband", "weight \\ 1", REFUSED },
	{ "ioband", "weight 32768", REFUSED },
	{ "ioband", "weight 4294967297", REFUSED },
	{ "ioband", "weight \xd9\xa1", REFUSED },
	{ "ioband", "attach -1", REFUSED },
	{ "ioband", "attach +1", REFUSED },
	{ "ioband", "attach 1\\\n", REFUSED },
	{ "ioband", "attach 9223372036854775808", REFUSED },
	{ "ioband", "attach 18446744073709551615", REFUSED },
	{ "ioband", "attach 00000000000000000000000000000001", REFUSED },
	{ "ioband", "attach %s%s%s%s%s%n", REFUSED },
	{ "ioband", "attach", REFUSED },
	{ "ioband", "detach 0", REFUSED },
	{ "ioband", "detach -1", REFUSED },
	{ "ioband", "token 2147483648", REFUSED },
	{ "ioband", "token -0", REFUSED },
	{ "ioband", "carryover 2147483648", REFUSED },
	{ "ioband", "io_throttle 65", REFUSED },
	{ "ioband", "io_limit 3", REFUSED },
	{ "ioband", "io_limit 32768", REFUSED },
	{ "ioband", "io_limit 4294967360", REFUSED },
	{ "ioband", "type", REFUSED },
	{ "ioband", "type usr", REFUSED },
	{ "ioband", "policy \\", REFUSED },
	{ "ioband", "reset 1", REFUSED },
	{ "ioband", "RESET", REFUSED },
	{ "ioband", "debug 1", REFUSED },
	{ "ioband", "\\reset", 0 },
	{ "ioband", "weight =1", 0 },
	{ "ioband", "weight ,32767", 0 },
	{ "ioband", "token 2147483647", 0 },
	{ "ioband", "carryover 2147483647", 0 },
	{ "ioband", "token 0x1", 0 },
	{ "ioband", "carryover 010", 0 },
	{ "ioband", "attach 9223372036854775807", 0 },
	{ "ioband", "attach 9223372036854775807", -EEXIST },
	{ "ioband", "type gid", -EBUSY },
	{ "ioband", "weight 9223372036854775807:1", 0 },
	{ "ioband", "detach 0x7fffffffffffffff", 0 },
	{ "band", "carryover 1", REFUSED },
	{ "band", "attach 1", REFUSED },
	{ "band", "type user", 0 },
	{ "band", "attach 0", REFUSED },
	{ "band", "attach 00", REFUSED },
	{ "band", "token 1:5", REFUSED },
	{ "band", "debug 2147483647", 0 },
	{ "band", "debug 2147483648", REFUSED },
	{ "band", "io_limit 0", 0 },
	{ "band", "io_limit 0x0", 0 },
};

struct device {
	char name[64];
	const char *target;
	bool live;
};

static struct device ioband, band, fresh, bystander;
static uint64_t sectors;
static const char *prefix, *cgroup, *disks[2];

static unsigned long number, accepted, refused, tables;
static struct device *victim;
static bool is_table;

/* The input */
static char text[DM_RAW_TEXT + 1];
static size_t length;
/* The victim's table and status before it */
static char table_before[DM_RAW_BUFFER], status_before[DM_RAW_BUFFER];
static char bystander_table[4096], bystander_status[4096];

/* The input as C has it, cut where it would be too long to read */
static const char *shown(void)
{
	static char line[2048];
	size_t i, at = 0;

	for (i = 0; i < length && at < 1000; i++) {
		unsigned char c = text[i];

		if (c == '"' || c == '\\')
			at += sprintf(line + at, "\\%c", c);
		else if (isprint(c))
			line[at++] = c;
		else
			at += sprintf(line + at, "\\%03o", c);
	}
	sprintf(line + at, "%s", i < length ? "..." : "");
	return line;
}

#define fail(format, ...)											\
	die("input %lu, %s of %zu bytes for %s \"%s\": " format, number, is_table ? "table" : "message", length,	\
	    victim->name, shown(), ##__VA_ARGS__)

/* Text */

static void add_bytes(const char *bytes, size_t count)
{
	if (count > DM_RAW_TEXT - length)
		count = DM_RAW_TEXT - length;
	memcpy(text + length, bytes, count);
	length += count;
}

static void add(const char *words)
{
	add_bytes(words, strlen(words));
}

static void __attribute__((format(printf, 1, 2))) addf(const char *format, ...)
{
	char words[256];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	add(words);
}

static const char *const good_numbers[] = {
	"0", "1", "1", "2", "3", "4", "8", "16", "64", "100", "100", "0x10", "017", "0Xff", "1000", "32767",
};
static const char *const edges[] = {
	"00", "-0", "-1", "+1", "08", "0x", "x10", "0b1", "1e3", "1.5", "1_000", "1k", "32768", "65535", "65536", "65537", "2147483647",
	"2147483648", "-2147483648", "4294967295", "4294967296", "4294967297", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551617", "0xffffffffffffffff",
	"0x10000000000000000", "01777777777777777777777", "99999999999999999999999999999999999999", "00000000000000000000000000000000000000001",
	"\xd9\xa1\xd9\xa2", "\xef\xbc\x91",
};
static const char *const oddities[] = {
	"%s", "%n%n%n%n", "%pV", "%99999999d", "%", "\\", "\\\\", "\\ ", "\\\n", "\\\t", "\\\001", "\001", "\033[31m", "\177", "\"", "'", "`id`",
	"$(id)", ";", "|", "*", "~", "#", "@", "@cancel_deferred_remove", ":", "=", ",", "::", ":=,", ":1", "=1", ",1", "1:", "1:1", "1=1", "1,1",
	"1:1:1", "-1:1", "1:-1", ":0", ":32768", "0:0", "\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac", "\xff\xfe", "\xc0\x80", "\xed\xa0\x80",
	"\xf0\x9f\x98\x80", "\v", "\f", "\r", "\xa0", "\x85", "default", "none", "-", "--", "/", ".", "..", "NULL", "nan",
};
static const char *const types[] = { "none", "pid", "pgrp", "node", "cpuset", "cgroup", "user", "uid", "gid" };
static const char *const policies[] = { "weight", "weight-iosize", "default" };
static const char *const keywords[] = {
	"type", "attach", "attach", "attach", "detach", "detach", "policy", "weight", "weight", "weight", "token", "carryover", "io_throttle",
	"io_limit", "reset", "debug",
};
static const char *const separators[] = { ":", ":", ":", "=", "," };
static const unsigned int lengths[] = { 1, 7, 30, 31, 32, 33, 63, 64, 127, 128, 255, 256, 1023, 1024, 1025, 4095, 4096, 4097 };

/* One character, very often */
static void add_long(unsigned int count)
{
	static const char characters[] = "a0%:\\\xff";
	char c = characters[below(sizeof(characters) - 1)];

	while (count--)
		add_bytes(&c, 1);
}

static void add_odd(void)
{
	switch (below(8)) {
	case 0:
		add_long(one_of(lengths));
		break;
	case 1:
		addf("%lld", (long long)random_next());
		break;
	case 2:
	case 3:
	case 4:
		add(one_of(edges));
		break;
	default:
		add(one_of(oddities));
		break;
	}
}

static bool now_and_then(void)
{
	return !below(12);
}

static void add_number(void)
{
	if (now_and_then())
		add_odd();
	else if (!below(4))
		add(one_of(edges));
	else
		add(one_of(good_numbers));
}

/* Few of them, so that a group is often one that there is */
static void add_id(void)
{
	switch (below(10)) {
	case 0:
		add_number();
		break;
	case 1:
		add(cgroup);
		break;
	case 2:
		addf("%lld", (long long)(random_next() >> 1));
		break;
	default:
		addf("%u", below(8) * 1000);
		break;
	}
}

#define add_one_of(array)		\
	do {				\
		if (now_and_then())	\
			add_odd();	\
		else			\
			add(one_of(array));	\
	} while (0)

static void add_space(void)
{
	if (!now_and_then())
		add(" ");
	else
		add_bytes(" \t\n\v\f\r  \\" + below(8), 1 + below(2));
}

/* Inputs by the grammar */

static void add_group(void)
{
	if (below(16))
		add_id();
	add_one_of(separators);
	add_number();
}

static void make_message(void)
{
	const char *keyword = one_of(keywords);

	if (now_and_then())
		add_odd();
	else
		add(keyword);
	if (!strcmp(keyword, "reset") && below(8))
		return;
	add_space();
	if (!strcmp(keyword, "type"))
		add_one_of(types);
	else if (!strcmp(keyword, "policy"))
		add_one_of(policies);
	else if (strstr(keyword, "tach"))
		add_id();
	else if (!strcmp(keyword, "weight") && below(3))
		add_group();
	else
		add_number();
	while (now_and_then()) {
		add_space();
		add_odd();
	}
}

static void add_device(void)
{
	static const char *const others[] = {
		"/dev/null", "/dev/zero", "/dev", "/", ".", "8:9999", "0:0", "-1:-1", "4294967295:4294967295", "252:", ":0", "/dev/no-such-disk",
		"/dev/mapper/control", "PARTUUID=0", "UUID=", "LABEL=x",
	};
	unsigned int choice = below(20);

	if (choice < 16)
		add(disks[below(2)]);
	else if (choice < 18)
		add(one_of(others));
	else if (choice == 18 && victim == &fresh)
		/* Which may be directly above one of its own ID */
		addf("/dev/mapper/%s", ioband.name);
	else
		add_odd();
}

static void add_name(void)
{
	if (now_and_then())
		add_odd();
	else
		addf("%s-%c", prefix, 'a' + below(3));
}

static void make_table(void)
{
	bool is_band = !strcmp(victim->target, "band");
	unsigned int groups;

	add_device();
	add_space();
	add_name();
	if (is_band && !below(3))
		return;
	add_space();
	add_number();
	if (is_band && !below(3))
		return;
	add_space();
	add_number();
	if (is_band && below(8))
		return;
	add_space();
	add_one_of(types);
	add_space();
	add_one_of(policies);
	if (!below(4))
		return;
	add_space();
	if (below(4)) {
		add_number();
		add_space();
	}
	add_one_of(separators);
	add_number();
	groups = below(200) ? below(5) : below(3000);
	while (groups--) {
		add_space();
		if (groups > 5)
			addf("%u:100", groups);
		else
			add_group();
	}
}

/* And what makes them worse */

static void cut_out(size_t at, size_t count)
{
	memmove(text + at, text + at + count, length - at - count);
	length -= count;
}

static void put_in(size_t at, const char *bytes, size_t count)
{
	if (length + count > DM_RAW_TEXT)
		return;
	memmove(text + at + count, text + at, length - at);
	memcpy(text + at, bytes, count);
	length += count;
}

static void spoil(void)
{
	static char piece[4096];
	size_t at = length ? below(length) : 0, count;
	const char *word;
	char byte;

	switch (below(length ? 8 : 1)) {
	case 0:
		word = below(2) ? one_of(oddities) : one_of(edges);
		put_in(at, word, strlen(word));
		break;
	case 1:
		text[at] ^= 1 << below(8);
		break;
	case 2:
		text[at] = random_next();
		break;
	case 3:
		byte = random_next();
		put_in(at, &byte, 1);
		break;
	case 4:
		cut_out(at, 1);
		break;
	case 5:
		count = 1 + below(length - at < 16 ? length - at : 16);
		cut_out(at, count);
		break;
	case 6:
		/* The same again, in another place */
		count = 1 + below(length - at < sizeof(piece) ? length - at : sizeof(piece));
		memcpy(piece, text + at, count);
		put_in(below(length), piece, count);
		break;
	case 7:
		length = at;
		break;
	}
}

/* No program would send what is longer than memory; this is as long as it gets here */
static void make_enormous(void)
{
	unsigned int i, count = 1 + below(20000);

	switch (below(4)) {
	case 0:
		add_long(1 + below(DM_RAW_TEXT - length));
		break;
	case 1:
		for (i = 0; i < count; i++)
			add(" 1");
		break;
	case 2:
		for (i = 0; i < count; i++)
			addf(" %u:1", i);
		break;
	case 3:
		for (i = 0; i < count; i++)
			add_space();
		break;
	}
}

static void make_input(void)
{
	unsigned int i;

	length = 0;
	if (is_table)
		make_table();
	else
		make_message();
	if (!below(300))
		make_enormous();
	if (!below(3)) {
		for (i = 1 + below(4); i; i--)
			spoil();
	}
}

/* What is left by an input */

static const char *table_of(const struct device *device)
{
	return dm_raw_line(device->name, DM_STATUS_TABLE_FLAG);
}

static const char *loaded_table_of(const struct device *device)
{
	return dm_raw_line(device->name, DM_STATUS_TABLE_FLAG | DM_QUERY_INACTIVE_TABLE_FLAG);
}

static const char *status_of(const struct device *device)
{
	return dm_raw_line(device->name, 0);
}

static void remember(void)
{
	strcpy(table_before, table_of(victim));
	strcpy(status_before, status_of(victim));
}

static void expect_same(const char *what, const char *want, const char *got)
{
	if (strcmp(want, got))
		fail("%s\n  expected: %s\n  got:      %s", what, want, got);
}

static void expect_as_before(const char *after)
{
	char what[64];

	snprintf(what, sizeof(what), "table after it was %s", after);
	expect_same(what, table_before, table_of(victim));
	snprintf(what, sizeof(what), "status after it was %s", after);
	expect_same(what, status_before, status_of(victim));
}

static bool is_one_of(const char *word, const char *const *words, unsigned int count)
{
	while (count--) {
		if (!strcmp(word, words[count]))
			return true;
	}
	return false;
}

/* A line of target ioband in which every word is what it may be */
static void expect_valid(const char *line)
{
	unsigned int major, minor, io_throttle, io_limit, weight, token;
	char name[33], type[33], policy[33];
	long long id, seen[64];
	unsigned int i, groups = 0;
	int used;

	if (sscanf(line, "%u:%u %32s %u %u %32s %32s %u :%u%n", &major, &minor, name, &io_throttle, &io_limit, type, policy, &token, &weight,
		   &used) != 9)
		fail("the table is none: %s", line);
	if (strlen(name) > 31 || !io_throttle || io_throttle > io_limit || io_limit > 32767 || !is_one_of(type, types, ARRAY_SIZE(types)) ||
	    !is_one_of(policy, policies, ARRAY_SIZE(policies)) || !token || token > INT_MAX || !weight || weight > 32767)
		fail("a word of the table is wrong: %s", line);
	for (line += used; *line; line += used) {
		if (sscanf(line, " %lld:%u%n", &id, &weight, &used) != 2 || id < 0 || !weight || weight > 32767)
			fail("a group of the table is wrong: %s", line);
		for (i = 0; i < groups && i < ARRAY_SIZE(seen); i++) {
			if (seen[i] == id)
				fail("group %lld is there twice", id);
		}
		if (groups < ARRAY_SIZE(seen))
			seen[groups] = id;
		groups++;
	}
	if (groups && !strcmp(type, "none"))
		fail("%u groups of type none", groups);
}

/* Only so many groups, or every status would be long; and a type changes only where there are none */
static void detach_all(struct device *device)
{
	static char line[DM_RAW_BUFFER];
	char *word, *rest, message[64];
	long long id;

	strcpy(line, table_of(device));
	for (word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		if (sscanf(word, "id=%lld", &id) != 1 && (!isdigit(word[0]) || word == line || sscanf(word, "%lld:", &id) != 1 || !strchr(word, ':')))
			continue;
		snprintf(message, sizeof(message), "detach %lld", id);
		if (dm_raw_message(device->name, message, strlen(message)))
			fail("then '%s' is refused", message);
	}
}

static void check_bystander(void)
{
	expect_same("table of the bystander", bystander_table, table_of(&bystander));
	expect_same("status of the bystander", bystander_status, status_of(&bystander));
}

static void expect_errno(int got)
{
	static const int known[] = { EINVAL, EEXIST, EBUSY };
	/* What the lookup of a device below may say */
	static const int known_of_tables[] = { ENODEV, ENXIO, ENOENT, ENOTBLK, EACCES, ELOOP, ENOTDIR, ENAMETOOLONG, EPERM, EOVERFLOW, EISDIR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (got == -known[i])
			return;
	}
	for (i = 0; is_table && i < ARRAY_SIZE(known_of_tables); i++) {
		if (got == -known_of_tables[i])
			return;
	}
	fail("%s", strerror(-got));
}

static void try_message(void)
{
	int r;

	remember();
	r = dm_raw_message(victim->name, text, length);
	if (!r) {
		accepted++;
		if (victim->target == ioband.target)
			expect_valid(table_of(victim));
		return;
	}
	refused++;
	expect_errno(r);
	expect_as_before("refused");
}

/* A table that is printed makes the same table, where its ioband device ID is still there */
static void expect_round_trip(struct device *device)
{
	static char line[DM_RAW_BUFFER];
	int r;

	if (device->target != ioband.target)
		return;
	strcpy(line, table_of(device));
	r = dm_raw_load(fresh.name, sectors, "ioband", line, strlen(line));
	if (r)
		fail("then its own table is refused, %s: %s", strerror(-r), line);
	expect_same("the table made of a table", line, loaded_table_of(&fresh));
	dm_raw_clear(fresh.name);
}

static void try_table(void)
{
	uint64_t size = now_and_then() ? random_next() >> below(64) : sectors;
	int r;

	tables++;
	remember();
	r = dm_raw_load(victim->name, size, victim->target, text, length);
	if (r) {
		refused++;
		expect_errno(r);
		expect_as_before("refused");
		expect_same("the table that is loaded", "", loaded_table_of(victim));
		return;
	}
	accepted++;
	if (victim->target == ioband.target)
		expect_valid(loaded_table_of(victim));
	if (victim != &fresh || below(4)) {
		if (dm_raw_clear(victim->name))
			fail("it cannot be cleared");
		expect_as_before("loaded and cleared");
		return;
	}
	/* Its size may be refused only now */
	if (!dm_raw_resume(fresh.name))
		fresh.live = true;
	dm_raw_clear(fresh.name);
}

static void make_fresh(void)
{
	int r;

	if (fresh.name[0]) {
		r = dm_raw_remove(fresh.name);
		if (r)
			die("%s cannot be removed: %s", fresh.name, strerror(-r));
	}
	snprintf(fresh.name, sizeof(fresh.name), "%s-fresh", prefix);
	fresh.live = false;
	r = dm_raw_create(fresh.name);
	if (r)
		die("%s cannot be made: %s", fresh.name, strerror(-r));
}

static void one_input(void)
{
	unsigned int choice = below(100);

	fresh.target = below(4) ? ioband.target : band.target;
	if (choice < 70) {
		is_table = false;
		victim = choice < 45 ? &ioband : &band;
		if (choice < 10 && fresh.live) {
			victim = &fresh;
			fresh.target = "either";
		}
	} else {
		is_table = true;
		victim = choice < 94 ? &fresh : choice < 97 ? &ioband : &band;
	}
	make_input();
	if (is_table)
		try_table();
	else
		try_message();

	if (number % 32 == 0)
		check_bystander();
	if (number % 64 == 0 && !fresh.live)
		expect_round_trip(&ioband);
	if (number % 200 == 0) {
		victim = &ioband;
		detach_all(&ioband);
		victim = &band;
		detach_all(&band);
		make_fresh();
	}
}

static void create(struct device *device, const char *name, const char *target, const char *line)
{
	int r;

	snprintf(device->name, sizeof(device->name), "%s-%s", prefix, name);
	device->target = target;
	device->live = true;
	r = dm_raw_create(device->name);
	if (!r)
		r = dm_raw_load(device->name, sectors, target, line, strlen(line));
	if (!r)
		r = dm_raw_resume(device->name);
	if (r)
		die("%s, %s: %s", device->name, line, strerror(-r));
}

static void create_all(void)
{
	char line[256];

	snprintf(line, sizeof(line), "%s %s-a 4 64 user weight 0 :100", disks[0], prefix);
	create(&ioband, "ioband", "ioband", line);
	snprintf(line, sizeof(line), "%s %s-b 4 64", disks[0], prefix);
	create(&band, "band", "band", line);
	snprintf(line, sizeof(line), "%s bystander-of-%.12s 8 32 user weight-iosize 999 :77 1000:10 2000:20", disks[1], prefix);
	create(&bystander, "bystander", "ioband", line);
	snprintf(bystander_table, sizeof(bystander_table), "%s", table_of(&bystander));
	snprintf(bystander_status, sizeof(bystander_status), "%s", status_of(&bystander));
	make_fresh();
}

static void remove_all(void)
{
	struct device *const all[] = { &fresh, &ioband, &band, &bystander };
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		r = dm_raw_remove(all[i]->name);
		if (r)
			die("%s cannot be removed: %s", all[i]->name, strerror(-r));
	}
}

static void run_regressions(void)
{
	unsigned int i;
	int r;

	is_table = false;
	for (i = 0; i < ARRAY_SIZE(regressions); i++) {
		victim = strcmp(regressions[i].target, "band") ? &ioband : &band;
		length = 0;
		add(regressions[i].message);
		remember();
		r = dm_raw_message(victim->name, text, length);
		if (r != regressions[i].want)
			fail("expected %s, got %s", regressions[i].want ? strerror(-regressions[i].want) : "success", r ? strerror(-r) : "success");
		if (r)
			expect_as_before("refused");
	}
}

static uint64_t disk_sectors(const char *disk)
{
	struct stat node;
	char path[256];
	uint64_t size;
	FILE *file;

	if (stat(disk, &node))
		die("%s: %s", disk, strerror(errno));
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/size", major(node.st_rdev), minor(node.st_rdev));
	file = fopen(path, "r");
	if (!file || fscanf(file, "%" SCNu64, &size) != 1)
		die("%s: no size", path);
	fclose(file);
	return size;
}

int main(int argc, char **argv)
{
	unsigned long inputs;

	if (argc != 7)
		die("usage: %s SEED INPUTS PREFIX CGROUP DISK1 DISK2", argv[0]);
	random_state = number_argument(argv[1]);
	inputs = number_argument(argv[2]);
	prefix = argv[3];
	cgroup = argv[4];
	disks[0] = argv[5];
	disks[1] = argv[6];
	sectors = disk_sectors(disks[0]);
	dm_raw_open();
	create_all();
	run_regressions();
	for (number = 1; number <= inputs; number++)
		one_input();
	check_bystander();
	remove_all();
	printf("%lu inputs, %lu of them tables: %lu accepted, %lu refused\n", inputs, tables, accepted, refused);
	return 0;
}
