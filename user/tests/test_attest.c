// SPDX-License-Identifier: BSD-3-Clause
/* Tokens and attestation by csmctl, with the kernel and the tokens of report.h. */
#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/csm.h"
#include "abi/uapi/csm_guest.h"
#include "report.h"
#include "tools/attest.h"

#define WORDS 20
#define ID_P  "a1b2c3d4e5f60000"
#define ID_C  "a1b2c3d4e5f60001"
#define ID_X  "a1b2c3d4e5f60002"
#define RIM_P "1010101010101010101010101010101010101010101010101010101010101010"
#define RIM_C "1111111111111111111111111111111111111111111111111111111111111111"
#define DIGITS                                                             \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

#define kernel report_kernel

struct result {
	int status;
	char *out, *err;
	size_t out_size, err_size;
};

static struct result run(struct pair *p, unsigned int realm, const char *line)
{
	struct result result = {0};
	char *argv[WORDS + 1] = {"csmctl"}, *copy = strdup(line), *rest = copy, *word;
	struct io io = {.in = stdin, .reports = report_of(realm)};
	int argc = 1;

	io.out = open_memstream(&result.out, &result.out_size);
	io.err = open_memstream(&result.err, &result.err_size);
	while ((word = strsep(&rest, " ")) && argc < WORDS) {
		argv[argc++] = word;
	}
	result.status = csmctl_run(argc, argv, &fake_backend, fake_realm(p->world, realm), &io);
	fclose(io.out);
	fclose(io.err);
	free(copy);
	return result;
}

static void forget(struct result *result)
{
	free(result->out);
	free(result->err);
}

/* `err` is how the complaint ends or begins, "" for none. */
static void expect(struct pair *p, unsigned int realm, const char *line, int status,
		   const char *out, const char *err)
{
	struct result r = run(p, realm, line);

	if (status != r.status || !strstr(r.err, err) || (*err == '\0' && *r.err != '\0')) {
		print_message("%s: status %d, %s", line, r.status, r.err);
		fail();
	}
	if (out) {
		assert_string_equal(r.out, out);
	}
	forget(&r);
}

static int setup(void **state)
{
	report_reset();
	assert_int_equal(chdir(report_folder), 0);
	return pair_set_up(state);
}

/* The kernel gives these bytes for a token. */
static int setup_bytes(void **state)
{
	int ret = setup(state);

	kernel.fault[P] = REPORT_BYTES;
	kernel.fault[C] = REPORT_BYTES;
	return ret;
}

/* ------------------------------------------------------------------- token */

static void token_is_what_the_kernel_gives(void **state)
{
	uint8_t token[2000];
	struct result r;

	r = run(*state, P, "token --challenge " DIGITS);
	assert_int_equal(r.status, CSMCTL_OK);
	assert_int_equal(r.out_size, 1000);
	assert_int_equal((uint8_t)r.out[999], 0xa5);
	forget(&r);
	assert_int_equal(report_challenge_size, CSM_CHALLENGE_SIZE);
	assert_int_equal(report_challenge[63], 0x3f);
	put(report_folder, "nonce", "short", 5);
	expect(*state, P, "token --challenge @nonce out.cbor", CSMCTL_OK, "", "");
	assert_int_equal(get(report_folder, "out.cbor", token, sizeof(token)), 1000);
	assert_memory_equal(report_challenge, "short\0\0", 7);
	assert_int_equal(report_removed, 2);
}

static void token_has_a_fresh_challenge_without_one(void **state)
{
	uint8_t first[CSM_CHALLENGE_SIZE];

	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	memcpy(first, report_challenge, sizeof(first));
	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	assert_memory_not_equal(first, report_challenge, sizeof(first));
}

static void token_says_what_is_wrong(void **state)
{
	static const char long_one[65];

	kernel.error = ENOENT;
	expect(*state, P, "token", CSMCTL_FAILED, "", "mount configfs");
	kernel.error = EACCES;
	expect(*state, P, "token", CSMCTL_FAILED, "", "Permission denied");
	kernel.error = 0;
	kernel.provider = "tdx_guest\n";
	expect(*state, P, "token", CSMCTL_FAILED, "", "not those of a realm");
	kernel.provider = "arm_cca_guest\n";
	kernel.after = "9\n";
	expect(*state, P, "token", CSMCTL_FAILED, "", "another program used the report");
	kernel.after = "8\n";
	kernel.size = CSM_TOKEN_MAX + 1;
	expect(*state, P, "token", CSMCTL_FAILED, "", "longer than tokens are");
	kernel.size = CSM_TOKEN_MAX;
	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	assert_int_equal(report_removed, 4);
	expect(*state, P, "token --challenge 0", CSMCTL_USAGE, "", "hexadecimal");
	expect(*state, P, "token --challenge @/nowhere", CSMCTL_FAILED, "", "No such file");
	put(report_folder, "long", long_one, sizeof(long_one));
	expect(*state, P, "token --challenge @long", CSMCTL_FAILED, "", "1 to 64 bytes");
	expect(*state, P, "token /nowhere/x", CSMCTL_FAILED, "", "No such file");
}

