// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: tests of what needs neither a kernel nor a device: the parsers and
 * the printer, the settings, ioband.tab, rates, CSV. Prints KTAP.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "csv.h"
#include "grid.h"
#include "rates.h"
#include "tab.h"
#include "table.h"

static bool failed;

static void expect(bool right, const char *what, int line)
{
	if (right)
		return;
	failed = true;
	printf("# line %d: not true: %s\n", line, what);
}

#define EXPECT(condition)	expect(condition, #condition, __LINE__)

static void expect_text(const char *want, const char *got, int line)
{
	if (got && !strcmp(want, got))
		return;
	failed = true;
	printf("# line %d: expected '%s', got '%s'\n", line, want, got ? got : "(none)");
}

#define EXPECT_TEXT(want, got)	expect_text(want, got, __LINE__)

static void test_numbers(void)
{
	static const char * const wrong[] = {
		"",   " 1", "1 ", "+1", "-1", "x", "1x", "0x", "08", "1.5", "18446744073709551616",
		"\n1"
	};
	uint64_t number = 77;
	size_t i;

	EXPECT(parse_number("0", 10, &number) && number == 0);
	EXPECT(parse_number("10", 10, &number) && number == 10);
	EXPECT(parse_number("010", 10, &number) && number == 8);
	EXPECT(parse_number("0x1F", 100, &number) && number == 31);
	EXPECT(parse_number("18446744073709551615", UINT64_MAX, &number) && number == UINT64_MAX);
	number = 77;
	EXPECT(!parse_number("11", 10, &number));
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		EXPECT(!parse_number(wrong[i], UINT64_MAX, &number));
		EXPECT(number == 77);
	}
}

static void check_split(const char *word, const char *want_name, const char *want_weight, int line)
{
	const char *weight;
	char *name;

	if (!split_weight(word, &name, &weight)) {
		expect(!want_name, word, line);
		return;
	}
	expect_text(want_name ? want_name : "refused", name, line);
	expect_text(want_weight ? want_weight : "", weight ? weight : "", line);
	expect(!want_weight == !weight, word, line);
	free(name);
}

static void test_groups_and_weights(void)
{
	check_split("alice:400", "alice", "400", __LINE__);
	check_split("alice", "alice", NULL, __LINE__);
	check_split("alice:", "alice", "", __LINE__);
	check_split("/a:b/c", "/a:b/c", NULL, __LINE__);
	check_split("/a:b/c:7", "/a:b/c", "7", __LINE__);
	check_split("a:b:7", "a:b", "7", __LINE__);
	check_split("alice:0x10", "alice", "0x10", __LINE__);
	check_split(":400", NULL, NULL, __LINE__);
	check_split("", NULL, NULL, __LINE__);
}

/* Parsed and printed it is the same */
static void round_trip(const char *words, int line)
{
	struct table table;
	char *printed;

	if (!table_parse(&table, words)) {
		expect(false, words, line);
		return;
	}
	printed = table_print(&table);
	expect_text(words, printed, line);
	free(printed);
	table_free(&table);
}

static void test_tables_round_trip(void)
{
	round_trip("8:29 128 10 400 user weight 2048 :100 1000:80 2000:20", __LINE__);
	round_trip("8:29 a-name-of-thirty-one-characters 4 64 none weight-iosize 0 :32767",
		   __LINE__);
	round_trip("253:0 x 0 0 cgroup default 2147483647 :1 0:1 9223372036854775807:32767",
		   __LINE__);
}

static void test_words_of_a_table(void)
{
	struct table table;

	EXPECT(table_parse(&table, "8:29 128 10 400 user weight 2048 :100 1000:80 2000:20"));
	EXPECT_TEXT("8:29", table.device);
	EXPECT_TEXT("128", table.id);
	EXPECT(table.io_throttle == 10 && table.io_limit == 400);
	EXPECT_TEXT("user", table.type);
	EXPECT_TEXT("weight", table.policy);
	EXPECT(table.token_base == 2048 && table.weight == 100 && table.nr_groups == 2);
	EXPECT(table_weights(&table) == 200);
	EXPECT(table_group(&table, 2000) && table_group(&table, 2000)->weight == 20);
	EXPECT(!table_group(&table, 100) && !table_group(&table, -1));
	table_free(&table);
}

