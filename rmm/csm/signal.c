// SPDX-License-Identifier: BSD-3-Clause
/* Signals: the pending words of records, SIGNAL and SIGNAL_TAKE. */
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- pending words */

bool csm_post(struct rd *rd, struct csm_record *record, uint64_t bits)
{
	struct csm_apt *apt = csm_apt_at(rd, csm_slot_of(record->number));
	uint64_t before = atomic_fetch_or_explicit(&record->pending, bits, memory_order_acq_rel);

	atomic_fetch_or_explicit(&apt->pending, 1U << csm_index_of(record->number),
				 memory_order_acq_rel);
	atomic_fetch_or_explicit(&rd->csm.pending, BIT(apt->slot), memory_order_acq_rel);
	return before == 0;
}

/*
 * Who posts goes from the word up to the realm's, who takes goes down: a bit above that leads to
 * nothing does no harm, a word that no bit leads to would.
 */
static struct csm_record *take_hint(struct rd *rd, struct csm_apt *apt)
{
	uint32_t bits = atomic_exchange_explicit(&apt->pending, 0, memory_order_acq_rel);
	unsigned int index = bits == 0 ? 0 : (unsigned int)__builtin_ctz(bits);
	uint32_t others = bits & ~(1U << index);

	if (others != 0) {
		atomic_fetch_or_explicit(&apt->pending, others, memory_order_acq_rel);
		atomic_fetch_or_explicit(&rd->csm.pending, BIT(apt->slot), memory_order_acq_rel);
	}
	return bits == 0 ? NULL : &apt->records[index];
}

void csm_tell(struct rmi_rec_exit *exit, const struct granule *receiver)
{
	exit->exit_reason = RMI_EXIT_CSM_SIGNAL;
	exit->ripas_base = receiver == NULL ? 0 : granule_pa(receiver).v;
}

/* --- SIGNAL */

/* The own record of a sharing that is attached and stands; NULL if there is none. */
static struct csm_record *signal_source(const struct rd *self, const struct csm_signal *signal)
{
	struct csm_record *own = NULL;

	if (signal->provider == self->id) {
		own = csm_find(self, CSM_GRANT, signal->region, signal->peer);
	} else if (signal->provider == signal->peer) {
		own = csm_find(self, CSM_ATTACHMENT, signal->provider, signal->region);
	}
	/* A consumer does not see the provider's REVOKE before that is done, and need not. */
	if (own == NULL || own->peer == NULL || (own->flags & CSM_CLOSED) != 0) {
		return NULL;
	}
	return own->state == CSM_ATTACHED || own->state == CSM_LENDING ? own : NULL;
}

uint64_t csm_signal(struct rd *self, const struct csm_signal *signal, struct rmi_rec_exit *exit)
{
	struct csm_held held = csm_lock(self);
	struct csm_record *own = signal_source(self, signal);
	uint64_t status = RSI_SUCCESS;

	if (!csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (own == NULL) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if (signal->bits == 0 || (signal->bits & ~CSM_SIGNAL_USER_MASK) != 0) {
		status = FAIL(bits_bound, RSI_ERROR_INPUT);
	} else if (csm_post(own->peer, csm_other(own), signal->bits)) {
		csm_tell(exit, own->peer->granule);
	}
	csm_unlock(held);
	return status;
}

/* --- SIGNAL_TAKE */

static void fill_signal(const struct rd *rd, const struct csm_record *record, uint64_t bits,
			struct csm_signal *signal)
{
	bool grant = record->kind == CSM_GRANT;

	signal->peer = grant ? record->key[1] : record->key[0];
	signal->provider = grant ? rd->id : record->key[0];
	signal->region = grant ? record->key[0] : record->key[1];
	signal->bits = bits;
}

uint64_t csm_signal_take(struct rd *self, struct csm_signal *signal)
{
	struct csm_held held = csm_lock(self);
	uint64_t granules;

	*signal = (struct csm_signal){0};
	while (signal->bits == 0 &&
	       (granules = atomic_load_explicit(&self->csm.pending, memory_order_acquire)) != 0) {
		unsigned int slot = (unsigned int)__builtin_ctzll(granules);

		atomic_fetch_and_explicit(&self->csm.pending, ~BIT(slot), memory_order_acq_rel);

		struct csm_record *record = take_hint(self, csm_apt_at(self, slot));
		uint64_t bits = record == NULL ? 0
					       : atomic_exchange_explicit(&record->pending, 0,
									  memory_order_acq_rel);

		if (bits != 0) {
			fill_signal(self, record, bits, signal);
			if (record->state == CSM_ENDED && (record->flags & CSM_REVOKED) == 0) {
				csm_record_free(self, record);
			}
		}
	}

	bool used = csm_in_use(self);

	csm_unlock(held);
	return used ? RSI_SUCCESS : FAIL(apt, CSM_ERROR_NO_APT);
}
