// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: record: the rates of the groups of a device, as CSV.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "csv.h"
#include "group.h"
#include "watch.h"

static void write_heading(FILE *out)
{
	fputs("seconds,device,group,id,weight,wanted_percent,got_percent,reads_per_second,"
	      "writes_per_second,kib_read_per_second,kib_written_per_second,held_per_second\n",
	      out);
}

static void write_rate(FILE *out, double seconds, const struct rate *rate)
{
	const char *name = group_name(rate->device->table.type, rate->id);

	fprintf(out, "%.3f,", seconds);
	csv_write(out, rate->device->name);
	fputc(',', out);
	csv_write(out, name ? name : "");
	fprintf(out, ",%lld,%u,%.2f,%.2f,%.2f,%.2f,%.2f,%.2f,%.2f\n", (long long)rate->id,
		rate->weight, 100 * rate->wanted, 100 * rate->got, rate->reads, rate->writes,
		rate->kib_read, rate->kib_written, rate->held);
}

static void wait_for_the_next(const struct watch *watch)
{
	double seconds = watch_wait(watch);
	struct timespec time = { .tv_sec = seconds > 0 ? seconds : 0 };

	if (seconds > 0)
		time.tv_nsec = (seconds - time.tv_sec) * 1e9;
	/* A signal that ends the watch ends this, too */
	nanosleep(&time, NULL);
}

static int record(struct watch *watch, FILE *out, const char *path)
{
	uint64_t done = 0;
	bool found;
	size_t i;
	int r;

	write_heading(out);
	while (!watch->times || done < watch->times) {
		wait_for_the_next(watch);
		if (watch_over)
			break;
		r = watch_next(watch);
		if (r != DONE)
			return r;
		for (i = 0, found = false; i < watch->nr_rates; i++) {
			if (!watch_shows(watch, &watch->rates[i]))
				continue;
			found = true;
			write_rate(out, watch->after.seconds - watch->begin, &watch->rates[i]);
		}
		fflush(out);
		if (ferror(out))
			return refuse(FAILED, "cannot write to '%s': %s", path, strerror(errno));
		if (!found)
			return refuse(FAILED, "'%s' is no ioband device any more", watch->name);
		done++;
	}
	return DONE;
}

int command_record(int argc, char **argv)
{
	static const struct option options[] = { { } };
	struct watch watch = { .interval = 1 };
	int option, r = DONE;
	FILE *out;

	while (r == DONE && (option = getopt_long(argc, argv, ":d:n:", options, NULL)) >= 0)
		r = watch_option(&watch, option, argv);
	if (r == DONE && argc - optind != 2)
		r = refuse(WRONG, "a name and a file are needed: iobandctl record [-d SECONDS] [-n "
				  "TIMES] NAME FILE");
	if (r == DONE)
		r = device_mapper_ready();
	if (r != DONE)
		return r;
	r = watch_begin(&watch, argv[optind]);
	if (r != DONE)
		return r;
	if (!strcmp(argv[optind + 1], "-")) {
		r = record(&watch, stdout, "-");
	} else {
		out = fopen(argv[optind + 1], "we");
		if (out) {
			r = record(&watch, out, argv[optind + 1]);
			if (fclose(out) && r == DONE)
				r = refuse(FAILED, "cannot write to '%s': %s", argv[optind + 1],
					   strerror(errno));
		} else {
			r = refuse(FAILED, "cannot write to '%s': %s", argv[optind + 1],
				   strerror(errno));
		}
	}
	watch_end(&watch);
	return r;
}
