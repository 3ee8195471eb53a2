/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that defines a realm: the options of rvm run as one JSON object. */
#ifndef VMM_DEFINITION_H
#define VMM_DEFINITION_H

#include <stddef.h>

/* Words of a command line. The array and the strings that a definition added stay until the end. */
struct words {
	char **list; /* NULL at the end */
	int count;
};

/*
 * Replaces each "-f FILE" among count words by the options that FILE defines, in their place: what
 * follows on the command line wins, where an option is given once. An option is a member of the
 * object, without the dashes; its value is text, a number, true for an option without a value, or a
 * list of these for an option that may be given several times. false and null leave it out. Paths
 * of kernel, initrd, share and disk are relative to the folder of FILE.
 *
 * 0, with the words in *out; 1 after a message: a FILE that cannot be read, is no JSON object, has
 * a value of another type, or "-f" without FILE.
 */
int definition_expand(int count, char **words, struct words *out);

#endif
