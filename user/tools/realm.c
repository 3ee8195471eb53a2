// SPDX-License-Identifier: BSD-3-Clause
/* Commands about realms: id, list, peer. */
#include <errno.h>

#include "csmctl.h"

int cmd_id(struct tool *tool)
{
	struct csm_info info;
	char version[24];
	int ret = csm_get_info(tool->csm, &info);

	if (ret < 0) {
		return complain(tool->io, "id", ret);
	}
	snprintf(version, sizeof(version), "%u.%u", info.csm_major, info.csm_minor);
	out_begin(tool->io);
	out_id(tool->io, "realm", info.realm_id);
	out_text(tool->io, "csm", version);
	out_number(tool->io, "regions", info.regions);
	out_number(tool->io, "attachments", info.attachments);
	out_number(tool->io, "memory_used", info.memory_used);
	out_number(tool->io, "memory_limit", info.memory_limit);
	out_number(tool->io, "window_free", info.window_free);
	out_number(tool->io, "window_size", info.window_size);
	out_flag(tool->io, "interrupt", info.interrupt);
	out_flag(tool->io, "mmap", info.can_map);
	out_end(tool->io);
	return CSMCTL_OK;
}

/* Prints one region of csm_list(). */
static void show_entry(struct io *io, const struct csm_entry *entry)
{
	static const char *const states[] = {"own", "granted", "reserved", "attached", "ended"};
	char label[CSM_LABEL_TEXT];

	csm_label_text(entry->label, label);
	out_begin(io);
	out_id(io, "provider", entry->provider_id);
	out_number(io, "region", entry->region_id);
	out_text(io, "label", label);
	out_number(io, "size", entry->size);
	out_permissions(io, entry->permissions);
	out_text(io, "state", entry->ending ? "ending" : states[entry->state]);
	out_flag(io, "sealed", entry->sealed);
	out_flag(io, "any", entry->any);
	out_end(io);
}

/* Those of this realm. 0, or a negative errno. */
static int list_attachments(struct tool *tool)
{
	struct csm_entry entry = {0};
	int ret;

	out_list_begin(tool->io, "attachments");
	do {
		ret = csm_list_attached(tool->csm, &entry);
		if (ret == 1) {
			show_entry(tool->io, &entry);
		}
	} while (ret == 1);
	out_list_end(tool->io);
	return ret;
}

int cmd_list(struct tool *tool)
{
	struct csm_entry entry;
	uint64_t realm = 0, cursor = 0;
	int ret;

	if (tool->options->num_args == 1 && !parse_id(tool->options->args[0], &realm)) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "%s: not a realm id (list takes REALM alone)",
				 tool->options->args[0]);
	}
	/* Asked for before anything is written, so that a failure leaves no half of a result. */
	ret = csm_list(tool->csm, realm, &cursor, &entry);
	if (ret < 0) {
		return complain(tool->io, "list", ret);
	}
	out_begin(tool->io);
	out_list_begin(tool->io, "regions");
	while (ret == 1) {
		show_entry(tool->io, &entry);
		ret = csm_list(tool->csm, realm, &cursor, &entry);
	}
	out_list_end(tool->io);
	if (ret == 0 && tool->options->num_args == 0) {
		ret = list_attachments(tool);
	}
	if (tool->io->json) {
		out_end(tool->io);
	}
	return ret < 0 ? complain(tool->io, "list", ret) : CSMCTL_OK;
}

int cmd_peer(struct tool *tool)
{
	static const char *const keys[] = {"rim", "rem0", "rem1", "rem2", "rem3", "rpv"};
	struct csm_measurement values[6];
	uint64_t peer;

	if (!parse_id(tool->options->args[0], &peer)) {
		return out_error(tool->io, CSMCTL_USAGE, "%s: not a realm id",
				 tool->options->args[0]);
	}
	for (unsigned int i = 0; i < 6; i++) {
		int ret = csm_peer(tool->csm, peer, i, &values[i]);

		if (ret == -EACCES) {
			return out_error(
				tool->io, CSMCTL_FAILED,
				"%s: no sharing with that realm: attach a region of it, or "
				"let it attach one, first",
				tool->options->args[0]);
		}
		if (ret < 0) {
			return complain(tool->io, tool->options->args[0], ret);
		}
	}
	out_begin(tool->io);
	out_id(tool->io, "realm", peer);
	out_text(tool->io, "hash", values[0].hash_bits == 512 ? "sha-512" : "sha-256");
	for (unsigned int i = 0; i < 6; i++) {
		out_bytes(tool->io, keys[i], values[i].value, i < 5 ? values[0].hash_bits / 8 : 64);
	}
	out_end(tool->io);
	return CSMCTL_OK;
}
