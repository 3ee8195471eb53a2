// SPDX-License-Identifier: BSD-3-Clause
#include "unit.h"

#include "plain.h"

#define DATA 1024u

/* One ring, both sides in one thread. */
struct pair {
	struct csm_ring_control *control;
	uint8_t *data;
	struct csm_wire wire;
	struct csm_ring tx, rx;
};

static int set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->control = plain_memory(sizeof(*p->control));
	p->data = plain_memory(4096);
	p->data += 4096 - DATA; /* one byte beyond is a crash */
	p->wire = plain_no_wire();
	p->tx = (struct csm_ring){.producer = &p->control->producer,
				  .consumer = &p->control->consumer,
				  .data = p->data,
				  .size = DATA,
				  .wire = &p->wire};
	p->rx = p->tx;
	assert_int_equal(csm_ring_init_producer(&p->tx), 0);
	assert_int_equal(csm_ring_init_consumer(&p->rx), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;

	plain_memory_free(p->control, sizeof(*p->control));
	plain_memory_free(p->data - (4096 - DATA), 4096);
	free(p);
	return 0;
}

static int send(struct pair *p, const void *data, size_t size, bool more)
{
	void *to;
	int ret = csm_ring_reserve(&p->tx, size, 0, &to);

	if (ret == 0) {
		memcpy(to, data, size);
		ret = csm_ring_commit(&p->tx, size, more);
	}
	return ret;
}

/* The next message must be these bytes. */
static void expect(struct pair *p, const void *data, size_t size)
{
	const void *from;

	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), size);
	assert_memory_equal(from, data, size);
}

static void test_one(void **state)
{
	struct pair *p = *state;
	const void *from;

	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EAGAIN);
	assert_int_equal(send(p, "hello", 5, false), 0);
	expect(p, "hello", 5);
	assert_int_equal(csm_ring_done(&p->rx), 0);
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EAGAIN);
	assert_int_equal(p->control->producer.position, 16);
	assert_int_equal(p->control->consumer.position, 16);
}

static void test_empty_message(void **state)
{
	struct pair *p = *state;

	assert_int_equal(send(p, "", 0, false), 0);
	assert_int_equal(send(p, "x", 1, false), 0);
	expect(p, "", 0);
	expect(p, "x", 1);
}

/* All sizes, often enough to meet the end of the ring at every distance from it. */
static void test_wrap(void **state)
{
	struct pair *p = *state;
	uint8_t message[DATA];
	uint64_t seed = 1;

	for (unsigned int i = 0; i < 20000; i++) {
		size_t size = plain_random(&seed) % (csm_ring_max(DATA) + 1);

		memset(message, (int)i, size);
		assert_int_equal(send(p, message, size, false), 0);
		expect(p, message, size);
		assert_int_equal(csm_ring_done(&p->rx), 0);
	}
}

static void test_longest(void **state)
{
	struct pair *p = *state;
	uint8_t message[DATA] = {0};
	size_t max = csm_ring_max(DATA);
	void *to;

	assert_int_equal(max, DATA / 2 - 8);
	assert_int_equal(csm_ring_reserve(&p->tx, max + 1, 0, &to), -EMSGSIZE);
	/* At whatever place the ring stands, one of the longest fits when it is empty. */
	for (unsigned int i = 0; i < DATA / 8; i++) {
		assert_int_equal(send(p, message, max, false), 0);
		expect(p, message, max);
		csm_ring_done(&p->rx);
		assert_int_equal(send(p, message, 0, false), 0);
		expect(p, message, 0);
		csm_ring_done(&p->rx);
	}
}

static void test_full(void **state)
{
	struct pair *p = *state;
	uint64_t word = 7;
	void *to;
	unsigned int sent = 0;

	while (send(p, &word, sizeof(word), false) == 0) {
		sent++;
	}
	assert_int_equal(sent, DATA / 16);
	assert_int_equal(csm_ring_reserve(&p->tx, 0, 0, &to), -EAGAIN);
	expect(p, &word, sizeof(word));
	/* Looked at is not given back. */
	assert_int_equal(csm_ring_reserve(&p->tx, 0, 0, &to), -EAGAIN);
	csm_ring_done(&p->rx);
	assert_int_equal(send(p, &word, sizeof(word), false), 0);
	assert_int_equal(send(p, &word, sizeof(word), false), -EAGAIN);
}

