// SPDX-License-Identifier: BSD-3-Clause
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "csmctl.h"

/* -------------------------------------------------------------------- values */

static bool parse(const char *text, int base, uint64_t *out)
{
	char *end;

	if (!isxdigit((unsigned char)text[0])) {
		return false;
	}
	*out = strtoull(text, &end, base);
	return *end == 0 && strlen(text) <= 20;
}

bool parse_number(const char *text, uint64_t *out)
{
	return parse(text, 10, out);
}

/* Ids are printed with sixteen digits, and read with fewer; zero is nobody. */
bool parse_id(const char *text, uint64_t *out)
{
	if (strncmp(text, "0x", 2) == 0) {
		text += 2;
	}
	return strlen(text) <= 16 && parse(text, 16, out) && *out != 0;
}

bool parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMG";
	char number[24];
	size_t length = strlen(text);
	const char *unit;
	unsigned int shift = 0;

	if (length == 0 || length >= sizeof(number)) {
		return false;
	}
	memcpy(number, text, length + 1);
	unit = strchr(units, toupper((unsigned char)number[length - 1]));
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		number[length - 1] = 0;
	}
	if (!parse_number(number, out) || *out > UINT64_MAX >> shift) {
		return false;
	}
	*out <<= shift;
	return true;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool parse_hex(const char *text, uint8_t *out, size_t size)
{
	if (strlen(text) != 2 * size) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool parse_region(const char *text, uint64_t *provider, uint64_t *region)
{
	const char *colon = strchr(text, ':');
	char id[20];

	*provider = 0;
	if (!colon) {
		return parse_number(text, region) && *region != 0;
	}
	if ((size_t)(colon - text) >= sizeof(id)) {
		return false;
	}
	memcpy(id, text, (size_t)(colon - text));
	id[colon - text] = 0;
	return parse_id(id, provider) && parse_number(colon + 1, region) && *region != 0;
}

/* ------------------------------------------------------------------- options */

enum option {
	OPT_NONE,
	OPT_JSON,
	OPT_TIMEOUT,
	OPT_WRITE,
	OPT_EXEC,
	OPT_LABEL,
	OPT_TO,
	OPT_SEAL,
	OPT_COUNT,
	OPT_SIZES,
	OPT_RIM,
	OPT_REM,
	OPT_RPV,
	OPT_FOREGROUND,
	OPT_ADDRESS,
	OPT_VSOCK,
	OPT_CID,
	OPT_CHALLENGE,
	OPT_POLICY,
	OPT_ATTEST,
	OPT_VIA,
	OPT_AS,
	OPT_HELP,
	OPT_VERSION
};

static const struct {
	const char *name;
	enum option option;
	bool has_value;
} names[] = {
	{"json", OPT_JSON, false},
	{"timeout", OPT_TIMEOUT, true},
	{"write", OPT_WRITE, false},
	{"exec", OPT_EXEC, false},
	{"label", OPT_LABEL, true},
	{"to", OPT_TO, true},
	{"seal", OPT_SEAL, false},
	{"count", OPT_COUNT, true},
	{"sizes", OPT_SIZES, true},
	{"rim", OPT_RIM, true},
	{"rem", OPT_REM, true},
	{"rpv", OPT_RPV, true},
	{"help", OPT_HELP, false},
	{"version", OPT_VERSION, false},
	{"foreground", OPT_FOREGROUND, false},
	{"address", OPT_ADDRESS, true},
	{"vsock", OPT_VSOCK, false},
	{"cid", OPT_CID, true},
	{"via", OPT_VIA, true},
	{"as", OPT_AS, true},
	{"challenge", OPT_CHALLENGE, true},
	{"policy", OPT_POLICY, true},
	{"attest", OPT_ATTEST, true},
};

void options_help(FILE *to)
{
	fputs("usage: csmctl [OPTION...] COMMAND [ARGUMENT...]\n"
	      "Memory that realms share with each other and with nobody else.\n\n"
	      "  id                        this realm's id, and what there is\n"
	      "  token [FILE]              an attestation token of this realm  [--challenge "
	      "HEX|@FILE]\n"
	      "  evidence FILE             a token with what this realm shares  [--challenge "
	      "HEX|@FILE]\n"
	      "  attest REALM|NAME         verifies another realm  --policy FILE [--via DIR --as "
	      "NAME]\n"
	      "  list [REALM]              regions and attachments here, or what another realm "
	      "offers\n"
	      "  peer REALM                measurements of a realm with which there is a sharing\n"
	      "  create SIZE               a region of zeros            [--label TEXT]\n"
	      "  put FILE                  a region with a file         [--label TEXT --to "
	      "REALM... "
	      "--seal]\n"
	      "  share REGION REALM|any    grants access                [--write --exec --rim "
	      "...]\n"
	      "  revoke REGION REALM|any   takes it back\n"
	      "  seal REGION               nobody writes to it any more\n"
	      "  digest REGION             SHA-512 of a sealed region, by the RMM\n"
	      "  destroy REGION            ends an own region\n"
	      "  attach REGION             maps another realm's region  [--rim ...]\n"
	      "  detach REGION             ends that\n"
	      "  get REGION FILE           writes the file in a region to FILE (- is the output)\n"
	      "  wait REGION               the next event of a sharing\n"
	      "  watch REGION              reads it over and over until access is taken away\n"
	      "  send REGION               lines of the input as messages      [--to REALM]\n"
	      "  recv REGION               messages as lines of the output     [--to REALM]\n"
	      "  echo REGION               answers messages with themselves    [--to REALM]\n"
	      "  ping REGION               sends messages, checks the echoes   [--to REALM "
	      "--count N --sizes A-B]\n"
	      "  link up NAME REALM        a network interface to a realm      [--address A/N... "
	      "--foreground --rim ...]\n"
	      "                            sockets of AF_VSOCK instead       [--vsock --cid N]\n"
	      "  link down NAME            ends it\n"
	      "  link list                 the links of this realm\n\n"
	      "REGION is a number, or REALM:NUMBER for another realm's. REALM is an id in hex.\n\n"
	      "  --json            results and errors as JSON\n"
	      "  --timeout S       seconds to wait where something is waited for (30)\n"
	      "  --rim HEX, --rem N:HEX, --rpv HEX   what the other realm must be; N: 0 to 3\n"
	      "  --attest FILE     share, attach, get: attest the realm first, by this policy\n"
	      "  --via DIR, --as NAME   attest by files that the host carries, not over a "
	      "channel\n"
	      "  --help, --version\n\n"
	      "Status: 0 done, 1 failed, 2 used wrongly. Manual: csmctl(1).\n",
	      to);
}

static bool set_timeout(struct options *o, const char *value)
{
	uint64_t seconds;

	if (!parse_number(value, &seconds) || seconds > INT_MAX / 1000) {
		return false;
	}
	o->timeout = (int)seconds * 1000;
	return true;
}

static bool add_peer(struct options *o, const char *value)
{
	return o->num_peers < CSMCTL_PEERS && parse_id(value, &o->peers[o->num_peers++]);
}

static bool add_address(struct options *o, const char *value)
{
	return o->num_addresses < CSMCTL_ADDRESSES &&
	       tun_parse(value, &o->addresses[o->num_addresses++]);
}

static bool set_sizes(struct options *o, const char *value)
{
	char least[24];
	size_t length = strcspn(value, "-");

	if (value[length] == 0 || length >= sizeof(least)) {
		return false;
	}
	memcpy(least, value, length);
	least[length] = 0;
	return parse_size(least, &o->least) && parse_size(value + length + 1, &o->most) &&
	       o->least <= o->most;
}

/* The length says which hash it is; all hashes of a policy are of one kind. */
static bool set_hash(struct options *o, const char *value, uint8_t *out)
{
	size_t size = strlen(value) / 2;

	if ((size != 32 && size != 64) ||
	    (o->policy.hash_bits != 0 && o->policy.hash_bits != 8 * size)) {
		return false;
	}
	o->has_policy = true;
	o->policy.hash_bits = (unsigned int)(8 * size);
	return parse_hex(value, out, size);
}

static bool set_rem(struct options *o, const char *value)
{
	if (value[0] < '0' || value[0] > '3' || value[1] != ':' || o->policy.check_rem != 0) {
		return false;
	}
	o->policy.check_rem = (unsigned int)(value[0] - '0') + 1;
	return set_hash(o, value + 2, o->policy.rem);
}

static bool set_rpv(struct options *o, const char *value)
{
	o->has_policy = true;
	o->policy.check_rpv = true;
	return parse_hex(value, o->policy.rpv, sizeof(o->policy.rpv));
}

/* Options of the commands token and attest, and --attest. False: not one of them. */
static bool set_attestation(struct options *o, enum option option, const char *value)
{
	switch (option) {
	case OPT_CHALLENGE:
		o->challenge = value;
		return true;
	case OPT_ATTEST:
		o->attests = true;
		o->attest = value;
		return true;
	case OPT_POLICY:
		o->attest = value;
		return true;
	case OPT_VIA:
		o->via = value;
		return true;
	case OPT_AS:
		o->as = value;
		return true;
	default:
		return false;
	}
}

/* Options that have a value. */
static bool set_value(struct options *o, enum option option, const char *value)
{
	switch (option) {
	case OPT_TIMEOUT:
		return set_timeout(o, value);
	case OPT_LABEL:
		o->label = value;
		return true;
	case OPT_TO:
		return add_peer(o, value);
	case OPT_COUNT:
		return parse_number(value, &o->count);
	case OPT_SIZES:
		return set_sizes(o, value);
	case OPT_RIM:
		o->policy.check_rim = true;
		return set_hash(o, value, o->policy.rim);
	case OPT_REM:
		return set_rem(o, value);
	case OPT_RPV:
		return set_rpv(o, value);
	case OPT_ADDRESS:
		return add_address(o, value);
	case OPT_CID:
		return parse_number(value, &o->cid) && o->cid > 2 && o->cid < UINT32_MAX;
	default:
		return set_attestation(o, option, value);
	}
}

/* Applies one option. False: its value is invalid. */
static bool set_option(struct options *o, enum option option, const char *value)
{
	switch (option) {
	case OPT_JSON:
		o->json = true;
		return true;
	case OPT_WRITE:
		o->access |= CSM_WRITE;
		return true;
	case OPT_EXEC:
		o->access |= CSM_EXEC;
		return true;
	case OPT_SEAL:
		o->seal = true;
		return true;
	case OPT_FOREGROUND:
		o->foreground = true;
		return true;
	case OPT_VSOCK:
		o->vsock = true;
		return true;
	case OPT_HELP:
		o->command = "help";
		return true;
	case OPT_VERSION:
		o->command = "version";
		return true;
	default:
		return value && set_value(o, option, value);
	}
}

static int add_word(struct options *o, const char *word, struct io *io)
{
	if (!o->command) {
		o->command = word;
	} else if (o->num_args < CSMCTL_ARGS) {
		o->args[o->num_args++] = word;
	} else {
		return out_error(io, CSMCTL_USAGE, "too many arguments");
	}
	return 0;
}

/* A word of the command line, and where its value is, if any. */
struct word {
	enum option option;
	const char *value;
	int used; /* words */
};

/* "--name", "--name value" or "--name=value". */
static bool look_up(char **argv, struct word *word)
{
	const char *name = argv[0] + 2;
	size_t length = strcspn(name, "=");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != length || strncmp(names[i].name, name, length) != 0) {
			continue;
		}
		word->option = names[i].option;
		word->value = name[length] ? name + length + 1 : NULL;
		word->used = 1;
		if (names[i].has_value && !word->value) {
			word->value = argv[1];
			word->used = 2;
		}
		return names[i].has_value == (word->value != NULL);
	}
	return false;
}

