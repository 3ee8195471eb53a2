// SPDX-License-Identifier: BSD-3-Clause
/* What the calls of abi/uapi/csm_guest.h do in the fake's world. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_internal.h"

/* -------------------------------------------------------------------- device */

static int get_info(struct fake_realm *realm, struct csm_ioc_info *info)
{
	*info = (struct csm_ioc_info){
		.revision = CSM_GUEST_REVISION,
		.flags = CSM_IOC_INFO_WINDOW | CSM_IOC_INFO_MMAP | CSM_IOC_INFO_INTERRUPT,
		.csm_revision = CSM_REVISION,
		.realm_id = realm->id,
		.window_size = LIMIT,
		.window_free = LIMIT,
		.memory_limit = LIMIT,
	};
	for (unsigned int i = 0; i < SHARINGS; i++) {
		const struct sharing *s = &realm->sharings[i];

		if (s->live && !s->ended && s->provider == realm->id) {
			info->regions++;
			info->memory_used += s->size;
		} else if (s->live && !s->ended) {
			info->attachments++;
			info->window_free -= s->size;
		}
	}
	return 0;
}

static int create(struct fake_realm *realm, struct csm_ioc_create *req)
{
	struct fake_world *world = realm->world;
	struct region *region = NULL;
	struct sharing *sharing;

	for (unsigned int i = 0; i < REGIONS && !region; i++) {
		region = world->regions[i].live ? NULL : &world->regions[i];
	}
	if (req->size == 0 || req->flags & ~CSM_IOC_PERSISTENT) {
		return -EINVAL;
	}
	if (req->size > LIMIT) {
		return -EDQUOT;
	}
	if (!region) {
		return -ENOSPC;
	}
	*region = (struct region){
		.live = true,
		.owner = realm,
		.id = realm->next_region++,
		.label = req->label,
		.size = (req->size + PAGE - 1) / PAGE * PAGE,
		.memory = memfd_create("region", MFD_CLOEXEC),
	};
	if (ftruncate(region->memory, (off_t)region->size) != 0) {
		return -ENOMEM;
	}
	sharing = fake_new_sharing(realm, region, CSM_PERM_READ | CSM_PERM_WRITE, req->flags);
	req->size = region->size;
	req->region_id = region->id;
	return sharing ? fake_new_handle(realm, sharing) : -ENOSPC;
}

/* Only the RIM is looked at: that is enough to meet a policy or not. */
static bool meets(const struct fake_realm *peer, const struct rsi_csm_policy *policy)
{
	return !policy || !(policy->flags & CSM_POLICY_RIM) || policy->rim[0] == fake_rim_of(peer);
}

static int attach(struct fake_realm *realm, struct csm_ioc_attach *req)
{
	struct region *region = fake_region_of(realm->world, req->provider_id, req->region_id);
	struct sharing *old = fake_sharing_of(realm, req->provider_id, req->region_id), *sharing;
	struct grant *grant = region ? fake_usable_grant(region, realm) : NULL;

	if (!region || !grant ||
	    !meets(region->owner, (const struct rsi_csm_policy *)(uintptr_t)req->policy)) {
		return -EACCES;
	}
	if (old) {
		return old->ended ? -EBUSY : -EEXIST;
	}
	if (req->size && req->size != region->size) {
		return -EMSGSIZE;
	}
	sharing = fake_new_sharing(realm, region, grant->permissions, req->flags);
	if (!sharing) {
		return -ENOMEM;
	}
	req->size = region->size;
	req->permissions = grant->permissions;
	req->label = region->label;
	fake_signal_to(region->owner, region, realm->id, CSM_SIGNAL_ATTACHED);
	return fake_new_handle(realm, sharing);
}

static int open_existing(struct fake_realm *realm, const struct csm_ioc_open *req)
{
	uint64_t provider = req->provider_id ? req->provider_id : realm->id;
	struct sharing *sharing = fake_sharing_of(realm, provider, req->region_id);

	return sharing && !sharing->ended ? fake_new_handle(realm, sharing) : -ENOENT;
}