static void test_batch(void **state)
{
	struct pair *p = *state;
	const void *from;

	assert_int_equal(send(p, "a", 1, true), 0);
	assert_int_equal(send(p, "b", 1, true), 0);
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EAGAIN);
	assert_int_equal(csm_ring_flush(&p->tx), 0);
	expect(p, "a", 1);
	expect(p, "b", 1);
	assert_int_equal(p->control->consumer.position, 0);
	assert_int_equal(csm_ring_done(&p->rx), 0);
	assert_int_equal(p->control->consumer.position, 32);
}

/* What is held back goes out before the producer waits for room, or both would wait. */
static void test_batch_full(void **state)
{
	struct pair *p = *state;
	const void *from;
	uint64_t word = 7;

	while (send(p, &word, sizeof(word), true) == 0) {
	}
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), sizeof(word));
}

static void test_reservation(void **state)
{
	struct pair *p = *state;
	void *first, *second;

	assert_int_equal(csm_ring_commit(&p->tx, 0, false), -EMSGSIZE);
	assert_int_equal(csm_ring_reserve(&p->tx, 100, 0, &first), 0);
	assert_int_equal(csm_ring_reserve(&p->tx, 10, 0, &second), 0);
	assert_ptr_equal(first, second);
	assert_int_equal(csm_ring_commit(&p->tx, 17, false), -EMSGSIZE);
	memcpy(second, "abc", 3);
	assert_int_equal(csm_ring_commit(&p->tx, 3, false), 0);
	assert_int_equal(csm_ring_commit(&p->tx, 3, false), -EMSGSIZE);
	expect(p, "abc", 3);
}

static void test_unpeek(void **state)
{
	struct pair *p = *state;
	uint8_t message[200];
	const void *from;

	memset(message, 5, sizeof(message));
	for (unsigned int i = 0; i < 50; i++) {
		assert_int_equal(send(p, message, sizeof(message), false), 0);
		assert_int_equal(csm_ring_peek(&p->rx, 0, &from), sizeof(message));
		csm_ring_unpeek(&p->rx, from, sizeof(message));
		expect(p, message, sizeof(message));
		assert_int_equal(csm_ring_done(&p->rx), 0);
	}
}

static void test_producer_closes(void **state)
{
	struct pair *p = *state;
	const void *from;

	assert_int_equal(send(p, "last", 4, false), 0);
	assert_int_equal(csm_ring_close_producer(&p->tx), 0);
	expect(p, "last", 4);
	assert_int_equal(csm_ring_peek(&p->rx, -1, &from), -EPIPE);
	assert_int_equal(csm_ring_done(&p->rx), 0);
	assert_int_equal(p->control->consumer.position, 16);
}

static void test_consumer_closes(void **state)
{
	struct pair *p = *state;
	void *to;

	assert_int_equal(csm_ring_close_consumer(&p->rx), 0);
	assert_int_equal(csm_ring_reserve(&p->tx, 1, -1, &to), -EPIPE);
}

/* ------------------------------------------------------------- broken rules */

/* Each of these must be found at once, and stay found. */
static void refuse_head(struct pair *p, uint64_t head)
{
	const void *from;

	p->control->producer.position = head;
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EPROTO);
	p->control->producer.position = 0;
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EPROTO);
	p->rx.error = 0;
}

static void test_bad_head(void **state)
{
	struct pair *p = *state;

	refuse_head(p, 1);
	refuse_head(p, DATA + 8);
	refuse_head(p, UINT64_MAX);
	refuse_head(p, UINT64_MAX & ~UINT64_C(7));
	refuse_head(p, UINT64_C(1) << 63);
}

static void test_head_back(void **state)
{
	struct pair *p = *state;
	const void *from;

	assert_int_equal(send(p, "abc", 3, false), 0);
	assert_int_equal(send(p, "abc", 3, false), 0);
	expect(p, "abc", 3);
	expect(p, "abc", 3);
	p->control->producer.position = 16;
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EPROTO);
}

static void refuse_tail(struct pair *p, uint64_t tail)
{
	void *to;

	p->control->consumer.position = tail;
	assert_int_equal(csm_ring_reserve(&p->tx, 1, 0, &to), -EPROTO);
	p->tx.error = 0;
}

