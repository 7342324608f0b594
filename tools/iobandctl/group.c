// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: the names people have for groups, and the IDs the kernel has.
 *
 *	type		a group is named by			its ID
 *	user, uid	user name				uid
 *	gid		group name				gid
 *	pid		a process				the same
 *	pgrp		a process of it				process group ID
 *	cgroup		its path, a systemd unit		the number in its file bio.id
 *	cpuset		its path, a systemd unit		inode of its directory; only
 *								what has a cpuset of its own
 *	node		node0, node1, ...			0, 1, ...
 *
 * The ID itself does for all of them, and so does @PID: what the process PID is
 * in. IDs become names again by the same rules.
 */

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "group.h"

#define ID_MAX		4294967294u	/* of users and groups: all ones is nobody */

/* A word that is right, of a group that is not there: to the user, WRONG as well */
#define NOT_THERE	(-1)

/* Says that there is no such group */
#define refuse_missing(...)	(refuse(WRONG, __VA_ARGS__), NOT_THERE)

/* Files of /proc and cgroups: the first line of @path without its newline, or NULL */
static char *first_line(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getline(&line, &size, file) < 0) {
		free(line);
		line = NULL;
	}
	fclose(file);
	if (line)
		line[strcspn(line, "\n")] = '\0';
	return line;
}

/* The first number after "@key:" in /proc/PID/status; false if there is no such process */
static bool process_field(uint64_t pid, const char *key, uint64_t *value)
{
	char *path = text("/proc/%llu/status", (unsigned long long)pid);
	FILE *file = fopen(path, "re");
	char *line = NULL, *word;
	size_t size = 0, length = strlen(key);
	bool found = false;

	free(path);
	if (!file)
		return false;
	while (!found && getline(&line, &size, file) >= 0) {
		if (strncmp(line, key, length) || line[length] != ':')
			continue;
		word = strtok(line + length + 1, " \t\n");
		found = word && parse_number(word, UINT64_MAX, value);
	}
	free(line);
	fclose(file);
	return found;
}

static bool process_exists(uint64_t pid)
{
	uint64_t self;

	return process_field(pid, "Tgid", &self);
}

/* "@PID" of no process */
static int refuse_process(const char *word)
{
	return refuse_missing("group '%s': there is no process %s", word, word + 1);
}

/* cgroups */

/* Is @controller among the words between commas? */
static bool has_option(const char *options, const char *controller)
{
	size_t length = strlen(controller);
	const char *at;

	for (at = options; (at = strstr(at, controller)); at += length) {
		if ((at == options || at[-1] == ',') && strchr(",\n", at[length]))
			return true;
	}
	return false;
}

/*
 * Where the hierarchy with @controller is mounted: on v1 if it is on one, as v2
 * is without it then. For the caller to free; NULL if there is none.
 */
static char *hierarchy(const char *controller)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char *line = NULL, *found = NULL, *save;
	size_t size = 0;

	while (mounts && getline(&line, &size, mounts) >= 0) {
		const char *type, *options;
		char *directory;

		strtok_r(line, " ", &save);
		directory = strtok_r(NULL, " ", &save);
		type = strtok_r(NULL, " ", &save);
		options = strtok_r(NULL, " ", &save);
		if (!options)
			continue;
		unescape(directory);
		if (!strcmp(type, "cgroup") && has_option(options, controller)) {
			free(found);
			found = need(strdup(directory));
			break;
		}
		if (!strcmp(type, "cgroup2") && !found)
			found = need(strdup(directory));
	}
	free(line);
	if (mounts)
		fclose(mounts);
	return found;
}

