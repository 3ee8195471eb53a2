/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of guesttest share. */
#ifndef GUESTTEST_H
#define GUESTTEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi/csm.h"
#include "abi/rsi.h"
#include "abi/status.h"
#include "abi/uapi/csm_guest.h"

#define PEER 0xaaaabbbbccccddddULL
#define MB   (1UL << 20)
#define LONG 60000 /* ms: what has not happened by then, on the slowest machine, never will */

extern int dev; /* /dev/csm */

/* guesttest.c: a check of the test that runs now has failed. */
void complain(int line, const char *what, int error);

#define CHECK(condition)                                       \
	do {                                                   \
		if (!(condition)) {                            \
			complain(__LINE__, #condition, errno); \
		}                                              \
	} while (0)
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

/* A region of this realm; its descriptor or -1. */
int create(size_t size, unsigned int flags, abi_u64 *id);
/* A region of the peer, attached. */
int attach(abi_u64 region);
void *map(int fd, size_t size, int prot);
struct csm_ioc_info info(void);
/* The signal that reading, or writing, a byte gives; 0: none. */
int touch(volatile char *at, bool write);

/* guesttest_status.c */
void test_seal_fails(void);
void test_provider_statuses(void);
void test_consumer_statuses(void);
void test_other_statuses(void);

#endif
