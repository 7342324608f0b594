/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: what groups did between two looks at them.
 */
#ifndef IOBANDCTL_RATES_H
#define IOBANDCTL_RATES_H

#include "device.h"

/**
 * struct sample - all ioband devices at one time
 * @seconds: on a clock that nobody sets
 * @devices: the devices
 */
struct sample {
	double seconds;
	struct devices devices;
};

/**
 * struct rate - what a group did, per second
 * @device: of which it is a group
 * @id: its ID, or DEFAULT_GROUP
 * @weight: its weight
 * @wanted: share by weight among the groups with the same ioband device ID that did
 *	anything; among all if none did; 0 to 1
 * @got: share of what those groups did, in what the policy counts, 0 to 1
 * @reads: requests
 * @writes: requests
 * @kib_read: KiB
 * @kib_written: KiB
 * @held: requests that had to wait
 */
struct rate {
	const struct device *device;
	int64_t id;
	unsigned int weight;
	double wanted;
	double got;
	double reads;
	double writes;
	double kib_read;
	double kib_written;
	double held;
};

int sample_take(struct sample *sample);
size_t rates_between(const struct sample *before, const struct sample *after,
		     struct rate **rates);

#endif
