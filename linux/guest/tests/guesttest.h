/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of guesttest share. */
#ifndef GUESTTEST_H
#define GUESTTEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "abi/csm.h"
#include "abi/rsi.h"
#include "abi/status.h"
#include "abi/uapi/csm_guest.h"

#define PEER 0xaaaabbbbccccddddULL
#define MB   (1UL << 20)
#define LONG 60000 /* ms: what has not happened by then, on the slowest machine, never will */

extern int dev; /* /dev/csm */

/* guesttest_lib.c */
extern char why[200]; /* the first check that failed in this test; empty: none */
/* A check of the test that runs now has failed. */
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
extern sigjmp_buf back;
/* Handler of a signal: goes on at the last sigsetjmp(back). */
void on_fault(int number);

/* Waits until a condition holds; says whether it ever did. */
#define COMES_TRUE(condition)                                  \
	({                                                     \
		int tries_ = 0;                                \
                                                               \
		while (!(condition) && tries_++ < LONG / 10) { \
			usleep(10000);                         \
		}                                              \
		tries_ <= LONG / 10;                           \
	})
long faults(void);
unsigned long free_kib(void);

/* guesttest_fs.c */
void test_fs_names(void);
void test_fs_read(void);
void test_fs_no_file(void);
void test_fs_map(void);
void test_fs_write(void);
void test_fs_own(void);
void test_fs_keep(void);
void test_fs_ended(void);
void test_fs_memory(void);
void test_fs_mount(void);

/* guesttest_pub.c */
void test_pub_file(void);
void test_pub_writing(void);
void test_pub_last_close(void);
void test_pub_names(void);
void test_pub_fails(void);

/* guesttest_kinds.c */
void test_fs_kinds(void);

/* guesttest_status.c */
/* The next call of a command (RSI_CSM_*_FID) answers this status and does nothing. */
void force(unsigned int command, unsigned int status);
void test_seal_fails(void);
void test_provider_statuses(void);
void test_consumer_statuses(void);
void test_other_statuses(void);

#endif