static void test_other_lines_are_no_tables(void)
{
	static const char * const wrong[] = {
		"",
		"8:29",
		"8:29 128 10 400 user weight",
		"8:29 128 10 400 user weight 2048",
		"8:29 128 10 400 user weight 2048 100",
		"8:29 128 10 400 user weight 2048 :0",
		"8:29 128 10 400 user weight 2048 :32768",
		"8:29 128 10 400 user weight 2048 :100 1000",
		"8:29 128 10 400 user weight 2048 :100 x:1",
		"8:29 128 10 400 user weight 2048 :100 -1:1",
		"8:29 128 10 40000 user weight 2048 :100",
		"8:29 a-name-of-thirty-two-characters-x 10 400 user weight 2048 :100",
		"8:29 128 10 400 user weight 2147483648 :100",
	};
	struct table table;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(!table_parse(&table, wrong[i]), wrong[i], __LINE__);
}

static void test_many_groups(void)
{
	struct table table, again;
	char *printed;
	int i;

	table_init(&table);
	table.device = need(strdup("8:0"));
	strcpy(table.id, "x");
	for (i = 0; i < 1000; i++)
		table_attach(&table, 3 * i, 1 + i);
	printed = table_print(&table);
	EXPECT(table_parse(&again, printed));
	EXPECT(again.nr_groups == 1000 && again.groups[999].id == 2997 &&
	       again.groups[999].weight == 1000);
	free(printed);
	table_free(&table);
	table_free(&again);
}

static void test_status_lines(void)
{
	struct status status;

	EXPECT(status_parse(&status, "128 -1 223 172 408 211 136 600 1001 166 107 472 139 95 352"));
	EXPECT_TEXT("128", status.id);
	EXPECT(status.nr_groups == 2);
	EXPECT(status.groups[0].id == DEFAULT_GROUP && status.groups[0].reads == 223);
	EXPECT(status.groups[0].reads_held == 172 && status.groups[0].sectors_read == 408);
	EXPECT(status.groups[0].writes == 211 && status.groups[0].writes_held == 136);
	EXPECT(status.groups[0].sectors_written == 600);
	EXPECT(status_group(&status, 1001) && status_group(&status, 1001)->sectors_written == 352);
	EXPECT(!status_group(&status, 7));
	status_free(&status);

	EXPECT(status_parse(&status, "x -1 18446744073709551615 0 0 0 0 0"));
	EXPECT(status.groups[0].reads == UINT64_MAX);
	status_free(&status);

	EXPECT(!status_parse(&status, ""));
	EXPECT(!status_parse(&status, "128"));
	EXPECT(!status_parse(&status, "128 -1 1 2 3 4 5"));
	EXPECT(!status_parse(&status, "128 1 1 2 3 4 5 6"));
	EXPECT(!status_parse(&status, "128 -1 1 2 3 4 5 6 7"));
	EXPECT(!status_parse(&status, "128 -1 1 2 3 4 5 x"));
}

static void check_setting(struct table *table, const char *key, const char *value, int want,
			  int line)
{
	int got = table_set(table, key, value, "");

	if (got != want) {
		failed = true;
		printf("# line %d: %s=%s: expected %d, got %d\n", line, key, value, want, got);
	}
}

static void test_settings(void)
{
	struct table table;

	table_init(&table);
	check_setting(&table, "weight", "32767", DONE, __LINE__);
	check_setting(&table, "weight", "0", WRONG, __LINE__);
	check_setting(&table, "weight", "32768", WRONG, __LINE__);
	check_setting(&table, "weight", "", WRONG, __LINE__);
	EXPECT(table.weight == 32767);
	check_setting(&table, "io-throttle", "8", DONE, __LINE__);
	check_setting(&table, "io_limit", "0x20", DONE, __LINE__);
	EXPECT(table.io_throttle == 8 && table.io_limit == 32);
	check_setting(&table, "io-limit", "32768", WRONG, __LINE__);
	check_setting(&table, "token", "2147483647", DONE, __LINE__);
	check_setting(&table, "token", "2147483648", WRONG, __LINE__);
	check_setting(&table, "type", "cgroup", DONE, __LINE__);
	check_setting(&table, "type", "cgroups", WRONG, __LINE__);
	EXPECT_TEXT("cgroup", table.type);
	check_setting(&table, "policy", "weight-iosize", DONE, __LINE__);
	check_setting(&table, "policy", "heavy", WRONG, __LINE__);
	check_setting(&table, "id", "a-name-of-thirty-one-characters", DONE, __LINE__);
	check_setting(&table, "id", "a-name-of-thirty-two-characters-", WRONG, __LINE__);
	check_setting(&table, "id", "two words", WRONG, __LINE__);
	check_setting(&table, "id", "back\\slash", WRONG, __LINE__);
	check_setting(&table, "id", "", WRONG, __LINE__);
	check_setting(&table, "colour", "red", WRONG, __LINE__);
	EXPECT_TEXT("a-name-of-thirty-one-characters", table.id);
}

