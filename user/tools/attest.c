// SPDX-License-Identifier: BSD-3-Clause
/* Commands about attestation: token, attest; and --attest of others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"

#define CHALLENGE_DIGITS (2 * ATTEST_CHALLENGE_SIZE)

/* Hexadecimal digits for 1 to 64 bytes, which zeros follow. */
static bool parse_challenge(const char *text, uint8_t out[ATTEST_CHALLENGE_SIZE])
{
	size_t length = strlen(text);

	memset(out, 0, ATTEST_CHALLENGE_SIZE);
	return length != 0 && length % 2 == 0 && length <= CHALLENGE_DIGITS &&
	       parse_hex(text, out, length / 2);
}

int take_challenge(struct tool *tool, uint8_t out[ATTEST_CHALLENGE_SIZE])
{
	const char *text = tool->options->challenge;
	uint8_t data[ATTEST_CHALLENGE_SIZE + 1];
	size_t size;
	FILE *file;

	if (text == NULL) {
		return fresh_challenge(out) ? 0 : complain_file(tool->io, "getrandom", EIO);
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
	if (size == 0 || size > ATTEST_CHALLENGE_SIZE) {
		return out_error(tool->io, CSMCTL_FAILED, "%s: must hold 1 to 64 bytes", text + 1);
	}
	memset(out, 0, ATTEST_CHALLENGE_SIZE);
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

int cmd_token(struct tool *tool)
{
	uint8_t challenge[ATTEST_CHALLENGE_SIZE];
	uint8_t token[ATTEST_TOKEN_MAX];
	ssize_t size;
	int ret = take_challenge(tool, challenge);

	if (ret != 0) {
		return ret;
	}
	size = tsm_token(tool->io, challenge, token, sizeof(token));
	return size < 0 ? complain_tsm(tool->io, (int)size) : put_token(tool, token, (size_t)size);
}

/* Challenges travel as digits and a line feed. */
static int give_challenge(const struct tool *tool, const struct relay *relay,
			  const uint8_t challenge[ATTEST_CHALLENGE_SIZE])
{
	char digits[CHALLENGE_DIGITS + 2];

	for (size_t i = 0; i < ATTEST_CHALLENGE_SIZE; i++) {
		sprintf(digits + 2 * i, "%02x", challenge[i]);
	}
	digits[CHALLENGE_DIGITS] = '\n';
	return relay_give(relay, tool->options->as, "challenge", digits, CHALLENGE_DIGITS + 1);
}

/* Waits for the other's challenge and answers it with a token of this realm. */
static int answer(const struct tool *tool, const struct relay *relay, const char *other)
{
	uint8_t challenge[ATTEST_CHALLENGE_SIZE];
	uint8_t token[ATTEST_TOKEN_MAX];
	char digits[CHALLENGE_DIGITS + 2];
	size_t got = CHALLENGE_DIGITS + 1;
	ssize_t size;
	int ret = relay_take(relay, other, "challenge", digits, &got);

	if (ret != 0) {
		return ret;
	}
	digits[got] = '\0';
	digits[strcspn(digits, "\n")] = '\0';
	if (strlen(digits) != CHALLENGE_DIGITS || !parse_challenge(digits, challenge)) {
		return out_error(tool->io, CSMCTL_FAILED,
				 "%s.challenge: must be %d digits, 0 to 9 and a to f", other,
				 CHALLENGE_DIGITS);
	}
	size = tsm_token(tool->io, challenge, token, sizeof(token));
	return size < 0 ? complain_tsm(tool->io, (int)size)
			: relay_give(relay, tool->options->as, "token", token, (size_t)size);
}

static bool good_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strlen(name) <= 64;
}

/* The options that an attestation needs, and names that are names of files. */
static int check_options(struct tool *tool, const char *other)
{
	const struct options *o = tool->options;

	if (o->attest == NULL || o->via == NULL || o->as == NULL) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "attestation needs a policy, --via and --as");
	}
	if (!good_name(other) || !good_name(o->as) || strcmp(other, o->as) == 0) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "realms need two names, of 1 to 64 characters without \"/\"");
	}
	return 0;
}

int attest_peer(struct tool *tool, const char *other, struct attested *out)
{
	uint8_t challenge[ATTEST_CHALLENGE_SIZE];
	uint8_t token[ATTEST_TOKEN_MAX];
	const struct options *o = tool->options;
	const struct relay relay = {.io = tool->io, .folder = o->via, .timeout = o->timeout};
	size_t size = sizeof(token);
	int ret = check_options(tool, other);

	if (ret != 0) {
		return ret;
	}
	if (!fresh_challenge(challenge)) {
		return complain_file(tool->io, "getrandom", EIO);
	}
	ret = give_challenge(tool, &relay, challenge);
	if (ret == 0) {
		ret = answer(tool, &relay, other);
	}
	if (ret == 0) {
		ret = relay_take(&relay, other, "token", token, &size);
	}
	if (ret == 0) {
		ret = verify_token(tool->io, o->attest, challenge, token, size, out);
	}
	/* A realm of the same image has the same RIM: the host could hand back our own token. */
	if (ret == 0 && out->id == csm_id(tool->csm)) {
		ret = out_error(tool->io, CSMCTL_FAILED,
				"the token is refused: it is this realm's own");
	}
	return ret;
}

int cmd_attest(struct tool *tool)
{
	struct attested found;
	int ret = attest_peer(tool, tool->options->args[0], &found);

	if (ret == 0) {
		out_begin(tool->io);
		out_id(tool->io, "realm", found.id);
		out_bytes(tool->io, "rim", found.rim, found.rim_size);
		out_end(tool->io);
	}
	return ret;
}

/* RIMs of 48 bytes are of firmware that has no CSM. */
static int demand(struct tool *tool, struct options *options, const struct attested *found)
{
	struct csm_policy *p = &options->policy;

	if (options->has_policy && p->check_rim) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "--attest demands the RIM that it has verified: "
				 "leave out --rim");
	}
	if (found->rim_size != 32 && found->rim_size != 64) {
		return out_error(tool->io, CSMCTL_FAILED,
				 "a RIM of %zu bytes, which CSM does not have", found->rim_size);
	}
	options->has_policy = true;
	p->check_rim = true;
	p->hash_bits = (unsigned int)found->rim_size * 8;
	memcpy(p->rim, found->rim, found->rim_size);
	return 0;
}

int attest_arguments(struct tool *tool, struct options *options, char text[48])
{
	bool is_share = strcmp(options->command, "share") == 0;
	const char *argument = options->args[is_share ? 1 : 0];
	const char *colon = is_share ? NULL : strrchr(argument, ':');
	struct attested found;
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
		snprintf(text, 48, "%016lx%s", (unsigned long)found.id, colon != NULL ? colon : "");
		options->args[is_share ? 1 : 0] = text;
	}
	return ret;
}
