// SPDX-License-Identifier: BSD-3-Clause
/* libcsm-attest with a relay, a peer and a memory that do what they like. */
#include "pair.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "attest/include/csm_attest.h"
#include "report.h"

static int setup(void **state)
{
	report_reset();
	assert_int_equal(chdir(report_folder), 0);
	return pair_set_up(state);
}

static void assert_nothing(const struct csm_attested *out)
{
	static const uint8_t zeros[64];

	assert_int_equal(out->realm_id, 0);
	assert_int_equal(out->hash_bits, 0);
	assert_memory_equal(out->rim, zeros, sizeof(zeros));
	assert_true(out->why[0] != '\0' && strlen(out->why) < sizeof(out->why));
}

/* ------------------------------------------------------------------- relay */

/* A relay that says what the test wants. */
struct host {
	uint8_t challenge[CSM_CHALLENGE_SIZE]; /* of the realm under test */
	long challenge_size, token_size;       /* that it says it has taken; negative: an error */
	int given[2];                          /* what giving comes to */
	uint8_t token[CSM_TOKEN_MAX];
	size_t got; /* size of the realm's token */
};

static int host_give(void *ctx, enum csm_attest_message kind, const void *data, size_t size)
{
	struct host *host = ctx;

	if (kind == CSM_ATTEST_CHALLENGE) {
		assert_int_equal(size, CSM_CHALLENGE_SIZE);
		memcpy(host->challenge, data, size);
	} else {
		host->got = size;
	}
	return host->given[kind];
}

/* The token is C's for the challenge of the realm under test, and good. */
static long host_take(void *ctx, enum csm_attest_message kind, void *data, size_t max)
{
	struct host *host = ctx;
	size_t size;

	if (kind == CSM_ATTEST_CHALLENGE) {
		assert_int_equal(max, CSM_CHALLENGE_SIZE);
		memset(data, 0x77, max);
		return host->challenge_size;
	}
	assert_int_equal(max, CSM_TOKEN_MAX);
	size = report_token(C, REPORT_GOOD, host->challenge, data, max);
	return host->token_size != 0 ? host->token_size : (long)size;
}

static int with_host(struct pair *p, struct host *host, struct csm_attested *out)
{
	const struct csm_attest_options options = {.policy = "c.json", .reports = report_of(P)};
	const struct csm_relay relay = {.give = host_give, .take = host_take, .ctx = host};

	memset(out, 0xee, sizeof(*out));
	return csm_attest_relay(p->csm[P], &relay, &options, out);
}

static void a_relay_may_say_anything(void **state)
{
	static const struct {
		struct host host;
		int ret;
		const char *why;
	} cases[] = {
		{{.given = {-EIO, 0}}, -EIO, "the challenge to the other realm: "},
		{{.challenge_size = -EAGAIN},
		 -EAGAIN,
		 "the challenge of the other realm: timed out"},
		{{.challenge_size = 0}, -EPROTO, "a challenge of 0 bytes"},
		{{.challenge_size = 63}, -EPROTO, "a challenge of 63 bytes"},
		{{.challenge_size = 1L << 40}, -EPROTO, "a challenge of 1099511627776 bytes"},
		{{.challenge_size = 64, .given = {0, -EPIPE}}, -EPIPE, "the token of this realm: "},
		{{.challenge_size = 64, .token_size = -ENOTCONN},
		 -ENOTCONN,
		 "the token of the other realm: "},
		{{.challenge_size = 64, .token_size = 1L << 40},
		 -EPROTO,
		 "a token of 1099511627776 bytes"},
		{{.challenge_size = 64, .token_size = 1}, -EKEYREJECTED, "malformed"},
		{{.challenge_size = 64, .token_size = CSM_TOKEN_MAX}, -EKEYREJECTED, "malformed"},
	};
	struct csm_attested out;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct host host = cases[i].host;

		assert_int_equal(with_host(*state, &host, &out), cases[i].ret);
		assert_nothing(&out);
		if (!strstr(out.why, cases[i].why)) {
			print_message("%s, not: %s\n", out.why, cases[i].why);
			fail();
		}
	}
}