static void token_takes_a_name_that_is_free(void **state)
{
	kernel.taken = 3;
	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	kernel.taken = 1000;
	expect(*state, P, "token", CSMCTL_FAILED, "", "File exists");
}

/* ---------------------------------------------------------------- evidence */

static void assert_word(const uint8_t *at, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(at[i], (uint8_t)(value >> 8 * i));
	}
}

/* The file is CBOR: a name, the token, 128 bytes for each record. */
static void evidence_has_token_and_records(void **state)
{
	static const uint8_t head[] = "\x83\x6f"
				      "caec-evidence-1\x59\x00\x64";
	uint8_t data[2048], *record = data + 20 + 100 + 3;
	struct pair *p = *state;
	struct csm_region *region[2];
	uint8_t digest[64];

	pair_share(p, CSM_READ, region);
	assert_int_equal(csm_seal(region[0]), 0);
	assert_int_equal(csm_digest(region[0], digest), 0);
	kernel.size = 100;
	expect(p, P, "evidence e --challenge " DIGITS, CSMCTL_OK, "", "");
	assert_int_equal(report_challenge[63], 0x3f);
	assert_int_equal(get(report_folder, "e", data, sizeof(data)), 20 + 100 + 3 + 2 * 128);
	assert_memory_equal(data, head, 20);
	assert_int_equal(data[20], 0xa5);
	assert_memory_equal(record - 3, "\x59\x01\x00", 3);
	assert_word(record, 0x09000701);
	assert_word(record + 8, 0);
	assert_word(record + 16, csm_region_id(region[0]));
	assert_word(record + 24, 65536);
	assert_memory_equal(record + 64, digest, 64);
	assert_word(record + 128, 0x010102);
	assert_word(record + 136, fake_id(C));
	expect(p, C, "evidence e", CSMCTL_OK, "", "");
	assert_int_equal(get(report_folder, "e", data, sizeof(data)), 20 + 100 + 3 + 128);
	assert_word(record, 0x030003);
	assert_word(record + 8, fake_id(P));
	csm_release(region[1]);
	csm_release(region[0]);
}

static void evidence_says_what_is_wrong(void **state)
{
	struct csm_region *regions[9];
	struct pair *p = *state;

	expect(p, P, "evidence", CSMCTL_USAGE, "", "wrong number of arguments");
	expect(p, P, "evidence e --challenge zz", CSMCTL_USAGE, "", "--challenge");
	expect(p, P, "evidence /nonexistent/e", CSMCTL_FAILED, "", "/nonexistent/e");
	expect(p, P, "evidence /dev/full", CSMCTL_FAILED, "", "No space left");
	kernel.error = ENOENT;
	expect(p, P, "evidence e", CSMCTL_FAILED, "", "mount configfs");
	kernel.error = 0;
	fake_fail_call(p->world, CSM_IOC_RECORD, EOPNOTSUPP);
	expect(p, P, "evidence e", CSMCTL_FAILED, "", "csmctl: evidence: ");
	fake_fail_call(p->world, 0, 0);
	/* Nine regions with eight grants each: more records than a token vouches for. */
	for (unsigned int i = 0; i < COUNT(regions); i++) {
		regions[i] = pair_create(p, 4096);
		for (unsigned int g = 0; g < 8; g++) {
			assert_int_equal(csm_share(regions[i], 77 + g, CSM_READ, NULL), 0);
		}
	}
	expect(p, P, "evidence e", CSMCTL_FAILED, "", "more than 64 regions");
	for (unsigned int i = 0; i < COUNT(regions); i++) {
		csm_release(regions[i]);
	}
}

/* ------------------------------------------------------------------ attest */

struct side {
	struct pair *p;
	unsigned int realm;
	const char *line;
	struct result result;
};

