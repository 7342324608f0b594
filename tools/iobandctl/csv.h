/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: lines of values between commas, as RFC 4180 has them.
 */
#ifndef IOBANDCTL_CSV_H
#define IOBANDCTL_CSV_H

#include <stdio.h>

#include "iobandctl.h"

void csv_write(FILE *out, const char *value);
size_t csv_split(char *line, char **values, size_t max);

#endif
