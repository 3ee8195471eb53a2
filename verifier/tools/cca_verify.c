// SPDX-License-Identifier: BSD-3-Clause
/* cca-verify: checks a CCA attestation token against trust anchors and a policy. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "corim.h"
#include "policy.h"
#include "tools/ear.h"
#include "tools/pair.h"
#include "tools/report.h"

/* Exit codes; documented in cca-verify(1). */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_MISMATCH = 1,
	EXIT_INVALID = 2,
	EXIT_USAGE = 3,
	EXIT_UNIDENTIFIED = 4,
	EXIT_UNSUPPORTED = 5,
};

#define CORIMS_MAX 16u

struct options {
	bool json;
	bool realm_id_only;
	bool identity;
	bool no_anchor;
	unsigned int flags; /* of cca_token_parse() */
	const char *ear_key;
	enum ear_profile ear_profile;
	const char *challenge;
	const char *policy;
	const char *token;
	bool pair;
	const char *peer;        /* --pair: the second file */
	const char *peer_policy; /* --pair: of the second realm; NULL: the same */
	const char *anchors[CCA_POLICY_ANCHORS];
	size_t anchor_count;
	const char *corims[CORIMS_MAX];
	size_t corim_count;
	const char *corim_keys[CCA_POLICY_ANCHORS];
	size_t corim_key_count;
};

static const char usage[] =
	"usage: cca-verify [OPTION...] [FILE|-]\n"
	"       cca-verify --pair --challenge C [OPTION...] FILE FILE\n"
	"Verifies the CCA attestation token in FILE, or on standard input.\n"
	"  -a, --anchor F           public key that platform tokens are signed with: PEM, DER, "
	"JWK,\n"
	"                           JWK set or COSE_Key; repeatable\n"
	"  -c, --challenge HEX|@F   challenge the token must answer (1 to 64 bytes)\n"
	"  -p, --policy F           expectations, as JSON\n"
	"  -r, --corim F            reference values and keys, as CoRIM; repeatable\n"
	"      --corim-key F        public key that CoRIMs must be signed with; repeatable\n"
	"  -j, --json               report as JSON\n"
	"  -i, --realm-id-only      print the realm id and nothing else\n"
	"  -I, --identity           print the realm id and the RIM, and nothing else\n"
	"      --no-anchor          look at a token without a trust anchor; never a success\n"
	"      --strict             accept only what RMM specification 1.0 has\n"
	"      --platform-only      the platform's half alone, with or without a wrapping\n"
	"      --realm-only         the realm's half alone; anchors are then realm keys\n"
	"  -e, --ear KEY            report as an EAR: a JWT signed with the private key in KEY\n"
	"      --ear-profile P      ietf (default) or veraison\n"
	"  -2, --pair               what two realms share, by files of csmctl evidence\n"
	"      --peer-policy F      with --pair: expectations of the second realm\n"
	"  -h, --help               this text\n"
	"Exit: 0 verified, 1 does not match, 2 malformed or not genuine, 3 usage, file or other\n"
	"error, 4 genuine but nothing says which realm it is, 5 a form that is not supported.\n";