static const char *controller_of(const char *type)
{
	return !strcmp(type, "cgroup") ? "bio" : "cpuset";
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* A directory of a cgroup file system, wherever that is mounted? */
static bool is_cgroup(const char *path)
{
	struct statfs st;

	return is_directory(path) && !statfs(path, &st) &&
	       (st.f_type == CGROUP_SUPER_MAGIC || st.f_type == CGROUP2_SUPER_MAGIC);
}

static bool has_file(const char *directory, const char *name)
{
	char *file = text("%s/%s", directory, name);
	bool found = !access(file, F_OK);

	free(file);
	return found;
}

/*
 * Has the cgroup a cpuset of its own? Only then the kernel counts anything as its:
 * tasks in others are in the cpuset of the nearest cgroup above that has one. The
 * first file is v2's, the others are v1's, of which a mount can leave out the prefix.
 */
static bool has_cpuset(const char *path)
{
	static const char * const files[] = { "cpuset.cpus.effective", "cpuset.cpus", "cpus" };
	bool found = false;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		found |= has_file(path, files[i]);
	return found;
}

/* The ID of the cgroup in directory @path; false if it has none */
static bool cgroup_id(const char *type, const char *path, uint64_t *id)
{
	struct stat st;
	char *file, *line;
	bool right;

	if (!strcmp(type, "cpuset")) {
		if (stat(path, &st))
			return false;
		*id = st.st_ino;
		return true;
	}
	file = text("%s/bio.id", path);
	line = first_line(file);
	right = line && parse_number(line, INT64_MAX, id);
	free(line);
	free(file);
	return right;
}

/*
 * Has somebody else been given the cgroups below this one, to name as he likes: a
 * user, a container? Then it is his by owner, or systemd has marked it.
 */
static bool is_delegated(const char *path)
{
	struct stat st;
	char mark;

	if (!stat(path, &st) && st.st_uid)
		return true;
	return getxattr(path, "trusted.delegate", &mark, 1) == 1 && mark == '1';
}

/**
 * walk - call a function for each cgroup of a hierarchy
 * @path: where to begin
 * @delegated: also for those that are in the hands of others
 * @visit: the function; true ends the walk
 * @data: for @visit
 *
 * Return: what the last call of @visit returned.
 */
static bool walk(const char *path, bool delegated, bool (*visit)(const char *path, void *data),
		 void *data)
{
	DIR *directory;
	struct dirent *entry;
	bool stop = visit(path, data);

	directory = stop ? NULL : opendir(path);
	while (directory && !stop && (entry = readdir(directory))) {
		char *below;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		below = text("%s/%s", path, entry->d_name);
		/* Where it begins is delegated itself in a container: that is nobody else's */
		stop = !delegated && is_delegated(below) ? visit(below, data) :
			walk(below, delegated, visit, data);
		free(below);
	}
	if (directory)
		closedir(directory);
	return stop;
}

/* Looking for the cgroups with a name below the root */
struct search {
	const char *root;
	const char *name;
	char *path;
	char *other;
};

static bool visit_name(const char *path, void *data)
{
	struct search *search = data;

	if (strcmp(strrchr(path, '/') + 1, search->name) || !strcmp(path, search->root))
		return false;
	if (!search->path) {
		search->path = need(strdup(path));
		return false;
	}
	search->other = need(strdup(path));
	return true;
}

/* The only cgroup called @name, in *path; DONE without one if there is none */
static int cgroup_named(const char *root, const char *name, char **path)
{
	struct search search = { .root = root, .name = name };
	int r = DONE;

	/* Whoever has cgroups of his own must not get a service's weight by their names */
	walk(root, false, visit_name, &search);
	if (search.other) {
		r = refuse(WRONG,
			   "group '%s' is the name of several cgroups, %s and %s among them: "
			   "give a path",
			   name, printable(search.path), printable(search.other));
		free(search.path);
		search.path = NULL;
	}
	free(search.other);
	*path = search.path;
	return r;
}

/* The directory that @word means: a path from / or from the hierarchy's root, or a unit */
static int cgroup_path(const char *root, const char *word, char **path)
{
	char *unit;
	int r;

	if (*word == '/' && is_cgroup(word)) {
		*path = need(strdup(word));
		return DONE;
	}
	*path = text("%s/%s", root, word + strspn(word, "/"));
	if (is_directory(*path))
		return DONE;
	free(*path);
	*path = NULL;
	if (strchr(word, '/'))
		return refuse_missing("group '%s': there is no such cgroup in %s", word, root);

	r = cgroup_named(root, word, path);
	/* As systemctl does it */
	if (r == DONE && !*path && !strchr(word, '.')) {
		unit = text("%s.service", word);
		r = cgroup_named(root, unit, path);
		free(unit);
	}
	if (r == DONE && !*path)
		r = refuse_missing("group '%s': there is no such cgroup in %s, and no unit of that "
				   "name that runs; one of a user or a container needs its path",
				   word, root);
	return r;
}

static int refuse_cpuset(const char *word, const char *path)
{
	return refuse(FAILED,
		      "group '%s': %s has no cpuset of its own, so that nothing is ever counted "
		      "for it: its parent needs +cpuset in cgroup.subtree_control; a v1 path must "
		      "be where the controller cpuset is mounted",
		      word, path);
}

static int resolve_cgroup(const char *type, const char *word, uint64_t *id)
{
	char *root = hierarchy(controller_of(type)), *path = NULL;
	int r;

	if (!root)
		return refuse(FAILED, "group '%s': no cgroup file system is mounted: "
			      "mount -t cgroup2 none /sys/fs/cgroup", word);
	r = cgroup_path(root, word, &path);
	if (r == DONE && !strcmp(type, "cpuset") && !has_cpuset(path))
		r = refuse_cpuset(word, path);
	else if (r == DONE && !cgroup_id(type, path, id))
		r = refuse(FAILED,
			   "group '%s': %s has no bio.id: the kernel needs CONFIG_CGROUP_BIO, "
			   "and no cgroup_disable=bio; a v1 path must be where the controller bio "
			   "is mounted",
			   word, path);
	free(path);
	free(root);
	return r;
}

/* The cgroup of a process, as a path from the root of the hierarchy; NULL if there is none */
static char *process_cgroup(uint64_t pid, const char *controller)
{
	char *path = text("/proc/%llu/cgroup", (unsigned long long)pid);
	FILE *file = fopen(path, "re");
	char *line = NULL, *on_v1 = NULL, *on_v2 = NULL;
	size_t size = 0;

	free(path);
	/* "5:bio:/path" on v1, "0::/path" on v2 */
	while (file && !on_v1 && getline(&line, &size, file) >= 0) {
		char *controllers = strchr(line, ':');
		char *where = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!where)
			continue;
		*where++ = '\0';
		where[strcspn(where, "\n")] = '\0';
		if (!controllers[1] && !on_v2)
			on_v2 = need(strdup(where));
		else if (has_option(controllers + 1, controller))
			on_v1 = need(strdup(where));
	}
	free(line);
	if (file)
		fclose(file);
	if (!on_v1)
		return on_v2;
	free(on_v2);
	return on_v1;
}

