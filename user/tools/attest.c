// SPDX-License-Identifier: BSD-3-Clause
/* Commands about attestation: token, attest; and --attest of others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "attest.h"

#define CHALLENGE_DIGITS (2 * CSM_CHALLENGE_SIZE)

/* Hexadecimal digits for 1 to 64 bytes, which zeros follow. */
static bool parse_challenge(const char *text, uint8_t out[CSM_CHALLENGE_SIZE])
{
	size_t length = strlen(text);

	memset(out, 0, CSM_CHALLENGE_SIZE);
	return length != 0 && length % 2 == 0 && length <= CHALLENGE_DIGITS &&
	       parse_hex(text, out, length / 2);
}

int take_challenge(struct tool *tool, uint8_t out[CSM_CHALLENGE_SIZE])
{
	const char *text = tool->options->challenge;
	uint8_t data[CSM_CHALLENGE_SIZE + 1];
	size_t size;
	FILE *file;

	if (text == NULL) {
		return getrandom(out, CSM_CHALLENGE_SIZE, 0) == CSM_CHALLENGE_SIZE
			       ? 0
			       : complain_file(tool->io, "getrandom", EIO);
	}
	if (text[0] != '@') {
		if (parse_challenge(text, out)) {
			return 0;
		}
		return out_error(tool->io, CSMCTL_USAGE,
				 "--challenge: not hexadecimal digits for 1 to 64 bytes");
	}
	file = fopen(text + 1, "rb");
	if (file == NULL) {
		return complain_file(tool->io, text + 1, errno);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	if (size == 0 || size > CSM_CHALLENGE_SIZE) {
		return out_error(tool->io, CSMCTL_FAILED, "%s: must hold 1 to 64 bytes", text + 1);
	}
	memset(out, 0, CSM_CHALLENGE_SIZE);
	memcpy(out, data, size);
	return 0;
}

/* To a file, or to the output. */
static int put_token(struct tool *tool, const uint8_t *token, size_t size)
{
	const char *name = tool->options->num_args == 1 ? tool->options->args[0] : "-";
	FILE *file;
	bool ok;

	if (strcmp(name, "-") == 0) {
		fwrite(token, 1, size, tool->io->out);
		return CSMCTL_OK;
	}
	file = fopen(name, "wb");
	if (file == NULL) {
		return complain_file(tool->io, name, errno);
	}
	ok = fwrite(token, 1, size, file) == size;
	if (fclose(file) != 0 || !ok) {
		return complain_file(tool->io, name, errno);
	}
	return CSMCTL_OK;
}

long take_token(const struct tool *tool, const uint8_t challenge[CSM_CHALLENGE_SIZE],
		uint8_t token[CSM_TOKEN_MAX])
{
	long size = csm_token(tool->io->reports, challenge, token, CSM_TOKEN_MAX);

	return size >= 0 ? size
			 : -out_error(tool->io, CSMCTL_FAILED, CSM_REPORTS ": %s",
				      csm_token_strerror((int)size));
}

int cmd_token(struct tool *tool)
{
	uint8_t challenge[CSM_CHALLENGE_SIZE];
	uint8_t token[CSM_TOKEN_MAX];
	long size;
	int ret = take_challenge(tool, challenge);

	if (ret != 0) {
		return ret;
	}
	size = take_token(tool, challenge, token);
	return size < 0 ? (int)-size : put_token(tool, token, (size_t)size);
}

/* What the relay's functions work with. */
struct carrier {
	const struct tool *tool;
	const char *other;
	struct relay relay;
};

/* Challenges travel as digits and a line feed. */
static int give_challenge(const struct carrier *c, const uint8_t challenge[CSM_CHALLENGE_SIZE])
{
	char digits[CHALLENGE_DIGITS + 2];

	for (size_t i = 0; i < CSM_CHALLENGE_SIZE; i++) {
		sprintf(digits + 2 * i, "%02x", challenge[i]);
	}
	digits[CHALLENGE_DIGITS] = '\n';
	return relay_give(&c->relay, c->tool->options->as, "challenge", digits,
			  CHALLENGE_DIGITS + 1);
}

/* The size of a challenge, or -CSMCTL_FAILED after a message. */
static long take_other_challenge(const struct carrier *c, uint8_t challenge[CSM_CHALLENGE_SIZE])
{
	char digits[CHALLENGE_DIGITS + 2];
	size_t got = CHALLENGE_DIGITS + 1;
	int ret = relay_take(&c->relay, c->other, "challenge", digits, &got);

	if (ret != 0) {
		return -ret;
	}
	digits[got] = '\0';
	digits[strcspn(digits, "\n")] = '\0';
	if (strlen(digits) != CHALLENGE_DIGITS || !parse_challenge(digits, challenge)) {
		return -out_error(c->relay.io, CSMCTL_FAILED,
				  "%s.challenge: must be %d digits, 0 to 9 and a to f", c->other,
				  CHALLENGE_DIGITS);
	}
	return CSM_CHALLENGE_SIZE;
}

/* The relay of csm_attest_relay(): its errors are -ECANCELED, after a message. */
static int carry_out(void *ctx, enum csm_attest_message kind, const void *data, size_t size)
{
	const struct carrier *c = ctx;
	int ret = kind == CSM_ATTEST_CHALLENGE
			  ? give_challenge(c, data)
			  : relay_give(&c->relay, c->tool->options->as, "token", data, size);

	return ret == 0 ? 0 : -ECANCELED;
}

static long carry_in(void *ctx, enum csm_attest_message kind, void *data, size_t max)
{
	const struct carrier *c = ctx;
	size_t size = max;
	long ret;

	if (kind == CSM_ATTEST_CHALLENGE) {
		ret = take_other_challenge(c, data);
	} else {
		ret = -relay_take(&c->relay, c->other, "token", data, &size);
		ret = ret == 0 ? (long)size : ret;
	}
	return ret < 0 ? -ECANCELED : ret;
}

static bool good_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strlen(name) <= 64;
}