static const struct option long_options[] = {
	{"anchor", required_argument, NULL, 'a'},
	{"challenge", required_argument, NULL, 'c'},
	{"policy", required_argument, NULL, 'p'},
	{"corim", required_argument, NULL, 'r'},
	{"corim-key", required_argument, NULL, 'K'},
	{"json", no_argument, NULL, 'j'},
	{"realm-id-only", no_argument, NULL, 'i'},
	{"identity", no_argument, NULL, 'I'},
	{"no-anchor", no_argument, NULL, 'n'},
	{"strict", no_argument, NULL, 's'},
	{"platform-only", no_argument, NULL, 'P'},
	{"realm-only", no_argument, NULL, 'R'},
	{"pair", no_argument, NULL, '2'},
	{"peer-policy", required_argument, NULL, 'Q'},
	{"ear", required_argument, NULL, 'e'},
	{"ear-profile", required_argument, NULL, 'E'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static enum exit_code complain(const char *subject, const char *text)
{
	fprintf(stderr, "cca-verify: %s%s%s\n", subject, subject[0] != '\0' ? ": " : "", text);
	return EXIT_USAGE;
}

/* Whether all that was printed has been taken; errno says why not. Nothing is printed afterwards.
 */
static bool output_is_safe(void)
{
	bool ok = ferror(stdout) == 0;

	return fclose(stdout) == 0 && ok;
}

/* Adds a file to a list of them. False, with a message, if it is full. */
static bool add_file(const char *option, const char **list, size_t max, size_t *count)
{
	if (*count == max) {
		complain(option, "too many");
		return false;
	}
	list[(*count)++] = optarg;
	return true;
}

static bool take_ear_profile(struct options *o, const char *text)
{
	o->ear_profile = strcmp(text, "veraison") == 0 ? EAR_VERAISON : EAR_IETF;
	if (o->ear_profile == EAR_IETF && strcmp(text, "ietf") != 0) {
		complain("--ear-profile", "must be ietf or veraison");
		return false;
	}
	return true;
}

/* Options without a value. */
static bool take_flag(struct options *o, int c)
{
	switch (c) {
	case 'P':
		o->flags |= CCA_PLATFORM_ONLY;
		return true;
	case 'R':
		o->flags |= CCA_REALM_ONLY;
		return true;
	case 's':
		o->flags |= CCA_STRICT;
		return true;
	case 'j':
		o->json = true;
		return true;
	case 'i':
		o->realm_id_only = true;
		return true;
	case 'I':
		o->realm_id_only = true;
		o->identity = true;
		return true;
	case 'n':
		o->no_anchor = true;
		return true;
	case '2':
		o->pair = true;
		return true;
	default:
		return false;
	}
}

/* One option. False, with a message, if its value is not accepted. --help ends the program. */
static bool take_option(struct options *o, int c)
{
	switch (c) {
	case 'e':
		o->ear_key = optarg;
		return true;
	case 'E':
		return take_ear_profile(o, optarg);
	case 'a':
		return add_file("--anchor", o->anchors, CCA_POLICY_ANCHORS, &o->anchor_count);
	case 'K':
		return add_file("--corim-key", o->corim_keys, CCA_POLICY_ANCHORS,
				&o->corim_key_count);
	case 'c':
		o->challenge = optarg;
		return true;
	case 'p':
		o->policy = optarg;
		return true;
	case 'Q':
		o->peer_policy = optarg;
		return true;
	case 'r':
		return add_file("--corim", o->corims, CORIMS_MAX, &o->corim_count);
	case 'h':
		fputs(usage, stdout);
		exit(output_is_safe() ? 0 : (int)complain("standard output", strerror(errno)));
	default:
		return take_flag(o, c);
	}
}

/* What goes with --pair. */
static bool check_pair_options(const struct options *o, int files)
{
	if (!o->pair) {
		return o->peer_policy == NULL ||
		       complain("--peer-policy", "has a meaning with --pair only") == EXIT_GOOD;
	}
	if (files != 2) {
		complain("--pair", "takes two files");
		return false;
	}
	if (o->flags != 0 || o->realm_id_only || o->ear_key != NULL || o->no_anchor) {
		complain("--pair", "goes with --anchor, --challenge, --policy, --peer-policy, "
				   "--corim and --json, and with nothing else");
		return false;
	}
	/* Without it, lists of any time pass for those of now. */
	if (o->challenge == NULL) {
		complain("--pair", "needs a challenge that both realms have answered");
		return false;
	}
	return true;
}

/* All options and the name of the token. False, with a message, also if they do not go together. */
static bool parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "a:c:p:r:je:iI2h", long_options, NULL)) != -1) {
		if (!take_option(o, c)) {
			return false;
		}
	}
	if ((o->flags & CCA_PLATFORM_ONLY) != 0 &&
	    ((o->flags & CCA_REALM_ONLY) != 0 || o->realm_id_only)) {
		complain("--platform-only", "leaves nothing of the realm to look at");
		return false;
	}
	if (o->json + o->realm_id_only + (o->ear_key != NULL) > 1) {
		complain("", "one of --json, --ear and --realm-id-only");
		return false;
	}
	if (argc - optind > 1 && !o->pair) {
		complain("", "one token at a time");
		return false;
	}
	if (!check_pair_options(o, argc - optind)) {
		return false;
	}
	o->token = optind < argc ? argv[optind] : "-";
	o->peer = o->pair ? argv[optind + 1] : NULL;
	return true;
}

