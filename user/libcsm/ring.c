// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "deadline.h"
#include "relax.h"
#include "ring.h"

#define HEADER     CSM_RING_STEP
#define KIND_SHIFT 32
#define KIND_DATA  1u
#define KIND_SKIP  2u
#define SPINS      2000
#define NAP_MS     100 /* the peer's wake-up can be lost, or never come: look by oneself */

/* Sequential consistency wherever `asleep` and a position are looked at together. */
static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static uint64_t round_up(uint64_t size)
{
	return (size + CSM_RING_STEP - 1) & ~(uint64_t)(CSM_RING_STEP - 1);
}

/* Half of the ring, so that with what is skipped every message fits into an empty ring. */
size_t csm_ring_max(uint64_t size)
{
	return (size_t)((size / 2 & ~(uint64_t)(CSM_RING_STEP - 1)) - HEADER);
}

static int fail(struct csm_ring *ring, int error)
{
	ring->error = error;
	return error;
}

static uint64_t *head(struct csm_ring *ring)
{
	return &ring->producer->position;
}

static uint64_t *tail(struct csm_ring *ring)
{
	return &ring->consumer->position;
}

/* ------------------------------------------------------------------ waiting */

static int wake(struct csm_ring *ring, uint64_t *asleep)
{
	uint64_t sleep = load(asleep);
	int ret;

	/* One wake-up for one sleep, however much is sent meanwhile. */
	if (sleep % 2 == 0 || sleep == ring->woken) {
		return 0;
	}
	ring->woken = sleep;
	ret = ring->wire->wake(ring->wire->ctx);
	return ret < 0 && ret != -EAGAIN ? fail(ring, ret) : 0;
}

/* The next sleep has another number than all before, also than those of an earlier process. */
static void begin_line(struct csm_ring *ring, struct csm_ring_line *mine)
{
	ring->woken = 0;
	ring->sleeps = (load(&mine->asleep) + 1) & ~UINT64_C(1);
	store(&mine->asleep, ring->sleeps);
	store(&mine->closed, 0);
}

/* Something to wait for: 1 it is so, 0 not yet, or a negative errno. */
typedef int (*condition_fn)(struct csm_ring *ring, uint64_t amount);

struct wait {
	condition_fn condition;
	uint64_t amount;
	struct csm_ring_line *mine;
	struct csm_ring_line *theirs;
};

static int spin(struct csm_ring *ring, const struct wait *wait)
{
	int ret = wait->condition(ring, wait->amount);

	for (int i = 0; i < SPINS && ret == 0; i++) {
		csm_relax(&wait->theirs->position, ring->other);
		ret = wait->condition(ring, wait->amount);
	}
	return ret;
}

/*
 * One nap. What became true before the wire failed still counts: a peer's last messages are
 * received although it is gone.
 */
static int nap(struct csm_ring *ring, const struct wait *wait, int timeout)
{
	int ret, wired = 0;

	store(&wait->mine->asleep, ++ring->sleeps);
	ret = wait->condition(ring, wait->amount);
	if (ret == 0) {
		wired = ring->wire->wait(ring->wire->ctx, timeout);
		ret = wait->condition(ring, wait->amount);
	}
	store(&wait->mine->asleep, ++ring->sleeps);
	if (ret == 0 && wired < 0 && wired != -EINTR) {
		return fail(ring, wired);
	}
	return ret;
}

/*
 * Waits until the condition holds (1), fails (negative errno), or the time is over (-EAGAIN). Spins
 * briefly, then sleeps and polls every NAP_MS.
 */
static int wait_for(struct csm_ring *ring, const struct wait *wait, int timeout)
{
	struct csm_deadline deadline;
	int ret = wait->condition(ring, wait->amount);

	if (ret != 0 || timeout == 0) {
		return ret != 0 ? ret : -EAGAIN;
	}
	deadline = csm_deadline_in(timeout);
	ret = spin(ring, wait);
	while (ret == 0) {
		int left = csm_deadline_left(&deadline, NAP_MS);

		if (left == 0) {
			return -EAGAIN;
		}
		ret = nap(ring, wait, left);
	}
	return ret;
}

/* ----------------------------------------------------------------- producer */