/* Reads @lines as ioband.tab */
static void read_tab(struct tab *tab, const char *lines)
{
	char path[] = "/tmp/ioband-unit-XXXXXX";
	int fd = mkstemp(path);
	bool written = fd >= 0 && write(fd, lines, strlen(lines)) == (ssize_t)strlen(lines);

	if (!written || tab_read(tab, path) != DONE) {
		printf("Bail out! cannot write to %s\n", path);
		exit(1);
	}
	close(fd);
	unlink(path);
}

static void test_ioband_tab(void)
{
	const struct entry *entry;
	struct tab tab;
	char *path;

	read_tab(&tab, "# a comment\n\n"
		 "home UUID=1234-5 type=user,weight=50,io-limit=32,carryover=1 a:400 bob # boss\n"
		 "  \tvideo\t/dev/sdb1\n"
		 "lv /dev/lv insert,noauto,nofail,skip-missing,device-timeout=7,type=cgroup web.service:400");
	EXPECT(tab.nr == 3 && !tab.wrong);
	entry = tab_find(&tab, "home");
	EXPECT(entry && entry->table.weight == 50 && entry->table.io_limit == 32);
	EXPECT(entry->nr_groups == 2);
	EXPECT_TEXT("a:400", entry->groups[0]);
	EXPECT_TEXT("bob", entry->groups[1]);
	EXPECT_TEXT("1", entry->carryover);
	EXPECT(!entry->insert && !entry->noauto && !entry->nofail && !entry->skip_missing);
	EXPECT(entry->device_timeout == -1);
	path = tab_device(entry);
	EXPECT_TEXT("/dev/disk/by-uuid/1234-5", path);
	free(path);
	entry = tab_find(&tab, "video");
	EXPECT(entry && !entry->nr_groups && entry->table.weight == WEIGHT_DEFAULT);
	path = tab_device(entry);
	EXPECT_TEXT("/dev/sdb1", path);
	free(path);
	entry = tab_find(&tab, "lv");
	EXPECT(entry && entry->insert && entry->noauto && entry->nofail && entry->skip_missing);
	EXPECT(entry->device_timeout == 7);
	EXPECT(!tab_find(&tab, "bob"));
	tab_free(&tab);
}

static void test_wrong_lines_of_ioband_tab(void)
{
	struct tab tab;

	read_tab(&tab, "alone\n"
		 "a /dev/a weight=0\n"
		 "b /dev/b colour=red\n"
		 "c /dev/c insret\n"
		 "d /dev/d - alice:400\n"
		 "e/f /dev/e\n"
		 "g /dev/g carryover=x\n"
		 "h /dev/h device-timeout=-1\n"
		 "right /dev/r -\n"
		 "right /dev/s -\n");
	EXPECT(tab.wrong == 9 && tab.nr == 1);
	EXPECT(tab_find(&tab, "right"));
	tab_free(&tab);
}

static void sample_of(struct sample *sample, double seconds, const char *policy,
		      const char *status_one, const char *status_two)
{
	static const char * const names[] = { "one", "two" };
	const char *lines[] = { status_one, status_two };
	size_t i;

	sample->seconds = seconds;
	sample->devices.nr = status_two ? 2 : 1;
	sample->devices.list = need(calloc(2, sizeof(*sample->devices.list)));
	for (i = 0; i < sample->devices.nr; i++) {
		struct device *device = &sample->devices.list[i];
		char *words = text("8:0 share 4 64 user %s 256 :100 5:300", policy);

		device->name = need(strdup(names[i]));
		EXPECT(table_parse(&device->table, words));
		EXPECT(status_parse(&device->status, lines[i]));
		free(words);
	}
}