static void *run_side(void *arg)
{
	struct side *side = arg;

	side->result = run(side->p, side->realm, side->line);
	return NULL;
}

/* Both lines at once; each in its realm. */
static void run_both(struct pair *p, struct side *provider, struct side *consumer)
{
	pthread_t thread;

	provider->p = p;
	consumer->p = p;
	provider->realm = P;
	consumer->realm = C;
	assert_int_equal(pthread_create(&thread, NULL, run_side, consumer), 0);
	run_side(provider);
	pthread_join(thread, NULL);
}

#define RELAY " --timeout 600 --via relay"

static void make_relay(void)
{
	__real_mkdir("relay", 0700);
}

static void forget_both(struct side *provider, struct side *consumer)
{
	forget(&provider->result);
	forget(&consumer->result);
}

/* Runs both; nothing goes wrong, and each says what it has verified. */
static void both_verify(struct pair *p, struct side *provider, struct side *consumer)
{
	run_both(p, provider, consumer);
	assert_string_equal(provider->result.err, "");
	assert_string_equal(consumer->result.err, "");
	assert_string_equal(provider->result.out, "realm: " ID_C "\nrim: " RIM_C "\n");
	assert_string_equal(consumer->result.out,
			    "{\"realm\": \"" ID_P "\", \"rim\": \"" RIM_P "\"}\n");
	forget_both(provider, consumer);
}

static void realms_attest_each_other(void **state)
{
	struct side provider = {.line = "attest c --as p --policy c.json" RELAY};
	struct side consumer = {.line = "--json attest p --as c --policy p.json" RELAY};

	make_relay();
	both_verify(*state, &provider, &consumer);
}

static void realms_attest_each_other_over_a_channel(void **state)
{
	struct side provider = {.line = "attest " ID_C " --policy c.json --timeout 600"};
	struct side consumer = {.line = "--json attest " ID_P " --policy p.json --timeout 600"};

	both_verify(*state, &provider, &consumer);
	expect(*state, P, "list", CSMCTL_OK, "", "");
	expect(*state, C, "list", CSMCTL_OK, "", "");
}

/* The grant and the attachment name the id that was verified, and demand its RIM. */
static void shares(struct pair *p, struct side *provider, struct side *consumer)
{
	expect(p, P, "create 4K", CSMCTL_OK, NULL, "");
	run_both(p, provider, consumer);
	assert_string_equal(provider->result.err, "");
	assert_int_equal(provider->result.status, CSMCTL_OK);
	assert_string_equal(consumer->result.err, "");
	assert_int_equal(consumer->result.status, CSMCTL_OK);
	forget_both(provider, consumer);
	expect(p, C, "detach " ID_P ":1", CSMCTL_OK, NULL, "");
	expect(p, P, "destroy 1", CSMCTL_OK, NULL, "");
}

static void sharing_begins_with_an_attestation(void **state)
{
	struct side provider = {.line = "share 1 c --attest c.json --as p" RELAY};
	struct side consumer = {.line = "attach p:1 --attest p.json --as c" RELAY};

	make_relay();
	shares(*state, &provider, &consumer);
}

static void sharing_begins_with_an_attestation_over_a_channel(void **state)
{
	struct side provider = {.line = "share 1 " ID_C " --attest c.json --timeout 600"};
	struct side consumer = {.line = "attach " ID_P ":1 --attest p.json --timeout 600"};

	shares(*state, &provider, &consumer);
}

/* What is wrong with the tokens of C, and what P says of it. */
static const struct refusal {
	enum report_fault fault;
	const char *why;
} refusals[] = {
	{REPORT_BYTES, "the token is refused: malformed: "},
	{REPORT_CUT, "the token is refused: malformed: "},
	{REPORT_SIGNATURE, "the token is refused: not genuine: "},
	{REPORT_CHALLENGE, "the token is refused: realm.challenge: "},
	{REPORT_NO_ID, "the token is refused: it contains no realm id"},
	{REPORT_IMAGE, "the token is refused: realm.rim: "},
};

static void refuses(struct pair *p, const char *share, const char *attest, const char *why)
{
	struct side provider = {.line = share}, consumer = {.line = attest};

	run_both(p, &provider, &consumer);
	if (provider.result.status != CSMCTL_FAILED || !strstr(provider.result.err, why)) {
		print_message("%s: %s, not: %s\n", share, provider.result.err, why);
		fail();
	}
	assert_string_equal(consumer.result.err, "");
	assert_string_equal(provider.result.out, "");
	forget_both(&provider, &consumer);
	expect(p, C, "attach " ID_P ":1", CSMCTL_FAILED, "", "not permitted");
}

