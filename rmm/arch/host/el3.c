// SPDX-License-Identifier: BSD-3-Clause
/* EL3 as TF-A behaves: owner of the granule protection table, and of key and platform token. */
#include "arch/el3.h"

#include <string.h>

#include "abi/el3.h"
#include "arch/host/machine_internal.h"
#include "base/bits.h"

struct machine_el3 machine_el3;
bool (*machine_on_el3)(uint64_t fid, uint64_t x1, struct arch_el3_result *result);
void (*machine_on_yield)(struct smc_regs *regs);

static bool is_zero(const struct page *page)
{
	const uint8_t *bytes = machine_page_raw(page);

	return bytes[0] == 0 && memcmp(bytes, bytes + 1, GRANULE_SIZE - 1) == 0;
}

/* What the host left in the granule stays there, and EL3's cache maintenance makes it no better. */
static void soil(const struct page *page)
{
	uint64_t *words = (uint64_t *)(void *)machine_page_raw(page);

	for (size_t i = 0; i < GRANULE_SIZE / sizeof(*words); i += 16) {
		words[i] |= UINT64_C(0xDEADBEEF00000001);
	}
}

/*
 * GTSI (abi/el3.h): moves a granule between worlds. EL3_BAD_PAS if it is not in `from`. Stops if
 * the RMM maps it, has not wiped it, or holds no lock of it.
 */
static int64_t change_world(pa_t pa, enum machine_pas from, enum machine_pas to)
{
	struct page *page = machine_page(pa);
	const char *mistake = NULL;
	int64_t status = EL3_BAD_PAS;

	if (page == NULL || !is_aligned(pa.v, GRANULE_SIZE)) {
		return EL3_BAD_ADDRESS;
	}
	machine_checkers_lock();
	if (machine_pas(pa) == from) {
		status = EL3_OK;
		if (page->maps != 0) {
			mistake = "still mapped";
		} else if (from == MACHINE_REALM && !machine_deaf && !is_zero(page)) {
			mistake = "not wiped";
		} else if (!machine_locks_held()) {
			mistake = "not locked";
		}
		if (to == MACHINE_REALM) {
			soil(page);
		}
		machine_page_touch(page);
		machine_set_pas(pa, to);
	}
	machine_checkers_unlock();
	if (mistake != NULL) {
		machine_stop("GPT: %#lx changes worlds and is %s", (unsigned long)pa.v, mistake);
	}
	return status;
}

static size_t token_given;

void machine_el3_reset(void)
{
	machine_el3 = (struct machine_el3){
		.key_size = EL3_REALM_KEY_SIZE,
		.token_size = 1518,
		.hunk_size = EL3_SHARED_BUFFER_SIZE,
	};
	for (size_t i = 0; i < sizeof(machine_el3.key); i++) {
		machine_el3.key[i] = (uint8_t)(0x20 + 3 * i);
	}
	token_given = 0;
}

/* Buffer of an attestation service: [pa, pa + size) in the shared page, of which one is known. */
static uint8_t *service_buffer(uint64_t pa, uint64_t size)
{
	if (machine_pas(pa_of(pa)) != MACHINE_REALM || (pa & GRANULE_MASK) + size > GRANULE_SIZE) {
		return NULL;
	}
	return machine_raw(pa_of(pa));
}

static struct arch_el3_result give_key(uint64_t pa, uint64_t size, uint64_t curve)
{
	uint8_t *buffer = service_buffer(pa, size);

	if (buffer == NULL) {
		return (struct arch_el3_result){.status = EL3_BAD_ADDRESS};
	}
	if (size < sizeof(machine_el3.key) || curve != EL3_CURVE_SECP384R1) {
		return (struct arch_el3_result){.status = EL3_INVALID};
	}
	memcpy(buffer, machine_el3.key, sizeof(machine_el3.key));
	return (struct arch_el3_result){.status = EL3_OK, .x1 = machine_el3.key_size};
}

/* EL3_ATTEST_GET_PLAT_TOKEN: the next hunk of the token. A challenge starts it anew. */
static struct arch_el3_result give_token(uint64_t pa, uint64_t size, uint64_t challenge_size)
{
	static uint8_t challenge[EL3_CHALLENGE_SHA512];
	uint8_t *buffer = service_buffer(pa, size);

	if (buffer == NULL || machine_el3.token_size == 0) {
		return (struct arch_el3_result){.status = EL3_BAD_ADDRESS};
	}
	if (machine_el3.busy_calls != 0) {
		machine_el3.busy_calls--;
		return (struct arch_el3_result){.status = EL3_AGAIN};
	}
	if (challenge_size != 0) {
		memset(challenge, 0, sizeof(challenge));
		memcpy(challenge, buffer, min_u64(challenge_size, sizeof(challenge)));
		token_given = 0;
	}

	size_t left = machine_el3.token_size - token_given;
	size_t count = min_u64(min_u64(size, machine_el3.hunk_size), left);

	for (size_t i = 0; i < count; i++) {
		size_t at = token_given + i;

		buffer[i] = at < EL3_CHALLENGE_SHA256 ? challenge[at] : (uint8_t)at;
	}
	token_given += count;
	return (struct arch_el3_result){.status = EL3_OK, .x1 = count, .x2 = left - count};
}

struct arch_el3_result arch_el3_call(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
				     uint64_t x4)
{
	struct arch_el3_result result = {.status = EL3_UNKNOWN};

	(void)x4;
	if (machine_on_el3 != NULL && machine_on_el3(fid, x1, &result)) {
		return result;
	}
	switch (fid) {
	case EL3_GTSI_DELEGATE_FID:
		result.status = change_world(pa_of(x1), MACHINE_NS, MACHINE_REALM);
		break;
	case EL3_GTSI_UNDELEGATE_FID:
		result.status = change_world(pa_of(x1), MACHINE_REALM, MACHINE_NS);
		break;
	case EL3_ATTEST_GET_REALM_KEY_FID:
		return give_key(x1, x2, x3);
	case EL3_ATTEST_GET_PLAT_TOKEN_FID:
		return give_token(x1, x2, x3);
	default:
		break;
	}
	return result;
}

void arch_el3_yield(struct smc_regs *regs)
{
	if (machine_on_yield == NULL) {
		machine_stop("the RMM left for a normal world that is not there");
	}
	machine_on_yield(regs);
}
