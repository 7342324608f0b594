// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: what top and record have in common: looking again and again.
 */

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layout.h"
#include "watch.h"

/* Set by the signals that ask for an end; what is on its way is finished */
volatile int watch_over;

static void end_watch(int signal UNUSED)
{
	watch_over = 1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/**
 * sample_take - look at all ioband devices
 * @sample: what is seen
 *
 * Return: DONE, or what refuse() returned.
 */
int sample_take(struct sample *sample)
{
	int r = devices_get(&sample->devices);

	sample->seconds = now();
	return r;
}

/**
 * watch_option - -d SECONDS and -n TIMES
 * @watch: where they go
 * @option: what getopt_long() returned
 * @argv: the command's words
 *
 * Return: DONE, or WRONG after naming what is wrong.
 */
int watch_option(struct watch *watch, int option, char **argv)
{
	char *end;

	switch (option) {
	case 'd':
		watch->interval = strtod(optarg, &end);
		/* Not "nan", which is no digit, nor what a timespec cannot hold */
		if (!isdigit((unsigned char)*optarg) || *end || watch->interval < 0.1 ||
		    watch->interval > 86400)
			return refuse(WRONG, "-d '%s' is not a number of seconds from 0.1 to 86400",
				      optarg);
		return DONE;
	case 'n':
		if (!parse_number(optarg, UINT32_MAX, &watch->times) || !watch->times)
			return refuse(WRONG, "-n '%s' is not a number from 1 on", optarg);
		return DONE;
	default:
		return option_refused(option, argv);
	}
}

/**
 * watch_begin - the first look
 * @watch: what has been asked for
 * @word: the device that is shown, by name or path; NULL for all
 *
 * From here on signals end the watch and not the program.
 *
 * Return: DONE, or what refuse() returned.
 */
int watch_begin(struct watch *watch, const char *word)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = end_watch }, old;
	struct device device;
	size_t i;
	int r;

	if (word) {
		r = device_find(word, &device);
		if (r != DONE)
			return r;
		watch->name = need(strdup(device.name));
		device_free(&device);
	}
	r = sample_take(&watch->after);
	watch->begin = watch->after.seconds;
	for (i = 0; r == DONE && i < sizeof(signals) / sizeof(*signals); i++) {
		/* nohup(1) and a shell's "&" mean it */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	return r;
}

/**
 * watch_next - the next look, and the rates since the one before
 * @watch: the watch
 *
 * Return: DONE, or what refuse() returned.
 */
int watch_next(struct watch *watch)
{
	int r;

	free(watch->rates);
	watch->rates = NULL;
	watch->nr_rates = 0;
	devices_free(&watch->before.devices);
	watch->before = watch->after;
	memset(&watch->after, 0, sizeof(watch->after));
	r = sample_take(&watch->after);
	if (r == DONE)
		watch->nr_rates = rates_between(&watch->before, &watch->after, &watch->rates);
	return r;
}

/**
 * watch_end - let go of what a watch holds
 * @watch: the watch
 */
void watch_end(struct watch *watch)
{
	free(watch->name);
	free(watch->rates);
	devices_free(&watch->before.devices);
	devices_free(&watch->after.devices);
}

/**
 * watch_wait - the time until the next look
 * @watch: the watch
 *
 * Return: seconds, 0 or less if it is due.
 */
double watch_wait(const struct watch *watch)
{
	return watch->after.seconds + watch->interval - now();
}

/**
 * watch_shows - is this rate one that has been asked for?
 * @watch: the watch
 * @rate: the rate
 */
bool watch_shows(const struct watch *watch, const struct rate *rate)
{
	return !watch->name || !strcmp(watch->name, rate->device->name);
}
