// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: divides the bandwidth of block devices among groups, with the
 * device-mapper target "ioband".
 */

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "iobandctl.h"

static const struct command {
	const char *name;
	const char *words;
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "create", "NAME DEVICE [OPTION]... [GROUP:WEIGHT]...", "a new ioband device over DEVICE",
	  command_create },
	{ "remove", "NAME", "removes it; DEVICE stays as it is", command_remove },
	{ "attach", "NAME GROUP[:WEIGHT]...", "gives groups a weight of their own",
	  command_attach },
	{ "detach", "NAME GROUP...", "takes it from them", command_detach },
	{ "set", "NAME KEY=VALUE...",
	  "type, policy, weight, token, carryover, io_throttle, io_limit", command_set },
	{ "list", "[--json]", "all ioband devices", command_list },
	{ "status", "[--json] [NAME]", "their groups, and what each has done", command_status },
	{ "reset", "NAME", "zeroes that", command_reset },
	{ "top", "[-d SECONDS] [-n TIMES] [-b|--batch] [NAME]",
	  "rates of the groups, live", command_top },
	{ "record", "[-d SECONDS] [-n TIMES] NAME FILE", "rates of the groups into a CSV file",
	  command_record },
	{ "plot", "[-o|--output PICTURE] [--requests] FILE",
	  "an SVG or PNG picture of such a file", command_plot },
	{ "insert", "DEVICE [OPTION]... [GROUP:WEIGHT]...",
	  "puts ioband under a device-mapper device that is in use", command_insert },
	{ "eject", "DEVICE", "takes it out again", command_eject },
	{ "start", "[--wait[=SECONDS]] [-f|--tab FILE] [NAME]...",
	  "makes the devices in /etc/ioband.tab", command_start },
	{ "stop", "[-f|--tab FILE] [NAME]...", "removes them", command_stop },
	{ }
};

static void usage(FILE *out)
{
	const struct command *command;

	fprintf(out, "Usage: iobandctl COMMAND [WORD]...\n\n");
	for (command = commands; command->name; command++)
		fprintf(out, "  %s %s\n\t%s\n", command->name, command->words, command->summary);
	fprintf(out, "\n"
		"Options of create and insert:\n"
		"  --type T         none, user, uid, gid, pid, pgrp, cgroup, cpuset or node\n"
		"  --weight N       of the default group, 1 to 32767 (100)\n"
		"  --policy P       weight: by requests; weight-iosize: by bytes\n"
		"  --io-limit N     requests in flight, of each direction; 0, the default: the\n"
		"                   queue size of the device; of LVM, RAID and other stacks\n"
		"                   what the disks below take, and an eighth more, 128 at most\n"
		"  --io-throttle N  requests in flight below which nothing is held (4)\n"
		"  --id ID          devices with the same ID share one bandwidth (NAME)\n"
		"  --token N        tokens in an epoch\n"
		"GROUP is a user, a group, a process, a cgroup or a systemd unit, as TYPE says,\n"
		"or its ID, or @PID: what that process is in. See iobandctl(8).\n");
}

static int help(void)
{
	usage(stdout);
	return DONE;
}

static const struct command *find(const char *name)
{
	const struct command *command;

	for (command = commands; command->name; command++) {
		if (!strcmp(command->name, name))
			return command;
	}
	return NULL;
}

/* What was written to stdout must have arrived */
static int finish(int r)
{
	if ((fflush(stdout) || ferror(stdout)) && r == DONE)
		r = refuse(FAILED, "cannot write to the standard output");
	return r;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int i;

	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		usage(stderr);
		return WRONG;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		say_command("help");
		return finish(help());
	}
	command = find(argv[1]);
	if (!command) {
		fprintf(stderr, "iobandctl: '%s' is not a command: see iobandctl help\n", argv[1]);
		return WRONG;
	}
	say_command(command->name);
	for (i = 2; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help")) {
			printf("Usage: iobandctl %s %s\n", command->name, command->words);
			return finish(DONE);
		}
	}
	opterr = 0;
	return finish(command->run(argc - 1, argv + 1));
}
