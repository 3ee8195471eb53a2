// SPDX-License-Identifier: BSD-3-Clause
/* Not under the thread sanitizer, which does not let a thread leave an access that faults. */
#include "line.h"

#include <pthread.h>
#include <time.h>

/* What takes the sharing away while the other side waits without limit. */
struct end {
	struct pair *pair;
	struct line *line;
	void (*how)(struct end *end);
};

static void by_revoke(struct end *end)
{
	csm_revoke(end->line->r[0], fake_id(C));
}

static void by_death(struct end *end)
{
	fake_kill(fake_realm(end->pair->world, P));
}

static void by_close(struct end *end)
{
	csm_channel_close(end->line->p);
	end->line->p = NULL;
}

static void *end_it(void *arg)
{
	struct end *end = arg;

	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	end->how(end);
	return NULL;
}

static void waiting_ends(struct pair *p, void (*how)(struct end *end), long expected)
{
	struct line l;
	struct end end = {.pair = p, .line = &l, .how = how};
	pthread_t thread;
	char message[16];

	line_connect(p, &l);
	pthread_create(&thread, NULL, end_it, &end);
	assert_int_equal(csm_channel_recv(l.c, message, sizeof(message), -1), expected);
	pthread_join(thread, NULL);
	assert_int_equal(csm_channel_recv(l.c, message, sizeof(message), -1), expected);
	assert_int_equal(csm_channel_send(l.c, "x", 1, -1), expected);
	line_disconnect(&l);
}

static void test_revoked_while_waiting(void **state)
{
	waiting_ends(*state, by_revoke, -ENOTCONN);
}

static void test_died_while_waiting(void **state)
{
	waiting_ends(*state, by_death, -ENOTCONN);
}

static void test_closed_while_waiting(void **state)
{
	waiting_ends(*state, by_close, -EPIPE);
}

/* The consumer goes while the provider, with a full ring, waits for room. */
static void *consumer_goes(void *arg)
{
	struct line *l = arg;

	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	csm_end(l->r[1]);
	return NULL;
}

static void test_full_and_alone(void **state)
{
	struct pair *p = *state;
	struct line l;
	pthread_t thread;
	char message[1000] = "";
	int ret = 0;

	line_connect(p, &l);
	pthread_create(&thread, NULL, consumer_goes, &l);
	while (ret == 0) {
		ret = csm_channel_send(l.p, message, sizeof(message), -1);
	}
	assert_int_equal(ret, -ENOTCONN);
	pthread_join(thread, NULL);
	line_disconnect(&l);
}

/* In place: a reservation that loses its memory is an error at the commit, not a crash. */
static void test_revoked_in_place(void **state)
{
	struct pair *p = *state;
	struct line l;
	void *to;

	line_connect(p, &l);
	assert_int_equal(csm_channel_reserve(l.c, 100, 0, &to), 0);
	memset(to, 1, 100);
	assert_int_equal(csm_revoke(l.r[0], fake_id(C)), 0);
	assert_int_equal(csm_channel_commit(l.c, 100, false), -ENOTCONN);
	assert_int_equal(csm_channel_reserve(l.c, 100, -1, &to), -ENOTCONN);
	line_disconnect(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("channel: revoked while waiting", test_revoked_while_waiting),
		PAIR("channel: provider dies while waiting", test_died_while_waiting),
		PAIR("channel: closed while waiting", test_closed_while_waiting),
		PAIR("channel: consumer goes while the ring is full", test_full_and_alone),
		PAIR("channel: revoked between reserve and commit", test_revoked_in_place),
	};

	return cmocka_run_group_tests_name("channel ends", tests, NULL, NULL);
}