static void refuses_both_ways(struct pair *p, const struct refusal *list, size_t count)
{
	make_relay();
	expect(p, P, "create 4K", CSMCTL_OK, NULL, "");
	for (size_t i = 0; i < count; i++) {
		kernel.fault[C] = list[i].fault;
		refuses(p, "share 1 c --attest c.json --as p" RELAY,
			"attest p --as c --policy p.json" RELAY, list[i].why);
		refuses(p, "share 1 " ID_C " --attest c.json --timeout 600",
			"attest " ID_P " --policy p.json --timeout 600", list[i].why);
	}
}

static void a_token_that_is_refused_shares_nothing(void **state)
{
	refuses_both_ways(*state, refusals, COUNT(refusals));
}

/* All realms of one image pass each other's policy, and the host carries the tokens. */
static void the_own_token_is_refused(void **state)
{
	static const struct refusal own = {REPORT_ID_P,
					   "the token is refused: it is this realm's own"};

	refuses_both_ways(*state, &own, 1);
}

/* What is the owner's own fault: a policy that trusts nobody, names nobody or is not there. */
static void a_policy_must_say_whom(void **state)
{
	static const char no_anchor[] = "{\"caec-policy\": 1, \"realm\": {\"rim\": \"" RIM_C "\"}}";
	static const char nobody[] = "{\"caec-policy\": 1, \"anchors\": [\"platform.pem\"]}";
	static const struct {
		const char *line, *why;
	} bad[] = {
		{"attest " ID_C " --policy none.json", "none.json: No such file"},
		{"attest " ID_C " --policy platform.pem", "platform.pem: line 1: "},
		{"attest " ID_C " --policy no-anchor.json", "no trust anchor"},
		{"attest " ID_C " --policy nobody.json", "nothing says which realm is expected"},
		{"attest " ID_C " --policy x.json", "the token is refused: realm.rim: "},
	};

	put(report_folder, "no-anchor.json", no_anchor, sizeof(no_anchor) - 1);
	put(report_folder, "nobody.json", nobody, sizeof(nobody) - 1);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct side provider = {.line = bad[i].line};
		struct side consumer = {.line = "attest " ID_P " --policy p.json"};

		run_both(*state, &provider, &consumer);
		assert_int_equal(provider.result.status, CSMCTL_FAILED);
		if (!strstr(provider.result.err, bad[i].why)) {
			print_message("%s: %s", bad[i].line, provider.result.err);
			fail();
		}
		assert_string_equal(consumer.result.err, "");
		forget_both(&provider, &consumer);
	}
}

/* A peer hands on the token of a third realm, which is of the image that the policy names. */
static void a_channel_binds_the_token_to_its_realm(void **state)
{
	struct side provider = {.line = "attest " ID_C " --policy c.json --timeout 600"};
	struct side consumer = {.line = "attest " ID_P " --policy p.json --timeout 600"};

	kernel.fault[P] = REPORT_ID_X;
	run_both(*state, &provider, &consumer);
	assert_string_equal(provider.result.err, "");
	assert_int_equal(consumer.result.status, CSMCTL_FAILED);
	assert_non_null(strstr(consumer.result.err, "it is of realm " ID_X));
	forget_both(&provider, &consumer);
}

