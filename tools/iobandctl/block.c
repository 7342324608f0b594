// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: block devices of any kind, and who uses them.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "block.h"

static char *sysfs_path(dev_t number, const char *file)
{
	return text("/sys/dev/block/%u:%u/%s", major(number), minor(number), file);
}

/* The first line of a file in the device's directory; NULL if there is none */
static char *sysfs_line(dev_t number, const char *file)
{
	char *path = sysfs_path(number, file), *line = NULL;
	FILE *in = fopen(path, "re");
	size_t size = 0;

	free(path);
	if (!in)
		return NULL;
	if (getline(&line, &size, in) < 0) {
		free(line);
		line = NULL;
	} else {
		line[strcspn(line, "\n")] = '\0';
	}
	fclose(in);
	return line;
}

/**
 * block_mapper_name - the name of a device-mapper device
 * @number: of the block device
 *
 * Return: the name, for the caller to free; NULL if it is another kind of device.
 */
char *block_mapper_name(dev_t number)
{
	return sysfs_line(number, "dm/name");
}

/* /dev/mapper/NAME, or /dev/ and the kernel's name; NULL if there is no such device */
static char *node_name(dev_t number)
{
	char *name = block_mapper_name(number), *path = NULL, *link, target[256], *at;
	ssize_t length;

	if (name) {
		path = text("/dev/mapper/%s", name);
		free(name);
		return path;
	}
	link = text("/sys/dev/block/%u:%u", major(number), minor(number));
	length = readlink(link, target, sizeof(target) - 1);
	free(link);
	if (length <= 0)
		return NULL;
	target[length] = '\0';
	name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	/* "cciss!c0d0" is /dev/cciss/c0d0 */
	for (at = name; *at; at++) {
		if (*at == '!')
			*at = '/';
	}
	return text("/dev/%s", name);
}

/**
 * block_name - the node of a device, as people know it
 * @words: MAJOR:MINOR, as the kernel prints it in a table
 *
 * Return: the path, or @words if there is none; for the caller to free.
 */
char *block_name(const char *words)
{
	unsigned int of_driver, of_device;
	char *path = NULL;

	if (sscanf(words, "%u:%u", &of_driver, &of_device) == 2)
		path = node_name(makedev(of_driver, of_device));
	return path ? path : need(strdup(words));
}

/**
 * block_is - is it this device?
 * @words: MAJOR:MINOR, as the kernel prints it in a table
 * @number: of the device
 */
bool block_is(const char *words, dev_t number)
{
	unsigned int of_driver, of_device;

	return sscanf(words, "%u:%u", &of_driver, &of_device) == 2 &&
	       makedev(of_driver, of_device) == number;
}

/**
 * block_find - a block device by its path
 * @path: the path
 * @block: what is found
 *
 * Return: DONE, or what refuse() returned.
 */