static void describe(struct fake_realm *realm, struct region *region, struct csm_ioc_query *query)
{
	struct sharing *s = fake_sharing_of(realm, region->owner->id, region->id);
	struct grant *grant = fake_usable_grant(region, realm);

	query->region_id = region->id;
	query->label = region->label;
	query->size = region->size;
	query->query_flags = region->sealed ? CSM_FLAG_SEALED : 0;
	if (region->owner == realm) {
		query->permissions = CSM_PERM_READ | (region->sealed ? 0 : CSM_PERM_WRITE);
		query->state = CSM_STATE_OWN;
	} else {
		query->permissions = grant ? grant->permissions : 0;
		query->state = s ? CSM_STATE_ATTACHED : CSM_STATE_GRANTED;
	}
}

/* The cursor is one more than the place of the region to look at next. */
static int query(struct fake_realm *realm, struct csm_ioc_query *req)
{
	uint64_t provider = req->realm_id ? req->realm_id : realm->id;
	struct csm_ioc_query answer = {.realm_id = provider};
	bool own = provider == realm->id, any = own;

	for (uint64_t i = 0; i < REGIONS; i++) {
		struct region *region = &realm->world->regions[i];

		if (!region->live || region->owner->id != provider ||
		    (!own && !fake_usable_grant(region, realm))) {
			continue;
		}
		any = true;
		if (i + 1 < req->cursor) {
			continue;
		}
		if (answer.region_id == 0) {
			describe(realm, region, &answer);
		} else if (answer.cursor == 0) {
			answer.cursor = i + 1;
		}
	}
	*req = answer;
	return any ? 0 : -EACCES;
}

static int peer(struct fake_realm *realm, struct csm_ioc_peer *req)
{
	struct fake_realm *other = fake_realm_of(realm->world, req->peer_id);

	for (unsigned int i = 0; other && i < REGIONS; i++) {
		struct region *region = &realm->world->regions[i];
		bool mine = region->live && region->owner == realm &&
			    fake_sharing_of(other, realm->id, region->id);
		bool theirs = region->live && region->owner == other &&
			      fake_sharing_of(realm, other->id, region->id);

		if (mine || theirs) {
			memset(req->value, 0, sizeof(req->value));
			memset(req->value, (int)fake_rim_of(other), 32);
			return req->index <= CSM_PEER_RPV ? 0 : -EINVAL;
		}
	}
	return -EACCES;
}

static int get_sharing(struct fake_realm *realm, struct sharing *s, struct csm_ioc_sharing *out)
{
	*out = (struct csm_ioc_sharing){
		.provider_id = s->provider,
		.region_id = s->id,
		.size = s->size,
		.label = s->label,
		.permissions = s->permissions,
		.flags = (s->provider == realm->id ? CSM_IOC_SHARING_OWN : 0) |
			 (s->persistent ? CSM_IOC_SHARING_PERSISTENT : 0) |
			 (s->region->sealed ? CSM_IOC_SHARING_SEALED : 0) |
			 (s->ended ? CSM_IOC_SHARING_ENDED : 0),
	};
	return 0;
}

/* In the order of provider and region, whatever the order of the places. */
static int next_attachment(struct fake_realm *realm, struct csm_ioc_sharing *req)
{
	struct sharing *next = NULL;

	for (unsigned int i = 0; i < SHARINGS; i++) {
		struct sharing *s = &realm->sharings[i];
		bool after = s->provider > req->provider_id ||
			     (s->provider == req->provider_id && s->id > req->region_id);
		bool nearer = !next || s->provider < next->provider ||
			      (s->provider == next->provider && s->id < next->id);

		if (s->live && s->provider != realm->id && after && nearer) {
			next = s;
		}
	}
	*req = (struct csm_ioc_sharing){0};
	return next ? get_sharing(realm, next, req) : 0;
}

/* The order of records: by kind, peer, region. */
static int order(const struct csm_ioc_record *a, const struct csm_ioc_record *b)
{
	const uint64_t keys[3][2] = {
		{a->kind, b->kind}, {a->peer_id, b->peer_id}, {a->region_id, b->region_id}};

	for (unsigned int i = 0; i < 3; i++) {
		if (keys[i][0] != keys[i][1]) {
			return keys[i][0] < keys[i][1] ? -1 : 1;
		}
	}
	return 0;
}

