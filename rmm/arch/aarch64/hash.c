// SPDX-License-Identifier: BSD-3-Clause
#include "arch/hash.h"

#include "base/sha2.h"

void arch_sha256(uint32_t state[8], const void *blocks, size_t count, const void *tail,
		 size_t tail_count)
{
	sha256_fold(state, blocks, count);
	sha256_fold(state, tail, tail_count);
}

void arch_sha512(uint64_t state[8], const void *blocks, size_t count, const void *tail,
		 size_t tail_count)
{
	sha512_fold(state, blocks, count);
	sha512_fold(state, tail, tail_count);
}