static void sample_free(struct sample *sample)
{
	size_t i;

	for (i = 0; i < sample->devices.nr; i++) {
		free(sample->devices.list[i].name);
		table_free(&sample->devices.list[i].table);
		status_free(&sample->devices.list[i].status);
	}
	free(sample->devices.list);
}

static bool near(double a, double b)
{
	return a - b < 1e-6 && b - a < 1e-6;
}

static void test_rates(void)
{
	struct sample before, after;
	struct rate *rates;

	sample_of(&before, 10, "weight", "share -1 0 0 0 0 0 0 5 100 10 800 0 0 0", NULL);
	sample_of(&after, 12, "weight", "share -1 20 20 160 0 0 0 5 140 10 1120 20 5 160", NULL);
	EXPECT(rates_between(&before, &after, &rates) == 2);
	EXPECT(rates[0].id == DEFAULT_GROUP && rates[0].weight == 100);
	EXPECT(near(rates[0].reads, 10) && near(rates[0].held, 10) && near(rates[0].kib_read, 40));
	EXPECT(near(rates[0].wanted, 0.25) && near(rates[0].got, 0.25));
	EXPECT(rates[1].id == 5 && rates[1].weight == 300);
	EXPECT(near(rates[1].reads, 20) && near(rates[1].writes, 10));
	EXPECT(near(rates[1].held, 2.5) && near(rates[1].kib_written, 40));
	EXPECT(near(rates[1].wanted, 0.75) && near(rates[1].got, 0.75));
	free(rates);
	sample_free(&before);
	sample_free(&after);
}

static void test_rates_of_weight_iosize_go_by_bytes(void)
{
	struct sample before, after;
	struct rate *rates;

	sample_of(&before, 0, "weight-iosize", "share -1 0 0 0 0 0 0 5 0 0 0 0 0 0", NULL);
	sample_of(&after, 1, "weight-iosize", "share -1 100 0 100 0 0 0 5 1 0 0 1 0 300", NULL);
	EXPECT(rates_between(&before, &after, &rates) == 2);
	EXPECT(near(rates[0].got, 0.25) && near(rates[1].got, 0.75));
	free(rates);
	sample_free(&before);
	sample_free(&after);
}

/* Devices with one ioband device ID share what there is */
static void test_rates_of_two_devices(void)
{
	struct sample before, after;
	struct rate *rates;

	sample_of(&before, 0, "weight", "share -1 0 0 0 0 0 0 5 0 0 0 0 0 0",
		  "share -1 0 0 0 0 0 0 5 0 0 0 0 0 0");
	sample_of(&after, 1, "weight", "share -1 10 0 0 0 0 0 5 30 0 0 0 0 0",
		  "share -1 40 0 0 0 0 0 5 20 0 0 0 0 0");
	EXPECT(rates_between(&before, &after, &rates) == 4);
	EXPECT(near(rates[0].wanted, 0.125) && near(rates[1].wanted, 0.375));
	EXPECT(near(rates[0].got, 0.1) && near(rates[1].got, 0.3));
	EXPECT(near(rates[2].got, 0.4) && near(rates[3].got, 0.2));
	free(rates);
	sample_free(&before);
	sample_free(&after);
}

static void test_rates_after_a_reset_and_of_new_groups(void)
{
	struct sample before, after;
	struct rate *rates;

	sample_of(&before, 0, "weight", "share -1 1000 0 0 0 0 0", NULL);
	sample_of(&after, 1, "weight", "share -1 10 0 0 0 0 0 5 30 0 0 0 0 0", NULL);
	EXPECT(rates_between(&before, &after, &rates) == 2);
	EXPECT(near(rates[0].reads, 10) && near(rates[1].reads, 30));
	free(rates);
	sample_free(&before);
	sample_free(&after);
}

/* A group that does nothing leaves its share to the others */
static void test_shares_of_active_groups(void)
{
	struct sample before, after;
	struct rate *rates;

	sample_of(&before, 0, "weight", "share -1 7 0 0 0 0 0 5 7 0 0 0 0 0",
		  "share -1 0 0 0 0 0 0 5 0 0 0 0 0 0");
	sample_of(&after, 1, "weight", "share -1 7 0 0 0 0 0 5 8 0 0 0 0 0",
		  "share -1 3 0 0 0 0 0 5 0 0 0 0 0 0");
	EXPECT(rates_between(&before, &after, &rates) == 4);
	EXPECT(near(rates[0].wanted, 0) && near(rates[1].wanted, 0.75));
	EXPECT(near(rates[2].wanted, 0.25) && near(rates[3].wanted, 0));
	EXPECT(near(rates[1].got, 0.25) && near(rates[2].got, 0.75));
	free(rates);
	sample_free(&before);
	sample_free(&after);
}

