// SPDX-License-Identifier: GPL-2.0
/*
 * iobandctl: words to the user, on stderr, one sentence each.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "iobandctl.h"

static const char *command = "iobandctl";

/* Sentences that wait for say_release() */
static FILE *held;
static char *held_text;
static size_t held_size;

/* Memory to say them with, when there is no other */
#define SPARE_SIZE	65536

static void *spare;

/**
 * say_command - whose sentences these are from now on
 * @name: the command
 */
void say_command(const char *name)
{
	command = name;
}

static void say(const char *fmt, va_list args)
{
	FILE *out = held ? held : stderr;

	if (!held)
		fflush(stdout);
	fprintf(out, "iobandctl %s: ", command);
	vfprintf(out, fmt, args);
	fputc('\n', out);
}

/**
 * say_hold - keep sentences in memory until say_release()
 *
 * For when writing them might wait for ever, or would spoil the screen.
 */
void say_hold(void)
{
	spare = need(malloc(SPARE_SIZE));
	held = need(open_memstream(&held_text, &held_size));
}

/**
 * say_release - say what was kept since say_hold()
 */
void say_release(void)
{
	free(spare);
	fclose(held);
	held = NULL;
	fputs(held_text, stderr);
	free(held_text);
}

/**
 * refuse - say what is wrong, with which word, and what would be right
 * @code: what iobandctl will exit with
 * @fmt: the sentence, without a newline
 *
 * Return: @code.
 */
int refuse(enum exit_code code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	return code;
}

/**
 * note - tell the user something that is no failure
 * @fmt: the sentence, without a newline
 */
void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

/**
 * need - an allocation without which there is no way on
 * @allocated: what malloc() or its like returned
 *
 * Return: the same, not NULL.
 */
void *need(void *allocated)
{
	if (!allocated)
		exit(refuse(FAILED, "out of memory"));
	return allocated;
}

/**
 * text - a formatted string
 * @fmt: the format
 *
 * Return: the string, for the caller to free.
 */
char *text(const char *fmt, ...)
{
	char *string = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&string, fmt, args) < 0)
		string = NULL;
	va_end(args);
	return need(string);
}

/* How many bytes the character at @at has; 0 if it is no UTF-8, or a control character */
static size_t character(const unsigned char *at)
{
	static const uint32_t least[] = { 0, 0x20, 0xa0, 0x800, 0x10000 };
	size_t length = 1, i;
	uint32_t code = *at;

	if ((*at & 0xc0) == 0x80 || *at > 0xf7)
		return 0;
	if (*at >= 0xc0) {
		length = *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
		code = *at & (0x7f >> length);
	}
	for (i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[length] || code == 0x7f || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

/**
 * printable - what somebody else has chosen, fit for a terminal and for JSON
 * @string: gets a '?' for each byte of control characters and of what is no UTF-8
 *
 * Return: @string.
 */
char *printable(char *string)
{
	unsigned char *at = (unsigned char *)string;

	while (*at) {
		size_t length = character(at);

		if (!length)
			*at++ = '?';
		at += length;
	}
	return string;
}

/**
 * unescape - a path as the kernel's lists of mounts have it, "\\040" for a blank
 * @word: gets the path itself
 */
void unescape(char *word)
{
	char *to = word;

	for (; *word; word++) {
		if (word[0] == '\\' && word[1] >= '0' && word[1] <= '3' && word[2] && word[3]) {
			*to++ = (word[1] - '0') << 6 | (word[2] - '0') << 3 | (word[3] - '0');
			word += 3;
		} else {
			*to++ = *word;
		}
	}
	*to = '\0';
}