/* Cuts @path, from the root of the hierarchy, to the nearest cgroup that has a cpuset */
static void cut_to_cpuset(char *path)
{
	char *root = hierarchy("cpuset"), *last;
	bool found = !root;

	while (!found && path[1]) {
		char *whole = text("%s%s", root, path);

		found = has_cpuset(whole);
		free(whole);
		if (!found) {
			last = strrchr(path, '/');
			last[last == path] = '\0';
		}
	}
	free(root);
}

static int resolve_cgroup_of(const char *type, const char *word, uint64_t pid, uint64_t *id)
{
	char *path = process_cgroup(pid, controller_of(type));
	int r;

	if (!path && !process_exists(pid))
		return refuse_process(word);
	if (!path)
		return refuse(FAILED, "group '%s': the process is in no cgroup of a hierarchy with the "
			      "controller %s: mount one", word, controller_of(type));
	if (!strcmp(type, "cpuset"))
		cut_to_cpuset(path);
	r = resolve_cgroup(type, path, id);
	free(path);
	return r;
}

static bool process_group(uint64_t pid, uint64_t *id)
{
	pid_t pgrp = getpgid(pid);

	*id = pgrp;
	return pgrp >= 0;
}

/* "@PID": what the process is in */
static int resolve_process(const char *type, const char *word, uint64_t *id)
{
	uint64_t pid;
	bool found;

	if (!parse_number(word + 1, INT32_MAX, &pid))
		return refuse(WRONG, "group '%s': '%s' is not the number of a process", word,
			      word + 1);
	if (!process_exists(pid))
		return refuse_process(word);
	if (!strcmp(type, "user") || !strcmp(type, "uid"))
		found = process_field(pid, "Uid", id);
	else if (!strcmp(type, "gid"))
		found = process_field(pid, "Gid", id);
	else if (!strcmp(type, "pid"))
		found = process_field(pid, "Tgid", id);
	else if (!strcmp(type, "pgrp"))
		found = process_group(pid, id);
	else if (!strcmp(type, "node"))
		return refuse(WRONG, "group '%s': a process is not on one NUMA node; name a node",
			      word);
	else
		return resolve_cgroup_of(type, word, pid, id);
	/* It may have ended meanwhile */
	return found ? DONE : refuse_process(word);
}

