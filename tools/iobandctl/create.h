/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: devices that come and go as a whole.
 */
#ifndef IOBANDCTL_CREATE_H
#define IOBANDCTL_CREATE_H

#include "table.h"

int create(const char *name, const char *path, struct table *table);
int remove_device(const char *name);

#endif
