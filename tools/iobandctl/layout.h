/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: the options that create and insert have in common.
 */
#ifndef IOBANDCTL_LAYOUT_H
#define IOBANDCTL_LAYOUT_H

#include <getopt.h>

#include "table.h"

/* What getopt_long() returns for a long option without a value, of any command */
#define LONG_OPTION	512

/* What getopt_long() returns for all of them: table_set() takes the rest */
#define LAYOUT_OPTION	256
#define LAYOUT_OPTIONS							\
	{ "id",		 required_argument, NULL, LAYOUT_OPTION },	\
	{ "type",	 required_argument, NULL, LAYOUT_OPTION },	\
	{ "policy",	 required_argument, NULL, LAYOUT_OPTION },	\
	{ "weight",	 required_argument, NULL, LAYOUT_OPTION },	\
	{ "io-throttle", required_argument, NULL, LAYOUT_OPTION },	\
	{ "io-limit",	 required_argument, NULL, LAYOUT_OPTION },	\
	{ "token",	 required_argument, NULL, LAYOUT_OPTION }

int layout_groups(struct table *table, int count, char **words, bool skip_missing);
int layout_id(struct table *table, const char *name);
int layout_limits(const struct table *table);
int layout_joins(const struct table *table);
int option_refused(int option, char **argv);

#endif