static void a_good_relay_is_enough(void **state)
{
	struct host host = {.challenge_size = CSM_CHALLENGE_SIZE};
	struct csm_attested out;

	assert_int_equal(with_host(*state, &host, &out), 0);
	assert_int_equal(out.realm_id, fake_id(C));
	assert_int_equal(out.hash_bits, 256);
	assert_int_equal(out.rim[31], 0x11);
	assert_int_equal(out.rim[32], 0);
	assert_string_equal(out.why, "");
	assert_true(host.got > 1000);
	assert_int_equal(report_challenge[63], 0x77);
}

/* A failure of the kernel has its own words, whatever the number means elsewhere. */
static void the_kernel_may_give_no_token(void **state)
{
	struct host host = {.challenge_size = CSM_CHALLENGE_SIZE};
	struct csm_attested out;
	char folder[400];

	report_kernel.error = ENOENT;
	assert_int_equal(with_host(*state, &host, &out), -ENOENT);
	assert_non_null(strstr(out.why, "mount configfs"));
	report_kernel.error = 0;
	report_kernel.after = "9\n";
	assert_int_equal(with_host(*state, &host, &out), -EBUSY);
	assert_nothing(&out);
	memset(folder, 'a', sizeof(folder));
	folder[sizeof(folder) - 1] = '\0';
	assert_int_equal(csm_token(folder, host.challenge, host.token, 1), -ENAMETOOLONG);
}

/* ------------------------------------------------------------------- token */

static const uint8_t challenge[CSM_CHALLENGE_SIZE] = {1, 2, 3};

static void no_part_of_a_token_is_enough(void **state)
{
	uint8_t token[CSM_TOKEN_MAX];
	size_t size = report_token(C, REPORT_GOOD, challenge, token, sizeof(token));
	struct csm_attested out;

	(void)state;
	assert_int_equal(csm_verify_token("c.json", challenge, token, size, &out), 0);
	assert_int_equal(out.realm_id, fake_id(C));
	for (size_t i = 0; i < size; i += i < 64 ? 1 : 7) {
		uint8_t *part = malloc(i != 0 ? i : 1);

		memcpy(part, token, i);
		assert_int_equal(csm_verify_token("c.json", challenge, part, i, &out),
				 -EKEYREJECTED);
		assert_nothing(&out);
		free(part);
	}
}

static void no_changed_byte_of_a_token_is_taken(void **state)
{
	uint8_t token[CSM_TOKEN_MAX];
	size_t size = report_token(C, REPORT_GOOD, challenge, token, sizeof(token));
	struct csm_attested out;

	(void)state;
	for (size_t i = 0; i < size; i += 7) {
		token[i] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(csm_verify_token("c.json", challenge, token, size, &out), 0);
		assert_nothing(&out);
		token[i] ^= (uint8_t)(1 << i % 8);
	}
}

/* Allocations of jansson until one fails; negative: none does. */
static long json_left = -1;

static void *json_malloc(size_t size)
{
	if (json_left == 0) {
		return NULL;
	}
	json_left -= json_left > 0;
	return malloc(size);
}

/* Every allocation of the library, of libccatoken and of jansson fails once. */
static void memory_may_run_out(void **state)
{
	uint8_t token[CSM_TOKEN_MAX];
	size_t size = report_token(C, REPORT_GOOD, challenge, token, sizeof(token));
	struct csm_attested out;
	unsigned int failures = 0;
	int ret = -ENOMEM;

	(void)state;
	for (long n = 0; ret != 0; n++) {
		assert_in_range(n, 0, 10);
		report_mallocs = n;
		ret = csm_verify_token("c.json", challenge, token, size, &out);
		report_mallocs = -1;
		assert_true(ret == 0 || ret == -ENOMEM || ret == -EINVAL);
		failures += ret != 0;
	}
	assert_true(failures >= 2);
	json_set_alloc_funcs(json_malloc, free);
	ret = -EINVAL;
	for (json_left = 0, failures = 0; ret != 0; failures++) {
		long now = json_left;

		assert_in_range(now, 0, 1000);
		ret = csm_verify_token("c.json", challenge, token, size, &out);
		assert_true(ret == 0 || ret == -EINVAL);
		json_left = now + 1;
	}
	assert_true(failures > 10);
	json_left = -1;
	json_set_alloc_funcs(malloc, free);
}