static int resolve_user(const char *word, uint64_t *id)
{
	struct passwd *user;

	if (parse_number(word, ID_MAX, id))
		return DONE;
	user = getpwnam(word);
	if (!user && parse_number(word, UINT64_MAX, id))
		return refuse(WRONG, "group '%s' is not a uid: 0 to %u", word, ID_MAX);
	if (!user)
		return refuse_missing("group '%s' is neither a user nor a uid", word);
	*id = user->pw_uid;
	return DONE;
}

static int resolve_gid(const char *word, uint64_t *id)
{
	struct group *users;

	if (parse_number(word, ID_MAX, id))
		return DONE;
	users = getgrnam(word);
	if (!users && parse_number(word, UINT64_MAX, id))
		return refuse(WRONG, "group '%s' is not a gid: 0 to %u", word, ID_MAX);
	if (!users)
		return refuse_missing("group '%s' is neither a group of users nor a gid", word);
	*id = users->gr_gid;
	return DONE;
}

static int resolve_pid(const char *word, uint64_t *id)
{
	uint64_t process;

	if (!parse_number(word, INT32_MAX, id))
		return refuse(WRONG,
			      "group '%s' is not a process: give its number, as pidof(1) shows it",
			      word);
	if (!process_field(*id, "Tgid", &process))
		return refuse_missing("group '%s': there is no process %s", word, word);
	if (process != *id)
		return refuse(WRONG, "group '%s' is a thread of the process %llu: give that", word,
			      (unsigned long long)process);
	return DONE;
}

/* A group can outlive its leader, so a number of no process may still be right: kill() knows */
static int resolve_pgrp(const char *word, uint64_t *id)
{
	pid_t pgrp;

	if (!parse_number(word, INT32_MAX, id) || !*id)
		return refuse(WRONG,
			      "group '%s' is not a process group: give the number of a process "
			      "in it",
			      word);
	if (!killpg(*id, 0) || errno == EPERM)
		return DONE;
	pgrp = getpgid(*id);
	if (pgrp < 0)
		return refuse_missing("group '%s': there is no process group and no process %s",
				      word, word);
	*id = pgrp;
	return DONE;
}

static int resolve_node(const char *word, uint64_t *id)
{
	char *path;
	bool there;

	if (!parse_number(word, INT32_MAX, id) &&
	    (strncmp(word, "node", 4) || !parse_number(word + 4, INT32_MAX, id)))
		return refuse(WRONG, "group '%s' is not a NUMA node: node0, node1, ...", word);
	path = text("/sys/devices/system/node/node%llu", (unsigned long long)*id);
	there = is_directory(path);
	free(path);
	if (!there)
		return refuse(WRONG, "group '%s': this machine has no NUMA node %llu", word,
			      (unsigned long long)*id);
	return DONE;
}