/* Keeps the candidate if it is the first one after the cursor so far. */
static void consider(const struct csm_ioc_record *cursor, const struct csm_ioc_record *candidate,
		     struct csm_ioc_record *best)
{
	if (order(candidate, cursor) > 0 && (best->kind == 0 || order(candidate, best) < 0)) {
		*best = *candidate;
	}
}

static void consider_grants(const struct region *region, const struct csm_ioc_record *cursor,
			    struct csm_ioc_record *best)
{
	for (unsigned int g = 0; g < GRANTS; g++) {
		const struct grant *grant = &region->grants[g];
		const struct csm_ioc_record record = {
			.kind = CSM_RECORD_GRANT,
			.peer_id = grant->consumer,
			.region_id = region->id,
			.size = region->size,
			.permissions = grant->permissions,
			.state = CSM_STATE_GRANTED,
			.record_flags = grant->consumer == 0 ? CSM_FLAG_ANY : 0,
		};

		if (grant->live) {
			consider(cursor, &record, best);
		}
	}
}

static int record(struct fake_realm *realm, struct csm_ioc_record *req)
{
	struct csm_ioc_record best = {0};

	for (unsigned int i = 0; i < REGIONS; i++) {
		const struct region *region = &realm->world->regions[i];
		bool own = region->owner == realm;
		const struct csm_ioc_record record = {
			.kind = own ? CSM_RECORD_REGION : CSM_RECORD_ATTACHMENT,
			.peer_id = own || !region->owner ? 0 : region->owner->id,
			.region_id = region->id,
			.size = region->size,
			.permissions = own ? CSM_PERM_ALL : 0,
			.state = own ? CSM_STATE_OWN : CSM_STATE_ATTACHED,
			.record_flags =
				own && region->sealed ? CSM_FLAG_SEALED | CSM_FLAG_DIGEST : 0,
		};

		if (region->live &&
		    (own || fake_sharing_of(realm, region->owner->id, region->id))) {
			consider(req, &record, &best);
		}
		if (region->live && own) {
			consider_grants(region, req, &best);
		}
	}
	*req = best;
	return 0;
}

int fake_device_call(struct fake_realm *realm, unsigned long request, void *arg)
{
	switch (request) {
	case CSM_IOC_GET_INFO:
		return get_info(realm, arg);
	case CSM_IOC_CREATE:
		return create(realm, arg);
	case CSM_IOC_ATTACH:
		return attach(realm, arg);
	case CSM_IOC_OPEN:
		return open_existing(realm, arg);
	case CSM_IOC_QUERY:
		return query(realm, arg);
	case CSM_IOC_PEER:
		return peer(realm, arg);
	case CSM_IOC_RECORD:
		return record(realm, arg);
	case CSM_IOC_NEXT_ATTACHMENT:
		return next_attachment(realm, arg);
	default:
		return -ENOTTY;
	}
}

/* ------------------------------------------------------------------- sharing */

static int share(struct sharing *s, const struct csm_ioc_share *req)
{
	const struct rsi_csm_policy *policy = (const struct rsi_csm_policy *)(uintptr_t)req->policy;

	s->region->owner->world->policy_flags = policy ? policy->flags : 0;
	if (req->consumer_id == s->provider ||
	    (req->consumer_id == 0 && !(policy && policy->flags & CSM_POLICY_RIM))) {
		return -EINVAL;
	}
	if (s->region->sealed && req->permissions & CSM_PERM_WRITE) {
		return -EPERM;
	}
	if (fake_grant_of(s->region, req->consumer_id)) {
		return -EEXIST;
	}
	for (unsigned int i = 0; i < GRANTS; i++) {
		if (!s->region->grants[i].live) {
			s->region->grants[i] = (struct grant){
				.live = true,
				.consumer = req->consumer_id,
				.permissions = req->permissions,
				.rim = policy && policy->flags & CSM_POLICY_RIM ? policy->rim[0]
										: -1,
			};
			return 0;
		}
	}
	return -ENOSPC;
}