static void test_bad_tail(void **state)
{
	struct pair *p = *state;

	assert_int_equal(send(p, "abc", 3, false), 0);
	refuse_tail(p, 8 + 1);
	refuse_tail(p, 24);
	refuse_tail(p, UINT64_MAX - 7);
	/* Not published yet: the consumer cannot have given it back. */
	assert_int_equal(send(p, "abc", 3, true), -EPROTO);
	p->tx.error = 0;
	p->control->consumer.position = 0;
	assert_int_equal(send(p, "abc", 3, true), 0);
	refuse_tail(p, 32);
}

/* A header that the producer did not write. */
static void refuse_header(struct pair *p, uint64_t header, uint64_t head)
{
	const void *from;

	memcpy(p->data, &header, sizeof(header));
	p->control->producer.position = head;
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EPROTO);
	p->rx = (struct csm_ring){.producer = &p->control->producer,
				  .consumer = &p->control->consumer,
				  .data = p->data,
				  .size = DATA,
				  .wire = &p->wire};
	p->control->producer.position = 0;
	assert_int_equal(csm_ring_init_consumer(&p->rx), 0);
}

static void test_bad_header(void **state)
{
	const uint64_t message = UINT64_C(1) << 32, skip = UINT64_C(2) << 32;
	struct pair *p = *state;

	refuse_header(p, 0, 16);
	refuse_header(p, UINT64_C(3) << 32 | 8, 16);
	refuse_header(p, message | 9, 16);
	refuse_header(p, message | 0xffffffff, 16);
	refuse_header(p, message | (csm_ring_max(DATA) + 1), DATA);
	refuse_header(p, skip, DATA);
	refuse_header(p, skip, 8);
}

static void test_bad_skip(void **state)
{
	const uint64_t skip = UINT64_C(2) << 32;
	struct pair *p = *state;
	const void *from;

	assert_int_equal(send(p, "abc", 3, false), 0);
	expect(p, "abc", 3);
	memcpy(p->data + 16, &skip, sizeof(skip));
	/* Less is published than the rest of the ring. */
	p->control->producer.position = 32;
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EPROTO);
	/* Nothing after the rest of the ring. */
	p->rx.error = 0;
	p->control->producer.position = DATA;
	assert_int_equal(csm_ring_peek(&p->rx, 0, &from), -EPROTO);
}

static void test_stale_positions(void **state)
{
	struct pair *p = *state;

	p->control->producer.position = 8;
	p->control->consumer.position = 16;
	assert_int_equal(csm_ring_init_producer(&p->tx), -EPROTO);
	assert_int_equal(csm_ring_init_consumer(&p->rx), -EPROTO);
	p->control->producer.position = 8 + DATA + 16;
	assert_int_equal(csm_ring_init_producer(&p->tx), -EPROTO);
	p->control->producer.position = DATA + 16;
	assert_int_equal(csm_ring_init_producer(&p->tx), 0);
	assert_int_equal(csm_ring_init_consumer(&p->rx), 0);
}

/* A side that begins again goes on where it stopped. */
static void test_resume(void **state)
{
	struct pair *p = *state;

	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(send(p, "0123456789", 10, false), 0);
		assert_int_equal(csm_ring_init_producer(&p->tx), 0);
		expect(p, "0123456789", 10);
		csm_ring_done(&p->rx);
		assert_int_equal(csm_ring_init_consumer(&p->rx), 0);
	}
}

#define RING(what, func)        \
	{.name = "ring: " what, \
	 .test_func = (func),   \
	 .setup_func = set_up,  \
	 .teardown_func = tear_down}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RING("one message there and back", test_one),
		RING("messages may be empty", test_empty_message),
		RING("all sizes across the end", test_wrap),
		RING("the longest message always fits an empty ring", test_longest),
		RING("full, and what makes room", test_full),
		RING("a batch appears at once", test_batch),
		RING("a batch that fills the ring is not held back", test_batch_full),
		RING("reservations and commits", test_reservation),
		RING("a message put back comes again", test_unpeek),
		RING("the producer's end comes after its messages", test_producer_closes),
		RING("the consumer's end stops the producer", test_consumer_closes),
		RING("hostile head is refused", test_bad_head),
		RING("hostile head going back is refused", test_head_back),
		RING("hostile tail is refused", test_bad_tail),
		RING("hostile length or kind is refused", test_bad_header),
		RING("hostile skip is refused", test_bad_skip),
		RING("positions that cannot be are refused at the start", test_stale_positions),
		RING("a side that starts again goes on", test_resume),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
