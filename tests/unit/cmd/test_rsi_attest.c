// SPDX-License-Identifier: BSD-3-Clause
/* RSI_ATTESTATION_TOKEN_INIT and RSI_ATTESTATION_TOKEN_CONTINUE. */
#include "attest/token_check.h"
#include "map/map.h"
#include "rec_unit.h"

#define UNPROTECTED (UINT64_C(1) << 39)
#define PAGE        UINT64_C(0x200000)
#define INIT        RSI_ATTESTATION_TOKEN_INIT_FID
#define CONTINUE    RSI_ATTESTATION_TOKEN_CONTINUE_FID

static struct sim_realm realm;
static uint64_t page_pa;

/* PAGE is RAM, the page after it RAM without a page, the third EMPTY. */
static void realm_with(unsigned int recs, uint8_t hash_algo)
{
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.hash_algo = hash_algo;
	memset(realm.params.rpv, 0x42, sizeof(realm.params.rpv));
	sim_realm_create(&realm);
	page_pa = sim_realm_ram_page(&realm, PAGE);
	sim_realm_ram(&realm, PAGE + GRANULE_SIZE, PAGE + 2 * GRANULE_SIZE);
	for (unsigned int i = 0; i < recs; i++) {
		sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	}
	sim_realm_activate(&realm);
}

static uint64_t result(unsigned int i)
{
	return sim_saw(sim_runs() - 1)->vcpu.gprs[i];
}

/* The challenge of a token is 64 times this number's low byte. */
static uint64_t init(unsigned int rec, uint8_t number)
{
	uint64_t word = number * UINT64_C(0x0101010101010101);

	SIM_EXITS(SIM_SMC(INIT, word, word, word, word, word, word, word, word));
	ASSERT_RMI_OK(sim_enter(&realm, rec, NULL, NULL));
	assert_int_equal(result(0), RSI_SUCCESS);
	assert_int_equal(result(2), 0);
	assert_int_equal(result(3), 0);
	assert_int_equal(result(4), word);
	return result(1);
}

static void sample_of_realm(struct sample *sample, uint8_t number)
{
	const struct rd *rd = sim_rd(&realm);

	sample_fill(sample, rd->hash_algo, 0);
	memset(sample->challenge, number, sizeof(sample->challenge));
	memcpy(sample->rpv, rd->rpv, sizeof(sample->rpv));
	memcpy(sample->measurement, rd->measurement, sizeof(sample->measurement));
	sample->claims.realm_id = rd->id;
	sample->instance_id[0] = 0x01;
	for (unsigned int i = 0; i < 8; i++) {
		sample->instance_id[1 + i] = (uint8_t)(rd->id >> (56 - 8 * i));
	}
	memcpy(sample->instance_id + 9, rd->instance_rest, 24);
	hash_of(HASH_SHA_512, "", 0, sample->sharings); /* it shares nothing */
}

/*
 * Calls CONTINUE with pieces of `piece` bytes at changing offsets until it is done. Returns the
 * size.
 */
static size_t fetch(unsigned int rec, uint8_t token[TOKEN_MAX], uint64_t piece)
{
	size_t done = 0;
	uint64_t status = RSI_INCOMPLETE;

	for (unsigned int i = 0; status == RSI_INCOMPLETE; i++) {
		uint64_t offset = (i * 96) % (GRANULE_SIZE - piece + 1);

		SIM_EXITS(SIM_SMC(CONTINUE, PAGE, offset, piece));
		ASSERT_RMI_OK(sim_enter(&realm, rec, NULL, NULL));
		if (sim_runs() == 1) {
			/*
			 * An interrupt came in between: the realm sees the answer on its next run.
			 */
			SIM_EXITS(SIM_IRQ);
			ASSERT_RMI_OK(sim_enter(&realm, rec, NULL, NULL));
		}
		status = result(0);
		assert_true(result(1) <= piece && done + result(1) <= TOKEN_MAX);
		memcpy(token + done, (uint8_t *)machine_raw(pa_of(page_pa)) + offset, result(1));
		done += result(1);
	}
	assert_int_equal(status, RSI_SUCCESS);
	return done;
}