static void memory_may_run_out_in_an_exchange(void **state)
{
	struct csm_attested out;
	int ret = -ENOMEM;

	for (long n = 0; ret != 0; n++) {
		struct host host = {.challenge_size = CSM_CHALLENGE_SIZE};

		assert_in_range(n, 0, 100);
		report_mallocs = n;
		ret = with_host(*state, &host, &out);
		report_mallocs = -1;
		assert_true(ret == 0 || ret == -ENOMEM || ret == -EINVAL || ret == -ENOENT);
	}
}

/* ----------------------------------------------------------------- channel */

/* What the peer sends: so many messages of these sizes, then the end of its channel. */
struct peer {
	struct pair *p;
	unsigned int realm;
	size_t sizes[3];
	unsigned int count;
	bool dies;    /* with its memory, before the end of its channel */
	bool is_over; /* atomic: the realm under test has returned */
	int ret;      /* of the realm under test */
	struct csm_attested out;
};

static void *attest(void *arg)
{
	struct peer *peer = arg;
	unsigned int self = 1 - peer->realm;
	const struct csm_attest_options options = {
		.policy = self == P ? "c.json" : "p.json",
		.reports = report_of(self),
		.timeout = 30000,
	};

	peer->ret = csm_attest(peer->p->csm[self], fake_id(peer->realm), &options, &peer->out);
	__atomic_store_n(&peer->is_over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The region of the attestation, from the side of the hostile realm. */
static struct csm_region *join(struct peer *peer)
{
	struct csm *csm = peer->p->csm[peer->realm];
	struct csm_region *region = NULL;

	if (peer->realm == P) {
		assert_int_equal(
			csm_create(csm, CSM_ATTEST_SIZE, csm_label(CSM_ATTEST_LABEL), 0, &region),
			0);
		assert_int_equal(csm_share(region, fake_id(C), CSM_READ | CSM_WRITE, NULL), 0);
		return region;
	}
	for (int i = 0; i < 1000 && region == NULL; i++) {
		struct csm_entry entry;
		uint64_t cursor = 0;

		if (csm_list(csm, fake_id(P), &cursor, &entry) == 1) {
			csm_attach(csm, fake_id(P), entry.region_id, NULL, 0, &region);
		}
		usleep(1000);
	}
	assert_non_null(region);
	return region;
}

static void meet(struct peer *peer)
{
	static uint8_t data[30000];
	struct csm_channel *channel = NULL;
	struct csm_region *region;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, attest, peer), 0);
	region = join(peer);
	assert_int_equal(
		csm_channel_open(region, peer->realm == P ? fake_id(C) : 0, 5000, &channel), 0);
	for (unsigned int i = 0; i < peer->count; i++) {
		assert_int_equal(csm_channel_send(channel, data, peer->sizes[i], 5000), 0);
	}
	if (peer->dies) {
		fake_kill(fake_realm(peer->p->world, peer->realm));
	}
	/* A provider that closes its channel takes the layout away: nobody could join any more. */
	for (int i = 0; !peer->dies && i < 1000; i++) {
		if (csm_channel_is_taken(channel) == 1 ||
		    __atomic_load_n(&peer->is_over, __ATOMIC_ACQUIRE)) {
			break;
		}
		usleep(10000);
	}
	csm_channel_close(channel);
	pthread_join(thread, NULL);
	csm_release(region);
	assert_int_not_equal(peer->ret, 0);
	assert_nothing(&peer->out);
}