/* Reads at most `max` bytes; one more tells the caller that the file is longer. */
static bool read_file(const char *path, uint8_t *buf, size_t max, size_t *size)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "rb");
	bool ok;

	if (file == NULL) {
		complain(path, strerror(errno));
		return false;
	}
	errno = 0;
	*size = fread(buf, 1, max, file);
	ok = ferror(file) == 0;
	if (!ok) {
		complain(path, errno != 0 ? strerror(errno) : "cannot be read");
	}
	if (!is_stdin) {
		fclose(file);
	}
	return ok;
}

/* A challenge on the command line takes the place of the policy's. */
static bool load_challenge(const char *text, struct cca_policy *policy)
{
	uint8_t file[CCA_CHALLENGE_SIZE + 1];
	size_t size;

	if (text[0] != '@') {
		policy->challenge_size =
			cca_from_hex(text, policy->challenge, sizeof(policy->challenge));
		if (policy->challenge_size == 0) {
			complain("--challenge", "not hexadecimal digits for 1 to 64 bytes");
		}
		return policy->challenge_size != 0;
	}
	if (!read_file(text + 1, file, sizeof(file), &size)) {
		return false;
	}
	if (size == 0 || size > CCA_CHALLENGE_SIZE) {
		complain(text + 1, "must hold 1 to 64 bytes");
		return false;
	}
	memcpy(policy->challenge, file, size);
	policy->challenge_size = size;
	return true;
}

/* The keys that CoRIMs must be signed with; without any, CoRIMs must be unsigned. */
static struct cca_policy corim_keys;

/* Where reference values come from, for the report. */
static struct corim_source corim_sources[CORIMS_MAX];

/*
 * Adds the content of a CoRIM to the policy, after a look at its signature if there are keys. *key
 * is the name of the one that has signed, NULL for an unsigned CoRIM.
 */
static enum cca_status take_corim(struct cca_bytes data, struct cca_policy *policy,
				  const char **key, struct cca_error *err)
{
	int64_t now = (int64_t)time(NULL);
	struct cca_bytes corim = data;
	size_t which;

	*key = NULL;
	if (corim_keys.anchor_count != 0) {
		const struct cca_corim_keys keys = {corim_keys.anchor, corim_keys.anchor_count};

		if (cca_corim_verify(data, now, keys, &corim, &which, err) != CCA_OK) {
			return err->status;
		}
		*key = corim_keys.anchor_name[which];
	}
	return cca_corim_read(corim.data, corim.size, now, policy, err);
}

/* The name of a CoRIM's file takes the place of "CoRIM" as the name of its keys. */
static bool load_corim(struct corim_source *source, struct cca_policy *policy)
{
	uint8_t *data = malloc(CCA_CORIM_MAX + 1);
	size_t first = policy->anchor_count;
	struct cca_error err = {.text = "out of memory"};
	size_t size;
	bool read = data != NULL && read_file(source->file, data, CCA_CORIM_MAX + 1, &size);
	bool ok = read &&
		  take_corim((struct cca_bytes){data, size}, policy, &source->key, &err) == CCA_OK;

	free(data);
	for (size_t i = first; ok && i < policy->anchor_count; i++) {
		snprintf(policy->anchor_name[i], CCA_POLICY_NAME_SIZE, "%s", source->file);
	}
	if (!ok && (read || data == NULL)) {
		complain(source->file, err.text);
	}
	return ok;
}

/* Reads the files of --corim-key. False, with a message. */
static bool load_corim_keys(const struct options *o)
{
	struct cca_error err;

	cca_policy_init(&corim_keys);
	for (size_t i = 0; i < o->corim_key_count; i++) {
		if (!cca_policy_add_anchor_file(&corim_keys, o->corim_keys[i], &err)) {
			complain("--corim-key", err.text);
			return false;
		}
	}
	return true;
}

/*
 * The policy of all options: file, anchors, CoRIMs, challenge; path: of the file, NULL: none.
 * False, with a message, also without an anchor, unless the user wants none.
 */
static bool load_expectations(const struct options *o, const char *path, struct cca_policy *policy)
{
	struct cca_error err;

	if (!load_corim_keys(o)) {
		return false;
	}
	cca_policy_init(policy);
	if (path != NULL && !cca_policy_load(path, policy, &err)) {
		complain(path, err.text);
		return false;
	}
	for (size_t i = 0; i < o->anchor_count; i++) {
		if (!cca_policy_add_anchor_file(policy, o->anchors[i], &err)) {
			complain("--anchor", err.text);
			return false;
		}
	}
	for (size_t i = 0; i < o->corim_count; i++) {
		corim_sources[i].file = o->corims[i];
		if (!load_corim(&corim_sources[i], policy)) {
			return false;
		}
	}
	if (o->challenge != NULL && !load_challenge(o->challenge, policy)) {
		return false;
	}
	if (policy->anchor_count == 0 && !o->no_anchor) {
		complain("", "no trust anchor: give --anchor, or \"anchors\" in the policy");
		return false;
	}
	if (policy->anchor_count != 0 && o->no_anchor) {
		complain("--no-anchor", "but there are trust anchors");
		return false;
	}
	return true;
}

