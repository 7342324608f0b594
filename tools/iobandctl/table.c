// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: the only parser and the only printer of the target's lines, and
 * the check of every setting before the kernel sees it. Asks nobody: it can be
 * tested without a kernel.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static const char * const types[] = {
	"none", "user", "uid", "gid", "pid", "pgrp", "cgroup", "cpuset", "node", NULL
};

static const char * const policies[] = { "weight", "weight-iosize", "default", NULL };

/**
 * parse_number - a decimal, octal or hexadecimal number, as the target reads it
 * @word: the word
 * @max: the largest that is accepted
 * @number: the result
 *
 * Return: true if it is one.
 */
bool parse_number(const char *word, uint64_t max, uint64_t *number)
{
	char *end;
	unsigned long long value;

	/* strtoull() would skip blanks and take a sign */
	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	value = strtoull(word, &end, 0);
	if (*end || errno || value > max)
		return false;
	*number = value;
	return true;
}

/**
 * split_weight - "GROUP:WEIGHT" into its two parts
 * @word: the word; GROUP may have colons in it
 * @name: GROUP, for the caller to free
 * @weight: WEIGHT, within @word; NULL if there is none
 *
 * What follows the last colon is the weight, unless there is a slash in it.
 *
 * Return: true, or false if there is no GROUP.
 */
bool split_weight(const char *word, char **name, const char **weight)
{
	const char *colon = strrchr(word, ':');

	if (colon && strchr(colon, '/'))
		colon = NULL;
	*weight = colon ? colon + 1 : NULL;
	*name = need(strndup(word, colon ? (size_t)(colon - word) : strlen(word)));
	if (**name)
		return true;
	free(*name);
	*name = NULL;
	return false;
}

static bool is_one_of(const char * const *list, const char *word)
{
	for (; *list; list++) {
		if (!strcmp(*list, word))
			return true;
	}
	return false;
}

/**
 * is_type - is this a word for how groups are told apart?
 * @word: the word
 */
bool is_type(const char *word)
{
	return is_one_of(types, word);
}

/**
 * is_policy - is this a word for what a request costs?
 * @word: the word
 */
bool is_policy(const char *word)
{
	return is_one_of(policies, word);
}

/**
 * table_init - a table with the defaults, of no device and no ID
 * @table: the table
 */
void table_init(struct table *table)
{
	memset(table, 0, sizeof(*table));
	strcpy(table->type, "none");
	strcpy(table->policy, "weight");
	table->weight = WEIGHT_DEFAULT;
}

/**
 * table_free - let go of what a table holds
 * @table: the table; can be initialised again
 */
void table_free(struct table *table)
{
	free(table->device);
	free(table->groups);
	table->device = NULL;
	table->groups = NULL;
	table->nr_groups = 0;
}

/* The next word of *line, in place; NULL at its end */
static char *next_word(char **line)
{
	char *word = strtok_r(NULL, " \t\n", line);

	return word;
}

static bool take_number(char **line, uint64_t max, unsigned int *number)
{
	const char *word = next_word(line);
	uint64_t value;

	if (!word || !parse_number(word, max, &value))
		return false;
	*number = value;
	return true;
}

static bool take_word(char **line, char *to, size_t size)
{
	const char *word = next_word(line);

	if (!word || strlen(word) >= size)
		return false;
	strcpy(to, word);
	return true;
}

static bool parse_weight(const char *word, unsigned int *weight)
{
	uint64_t value;

	if (!parse_number(word, WEIGHT_MAX, &value) || !value)
		return false;
	*weight = value;
	return true;
}

static bool parse_words(struct table *table, char *line)
{
	unsigned int weight;
	uint64_t id;
	char *word;

	word = strtok_r(line, " \t\n", &line);
	if (!word)
		return false;
	table->device = need(strdup(word));
	if (!take_word(&line, table->id, sizeof(table->id)) ||
	    !take_number(&line, LIMIT_MAX, &table->io_throttle) ||
	    !take_number(&line, LIMIT_MAX, &table->io_limit) ||
	    !take_word(&line, table->type, sizeof(table->type)) ||
	    !take_word(&line, table->policy, sizeof(table->policy)) ||
	    !take_number(&line, NUMBER_MAX, &table->token_base))
		return false;

	word = next_word(&line);
	if (!word || *word != ':' || !parse_weight(word + 1, &table->weight))
		return false;
	while ((word = next_word(&line))) {
		char *colon = strchr(word, ':');

		if (!colon)
			return false;
		*colon = '\0';
		if (!parse_number(word, INT64_MAX, &id) || !parse_weight(colon + 1, &weight))
			return false;
		table_attach(table, id, weight);
	}
	return true;
}