/* A new ring is all zeros. */
int csm_ring_init_producer(struct csm_ring *ring)
{
	ring->error = 0;
	ring->mine = ring->given = load(head(ring));
	ring->other = load(tail(ring));
	ring->offset = ring->mine % ring->size;
	ring->reserved = ring->skip = 0;
	if (ring->mine % CSM_RING_STEP || ring->other % CSM_RING_STEP ||
	    ring->mine - ring->other > ring->size) {
		return fail(ring, -EPROTO);
	}
	begin_line(ring, ring->producer);
	return 0;
}

/* The consumer may have given back anything between what it had and what was published. */
static int see_tail(struct csm_ring *ring)
{
	uint64_t now = load(tail(ring));

	if (now % CSM_RING_STEP || now - ring->other > ring->given - ring->other) {
		return fail(ring, -EPROTO);
	}
	ring->other = now;
	return 0;
}

static int has_room(struct csm_ring *ring, uint64_t amount)
{
	int ret = see_tail(ring);

	if (ret < 0) {
		return ret;
	}
	if (load(&ring->consumer->closed)) {
		return fail(ring, -EPIPE);
	}
	return ring->size - (ring->mine - ring->other) >= amount;
}

/*
 * Waits until `amount` bytes are free: 0, or a negative errno. Publishes messages that are held
 * back.
 */
static int wait_for_room(struct csm_ring *ring, uint64_t amount, int timeout)
{
	struct wait wait = {
		.condition = has_room,
		.amount = amount,
		.mine = ring->producer,
		.theirs = ring->consumer,
	};
	int ret = has_room(ring, amount);

	/* What is held back could be what the consumer waits for. */
	if (ret == 0) {
		ret = csm_ring_flush(ring);
	}
	if (ret == 0) {
		ret = wait_for(ring, &wait, timeout);
	}
	return ret < 0 ? ret : 0;
}

int csm_ring_reserve(struct csm_ring *ring, size_t size, int timeout, void **out)
{
	uint64_t need, skip;
	int ret;

	if (ring->error) {
		return ring->error;
	}
	if (size > csm_ring_max(ring->size)) {
		return -EMSGSIZE;
	}
	need = HEADER + round_up(size);
	skip = need <= ring->size - ring->offset ? 0 : ring->size - ring->offset;
	ret = wait_for_room(ring, skip + need, timeout);
	if (ret < 0) {
		return ret;
	}
	ring->skip = skip;
	ring->reserved = need;
	*out = ring->data + (skip ? 0 : ring->offset) + HEADER;
	return 0;
}

static void put_header(struct csm_ring *ring, uint32_t kind, uint64_t size)
{
	uint64_t *word = (uint64_t *)(void *)(ring->data + ring->offset);

	__atomic_store_n(word, (uint64_t)kind << KIND_SHIFT | size, __ATOMIC_RELAXED);
}

static void advance(struct csm_ring *ring, uint64_t by)
{
	ring->mine += by;
	ring->offset += by;
	if (ring->offset == ring->size) {
		ring->offset = 0;
	}
}

int csm_ring_commit(struct csm_ring *ring, size_t size, bool more)
{
	if (ring->error) {
		return ring->error;
	}
	if (ring->reserved == 0 || size > ring->reserved - HEADER) {
		return -EMSGSIZE;
	}
	if (ring->skip) {
		put_header(ring, KIND_SKIP, 0);
		advance(ring, ring->skip);
	}
	put_header(ring, KIND_DATA, size);
	advance(ring, HEADER + round_up(size));
	ring->reserved = 0;
	return more ? 0 : csm_ring_flush(ring);
}

int csm_ring_flush(struct csm_ring *ring)
{
	if (ring->error || ring->given == ring->mine) {
		return ring->error;
	}
	ring->given = ring->mine;
	store(head(ring), ring->mine);
	return wake(ring, &ring->consumer->asleep);
}

int csm_ring_close_producer(struct csm_ring *ring)
{
	csm_ring_flush(ring);
	store(&ring->producer->closed, 1);
	return wake(ring, &ring->consumer->asleep);
}

/* ----------------------------------------------------------------- consumer */

