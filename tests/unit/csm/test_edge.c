// SPDX-License-Identifier: BSD-3-Clause
/*
 * No block reaches across the edge of a region: RSI_CSM_CREATE asks the host to split those that
 * do, and RMI_RTT_FOLD makes none. So a region of any size can be sealed and digested.
 */
#include "csm/csm_unit.h"

#define PAGES 512U /* of a block */
#define MIB   (UINT64_C(1) << 20)

static struct trealm *trealm;

/* 2 MiB at TREALM_WIDE, in pages / in one block. */
static void make_pages(unsigned int blocks)
{
	for (uint64_t i = 0; i < blocks; i++) {
		sim_realm_tables(&trealm->realm, TREALM_WIDE + i * BLOCK, 3);
	}
	for (uint64_t i = 0; i < blocks * PAGES; i++) {
		sim_delegate(SIM_HIGH + PAGE(i));
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, trealm->realm.rd, SIM_HIGH + PAGE(i),
				  TREALM_WIDE + PAGE(i)));
	}
}

static struct sim_answer fold(uint64_t ipa)
{
	return RMI(RMI_RTT_FOLD, trealm->realm.rd, ipa, 3);
}

static void split(uint64_t ipa)
{
	ASSERT_RMI_OK(
		RMI(RMI_RTT_CREATE, trealm->realm.rd, sim_realm_delegated(&trealm->realm), ipa, 3));
}

static void make_blocks(unsigned int blocks)
{
	make_pages(blocks);
	for (uint64_t i = 0; i < blocks; i++) {
		ASSERT_RMI_OK(fold(TREALM_WIDE + i * BLOCK));
	}
}

/* The command has left for the block at `ipa`, and is where it was. */
static void expect_asked(const struct trealm_call *call, uint64_t ipa)
{
	ASSERT_EXIT(call->exit, .exit_reason = RMI_EXIT_CSM_SPLIT, .ripas_base = ipa,
		    .ripas_top = ipa + BLOCK);
	assert_int_equal(call->x[0], RSI_CSM_CREATE_FID);
}

/* CREATE, whose host splits what it is asked to: the region's id. *asked: how often it was. */
static uint64_t create(uint64_t base, uint64_t size, unsigned int *asked)
{
	struct trealm_call call = CSM_FINISH(trealm, CREATE, base, size, 0);

	*asked = 0;
	while (call.exit.exit_reason == RMI_EXIT_CSM_SPLIT) {
		expect_asked(&call, call.exit.ripas_base);
		split(call.exit.ripas_base);
		++*asked;
		call = CSM_FINISH(trealm, CREATE, base, size, 0);
	}
	ASSERT_NOTICE(call, RMI_EXIT_CSM_PROVIDER, base, base + size);
	return call.x[1];
}

/* Whether the page takes a write, as its neighbours outside of a sealed region must. */
static bool writable(uint64_t ipa)
{
	return trealm_map(trealm, ipa).write;
}

static void seal_and_digest(uint64_t region, uint64_t base, uint64_t size)
{
	ASSERT_OK(CSM_FINISH(trealm, SEAL, region));
	assert_int_equal(trealm_access(trealm, base, true), TOUCH_ABORT);
	assert_int_equal(trealm_access(trealm, base + size - PAGE(1), true), TOUCH_ABORT);
	assert_true(base == TREALM_WIDE || writable(base - PAGE(1)));
	assert_true(base + size == TREALM_WIDE + 2 * BLOCK || writable(base + size));
	ASSERT_OK(CSM_FINISH(trealm, DIGEST, trealm_id(trealm), region));
	ASSERT_OK(CSM_FINISH(trealm, DESTROY, region));
	assert_true(writable(base) && writable(base + size - PAGE(1)));
}

/* Sizes and places in two blocks, and how many of them have to be split. */
static void create_splits(void **state)
{
	const struct {
		uint64_t offset, size;
		unsigned int asked;
	} cases[] = {
		{0, PAGE(1), 1},
		{BLOCK - PAGE(1), PAGE(1), 1},
		{PAGE(7), PAGE(1), 1},
		{0, MIB, 1},
		{MIB, MIB, 1},
		{MIB / 2, MIB, 1},
		{0, BLOCK - PAGE(1), 1},
		{PAGE(1), BLOCK - PAGE(1), 1},
		{0, BLOCK, 0},
		{0, BLOCK + PAGE(1), 1},
		{BLOCK - PAGE(1), BLOCK + PAGE(1), 1},
		{BLOCK - PAGE(1), PAGE(2), 2},
		{MIB, BLOCK, 2},
		{PAGE(1), 2 * BLOCK - PAGE(2), 2},
		{0, 2 * BLOCK, 0},
	};

	(void)state;
	trealm = trealm_make(1);
	make_blocks(2);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint64_t base = TREALM_WIDE + cases[i].offset;
		unsigned int asked;
		uint64_t region = create(base, cases[i].size, &asked);

		assert_int_equal(asked, cases[i].asked);
		seal_and_digest(region, base, cases[i].size);
		for (uint64_t at = TREALM_WIDE; at < TREALM_WIDE + 2 * BLOCK; at += BLOCK) {
			if (!trealm_map(trealm, at).block) {
				ASSERT_RMI_OK(fold(at));
			}
		}
	}
	split(TREALM_WIDE);
	split(TREALM_WIDE + BLOCK);
	trealm_destroy_all();
}

