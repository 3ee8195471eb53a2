// SPDX-License-Identifier: BSD-3-Clause
/* The realm's own side: opening, facts, lists, peers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "abi/csm.h"
#include "abi/rsi.h"
#include "abi/uapi/csm_guest.h"
#include "libcsm_internal.h"

int csm_device_call(struct csm *csm, unsigned long request, void *arg)
{
	if (csm->forks != csm_forks()) {
		return -ESTALE;
	}
	return csm->backend->call(csm->ctx, csm->handle, request, arg);
}

static int get(struct csm *csm, struct csm_ioc_info *info)
{
	memset(info, 0, sizeof(*info));
	return csm_device_call(csm, CSM_IOC_GET_INFO, info);
}

int csm_open_backend(const struct csm_backend *backend, void *ctx, struct csm **out)
{
	struct csm *csm = calloc(1, sizeof(*csm));
	struct csm_ioc_info info;
	int ret;

	if (!csm) {
		return -ENOMEM;
	}
	csm_fork_watch();
	csm->backend = backend;
	csm->ctx = ctx;
	csm->forks = csm_forks();
	csm->handle = backend->open(ctx);
	if (csm->handle < 0) {
		ret = csm->handle;
		free(csm);
		return ret;
	}
	ret = get(csm, &info);
	if (ret == 0 && info.revision >> 16 != CSM_GUEST_REVISION_MAJOR) {
		ret = -EPROTO;
	}
	if (ret < 0) {
		csm_close(csm);
		return ret;
	}
	csm->id = info.realm_id;
	*out = csm;
	return 0;
}

int csm_open(struct csm **out)
{
	return csm_open_backend(&csm_kernel_backend, NULL, out);
}

void csm_close(struct csm *csm)
{
	if (csm) {
		csm->backend->close(csm->ctx, csm->handle);
		free(csm);
	}
}

uint64_t csm_id(const struct csm *csm)
{
	return csm->id;
}

/* Asks the module for revision, limits and what is in use. */
int csm_get_info(struct csm *csm, struct csm_info *out)
{
	struct csm_ioc_info info;
	int ret = get(csm, &info);

	if (ret < 0) {
		return ret;
	}
	*out = (struct csm_info){
		.realm_id = info.realm_id,
		.csm_major = (uint32_t)ABI_REVISION_MAJOR(info.csm_revision),
		.csm_minor = (uint32_t)ABI_REVISION_MINOR(info.csm_revision),
		.window_size = info.window_size,
		.window_free = info.window_free,
		.memory_limit = info.memory_limit,
		.memory_used = info.memory_used,
		.regions = info.regions,
		.attachments = info.attachments,
		.interrupt = info.flags & CSM_IOC_INFO_INTERRUPT,
		.can_map = info.flags & CSM_IOC_INFO_MMAP,
	};
	return 0;
}

static enum csm_state state_of(uint32_t state)
{
	switch (state) {
	case CSM_STATE_OWN:
		return CSM_OWNED;
	case CSM_STATE_GRANTED:
		return CSM_GRANTED;
	case CSM_STATE_RESERVED:
		return CSM_RESERVED;
	case CSM_STATE_ATTACHED:
		return CSM_ATTACHED;
	default:
		return CSM_ENDED;
	}
}

/*
 * The cursor is 0 both at the start and at the end, so the end is kept as all ones between calls.
 */
int csm_list(struct csm *csm, uint64_t realm_id, uint64_t *cursor, struct csm_entry *out)
{
	struct csm_ioc_query query = {.realm_id = realm_id, .cursor = *cursor};
	int ret;

	if (*cursor == UINT64_MAX) {
		return 0;
	}
	ret = csm_device_call(csm, CSM_IOC_QUERY, &query);
	if (ret < 0) {
		return ret;
	}
	*cursor = query.cursor ? query.cursor : UINT64_MAX;
	if (query.region_id == 0) {
		return 0;
	}
	*out = (struct csm_entry){
		.provider_id = query.realm_id,
		.region_id = query.region_id,
		.size = query.size,
		.label = query.label,
		.permissions = query.permissions,
		.state = state_of(query.state),
		.sealed = query.query_flags & CSM_FLAG_SEALED,
		.any = query.query_flags & CSM_FLAG_ANY,
		.ending = query.query_flags & CSM_FLAG_ENDING,
	};
	return 1;
}

int csm_list_attached(struct csm *csm, struct csm_entry *entry)
{
	struct csm_ioc_sharing next = {.provider_id = entry->provider_id,
				       .region_id = entry->region_id};
	int ret = csm_device_call(csm, CSM_IOC_NEXT_ATTACHMENT, &next);

	if (ret < 0) {
		return ret == -ENOTTY ? -ENOSYS : ret;
	}
	*entry = (struct csm_entry){
		.provider_id = next.provider_id,
		.region_id = next.region_id,
		.size = next.size,
		.label = next.label,
		.permissions = next.permissions,
		.state = next.flags & CSM_IOC_SHARING_ENDED ? CSM_ENDED : CSM_ATTACHED,
		.sealed = next.flags & CSM_IOC_SHARING_SEALED,
	};
	return next.region_id ? 1 : 0;
}

int csm_peer(struct csm *csm, uint64_t peer_id, unsigned int index, struct csm_measurement *out)
{
	struct csm_ioc_peer peer = {.peer_id = peer_id, .index = index};
	int ret = csm_device_call(csm, CSM_IOC_PEER, &peer);

	if (ret < 0) {
		return ret;
	}
	out->hash_bits = peer.hash_algo == RSI_HASH_SHA_512 ? 512 : 256;
	memcpy(out->value, peer.value, sizeof(out->value));
	return 0;
}

int csm_next_record(struct csm *csm, struct csm_record *record)
{
	struct csm_ioc_record next = {
		.kind = record->kind,
		.peer_id = record->peer_id,
		.region_id = record->region_id,
	};
	int ret = csm_device_call(csm, CSM_IOC_RECORD, &next);

	if (ret < 0) {
		return ret;
	}
	*record = (struct csm_record){
		.kind = (unsigned int)next.kind,
		.peer_id = next.peer_id,
		.region_id = next.region_id,
		.size = next.size,
		.permissions = next.permissions,
		.state = next.state,
		.sealed = next.record_flags & CSM_FLAG_SEALED,
		.any = next.record_flags & CSM_FLAG_ANY,
		.ending = next.record_flags & CSM_FLAG_ENDING,
		.has_digest = next.record_flags & CSM_FLAG_DIGEST,
	};
	return next.kind != 0;
}
