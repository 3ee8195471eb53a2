// SPDX-License-Identifier: BSD-3-Clause
#include "unit.h"

#include "libcsm/channel.h"
#include "plain.h"

#define MEMORY   (64u << 10)
#define MESSAGES 20000u

/* Two sides, each with a thread of its own. */
struct duo {
	void *memory;
	struct plain_end ends[2];
	struct csm_channel *sides[2];
};

static int set_up(void **state)
{
	struct duo *d = calloc(1, sizeof(*d));

	d->memory = plain_memory(MEMORY);
	plain_connect(d->ends);
	for (unsigned int i = 0; i < 2; i++) {
		struct csm_channel_place place = {.memory = d->memory, .size = MEMORY, .side = i};
		struct csm_wire wire = plain_wire(&d->ends[i]);

		assert_int_equal(csm_channel_make(&place, &wire, NULL, 1000, &d->sides[i]), 0);
	}
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct duo *d = *state;

	csm_channel_close(d->sides[0]);
	csm_channel_close(d->sides[1]);
	plain_disconnect(d->ends);
	plain_memory_free(d->memory, MEMORY);
	free(d);
	return 0;
}

static size_t size_of(uint32_t number)
{
	uint64_t seed = number;

	return plain_random(&seed) % 3000 + sizeof(uint32_t);
}

static void fill(uint8_t *message, uint32_t number, size_t size)
{
	memcpy(message, &number, sizeof(number));
	memset(message + sizeof(number), (int)(number * 7), size - sizeof(number));
}

static bool is_right(const uint8_t *message, uint32_t number, size_t size)
{
	uint8_t expected[4096];

	fill(expected, number, size_of(number));
	return size == size_of(number) && memcmp(message, expected, size) == 0;
}

/* Every kind of sending: copies, in place, batches. */
static void *sender(void *arg)
{
	struct csm_channel *channel = arg;
	uint8_t message[4096];
	void *to;

	for (uint32_t i = 0; i < MESSAGES; i++) {
		size_t size = size_of(i);

		if (i % 3 == 0) {
			fill(message, i, size);
			if (csm_channel_send(channel, message, size, 300000) != 0) {
				return "send failed";
			}
			continue;
		}
		if (csm_channel_reserve(channel, size, 300000, &to) != 0) {
			return "reserve failed";
		}
		fill(to, i, size);
		if (csm_channel_commit(channel, size, i % 3 == 1) != 0) {
			return "commit failed";
		}
	}
	return csm_channel_shutdown(channel) == 0 ? NULL : "shutdown failed";
}

static void *receiver(void *arg)
{
	struct csm_channel *channel = arg;
	uint8_t message[4096];
	const void *from;
	long size;

	for (uint32_t i = 0; i < MESSAGES; i++) {
		if (i % 2 == 0) {
			size = csm_channel_recv(channel, message, sizeof(message), 300000);
			from = message;
		} else {
			size = csm_channel_peek(channel, 300000, &from);
		}
		if (size < 0 || !is_right(from, i, (size_t)size)) {
			return "wrong message";
		}
		if (i % 6 == 5 && csm_channel_done(channel) != 0) {
			return "done failed";
		}
	}
	return csm_channel_recv(channel, message, sizeof(message), 300000) == -EPIPE ? NULL
										     : "no end";
}

/* Both ways at once: each side has a thread that sends and one that receives. */
static void test_both_ways(void **state)
{
	struct duo *d = *state;
	pthread_t threads[4];
	void *result;

	for (unsigned int i = 0; i < 2; i++) {
		pthread_create(&threads[2 * i], NULL, sender, d->sides[i]);
		pthread_create(&threads[2 * i + 1], NULL, receiver, d->sides[i]);
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

/* Sends when the other side has said that it sleeps. */
static void *late_message(void *arg)
{
	struct duo *d = arg;
	struct csm_channel_page *page = d->memory;

	while (!__atomic_load_n(&page->rings[0].consumer.asleep, __ATOMIC_SEQ_CST)) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	csm_channel_send(d->sides[0], "late", 4, 0);
	return NULL;
}

static void test_sleep_and_wake(void **state)
{
	struct duo *d = *state;
	pthread_t thread;
	char message[8];

	pthread_create(&thread, NULL, late_message, d);
	assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), 300000), 4);
	pthread_join(thread, NULL);
	assert_int_equal(d->ends[1].wakes, 1);
}

/* Nobody sleeps: nobody is woken. */
static void test_no_needless_wake(void **state)
{
	struct duo *d = *state;
	char message[8];

	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(csm_channel_send(d->sides[0], "x", 1, 0), 0);
		assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), 0), 1);
	}
	assert_int_equal(d->ends[0].wakes + d->ends[1].wakes, 0);
}