static void fetch_and_check(unsigned int rec, uint8_t number, uint64_t piece)
{
	static uint8_t token[TOKEN_MAX];
	struct sample sample;
	size_t size = fetch(rec, token, piece);

	sample_of_realm(&sample, number);
	check_token(token, size, &sample);
}

static void whole_token(void **state)
{
	(void)state;
	for (unsigned int algo = RMI_HASH_SHA_256; algo <= RMI_HASH_SHA_512; algo++) {
		size_t size;

		sim_reset();
		realm_with(1, (uint8_t)algo);
		REALM_CALLS(&realm, RSI_MEASUREMENT_EXTEND_FID, 2, 5, 0x1122334455);
		size = init(0, 1);
		assert_int_equal(size, algo == RMI_HASH_SHA_512 ? 2407 : 2247);
		fetch_and_check(0, 1, GRANULE_SIZE);
	}
}

static void small_pieces(void **state)
{
	static const uint64_t pieces[] = {1, 7, 64, 1000, 2246, 2247};

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		init(0, (uint8_t)i);
		fetch_and_check(0, (uint8_t)i, pieces[i]);
	}
}

/* RSI_ATTESTATION_TOKEN_INIT says the size, and the pieces add up to it. */
static void pieces_add_up(void **state)
{
	static const uint64_t pieces[] = {1, 333, 2048, GRANULE_SIZE};
	static uint8_t token[TOKEN_MAX];

	(void)state;
	for (unsigned int algo = RMI_HASH_SHA_256; algo <= RMI_HASH_SHA_512; algo++) {
		sim_reset();
		realm_with(1, (uint8_t)algo);
		for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
			uint64_t size = init(0, (uint8_t)i);

			assert_int_equal(fetch(0, token, pieces[i]), size);
		}
	}
}

/*
 * A piece of no bytes takes nothing, writes nothing and ends nothing: before, between, at the end.
 */
static void pieces_of_no_bytes(void **state)
{
	static uint8_t token[TOKEN_MAX];
	struct sample sample;
	uint64_t size, done = 0;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	size = init(0, 9);
	while (done < size) {
		uint64_t piece = min_u64(1000, size - done);
		uint64_t last = done + piece == size;

		memset(machine_raw(pa_of(page_pa)), 0xEE, GRANULE_SIZE);
		REALM_CALLS(&realm, CONTINUE, PAGE, 16, 0);
		ASSERT_RESULTS(RSI_INCOMPLETE, 0, 0, 0);
		for (unsigned int i = 0; i < GRANULE_SIZE; i++) {
			assert_int_equal(((uint8_t *)machine_raw(pa_of(page_pa)))[i], 0xEE);
		}
		REALM_CALLS(&realm, CONTINUE, PAGE, 0, piece);
		ASSERT_RESULTS(last ? RSI_SUCCESS : RSI_INCOMPLETE, piece, 0, 0);
		memcpy(token + done, machine_raw(pa_of(page_pa)), piece);
		done += piece;
	}
	sample_of_realm(&sample, 9);
	check_token(token, size, &sample);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_STATE, state, CONTINUE, PAGE, 0, 0);
}

/* Of two conditions that hold the one that is listed first answers. */
static void two_conditions(void **state)
{
	const uint64_t far = UNPROTECTED, all = ~UINT64_C(0);

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_align, CONTINUE, far + 8, 0, 16);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_align, CONTINUE, PAGE + 8, 4096, 16);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_bound, CONTINUE, far, 4096, 16);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_bound, CONTINUE, far, 16, all);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, offset_bound, CONTINUE, PAGE, 4096, all);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, offset_bound, CONTINUE, PAGE, 4096, 16);
	/* No token has been begun, which is asked last. */
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, size_overflow, CONTINUE, PAGE, 16, all);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, size_bound, CONTINUE, PAGE, 16, 4096);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_STATE, state, CONTINUE, PAGE, 16, 16);
}

