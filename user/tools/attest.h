/* SPDX-License-Identifier: BSD-3-Clause */
/* csmctl: tokens of this realm, and the attestation of another one. */
#ifndef CSMCTL_ATTEST_H
#define CSMCTL_ATTEST_H

#include "attest/include/csm_attest.h"
#include "csmctl.h"

/*
 * attest.c. A token of this realm for the challenge, in a buffer of CSM_TOKEN_MAX bytes: its size,
 * or -CSMCTL_FAILED after a message.
 */
long take_token(const struct tool *tool, const uint8_t challenge[CSM_CHALLENGE_SIZE],
		uint8_t token[CSM_TOKEN_MAX]);

/*
 * attest.c. The challenge of --challenge: the bytes of a file, or of digits; a fresh one without
 * it. 0, or CSMCTL_* after a message.
 */
int take_challenge(struct tool *tool, uint8_t out[CSM_CHALLENGE_SIZE]);

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

/*
 * attest.c. Attests another realm by the policy of --attest or --policy: the realm that calls
 * itself `other` in the folder of --via, or without --via the realm with the id `other`, over a
 * channel.
 * 0, or CSMCTL_* after a message.
 */
int attest_peer(struct tool *tool, const char *other, struct csm_attested *out);

/*
 * Replaces the name of the other realm in the arguments by the id that was verified, and demands
 * its RIM. *options is a copy of tool->options, and belongs to it afterwards. `text` has room for
 * the argument.
 */
int attest_arguments(struct tool *tool, struct options *options, char text[48]);

#endif
