// SPDX-License-Identifier: BSD-3-Clause
/* Regions and attachments: making, sharing, mapping, copying, events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "abi/csm.h"
#include "abi/uapi/csm_guest.h"
#include "deadline.h"
#include "libcsm_internal.h"

static int call(struct csm_region *region, unsigned long request, void *arg)
{
	struct csm *csm = region->csm;
	int ret;

	if (region->forks != csm_forks()) {
		return -ESTALE;
	}
	ret = csm->backend->call(csm->ctx, region->handle, request, arg);
	return ret < 0 ? ret : 0;
}

/* ------------------------------------------------------------------ opening */

/* Takes over the handle, also when it fails. */
static int wrap(struct csm *csm, int handle, struct csm_region **out)
{
	struct csm_region *region = calloc(1, sizeof(*region));
	struct csm_ioc_sharing sharing = {0};
	int ret = -ENOMEM;

	if (region) {
		region->csm = csm;
		region->forks = csm_forks();
		region->handle = handle;
		ret = call(region, CSM_IOC_GET_SHARING, &sharing);
	}
	if (ret < 0) {
		csm->backend->close(csm->ctx, handle);
		free(region);
		return ret;
	}
	region->provider_id = sharing.provider_id;
	region->region_id = sharing.region_id;
	region->size = sharing.size;
	region->access = sharing.permissions;
	region->own = sharing.flags & CSM_IOC_SHARING_OWN;
	*out = region;
	return 0;
}

int csm_create(struct csm *csm, size_t size, uint64_t label, unsigned int flags,
	       struct csm_region **out)
{
	struct csm_ioc_create req = {.size = size,
				     .label = label,
				     .flags = flags & CSM_PERSISTENT ? CSM_IOC_PERSISTENT : 0};
	int handle;

	if (flags & ~CSM_PERSISTENT) {
		return -EINVAL;
	}
	handle = csm_device_call(csm, CSM_IOC_CREATE, &req);
	return handle < 0 ? handle : wrap(csm, handle, out);
}

/* Values shorter than their field are followed by zeros. */
static int pack_policy(const struct csm_policy *policy, struct rsi_csm_policy *packed)
{
	if ((policy->hash_bits != 256 && policy->hash_bits != 512) || policy->check_rem > 4) {
		return -EINVAL;
	}
	*packed = (struct rsi_csm_policy){
		.version = CSM_POLICY_VERSION,
		.hash_algo = policy->hash_bits == 512 ? CSM_POLICY_SHA_512 : CSM_POLICY_SHA_256,
	};
	if (policy->check_rim) {
		packed->flags |= CSM_POLICY_RIM;
		memcpy(packed->rim, policy->rim, policy->hash_bits / 8);
	}
	if (policy->check_rem) {
		packed->flags |= CSM_POLICY_REM(policy->check_rem - 1);
		memcpy(packed->rem, policy->rem, policy->hash_bits / 8);
	}
	if (policy->check_rpv) {
		packed->flags |= CSM_POLICY_RPV;
		memcpy(packed->rpv, policy->rpv, sizeof(packed->rpv));
	}
	return 0;
}

/* Packs a policy; *out is the address for the call, or 0 without a policy. */
static int policy_address(const struct csm_policy *policy, struct rsi_csm_policy *packed,
			  uint64_t *out)
{
	*out = 0;
	if (!policy) {
		return 0;
	}
	*out = (uint64_t)(uintptr_t)packed;
	return pack_policy(policy, packed);
}

/* The attachment that is here already; it stays if this caller wants it to. */
static int open_attached(struct csm *csm, const struct csm_ioc_attach *req, struct csm_region **out)
{
	int ret = csm_find(csm, req->provider_id, req->region_id, out);

	if (ret == 0 && req->flags & CSM_IOC_PERSISTENT) {
		ret = csm_set_persistent(*out, true);
		if (ret < 0) {
			csm_release(*out);
		}
	}
	return ret;
}

int csm_attach(struct csm *csm, uint64_t provider_id, uint64_t region_id,
	       const struct csm_policy *policy, unsigned int flags, struct csm_region **out)
{
	struct csm_ioc_attach req = {
		.provider_id = provider_id,
		.region_id = region_id,
		.flags = flags & CSM_PERSISTENT ? CSM_IOC_PERSISTENT : 0,
	};
	struct rsi_csm_policy packed;
	uint64_t address;
	int ret = policy_address(policy, &packed, &address);

	if (ret < 0 || flags & ~CSM_PERSISTENT) {
		return -EINVAL;
	}
	req.policy = address;
	ret = csm_device_call(csm, CSM_IOC_ATTACH, &req);
	if (ret == -EEXIST && !policy) {
		return open_attached(csm, &req, out);
	}
	return ret < 0 ? ret : wrap(csm, ret, out);
}

int csm_find(struct csm *csm, uint64_t provider_id, uint64_t region_id, struct csm_region **out)
{
	struct csm_ioc_open req = {.provider_id = provider_id, .region_id = region_id};
	int handle = csm_device_call(csm, CSM_IOC_OPEN, &req);

	return handle < 0 ? handle : wrap(csm, handle, out);
}

void csm_release(struct csm_region *region)
{
	if (!region) {
		return;
	}
	/* A child of fork() has no mapping there, but maybe memory of its own. */
	if (region->base && region->forks == csm_forks()) {
		csm_fault_remove(region->base);
		region->csm->backend->unmap(region->csm->ctx, region->base, region->size);
	}
	region->csm->backend->close(region->csm->ctx, region->handle);
	free(region);
}

int csm_end(struct csm_region *region)
{
	return call(region, CSM_IOC_END, NULL);
}

int csm_set_persistent(struct csm_region *region, bool keep)
{
	return call(region, CSM_IOC_SET_PERSISTENT, (void *)(uintptr_t)keep);
}

