/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: /etc/ioband.tab, what there is to be after a boot.
 */
#ifndef IOBANDCTL_TAB_H
#define IOBANDCTL_TAB_H

#include "table.h"

#define TAB_PATH	"/etc/ioband.tab"
/* Longest wait for a device, in seconds */
#define WAIT_MAX	86400

/**
 * struct entry - a line of the file
 * @name: of the device; with @insert, of the line only
 * @device: the device below; with @insert, the one that gets ioband under it
 * @table: settings
 * @carryover: its value, NULL if it is not named
 * @groups: GROUP:WEIGHT each
 * @nr_groups: how many
 * @insert: insert and eject instead of create and remove
 * @noauto: only if it is named
 * @nofail: no failure if @device is not there
 * @skip_missing: groups that are not there are left out
 * @device_timeout: seconds to wait for @device, -1 if they are not named
 * @words: what the strings are in
 */
struct entry {
	char *name;
	char *device;
	struct table table;
	char *carryover;
	char **groups;
	int nr_groups;
	bool insert;
	bool noauto;
	bool nofail;
	bool skip_missing;
	int device_timeout;
	char *words;
};

/**
 * struct tab - the file
 * @entries: its lines, in order
 * @nr: how many
 * @wrong: lines that were refused, and are not among @entries
 */
struct tab {
	struct entry *entries;
	size_t nr;
	size_t wrong;
};

int tab_read(struct tab *tab, const char *path);
void tab_free(struct tab *tab);
const struct entry *tab_find(const struct tab *tab, const char *name);
char *tab_device(const struct entry *entry);

#endif
