// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: reads /etc/ioband.tab. Knows nothing of devices: it can be tested
 * without a kernel.
 *
 *	# name	device		options				groups
 *	home	UUID=0a3407de	type=user,weight=50		alice:400 bob:100
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tab.h"

static int set_option(struct entry *entry, char *option, const char *where)
{
	char *value = strchr(option, '=');
	uint64_t number;

	if (!value) {
		if (!strcmp(option, "insert"))
			entry->insert = true;
		else if (!strcmp(option, "noauto"))
			entry->noauto = true;
		else if (!strcmp(option, "nofail"))
			entry->nofail = true;
		else if (!strcmp(option, "skip-missing"))
			entry->skip_missing = true;
		else
			return refuse(WRONG,
				      "%soption '%s' is unknown: KEY=VALUE, insert, noauto, nofail "
				      "or skip-missing",
				      where, option);
		return DONE;
	}
	*value++ = '\0';
	if (!strcmp(option, "device-timeout")) {
		if (!parse_number(value, WAIT_MAX, &number))
			return refuse(WRONG,
				      "%sdevice-timeout '%s' is not a number of seconds from 0 to "
				      "%d",
				      where, value, WAIT_MAX);
		entry->device_timeout = number;
		return DONE;
	}
	if (strcmp(option, "carryover"))
		return table_set(&entry->table, option, value, where);
	if (!parse_number(value, NUMBER_MAX, &number))
		return refuse(WRONG, "%scarryover '%s' is not a number from 0 to %d", where, value,
			      NUMBER_MAX);
	entry->carryover = value;
	return DONE;
}

static int set_options(struct entry *entry, char *options, const char *where)
{
	char *option, *save;
	int r = DONE;

	if (!options || !strcmp(options, "-"))
		return DONE;
	for (option = strtok_r(options, ",", &save); r == DONE && option;
	     option = strtok_r(NULL, ",", &save))
		r = set_option(entry, option, where);
	return r;
}

static void entry_free(struct entry *entry)
{
	table_free(&entry->table);
	free(entry->groups);
	free(entry->words);
}

/* A line without its newline into *entry */
static int parse_line(struct entry *entry, const char *line, const char *where)
{
	char *options, *word, *save;
	int r;

	memset(entry, 0, sizeof(*entry));
	entry->device_timeout = -1;
	table_init(&entry->table);
	entry->words = need(strdup(line));
	entry->groups = need(calloc(strlen(line) + 1, sizeof(*entry->groups)));
	entry->name = strtok_r(entry->words, " \t", &save);
	entry->device = strtok_r(NULL, " \t", &save);
	options = strtok_r(NULL, " \t", &save);
	if (!entry->device)
		return refuse(WRONG,
			      "%s'%s' has no device: NAME DEVICE [OPTIONS [GROUP:WEIGHT]...]",
			      where, entry->name);
	if (strchr(entry->name, '/'))
		return refuse(WRONG, "%sthe name '%s' has a '/' in it", where, entry->name);
	r = set_options(entry, options, where);
	while (r == DONE && (word = strtok_r(NULL, " \t", &save)) && *word != '#')
		entry->groups[entry->nr_groups++] = word;
	if (r == DONE && entry->nr_groups && !strcmp(entry->table.type, "none"))
		r = refuse(WRONG, "%s'%s' has groups, but type none has none: type=user or another",
			   where, entry->name);
	return r;
}

static void add_line(struct tab *tab, char *line, const char *where)
{
	struct entry entry;
	int r;

	line[strcspn(line, "\n")] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return;
	r = parse_line(&entry, line, where);
	if (r == DONE && tab_find(tab, entry.name))
		r = refuse(WRONG, "%sthe name '%s' is that of an earlier line", where, entry.name);
	if (r != DONE) {
		tab->wrong++;
		entry_free(&entry);
		return;
	}
	tab->entries = need(reallocarray(tab->entries, tab->nr + 1, sizeof(entry)));
	tab->entries[tab->nr++] = entry;
}

/**
 * tab_read - read a file of the format of ioband.tab
 * @tab: what is in it
 * @path: the file
 *
 * Lines that are wrong are said to be so, counted and left out: at boot the
 * others are still wanted.
 *
 * Return: DONE, or what refuse() returned.
 */
int tab_read(struct tab *tab, const char *path)
{
	FILE *in = fopen(path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	int r = DONE;

	memset(tab, 0, sizeof(*tab));
	if (!in)
		return refuse(FAILED, "cannot read '%s': %s", path, strerror(errno));
	while (getline(&line, &size, in) >= 0) {
		char *where = text("%s:%u: ", path, ++number);

		add_line(tab, line, where);
		free(where);
	}
	if (ferror(in)) {
		r = refuse(FAILED, "cannot read '%s': %s", path, strerror(errno));
		tab_free(tab);
	}
	free(line);
	fclose(in);
	return r;
}

/**
 * tab_free - let go of what tab_read() has read
 * @tab: the file
 */
void tab_free(struct tab *tab)
{
	while (tab->nr)
		entry_free(&tab->entries[--tab->nr]);
	free(tab->entries);
	tab->entries = NULL;
}

/**
 * tab_find - a line by its name
 * @tab: the file
 * @name: the name
 *
 * Return: the line or NULL.
 */
const struct entry *tab_find(const struct tab *tab, const char *name)
{
	size_t i;

	for (i = 0; i < tab->nr; i++) {
		if (!strcmp(tab->entries[i].name, name))
			return &tab->entries[i];
	}
	return NULL;
}

/**
 * tab_device - the path of a line's device
 * @entry: the line
 *
 * Return: the path, for the caller to free.
 */
char *tab_device(const struct entry *entry)
{
	static const char * const keys[][2] = {
		{ "UUID=", "uuid" }, { "LABEL=", "label" }, { "PARTUUID=", "partuuid" },
		{ "PARTLABEL=", "partlabel" }, { "ID=", "id" },
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		size_t length = strlen(keys[i][0]);

		if (!strncmp(entry->device, keys[i][0], length))
			return text("/dev/disk/by-%s/%s", keys[i][1], entry->device + length);
	}
	return need(strdup(entry->device));
}