/*
 * Parses the option at argv[0]; *used is the number of words that it takes. CSMCTL_USAGE after a
 * message.
 */
static int take_option(char **argv, struct options *o, struct io *io, int *used)
{
	struct word word = {0};

	if (!look_up(argv, &word)) {
		return out_error(io, CSMCTL_USAGE,
				 "%s: no such option, or a value too many or too few", argv[0]);
	}
	if (!set_option(o, word.option, word.value)) {
		return out_error(io, CSMCTL_USAGE, "%s: not understood", word.value);
	}
	*used = word.used;
	return 0;
}

int options_parse(int argc, char **argv, struct options *o, struct io *io)
{
	int ret = 0, used;

	*o = (struct options){
		.timeout = 30000, .access = CSM_READ, .count = 1000, .least = 64, .most = 32768};
	for (int i = 1; i < argc && ret == 0; i += used) {
		used = 1;
		if (strncmp(argv[i], "--", 2) == 0) {
			ret = take_option(argv + i, o, io, &used);
		} else {
			ret = add_word(o, argv[i], io);
		}
	}
	/* A policy for the personalization value alone needs a hash kind all the same. */
	if (o->has_policy && o->policy.hash_bits == 0) {
		o->policy.hash_bits = 256;
	}
	return ret;
}