/* Only the bytes that were asked for are written. */
static void writes_what_was_asked(void **state)
{
	const uint8_t *bytes;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	bytes = machine_raw(pa_of(page_pa));
	memset(machine_raw(pa_of(page_pa)), 0xEE, GRANULE_SIZE);
	init(0, 1);
	REALM_CALLS(&realm, CONTINUE, PAGE, 100, 5);
	ASSERT_RESULTS(RSI_INCOMPLETE, 5, 0, 0);
	for (unsigned int i = 0; i < GRANULE_SIZE; i++) {
		assert_int_equal(bytes[i] != 0xEE, i >= 100 && i < 105);
	}
	REALM_CALLS(&realm, CONTINUE, PAGE, 0, 0);
	ASSERT_RESULTS(RSI_INCOMPLETE, 0, 0, 0);
	REALM_CALLS(&realm, CONTINUE, PAGE, 0, GRANULE_SIZE);
	ASSERT_RESULTS(RSI_SUCCESS, 2242, 0, 0);
}

static void measurements_of_init(void **state)
{
	static uint8_t token[TOKEN_MAX];
	struct sample sample;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	sample_of_realm(&sample, 9);
	init(0, 9);
	REALM_CALLS(&realm, RSI_MEASUREMENT_EXTEND_FID, 1, 8, 1);
	check_token(token, fetch(0, token, GRANULE_SIZE), &sample);
}

static void second_init_counts(void **state)
{
	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	init(0, 1);
	init(0, 2);
	fetch_and_check(0, 2, GRANULE_SIZE);
	init(0, 3);
	REALM_CALLS(&realm, CONTINUE, PAGE, 0, 100);
	ASSERT_RESULTS(RSI_INCOMPLETE, 100, 0, 0);
	init(0, 4);
	fetch_and_check(0, 4, GRANULE_SIZE);
}

/* --- refusals; none of them loses the token --- */

#define REFUSED_AND_NOT_LOST(status, name, ...)                          \
	do {                                                             \
		realm_with(1, RMI_HASH_SHA_256);                         \
		init(0, 5);                                              \
		ASSERT_REALM_REFUSED(&realm, status, name, __VA_ARGS__); \
		fetch_and_check(0, 5, GRANULE_SIZE);                     \
		sim_reset();                                             \
	} while (0)

static void addr_align(void **state)
{
	(void)state;
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, addr_align, CONTINUE, PAGE + 1, 0, 16);
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, addr_align, CONTINUE, PAGE + 0x800, 0, 16);
}

static void addr_bound(void **state)
{
	(void)state;
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, addr_bound, CONTINUE, UNPROTECTED, 0, 16);
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, addr_bound, CONTINUE, PAGE | UNPROTECTED, 0, 16);
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, addr_bound, CONTINUE, ~GRANULE_MASK, 0, 16);
}

static void offset_bound(void **state)
{
	(void)state;
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, offset_bound, CONTINUE, PAGE, GRANULE_SIZE, 0);
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, offset_bound, CONTINUE, PAGE, ~UINT64_C(0), 16);
}

static void size_overflow(void **state)
{
	(void)state;
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, size_overflow, CONTINUE, PAGE, 16, ~UINT64_C(0));
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, size_overflow, CONTINUE, PAGE, 1, ~UINT64_C(0));
}

static void size_bound(void **state)
{
	(void)state;
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, size_bound, CONTINUE, PAGE, 0, GRANULE_SIZE + 1);
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, size_bound, CONTINUE, PAGE, 1, GRANULE_SIZE);
	REFUSED_AND_NOT_LOST(RSI_ERROR_INPUT, size_bound, CONTINUE, PAGE, 0, ~UINT64_C(0));
}

