// SPDX-License-Identifier: BSD-3-Clause
/*
 * Between host and realm payload: where the realm's memory is, which program it runs, and what its
 * host calls mean.
 */
#ifndef PAYLOAD_PROTOCOL_H
#define PAYLOAD_PROTOCOL_H

/* The image is linked here; the rest of these 2 MiB is RAM without content at the start. */
#define REALM_RAM_BASE 0x400000
#define REALM_RAM_TOP  0x600000
#define REALM_MAX_RECS 8

/* The host's interrupt for signals of CSM: a PPI that has no other use. */
#define REALM_CSM_INTID 24

#ifndef __ASSEMBLER__

/* Immediates of host calls. */
enum realm_call {
	REALM_CALL_DONE = 1,     /* the program is over */
	REALM_CALL_PRINT = 2,    /* gprs[0]: length, gprs[1...]: text */
	REALM_CALL_FAIL = 3,     /* the same; a check failed */
	REALM_CALL_CRASH = 4,    /* the same; the realm cannot go on */
	REALM_CALL_TEST = 0x100, /* from here up: the test's own, handed to it */
};

#define REALM_TEXT_SIZE (30 * 8)

/* The programs of the payload. x0 of the first REC says which one runs, x1 to x7 are its own. */
#define REALM_PROGRAMS(X) \
	X(hello)          \
	X(echo)           \
	X(memory)         \
	X(secondary)      \
	X(spin)           \
	X(bench)          \
	X(agent)          \
	X(vectors)        \
	X(registers)      \
	X(worker)         \
	X(duplex)

#define REALM_PROGRAM_NUMBER(name) PROGRAM_##name,
enum realm_program { REALM_PROGRAMS(REALM_PROGRAM_NUMBER) PROGRAM_COUNT };

#endif
#endif
