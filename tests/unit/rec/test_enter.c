// SPDX-License-Identifier: BSD-3-Clause
/* The host's interrupts on entry: RMI_REC_ENTER rec_gicv3, field by field. */
#include "rec_unit.h"

#define LRS     4U /* of the machine */
#define PENDING BIT(62)
#define ACTIVE  BIT(63)
#define HW      BIT(61)
#define GROUP1  BIT(60)
#define EOI     BIT(41)

static struct sim_realm realm;

static void expect_refused(const struct rmi_rec_enter *enter)
{
	ASSERT_REFUSED(sim_enter(&realm, 0, enter, NULL), RMI_ERROR_REC, rec_gicv3);
}

/* One list register with this value, in each of those that are there. */
static void expect_lr(uint64_t lr, bool good)
{
	for (unsigned int i = 0; i < LRS; i++) {
		struct rmi_rec_enter enter = {.flags = 0};

		enter.gicv3_lrs[i] = lr;
		SIM_EXITS(SIM_IRQ);
		if (!good) {
			expect_refused(&enter);
			continue;
		}
		ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
		assert_int_equal(sim_saw(0)->vcpu.gic.lr[i], lr);
	}
}

static void hcr(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int bit = 0; bit < 64; bit++) {
		const struct rmi_rec_enter enter = {.gicv3_hcr = BIT(bit)};

		SIM_EXITS(SIM_IRQ);
		if ((bit >= 1 && bit <= 7) || bit == 14) {
			ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
			assert_int_equal(sim_saw(0)->vcpu.gic.hcr, BIT(bit));
		} else {
			expect_refused(&enter);
		}
	}
}

static const uint64_t valid_states[] = {PENDING, ACTIVE, PENDING | ACTIVE};

static void hardware(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(valid_states); i++) {
		expect_lr(valid_states[i] | HW | 40, false);
		expect_lr(valid_states[i] | GROUP1 | 40, true);
	}
}

/* Five bits of priority: the lower three do not exist. */
static void priority(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int bit = 48; bit < 56; bit++) {
		expect_lr(PENDING | BIT(bit) | 40, bit >= 51);
	}
	expect_lr(PENDING | (uint64_t)0xF8 << 48 | 40, true);
	expect_lr(PENDING | (uint64_t)0xFF << 48 | 40, false);
}

static void physical_id(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int bit = 32; bit < 48; bit++) {
		expect_lr(PENDING | BIT(bit) | 40, bit == 41);
	}
	expect_lr(PENDING | EOI | BIT(40) | 40, false);
}

static void reserved(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int bit = 56; bit < 60; bit++) {
		expect_lr(PENDING | BIT(bit) | 40, false);
	}
}

static void interrupt_id(void **state)
{
	static const struct {
		uint64_t id;
		bool good;
	} ids[] = {
		{0, true},        {15, true},       {31, true},          {1019, true},
		{1020, false},    {1023, false},    {1024, false},       {1055, false},
		{4095, false},    {8191, false},    {8192, true},        {0xFFFF, true},
		{0x10000, false}, {0x12000, false}, {0xFFFFFFFF, false}, {0x80000000 | 40, false},
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
		expect_lr(PENDING | ids[i].id, ids[i].good);
	}
}

static void twice(void **state)
{
	struct rmi_rec_enter enter = {.flags = 0};

	(void)state;
	sim_realm_ready(&realm, 1);
	SIM_EXITS(SIM_IRQ);
	for (unsigned int i = 0; i < LRS; i++) {
		for (unsigned int j = 0; j < i; j++) {
			memset(&enter, 0, sizeof(enter));
			enter.gicv3_lrs[i] = PENDING | 40;
			enter.gicv3_lrs[j] = ACTIVE | GROUP1 | (uint64_t)0x80 << 48 | 40;
			expect_refused(&enter);
			enter.gicv3_lrs[j] += 1;
			ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
		}
	}
}

/* What has no state is no interrupt, and what is behind the last register does not exist. */
static void not_looked_at(void **state)
{
	struct rmi_rec_enter enter = {.flags = 0};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int i = 0; i < LRS; i++) {
		enter.gicv3_lrs[i] = ~(PENDING | ACTIVE);
	}
	for (unsigned int i = LRS; i < RMI_MAX_LRS; i++) {
		enter.gicv3_lrs[i] = ~UINT64_C(0);
	}
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	for (unsigned int i = 0; i < RMI_MAX_LRS; i++) {
		assert_int_equal(sim_saw(0)->vcpu.gic.lr[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_REC_ENTER rec_gicv3: gicv3_hcr, each bit", hcr),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: physical interrupt", hardware),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: priority", priority),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: pINTID", physical_id),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: reserved bits", reserved),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: vINTID", interrupt_id),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: one vINTID twice", twice),
		SIM_TEST("RMI_REC_ENTER rec_gicv3: what is not looked at", not_looked_at),
	};

	return unit_run(tests);
}