static void test_time_over(void **state)
{
	struct duo *d = *state;
	const void *from;
	char message[8];

	assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), 0), -EAGAIN);
	assert_int_equal(csm_channel_peek(d->sides[1], 30, &from), -EAGAIN);
	assert_int_equal(csm_channel_send(d->sides[0], "x", 1, 0), 0);
	assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), 0), 1);
}

static void *breaker(void *arg)
{
	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	plain_break(arg, -ENOTCONN);
	return NULL;
}

/* For ever is until the peer is gone; and what it sent before can still be had. */
static void test_peer_gone(void **state)
{
	struct duo *d = *state;
	pthread_t thread;
	char message[8];

	pthread_create(&thread, NULL, breaker, &d->ends[1]);
	assert_int_equal(csm_channel_send(d->sides[0], "x", 1, 0), 0);
	assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), -1), 1);
	assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), -1), -ENOTCONN);
	assert_int_equal(csm_channel_recv(d->sides[1], message, sizeof(message), -1), -ENOTCONN);
	pthread_join(thread, NULL);
}

static long reverse(void *arg, const void *request, size_t size, void *response, size_t room)
{
	const char *from = request;
	char *to = response;

	(void)arg;
	(void)room;
	if (size == 0) {
		return -EDOM;
	}
	for (size_t i = 0; i < size; i++) {
		to[i] = from[size - 1 - i];
	}
	return (long)size;
}

static void *server(void *arg)
{
	int ret = 0;

	while (ret == 0) {
		ret = csm_rpc_serve(arg, reverse, NULL, 300000);
	}
	return ret == -EPIPE ? NULL : "server failed";
}

/* The answer to a text, up to `room` bytes of it: what the call returned. */
static long ask(struct csm_channel *channel, const char *text, size_t room, int timeout)
{
	char answer[64];
	struct csm_rpc call = {
		.request = text, .size = strlen(text), .response = answer, .room = room};
	long ret = csm_rpc_call(channel, &call, timeout);

	for (long i = 0; i < ret; i++) {
		assert_int_equal(answer[i], text[ret - 1 - i]);
	}
	return ret < 0 ? ret : call.status ? call.status : ret;
}

static void test_rpc(void **state)
{
	struct duo *d = *state;
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, server, d->sides[1]);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(ask(d->sides[0], "abcdef", 64, 300000), 6);
	}
	assert_int_equal(ask(d->sides[0], "", 64, 300000), -EDOM);
	assert_int_equal(ask(d->sides[0], "abc", 2, 300000), -EMSGSIZE);
	csm_channel_shutdown(d->sides[0]);
	pthread_join(thread, &result);
	assert_null(result);
}

/* The answer to a call that ran out of time is not taken for that to the next. */
static void test_rpc_late(void **state)
{
	struct duo *d = *state;
	pthread_t thread;

	assert_int_equal(ask(d->sides[0], "old one", 64, 0), -EAGAIN);
	assert_int_equal(csm_rpc_serve(d->sides[1], reverse, NULL, 0), 0);
	pthread_create(&thread, NULL, server, d->sides[1]);
	assert_int_equal(ask(d->sides[0], "new", 64, 300000), 3);
	csm_channel_shutdown(d->sides[0]);
	pthread_join(thread, NULL);
}

/* Calls from both sides at once: each is told, serves the other's request, and can go on. */
static void test_rpc_both(void **state)
{
	struct duo *d = *state;
	pthread_t thread;
	void *result;

	assert_int_equal(ask(d->sides[0], "one", 64, 0), -EAGAIN);
	assert_int_equal(ask(d->sides[1], "two", 64, 0), -EBUSY);
	assert_int_equal(ask(d->sides[1], "never sent", 64, 300000), -EBUSY);
	assert_int_equal(ask(d->sides[0], "three", 64, 0), -EBUSY);
	assert_int_equal(csm_rpc_serve(d->sides[0], reverse, NULL, 0), 0);
	assert_int_equal(csm_rpc_serve(d->sides[1], reverse, NULL, 0), 0);
	pthread_create(&thread, NULL, server, d->sides[1]);
	assert_int_equal(ask(d->sides[0], "four", 64, 300000), 4);
	csm_channel_shutdown(d->sides[0]);
	pthread_join(thread, &result);
	assert_null(result);
}

#define DUO(what, func)            \
	{.name = "channel: " what, \
	 .test_func = (func),      \
	 .setup_func = set_up,     \
	 .teardown_func = tear_down}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DUO("40,000 messages both ways, four threads", test_both_ways),
		DUO("a sleeper is woken, once", test_sleep_and_wake),
		DUO("nobody asleep, nobody woken", test_no_needless_wake),
		DUO("time runs out, and nothing is lost", test_time_over),
		DUO("the peer's death ends a wait without limit", test_peer_gone),
		DUO("requests and responses", test_rpc),
		DUO("a late response is dropped", test_rpc_late),
		DUO("calls from both sides at once", test_rpc_both),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