/**
 * group_resolve - the ID of a group
 * @type: of the device
 * @word: the name that the user gave, or the ID itself
 * @id: the result
 * @missing: if not NULL, gets whether @word is refused only because there is no such
 *	user, process, cgroup or unit (yet)
 *
 * Return: DONE, or what refuse() returned.
 */
int group_resolve(const char *type, const char *word, int64_t *id, bool *missing)
{
	uint64_t number = 0;
	int r;

	if (missing)
		*missing = false;
	if (!strcmp(type, "none"))
		return refuse(WRONG,
			      "group '%s': type none has no groups; another type has, such as "
			      "cgroup or user",
			      word);
	if (*word == '@')
		r = resolve_process(type, word, &number);
	else if (!strcmp(type, "user") || !strcmp(type, "uid"))
		r = resolve_user(word, &number);
	else if (!strcmp(type, "gid"))
		r = resolve_gid(word, &number);
	else if (!strcmp(type, "pid"))
		r = resolve_pid(word, &number);
	else if (!strcmp(type, "pgrp"))
		r = resolve_pgrp(word, &number);
	else if (!strcmp(type, "node"))
		r = resolve_node(word, &number);
	else if (parse_number(word, INT64_MAX, &number))
		r = DONE;
	else
		r = resolve_cgroup(type, word, &number);
	*id = number;
	if (r != NOT_THERE)
		return r;
	if (missing)
		*missing = true;
	return WRONG;
}

/**
 * group_resolve_weight - "GROUP:WEIGHT" or "GROUP"
 * @type: of the device
 * @word: the word
 * @group: the result; without WEIGHT its weight is WEIGHT_DEFAULT
 * @missing: as group_resolve() has it
 *
 * Return: DONE, or what refuse() returned.
 */
int group_resolve_weight(const char *type, const char *word, struct attached *group,
			 bool *missing)
{
	const char *weight;
	uint64_t number = WEIGHT_DEFAULT;
	char *name;
	int r;

	if (missing)
		*missing = false;
	if (!split_weight(word, &name, &weight))
		return refuse(WRONG, "'%s' names no group: GROUP or GROUP:WEIGHT", word);
	if (weight && (!parse_number(weight, WEIGHT_MAX, &number) || !number))
		r = refuse(WRONG, "weight '%s' of group '%s' is not a number from 1 to %d", weight,
			   name, WEIGHT_MAX);
	else
		r = group_resolve(type, name, &group->id, missing);
	group->weight = number;
	free(name);
	return r;
}

/* Names of cgroups, which only a walk over all of them tells */

struct name {
	int64_t id;
	char *name;
};

static struct {
	char type[16];
	struct name *list;
	size_t nr;
	time_t read;
	size_t root_length;
	bool whole;
} cgroups;

static int by_id(const void *a, const void *b)
{
	int64_t of_a = ((const struct name *)a)->id, of_b = ((const struct name *)b)->id;

	return of_a < of_b ? -1 : of_a > of_b;
}

static bool visit_all(const char *path, void *data UNUSED)
{
	uint64_t id;

	if (!cgroup_id(cgroups.type, path, &id))
		return false;
	if (!(cgroups.nr & (cgroups.nr - 1)))
		cgroups.list = need(reallocarray(cgroups.list, 2 * cgroups.nr + 1,
						 sizeof(*cgroups.list)));
	path += cgroups.root_length;
	cgroups.list[cgroups.nr++] = (struct name){
		.id = id,
		.name = printable(need(strdup(*path ? path : "/"))),
	};
	return false;
}

/**
 * group_names_forget - names of cgroups are to be read again
 */
void group_names_forget(void)
{
	while (cgroups.nr)
		free(cgroups.list[--cgroups.nr].name);
	free(cgroups.list);
	cgroups.list = NULL;
	*cgroups.type = '\0';
}

