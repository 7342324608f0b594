/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: ioband under a device that is in use.
 */
#ifndef IOBANDCTL_INSERT_H
#define IOBANDCTL_INSERT_H

#include "device.h"

bool is_inserted(const struct device *device);
int insert(const char *word, struct table *table);
int eject(const char *word);
int eject_lost(const char *word);

#endif
