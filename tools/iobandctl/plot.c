// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: plot: a picture of what record has written, by gnuplot.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
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

/**
 * struct picture - what is to be drawn
 * @series: the lines
 * @nr: how many
 * @left_out: a group has no line, as there are too many
 * @requests: requests, not MiB
 * @first: seconds, where it begins
 * @last: seconds, where it ends
 */
struct picture {
	struct series *series;
	size_t nr;
	bool left_out;
	bool requests;
	double first;
	double last;
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
	if (picture->nr == SERIES_MAX) {
		picture->left_out = true;
		return NULL;
	}
	if (!picture->series)
		picture->series = need(calloc(SERIES_MAX, sizeof(*picture->series)));
	series = &picture->series[picture->nr++];
	series->title = need(strdup(title));
	series->out = need(open_memstream(&series->data, &series->size));
	return series;
}

static bool is_number(const char *word, double *value)
{
	char *end;

	*value = strtod(word, &end);
	return end != word && !*end && isfinite(*value);
}

/* Adds a line of the file; false if it is none of record's */
static bool add_line(struct picture *picture, char *line)
{
	char *values[COLUMNS], *title;
	struct series *series;
	double seconds, read, written, value;

	if (csv_split(line, values, COLUMNS) != COLUMNS)
		return false;
	if (!is_number(values[SECONDS], &seconds) ||
	    !is_number(values[picture->requests ? READS : KIB_READ], &read) ||
	    !is_number(values[picture->requests ? WRITES : KIB_WRITTEN], &written))
		return false;
	value = picture->requests ? read + written : (read + written) / 1024;
	if (!picture->nr || seconds < picture->first)
		picture->first = seconds;
	if (!picture->nr || seconds > picture->last)
		picture->last = seconds;
	title = text("%s, weight %s", *values[GROUP] ? values[GROUP] : values[ID], values[WEIGHT]);
	series = find_series(picture, title);
	if (series)
		fprintf(series->out, "%.3f %g\n", seconds, value);
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
	if (r == DONE && ferror(in))
		r = refuse(FAILED, "cannot read '%s': %s", path, strerror(errno));
	if (r == DONE && !picture->nr)
		r = refuse(WRONG,
			   "'%s' has no rates in it: was 'iobandctl record' stopped at once?",
			   path);
	if (r == DONE && picture->left_out)
		note("'%s' has more groups than can be told apart: the picture has the first %d",
		     path, SERIES_MAX);
	free(line);
	fclose(in);
	return r;
}

static bool ends_with(const char *path, const char *end)
{
	size_t length = strlen(path), of_end = strlen(end);

	return length > of_end && !strcmp(path + length - of_end, end);
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
	const char *with = "lines linewidth 2";
	size_t i;

	fprintf(out, "set terminal %s size 960,480 noenhanced\nset output ", png ? "png" : "svg");
	write_string(out, path);
	fprintf(out, "\nset xlabel 'seconds'\nset ylabel '%s'\nset yrange [0:*]\nset grid\n"
		"set key outside right top\n", picture->requests ? "requests/s" : "MiB/s");
	/* One look is no line */
	if (picture->first == picture->last) {
		fprintf(out, "set xrange [%.3f:%.3f]\n", picture->first - 1, picture->first + 1);
		with = "points pointtype 7";
	}
	fputs("plot ", out);
	for (i = 0; i < picture->nr; i++) {
		fprintf(out, "%s'-' using 1:2 with %s title ", i ? ", " : "", with);
		write_string(out, picture->series[i].title);
	}
	fputc('\n', out);
	for (i = 0; i < picture->nr; i++) {
		fflush(picture->series[i].out);
		fprintf(out, "%se\n", picture->series[i].data);
	}
}

/* gnuplot does not notice that the disk is full: is the end of the picture there? */
static bool is_whole(const char *path, bool png)
{
	const char *last = png ? "IEND" : "</svg>";
	FILE *in = fopen(path, "re");
	size_t length = 0;
	char end[16];

	if (!in)
		return false;
	if (!fseek(in, -(long)sizeof(end), SEEK_END))
		length = fread(end, 1, sizeof(end), in);
	fclose(in);
	return memmem(end, length, last, strlen(last));
}

/* Draws into the file @path, which is there and empty; what it is called in the end is @name */
static int run_gnuplot(struct picture *picture, const char *path, const char *name)
{
	bool png = ends_with(name, ".png");
	FILE *out;

	signal(SIGPIPE, SIG_IGN);
	out = popen("command -v gnuplot > /dev/null || exit 127; exec gnuplot > /dev/null 2>&1",
		    "we");
	if (!out)
		return refuse(FAILED, "cannot start gnuplot: %s", strerror(errno));
	write_script(out, picture, path, png);
	switch (pclose(out)) {
	case 0:
		if (is_whole(path, png))
			return DONE;
		break;
	case 127 << 8:
		return refuse(FAILED, "gnuplot is not installed: it draws the picture");
	}
	return refuse(FAILED, "gnuplot could not draw '%s'", name);
}

/* An earlier picture stays as it is until the new one is complete */
static int draw(struct picture *picture, const char *path)
{
	char *part = text("%s.XXXXXX", path);
	mode_t mask = umask(0);
	int fd, r;

	umask(mask);
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0) {
		r = refuse(FAILED, "cannot write to '%s': %s", path, strerror(errno));
		free(part);
		return r;
	}
	fchmod(fd, 0666 & ~mask);
	close(fd);
	r = run_gnuplot(picture, part, path);
	if (r == DONE && rename(part, path))
		r = refuse(FAILED, "cannot write to '%s': %s", path, strerror(errno));
	if (r != DONE)
		unlink(part);
	free(part);
	return r;
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
		r = draw(&picture, path);
	picture_free(&picture);
	free(path);
	return r;
}