/*
 * Are all cgroups below this one? In a cgroup namespace, or where only a part of
 * the hierarchy is mounted, the root is a cgroup as others: on v1 without that
 * file, which only the real one has, and on v2 with that one, which it has not.
 */
static bool is_whole(const char *root)
{
	return has_file(root, "release_agent") ||
	       (has_file(root, "cgroup.controllers") && !has_file(root, "cgroup.events"));
}

static void read_cgroups(const char *type)
{
	char *root = hierarchy(controller_of(type));

	group_names_forget();
	strcpy(cgroups.type, type);
	cgroups.read = time(NULL);
	if (!root)
		return;
	cgroups.root_length = strlen(root);
	cgroups.whole = is_whole(root);
	walk(root, true, visit_all, NULL);
	free(root);
	if (cgroups.nr)
		qsort(cgroups.list, cgroups.nr, sizeof(*cgroups.list), by_id);
}

static const char *cgroup_name(const char *type, int64_t id)
{
	struct name key = { .id = id }, *found = NULL;

	/* An ID that is not there may be that of a new cgroup, but not more than once a second */
	for (;;) {
		if (!strcmp(cgroups.type, type) && cgroups.nr)
			found = bsearch(&key, cgroups.list, cgroups.nr, sizeof(key), by_id);
		if (found)
			return found->name;
		if (!strcmp(cgroups.type, type) && cgroups.read == time(NULL))
			return NULL;
		read_cgroups(type);
	}
}

/* "COMMAND[PID]" */
static const char *process_name(int64_t id)
{
	static char name[64];
	char *path = text("/proc/%lld/comm", (long long)id);
	char *command = first_line(path);

	free(path);
	if (!command)
		return NULL;
	snprintf(name, sizeof(name), "%.32s[%lld]", command, (long long)id);
	free(command);
	return printable(name);
}

/**
 * group_name - what people call a group
 * @type: of the device
 * @id: the group's ID, or DEFAULT_GROUP
 *
 * Return: a name that is good until the next call, or NULL if there is none:
 * the process or the cgroup has gone, nobody has this uid.
 */
const char *group_name(const char *type, int64_t id)
{
	static char node[32];
	struct passwd *user;
	struct group *users;

	if (id == DEFAULT_GROUP)
		return "default";
	if (!strcmp(type, "user") || !strcmp(type, "uid")) {
		user = getpwuid(id);
		return user ? user->pw_name : NULL;
	}
	if (!strcmp(type, "gid")) {
		users = getgrgid(id);
		return users ? users->gr_name : NULL;
	}
	if (!strcmp(type, "pid") || !strcmp(type, "pgrp"))
		return process_name(id);
	if (!strcmp(type, "node")) {
		snprintf(node, sizeof(node), "node%lld", (long long)id);
		return node;
	}
	if (!strcmp(type, "cgroup") || !strcmp(type, "cpuset"))
		return cgroup_name(type, id);
	return NULL;
}

/**
 * group_label - what a group is called in a table for people
 * @type: of the device
 * @id: the group's ID, or DEFAULT_GROUP
 *
 * Return: its name, or a word that says why it has none.
 */
const char *group_label(const char *type, int64_t id)
{
	const char *name = group_name(type, id);

	if (name)
		return name;
	if (!strcmp(type, "user") || !strcmp(type, "uid") || !strcmp(type, "gid"))
		return "-";
	return "(gone)";
}

/**
 * group_is_gone - nothing will ever be in this group again?
 * @type: of the device
 * @id: the group's ID
 *
 * Return: true if its process has ended or its cgroup was removed; false if that
 * cannot be said, as this process does not see all cgroups.
 */
bool group_is_gone(const char *type, int64_t id)
{
	if (!strcmp(type, "pid"))
		return !process_exists(id);
	if (strcmp(type, "cgroup") && strcmp(type, "cpuset"))
		return false;
	return !cgroup_name(type, id) && cgroups.nr && cgroups.whole;
}
