/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: what top and record have in common: looking again and again.
 */
#ifndef IOBANDCTL_WATCH_H
#define IOBANDCTL_WATCH_H

#include "rates.h"

/**
 * struct watch - a look at ioband devices every now and then
 * @interval: seconds
 * @times: how often; 0 for ever
 * @name: only this device's rates are shown; NULL for all
 * @before: the sample before the last one
 * @after: the last one
 * @begin: when the first one was taken
 * @rates: between the two
 * @nr_rates: how many
 */
struct watch {
	double interval;
	uint64_t times;
	char *name;
	struct sample before;
	struct sample after;
	double begin;
	struct rate *rates;
	size_t nr_rates;
};

extern volatile int watch_over;

int watch_option(struct watch *watch, int option, char **argv);
int watch_begin(struct watch *watch, const char *word);
int watch_next(struct watch *watch);
void watch_end(struct watch *watch);
double watch_wait(const struct watch *watch);
bool watch_shows(const struct watch *watch, const struct rate *rate);

#endif
