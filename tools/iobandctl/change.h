/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: changes to a device that runs.
 */
#ifndef IOBANDCTL_CHANGE_H
#define IOBANDCTL_CHANGE_H

#include "device.h"

int attach_all(const struct device *device, const struct attached *groups, size_t nr_groups);

#endif
