// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tokens and attestation by csmctl. The folder of reports is the test's, which does what the kernel
 * does when a folder is made in it; cca-verify is a script that prints what the policy holds.
 */
#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/csm.h"
#include "abi/uapi/csm_guest.h"
#include "tools/attest.h"

#define WORDS 20
#define ID_P  "a1b2c3d4e5f60000"
#define ID_C  "a1b2c3d4e5f60001"
#define RIM_P "1010101010101010101010101010101010101010101010101010101010101010"
#define RIM_C "1111111111111111111111111111111111111111111111111111111111111111"
#define DIGITS                                                             \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);

/* What the kernel does this time. */
static struct {
	const char *provider, *before, *after; /* generation */
	int error;                             /* of mkdir */
	int taken;                             /* so many names are taken */
	size_t size;                           /* of the token; its bytes are 0xa5 */
} kernel;

static char folder[] = "/tmp/csmattestXXXXXX";

static void put(const char *path, const char *name, const void *data, size_t size)
{
	char full[600];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	file = fopen(full, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static size_t get(const char *path, const char *name, void *data, size_t max)
{
	char full[600];
	FILE *file;
	size_t size;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	file = fopen(full, "rb");
	assert_non_null(file);
	size = fread(data, 1, max, file);
	fclose(file);
	return size;
}

/* One report: its folder, and who serves its generation, a pipe with a name. */
struct served {
	char path[512];
	pthread_t thread;
};

/* One command at a time in each of two realms. */
static struct served served[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void offer(const char *path, const char *text)
{
	char full[600];
	int fd;

	snprintf(full, sizeof(full), "%s/generation", path);
	fd = open(full, O_WRONLY);
	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* The generation before, and after the challenge has been written. */
static void *serve(void *arg)
{
	const struct served *s = arg;
	struct stat st = {0};
	char full[600];

	snprintf(full, sizeof(full), "%s/inblob", s->path);
	offer(s->path, kernel.before);
	while (stat(full, &st) == 0 && st.st_size == 0) {
		usleep(1000);
	}
	offer(s->path, kernel.after);
	return NULL;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	static uint8_t token[ATTEST_TOKEN_MAX + 1];
	int ret;

	if (kernel.error != 0 || kernel.taken > 0) {
		errno = kernel.error != 0 ? kernel.error : EEXIST;
		kernel.taken--;
		return -1;
	}
	ret = __real_mkdir(path, mode);
	if (ret == 0) {
		struct served *s;
		char full[600];

		pthread_mutex_lock(&lock);
		s = &served[served[0].path[0] != '\0'];
		memset(token, 0xa5, sizeof(token));
		snprintf(s->path, sizeof(s->path), "%s", path);
		put(path, "provider", kernel.provider, strlen(kernel.provider));
		put(path, "inblob", "", 0);
		put(path, "outblob", token, kernel.size);
		snprintf(full, sizeof(full), "%s/generation", path);
		assert_int_equal(mkfifo(full, 0600), 0);
		assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
		pthread_mutex_unlock(&lock);
	}
	return ret;
}

/* A test may look at what was written before the folder goes. */
static uint8_t challenge[ATTEST_CHALLENGE_SIZE + 1];
static size_t challenge_size;
static unsigned int removed;

int __wrap_rmdir(const char *path)
{
	static const char *const names[] = {"provider", "generation", "inblob", "outblob"};
	char full[600];

	pthread_mutex_lock(&lock);
	for (int i = 0; i < 2; i++) {
		if (strcmp(served[i].path, path) == 0) {
			pthread_cancel(served[i].thread);
			pthread_join(served[i].thread, NULL);
			served[i].path[0] = '\0';
		}
	}
	challenge_size = get(path, "inblob", challenge, sizeof(challenge));
	removed++;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 4; i++) {
		snprintf(full, sizeof(full), "%s/%s", path, names[i]);
		unlink(full);
	}
	return __real_rmdir(path);
}

struct result {
	int status;
	char *out, *err;
	size_t out_size, err_size;
};

static struct result run(struct pair *p, unsigned int realm, const char *line)
{
	struct result result = {0};
	char *argv[WORDS + 1] = {"csmctl"}, *copy = strdup(line), *rest = copy, *word;
	struct io io = {.in = stdin, .reports = folder};
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
	kernel.provider = "arm_cca_guest\n";
	kernel.before = "7\n";
	kernel.after = "8\n";
	kernel.error = 0;
	kernel.taken = 0;
	kernel.size = 1000;
	removed = 0;
	return pair_set_up(state);
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
	assert_int_equal(challenge_size, ATTEST_CHALLENGE_SIZE);
	assert_int_equal(challenge[63], 0x3f);
	put(folder, "nonce", "short", 5);
	assert_int_equal(chdir(folder), 0);
	expect(*state, P, "token --challenge @nonce out.cbor", CSMCTL_OK, "", "");
	assert_int_equal(get(folder, "out.cbor", token, sizeof(token)), 1000);
	assert_memory_equal(challenge, "short\0\0", 7);
	assert_int_equal(removed, 2);
}

static void token_has_a_fresh_challenge_without_one(void **state)
{
	uint8_t first[ATTEST_CHALLENGE_SIZE];

	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	memcpy(first, challenge, sizeof(first));
	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	assert_memory_not_equal(first, challenge, sizeof(first));
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
	kernel.size = ATTEST_TOKEN_MAX + 1;
	expect(*state, P, "token", CSMCTL_FAILED, "", "longer than tokens are");
	kernel.size = ATTEST_TOKEN_MAX;
	expect(*state, P, "token", CSMCTL_OK, NULL, "");
	assert_int_equal(removed, 4);
	expect(*state, P, "token --challenge 0", CSMCTL_USAGE, "", "hexadecimal");
	expect(*state, P, "token --challenge @/nowhere", CSMCTL_FAILED, "", "No such file");
	put(folder, "long", long_one, sizeof(long_one));
	assert_int_equal(chdir(folder), 0);
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
	assert_int_equal(chdir(folder), 0);
	expect(p, P, "evidence e --challenge " DIGITS, CSMCTL_OK, "", "");
	assert_int_equal(challenge[63], 0x3f);
	assert_int_equal(get(folder, "e", data, sizeof(data)), 20 + 100 + 3 + 2 * 128);
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
	assert_int_equal(get(folder, "e", data, sizeof(data)), 20 + 100 + 3 + 128);
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

/* What cca-verify says of the token that realm P gets, and of the one that C gets. */
static void policies(const char *for_p, const char *for_c)
{
	put(folder, "p.json", for_p, strlen(for_p));
	put(folder, "c.json", for_c, strlen(for_c));
	assert_int_equal(chdir(folder), 0);
	__real_mkdir("relay", 0700);
}

static void realms_attest_each_other(void **state)
{
	struct side provider = {.line = "attest c --as p --policy p.json" RELAY};
	struct side consumer = {.line = "--json attest p --as c --policy c.json" RELAY};

	policies(ID_C " " RIM_C "\n", ID_P " " RIM_P "\n");
	run_both(*state, &provider, &consumer);
	assert_string_equal(provider.result.err, "");
	assert_string_equal(consumer.result.err, "");
	assert_string_equal(provider.result.out, "realm: " ID_C "\nrim: " RIM_C "\n");
	assert_string_equal(consumer.result.out,
			    "{\"realm\": \"" ID_P "\", \"rim\": \"" RIM_P "\"}\n");
	forget(&provider.result);
	forget(&consumer.result);
}

/* The grant and the attachment name the id that was verified, and demand its RIM. */
static void sharing_begins_with_an_attestation(void **state)
{
	struct side provider = {.line = "share 1 c --attest p.json --as p" RELAY};
	struct side consumer = {.line = "attach p:1 --attest c.json --as c --timeout 600 --via "
					"relay"};

	expect(*state, P, "create 4K", CSMCTL_OK, NULL, "");
	policies(ID_C " " RIM_C "\n", ID_P " " RIM_P "\n");
	run_both(*state, &provider, &consumer);
	assert_string_equal(provider.result.err, "");
	assert_int_equal(provider.result.status, CSMCTL_OK);
	/* Whether the grant was there in time is not the attestation's matter. */
	if (consumer.result.status != CSMCTL_OK) {
		expect(*state, C, "attach " ID_P ":1 --rim " RIM_P, CSMCTL_OK, NULL, "");
	}
	forget(&provider.result);
	forget(&consumer.result);
}

static void a_token_that_is_refused_shares_nothing(void **state)
{
	struct side provider = {.line = "share 1 c --attest p.json --as p" RELAY};
	struct side consumer = {.line = "attest p --as c --policy c.json" RELAY};

	expect(*state, P, "create 4K", CSMCTL_OK, NULL, "");
	policies("refuse\n", "garbage\n");
	run_both(*state, &provider, &consumer);
	assert_int_equal(provider.result.status, CSMCTL_FAILED);
	assert_non_null(strstr(provider.result.err, "the token is refused (cca-verify status 2)"));
	assert_int_equal(consumer.result.status, CSMCTL_FAILED);
	assert_non_null(strstr(consumer.result.err, "printed no identity"));
	forget(&provider.result);
	forget(&consumer.result);
	expect(*state, C, "attach " ID_P ":1", CSMCTL_FAILED, "", "not permitted");
}

/* All realms of one image pass each other's policy, and the host carries the tokens. */
static void the_own_token_is_refused(void **state)
{
	struct side provider = {.line = "attest c --as p --policy p.json" RELAY};
	struct side consumer = {.line = "attest p --as c --policy c.json" RELAY};

	policies(ID_P " " RIM_P "\n", ID_P " " RIM_P "\n");
	run_both(*state, &provider, &consumer);
	assert_int_equal(provider.result.status, CSMCTL_FAILED);
	assert_non_null(strstr(provider.result.err, "it is this realm's own"));
	forget(&provider.result);
	forget(&consumer.result);
}

static void what_the_host_carries_is_looked_at(void **state)
{
	static char long_token[ATTEST_TOKEN_MAX + 1];

	policies(ID_C " " RIM_C "\n", "");
	expect(*state, P, "attest c --as p --policy p.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "no relay/c.challenge within 0 s");
	put("relay", "c.challenge", "xyz\n", 4);
	expect(*state, P, "attest c --as p --policy p.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "must be 128 digits");
	put("relay", "c.challenge", long_token, 200);
	expect(*state, P, "attest c --as p --policy p.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "File too large");
	put("relay", "c.challenge", DIGITS "\n", 129);
	put("relay", "c.token", long_token, sizeof(long_token));
	expect(*state, P, "attest c --as p --policy p.json --via relay --timeout 0", CSMCTL_FAILED,
	       "", "File too large");
	expect(*state, P, "attest c --as p --policy p.json --via nowhere", CSMCTL_FAILED, "",
	       "nowhere/p.challenge: No such file");
}

/* The host can make links and pipes in the folder, also to files of the realm. */
static void what_the_host_makes_is_not_followed(void **state)
{
	char text[8] = "";

	policies(ID_C " " RIM_C "\n", "");
	put(folder, "secret", "secret", 6);
	unlink("relay/c.challenge");
	unlink("relay/p.challenge");
	assert_int_equal(symlink("../secret", "relay/c.challenge"), 0);
	assert_int_equal(symlink("../secret", "relay/p.challenge.new"), 0);
	assert_int_equal(symlink("../secret", "relay/p.challenge"), 0);
	expect(*state, P, "attest c --as p --policy p.json --via relay", CSMCTL_FAILED, "",
	       "c.challenge: Too many levels of symbolic links");
	assert_int_equal(get(folder, "secret", text, sizeof(text)), 6);
	assert_string_equal(text, "secret");
	assert_int_equal(unlink("relay/c.challenge"), 0);
	assert_int_equal(mkfifo("relay/c.challenge", 0600), 0);
	expect(*state, P, "attest c --as p --policy p.json --via relay", CSMCTL_FAILED, "",
	       "c.challenge: Invalid argument");
	assert_int_equal(unlink("relay/c.challenge"), 0);
}

static void attestation_options(void **state)
{
	expect(*state, P, "attest c", CSMCTL_USAGE, "", "needs a policy, --via and --as");
	expect(*state, P, "attest c --as c --via . --policy x", CSMCTL_USAGE, "", "two names");
	expect(*state, P, "attest ../c --as p --via . --policy x", CSMCTL_USAGE, "", "two names");
	expect(*state, P, "id --attest x", CSMCTL_USAGE, "", "id: takes no --attest");
	expect(*state, P, "attach c --attest x --via . --as p", CSMCTL_USAGE, "",
	       "must be NAME:REGION");
	expect(*state, P, "attach c:11111111111111111111111111 --attest x --via . --as p",
	       CSMCTL_USAGE, "", "must be NAME:REGION");
}

/* ------------------------------------------------------------------- main */

static const char script[] = "#!/bin/sh\n"
			     "[ \"$1 $2 $4 $6\" = '--identity --policy --challenge -' ] || exit 9\n"
			     "[ \"$(wc -c)\" -eq 1000 ] || exit 8\n"
			     "grep -q refuse \"$3\" && exit 2\n"
			     "cat \"$3\"\n";

static int prepare(void **state)
{
	char path[1200];

	(void)state;
	assert_non_null(mkdtemp(folder));
	put(folder, "cca-verify", script, sizeof(script) - 1);
	snprintf(path, sizeof(path), "%s/cca-verify", folder);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(path, sizeof(path), "%s:%s", folder, getenv("PATH"));
	return setenv("PATH", path, 1);
}

int main(void)
{
#define ATTEST(name, f) {name, f, setup, pair_tear_down, NULL}
	const struct CMUnitTest tests[] = {
		ATTEST("token: what the kernel gives", token_is_what_the_kernel_gives),
		ATTEST("token: a fresh challenge without one",
		       token_has_a_fresh_challenge_without_one),
		ATTEST("token: says what is wrong", token_says_what_is_wrong),
		ATTEST("token: takes a name that is free", token_takes_a_name_that_is_free),
		ATTEST("evidence: token and records in one file", evidence_has_token_and_records),
		ATTEST("evidence: says what is wrong", evidence_says_what_is_wrong),
		ATTEST("attest: realms attest each other", realms_attest_each_other),
		ATTEST("attest: sharing begins with it", sharing_begins_with_an_attestation),
		ATTEST("attest: a refused token shares nothing",
		       a_token_that_is_refused_shares_nothing),
		ATTEST("attest: the own token is refused", the_own_token_is_refused),
		ATTEST("attest: what the host carries is looked at",
		       what_the_host_carries_is_looked_at),
		ATTEST("attest: links and pipes of the host are not followed",
		       what_the_host_makes_is_not_followed),
		ATTEST("attest: options", attestation_options),
	};

	return cmocka_run_group_tests_name("attest", tests, prepare, NULL);
}
