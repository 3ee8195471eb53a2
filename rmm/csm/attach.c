// SPDX-License-Identifier: BSD-3-Clause
/* Attachments: RESERVE, ATTACH and DETACH_AND_FREE. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- RESERVE */

static uint64_t check_reserve(const struct rd *self, const struct csm_reserve *reserve)
{
	ipa_t base = reserve->base;
	uint64_t size = reserve->size;
	uint64_t status;

	if (!csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	status = csm_check_range(self, base, size);
	if (status != RSI_SUCCESS) {
		return status;
	}
	if (csm_range_find(self, base.v, base.v + size) != NULL) {
		return FAIL(overlap, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

uint64_t csm_reserve_begin(struct rd *self, const struct csm_reserve *reserve,
			   struct csm_pair *pair)
{
	uint64_t status;

	csm_pair_lock(self, reserve->provider, pair);
	status = check_reserve(self, reserve);
	if (status != RSI_SUCCESS) {
		csm_pair_unlock(pair);
	}
	return status;
}

/*
 * The provider's consent to this consumer: the grant that names it, or else the ANY grant. NULL if
 * there is none, or it is on its way out, or one side does not meet the other's terms.
 */
static struct csm_record *consent(const struct csm_pair *pair, uint64_t id,
				  const struct csm_terms *own)
{
	struct rd *provider = pair->peer;
	const struct csm_record *region =
		provider == NULL ? NULL : csm_find(provider, CSM_REGION, id, 0);
	struct csm_record *grant;

	if (region == NULL || region->state != CSM_LIVE) {
		return NULL;
	}
	grant = csm_find(provider, CSM_GRANT, id, pair->self->id);
	if (grant == NULL || grant->state == CSM_ENDED) {
		grant = csm_find(provider, CSM_GRANT, id, CSM_REALM_ANY);
	}
	if (grant == NULL || (grant->flags & CSM_REVOKED) != 0 ||
	    !csm_terms_met(&grant->terms, pair->self) || !csm_terms_met(own, provider)) {
		return NULL;
	}
	return grant;
}

/* The grant to link with: the one that names the consumer, or one that stands for ANY; have_room().
 */
static struct csm_record *named_grant(const struct csm_pair *pair, struct csm_record *consented)
{
	struct rd *provider = pair->peer;
	struct csm_record *grant = consented;

	if (consented->key[1] != CSM_REALM_ANY) {
		return consented;
	}
	grant = csm_find(provider, CSM_GRANT, consented->key[0], pair->self->id);
	if (grant == NULL) {
		grant = csm_record_new(provider, CSM_GRANT);
		ASSERT(grant != NULL);
		csm_record_key(provider, grant, consented->key[0], pair->self->id);
		csm_grant_insert(csm_record(provider, consented->region), grant);
	}
	grant->state = CSM_IDLE;
	grant->flags = CSM_VIA_ANY;
	grant->perm = consented->perm;
	grant->size = consented->size;
	grant->terms = consented->terms;
	return grant;
}

static void fill_attachment(struct rd *self, const struct csm_reserve *reserve,
			    const struct csm_terms *terms, struct csm_record *attachment)
{
	attachment->base = reserve->base.v;
	attachment->size = reserve->size;
	attachment->terms = *terms;
	csm_record_key(self, attachment, reserve->provider, reserve->region);
	csm_range_insert(self, attachment);
}

/* On both sides, before either takes a record: that may cost signals of what has ended. */
static bool have_room(const struct csm_pair *pair, const struct csm_record *consented)
{
	bool named = csm_find(pair->peer, CSM_GRANT, consented->key[0], pair->self->id) != NULL;

	return csm_has_room(pair->self) && (named || csm_has_room(pair->peer));
}

uint64_t csm_reserve_commit(const struct csm_pair *pair, const struct csm_reserve *reserve,
			    struct rmi_rec_exit *exit)
{
	const struct csm_terms terms = csm_terms_of(reserve->policy);
	struct csm_record *consented = consent(pair, reserve->region, &terms);
	struct csm_record *attachment;

	if (consented == NULL) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}
	if (consented->size != reserve->size) {
		return FAIL(size_match, RSI_ERROR_INPUT);
	}
	if (csm_find(pair->self, CSM_ATTACHMENT, reserve->provider, reserve->region) != NULL) {
		return FAIL(reserved, RSI_ERROR_STATE);
	}
	if (!have_room(pair, consented)) {
		return FAIL(space, CSM_ERROR_NO_SPACE);
	}
	attachment = csm_record_new(pair->self, CSM_ATTACHMENT);
	ASSERT(attachment != NULL);
	fill_attachment(pair->self, reserve, &terms, attachment);
	csm_link(pair, attachment, named_grant(pair, consented));
	csm_notice(exit, RMI_EXIT_CSM_CONSUMER, attachment);
	return RSI_SUCCESS;
}

/* --- ATTACH */

/* Whether the range is being mapped: then the sharing is attached, and both policies were met. */
static bool is_lending(const struct csm_record *attachment)
{
	return attachment->state == CSM_LENDING;
}

/*
 * Everything that RESERVE has checked, again at every call. The policies are compared until the
 * first page can be reached: from then on only the end of a consent closes the sharing.
 */
static uint64_t check_attach(const struct csm_pair *pair, const struct csm_record *attachment)
{
	if (!csm_in_use(pair->self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (attachment == NULL) {
		return FAIL(reservation, RSI_ERROR_INPUT);
	}
	if (attachment->state == CSM_ATTACHED || attachment->state == CSM_DETACHING) {
		return FAIL(attached, RSI_ERROR_STATE);
	}
	if (attachment->peer == NULL) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}

	const struct csm_record *grant = csm_other(attachment);
	const struct csm_record *region = csm_record(pair->peer, grant->region);

	if (region->state != CSM_LIVE || (grant->flags & CSM_CLOSED) != 0 ||
	    region->size != attachment->size ||
	    (!is_lending(attachment) && !csm_mutual(grant, pair->peer, attachment, pair->self))) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}
	return RSI_SUCCESS;
}

static void next_phase(struct csm_record *attachment, enum csm_state state)
{
	attachment->state = (uint8_t)state;
	attachment->progress = 0;
}

/*
 * The sharing is attached from here on: the consumer's accesses map pages. So the provider's signal
 * is pending before the first of them, and the policies were met under the same locks.
 */
static void begin_lending(struct csm_record *attachment, struct csm_work *work)
{
	struct csm_record *grant = csm_other(attachment);
	struct csm_record *region = csm_record(attachment->peer, grant->region);

	grant->state = CSM_ATTACHED;
	region->attached++;
	next_phase(attachment, CSM_LENDING);
	work->signalled = csm_post(attachment->peer, grant, CSM_SIGNAL_ATTACHED);
}

/* Looks at the whole range, and lends when it is EMPTY throughout. */
static void begin_check(struct csm_record *attachment)
{
	next_phase(attachment, CSM_CHECKING);
	attachment->flags |= CSM_CLEAN;
}

/*
 * Memory of the consumer, and whether there is anything to clear. What is EMPTY stays so until the
 * end, or becomes DESTROYED with its table: nobody reaches anything by that either. What is not may
 * be folded into more than the range before it is cleared, so it is looked at again.
 */
static uint64_t check_step(const struct rd *self, struct csm_record *attachment,
			   struct csm_work *work)
{
	ipa_t base = ipa_of(attachment->base);
	ipa_t top = ipa_of(attachment->base + attachment->size);
	ipa_t at = ipa_of(attachment->base + attachment->progress);

	if (!s2_scan(&self->s2, S2_SCAN_EMPTY, base, top, &at, &work->visited)) {
		attachment->flags &= (uint8_t)~CSM_CLEAN;
		if (!s2_scan(&self->s2, S2_SCAN_UNOWNED, base, top, &at, &work->visited)) {
			next_phase(attachment, CSM_RESERVED);
			return FAIL(own_granule, RSI_ERROR_STATE);
		}
	}
	attachment->progress = at.v - base.v;
	if (at.v < top.v) {
		return RSI_SUCCESS;
	}
	attachment->flags |= CSM_TOUCHED;
	if ((attachment->flags & CSM_CLEAN) != 0) {
		begin_lending(attachment, work);
	} else {
		next_phase(attachment, CSM_CLEARING);
	}
	return RSI_SUCCESS;
}

/* RIPAS EMPTY, and nothing borrowed; true at the end. */
static bool clear_step(const struct rd *self, struct csm_record *attachment, struct csm_work *work)
{
	ipa_t at = ipa_of(attachment->base + attachment->progress);
	ipa_t top = ipa_of(attachment->base + attachment->size);

	s2_share_unmap(&self->s2, &at, top, &work->visited);
	attachment->progress = at.v - attachment->base;
	return at.v >= top.v;
}

/* Where pages or tables are missing nothing is mapped: that is for the access to ask. */
static void lend_step(struct csm_record *attachment, struct csm_work *work)
{
	const struct csm_record *grant = csm_other(attachment);
	const struct csm_record *region = csm_record(attachment->peer, grant->region);
	const struct s2_share loan = csm_loan(attachment->peer, region, grant);
	int level;

	(void)s2_share_map(&loan, &attachment->progress, loan.size, &level, &work->visited);
	if (attachment->progress >= loan.size) {
		next_phase(attachment, CSM_ATTACHED);
	}
}

static uint64_t attach_step(struct rd *self, struct csm_record *attachment, struct csm_work *work)
{
	switch ((enum csm_state)attachment->state) {
	case CSM_RESERVED:
		begin_check(attachment);
		return check_step(self, attachment, work);
	case CSM_CHECKING:
		return check_step(self, attachment, work);
	case CSM_CLEARING:
		if (clear_step(self, attachment, work)) {
			begin_check(attachment);
		}
		break;
	case CSM_LENDING:
		lend_step(attachment, work);
		break;
	default:
		ASSERT(false);
	}
	return RSI_SUCCESS;
}

/* Before anything of the consumer is touched: whether one more may come. */
static uint64_t check_room(const struct csm_record *attachment)
{
	const struct csm_record *grant = csm_other(attachment);
	const struct csm_record *region = csm_record(attachment->peer, grant->region);

	if (grant->state != CSM_ATTACHED && region->attached >= CSM_MAX_CONSUMERS) {
		return FAIL(consumers, CSM_ERROR_NO_SPACE);
	}
	return RSI_SUCCESS;
}

static uint64_t attach_locked(struct csm_pair *pair, struct csm_record *attachment,
			      struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	uint64_t status = check_attach(pair, attachment);

	if (status == RSI_SUCCESS) {
		status = check_room(attachment);
	}
	while (status == RSI_SUCCESS && attachment->state != CSM_ATTACHED) {
		status = attach_step(pair->self, attachment, &work);
		if (status == RSI_SUCCESS && attachment->state != CSM_ATTACHED &&
		    !csm_may_go_on(&work)) {
			status = RSI_INCOMPLETE;
		}
	}
	if (work.signalled) {
		csm_tell(exit, pair->peer->granule);
	}
	return status;
}

uint64_t csm_attach(struct rd *self, uint64_t provider, uint64_t region, uint64_t *perm,
		    struct rmi_rec_exit *exit)
{
	struct csm_pair pair;
	struct csm_record *attachment;
	uint64_t status;

	csm_pair_lock(self, provider, &pair);
	attachment = csm_find(self, CSM_ATTACHMENT, provider, region);
	status = attach_locked(&pair, attachment, exit);
	if (status == RSI_SUCCESS) {
		const struct csm_record *grant = csm_other(attachment);

		*perm = csm_perm(csm_record(pair.peer, grant->region), grant);
	}
	csm_pair_unlock(&pair);
	return status;
}

/* --- DETACH_AND_FREE */

void csm_attachment_close(struct csm_record *attachment)
{
	if (attachment->state != CSM_DETACHING) {
		next_phase(attachment, CSM_DETACHING);
	}
}

/* Both locks if it is linked. */
static bool end_locked(struct rd *self, struct csm_record *attachment, struct csm_work *work,
		       struct granule **told)
{
	struct csm_record *grant = attachment->peer == NULL ? NULL : csm_other(attachment);

	if (grant != NULL) {
		/* Before anything is taken back: nothing may be mapped behind the progress. */
		grant->flags |= CSM_CLOSED;
	}
	if ((attachment->flags & CSM_TOUCHED) != 0 && attachment->progress < attachment->size &&
	    !clear_step(self, attachment, work)) {
		return false;
	}
	if (grant != NULL) {
		struct rd *provider = attachment->peer;

		if (grant->state == CSM_ATTACHED) {
			csm_record(provider, grant->region)->attached--;
		}
		if (csm_post(provider, grant, CSM_SIGNAL_DETACHED | work->also)) {
			*told = provider->granule;
		}
		csm_unlink(grant);
	}
	return true;
}

bool csm_attachment_end(struct rd *self, const struct csm_key *key, struct csm_work *work,
			struct granule **told)
{
	struct csm_pair pair;
	struct csm_record *attachment;
	bool done = true;

	csm_pair_lock(self, key->key[0], &pair);
	attachment = csm_find(self, CSM_ATTACHMENT, key->key[0], key->key[1]);
	if (attachment != NULL && attachment->state == CSM_DETACHING) {
		ASSERT(attachment->peer == NULL || attachment->peer == pair.peer);
		done = end_locked(self, attachment, work, told);
	}
	csm_pair_unlock(&pair);
	return done;
}

static uint64_t begin_detach(struct rd *self, uint64_t provider, uint64_t region,
			     struct csm_key *key)
{
	struct csm_held held = csm_lock(self);
	struct csm_record *attachment = csm_find(self, CSM_ATTACHMENT, provider, region);
	uint64_t status = RSI_SUCCESS;

	if (!csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (attachment == NULL) {
		status = FAIL(reservation, RSI_ERROR_INPUT);
	} else {
		csm_attachment_close(attachment);
		*key = (struct csm_key){CSM_ATTACHMENT, {provider, region}};
	}
	csm_unlock(held);
	return status;
}

/* First the host hears of the provider's signal, then the consumer of success. */
static uint64_t finish_detach(struct rd *self, const struct csm_key *key,
			      const struct granule *told, struct rmi_rec_exit *exit)
{
	struct csm_held held;
	struct csm_record *attachment;
	uint64_t status = RSI_SUCCESS;

	if (told != NULL) {
		csm_tell(exit, told);
		return RSI_INCOMPLETE;
	}
	held = csm_lock(self);
	attachment = csm_find_over(self, key);
	if (attachment == NULL) {
		status = FAIL(reservation, RSI_ERROR_INPUT);
	} else {
		csm_notice(exit, RMI_EXIT_CSM_REMOVED, attachment);
		csm_record_free(self, attachment);
	}
	csm_unlock(held);
	return status;
}

uint64_t csm_detach(struct rd *self, uint64_t provider, uint64_t region, struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	struct granule *told = NULL;
	struct csm_key key;
	uint64_t status = begin_detach(self, provider, region, &key);

	if (status != RSI_SUCCESS) {
		return status;
	}
	while (!csm_attachment_end(self, &key, &work, &told)) {
		if (!csm_may_go_on(&work)) {
			return RSI_INCOMPLETE;
		}
	}
	return finish_detach(self, &key, told, exit);
}
