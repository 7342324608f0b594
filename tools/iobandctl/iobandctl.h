/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iobandctl: what all of its files share. How to tell the user, how to end,
 * and the commands.
 */
#ifndef IOBANDCTL_H
#define IOBANDCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What iobandctl exits with; iobandctl(8) has the same list. */
enum exit_code {
	DONE		= 0,
	FAILED		= 1,	/* the kernel, a file or gnuplot refused; no memory is left */
	WRONG		= 2,	/* a word of the command line, or of ioband.tab */
	NOT_ROOT	= 3,
	NO_TARGET	= 4,	/* the kernel has no target "ioband" */
	IN_USE		= 5,	/* a device that something else uses was left alone */
};

#define PRINTF(text, first)	__attribute__((format(printf, text, first)))
#define UNUSED			__attribute__((unused))

/* say.c */
void say_command(const char *name);
void say_hold(void);
void say_release(void);
int refuse(enum exit_code code, const char *fmt, ...) PRINTF(2, 3);
void note(const char *fmt, ...) PRINTF(1, 2);
void *need(void *allocated);
char *text(const char *fmt, ...) PRINTF(1, 2);
char *printable(char *string);
void unescape(char *word);

/* One function for each command: its words, the command's own name first */
int command_create(int argc, char **argv);
int command_remove(int argc, char **argv);
int command_attach(int argc, char **argv);
int command_detach(int argc, char **argv);
int command_set(int argc, char **argv);
int command_reset(int argc, char **argv);
int command_list(int argc, char **argv);
int command_status(int argc, char **argv);
int command_top(int argc, char **argv);
int command_record(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_insert(int argc, char **argv);
int command_eject(int argc, char **argv);
int command_start(int argc, char **argv);
int command_stop(int argc, char **argv);

#endif