static void a_peer_may_send_anything(void **state)
{
	static const struct {
		size_t sizes[3];
		unsigned int count;
		int ret; /* 0: any */
	} cases[] = {
		{{0}, 1, -EPROTO},
		{{63}, 1, -EPROTO},
		{{65}, 1, -EPROTO},
		{{30000}, 1, -EPROTO},
		{{64}, 1, 0},
		{{64, 0}, 2, 0},
		{{64, 1}, 2, 0},
		{{64, CSM_TOKEN_MAX}, 2, 0},
		{{64, CSM_TOKEN_MAX + 1}, 2, 0},
		{{64, 100, 30000}, 3, 0},
	};

	for (unsigned int realm = P; realm <= C; realm++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct peer peer = {.p = *state, .realm = realm, .count = cases[i].count};

			memcpy(peer.sizes, cases[i].sizes, sizeof(peer.sizes));
			meet(&peer);
			if (cases[i].ret != 0 && cases[i].ret != peer.ret) {
				print_message("realm %u, case %zu: %s\n", realm, i, peer.out.why);
				fail();
			}
		}
	}
}

static void a_peer_may_die(struct pair *p, unsigned int realm)
{
	struct peer peer = {.p = p, .realm = realm, .sizes = {64}, .count = 1, .dies = true};

	meet(&peer);
}

static void the_provider_may_die(void **state)
{
	a_peer_may_die(*state, P);
}

static void the_consumer_may_die(void **state)
{
	a_peer_may_die(*state, C);
}

/* After all that, nothing is left, and the next attestation finds no old region. */
static void a_realm_without_a_peer_gives_up(void **state)
{
	struct pair *p = *state;
	struct csm_attest_options options = {.policy = "p.json", .reports = report_of(C)};
	struct csm_region *region = pair_create(p, 4096);
	struct csm_attested out;

	/* A region of another kind is not taken for that of the peer. */
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ | CSM_WRITE, NULL), 0);
	options.timeout = 100;
	assert_int_equal(csm_attest(p->csm[C], fake_id(P), &options, &out), -EAGAIN);
	assert_nothing(&out);
	csm_release(region);
	assert_int_equal(csm_attest(p->csm[C], fake_id(C), &options, &out), -EINVAL);
	assert_int_equal(csm_attest(p->csm[C], CSM_ANY, &options, &out), -EINVAL);
	fake_fail(p->world, EIO);
	assert_int_equal(csm_attest(p->csm[C], fake_id(P), &options, &out), -EIO);
	assert_int_equal(csm_attest(p->csm[P], fake_id(C), &options, &out), -EIO);
	fake_fail(p->world, 0);
	assert_nothing(&out);
}

int main(void)
{
#define HOSTILE(name, f) {name, f, setup, pair_tear_down, NULL}
	const struct CMUnitTest tests[] = {
		HOSTILE("attest: a good relay is enough", a_good_relay_is_enough),
		HOSTILE("attest: a relay may say anything", a_relay_may_say_anything),
		HOSTILE("attest: the kernel may give no token", the_kernel_may_give_no_token),
		HOSTILE("verify: a token cut anywhere is refused", no_part_of_a_token_is_enough),
		HOSTILE("verify: a changed byte is refused", no_changed_byte_of_a_token_is_taken),
		HOSTILE("verify: memory may run out", memory_may_run_out),
		HOSTILE("attest: memory may run out", memory_may_run_out_in_an_exchange),
		HOSTILE("attest: a peer may send anything", a_peer_may_send_anything),
		HOSTILE("attest: the provider may die", the_provider_may_die),
		HOSTILE("attest: the consumer may die", the_consumer_may_die),
		HOSTILE("attest: a realm without a peer gives up", a_realm_without_a_peer_gives_up),
	};

	return cmocka_run_group_tests_name("attest_hostile", tests, report_prepare, NULL);
}