static void what_the_host_carries_is_looked_at(void **state)
{
	static char long_token[CSM_TOKEN_MAX + 1];

	make_relay();
	expect(*state, P, "attest c --as p --policy c.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "no relay/c.challenge within 0 s");
	put("relay", "c.challenge", "xyz\n", 4);
	expect(*state, P, "attest c --as p --policy c.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "must be 128 digits");
	put("relay", "c.challenge", long_token, 200);
	expect(*state, P, "attest c --as p --policy c.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "File too large");
	put("relay", "c.challenge", DIGITS "\n", 129);
	put("relay", "c.token", long_token, sizeof(long_token));
	expect(*state, P, "attest c --as p --policy c.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "File too large");
	expect(*state, P, "attest c --as p --policy c.json --via nowhere", CSMCTL_FAILED, "",
	       "nowhere/p.challenge: No such file");
}

/* The host can make links and pipes in the folder, also to files of the realm. */
static void what_the_host_makes_is_not_followed(void **state)
{
	char text[8] = "";

	make_relay();
	put(report_folder, "secret", "secret", 6);
	unlink("relay/c.challenge");
	unlink("relay/p.challenge");
	assert_int_equal(symlink("../secret", "relay/c.challenge"), 0);
	assert_int_equal(symlink("../secret", "relay/p.challenge.new"), 0);
	assert_int_equal(symlink("../secret", "relay/p.challenge"), 0);
	expect(*state, P, "attest c --as p --policy c.json --via relay", CSMCTL_FAILED, "",
	       "c.challenge: Too many levels of symbolic links");
	assert_int_equal(get(report_folder, "secret", text, sizeof(text)), 6);
	assert_string_equal(text, "secret");
	assert_int_equal(unlink("relay/c.challenge"), 0);
	assert_int_equal(mkfifo("relay/c.challenge", 0600), 0);
	expect(*state, P, "attest c --as p --policy c.json --via relay", CSMCTL_FAILED, "",
	       "c.challenge: Invalid argument");
	assert_int_equal(unlink("relay/c.challenge"), 0);
}

static void attestation_options(void **state)
{
	expect(*state, P, "attest c", CSMCTL_USAGE, "", "needs a policy");
	expect(*state, P, "attest consumer --policy x", CSMCTL_USAGE, "", "not a realm id");
	expect(*state, P, "attest c --policy x --as p", CSMCTL_USAGE, "", "go together");
	expect(*state, P, "attest c --policy x --via .", CSMCTL_USAGE, "", "go together");
	expect(*state, P, "attest " ID_P " --policy c.json", CSMCTL_FAILED, "",
	       "name another realm");
	expect(*state, P, "attest " ID_C " --policy c.json --timeout 0", CSMCTL_FAILED, "",
	       "the challenge of the other realm: timed out");
	expect(*state, C, "attest " ID_P " --policy p.json --timeout 0", CSMCTL_FAILED, "",
	       "it has not begun an attestation with this realm");
	expect(*state, P, "attest c --as c --via . --policy x", CSMCTL_USAGE, "", "two names");
	expect(*state, P, "attest ../c --as p --via . --policy x", CSMCTL_USAGE, "", "two names");
	expect(*state, P, "id --attest x", CSMCTL_USAGE, "", "id: takes no --attest");
	expect(*state, P, "attach c --attest x --via . --as p", CSMCTL_USAGE, "",
	       "must be NAME:REGION");
	expect(*state, P, "attach c:11111111111111111111111111 --attest x --via . --as p",
	       CSMCTL_USAGE, "", "must be NAME:REGION");
}

/* ------------------------------------------------------------------- main */

int main(void)
{
#define ATTEST(name, f) {name, f, setup, pair_tear_down, NULL}
#define BYTES(name, f)  {name, f, setup_bytes, pair_tear_down, NULL}
	const struct CMUnitTest tests[] = {
		BYTES("token: what the kernel gives", token_is_what_the_kernel_gives),
		BYTES("token: a fresh challenge without one",
		      token_has_a_fresh_challenge_without_one),
		BYTES("token: says what is wrong", token_says_what_is_wrong),
		BYTES("token: takes a name that is free", token_takes_a_name_that_is_free),
		BYTES("evidence: token and records in one file", evidence_has_token_and_records),
		BYTES("evidence: says what is wrong", evidence_says_what_is_wrong),
		ATTEST("attest: realms attest each other", realms_attest_each_other),
		ATTEST("attest: sharing begins with it", sharing_begins_with_an_attestation),
		ATTEST("attest: a refused token shares nothing",
		       a_token_that_is_refused_shares_nothing),
		ATTEST("attest: the own token is refused", the_own_token_is_refused),
		ATTEST("attest: over a channel", realms_attest_each_other_over_a_channel),
		ATTEST("attest: sharing begins with it, over a channel",
		       sharing_begins_with_an_attestation_over_a_channel),
		ATTEST("attest: a policy must say whom", a_policy_must_say_whom),
		ATTEST("attest: a channel binds the token to its realm",
		       a_channel_binds_the_token_to_its_realm),
		ATTEST("attest: what the host carries is looked at",
		       what_the_host_carries_is_looked_at),
		ATTEST("attest: links and pipes of the host are not followed",
		       what_the_host_makes_is_not_followed),
		ATTEST("attest: options", attestation_options),
	};

	return cmocka_run_group_tests_name("attest", tests, report_prepare, NULL);
}