static int revoke_grant(struct sharing *s, const struct csm_ioc_revoke *req)
{
	struct grant *grant = fake_grant_of(s->region, req->consumer_id);
	struct fake_world *world = s->region->owner->world;

	if (!grant) {
		return -ENOENT;
	}
	grant->live = false;
	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		if (&world->realms[i] != s->region->owner &&
		    !fake_usable_grant(s->region, &world->realms[i])) {
			fake_cut_off(s->region, &world->realms[i], CSM_SIGNAL_REGION_ENDED);
		}
	}
	return 0;
}

static int seal(struct sharing *s)
{
	if (s->region->sealed) {
		return -EALREADY;
	}
	s->region->sealed = true;
	s->permissions &= ~(uint32_t)CSM_PERM_WRITE;
	return 0;
}

/* No hash: a sum that changes with the content does for tests. */
static int digest(struct sharing *s, struct csm_ioc_digest *out)
{
	unsigned char *data;

	if (!s->region->sealed) {
		return -ENODATA;
	}
	memset(out, 0, sizeof(*out));
	data = mmap(NULL, s->size, PROT_READ, MAP_SHARED, s->region->memory, 0);
	for (uint64_t i = 0; i < s->size; i++) {
		out->value[i % 64] = (unsigned char)(out->value[i % 64] * 31 + data[i]);
	}
	munmap(data, s->size);
	return 0;
}

static int send_signal(struct fake_realm *realm, struct sharing *s,
		       const struct csm_ioc_signal *req)
{
	uint64_t peer_id = req->peer_id ? req->peer_id : s->provider;
	struct fake_realm *to = fake_realm_of(realm->world, peer_id);
	struct sharing *theirs = to ? fake_sharing_of(to, s->provider, s->id) : NULL;

	if (req->bits == 0 || req->bits & ~CSM_SIGNAL_USER_MASK || to == realm) {
		return -EINVAL;
	}
	if (!theirs || theirs->ended) {
		return -EACCES;
	}
	fake_signal_to(to, s->region, realm->id, req->bits);
	return 0;
}

static int take(struct sharing *s, struct csm_ioc_signal *out)
{
	if (s->num_pending == 0) {
		return -EAGAIN;
	}
	*out = (struct csm_ioc_signal){.peer_id = s->pending[0].peer_id,
				       .bits = s->pending[0].bits};
	s->num_pending--;
	memmove(s->pending, s->pending + 1, s->num_pending * sizeof(s->pending[0]));
	return 0;
}

static int own_call(struct fake_realm *realm, struct sharing *s, unsigned long request, void *arg)
{
	if (s->provider != realm->id) {
		return -ENOTTY;
	}
	switch (request) {
	case CSM_IOC_SHARE:
		return share(s, arg);
	case CSM_IOC_REVOKE:
		return revoke_grant(s, arg);
	case CSM_IOC_SEAL:
		return seal(s);
	default:
		return -ENOTTY;
	}
}

/* Calls that a sharing answers after its end too. */
static int any_call(struct fake_realm *realm, struct sharing *s, unsigned long request, void *arg)
{
	switch (request) {
	case CSM_IOC_GET_SHARING:
		return get_sharing(realm, s, arg);
	case CSM_IOC_TAKE:
		return take(s, arg);
	case CSM_IOC_END:
		fake_end_here(realm, s, 0);
		s->persistent = false;
		return 0;
	case CSM_IOC_SET_PERSISTENT:
		if (arg && s->ended) {
			return -ENOTCONN;
		}
		s->persistent = arg != NULL;
		return 0;
	default:
		return 1;
	}
}

int fake_sharing_call(struct fake_realm *realm, struct sharing *s, unsigned long request, void *arg)
{
	int ret = any_call(realm, s, request, arg);

	if (ret <= 0) {
		return ret;
	}
	if (s->ended) {
		return -ENOTCONN;
	}
	switch (request) {
	case CSM_IOC_DIGEST:
		return digest(s, arg);
	case CSM_IOC_SIGNAL:
		return send_signal(realm, s, arg);
	default:
		return own_call(realm, s, request, arg);
	}
}