/* The options that an attestation by a relay needs, and names that are names of files. */
static int check_options(struct tool *tool, const char *other)
{
	const struct options *o = tool->options;

	if (o->via == NULL || o->as == NULL) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "--via and --as go together: a folder, and this realm's name");
	}
	if (!good_name(other) || !good_name(o->as) || strcmp(other, o->as) == 0) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "realms need two names, of 1 to 64 characters without \"/\"");
	}
	return 0;
}

/* By files in the folder of --via. As csm_attest_relay(). */
static int attest_by_relay(struct tool *tool, const char *other,
			   const struct csm_attest_options *options, struct csm_attested *out)
{
	struct carrier carrier = {
		.tool = tool,
		.other = other,
		.relay = {.io = tool->io,
			  .folder = tool->options->via,
			  .timeout = tool->options->timeout},
	};
	const struct csm_relay relay = {.give = carry_out, .take = carry_in, .ctx = &carrier};

	return csm_attest_relay(tool->csm, &relay, options, out);
}

int attest_peer(struct tool *tool, const char *other, struct csm_attested *out)
{
	const struct options *o = tool->options;
	const struct csm_attest_options options = {
		.policy = o->attest, .reports = tool->io->reports, .timeout = o->timeout};
	uint64_t id = 0;
	int ret;

	if (o->attest == NULL) {
		return out_error(tool->io, CSMCTL_USAGE, "attestation needs a policy");
	}
	if (o->via != NULL || o->as != NULL) {
		ret = check_options(tool, other);
		if (ret != 0) {
			return ret;
		}
		ret = attest_by_relay(tool, other, &options, out);
	} else if (parse_id(other, &id)) {
		ret = csm_attest(tool->csm, id, &options, out);
	} else {
		return out_error(tool->io, CSMCTL_USAGE,
				 "%s: not a realm id; a name needs --via and --as", other);
	}
	if (ret < 0 && ret != -ECANCELED) {
		out_error(tool->io, CSMCTL_FAILED, "%s", out->why);
	}
	return ret < 0 ? CSMCTL_FAILED : CSMCTL_OK;
}

int cmd_attest(struct tool *tool)
{
	struct csm_attested found;
	int ret = attest_peer(tool, tool->options->args[0], &found);

	if (ret == 0) {
		out_begin(tool->io);
		out_id(tool->io, "realm", found.realm_id);
		out_bytes(tool->io, "rim", found.rim, found.hash_bits / 8);
		out_end(tool->io);
	}
	return ret;
}

/* RIMs of 48 bytes are of firmware that has no CSM. */
static int demand(struct tool *tool, struct options *options, const struct csm_attested *found)
{
	struct csm_policy *p = &options->policy;

	if (options->has_policy && p->check_rim) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "--attest demands the RIM that it has verified: "
				 "leave out --rim");
	}
	if (found->hash_bits != 256 && found->hash_bits != 512) {
		return out_error(tool->io, CSMCTL_FAILED,
				 "a RIM of %u bits, which CSM does not have", found->hash_bits);
	}
	options->has_policy = true;
	p->check_rim = true;
	p->hash_bits = found->hash_bits;
	memcpy(p->rim, found->rim, found->hash_bits / 8);
	return 0;
}

int attest_arguments(struct tool *tool, struct options *options, char text[48])
{
	bool is_share = strcmp(options->command, "share") == 0;
	const char *argument = options->args[is_share ? 1 : 0];
	const char *colon = is_share ? NULL : strrchr(argument, ':');
	struct csm_attested found;
	char other[65];
	int ret;

	if ((!is_share && colon == NULL) || (colon != NULL && strlen(colon) > 24)) {
		return out_error(tool->io, CSMCTL_USAGE, "%s: must be NAME:REGION with --attest",
				 argument);
	}
	snprintf(other, sizeof(other), "%.*s",
		 (int)(colon != NULL ? colon - argument : (ptrdiff_t)strlen(argument)), argument);
	ret = attest_peer(tool, other, &found);
	if (ret == 0) {
		ret = demand(tool, options, &found);
	}
	if (ret == 0) {
		snprintf(text, 48, "%016lx%s", (unsigned long)found.realm_id,
			 colon != NULL ? colon : "");
		options->args[is_share ? 1 : 0] = text;
	}
	return ret;
}
