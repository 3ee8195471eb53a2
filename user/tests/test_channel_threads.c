// SPDX-License-Identifier: BSD-3-Clause
#include "line.h"

#include <pthread.h>

static void test_open(void **state)
{
	struct pair *p = *state;
	struct csm_channel *channel;
	struct csm_region *r[2], *small = pair_create(p, 4096);

	assert_int_equal(csm_channel_open(small, fake_id(C), 0, &channel), -EINVAL);
	csm_release(small);
	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_channel_open(r[1], 0, 0, &channel), -EACCES);
	assert_int_equal(csm_channel_open(r[0], 0, 0, &channel), -EINVAL);
	csm_release(r[1]);
	csm_release(r[0]);
}

/* The consumer may come first, and waits as long as it wants. */
static void test_open_order(void **state)
{
	struct pair *p = *state;
	struct line l;

	pair_share(p, CSM_READ | CSM_WRITE, l.r);
	assert_int_equal(csm_channel_open(l.r[1], 0, 0, &l.c), -EAGAIN);
	assert_int_equal(csm_channel_open(l.r[1], 0, 20, &l.c), -EAGAIN);
	assert_int_equal(csm_channel_open(l.r[0], fake_id(C), 0, &l.p), 0);
	assert_int_equal(csm_channel_open(l.r[1], 0, 0, &l.c), 0);
	line_disconnect(&l);
}

static void *echo(void *arg)
{
	struct csm_channel *channel = arg;
	char message[4096];
	long size = 0;

	while (size >= 0) {
		size = csm_channel_recv(channel, message, sizeof(message), 300000);
		if (size >= 0 && csm_channel_send(channel, message, (size_t)size, 300000) != 0) {
			return "cannot answer";
		}
	}
	return size == -EPIPE ? NULL : "no orderly end";
}

static void test_duplex(void **state)
{
	struct pair *p = *state;
	struct line l;
	pthread_t thread;
	char message[4096];
	void *result;

	line_connect(p, &l);
	pthread_create(&thread, NULL, echo, l.c);
	for (unsigned int i = 0; i < 2000; i++) {
		size_t size = i % sizeof(message);

		memset(message, (int)i, size);
		assert_int_equal(csm_channel_send(l.p, message, size, 300000), 0);
		assert_int_equal(csm_channel_recv(l.p, message, sizeof(message), 300000), size);
	}
	csm_channel_shutdown(l.p);
	pthread_join(thread, &result);
	assert_null(result);
	line_disconnect(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("channel: what cannot carry one", test_open),
		PAIR("channel: the consumer waits for the layout", test_open_order),
		PAIR("channel: 2,000 messages there and back", test_duplex),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
