/* SPDX-License-Identifier: BSD-3-Clause */
/* csmctl: what its files share. Tests run csmctl_run() with realms of their own. */
#ifndef CSMCTL_H
#define CSMCTL_H

#include <stdio.h>

#include "libcsm/backend.h"
#include "link/tun.h"

#define CSMCTL_OK     0
#define CSMCTL_FAILED 1
#define CSMCTL_USAGE  2

#define CSMCTL_ARGS      8 /* after the command */
#define CSMCTL_PEERS     16
#define CSMCTL_ADDRESSES 4

/* What the command line says. */
struct options {
	const char *command;
	const char *args[CSMCTL_ARGS];
	int num_args;
	bool json;
	int timeout; /* ms */
	unsigned int access;
	const char *label;
	uint64_t peers[CSMCTL_PEERS]; /* --to */
	int num_peers;
	bool seal;
	uint64_t count, least, most; /* ping */
	bool has_policy;
	struct csm_policy policy;
	bool foreground; /* link up */
	struct tun_address addresses[CSMCTL_ADDRESSES];
	int num_addresses;
	bool vsock;            /* link up: sockets of AF_VSOCK instead of an interface */
	uint64_t cid;          /* --cid; 0: by the peer's id */
	const char *challenge; /* --challenge: digits, or @ and a file */
	const char *attest;    /* --attest, --policy: file of cca-verify(1) */
	const char *via, *as;  /* folder that the host carries, name of this realm in it; or NULL */
	bool attests;          /* --attest: another command begins with an attestation */
};

/* Where it reads and writes. */
struct io {
	FILE *in, *out, *err;
	bool json;
	int depth;           /* of the JSON text */
	bool comma;          /* before the next item */
	int error;           /* errno of the first output that failed */
	const char *reports; /* folder of the kernel's reports; NULL: where it is */
};

struct tool {
	struct csm *csm; /* NULL: not open */
	const struct csm_backend *backend;
	void *ctx;
	const struct options *options;
	struct io *io;
};

/* Runs one command; CSMCTL_*. */
int csmctl_run(int argc, char **argv, const struct csm_backend *backend, void *ctx, struct io *io);

/* options.c: 0, or CSMCTL_USAGE with a message on io->err. */
int options_parse(int argc, char **argv, struct options *options, struct io *io);
void options_help(FILE *to);
bool parse_id(const char *text, uint64_t *out);
bool parse_number(const char *text, uint64_t *out);
bool parse_size(const char *text, uint64_t *out);
bool parse_hex(const char *text, uint8_t *out, size_t size);
/* "7", or "a1b2...:7" for another realm's; provider 0: own. */
bool parse_region(const char *text, uint64_t *provider, uint64_t *region);

/*
 * output.c. A command's result is one object, or a list of them; as JSON, or as "name: value" lines
 * and rows. Keys appear as given in both.
 */
void out_begin(struct io *io);
void out_end(struct io *io);
void out_list_begin(struct io *io, const char *key);
void out_list_end(struct io *io);
void out_text(struct io *io, const char *key, const char *value);
void out_number(struct io *io, const char *key, uint64_t value);
void out_id(struct io *io, const char *key, uint64_t value);
void out_flag(struct io *io, const char *key, bool value);
void out_bytes(struct io *io, const char *key, const uint8_t *value, size_t size);
void out_region(struct io *io, struct csm_region *region);
/* Three decimals. */
void out_decimal(struct io *io, const char *key, double value);
/* CSM_READ, CSM_WRITE and CSM_EXEC, under the key "permissions". */
void out_permissions(struct io *io, unsigned int permissions);
/* A list of words: between begin and end only out_word(). */
void out_words_begin(struct io *io, const char *key);
void out_word(struct io *io, const char *word);
void out_words_end(struct io *io);
/*
 * An error, on io->err: "csmctl: MESSAGE", or {"error": "MESSAGE", "status": STATUS} with --json.
 * Returns status, CSMCTL_FAILED or CSMCTL_USAGE. The message has at most 511 bytes.
 */
int out_error(struct io *io, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for what is no error: {"notice": "MESSAGE"} with --json. */
void out_notice(struct io *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* out_error() with "what: why"; CSMCTL_FAILED. */
int complain(struct io *io, const char *what, int result);
/* The same for a file: the system's word for what happened to it. */
int complain_file(struct io *io, const char *name, int error);
/* CSMCTL_OK, or CSMCTL_FAILED after a message if not all of the output could be written. */
int out_check(struct io *io);

/* Commands; CSMCTL_*. */
int cmd_id(struct tool *tool);
int cmd_list(struct tool *tool);
int cmd_peer(struct tool *tool);
int cmd_create(struct tool *tool);
int cmd_share(struct tool *tool);
int cmd_revoke(struct tool *tool);
int cmd_seal(struct tool *tool);
int cmd_digest(struct tool *tool);
int cmd_destroy(struct tool *tool);
int cmd_attach(struct tool *tool);
int cmd_detach(struct tool *tool);
int cmd_wait(struct tool *tool);
int cmd_watch(struct tool *tool);
int cmd_put(struct tool *tool);
int cmd_get(struct tool *tool);
int cmd_send(struct tool *tool);
int cmd_recv(struct tool *tool);
int cmd_echo(struct tool *tool);
int cmd_ping(struct tool *tool);
int cmd_link(struct tool *tool);

/* Opens the device for a command that does so itself. 0, or CSMCTL_* after a message. */
int tool_open(struct tool *tool);
int cmd_token(struct tool *tool);
int cmd_attest(struct tool *tool);
int cmd_evidence(struct tool *tool);

/*
 * The region of the first argument: own ones are found, others attached, with the policy of the
 * command line. 0, or CSMCTL_* after a message.
 */
int open_region(struct tool *tool, unsigned int flags, struct csm_region **out);

/*
 * Makes a region stay after the command, once its user has been told of it. CSMCTL_FAILED after a
 * message, or a negative errno: it ends with the command.
 */
int keep_known(struct tool *tool, struct csm_region *region);

#endif