/**
 * table_parse - the words of a table as "dmsetup table" has them after "ioband"
 * @table: where they go
 * @words: the words
 *
 * Return: true, or false if that is no such table; @table is then empty.
 */
bool table_parse(struct table *table, const char *words)
{
	char *line = need(strdup(words));
	bool right;

	table_init(table);
	right = parse_words(table, line);
	free(line);
	if (!right)
		table_free(table);
	return right;
}

/**
 * table_print - the words that make the target
 * @table: the table
 *
 * Return: a string for the caller to free.
 */
char *table_print(const struct table *table)
{
	char *words = NULL;
	size_t i, size;
	FILE *out = need(open_memstream(&words, &size));

	fprintf(out, "%s %s %u %u %s %s %u :%u", table->device, table->id, table->io_throttle,
		table->io_limit, table->type, table->policy, table->token_base, table->weight);
	for (i = 0; i < table->nr_groups; i++)
		fprintf(out, " %lld:%u", (long long)table->groups[i].id, table->groups[i].weight);
	if (fclose(out))
		exit(refuse(FAILED, "out of memory"));
	return words;
}

/**
 * table_group - an attached group by its ID
 * @table: the table
 * @id: the ID
 *
 * Return: the group or NULL.
 */
struct attached *table_group(const struct table *table, int64_t id)
{
	size_t i;

	for (i = 0; i < table->nr_groups; i++) {
		if (table->groups[i].id == id)
			return &table->groups[i];
	}
	return NULL;
}

/**
 * table_attach - add a group that is not there yet
 * @table: the table
 * @id: its ID
 * @weight: its weight
 */
void table_attach(struct table *table, int64_t id, unsigned int weight)
{
	/* Grows when the number of groups is a power of two, by as many */
	if (!(table->nr_groups & (table->nr_groups - 1)))
		table->groups = need(reallocarray(table->groups, 2 * table->nr_groups + 1,
						  sizeof(*table->groups)));
	table->groups[table->nr_groups++] = (struct attached){ .id = id, .weight = weight };
}

/**
 * table_weights - the weights of all groups of a table, added
 * @table: the table
 */
uint64_t table_weights(const struct table *table)
{
	uint64_t sum = table->weight;
	size_t i;

	for (i = 0; i < table->nr_groups; i++)
		sum += table->groups[i].weight;
	return sum;
}

static int set_number(unsigned int *to, const char *where, const char *key, const char *value,
		      unsigned int min, unsigned int max)
{
	uint64_t number;

	if (!parse_number(value, max, &number) || number < min)
		return refuse(WRONG, "%s%s '%s' is not a number from %u to %u", where, key, value,
			      min, max);
	*to = number;
	return DONE;
}

static int set_id(struct table *table, const char *where, const char *key, const char *value)
{
	size_t length;

	for (length = 0; value[length]; length++) {
		if (!isgraph((unsigned char)value[length]) || value[length] == '\\')
			break;
	}
	if (value[length] || !length || length > ID_LENGTH)
		return refuse(WRONG, "%s%s '%s' is not an ioband device ID: "
			      "1 to %d characters, no blanks, no backslash", where, key, value,
			      ID_LENGTH);
	strcpy(table->id, value);
	return DONE;
}

/**
 * table_set - give a setting its value
 * @table: the table
 * @key: id, type, policy, weight, io-throttle, io-limit or token; an underscore
 *	does as well as a hyphen
 * @value: the value, as the user wrote it
 * @where: what comes before @key in what is said to the user, as "--"
 *
 * Return: DONE, or WRONG after saying what is wrong.
 */