static void on_mismatch(void *ctx, const char *what, const char *detail)
{
	struct report *report = ctx;

	report->mismatch_count++;
	fprintf(stderr, "cca-verify: %s: %s\n", what, detail);
	if (json_array_append_new(report->mismatches,
				  json_pack("{s:s, s:s}", "what", what, "detail", detail)) != 0) {
		json_decref(report->mismatches);
		report->mismatches = NULL;
	}
}

/*
 * Reports why a token is malformed, unsupported or not genuine; the exit code for that. A failure
 * of the library is no verdict on the token, but an error of use.
 */
static enum exit_code refuse(struct report *report, const struct cca_error *err)
{
	if (err->status == CCA_FAILED) {
		return complain("", err->text);
	}
	report->result = "invalid";
	report->error = err->text;
	if (err->status == CCA_MALFORMED) {
		fprintf(stderr, "cca-verify: malformed at byte %zu: %s\n", err->offset, err->text);
	} else if (err->status == CCA_UNSUPPORTED) {
		report->result = "unsupported";
		fprintf(stderr, "cca-verify: %s\n", err->text);
		return EXIT_UNSUPPORTED;
	} else {
		report->not_genuine = true;
		fprintf(stderr, "cca-verify: not genuine: %s\n", err->text);
	}
	return EXIT_INVALID;
}

/* What the checks of a genuine token come to. Nothing here can fail. */
static enum exit_code verdict(struct report *report)
{
	if (report->mismatch_count != 0) {
		report->result = "mismatch";
		return EXIT_MISMATCH;
	}
	if (report->token->has_realm && !cca_policy_names_realm(report->policy)) {
		report->result = "unidentified";
		fprintf(stderr, "cca-verify: genuine, but nothing says which realm this is: give "
				"its \"rim\" or \"id\" in a policy\n");
		return EXIT_UNIDENTIFIED;
	}
	report->result = "ok";
	return EXIT_GOOD;
}

/* Signatures, then expectations; a token whose signatures do not hold is not looked at further. */
static enum exit_code judge(const struct cca_policy *policy, const struct cca_token *token,
			    struct report *report, struct cca_error *err)
{
	enum cca_status status;
	size_t which = 0;

	if (policy->anchor_count == 0) {
		status = cca_token_verify_realm(token, err);
	} else {
		status = cca_token_verify(token, policy->anchor, policy->anchor_count, &which, err);
	}
	if (status != CCA_OK) {
		return refuse(report, err);
	}
	report->token = token;
	report->policy = policy;
	report->anchor = policy->anchor_count != 0 ? policy->anchor_name[which] : NULL;
	if (policy->challenge_size != 0) {
		report->challenge_checked = true;
		if (cca_token_check_challenge(token, policy->challenge, policy->challenge_size,
					      err) != CCA_OK) {
			on_mismatch(report,
				    token->has_realm ? "realm.challenge" : "platform.challenge",
				    err->text);
		}
	}
	cca_policy_check(policy, token, on_mismatch, report);
	if (report->anchor != NULL) {
		cca_policy_check_anchor(policy, which, token, on_mismatch, report);
	} else {
		on_mismatch(report, "anchors",
			    token->has_platform ? "the platform signature was not checked"
						: "the realm's key was not compared");
	}
	return verdict(report);
}

static enum exit_code examine(const struct options *o, const struct cca_policy *policy,
			      struct cca_token *token, struct report *report, struct cca_error *err)
{
	static uint8_t data[CCA_TOKEN_MAX_SIZE + 1];
	size_t size;

	if (!read_file(o->token, data, sizeof(data), &size)) {
		return EXIT_USAGE;
	}
	if (cca_token_parse(data, size, o->flags, token, err) != CCA_OK) {
		return refuse(report, err);
	}
	return judge(policy, token, report, err);
}

