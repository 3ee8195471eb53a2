/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcsm-attest: a realm attests another realm before it shares memory with it. Each realm sends a
 * challenge and answers the other's challenge with a token; each verifies the other's token by a
 * policy of its own, in its own memory, with libccatoken. Both realms do this at the same time.
 *
 * The conventions of libcsm.h hold. The library has no state between calls. Each call allocates a
 * fixed amount of memory (at most 512 KiB, and what OpenSSL and jansson need for one policy and
 * three signatures) and frees it before it returns.
 *
 * What carries the messages is not trusted. It can end or delay the exchange, or change a message,
 * which then fails. The verified realm id says which realm has made the token: share memory with
 * that id only.
 */
#ifndef CSM_ATTEST_H
#define CSM_ATTEST_H

#include <libcsm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CSM_CHALLENGE_SIZE 64    /* bytes */
#define CSM_TOKEN_MAX      16384 /* bytes */
#define CSM_WHY_SIZE       512   /* bytes */

/* Where the kernel's report interface is (Documentation/ABI/testing/configfs-tsm-report). */
#define CSM_REPORTS "/sys/kernel/config/tsm/report"

/* A realm whose token has been verified, or the reason why it was not. */
struct csm_attested {
	uint64_t realm_id;
	unsigned int hash_bits; /* of the RIM: 256, 384 or 512 */
	uint8_t rim[64];        /* the first hash_bits / 8 bytes; zeros follow */
	char why[CSM_WHY_SIZE]; /* after a failure: what failed; empty after success */
};

/* The functions below copy nothing of this; it must live until they return. */
struct csm_attest_options {
	/*
	 * The file of the policy for the peer, in the format of cca-verify(1). It must have a trust
	 * anchor and say which realm is expected. It must be in this realm's measured image, or
	 * come from a trusted party: whoever changes it decides which realms are accepted.
	 */
	const char *policy;
	const char *reports; /* the folder of the kernel's reports; NULL: CSM_REPORTS */
	int timeout;         /* ms, for each message of the peer; negative: no limit */
};

/*
 * Gets a token of this realm for a challenge from the kernel. Returns its size, at most `max`
 * bytes. `reports` as in struct csm_attest_options.
 *
 * -ENOENT: there is no such folder: configfs is not mounted, or arm-cca-guest is not loaded;
 * -ENODEV: the reports are not those of a realm; -EBUSY: another program used the report, try
 * again; -EFBIG: the token is longer than `max`; or an error of mkdir(2), open(2), read(2) or
 * write(2).
 */
CSM_API long csm_token(const char *reports, const uint8_t challenge[CSM_CHALLENGE_SIZE],
		       void *token, size_t max);

/* What an error of csm_token() means, as text; it needs no release. */
CSM_API const char *csm_token_strerror(int error);

/*
 * Verifies a token: signatures, trust anchor, challenge, and everything that the policy expects.
 * *out is the realm after success. After a failure it is zero except for out->why.
 *
 * -EKEYREJECTED: the token is malformed, not genuine, or of a form that is not supported; -EPERM:
 * it is genuine, but does not meet the policy, or does not answer the challenge, or it contains no
 * realm id, or the policy does not say which realm is expected; -EINVAL: the policy cannot be read
 * or has no trust anchor; -ENOMEM: memory ran out, or the crypto library failed.
 */
CSM_API int csm_verify_token(const char *policy, const uint8_t challenge[CSM_CHALLENGE_SIZE],
			     const void *token, size_t size, struct csm_attested *out);

enum csm_attest_message {
	CSM_ATTEST_CHALLENGE, /* CSM_CHALLENGE_SIZE bytes */
	CSM_ATTEST_TOKEN,     /* 1 to CSM_TOKEN_MAX bytes */
};

/* How messages get to the peer and back. */
struct csm_relay {
	/* Sends a message of this realm. 0 or a negative errno. */
	int (*give)(void *ctx, enum csm_attest_message kind, const void *data, size_t size);
	/* Waits for a message of the peer. Its size, at most `max` bytes, or a negative errno. */
	long (*take)(void *ctx, enum csm_attest_message kind, void *data, size_t max);
	void *ctx;
};

/*
 * Attests the peer of a relay. Messages are exchanged in this order: give a challenge, take one,
 * give a token, take one. This realm's own token is refused, because a relay could return it: it
 * meets every policy that this realm's image meets.
 *
 * Errors of csm_verify_token(), with -EPERM also for the own token; of csm_token(); -EPROTO: a
 * message has a wrong size; -EIO: the kernel has no random bytes; what `give` and `take` return.
 */
CSM_API int csm_attest_relay(struct csm *csm, const struct csm_relay *relay,
			     const struct csm_attest_options *options, struct csm_attested *out);

/*
 * Attests a realm whose id is known, over a channel of CSM: the host does not see the messages. The
 * realm with the smaller id creates a region of CSM_ATTEST_SIZE bytes with the label
 * CSM_ATTEST_LABEL and grants it to the other one. The region is released before the call returns.
 * A realm runs at most one such attestation with each peer at a time.
 *
 * Errors of csm_attest_relay(), with -EPERM also for a token of another realm than peer_id;
 * -EAGAIN: the peer did not run the attestation in time; -EINVAL: peer_id is this realm or
 * CSM_ANY; -ENOTCONN, -EPIPE: the peer has ended the exchange; -EPROTO: the peer has violated the
 * protocol; errors of csm_create(), csm_share(), csm_attach() and csm_list().
 */
CSM_API int csm_attest(struct csm *csm, uint64_t peer_id, const struct csm_attest_options *options,
		       struct csm_attested *out);

#define CSM_ATTEST_LABEL "attest"
#define CSM_ATTEST_SIZE  131072 /* bytes */

#ifdef __cplusplus
}
#endif

#endif
