// SPDX-License-Identifier: BSD-3-Clause
/* Tokens: what is in them, that the work can stop anywhere, and that nothing is left of it. */
#define _GNU_SOURCE /* memmem() */
#include "attest/token_check.h"

static struct rec_pages rec;

/* Begins and makes one; checks it. */
static void make_and_check(uint8_t hash_algo, uint8_t seed, size_t piece)
{
	static uint8_t token[TOKEN_MAX];
	struct sample sample;
	size_t announced;
	size_t size;

	sample_fill(&sample, hash_algo, seed);
	assert_true(attest_begin(rec.list, &sample.claims, &announced));
	run_to_ready(&rec);
	size = read_token(&rec, token, piece);
	assert_int_equal(size, announced);
	check_token(token, size, &sample);
	pages_assert_zero(&rec);
}

static void contents(void **state)
{
	(void)state;
	pages_prepare(&rec);
	make_and_check(RMI_HASH_SHA_256, 1, TOKEN_MAX);
	make_and_check(RMI_HASH_SHA_512, 2, TOKEN_MAX);
}

/* The heads of both entries of the outer map, with either tag. */
static void wrapped_with_either_tag(void **state)
{
	uint8_t head[ATTEST_HEAD_MAX];

	(void)state;
	assert_int_equal(attest_entry_head(head, 399, true, 44234, 1200), 10);
	assert_memory_equal(head, "\xd9\x01\x8f\xa2\x19\xac\xca\x59\x04\xb0", 10);
	assert_int_equal(attest_entry_head(head, 399, false, 44241, 700), 6);
	assert_memory_equal(head, "\x19\xac\xd1\x59\x02\xbc", 6);
	assert_int_equal(attest_entry_head(head, 907, true, 44234, 1200), 14);
	assert_memory_equal(head, "\xd9\x03\x8b\xa2\x19\xac\xca\x82\x19\x01\x07\x59\x04\xb0", 14);
	assert_int_equal(attest_entry_head(head, 907, false, 44241, 700), 10);
	assert_memory_equal(head, "\x19\xac\xd1\x82\x19\x01\x07\x59\x02\xbc", 10);
}

static void a_bit_more_is_no_signature(void **state)
{
	static uint8_t token[TOKEN_MAX];
	struct sample sample;
	size_t size;

	(void)state;
	pages_prepare(&rec);
	sample_fill(&sample, RMI_HASH_SHA_256, 3);
	assert_true(attest_begin(rec.list, &sample.claims, &size));
	run_to_ready(&rec);
	read_token(&rec, token, TOKEN_MAX);

	const uint8_t *key = attest_platform()->public_key;
	uint8_t *payload = token + size - 96 - 2 - 604;

	assert_true(signature_holds(key, payload, 604, token + size - 96));
	payload[603] ^= 1;
	assert_false(signature_holds(key, payload, 604, token + size - 96));
	payload[603] ^= 1;
	token[size - 1] ^= 1;
	assert_false(signature_holds(key, payload, 604, token + size - 96));
}

static void in_pieces(void **state)
{
	static const size_t pieces[] = {1,    2,    7,    9,    10,   11,  100,
					1527, 1528, 1529, 2246, 2247, 2248};

	(void)state;
	pages_prepare(&rec);
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		make_and_check(i % 2 == 0 ? RMI_HASH_SHA_256 : RMI_HASH_SHA_512, (uint8_t)i,
			       pieces[i]);
	}
}

/* Bytes that were looked at but could not be delivered come again; none is lost or doubled. */
static void peek_again(void **state)
{
	uint8_t first[300];
	uint8_t again[300];
	struct sample sample;
	size_t size;
	bool last;

	(void)state;
	pages_prepare(&rec);
	sample_fill(&sample, RMI_HASH_SHA_256, 4);
	assert_true(attest_begin(rec.list, &sample.claims, &size));
	run_to_ready(&rec);
	assert_int_equal(attest_peek(rec.list, first, 0), 0);
	attest_taken(rec.list, 0, &last);
	assert_false(last);
	for (size_t done = 0; done < size;) {
		size_t count = attest_peek(rec.list, first, sizeof(first));

		assert_int_equal(attest_peek(rec.list, again, sizeof(again)), count);
		assert_memory_equal(first, again, count);
		attest_taken(rec.list, count, &last);
		done += count;
		assert_int_equal(last, done == size);
	}
	assert_int_equal(attest_step(rec.list), ATTEST_NONE);
}

static void nothing_begun(void **state)
{
	(void)state;
	pages_prepare(&rec);
	assert_int_equal(attest_step(rec.list), ATTEST_NONE);
	pages_assert_zero(&rec);
	ASSERT_STOPS("panic token.c", attest_peek(rec.list, &(uint8_t){0}, 1));
	ASSERT_STOPS("panic token.c", attest_taken(rec.list, 1, &(bool){false}));
}

/* Another challenge at any point of the work: the token has that one, the first is forgotten. */
static void begun_again_at_every_step(void **state)
{
	struct sample sample;
	unsigned int steps;
	size_t size;

	(void)state;
	pages_prepare(&rec);
	sample_fill(&sample, RMI_HASH_SHA_256, 5);
	assert_true(attest_begin(rec.list, &sample.claims, &size));
	steps = run_to_ready(&rec);
	/* Otherwise there is nothing to interrupt. */
	assert_in_range(steps, 5, 1000);
	for (unsigned int i = 0; i <= steps; i++) {
		sample_fill(&sample, RMI_HASH_SHA_512, 6);
		assert_true(attest_begin(rec.list, &sample.claims, &size));
		for (unsigned int j = 0; j < i; j++) {
			attest_step(rec.list);
		}
		make_and_check(RMI_HASH_SHA_256, (uint8_t)(7 + i), TOKEN_MAX);
	}
}