static bool print_realm_id(const struct cca_token *token, bool with_rim)
{
	char rim[2 * CCA_HASH_MAX + 1] = "";

	if (!token->realm.has_realm_id) {
		fprintf(stderr, "cca-verify: realm.id: the token carries none\n");
		return false;
	}
	cca_to_hex(token->realm.rim, rim, sizeof(rim));
	printf("%016" PRIx64 "%s%s\n", token->realm.realm_id, with_rim ? " " : "",
	       with_rim ? rim : "");
	return true;
}

/*
 * Prints the report as a signed EAR. False, with a message; the private key does not stay in
 * memory.
 */
static bool print_ear(const struct options *o, const struct report *report)
{
	json_t *claims = ear_claims(report, o->ear_profile, (int64_t)time(NULL));
	char *text = claims != NULL ? json_dumps(claims, JSON_COMPACT) : NULL;
	uint8_t key[CCA_KEY_FILE_MAX + 1];
	struct cca_error err = {.text = "out of memory"};
	char *jwt = NULL;
	size_t size;
	bool read = text != NULL && read_file(o->ear_key, key, sizeof(key), &size);

	if (read) {
		jwt = cca_jwt_sign(key, size, text, strlen(text), &err);
	}
	if (jwt != NULL) {
		puts(jwt);
	} else if (read || text == NULL) {
		complain("--ear", err.text);
	}
	explicit_bzero(key, sizeof(key));
	free(jwt);
	free(text);
	json_decref(claims);
	return jwt != NULL;
}

/* The realm id is printed only if everything else holds. */
static enum exit_code tell(const struct options *o, const struct report *report,
			   enum exit_code code)
{
	if (code == EXIT_USAGE) {
		return code;
	}
	errno = 0;
	if (o->realm_id_only) {
		if (code == EXIT_GOOD && !print_realm_id(report->token, o->identity)) {
			code = EXIT_MISMATCH;
		}
	} else if (o->ear_key != NULL) {
		if (!print_ear(o, report)) {
			return EXIT_USAGE;
		}
	} else if (!o->json) {
		report_print(report, stdout);
	} else if (!report_print_json(report, stdout)) {
		return complain("", errno == ENOMEM ? "out of memory" : "cannot write the report");
	}
	return output_is_safe() ? code : complain("standard output", strerror(errno));
}

/* --- pairs */

/* One side of a pair, with everything that is in memory of it. */
struct party {
	uint8_t file[CCA_EVIDENCE_MAX + 1];
	struct cca_policy policy;
	struct cca_token token;
	struct report report;
	struct cca_error err;
	enum exit_code code;
};

/*
 * Reads and judges one side. EXIT_USAGE after a message; everything else is in the report of *p,
 * and side->token is set if the token is genuine.
 */
static enum exit_code read_party(const char *path, struct party *p, struct pair_side *side)
{
	enum exit_code code;
	size_t size;

	if (!read_file(path, p->file, sizeof(p->file), &size)) {
		return EXIT_USAGE;
	}
	if (cca_evidence_read(p->file, size, &side->evidence, &p->err) != CCA_OK ||
	    cca_token_parse(side->evidence.token.data, side->evidence.token.size, 0, &p->token,
			    &p->err) != CCA_OK) {
		return refuse(&p->report, &p->err);
	}
	code = judge(&p->policy, &p->token, &p->report, &p->err);
	if (p->report.token == NULL) {
		return code;
	}
	side->token = &p->token;
	switch (cca_evidence_check(&side->evidence, &p->token, &p->err)) {
	case CCA_OK:
		return code;
	case CCA_MISMATCH:
		on_mismatch(&p->report, "realm.sharings", p->err.text);
		side->evidence.count = 0;
		return EXIT_MISMATCH;
	default:
		return refuse(&p->report, &p->err);
	}
}

/* The result of the whole: that of the first side which is not good, else that of the pair. */
static enum exit_code judge_pair(struct party parties[2], const struct pair_side sides[2],
				 struct report *pair)
{
	for (size_t i = 0; i < 2; i++) {
		if (parties[i].code != EXIT_GOOD) {
			pair->result = parties[i].report.result;
			pair->error = parties[i].report.error;
			return parties[i].code;
		}
	}
	pair_check(sides, on_mismatch, pair);
	pair->result = pair->mismatch_count != 0 ? "mismatch" : "ok";
	return pair->mismatch_count != 0 ? EXIT_MISMATCH : EXIT_GOOD;
}