static void test_rates_of_nothing(void)
{
	struct sample before, after, none = { };
	struct rate *rates;

	sample_of(&before, 0, "weight", "share -1 7 0 0 0 0 0 5 7 0 0 0 0 0", NULL);
	sample_of(&after, 1, "weight", "share -1 7 0 0 0 0 0 5 7 0 0 0 0 0", NULL);
	EXPECT(rates_between(&before, &after, &rates) == 2);
	EXPECT(near(rates[0].got, 0) && near(rates[0].wanted, 0.25));
	free(rates);
	EXPECT(rates_between(&before, &none, &rates) == 0);
	free(rates);
	sample_free(&before);
	sample_free(&after);
}

static void test_csv(void)
{
	static const char * const values[] = {
		"plain", "", "with, comma", "with \"quotes\"", "\"", "/a/b", ","
	};
	char *line = NULL, *split[8];
	size_t i, size, nr = sizeof(values) / sizeof(*values);
	FILE *out = need(open_memstream(&line, &size));

	for (i = 0; i < nr; i++) {
		if (i)
			fputc(',', out);
		csv_write(out, values[i]);
	}
	fputc('\n', out);
	fclose(out);
	EXPECT(csv_split(line, split, 8) == nr);
	for (i = 0; i < nr; i++)
		EXPECT_TEXT(values[i], split[i]);
	free(line);

	line = need(strdup("1,2,\n"));
	EXPECT(csv_split(line, split, 8) == 3);
	EXPECT_TEXT("", split[2]);
	free(line);
	line = need(strdup("1,2,3"));
	EXPECT(csv_split(line, split, 2) == 2);
	free(line);
	line = need(strdup("1,\"x\""));
	EXPECT(csv_split(line, split, 8) == 2);
	EXPECT_TEXT("x", split[1]);
	free(line);
}

static void test_grid(void)
{
	struct grid grid;
	char *printed = NULL;
	size_t size;
	FILE *out = need(open_memstream(&printed, &size));

	grid_init(&grid, "lrl");
	grid_cell(&grid, "NAME");
	grid_cell(&grid, "N");
	grid_cell(&grid, "LAST");
	grid_cell(&grid, "a");
	grid_cell(&grid, "%d", 1000);
	grid_cell(&grid, "x");
	grid_print(&grid, "> ", out);
	grid_free(&grid);
	fclose(out);
	EXPECT_TEXT("> NAME     N  LAST\n> a     1000  x\n", printed);
	free(printed);
}

static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "numbers", test_numbers },
	{ "groups and weights", test_groups_and_weights },
	{ "tables round trip", test_tables_round_trip },
	{ "words of a table", test_words_of_a_table },
	{ "other lines are no tables", test_other_lines_are_no_tables },
	{ "many groups", test_many_groups },
	{ "status lines", test_status_lines },
	{ "settings", test_settings },
	{ "ioband.tab", test_ioband_tab },
	{ "wrong lines of ioband.tab", test_wrong_lines_of_ioband_tab },
	{ "rates", test_rates },
	{ "rates of weight-iosize go by bytes", test_rates_of_weight_iosize_go_by_bytes },
	{ "rates of two devices", test_rates_of_two_devices },
	{ "rates after a reset and of new groups", test_rates_after_a_reset_and_of_new_groups },
	{ "shares of active groups", test_shares_of_active_groups },
	{ "rates of nothing", test_rates_of_nothing },
	{ "csv", test_csv },
	{ "grid", test_grid },
};

int main(void)
{
	size_t i, nr = sizeof(tests) / sizeof(*tests);
	bool any = false;

	printf("KTAP version 1\n1..%zu\n", nr);
	for (i = 0; i < nr; i++) {
		failed = false;
		tests[i].run();
		printf("%sok %zu %s\n", failed ? "not " : "", i + 1, tests[i].name);
		any |= failed;
	}
	return any;
}
