// SPDX-License-Identifier: BSD-3-Clause
/*
 * The duplex program: realms that all share with each other, in every direction, at once. Each asks
 * first for the ids of all (host call: gprs[0] its own; answer: one in each register, and a seed
 * for random numbers in gprs[DUPLEX_SEED]), and reports in the end what succeeded how often
 * (gprs[i]: act i).
 */
#ifndef PAYLOAD_DUPLEX_H
#define PAYLOAD_DUPLEX_H

#define DUPLEX_PARTIES 3
#define DUPLEX_SEED    DUPLEX_PARTIES
#define DUPLEX_IDS     REALM_CALL_TEST
#define DUPLEX_REPORT  (REALM_CALL_TEST + 1)

#define DUPLEX_ACTS(X) \
	X(CREATE)      \
	X(SHARE)       \
	X(SHARE_ANY)   \
	X(REVOKE)      \
	X(STILL)       \
	X(SEAL)        \
	X(DESTROY)     \
	X(QUERY)       \
	X(RESERVE)     \
	X(ATTACH)      \
	X(LOAD)        \
	X(STORE)       \
	X(ABORT)       \
	X(DETACH)      \
	X(DIGEST)      \
	X(PEER)        \
	X(SIGNAL)      \
	X(TAKE)        \
	X(ENDED)       \
	X(WILD)

#define DUPLEX_NUMBER(name) ACT_##name,
enum duplex_act { DUPLEX_ACTS(DUPLEX_NUMBER) ACTS };

#endif