int block_find(const char *path, struct block *block)
{
	unsigned long long bytes;
	int fd, read_only;
	struct stat st;

	if (stat(path, &st))
		return refuse(errno == ENOENT ? WRONG : FAILED,
			      "device '%s': %s; 'lsblk -p' shows the devices there are", path,
			      strerror(errno));
	if (!S_ISBLK(st.st_mode))
		return refuse(WRONG,
			      "'%s' is not a block device; a file needs a loop device: losetup -f "
			      "--show %s",
			      path, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse(FAILED, "cannot open the device '%s': %s", path, strerror(errno));
	if (ioctl(fd, BLKGETSIZE64, &bytes) || ioctl(fd, BLKROGET, &read_only)) {
		close(fd);
		return refuse(FAILED, "cannot get the size of the device '%s': %s", path,
			      strerror(errno));
	}
	close(fd);
	if (bytes < 512)
		return refuse(FAILED, "the device '%s' has no size: is there a medium in it?",
			      path);
	block->number = st.st_rdev;
	block->sectors = bytes / 512;
	block->read_only = read_only;
	return DONE;
}

/* The disk that a partition is of, or the device itself */
static dev_t whole_disk(dev_t number)
{
	char *line = sysfs_line(number, "partition");
	unsigned int of_driver, of_device;
	dev_t whole = number;

	if (!line)
		return number;
	free(line);
	line = sysfs_line(number, "../dev");
	if (line && sscanf(line, "%u:%u", &of_driver, &of_device) == 2)
		whole = makedev(of_driver, of_device);
	free(line);
	return whole;
}

static bool concerns(dev_t number, dev_t user)
{
	return user == number || whole_disk(user) == number;
}

/* Where @number, or a partition of it, is mounted, in words; NULL if nowhere that we see */
static char *mounted(dev_t number)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *found = NULL;
	size_t size = 0;

	while (mounts && !found && getline(&line, &size, mounts) >= 0) {
		unsigned int of_driver, of_device;
		char where[4096], source[4096] = "";
		char *rest = strstr(line, " - ");
		struct stat st;
		dev_t device;

		if (!rest ||
		    sscanf(line, "%*u %*u %u:%u %*s %4095s", &of_driver, &of_device, where) != 3)
			continue;
		device = makedev(of_driver, of_device);
		/* btrfs has a number of its own there */
		if (!of_driver && sscanf(rest, " - %*s %4095s", source) == 1 && *source == '/') {
			unescape(source);
			if (!stat(source, &st) && S_ISBLK(st.st_mode))
				device = st.st_rdev;
		}
		if (!concerns(number, device))
			continue;
		unescape(where);
		found = text("it is mounted on %s", where);
	}
	free(line);
	if (mounts)
		fclose(mounts);
	return found;
}

static char *swapped_to(dev_t number)
{
	FILE *swaps = fopen("/proc/swaps", "re");
	char *line = NULL, *found = NULL, path[4096];
	size_t size = 0;
	struct stat st;

	while (swaps && !found && getline(&line, &size, swaps) >= 0) {
		if (sscanf(line, "%4095s", path) != 1)
			continue;
		unescape(path);
		if (*path == '/' && !stat(path, &st) && S_ISBLK(st.st_mode) &&
		    concerns(number, st.st_rdev))
			found = text("it is swap space");
	}
	free(line);
	if (swaps)
		fclose(swaps);
	return found;
}

/* The device above, if there is one */
static char *held_by(dev_t number)
{
	char *path = sysfs_path(number, "holders"), *found = NULL, *device, *name;
	DIR *holders = opendir(path);
	struct dirent *entry;
	FILE *file;

	while (holders && !found && (entry = readdir(holders))) {
		if (*entry->d_name == '.')
			continue;
		name = NULL;
		device = text("%s/%s/dm/name", path, entry->d_name);
		file = fopen(device, "re");
		free(device);
		if (file && fscanf(file, "%m[^\n]", &name) == 1)
			found = text("the device-mapper device '%s' is on it", name);
		else
			found = text("%s is on it", entry->d_name);
		free(name);
		if (file)
			fclose(file);
	}
	if (holders)
		closedir(holders);
	free(path);
	return found;
}

/**
 * block_user - who uses a device
 * @number: of the device
 *
 * Return: some words, for the caller to free; NULL if nobody is known.
 */
char *block_user(dev_t number)
{
	char *user = mounted(number);

	if (!user)
		user = swapped_to(number);
	if (!user)
		user = held_by(number);
	return user;
}

/**
 * block_unused - make sure that nobody has a device for himself
 * @path: the device
 * @block: what block_find() has found there
 *
 * Device-mapper would share a device with itself, and so with LVM.
 *
 * Return: DONE, or IN_USE after saying who uses it.
 */
int block_unused(const char *path, const struct block *block)
{
	char *user = block_user(block->number), *mapper;
	int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	const char *who = user ? user : "somebody has it for himself";
	bool busy = fd < 0 && errno == EBUSY;
	int r = DONE;

	if (fd >= 0)
		close(fd);
	if (busy || user) {
		mapper = block_mapper_name(block->number);
		if (mapper)
			r = refuse(IN_USE, "the device '%s' is in use: %s; stop that first, or put "
				   "ioband under it: iobandctl insert %s", path, who, path);
		else
			r = refuse(IN_USE, "the device '%s' is in use: %s; stop that first", path,
				   who);
		free(mapper);
	}
	free(user);
	return r;
}
