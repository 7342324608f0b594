/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: the names people have for groups, and the IDs the kernel has.
 */
#ifndef IOBANDCTL_GROUP_H
#define IOBANDCTL_GROUP_H

#include "table.h"

int group_resolve(const char *type, const char *word, int64_t *id, bool *missing);
int group_resolve_weight(const char *type, const char *word, struct attached *group,
			 bool *missing);
const char *group_name(const char *type, int64_t id);
const char *group_label(const char *type, int64_t id);
bool group_is_gone(const char *type, int64_t id);
void group_names_forget(void);

#endif
