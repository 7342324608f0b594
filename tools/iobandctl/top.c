// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: top: rates of the groups, share wanted and share got, live.
 */

#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "block.h"
#include "group.h"
#include "grid.h"
#include "layout.h"
#include "watch.h"

/* A line without the group's name and the bar, also with reads and writes in one column */
#define LINE_WIDTH	61
#define NARROW_WIDTH	52
/* The least that name and bar need */
#define NAME_LEAST	18
#define NAME_MOST	40
#define BAR_LEAST	10

static void clock_text(char *to, size_t size)
{
	time_t seconds = time(NULL);
	struct tm when;

	strftime(to, size, "%H:%M:%S", localtime_r(&seconds, &when));
}

/* "###|.. " for a share of 3/6 where 4/6 were wanted */
static void bar(char *to, int width, const struct rate *rate)
{
	int got = rate->got * width + 0.5, wanted = rate->wanted * width + 0.5;

	memset(to, ' ', width);
	memset(to, '#', got < width ? got : width);
	to[wanted < width ? wanted : width - 1] = '|';
	to[width] = '\0';
}

/* A bar is worth more than reads and writes apart */
static bool is_narrow(int width)
{
	return width < LINE_WIDTH + NAME_LEAST + BAR_LEAST;
}

static int name_width(int width)
{
	/* Names of cgroups are long; a bar is worth more */
	if (width < LINE_WIDTH + NAME_LEAST + 2 * BAR_LEAST)
		return NAME_LEAST;
	return width / 4 < NAME_MOST ? width / 4 : NAME_MOST;
}

static int bar_width(int width)
{
	int room = width - (is_narrow(width) ? NARROW_WIDTH : LINE_WIDTH) - name_width(width);

	return room >= BAR_LEAST ? room : 0;
}

/* Reads and writes as there is room for them */
static char *requests_cells(const struct rate *rate, int width)
{
	if (is_narrow(width))
		return text("%8.0f", rate->reads + rate->writes);
	return text("%8.0f %8.0f", rate->reads, rate->writes);
}

static char *rate_line(const struct rate *rate, int width)
{
	int room = bar_width(width), of_name = name_width(width), length;
	char *name, *end, *line, *picture = need(calloc(1, room + 1));
	char *requests = requests_cells(rate, width);

	name = need(strdup(group_label(rate->device->table.type, rate->id)));
	length = strlen(name);
	if (room)
		bar(picture, room, rate);
	/* Of a path that is too long the end says most, from a whole character on */
	end = length > of_name ? name + length - of_name : name;
	while ((*end & 0xc0) == 0x80)
		end++;
	line = text("  %-*.*s %6u %5.1f%% %5.1f%% %s %s %9.1f %8.0f",
		    of_name, of_name, end, rate->weight, 100 * rate->wanted, 100 * rate->got,
		    picture, requests, (rate->kib_read + rate->kib_written) / 1024,
		    rate->held);
	free(requests);
	free(picture);
	free(name);
	return line;
}

static char *heading_line(int width)
{
	return text("  %-*s %6s %6s %6s %*s %s %9s %8s", name_width(width), "GROUP", "WEIGHT",
		    "WANTED", "GOT", bar_width(width), "",
		    is_narrow(width) ? "    IO/s" : " READS/s WRITES/s", "MiB/s", "HELD/s");
}

static char *device_line(const struct device *device)
{
	char *below = block_name(device->table.device), *line;

	line = text("%s: %s, ID %s, type %s, policy %s, io_limit %u", device->name, below,
		    device->table.id, device->table.type, device->table.policy,
		    device->table.io_limit);
	free(below);
	return line;
}

/* The screen, from the top: the next line, and how many there are */
struct page {
	int row;
	int rows;
};

/* Puts @line on the screen if there is room, and frees it */
static bool put_line(struct page *page, char *line, attr_t attributes)
{
	bool room = page->row < page->rows;

	if (room) {
		attrset(attributes);
		mvaddnstr(page->row++, 0, line, COLS);
		attrset(A_NORMAL);
	}
	free(line);
	return room;
}

/* Everything, as far as there is room; how many of the groups did not have any */
static size_t put_all(struct page *page, const struct watch *watch)
{
	const struct device *device = NULL;
	size_t i, left_out = 0;
	char time_of_day[16];

	clock_text(time_of_day, sizeof(time_of_day));
	erase();
	put_line(page, text("%s, every %g s; q ends", time_of_day, watch->interval), A_NORMAL);
	for (i = 0; i < watch->nr_rates; i++) {
		const struct rate *rate = &watch->rates[i];

		if (!watch_shows(watch, rate))
			continue;
		if (rate->device != device) {
			device = rate->device;
			page->row += page->row < page->rows;
			put_line(page, device_line(device), A_BOLD);
			put_line(page, heading_line(COLS), A_REVERSE);
		}
		left_out += !put_line(page, rate_line(rate, COLS), A_NORMAL);
	}
	if (!watch->rates)
		put_line(page, text("The first rates come in %g s.", watch->interval), A_NORMAL);
	else if (!device)
		put_line(page, text("There is no ioband device%s%s.", watch->name ? " " : "",
				    watch->name ? watch->name : ""), A_NORMAL);
	return left_out;
}

