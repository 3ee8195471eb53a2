/* SPDX-License-Identifier: BSD-3-Clause */
/* csmctl: tokens of this realm, and the attestation of another one. */
#ifndef CSMCTL_ATTEST_H
#define CSMCTL_ATTEST_H

#include <sys/types.h>

#include "csmctl.h"

#define TSM_REPORTS           "/sys/kernel/config/tsm/report"
#define ATTEST_CHALLENGE_SIZE 64
#define ATTEST_TOKEN_MAX      16384
#define ATTEST_RIM_MAX        64

/*
 * tsm.c. A token of this realm for the challenge, by the stock kernel: its size, at most `max`, or
 * a negative errno, which complain_tsm() puts into words. CSMCTL_FAILED from that.
 */
ssize_t tsm_token(const struct io *io, const uint8_t challenge[ATTEST_CHALLENGE_SIZE],
		  uint8_t *token, size_t max);
int complain_tsm(struct io *io, int error);

/*
 * attest.c. The challenge of --challenge: the bytes of a file, or of digits; a fresh one without
 * it. 0, or CSMCTL_* after a message.
 */
int take_challenge(struct tool *tool, uint8_t out[ATTEST_CHALLENGE_SIZE]);

/* 64 random bytes; false if the kernel has none. */
bool fresh_challenge(uint8_t challenge[ATTEST_CHALLENGE_SIZE]);

/*
 * relay.c. Messages between realms by files in a folder that the host carries, which is not trusted
 * with them: the worst it can do is to lose or change them. They are named NAME.KIND. Complain on
 * io->err; CSMCTL_FAILED.
 */
struct relay {
	struct io *io;
	const char *folder;
	int timeout; /* ms, of relay_take() */
};

int relay_give(const struct relay *relay, const char *name, const char *kind, const void *data,
	       size_t size);
/* Waits, and removes the file. *size is at most `max` before, and what was taken after. */
int relay_take(const struct relay *relay, const char *name, const char *kind, void *data,
	       size_t *size);

/* What a realm was found to be. */
struct attested {
	uint64_t id;
	size_t rim_size; /* 32, 48 or 64 */
	uint8_t rim[ATTEST_RIM_MAX];
};

/*
 * verify.c. Runs cca-verify(1) on a token, which gets it on its standard input and writes its
 * complaints to standard error. 0, or CSMCTL_FAILED after a message.
 */
int verify_token(struct io *io, const char *policy, const uint8_t challenge[ATTEST_CHALLENGE_SIZE],
		 const uint8_t *token, size_t size, struct attested *out);

/*
 * attest.c. Challenges the realm that calls itself `other` in the folder of --via, answers its
 * challenge, and verifies its token by the policy of --attest or --policy. 0, or CSMCTL_* after a
 * message.
 */
int attest_peer(struct tool *tool, const char *other, struct attested *out);

/*
 * Replaces the name of the other realm in the arguments by the id that was verified, and demands
 * its RIM. *options is a copy of tool->options, and belongs to it afterwards. `text` has room for
 * the argument.
 */
int attest_arguments(struct tool *tool, struct options *options, char text[48]);

#endif