int csm_ring_init_consumer(struct csm_ring *ring)
{
	ring->error = 0;
	ring->mine = ring->given = load(tail(ring));
	ring->other = load(head(ring));
	ring->offset = ring->mine % ring->size;
	if (ring->mine % CSM_RING_STEP || ring->other % CSM_RING_STEP ||
	    ring->other - ring->mine > ring->size) {
		return fail(ring, -EPROTO);
	}
	begin_line(ring, ring->consumer);
	return 0;
}

/* The producer may have published anything up to what was given back plus the whole ring. */
static int see_head(struct csm_ring *ring)
{
	uint64_t now = load(head(ring));

	if (now % CSM_RING_STEP || now - ring->other > ring->size - (ring->other - ring->given)) {
		return fail(ring, -EPROTO);
	}
	ring->other = now;
	return 0;
}

static int has_message(struct csm_ring *ring, uint64_t unused)
{
	uint64_t closed = load(&ring->producer->closed);
	int ret = see_head(ring);

	(void)unused;
	if (ret < 0) {
		return ret;
	}
	if (ring->other != ring->mine) {
		return 1;
	}
	/* Read before the position: nothing can have been published after it. */
	return closed ? fail(ring, -EPIPE) : 0;
}

/* The header at the present place, checked but for what it says. Read once. */
static int get_header(struct csm_ring *ring, uint32_t *kind, uint64_t *size)
{
	const uint64_t *word = (const uint64_t *)(void *)(ring->data + ring->offset);
	uint64_t header;

	if (ring->other - ring->mine < HEADER) {
		return fail(ring, -EPROTO);
	}
	header = __atomic_load_n(word, __ATOMIC_RELAXED);
	*kind = (uint32_t)(header >> KIND_SHIFT);
	*size = (uint32_t)header;
	return 0;
}

static int skip_rest(struct csm_ring *ring)
{
	uint64_t rest = ring->size - ring->offset;

	if (ring->offset == 0 || rest > ring->other - ring->mine) {
		return fail(ring, -EPROTO);
	}
	advance(ring, rest);
	return 0;
}

/*
 * Returns the length of the next message and its address. Checks kind and length against the
 * consumer's own positions: -EPROTO if the producer violates the protocol.
 */
static long next_message(struct csm_ring *ring, const void **out)
{
	uint64_t size, whole;
	uint32_t kind;
	int ret = get_header(ring, &kind, &size);

	if (ret == 0 && kind == KIND_SKIP) {
		ret = skip_rest(ring);
		if (ret == 0) {
			ret = get_header(ring, &kind, &size);
		}
	}
	if (ret < 0) {
		return ret;
	}
	whole = HEADER + round_up(size);
	if (kind != KIND_DATA || size > csm_ring_max(ring->size) ||
	    whole > ring->other - ring->mine || whole > ring->size - ring->offset) {
		return fail(ring, -EPROTO);
	}
	*out = ring->data + ring->offset + HEADER;
	advance(ring, whole);
	return (long)size;
}

long csm_ring_peek(struct csm_ring *ring, int timeout, const void **out)
{
	struct wait wait = {
		.condition = has_message,
		.mine = ring->consumer,
		.theirs = ring->producer,
	};
	int ret;

	if (ring->error) {
		return ring->error;
	}
	if (ring->mine == ring->other) {
		ret = wait_for(ring, &wait, timeout);
		if (ret < 0) {
			return ret;
		}
	}
	return next_message(ring, out);
}

/* Back to the header of the message; what was skipped before it stays so. */
void csm_ring_unpeek(struct csm_ring *ring, const void *message, size_t size)
{
	ring->offset = (uint64_t)((const uint8_t *)message - ring->data) - HEADER;
	ring->mine -= HEADER + round_up(size);
}

int csm_ring_done(struct csm_ring *ring)
{
	/* An end of the stream must not keep the producer from its room, a breach may. */
	if (ring->error && ring->error != -EPIPE) {
		return ring->error;
	}
	if (ring->given == ring->mine) {
		return 0;
	}
	ring->given = ring->mine;
	store(tail(ring), ring->mine);
	return wake(ring, &ring->producer->asleep);
}

int csm_ring_close_consumer(struct csm_ring *ring)
{
	store(&ring->consumer->closed, 1);
	return wake(ring, &ring->producer->asleep);
}

bool csm_ring_is_taken(struct csm_ring *ring)
{
	return load(tail(ring)) == ring->mine;
}