static void no_token_begun(void **state)
{
	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_STATE, state, CONTINUE, PAGE, 0, 16);
	init(0, 6);
	fetch_and_check(0, 6, GRANULE_SIZE);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_STATE, state, CONTINUE, PAGE, 0, 16);
}

static void empty_page(void **state)
{
	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	init(0, 7);
	REALM_CALLS(&realm, CONTINUE, PAGE + 2 * GRANULE_SIZE, 0, 16);
	ASSERT_RESULTS(RSI_ERROR_INPUT, 0, 0, 0);
	fetch_and_check(0, 7, GRANULE_SIZE);
}

static void missing_page(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	init(0, 8);
	SIM_EXITS(SIM_SMC(CONTINUE, PAGE + GRANULE_SIZE, 0, 16));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = (uint64_t)0x24 << 26 | 0x07,
		    .hpfar = (PAGE + GRANULE_SIZE) >> 8);
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(result(0), CONTINUE);
	assert_int_equal(result(1), PAGE + GRANULE_SIZE);
	fetch_and_check(0, 8, GRANULE_SIZE);
}

static void no_attestation(void **state)
{
	(void)state;
	sim_power_on();
	machine_el3.token_size = 0;
	assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS);
	realm_with(1, RMI_HASH_SHA_256);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_UNKNOWN, unknown, INIT, 1, 2, 3, 4, 5, 6, 7, 8);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_STATE, state, CONTINUE, PAGE, 0, 16);
}

/* A heap that is too small, where only signing notices; then one that is not. */
static void signing_fails(void **state)
{
	const uint64_t *aux;
	bool seen = false;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);

	const struct rec *rec = sim_rec(&realm, 0);
	uint32_t *heap = map_meta(rec->aux[rec->aux_count - 1], GRANULE_REC_AUX);

	aux = (const uint64_t *)(const void *)heap;
	for (uint32_t taken = GRANULE_SIZE - 1024; taken > 1024 && !seen; taken -= 64) {
		heap[0] = taken;
		heap[1] = 1;
		init(0, 1);
		SIM_EXITS(SIM_SMC(CONTINUE, PAGE, 0, 16));
		ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
		heap[0] = 0;
		heap[1] = 0;
		seen = result(0) == RSI_ERROR_UNKNOWN;
		if (seen) {
			assert_string_equal(machine_last_failure(), "unknown");
			for (unsigned int i = 0; i < GRANULE_SIZE / 8; i++) {
				assert_int_equal(aux[i], 0);
			}
			ASSERT_REALM_REFUSED(&realm, RSI_ERROR_STATE, state, CONTINUE, PAGE, 0, 16);
		}
	}
	assert_true(seen);
	init(0, 2);
	fetch_and_check(0, 2, GRANULE_SIZE);
}

/* --- interrupts --- */

static bool always(void)
{
	return true;
}

/* Each piece of work ends in an exit for the host, and there is an end of it. */
static void interrupts_all_the_time(void **state)
{
	struct rmi_rec_exit exit;
	unsigned int exits = 0;
	bool done = false;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	init(0, 1);
	machine_on_interrupt_pending = always;
	while (!done) {
		uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;

		SIM_EXITS(SIM_SMC(CONTINUE, PAGE, 0, GRANULE_SIZE));
		ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
		assert_int_equal(sim_rec(&realm, 0)->vcpu.pc, pc + 4);
		done = sim_rec(&realm, 0)->vcpu.gprs[0] == RSI_SUCCESS;
		if (!done) {
			assert_int_equal(sim_rec(&realm, 0)->vcpu.gprs[0], RSI_INCOMPLETE);
			assert_int_equal(sim_rec(&realm, 0)->vcpu.gprs[1], 0);
			exits++;
		}
		assert_true(exits < 1000);
	}
	assert_true(exits >= 5);

	struct sample sample;

	sample_of_realm(&sample, 1);
	check_token(machine_raw(pa_of(page_pa)), 2247, &sample);
}

static unsigned int polls_left;

static bool after_polls(void)
{
	return polls_left != 0 && --polls_left == 0;
}