/* -------------------------------------------------------------------- facts */

uint64_t csm_region_id(const struct csm_region *region)
{
	return region->region_id;
}

uint64_t csm_provider_id(const struct csm_region *region)
{
	return region->provider_id;
}

size_t csm_size(const struct csm_region *region)
{
	return region->size;
}

bool csm_is_own(const struct csm_region *region)
{
	return region->own;
}

unsigned int csm_permissions(const struct csm_region *region)
{
	return region->access;
}

int csm_fd(const struct csm_region *region)
{
	return region->handle;
}

/* ------------------------------------------------------------------ consent */

int csm_share(struct csm_region *region, uint64_t consumer_id, unsigned int access,
	      const struct csm_policy *policy)
{
	struct csm_ioc_share req = {.consumer_id = consumer_id, .permissions = access | CSM_READ};
	struct rsi_csm_policy packed;
	uint64_t address;
	int ret = policy_address(policy, &packed, &address);

	if (ret < 0) {
		return ret;
	}
	/* A realm chooses its own REMs and, by its host, its RPV: only the RIM says what it is. */
	if (consumer_id == CSM_ANY && (!policy || !policy->check_rim)) {
		return -EDESTADDRREQ;
	}
	req.policy = address;
	return call(region, CSM_IOC_SHARE, &req);
}

int csm_revoke(struct csm_region *region, uint64_t consumer_id)
{
	struct csm_ioc_revoke req = {.consumer_id = consumer_id};

	return call(region, CSM_IOC_REVOKE, &req);
}

int csm_seal(struct csm_region *region)
{
	int ret = call(region, CSM_IOC_SEAL, NULL);

	if (ret == 0) {
		region->access &= ~CSM_WRITE;
	}
	return ret;
}

int csm_digest(struct csm_region *region, uint8_t out[64])
{
	struct csm_ioc_digest digest;
	int ret = call(region, CSM_IOC_DIGEST, &digest);

	if (ret == 0) {
		memcpy(out, digest.value, sizeof(digest.value));
	}
	return ret;
}

/* ------------------------------------------------------------------- memory */

static int map(struct csm_region *region, unsigned int access, void **out)
{
	const struct csm_backend *backend = region->csm->backend;
	void *ctx = region->csm->ctx;
	int ret = backend->map(ctx, region->handle, region->size, access, out);

	if (ret < 0) {
		return ret;
	}
	ret = csm_fault_add(*out, region->size);
	if (ret < 0) {
		backend->unmap(ctx, *out, region->size);
		return ret;
	}
	region->base = *out;
	region->mapped = access;
	return 0;
}

int csm_map(struct csm_region *region, unsigned int access, void **out)
{
	access |= CSM_READ;
	if (region->forks != csm_forks()) {
		return -ESTALE;
	}
	if (region->base) {
		*out = region->base;
		return access & ~region->mapped ? -EACCES : 0;
	}
	if (access & ~region->access) {
		return -EACCES;
	}
	return map(region, access, out);
}

struct copy {
	void *to;
	const void *from;
	size_t size;
};

static int copy(void *arg)
{
	const struct copy *c = arg;

	memcpy(c->to, c->from, c->size);
	return 0;
}

/* Where `offset` is, mapped with all the access there is. */
static int place(struct csm_region *region, size_t offset, size_t size, char **out)
{
	void *base = region->base;
	int ret = region->forks == csm_forks() ? 0 : -ESTALE;

	if (ret < 0) {
		return ret;
	}
	if (size > region->size || offset > region->size - size) {
		return -EINVAL;
	}
	if (!base) {
		ret = csm_map(region, region->access & (CSM_READ | CSM_WRITE), &base);
	}
	if (ret == 0) {
		*out = (char *)base + offset;
	}
	return ret;
}

int csm_read(struct csm_region *region, size_t offset, void *to, size_t size)
{
	struct copy c = {.to = to, .size = size};
	char *from;
	int ret = place(region, offset, size, &from);

	c.from = from;
	return ret ? ret : csm_protect(copy, &c);
}

int csm_write(struct csm_region *region, size_t offset, const void *from, size_t size)
{
	struct copy c = {.from = from, .size = size};
	char *to;
	int ret = place(region, offset, size, &to);

	if (ret == 0 && !(region->mapped & CSM_WRITE)) {
		ret = -EACCES;
	}
	c.to = to;
	return ret ? ret : csm_protect(copy, &c);
}

/* ------------------------------------------------------------------- events */

int csm_signal(struct csm_region *region, uint64_t peer_id, uint64_t bits)
{
	struct csm_ioc_signal req = {.peer_id = peer_id, .bits = bits};

	return call(region, CSM_IOC_SIGNAL, &req);
}

static int take(struct csm_region *region, struct csm_event *out)
{
	struct csm_ioc_signal signal = {0};
	int ret = call(region, CSM_IOC_TAKE, &signal);

	if (ret < 0) {
		return ret == -EAGAIN ? 0 : ret;
	}
	out->peer_id = signal.peer_id;
	out->bits = signal.bits;
	return 1;
}

int csm_wait(struct csm_region *region, int timeout, struct csm_event *out)
{
	struct csm_deadline deadline = csm_deadline_in(timeout);

	for (;;) {
		int ret = take(region, out);
		int left = csm_deadline_left(&deadline, 1000);
		int seen;

		if (ret != 0) {
			return ret;
		}
		seen = region->csm->backend->poll(region->csm->ctx, region->handle, left);
		if (seen < 0) {
			return seen;
		}
		if (seen == CSM_POLL_ENDED) {
			return -ENOTCONN;
		}
		if (seen == 0 && left == 0) {
			return 0;
		}
	}
}
