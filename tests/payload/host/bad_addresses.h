// SPDX-License-Identifier: BSD-3-Clause
/*
 * Addresses of every sort, to be tried as every argument: what a command does not want there it
 * refuses with RMI_ERROR_INPUT, changes nothing, and shows nothing in its other results.
 */
#ifndef HOST_BAD_ADDRESSES_H
#define HOST_BAD_ADDRESSES_H

#include "realm.h"

enum bad_address {
	BAD_UNALIGNED, /* the right address plus one */
	BAD_DEVICE,
	BAD_OUTSIDE, /* beyond the CPU's physical addresses */
	BAD_SECURE,
	BAD_RMM, /* the RMM's own, in the Realm PAS */
	BAD_48,  /* 2^48 and a good address */
	BAD_UNDELEGATED,
	BAD_DELEGATED,
	BAD_RD,
	BAD_REC,
	BAD_AUX,
	BAD_RTT,
	BAD_DATA,
	BAD_ADDRESSES
};

struct bad_addresses {
	uint64_t at[BAD_ADDRESSES];
	struct realm *realm; /* NEW; owns what is at RD, REC, AUX, RTT and DATA */
};

/* A NEW realm as the suite's command tests use: 40 bits, one start table at level 0, empty. */
struct realm *realm_wide(void);
/* 512 unknown pages in a row at ipa (2 MiB aligned), folded to a block. Returns the first's PA. */
uint64_t realm_make_block(struct realm *realm, uint64_t ipa);
/* What RMI_RTT_MAP_UNPROTECTED takes. */
uint64_t ns_desc(uint64_t pa, uint64_t memattr, uint64_t s2ap);

/* A realm of its own holds one granule of every state. Taken back when the test ends. */
struct bad_addresses bad_addresses_make(void);

/*
 * Calls fid with args (x1 and up) where argument `arg` (1 is x1) is each place in turn but `good`,
 * and expects every one to be refused.
 */
void bad_addresses_refused(const struct bad_addresses *places, uint64_t fid, const uint64_t args[5],
			   unsigned arg, enum bad_address good);
/* One call that must fail with `status`, all outputs zero. */
void refused(uint64_t fid, const uint64_t args[5], uint64_t status);

#define ARGS(...)                        ((const uint64_t[5]){__VA_ARGS__})
#define expect_refused(fid, status, ...) refused((fid), ARGS(__VA_ARGS__), (status))

/* As rtt_read() reports an entry. */
struct entry {
	int64_t level;
	uint64_t state, desc, ripas;
};
struct entry rtt_read(const struct realm *realm, uint64_t ipa, int64_t level);
/* Fails unless the entry is this one. */
void expect_entry(const struct realm *realm, uint64_t ipa, int64_t level, struct entry expected);

#endif
