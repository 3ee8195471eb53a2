// SPDX-License-Identifier: BSD-3-Clause
/*
 * The RMM is compiled for general registers; what is in the vector registers belongs to the
 * interrupted world, the host or a realm, and it is still there when a function here returns. With
 * SVE that means whole Z registers at their longest, because writing a V register clears the rest
 * of its Z register.
 */
#include "arch/hash.h"

#include "arch/aarch64/sysreg.h"
#include "base/bits.h"
#include "base/sha2.h"

/* sha2.S */
void sha2_save_q(void *area);
void sha2_save_z(void *area);
void sha2_restore_q(const void *area);
void sha2_restore_z(const void *area);
void sha2_fold_256(uint32_t state[8], const void *blocks, size_t count);
void sha2_fold_512(uint64_t state[8], const void *blocks, size_t count);

#define ZCR_LONGEST 0xFU
#define SVCR_SM     BIT(0)

/* ID_AA64ISAR0_EL1.SHA2. */
#define SHA2_256 1U
#define SHA2_512 2U

enum control {
	CONTROL_CPTR,
	CONTROL_ZCR,
};

/*
 * Opens v0..v15 to the RMM and keeps their contents aside. Refuses in streaming mode, where the
 * instructions do not exist and leaving the mode would destroy the registers.
 */
static bool vectors_save(struct arch_hash_ctx *ctx)
{
	bool sme = bits_get(read_sysreg(id_aa64pfr1_el1), 27, 24) != 0;
	uint64_t cptr = read_sysreg(cptr_el2);

	ctx->sve = bits_get(read_sysreg(id_aa64pfr0_el1), 35, 32) != 0;
	ctx->controls[CONTROL_CPTR] = cptr;
	write_sysreg(cptr_el2,
		     cptr | CPTR_FPEN | (ctx->sve ? CPTR_ZEN : 0) | (sme ? CPTR_SMEN : 0));
	isb();
	if (sme && (read_sysreg(s3_3_c4_c2_2) & SVCR_SM) != 0) {
		write_sysreg(cptr_el2, cptr);
		isb();
		return false;
	}
	if (ctx->sve) {
		ctx->controls[CONTROL_ZCR] = read_sysreg(s3_4_c1_c2_0); /* ZCR_EL2 */
		write_sysreg(s3_4_c1_c2_0, ZCR_LONGEST);
		isb();
		sha2_save_z(ctx->vectors);
	} else {
		sha2_save_q(ctx->vectors);
	}
	return true;
}

void arch_hash_begin(struct arch_hash_ctx *ctx)
{
	ctx->level = (uint8_t)bits_get(read_sysreg(id_aa64isar0_el1), 15, 12);
	if (ctx->level != 0 && !vectors_save(ctx)) {
		ctx->level = 0;
	}
}

void arch_hash_end(const struct arch_hash_ctx *ctx)
{
	if (ctx->level == 0) {
		return;
	}
	if (ctx->sve) {
		sha2_restore_z(ctx->vectors);
		write_sysreg(s3_4_c1_c2_0, ctx->controls[CONTROL_ZCR]);
	} else {
		sha2_restore_q(ctx->vectors);
	}
	write_sysreg(cptr_el2, ctx->controls[CONTROL_CPTR]);
	isb();
}

void arch_sha256(const struct arch_hash_ctx *ctx, uint32_t state[8], const void *blocks,
		 size_t count)
{
	if (ctx->level >= SHA2_256) {
		sha2_fold_256(state, blocks, count);
	} else {
		sha256_fold(state, blocks, count);
	}
}

void arch_sha512(const struct arch_hash_ctx *ctx, uint64_t state[8], const void *blocks,
		 size_t count)
{
	if (ctx->level >= SHA2_512) {
		sha2_fold_512(state, blocks, count);
	} else {
		sha512_fold(state, blocks, count);
	}
}
