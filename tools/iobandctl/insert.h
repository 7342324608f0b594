/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: ioband under a device that is in use.
 */
#ifndef IOBANDCTL_INSERT_H
#define IOBANDCTL_INSERT_H

#include "device.h"

char *mapper_name(const char *word);
bool is_inserted(const struct device *device);
int insert(const char *word, struct table *table);
int eject(const char *word);

#endif
