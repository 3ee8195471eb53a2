// SPDX-License-Identifier: BSD-3-Clause
/* Commands about one region. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "csmctl.h"
#include "libcsm/deadline.h"

#define GRANT_LOOK_MS 50

static int not_region(struct tool *tool)
{
	return out_error(tool->io, CSMCTL_USAGE, "%s: not a region (NUMBER or REALM:NUMBER)",
			 tool->options->args[0]);
}

static const struct csm_policy *policy(const struct tool *tool)
{
	return tool->options->has_policy ? &tool->options->policy : NULL;
}

/*
 * Attaches another realm's region. After an attestation the peer may not have granted it yet: then
 * this waits for the grant.
 */
static int attach(struct tool *tool, uint64_t provider, uint64_t region, unsigned int flags,
		  struct csm_region **out)
{
	const struct timespec pause = {.tv_nsec = GRANT_LOOK_MS * 1000000L};
	struct csm_deadline deadline =
		csm_deadline_in(tool->options->attests ? tool->options->timeout : 0);
	int ret = csm_attach(tool->csm, provider, region, policy(tool), flags, out);

	while (ret == -EACCES && csm_deadline_left(&deadline, GRANT_LOOK_MS) != 0) {
		nanosleep(&pause, NULL);
		ret = csm_attach(tool->csm, provider, region, policy(tool), flags, out);
	}
	return ret;
}

int open_region(struct tool *tool, unsigned int flags, struct csm_region **out)
{
	uint64_t provider, region;
	int ret;

	if (!parse_region(tool->options->args[0], &provider, &region)) {
		return not_region(tool);
	}
	if (provider == 0 || provider == csm_id(tool->csm)) {
		ret = csm_find(tool->csm, 0, region, out);
	} else {
		ret = attach(tool, provider, region, flags, out);
	}
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : 0;
}

/* One that is here already, own or attached. */
static int find_region(struct tool *tool, struct csm_region **out)
{
	uint64_t provider, region;
	int ret;

	if (!parse_region(tool->options->args[0], &provider, &region)) {
		return not_region(tool);
	}
	ret = csm_find(tool->csm, provider, region, out);
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : 0;
}

/* What a command does with one region, and its name in a complaint. */
static int with_region(struct tool *tool, int (*fn)(struct tool *tool, struct csm_region *region))
{
	struct csm_region *region;
	int ret = find_region(tool, &region);

	if (ret != 0) {
		return ret;
	}
	ret = fn(tool, region);
	csm_release(region);
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : ret;
}

int keep_known(struct tool *tool, struct csm_region *region)
{
	int ret = out_check(tool->io);

	return ret ? ret : csm_set_persistent(region, true);
}

int cmd_create(struct tool *tool)
{
	const char *label = tool->options->label;
	struct csm_region *region;
	uint64_t size;
	int ret;

	if (!parse_size(tool->options->args[0], &size)) {
		return out_error(tool->io, CSMCTL_USAGE, "%s: not a size", tool->options->args[0]);
	}
	ret = csm_create(tool->csm, size, label ? csm_label(label) : 0, 0, &region);
	if (ret < 0) {
		return complain(tool->io, "create", ret);
	}
	out_begin(tool->io);
	out_region(tool->io, region);
	out_end(tool->io);
	ret = keep_known(tool, region);
	csm_release(region);
	return ret < 0 ? complain(tool->io, "create", ret) : ret;
}

/* "any" is nobody by name. */
static int consumer(struct tool *tool, uint64_t *out)
{
	*out = CSM_ANY;
	if (strcmp(tool->options->args[1], "any") != 0 && !parse_id(tool->options->args[1], out)) {
		return out_error(tool->io, CSMCTL_USAGE, "%s: not a realm id",
				 tool->options->args[1]);
	}
	return 0;
}

/* Grants a region. Refuses `any` without --rim, and the own realm, before it asks the RMM. */
static int share(struct tool *tool, struct csm_region *region)
{
	uint64_t peer;
	int ret = consumer(tool, &peer);

	if (ret != 0) {
		return ret;
	}
	if (peer == CSM_ANY && !tool->options->policy.check_rim) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "share with any needs --rim: without it a realm of any software "
				 "gets in");
	}
	if (peer == csm_id(tool->csm)) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "%s is this realm, which needs no grant: name the other one",
				 tool->options->args[1]);
	}
	return csm_share(region, peer, tool->options->access, policy(tool));
}

int cmd_share(struct tool *tool)
{
	return with_region(tool, share);
}

static int revoke_from(struct tool *tool, struct csm_region *region)
{
	uint64_t peer;
	int ret = consumer(tool, &peer);

	return ret ? ret : csm_revoke(region, peer);
}

int cmd_revoke(struct tool *tool)
{
	return with_region(tool, revoke_from);
}

static int seal(struct tool *tool, struct csm_region *region)
{
	(void)tool;
	return csm_seal(region);
}

