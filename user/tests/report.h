/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's report interface in a folder of a test: what the kernel does when a program makes a
 * folder in it. A program is linked with --wrap of mkdir, rmdir and malloc. Realm 0 has the folder
 * "p", realm 1 "c", realm 2 "x", beside the policies "p.json", "c.json" and "x.json", which name
 * their RIMs, and the trust anchor.
 */
#ifndef TESTS_REPORT_H
#define TESTS_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is wrong with the tokens of a realm. */
enum report_fault {
	REPORT_GOOD,
	REPORT_BYTES,     /* no token: `size` bytes of 0xa5 */
	REPORT_SIGNATURE, /* the platform's is wrong */
	REPORT_CHALLENGE, /* it answers another challenge */
	REPORT_NO_ID,     /* it has no realm id */
	REPORT_ID_P,      /* of realm 0, with the RIM of this one */
	REPORT_ID_X,      /* of realm 2, likewise */
	REPORT_IMAGE,     /* of another image */
	REPORT_CUT,       /* the last byte is missing */
	REPORT_FAULTS
};

/* What the kernel does this time. */
extern struct report_kernel {
	const char *provider, *before, *after; /* generation */
	int error;                             /* of mkdir */
	int taken;                             /* so many names are taken */
	enum report_fault fault[3];            /* of each realm */
	size_t size;
} report_kernel;

/* What was written to the last report, and how many were removed. */
extern uint8_t report_challenge[65];
extern size_t report_challenge_size;
extern unsigned int report_removed;

extern char report_folder[]; /* of the test */

/* Makes the folder with all that is in it. For a group of tests, once. */
int report_prepare(void **state);
/* A kernel without faults. For each test, first. */
void report_reset(void);
/* The folder of a realm's reports. */
const char *report_of(unsigned int realm);

/* A token of that realm as the kernel would give it; its size. */
size_t report_token(unsigned int realm, enum report_fault fault, const uint8_t challenge[64],
		    uint8_t *out, size_t max);

/* Files, whole. */
void put(const char *path, const char *name, const void *data, size_t size);
size_t get(const char *path, const char *name, void *data, size_t max);

/* Allocations by malloc(3) of this thread until one fails; negative: none does. */
extern _Thread_local long report_mallocs;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);

#endif
