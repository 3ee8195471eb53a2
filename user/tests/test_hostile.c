// SPDX-License-Identifier: BSD-3-Clause
#include "unit.h"

#include "hostile.h"

#define ROUNDS 3000
#define LENGTH 2000

/*
 * Many different lives. That messages were accepted and breaches found shows that the peer gets as
 * far as the checks, and past them.
 */
static void test_random_peer(void **state)
{
	unsigned long received = 0, refused = 0;
	uint8_t bytes[LENGTH];

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct hostile h = {.bytes = bytes, .left = sizeof(bytes)};
		uint64_t seed = round;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			bytes[i] = (uint8_t)plain_random(&seed);
		}
		hostile_run(&h);
		received += h.received;
		refused += h.refused;
	}
	assert_true(received > 1000);
	assert_true(refused > 1000);
}

struct storm {
	uint64_t *memory;
	int stop;
};

/* Writes into the control words and the data while the other side works on them. */
static void *storm(void *arg)
{
	struct storm *s = arg;
	uint64_t seed = 42;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		uint32_t r = plain_random(&seed);
		uint32_t word = r & 1 ? 16 + (r >> 1) % 4 * 16 : 512 + (r >> 1) % 512;

		__atomic_store_n(&s->memory[word], (uint64_t)(r >> 8 & 3) << 32 | (r >> 10 & 0x3f8),
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

/* The content may be anything; place and length must hold at every moment. */
static void test_concurrent_peer(void **state)
{
	struct storm s = {.memory = plain_memory(HOSTILE_MEMORY)};
	struct csm_wire wire = plain_no_wire();
	struct csm_channel_place place = {.memory = s.memory, .size = HOSTILE_MEMORY};
	struct hostile h = {.memory = (uint8_t *)s.memory};
	pthread_t thread;

	(void)state;
	pthread_create(&thread, NULL, storm, &s);
	for (unsigned int i = 0; i < 20000; i++) {
		if (csm_channel_make(&place, &wire, NULL, 0, &h.channel) != 0) {
			continue;
		}
		for (unsigned int j = 0; j < 20; j++) {
			hostile_receive(&h, j);
			h.bytes = (const uint8_t *)&j;
			h.left = 2;
			hostile_transmit(&h, j);
		}
		csm_channel_close(h.channel);
	}
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(h.refused > 100);
	assert_true(h.received > 100);
	plain_memory_free(s.memory, HOSTILE_MEMORY);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("channel: a hostile peer, 6 million bytes of choices", test_random_peer),
		TEST("channel: a hostile peer at the same time", test_concurrent_peer),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