/* A block in the range whose pages the host still owes is none. */
static void create_without_pages(void **state)
{
	unsigned int asked;

	(void)state;
	trealm = trealm_make(1);
	create(TREALM_WIDE + MIB, MIB, &asked);
	assert_int_equal(asked, 0);
	/* Entries that map nothing may be folded: a page that comes needs a table again. */
	sim_realm_tables(&trealm->realm, TREALM_WIDE, 3);
	ASSERT_RMI_OK(fold(TREALM_WIDE));
	trealm_destroy_all();
}

/* The command is repeated as often as the host enters the REC, and has no effect before. */
static void never_split(void **state)
{
	uint64_t base = TREALM_WIDE + PAGE(3);
	struct trealm_call call;

	(void)state;
	trealm = trealm_make(1);
	make_blocks(1);
	for (unsigned int i = 0; i < 20; i++) {
		call = CSM(trealm, CREATE, base, PAGE(2), 0);
		expect_asked(&call, TREALM_WIDE);
	}
	assert_int_equal(CSM(trealm, QUERY, trealm_id(trealm), 0).x[1], 0);
	ASSERT_DENIED(CSM(trealm, SEAL, 1), RSI_ERROR_INPUT, region);
	assert_true(trealm_map(trealm, base).block && writable(base));
	/* It is in nobody's way. */
	call = CSM(trealm, CREATE, base + PAGE(1), PAGE(2), 0);
	expect_asked(&call, TREALM_WIDE);
	assert_int_equal(CSM(trealm, CREATE, TREALM_WIDE, BLOCK, 0).x[1], 1);
	ASSERT_OK(CSM(trealm, DESTROY, 1));

	/* Split at last, but folded again before the REC is entered. */
	call = CSM(trealm, CREATE, base, PAGE(2), 0);
	expect_asked(&call, TREALM_WIDE);
	split(TREALM_WIDE);
	ASSERT_REFUSED(fold(TREALM_WIDE), rmi_status_rtt(3), rtt_homo);
	ASSERT_NOTICE(CSM(trealm, CREATE, base, PAGE(2), 0), RMI_EXIT_CSM_PROVIDER, base,
		      base + PAGE(2));
	trealm_destroy_all();
}

/* A page that is lost while the host is asked makes the range no RAM any more. */
static void lost_meanwhile(void **state)
{
	uint64_t base = TREALM_WIDE + PAGE(3);
	struct trealm_call call;

	(void)state;
	trealm = trealm_make(1);
	make_blocks(1);
	call = CSM(trealm, CREATE, base, PAGE(2), 0);
	expect_asked(&call, TREALM_WIDE);
	split(TREALM_WIDE);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, trealm->realm.rd, base + PAGE(1)));
	ASSERT_DENIED(CSM(trealm, CREATE, base, PAGE(2), 0), RSI_ERROR_INPUT, ripas);
	trealm_destroy_all();
}

/* The exit names no address in hpfar: that IPA 0 is reserved does not matter. */
static void zero_reserved(void **state)
{
	struct trealm *other = trealm_make(1);
	uint64_t lent = trealm_region(other, 0, 1);
	struct trealm_call call;

	(void)state;
	trealm = trealm_make(1);
	make_blocks(1);
	trealm_share(other, lent, trealm, CSM_PERM_READ);
	trealm_reserve(trealm, other, lent, 0, 1);
	call = CSM(trealm, CREATE, TREALM_WIDE, PAGE(1), 0);
	expect_asked(&call, TREALM_WIDE);
	split(TREALM_WIDE);
	trealm_destroy_all();
}

/* --- RMI_RTT_FOLD */

static void fold_refused(void **state)
{
	const struct {
		uint64_t offset, size;
		bool edge; /* inside the first block */
	} cases[] = {
		{0, PAGE(1), true},
		{BLOCK - PAGE(1), PAGE(1), true},
		{MIB, PAGE(1), true},
		{0, BLOCK - PAGE(1), true},
		{PAGE(1), BLOCK - PAGE(1), true},
		{BLOCK - PAGE(1), PAGE(2), true},
		{PAGE(1), BLOCK, true},
		{0, BLOCK, false},
		{0, BLOCK + PAGE(1), false},
		{0, 2 * BLOCK, false},
		{BLOCK, PAGE(1), false},
	};

	(void)state;
	trealm = trealm_make(1);
	make_pages(2);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		unsigned int asked;
		uint64_t region = create(TREALM_WIDE + cases[i].offset, cases[i].size, &asked);

		assert_int_equal(asked, 0);
		if (cases[i].edge) {
			ASSERT_REFUSED(fold(TREALM_WIDE), rmi_status_rtt(3), rtt_homo);
			assert_false(trealm_map(trealm, TREALM_WIDE).block);
		} else {
			ASSERT_RMI_OK(fold(TREALM_WIDE));
			split(TREALM_WIDE);
		}
		ASSERT_OK(CSM(trealm, DESTROY, region));
		ASSERT_RMI_OK(fold(TREALM_WIDE));
		split(TREALM_WIDE);
	}
	trealm_destroy_all();
}

