// SPDX-License-Identifier: BSD-3-Clause
/*
 * Signals: pending words, RSI_CSM_SIGNAL and RSI_CSM_SIGNAL_TAKE (docs/csm-spec.md section 9).
 *
 * A receiver's record has a pending word; one bit in its APT granule and one in its realm lead to
 * it. All three are atomic, because a sender holds its own CSM lock only. A sender sets the word
 * first, then the granule's bit, then the realm's; the receiver clears from the realm's down. So a
 * bit may lead to an empty word, which costs a look, but no word is without a bit that leads to it,
 * and no signal is lost.
 */
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- pending words */

bool rmm_csm_signal_post(struct rd *rd, struct rmm_csm_record *record, uint64_t bits)
{
	struct rmm_csm_apt *apt = rmm_csm_apt_at(rd, rmm_csm_slot_of(record->node.number));
	uint64_t before = atomic_fetch_or_explicit(&record->pending, bits, memory_order_acq_rel);

	atomic_fetch_or_explicit(&apt->pending, 1U << rmm_csm_index_of(record->node.number),
				 memory_order_acq_rel);
	atomic_fetch_or_explicit(&rd->csm.pending, BIT(apt->slot), memory_order_acq_rel);
	return before == 0;
}

/*
 * Clears one of the granule's bits and returns the record that it leads to; NULL: no bit is set.
 * The other bits, and the realm's bit for them, are set again.
 */
static struct rmm_csm_record *next_pending(struct rd *rd, struct rmm_csm_apt *apt)
{
	uint32_t bits = atomic_exchange_explicit(&apt->pending, 0, memory_order_acq_rel);
	unsigned int index = bits == 0 ? 0 : (unsigned int)__builtin_ctz(bits);
	uint32_t others = bits & ~(1U << index);

	if (others != 0) {
		atomic_fetch_or_explicit(&apt->pending, others, memory_order_acq_rel);
		atomic_fetch_or_explicit(&rd->csm.pending, BIT(apt->slot), memory_order_acq_rel);
	}
	return bits == 0 ? NULL : &apt->records[index].record;
}

void rmm_csm_exit_signal(struct rmi_rec_exit *exit, const struct granule *receiver)
{
	exit->exit_reason = RMI_EXIT_CSM_SIGNAL;
	exit->ripas_base = receiver == NULL ? 0 : granule_pa(receiver).v;
}

/* --- SIGNAL */

/*
 * Finds the attached sharing that the caller names: *receiver becomes the peer. Returns the peer's
 * record; NULL: none, or it is closed. The lock of self. A consumer does not see the provider's
 * REVOKE before the sharing is unlinked.
 */
static struct rmm_csm_record *receiving_record(const struct rd *self,
					       const struct rmm_csm_signal *signal,
					       struct rd **receiver)
{
	if (signal->provider == self->id) {
		const struct rmm_csm_grant *grant =
			rmm_csm_grant_find(self, signal->region, signal->peer);

		if (grant != NULL && grant->state == RMM_CSM_GRANT_ATTACHED && !grant->closed) {
			*receiver = grant->consumer;
			return &rmm_csm_grant_attachment(grant)->range.record;
		}
	} else if (signal->provider == signal->peer) {
		const struct rmm_csm_attachment *own =
			rmm_csm_attachment_find(self, signal->provider, signal->region);

		if (own != NULL && (own->state == RMM_CSM_ATTACHMENT_ATTACHED ||
				    own->state == RMM_CSM_ATTACHMENT_MAPPING)) {
			*receiver = own->provider;
			return &rmm_csm_attachment_grant(own)->record;
		}
	}
	return NULL;
}

uint64_t rmm_csm_signal(struct rd *self, const struct rmm_csm_signal *signal,
			struct rmi_rec_exit *exit)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rd *receiver = NULL;
	struct rmm_csm_record *record = receiving_record(self, signal, &receiver);
	uint64_t status = RSI_SUCCESS;

	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (record == NULL) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if (signal->bits == 0 || (signal->bits & ~CSM_SIGNAL_USER_MASK) != 0) {
		status = FAIL(bits_bound, RSI_ERROR_INPUT);
	} else if (rmm_csm_signal_post(receiver, record, signal->bits)) {
		rmm_csm_exit_signal(exit, receiver->granule);
	}
	rmm_csm_unlock(held);
	return status;
}

/* --- SIGNAL_TAKE */

static void fill_signal(const struct rd *self, const struct rmm_csm_record *record, uint64_t bits,
			struct rmm_csm_signal *signal)
{
	const struct rmm_csm_id *id = &record->id;

	signal->peer = id->provider == self->id ? id->consumer : id->provider;
	signal->provider = id->provider;
	signal->region = id->region;
	signal->bits = bits;
}

/*
 * Takes the word of one record, if it is not empty. An ENDED grant is freed with it, unless REVOKE
 * is about to free it.
 */
static void take_word(struct rd *self, struct rmm_csm_record *record, struct rmm_csm_signal *signal)
{
	uint64_t bits = atomic_exchange_explicit(&record->pending, 0, memory_order_acq_rel);
	const struct rmm_csm_grant *grant = rmm_csm_as_grant(record);

	if (bits == 0) {
		return;
	}
	fill_signal(self, record, bits, signal);
	if (grant != NULL && grant->state == RMM_CSM_GRANT_ENDED && !grant->revoked) {
		rmm_csm_record_free(self, record);
	}
}

uint64_t rmm_csm_signal_take(struct rd *self, struct rmm_csm_signal *signal)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	uint64_t granules;

	*signal = (struct rmm_csm_signal){0};
	while (signal->bits == 0 &&
	       (granules = atomic_load_explicit(&self->csm.pending, memory_order_acquire)) != 0) {
		unsigned int slot = (unsigned int)__builtin_ctzll(granules);
		struct rmm_csm_record *record;

		atomic_fetch_and_explicit(&self->csm.pending, ~BIT(slot), memory_order_acq_rel);
		record = next_pending(self, rmm_csm_apt_at(self, slot));
		if (record != NULL) {
			take_word(self, record, signal);
		}
	}

	bool used = rmm_csm_in_use(self);

	rmm_csm_unlock(held);
	return used ? RSI_SUCCESS : FAIL(apt, CSM_ERROR_NO_APT);
}