static void draw(const struct watch *watch)
{
	struct page page = { .rows = LINES };
	size_t left_out = put_all(&page, watch);

	if (left_out) {
		/* The last line is for how many they are. */
		page = (struct page){ .rows = LINES - 1 };
		left_out = put_all(&page, watch);
		page = (struct page){ .row = LINES - 1, .rows = LINES };
		put_line(&page, text("%zu more: in a terminal of more lines, or with a NAME, or "
				     "--batch", left_out), A_BOLD);
	}
	refresh();
}

/* Until the next look is due, a key or a signal; true to go on */
static bool wait_for_key(const struct watch *watch)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	double seconds;
	int key;

	while (!watch_over && (seconds = watch_wait(watch)) > 0) {
		/* A signal that comes just before is noticed half a second later */
		int wait = seconds > 0.5 ? 500 : seconds * 1000 + 1;

		poll(&input, 1, wait);
		if (input.revents & (POLLHUP | POLLERR | POLLNVAL))
			return false;
		while ((key = getch()) != ERR) {
			if (key == 'q' || key == 'Q')
				return false;
			if (key == KEY_RESIZE)
				draw(watch);
		}
	}
	return !watch_over;
}

static SCREEN *screen;

static void end_screen(void)
{
	if (!screen)
		return;
	endwin();
	/* first, as it gives memory back: delscreen() needs some */
	say_release();
	delscreen(screen);
	screen = NULL;
}

static int watch_screen(struct watch *watch)
{
	uint64_t shown;
	int r = DONE;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return refuse(WRONG, "the standard input and output are not a terminal: use "
				     "--batch");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return refuse(FAILED, "the terminal '%s' is unknown: set TERM, or use --batch",
			      getenv("TERM") ? getenv("TERM") : "");
	say_hold();
	/* also if there is no memory for the next line */
	if (atexit(end_screen))
		need(NULL);
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	draw(watch);
	for (shown = 0; !watch->times || shown < watch->times; shown++) {
		if (!wait_for_key(watch))
			break;
		r = watch_next(watch);
		if (r != DONE)
			break;
		draw(watch);
	}
	end_screen();
	return r;
}

static void print_rates(const struct watch *watch)
{
	static const char * const heading[] = {
		"TIME", "DEVICE", "GROUP", "ID", "WEIGHT", "WANTED%", "GOT%", "READS/s", "WRITES/s",
		"KiB/s-READ", "KiB/s-WRITTEN", "HELD/s"
	};
	char time_of_day[16];
	struct grid grid;
	size_t i;

	clock_text(time_of_day, sizeof(time_of_day));
	grid_init(&grid, "lllrrrrrrrrr");
	for (i = 0; i < sizeof(heading) / sizeof(*heading); i++)
		grid_cell(&grid, "%s", heading[i]);
	for (i = 0; i < watch->nr_rates; i++) {
		const struct rate *rate = &watch->rates[i];

		if (!watch_shows(watch, rate))
			continue;
		grid_cell(&grid, "%s", time_of_day);
		grid_cell(&grid, "%s", rate->device->name);
		grid_cell(&grid, "%s", group_label(rate->device->table.type, rate->id));
		grid_cell(&grid, "%lld", (long long)rate->id);
		grid_cell(&grid, "%u", rate->weight);
		grid_cell(&grid, "%.1f", 100 * rate->wanted);
		grid_cell(&grid, "%.1f", 100 * rate->got);
		grid_cell(&grid, "%.0f", rate->reads);
		grid_cell(&grid, "%.0f", rate->writes);
		grid_cell(&grid, "%.0f", rate->kib_read);
		grid_cell(&grid, "%.0f", rate->kib_written);
		grid_cell(&grid, "%.0f", rate->held);
	}
	grid_print(&grid, "", stdout);
	grid_free(&grid);
	fflush(stdout);
}

static int watch_lines(struct watch *watch)
{
	uint64_t shown;
	double seconds;
	int r;

	for (shown = 0; !watch->times || shown < watch->times; shown++) {
		while (!watch_over && (seconds = watch_wait(watch)) > 0)
			poll(NULL, 0, seconds > 0.5 ? 500 : seconds * 1000 + 1);
		if (watch_over)
			break;
		r = watch_next(watch);
		if (r != DONE)
			return r;
		print_rates(watch);
		if (ferror(stdout))
			break;
	}
	return DONE;
}

int command_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "batch", no_argument, NULL, LONG_OPTION },
		{ }
	};
	struct watch watch = { .interval = 2 };
	bool batch = false;
	int option, r = DONE;

	while (r == DONE && (option = getopt_long(argc, argv, ":d:n:b", options, NULL)) >= 0) {
		if (option == 'b' || option == LONG_OPTION)
			batch = true;
		else
			r = watch_option(&watch, option, argv);
	}
	if (r == DONE && argc - optind > 1)
		r = refuse(WRONG, "surplus word '%s': at most one name", argv[optind + 1]);
	if (r == DONE)
		r = device_mapper_ready();
	if (r != DONE)
		return r;
	r = watch_begin(&watch, argv[optind]);
	if (r == DONE)
		r = batch ? watch_lines(&watch) : watch_screen(&watch);
	watch_end(&watch);
	return r;
}