/* Claims of both sides, if both are genuine and their lists belong to them. */
static bool print_pair_json(const struct pair_side sides[2], const struct report *pair, bool shown)
{
	json_t *sharings = shown ? pair_sharings(sides) : json_null();
	json_t *root =
		json_pack("{s:s, s:s?, s:O, s:o, s:o, s:o}", "result", pair->result, "error",
			  pair->error, "mismatches", pair->mismatches, "first",
			  shown ? report_realm(sides[0].token) : json_null(), "second",
			  shown ? report_realm(sides[1].token) : json_null(), "sharings", sharings);
	bool ok = root != NULL && json_array_size(pair->mismatches) == pair->mismatch_count &&
		  json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;

	json_decref(root);
	return ok;
}

static void collect(struct report *pair, const struct report *side)
{
	pair->mismatch_count += side->mismatch_count;
	if (side->mismatches == NULL || pair->mismatches == NULL ||
	    json_array_extend(pair->mismatches, side->mismatches) != 0) {
		json_decref(pair->mismatches);
		pair->mismatches = NULL;
	}
}

/* Both sides, read and judged by themselves. EXIT_USAGE, or EXIT_GOOD whatever they came to. */
static enum exit_code read_parties(const struct options *o, struct party parties[2],
				   struct pair_side sides[2], struct report *pair)
{
	const char *const paths[] = {o->token, o->peer};

	for (size_t i = 0; i < 2; i++) {
		parties[i].report = (struct report){.result = "invalid"};
		parties[i].report.mismatches = json_array();
		parties[i].code = read_party(paths[i], &parties[i], &sides[i]);
		collect(pair, &parties[i].report);
		json_decref(parties[i].report.mismatches);
		if (parties[i].code == EXIT_USAGE) {
			return EXIT_USAGE;
		}
	}
	return EXIT_GOOD;
}

/* Prints the report. The exit status: code, or EXIT_USAGE after a message if it was not taken. */
static enum exit_code tell_pair(const struct options *o, const struct pair_side sides[2],
				const struct report *pair, enum exit_code code)
{
	bool genuine = sides[0].token != NULL && sides[1].token != NULL;
	bool shown = code == EXIT_GOOD || (code == EXIT_MISMATCH && genuine);

	errno = 0;
	if (!o->json) {
		if (shown) {
			pair_print(sides, stdout);
		}
		printf("result: %s\n", pair->result);
	} else if (!print_pair_json(sides, pair, shown)) {
		return complain("", errno == ENOMEM ? "out of memory" : "cannot write the report");
	}
	return output_is_safe() ? code : complain("standard output", strerror(errno));
}

/* --pair, from the policies to the report. The exit status. */
static enum exit_code run_pair(const struct options *o)
{
	static struct party parties[2];
	const char *second = o->peer_policy != NULL ? o->peer_policy : o->policy;
	struct report pair = {.result = "invalid"};
	struct pair_side sides[2] = {0};
	enum exit_code code;

	if (!load_expectations(o, o->policy, &parties[0].policy) ||
	    !load_expectations(o, second, &parties[1].policy)) {
		return EXIT_USAGE;
	}
	pair.mismatches = json_array();
	code = read_parties(o, parties, sides, &pair);
	if (code == EXIT_GOOD) {
		code = judge_pair(parties, sides, &pair);
		code = tell_pair(o, sides, &pair, code);
	}
	json_decref(pair.mismatches);
	return code;
}

/* No buffered output and no clean-up: both may need memory. */
static void out_of_memory(void)
{
	static const char text[] = "cca-verify: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
		/* There is nowhere to say it. */
	}
	_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	static struct cca_policy policy;
	static struct cca_token token;
	struct options options = {0};
	struct cca_error err = {0};
	struct report report = {.result = "invalid"};
	enum exit_code code;

	if (!cca_exit_without_memory(out_of_memory)) {
		fputs("cca-verify: the crypto library was in use before the program\n", stderr);
		return EXIT_USAGE;
	}
	if (!parse_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (options.pair) {
		return (int)run_pair(&options);
	}
	if (!load_expectations(&options, options.policy, &policy)) {
		return EXIT_USAGE;
	}
	report.corims = corim_sources;
	report.corim_count = options.corim_count;
	report.mismatches = json_array();
	code = examine(&options, &policy, &token, &report, &err);
	code = tell(&options, &report, code);
	json_decref(report.mismatches);
	return (int)code;
}
