// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: lines of values between commas, as RFC 4180 has them.
 */

#include <string.h>

#include "csv.h"

/**
 * csv_write - a value that may have commas and quotes in it
 * @out: where to
 * @value: the value
 */
void csv_write(FILE *out, const char *value)
{
	if (!strpbrk(value, ",\"\n")) {
		fputs(value, out);
		return;
	}
	fputc('"', out);
	for (; *value; value++) {
		if (*value == '"')
			fputc('"', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

/* Takes the quotes off the value at *from, in place; *from is then behind it */
static char *unquote(char **from)
{
	char *value = ++*from, *to = value;

	for (; **from; ++*from) {
		if (**from == '"' && *++*from != '"')
			break;
		*to++ = **from;
	}
	if (**from)
		++*from;
	*to = '\0';
	return value;
}

/**
 * csv_split - the values of a line
 * @line: the line; changed
 * @values: where they go, within @line
 * @max: room there
 *
 * Return: how many; those beyond @max are left out.
 */
size_t csv_split(char *line, char **values, size_t max)
{
	size_t nr = 0;

	line[strcspn(line, "\r\n")] = '\0';
	while (nr < max) {
		bool last;

		if (*line == '"') {
			/* unquote() ends behind the comma, if there is one */
			values[nr++] = unquote(&line);
			if (!*line)
				break;
			continue;
		}
		values[nr++] = line;
		line += strcspn(line, ",");
		last = !*line;
		*line++ = '\0';
		if (last)
			break;
	}
	return nr;
}