/* One interrupt, at every point of the work in turn: an exit with nothing delivered, then all. */
static void interrupt_at_every_step(void **state)
{
	bool came = true;

	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	for (unsigned int at = 1; came; at++) {
		struct rmi_rec_exit exit;

		init(0, (uint8_t)at);
		machine_on_interrupt_pending = after_polls;
		polls_left = at;
		SIM_EXITS(SIM_SMC(CONTINUE, PAGE, 0, GRANULE_SIZE));
		ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
		machine_on_interrupt_pending = NULL;
		came = sim_rec(&realm, 0)->vcpu.gprs[0] == RSI_INCOMPLETE;
		if (came) {
			assert_int_equal(sim_runs(), 1);
			assert_int_equal(sim_rec(&realm, 0)->vcpu.gprs[1], 0);
			fetch_and_check(0, (uint8_t)at, GRANULE_SIZE);
		}
		assert_true(at < 1000);
	}
}

/* --- several RECs --- */

static void two_recs(void **state)
{
	static uint8_t token[2][TOKEN_MAX];
	size_t done[2] = {0};
	bool ended[2] = {false};
	struct sample sample;

	(void)state;
	realm_with(2, RMI_HASH_SHA_256);
	init(0, 10);
	init(1, 11);
	machine_on_interrupt_pending = always;
	for (unsigned int turn = 0; !ended[0] || !ended[1]; turn++) {
		unsigned int rec = turn % 2;
		const uint64_t *gprs = sim_rec(&realm, rec)->vcpu.gprs;

		if (ended[rec]) {
			continue;
		}
		SIM_EXITS(SIM_SMC(CONTINUE, PAGE, 0, 700));
		ASSERT_RMI_OK(sim_enter(&realm, rec, NULL, NULL));
		memcpy(token[rec] + done[rec], machine_raw(pa_of(page_pa)), gprs[1]);
		done[rec] += gprs[1];
		ended[rec] = gprs[0] == RSI_SUCCESS;
	}
	for (unsigned int rec = 0; rec < 2; rec++) {
		sample_of_realm(&sample, (uint8_t)(10 + rec));
		check_token(token[rec], done[rec], &sample);
	}
}

/* A REC that goes in the middle of the work leaves nothing: the world checks its granules. */
static void rec_destroyed_while_signing(void **state)
{
	(void)state;
	realm_with(1, RMI_HASH_SHA_256);
	init(0, 1);
	machine_on_interrupt_pending = always;
	SIM_EXITS(SIM_SMC(CONTINUE, PAGE, 0, 16));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	machine_on_interrupt_pending = NULL;
	sim_realm_destroy(&realm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RSI_ATTESTATION_TOKEN_INIT unknown", no_attestation),
		SIM_TEST("RSI_ATTESTATION_TOKEN_INIT: the second one counts", second_init_counts),
		SIM_TEST("RSI_ATTESTATION_TOKEN_INIT takes the measurements", measurements_of_init),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: a whole token", whole_token),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: small pieces", small_pieces),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: pieces add up to the size that INIT said",
			 pieces_add_up),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: pieces of no bytes", pieces_of_no_bytes),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: two conditions at once", two_conditions),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE writes what was asked",
			 writes_what_was_asked),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE addr_align", addr_align),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE addr_bound", addr_bound),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE offset_bound", offset_bound),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE size_overflow", size_overflow),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE size_bound", size_bound),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE state", no_token_begun),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE unknown", signing_fails),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: RIPAS EMPTY", empty_page),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: page missing", missing_page),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: interrupts all the time",
			 interrupts_all_the_time),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: an interrupt at every step",
			 interrupt_at_every_step),
		SIM_TEST("RSI_ATTESTATION_TOKEN_CONTINUE: two RECs", two_recs),
		SIM_TEST("RMI_REC_DESTROY while a token is made", rec_destroyed_while_signing),
	};

	return unit_run(tests);
}
