// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: plot: a picture of what record has written, by gnuplot.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv.h"
#include "layout.h"

/* More lines than anybody can tell apart; further groups are left out */
#define SERIES_MAX	64

/* The columns of record that are needed, in its order */
enum column {
	SECONDS, DEVICE, GROUP, ID, WEIGHT, WANTED, GOT, READS, WRITES, KIB_READ, KIB_WRITTEN,
	COLUMNS
};

/**
 * struct series - a group's line in the picture
 * @title: what it is called there
 * @data: "seconds value" for each look
 * @size: of @data
 * @out: writes to @data
 */
struct series {
	char *title;
	char *data;
	size_t size;
	FILE *out;
};

struct picture {
	struct series *series;
	size_t nr;
	bool requests;
};

static struct series *find_series(struct picture *picture, const char *title)
{
	struct series *series;
	size_t i;

	for (i = 0; i < picture->nr; i++) {
		if (!strcmp(picture->series[i].title, title))
			return &picture->series[i];
	}
	/* A stream has the addresses of its series' members: they may not move */
	if (picture->nr == SERIES_MAX)
		return NULL;
	if (!picture->series)
		picture->series = need(calloc(SERIES_MAX, sizeof(*picture->series)));
	series = &picture->series[picture->nr++];
	series->title = need(strdup(title));
	series->out = need(open_memstream(&series->data, &series->size));
	return series;
}

/* Adds a line of the file; false if it is none of record's */
static bool add_line(struct picture *picture, char *line)
{
	char *values[COLUMNS], *title, *end;
	struct series *series;
	double seconds, value;

	if (csv_split(line, values, COLUMNS) != COLUMNS)
		return false;
	seconds = strtod(values[SECONDS], &end);
	if (end == values[SECONDS] || *end)
		return false;
	if (picture->requests)
		value = strtod(values[READS], NULL) + strtod(values[WRITES], NULL);
	else
		value = (strtod(values[KIB_READ], NULL) + strtod(values[KIB_WRITTEN], NULL)) / 1024;
	title = text("%s, weight %s", *values[GROUP] ? values[GROUP] : values[ID], values[WEIGHT]);
	series = find_series(picture, title);
	if (series)
		fprintf(series->out, "%g %g\n", seconds, value);
	free(title);
	return true;
}

static int read_file(const char *path, struct picture *picture)
{
	FILE *in = fopen(path, "re");
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;
	int r = DONE;

	if (!in)
		return refuse(FAILED, "cannot read '%s': %s", path, strerror(errno));
	while (r == DONE && getline(&line, &size, in) >= 0) {
		number++;
		if (number == 1 && !strncmp(line, "seconds,", 8))
			continue;
		if (!add_line(picture, line))
			r = refuse(WRONG,
				   "line %lu of '%s' is not one that 'iobandctl record' writes",
				   number, path);
	}
	if (r == DONE && !picture->nr)
		r = refuse(WRONG,
			   "'%s' has no rates in it: was 'iobandctl record' stopped at once?",
			   path);
	free(line);
	fclose(in);
	return r;
}

/* 'it''s': a string of gnuplot */
static void write_string(FILE *out, const char *value)
{
	fputc('\'', out);
	for (; *value; value++) {
		if (*value == '\'')
			fputc('\'', out);
		fputc(*value, out);
	}
	fputc('\'', out);
}

static void write_script(FILE *out, struct picture *picture, const char *path, bool png)
{
	size_t i;

	fprintf(out, "set terminal %s size 960,480 noenhanced\nset output ", png ? "png" : "svg");
	write_string(out, path);
	fprintf(out, "\nset xlabel 'seconds'\nset ylabel '%s'\nset yrange [0:*]\nset grid\n"
		"set key outside right top\nplot ", picture->requests ? "requests/s" : "MiB/s");
	for (i = 0; i < picture->nr; i++) {
		fprintf(out, "%s'-' using 1:2 with lines linewidth 2 title ", i ? ", " : "");
		write_string(out, picture->series[i].title);
	}
	fputc('\n', out);
	for (i = 0; i < picture->nr; i++) {
		fflush(picture->series[i].out);
		fprintf(out, "%se\n", picture->series[i].data);
	}
}

static int run_gnuplot(struct picture *picture, const char *path, bool png)
{
	struct stat st;
	FILE *out;

	signal(SIGPIPE, SIG_IGN);
	unlink(path);
	out = popen("command -v gnuplot > /dev/null || exit 127; exec gnuplot", "w");
	if (!out)
		return refuse(FAILED, "cannot start gnuplot: %s", strerror(errno));
	write_script(out, picture, path, png);
	switch (pclose(out)) {
	case 0:
		if (!stat(path, &st) && st.st_size)
			return DONE;
		break;
	case 127 << 8:
		return refuse(FAILED, "gnuplot is not installed: it draws the picture");
	}
	unlink(path);
	return refuse(FAILED, "gnuplot could not draw '%s'", path);
}

static void picture_free(struct picture *picture)
{
	while (picture->nr--) {
		fclose(picture->series[picture->nr].out);
		free(picture->series[picture->nr].data);
		free(picture->series[picture->nr].title);
	}
	free(picture->series);
}

static bool ends_with(const char *path, const char *end)
{
	size_t length = strlen(path), of_end = strlen(end);

	return length > of_end && !strcmp(path + length - of_end, end);
}

/* data.csv becomes data.svg */
static char *default_picture(const char *path)
{
	size_t length = strlen(path);

	return text("%.*s.svg", (int)(ends_with(path, ".csv") ? length - 4 : length), path);
}

int command_plot(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "requests", no_argument, NULL, LONG_OPTION },
		{ }
	};
	struct picture picture = { };
	char *path = NULL;
	int option, r = DONE;

	while (r == DONE && (option = getopt_long(argc, argv, ":o:", options, NULL)) >= 0) {
		if (option == 'o')
			path = optarg;
		else if (option == LONG_OPTION)
			picture.requests = true;
		else
			r = option_refused(option, argv);
	}
	if (r == DONE && argc - optind != 1)
		r = refuse(WRONG, "one file is needed: iobandctl plot [-o PICTURE] [--requests] "
				  "FILE");
	if (r != DONE)
		return r;
	path = path ? need(strdup(path)) : default_picture(argv[optind]);
	if (!ends_with(path, ".svg") && !ends_with(path, ".png"))
		r = refuse(WRONG, "the picture '%s' is neither .svg nor .png", path);
	if (r == DONE)
		r = read_file(argv[optind], &picture);
	if (r == DONE)
		r = run_gnuplot(&picture, path, ends_with(path, ".png"));
	picture_free(&picture);
	free(path);
	return r;
}