/* Half delivered, then begun again. */
static void begun_again_while_read(void **state)
{
	uint8_t part[100];
	struct sample sample;
	size_t size;
	bool last;

	(void)state;
	pages_prepare(&rec);
	sample_fill(&sample, RMI_HASH_SHA_256, 8);
	assert_true(attest_begin(rec.list, &sample.claims, &size));
	run_to_ready(&rec);
	attest_taken(rec.list, attest_peek(rec.list, part, sizeof(part)), &last);
	make_and_check(RMI_HASH_SHA_512, 9, 500);
}

/* Each step on another CPU, and the steps of several RECs mixed. */
static void several_recs(void **state)
{
	static struct rec_pages many[5];
	static uint8_t token[TOKEN_MAX];
	struct sample sample[5];
	size_t size[5];
	unsigned int working = 5;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		pages_prepare(&many[i]);
		sample_fill(&sample[i], i % 2, (uint8_t)(40 + i));
		assert_true(attest_begin(many[i].list, &sample[i].claims, &size[i]));
	}
	for (unsigned int turn = 0; working != 0; turn++) {
		working = 0;
		for (unsigned int i = 0; i < 5; i++) {
			machine_cpu_enter((turn + i) % SIM_CPUS);
			working += attest_step(many[i].list) == ATTEST_SIGNING;
		}
	}
	machine_cpu_enter(0);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(read_token(&many[i], token, 1000), size[i]);
		check_token(token, size[i], &sample[i]);
		pages_assert_zero(&many[i]);
	}
}

/* Whether `bytes` occur anywhere in [memory, memory + size). */
static bool occurs(const void *memory, size_t size, const void *bytes, size_t count)
{
	return memmem(memory, size, bytes, count) != NULL;
}

static void key_is_wiped(void **state)
{
	uint64_t little_endian[6];
	struct sample sample;
	size_t size;

	(void)state;
	/* The library keeps numbers with the lowest word first. */
	for (unsigned int i = 0; i < 6; i++) {
		memcpy(&little_endian[i], machine_el3.key + 40 - 8 * i, 8);
		little_endian[i] = __builtin_bswap64(little_endian[i]);
	}
	assert_true(sim_is_zero(SIM_SHARED_PAGE));
	pages_prepare(&rec);
	sample_fill(&sample, RMI_HASH_SHA_256, 10);
	assert_true(attest_begin(rec.list, &sample.claims, &size));
	attest_step(rec.list);
	/* This search finds the key while it is in use... */
	assert_true(occurs(rec.bytes, sizeof(rec.bytes), little_endian, sizeof(little_endian)));
	run_to_ready(&rec);
	/* ...and so its answer counts: with the signature made, the heap is empty. */
	assert_false(occurs(rec.bytes, sizeof(rec.bytes), little_endian, 16));
	for (size_t i = 0; i < GRANULE_SIZE; i++) {
		assert_int_equal(rec.bytes[1][i], 0);
	}
}

/* Whatever allocation fails, the token fails and nothing is left; with one more byte it works. */
static void short_of_memory(void **state)
{
	struct sample sample;
	unsigned int failed_begin = 0;
	unsigned int failed_step = 0;
	unsigned int made = 0;

	(void)state;
	sample_fill(&sample, RMI_HASH_SHA_256, 11);
	for (uint32_t taken = 16; taken < GRANULE_SIZE; taken += 16) {
		/* The first block of the heap is somebody else's. */
		uint32_t header[4] = {taken, 1};
		enum attest_progress progress = ATTEST_SIGNING;
		size_t size;

		pages_prepare(&rec);
		memcpy(rec.bytes[1], header, sizeof(header));
		if (!attest_begin(rec.list, &sample.claims, &size)) {
			failed_begin++;
			assert_int_equal(attest_step(rec.list), ATTEST_NONE);
		} else {
			while (progress == ATTEST_SIGNING) {
				progress = attest_step(rec.list);
			}
			failed_step += progress == ATTEST_FAILED;
			made += progress == ATTEST_READY;
		}
		memset(rec.bytes[1], 0, sizeof(header));
		if (progress != ATTEST_READY) {
			pages_assert_zero(&rec);
		}
	}
	assert_true(failed_begin != 0 && failed_step != 0 && made != 0);
}

/* Without fresh entropy the generators go on: they were seeded at boot. */
static void no_more_entropy(void **state)
{
	(void)state;
	machine_random_empty = true;
	pages_prepare(&rec);
	make_and_check(RMI_HASH_SHA_256, 12, TOKEN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("token: contents, binding and signature", contents),
		SIM_TEST("token: wrapped with either tag", wrapped_with_either_tag),
		SIM_TEST("token: the signature covers every bit", a_bit_more_is_no_signature),
		SIM_TEST("token: in pieces", in_pieces),
		SIM_TEST("token: bytes not delivered come again", peek_again),
		SIM_TEST("token: none begun", nothing_begun),
		SIM_TEST("token: begun again at every step", begun_again_at_every_step),
		SIM_TEST("token: begun again while it is read", begun_again_while_read),
		SIM_TEST("token: several RECs at once", several_recs),
		SIM_TEST("token: the key is wiped", key_is_wiped),
		SIM_TEST("token: short of memory", short_of_memory),
		SIM_TEST("token: no more entropy", no_more_entropy),
	};

	return unit_run(tests);
}