int table_set(struct table *table, const char *key, const char *value, const char *where)
{
	if (!strcmp(key, "id"))
		return set_id(table, where, key, value);
	if (!strcmp(key, "type")) {
		if (!is_type(value))
			return refuse(WRONG,
				      "%s%s '%s' is unknown: none, user, uid, gid, pid, pgrp, "
				      "cgroup, cpuset or node",
				      where, key, value);
		strcpy(table->type, value);
		return DONE;
	}
	if (!strcmp(key, "policy")) {
		if (!is_policy(value))
			return refuse(WRONG,
				      "%s%s '%s' is unknown: weight, weight-iosize or default",
				      where, key, value);
		strcpy(table->policy, value);
		return DONE;
	}
	if (!strcmp(key, "weight"))
		return set_number(&table->weight, where, key, value, 1, WEIGHT_MAX);
	if (!strcmp(key, "io-throttle") || !strcmp(key, "io_throttle"))
		return set_number(&table->io_throttle, where, key, value, 0, LIMIT_MAX);
	if (!strcmp(key, "io-limit") || !strcmp(key, "io_limit"))
		return set_number(&table->io_limit, where, key, value, 0, LIMIT_MAX);
	if (!strcmp(key, "token"))
		return set_number(&table->token_base, where, key, value, 0, NUMBER_MAX);
	return refuse(WRONG,
		      "%s%s is unknown: id, type, policy, weight, io-throttle, io-limit or token",
		      where, key);
}

/* One number of a status line; the first of a group may be DEFAULT_GROUP */
static bool take_count(char **line, uint64_t *count)
{
	const char *word = next_word(line);

	return word && parse_number(word, UINT64_MAX, count);
}

static bool parse_counts(struct counts *counts, const char *id, char **line)
{
	uint64_t number;

	if (!strcmp(id, "-1"))
		counts->id = DEFAULT_GROUP;
	else if (parse_number(id, INT64_MAX, &number))
		counts->id = number;
	else
		return false;
	return take_count(line, &counts->reads) && take_count(line, &counts->reads_held) &&
	       take_count(line, &counts->sectors_read) && take_count(line, &counts->writes) &&
	       take_count(line, &counts->writes_held) && take_count(line, &counts->sectors_written);
}

static bool parse_status(struct status *status, char *line)
{
	char *word = strtok_r(line, " \t\n", &line);
	size_t nr = 0;

	if (!word || strlen(word) > ID_LENGTH)
		return false;
	strcpy(status->id, word);
	while ((word = next_word(&line))) {
		if (!(nr & (nr - 1)))
			status->groups = need(reallocarray(status->groups, 2 * nr + 1,
							   sizeof(*status->groups)));
		if (!parse_counts(&status->groups[nr], word, &line))
			return false;
		status->nr_groups = ++nr;
	}
	return nr && status->groups[0].id == DEFAULT_GROUP;
}

/**
 * status_parse - what "dmsetup status" has after "ioband"
 * @status: where it goes
 * @words: the words
 *
 * Return: true, or false if that is no such line; @status is then empty.
 */
bool status_parse(struct status *status, const char *words)
{
	char *line = need(strdup(words));
	bool right;

	memset(status, 0, sizeof(*status));
	right = parse_status(status, line);
	free(line);
	if (!right)
		status_free(status);
	return right;
}

/**
 * status_free - let go of what a status holds
 * @status: the status
 */
void status_free(struct status *status)
{
	free(status->groups);
	status->groups = NULL;
	status->nr_groups = 0;
}

/**
 * status_group - the counts of a group
 * @status: the status
 * @id: its ID, or DEFAULT_GROUP
 *
 * Return: the counts or NULL.
 */
const struct counts *status_group(const struct status *status, int64_t id)
{
	size_t i;

	for (i = 0; i < status->nr_groups; i++) {
		if (status->groups[i].id == id)
			return &status->groups[i];
	}
	return NULL;
}

/**
 * weight_at - the weight of a group of a status
 * @table: of the same device
 * @status: the status
 * @index: of the group
 *
 * Return: the weight; that of a new group, if the group came after the table was read.
 */
unsigned int weight_at(const struct table *table, const struct status *status, size_t index)
{
	int64_t id = status->groups[index].id;
	const struct attached *group;

	if (id == DEFAULT_GROUP)
		return table->weight;
	/* Mostly it is at the same place there: no search */
	if (index && index - 1 < table->nr_groups && table->groups[index - 1].id == id)
		return table->groups[index - 1].weight;
	group = table_group(table, id);
	return group ? group->weight : WEIGHT_DEFAULT;
}
