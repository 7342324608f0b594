/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: block devices of any kind, and who uses them.
 */
#ifndef IOBANDCTL_BLOCK_H
#define IOBANDCTL_BLOCK_H

#include <sys/types.h>

#include "iobandctl.h"

/**
 * struct block - a block device
 * @number: its number
 * @sectors: its size
 * @read_only: it refuses writes
 */
struct block {
	dev_t number;
	uint64_t sectors;
	bool read_only;
};

int block_find(const char *path, struct block *block);
int block_unused(const char *path, const struct block *block);
char *block_user(dev_t number);
bool block_is(const char *words, dev_t number);
char *block_name(const char *words);
char *block_mapper_name(dev_t number);

#endif