int cmd_seal(struct tool *tool)
{
	return with_region(tool, seal);
}

static int end(struct tool *tool, struct csm_region *region)
{
	(void)tool;
	return csm_end(region);
}

/* Each says what it ends, so that a slip does not end the other kind. */
static int end_kind(struct tool *tool, bool own)
{
	uint64_t provider, region;

	if (parse_region(tool->options->args[0], &provider, &region) &&
	    (provider == 0 || provider == csm_id(tool->csm)) != own) {
		return out_error(tool->io, CSMCTL_USAGE, "%s is %s region: use %s",
				 tool->options->args[0], own ? "another realm's" : "an own",
				 own ? "detach" : "destroy");
	}
	return with_region(tool, end);
}

int cmd_destroy(struct tool *tool)
{
	return end_kind(tool, true);
}

int cmd_detach(struct tool *tool)
{
	return end_kind(tool, false);
}

int cmd_attach(struct tool *tool)
{
	struct csm_region *region;
	uint64_t provider, number;
	int ret;

	if (!parse_region(tool->options->args[0], &provider, &number) || provider == 0) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "%s: not another realm's region (REALM:NUMBER)",
				 tool->options->args[0]);
	}
	ret = open_region(tool, 0, &region);
	if (ret != 0) {
		return ret;
	}
	out_begin(tool->io);
	out_region(tool->io, region);
	out_permissions(tool->io, csm_permissions(region));
	out_end(tool->io);
	ret = keep_known(tool, region);
	csm_release(region);
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : ret;
}

int cmd_digest(struct tool *tool)
{
	struct csm_region *region;
	uint8_t digest[64];
	int ret = open_region(tool, 0, &region);

	if (ret != 0) {
		return ret;
	}
	ret = csm_digest(region, digest);
	if (ret == 0) {
		out_begin(tool->io);
		out_region(tool->io, region);
		out_bytes(tool->io, "sha512", digest, sizeof(digest));
		out_end(tool->io);
	}
	csm_release(region);
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : CSMCTL_OK;
}

/* ------------------------------------------------------------------- waiting */

/* Prints one event of csm_wait(). */
static void show_event(struct io *io, const struct csm_event *event)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{CSM_EVENT_ATTACHED, "attached"},   {CSM_EVENT_DETACHED, "detached"},
		{CSM_EVENT_ENDED, "ended"},         {CSM_EVENT_PEER_GONE, "peer_gone"},
		{CSM_EVENT_PAGE_LOST, "page_lost"}, {CSM_EVENT_USER, "signal"},
	};

	out_begin(io);
	out_id(io, "peer", event->peer_id);
	out_words_begin(io, "events");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (event->bits & names[i].bit) {
			out_word(io, names[i].name);
		}
	}
	out_words_end(io);
	out_number(io, "bits", event->bits & CSM_EVENT_USER);
	out_end(io);
}

static int wait_event(struct tool *tool, struct csm_region *region)
{
	struct csm_event event;
	int ret = csm_wait(region, tool->options->timeout, &event);

	if (ret == 0) {
		return -EAGAIN;
	}
	if (ret > 0) {
		show_event(tool->io, &event);
	}
	return ret < 0 ? ret : CSMCTL_OK;
}

int cmd_wait(struct tool *tool)
{
	return with_region(tool, wait_event);
}

struct reading {
	const volatile uint8_t *memory;
	size_t size;
	uint8_t sum;
};

static int read_all(void *arg)
{
	struct reading *reading = arg;

	for (size_t i = 0; i < reading->size; i += 4096) {
		reading->sum = (uint8_t)(reading->sum + reading->memory[i]);
	}
	return 0;
}

/* Until the memory is gone, or time is over. */
static int read_until_gone(struct tool *tool, struct csm_region *region)
{
	struct reading reading = {.size = csm_size(region)};
	struct csm_event event;
	uint64_t rounds = 0;
	void *memory;
	int ret = csm_map(region, CSM_READ, &memory);

	if (ret < 0) {
		return ret;
	}
	reading.memory = memory;
	for (int left = tool->options->timeout; left > 0; left -= 50) {
		ret = csm_protect(read_all, &reading);
		if (ret < 0) {
			break;
		}
		if (rounds++ == 0) {
			out_notice(tool->io, "reading %s", tool->options->args[0]);
		}
		csm_wait(region, 50, &event);
	}
	if (ret == 0) {
		return -EAGAIN;
	}
	out_begin(tool->io);
	out_region(tool->io, region);
	out_number(tool->io, "rounds", rounds);
	out_text(tool->io, "end", "SIGBUS: access was taken away");
	out_end(tool->io);
	return CSMCTL_OK;
}

int cmd_watch(struct tool *tool)
{
	struct csm_region *region;
	int ret = open_region(tool, 0, &region);

	if (ret != 0) {
		return ret;
	}
	ret = read_until_gone(tool, region);
	csm_release(region);
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : ret;
}
