// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: a table for people, its columns as wide as they need to be.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

/**
 * grid_init - an empty table
 * @grid: the table
 * @align: for each column 'l' or 'r'
 */
void grid_init(struct grid *grid, const char *align)
{
	*grid = (struct grid){ .columns = strlen(align), .align = align };
}

/**
 * grid_cell - fill the next cell, from left to right
 * @grid: the table
 * @fmt: what is in the cell
 */
void grid_cell(struct grid *grid, const char *fmt, ...)
{
	va_list args;
	char *cell;

	va_start(args, fmt);
	if (vasprintf(&cell, fmt, args) < 0)
		cell = NULL;
	va_end(args);
	if (!(grid->nr_cells & (grid->nr_cells - 1)))
		grid->cells = need(reallocarray(grid->cells, 2 * grid->nr_cells + 1,
						sizeof(*grid->cells)));
	grid->cells[grid->nr_cells++] = need(cell);
}

static int column_width(const struct grid *grid, size_t column)
{
	size_t i, width = 0, length;

	for (i = column; i < grid->nr_cells; i += grid->columns) {
		length = strlen(grid->cells[i]);
		if (length > width)
			width = length;
	}
	return width;
}

/**
 * grid_print - print a table
 * @grid: the table
 * @indent: what each line begins with
 * @out: where to
 */
void grid_print(const struct grid *grid, const char *indent, FILE *out)
{
	int *widths = need(calloc(grid->columns, sizeof(*widths)));
	size_t i, column;

	for (column = 0; column < grid->columns; column++)
		widths[column] = column_width(grid, column);
	for (i = 0; i < grid->nr_cells; i++) {
		column = i % grid->columns;
		fputs(column ? "  " : indent, out);
		if (grid->align[column] == 'r')
			fprintf(out, "%*s", widths[column], grid->cells[i]);
		else if (column + 1 < grid->columns)
			fprintf(out, "%-*s", widths[column], grid->cells[i]);
		else
			fputs(grid->cells[i], out);
		if (column + 1 == grid->columns)
			fputc('\n', out);
	}
	free(widths);
}

/**
 * grid_free - let go of a table
 * @grid: the table
 */
void grid_free(struct grid *grid)
{
	while (grid->nr_cells)
		free(grid->cells[--grid->nr_cells]);
	free(grid->cells);
	grid->cells = NULL;
}
