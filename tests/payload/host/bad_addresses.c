// SPDX-License-Identifier: BSD-3-Clause
#include "bad_addresses.h"
#include "mem.h"
#include "memmap.h"
#include "test.h"

static uint64_t beyond_pa(void)
{
	static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52, 56};

	return (1UL << bits[sysreg_read("id_aa64mmfr0_el1") & 7]) + PAGE_SIZE;
}

struct realm *realm_wide(void)
{
	struct realm_config config = realm_default(PROGRAM_hello);

	config.ipa_width = 40;
	config.start_level = 0;
	return realm_create(&config);
}

static void give_back(void *granule)
{
	smc_call(RMI_GRANULE_UNDELEGATE_FID, (uint64_t)granule);
}

struct bad_addresses bad_addresses_make(void)
{
	static const uint64_t no_args[8];
	struct bad_addresses places = {.realm = realm_wide()};
	struct realm *realm = places.realm;
	struct rec *rec = realm_add_rec(realm, 0, no_args, true);
	struct smc_regs entry;

	REQUIRE(realm_data_unknown(realm, 0));
	entry = smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, 0, RMI_LEVEL_PAGE);
	places.at[BAD_UNALIGNED] = 1;
	places.at[BAD_DEVICE] = MAP_UART;
	places.at[BAD_OUTSIDE] = beyond_pa();
	places.at[BAD_SECURE] = MAP_SECURE_RAM;
	places.at[BAD_RMM] = MAP_RMM_IMAGE;
	places.at[BAD_48] = 1UL << 48 | RAM_BASE;
	places.at[BAD_UNDELEGATED] = page_alloc();
	places.at[BAD_DELEGATED] = granule_take();
	test_cleanup(give_back, (void *)places.at[BAD_DELEGATED]);
	places.at[BAD_RD] = realm->rd;
	places.at[BAD_REC] = rec->granule;
	places.at[BAD_AUX] = rec->aux[0];
	places.at[BAD_RTT] = realm->tables;
	places.at[BAD_DATA] = entry.x[3];
	return places;
}

void refused(uint64_t fid, const uint64_t args[5], uint64_t status)
{
	struct smc_regs r = smc_args(fid, args, 5);

	if (!CHECK_EQ(r.x[0], status) || !CHECK_EQ(r.x[1] | r.x[2] | r.x[3], 0) ||
	    (fid == RMI_RTT_READ_ENTRY_FID && !CHECK_EQ(r.x[4], 0))) {
		note("%lx(%lx, %lx, %lx, %lx, %lx)", fid, args[0], args[1], args[2], args[3],
		     args[4]);
	}
}

void bad_addresses_refused(const struct bad_addresses *places, uint64_t fid, const uint64_t args[5],
			   unsigned arg, enum bad_address good)
{
	for (unsigned i = 0; i < BAD_ADDRESSES; i++) {
		uint64_t changed[5];

		if (i == good) {
			continue;
		}
		memcpy(changed, args, sizeof(changed));
		changed[arg - 1] = i == BAD_UNALIGNED ? args[arg - 1] + 1 : places->at[i];
		refused(fid, changed, RMI_ERROR_INPUT);
	}
}

struct entry rtt_read(const struct realm *realm, uint64_t ipa, int64_t level)
{
	struct smc_regs r = smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, ipa, (uint64_t)level);

	CHECK_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[2] >> 8, 0);
	CHECK_EQ(r.x[4] >> 8, 0);
	return (struct entry){(int64_t)r.x[1], r.x[2], r.x[3], r.x[4]};
}

void expect_entry(const struct realm *realm, uint64_t ipa, int64_t level, struct entry expected)
{
	struct entry found = rtt_read(realm, ipa, level);

	if (!CHECK_EQ(found.level, expected.level) || !CHECK_EQ(found.state, expected.state) ||
	    !CHECK_EQ(found.desc, expected.desc) || !CHECK_EQ(found.ripas, expected.ripas)) {
		note("entry of %lx at level %ld", ipa, level);
	}
}

uint64_t ns_desc(uint64_t pa, uint64_t memattr, uint64_t s2ap)
{
	return pa | ABI_FIELD_PREP(RMI_DESC_MEMATTR, memattr) | ABI_FIELD_PREP(RMI_DESC_S2AP, s2ap);
}

uint64_t realm_make_block(struct realm *realm, uint64_t ipa)
{
	uint64_t run = page_alloc_run(512, 512);
	struct smc_regs r;

	realm_make_tables(realm, ipa, (int)rtt_read(realm, ipa, 3).level, RMI_LEVEL_PAGE);
	for (uint64_t at = 0; at < level_size(2); at += PAGE_SIZE) {
		REQUIRE_EQ(rmi_granule_delegate(run + at), RMI_SUCCESS);
		REQUIRE_EQ(
			smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, run + at, ipa + at).x[0],
			RMI_SUCCESS);
	}
	r = smc_call(RMI_RTT_FOLD_FID, realm->rd, ipa, RMI_LEVEL_PAGE);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	return run;
}
