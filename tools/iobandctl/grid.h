/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: a table for people, its columns as wide as they need to be.
 */
#ifndef IOBANDCTL_GRID_H
#define IOBANDCTL_GRID_H

#include <stdio.h>

#include "iobandctl.h"

/**
 * struct grid - a table that is being filled, row by row
 * @columns: how many
 * @align: for each column 'l' or 'r', left or right
 * @cells: row by row
 * @nr_cells: how many
 */
struct grid {
	size_t columns;
	const char *align;
	char **cells;
	size_t nr_cells;
};

void grid_init(struct grid *grid, const char *align);
void grid_cell(struct grid *grid, const char *fmt, ...) PRINTF(2, 3);
void grid_print(const struct grid *grid, const char *indent, FILE *out);
void grid_free(struct grid *grid);

#endif