/* The second of two regions has the edge; one that fills the block has none. */
static void fold_between(void **state)
{
	unsigned int asked;

	(void)state;
	trealm = trealm_make(1);
	make_pages(2);
	create(TREALM_WIDE, BLOCK, &asked);
	create(TREALM_WIDE + BLOCK, MIB, &asked);
	ASSERT_RMI_OK(fold(TREALM_WIDE));
	ASSERT_REFUSED(fold(TREALM_WIDE + BLOCK), rmi_status_rtt(3), rtt_homo);
	create(TREALM_WIDE + BLOCK + MIB, MIB, &asked);
	ASSERT_REFUSED(fold(TREALM_WIDE + BLOCK), rmi_status_rtt(3), rtt_homo);
	ASSERT_OK(CSM(trealm, DESTROY, 2));
	ASSERT_REFUSED(fold(TREALM_WIDE + BLOCK), rmi_status_rtt(3), rtt_homo);
	ASSERT_OK(CSM(trealm, DESTROY, 3));
	ASSERT_RMI_OK(fold(TREALM_WIDE + BLOCK));
	split(TREALM_WIDE);
	split(TREALM_WIDE + BLOCK);
	trealm_destroy_all();
}

/* A reservation of pages that are the realm's own still has no edge, a region behind it has. */
static void fold_reservation(void **state)
{
	struct trealm *other = trealm_make(1);
	uint64_t lent = trealm_region(other, 0, 4);
	unsigned int asked;

	(void)state;
	trealm = trealm_make(1);
	make_pages(1);
	trealm_share(other, lent, trealm, CSM_PERM_READ);
	trealm_reserve(trealm, other, lent, TREALM_WIDE + PAGE(4), 4);
	ASSERT_RMI_OK(fold(TREALM_WIDE));
	split(TREALM_WIDE);
	create(TREALM_WIDE + PAGE(8), PAGE(1), &asked);
	ASSERT_REFUSED(fold(TREALM_WIDE), rmi_status_rtt(3), rtt_homo);
	trealm_destroy_all();
}

/* A region is one from its first step on, and until its last is done. */
static void fold_in_steps(void **state)
{
	uint64_t size = BLOCK + MIB;
	unsigned int asked;
	uint64_t region;

	(void)state;
	trealm = trealm_make(1);
	make_pages(2);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(trealm, CREATE, TREALM_WIDE, size, 0).x[0], RSI_INCOMPLETE);
	ASSERT_REFUSED(fold(TREALM_WIDE + BLOCK), rmi_status_rtt(3), rtt_homo);
	region = create(TREALM_WIDE, size, &asked);
	assert_int_equal(asked, 0);
	ASSERT_OK(CSM_FINISH(trealm, SEAL, region));
	assert_int_equal(CSM(trealm, DESTROY, region).x[0], RSI_INCOMPLETE);
	ASSERT_REFUSED(fold(TREALM_WIDE + BLOCK), rmi_status_rtt(3), rtt_homo);
	ASSERT_OK(CSM_FINISH(trealm, DESTROY, region));
	machine_on_interrupt_pending = NULL;
	ASSERT_RMI_OK(fold(TREALM_WIDE + BLOCK));
	split(TREALM_WIDE + BLOCK);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RSI_CSM_CREATE across blocks asks to split them; SEAL, DIGEST",
			    create_splits),
		TREALM_TEST("RSI_CSM_CREATE where the entries map nothing", create_without_pages),
		TREALM_TEST("RSI_CSM_CREATE with a host that never splits", never_split),
		TREALM_TEST("RSI_CSM_CREATE ripas: a page lost meanwhile", lost_meanwhile),
		TREALM_TEST("RSI_CSM_CREATE across a block, with IPA 0 reserved", zero_reserved),
		TREALM_TEST("RMI_RTT_FOLD rtt_homo: an edge in the block", fold_refused),
		TREALM_TEST("RMI_RTT_FOLD rtt_homo: two regions in the block", fold_between),
		TREALM_TEST("RMI_RTT_FOLD rtt_homo: a reservation before the region",
			    fold_reservation),
		TREALM_TEST("RMI_RTT_FOLD rtt_homo: a region that begins or ends", fold_in_steps),
	};
	return unit_run(tests);
}
