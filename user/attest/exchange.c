// SPDX-License-Identifier: BSD-3-Clause
/* Challenge and answer of two realms, whatever carries the messages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "attest_internal.h"

/* One exchange. Its token is first this realm's own, then the peer's. */
struct exchange {
	const struct csm_relay *relay;
	const struct csm_attest_options *options;
	struct csm_attested *out;
	uint8_t challenge[CSM_CHALLENGE_SIZE]; /* what the peer's token must answer */
	uint8_t token[CSM_TOKEN_MAX];
	size_t size;
};

/* The result of a function of the relay, with a reason if it is an error. */
static long carried(const struct exchange *e, const char *what, long ret)
{
	return ret < 0 ? csm_attest_fail(e->out, (int)ret, "%s: %s", what, csm_strerror((int)ret))
		       : ret;
}

static int give_challenge(struct exchange *e)
{
	if (getrandom(e->challenge, CSM_CHALLENGE_SIZE, 0) != CSM_CHALLENGE_SIZE) {
		return csm_attest_fail(e->out, -EIO, "the kernel has no random bytes");
	}
	return (int)carried(e, "the challenge to the other realm",
			    e->relay->give(e->relay->ctx, CSM_ATTEST_CHALLENGE, e->challenge,
					   CSM_CHALLENGE_SIZE));
}

/* Takes the peer's challenge and gives a token of this realm for it. */
static int answer(struct exchange *e)
{
	uint8_t challenge[CSM_CHALLENGE_SIZE];
	long size = carried(
		e, "the challenge of the other realm",
		e->relay->take(e->relay->ctx, CSM_ATTEST_CHALLENGE, challenge, sizeof(challenge)));

	if (size < 0) {
		return (int)size;
	}
	if (size != CSM_CHALLENGE_SIZE) {
		return csm_attest_fail(e->out, -EPROTO, "a challenge of %ld bytes, not %d", size,
				       CSM_CHALLENGE_SIZE);
	}
	size = csm_token(e->options->reports, challenge, e->token, sizeof(e->token));
	if (size < 0) {
		return csm_attest_fail(e->out, (int)size, "%s: %s",
				       e->options->reports != NULL ? e->options->reports
								   : CSM_REPORTS,
				       csm_token_strerror((int)size));
	}
	return (int)carried(
		e, "the token of this realm",
		e->relay->give(e->relay->ctx, CSM_ATTEST_TOKEN, e->token, (size_t)size));
}

static int take_token(struct exchange *e)
{
	long size = carried(
		e, "the token of the other realm",
		e->relay->take(e->relay->ctx, CSM_ATTEST_TOKEN, e->token, sizeof(e->token)));

	if (size < 0) {
		return (int)size;
	}
	if (size == 0 || (size_t)size > sizeof(e->token)) {
		return csm_attest_fail(e->out, -EPROTO, "a token of %ld bytes", size);
	}
	e->size = (size_t)size;
	return 0;
}

int csm_attest_relay(struct csm *csm, const struct csm_relay *relay,
		     const struct csm_attest_options *options, struct csm_attested *out)
{
	struct exchange *e = malloc(sizeof(*e));
	int ret;

	memset(out, 0, sizeof(*out));
	if (e == NULL) {
		return csm_attest_fail(out, -ENOMEM, "out of memory");
	}
	*e = (struct exchange){.relay = relay, .options = options, .out = out};
	ret = give_challenge(e);
	if (ret == 0) {
		ret = answer(e);
	}
	if (ret == 0) {
		ret = take_token(e);
	}
	if (ret == 0) {
		ret = csm_verify_token(options->policy, e->challenge, e->token, e->size, out);
	}
	/* A realm of the same image has the same RIM: the relay could return this realm's token. */
	if (ret == 0 && out->realm_id == csm_id(csm)) {
		memset(out, 0, sizeof(*out));
		ret = csm_attest_fail(out, -EPERM, "the token is refused: it is this realm's own");
	}
	free(e);
	return ret;
}
