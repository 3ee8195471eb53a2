// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: names. A region is called by its label, if that can be the name of a file and no region
 * before it has the same; otherwise by its number. The number is always a name of the region.
 */
#include <linux/ctype.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "csmfs.h"

#define MAX_ENTRIES 65536

/* ------------------------------------------------------------------ names */

static bool can_be_in_name(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '/';
}

/*
 * The length of a label as the name of a file, with its text and a zero; 0: it is none. A name is
 * one to eight printable ASCII characters without '/', does not begin with a dot, and is no number.
 */
static unsigned int label_text(u64 label, char name[CSMFS_NAME])
{
	unsigned int length = 0;
	bool number = true;

	for (; label & 0xff; label >>= 8) {
		if (!can_be_in_name(label & 0xff)) {
			return 0;
		}
		number = number && isdigit(label & 0xff);
		name[length++] = label & 0xff;
	}
	name[length] = 0;
	return label || number || name[0] == '.' ? 0 : length;
}

/*
 * The label that has this name. ENAMETOOLONG: more than eight bytes; EINVAL: no label is shown as
 * that.
 */
int csmfs_label(const struct qstr *name, u64 *label)
{
	char text[CSMFS_NAME];
	unsigned int i;

	if (name->len > CSMFS_LABEL) {
		return -ENAMETOOLONG;
	}
	*label = 0;
	for (i = 0; i < name->len; i++) {
		*label |= (u64)name->name[i] << (8 * i);
	}
	return label_text(*label, text) == name->len ? 0 : -EINVAL;
}

/* The name of an entry of a folder of regions, with a zero; its length. */
unsigned int csmfs_entry_name(const struct csmfs_listing *listing, unsigned int number,
			      char name[CSMFS_NAME])
{
	const struct csmfs_entry *entry = &listing->entries[number];
	unsigned int length = label_text(entry->label, name), i;

	for (i = 0; i < number && length > 0; i++) {
		if (listing->entries[i].label == entry->label) {
			length = 0;
		}
	}
	return length ? length : snprintf(name, CSMFS_NAME, "%llu", entry->id);
}

static bool is_called(const struct csm_ioc_query *query, const struct qstr *name, bool number)
{
	char text[CSMFS_NAME];
	unsigned int length = number ? snprintf(text, sizeof(text), "%llu", query->region_id)
				     : label_text(query->label, text);

	return length == name->len && memcmp(text, name->name, length) == 0;
}

/* ------------------------------------------------------------------ lists */

/* EOVERFLOW: too many; ENOMEM. */
static int append(struct csmfs_listing *listing, u64 id, u64 label)
{
	if (listing->count == listing->room) {
		unsigned int room = max(listing->room * 2, 16U);
		struct csmfs_entry *entries;

		if (room > MAX_ENTRIES) {
			return -EOVERFLOW;
		}
		entries = kvmalloc_array(room, sizeof(*entries), GFP_KERNEL_ACCOUNT);
		if (!entries) {
			return -ENOMEM;
		}
		if (listing->count) {
			memcpy(entries, listing->entries, listing->count * sizeof(*entries));
		}
		kvfree(listing->entries);
		listing->entries = entries;
		listing->room = room;
	}
	listing->entries[listing->count++] = (struct csmfs_entry){id, label};
	return 0;
}

/* The listing is empty afterwards. */
void csmfs_list_free(struct csmfs_listing *listing)
{
	kvfree(listing->entries);
	*listing = (struct csmfs_listing){0};
}

static int append_once(struct csmfs_listing *listing, u64 id)
{
	unsigned int i;

	for (i = 0; i < listing->count; i++) {
		if (listing->entries[i].id == id) {
			return 0;
		}
	}
	return append(listing, id, 0);
}

/*
 * Adds every provider that this realm knows of: named at mount, looked up, or attached by whatever
 * program. The RMM lists regions of a realm, not realms. EOVERFLOW, ENOMEM.
 */
int csmfs_list_providers(struct csmfs_super *super, struct csmfs_listing *listing)
{
	struct csmfs_provider *provider;
	struct csmdev_obj *obj;
	int ret = 0;

	mutex_lock(&super->lock);
	list_for_each_entry (provider, &super->providers, list) {
		ret = ret ? ret : append_once(listing, provider->id);
	}
	mutex_unlock(&super->lock);
	mutex_lock(&csmdev_lock);
	list_for_each_entry (obj, &csmdev_objs, list) {
		if (!obj->own) {
			ret = ret ? ret : append_once(listing, obj->provider);
		}
	}
	mutex_unlock(&csmdev_lock);
	return ret;
}

/* Calls visit for each region that is there; stops when it returns anything but 0. */
static int for_each_region(u64 provider,
			   int (*visit)(void *data, const struct csm_ioc_query *query), void *data)
{
	struct csm_ioc_query query = {.realm_id = provider};
	int ret;

	do {
		ret = csmdev_query_next(&query);
		if (!ret && query.region_id && query.state != CSM_STATE_ENDED) {
			ret = visit(data, &query);
		}
		if (!ret && fatal_signal_pending(current)) {
			ret = -EINTR;
		}
		cond_resched();
	} while (!ret && query.cursor != 0);
	return ret;
}

static int list_one(void *data, const struct csm_ioc_query *query)
{
	return append(data, query->region_id, query->label);
}

/* Adds all regions of a realm. EACCES: it offers nothing; EOVERFLOW, ENOMEM, EINTR, ENXIO, EIO. */
int csmfs_list_regions(u64 provider, struct csmfs_listing *listing)
{
	return for_each_region(provider, list_one, listing);
}

struct search {
	const struct qstr *name;
	struct csm_ioc_query *found;
	bool number;
};

static int is_wanted(void *data, const struct csm_ioc_query *query)
{
	const struct search *search = data;

	if (!is_called(query, search->name, search->number)) {
		return 0;
	}
	*search->found = *query;
	return 1;
}

/* The region of that name. ENOENT: there is none; EINTR, ENXIO, EIO. */
int csmfs_find(u64 provider, const struct qstr *name, struct csm_ioc_query *found)
{
	struct search search = {.name = name, .found = found, .number = isdigit(name->name[0])};
	int ret = for_each_region(provider, is_wanted, &search);

	if (ret == 0 && search.number) {
		/* A label may begin with a digit too. */
		search.number = false;
		ret = for_each_region(provider, is_wanted, &search);
	}
	if (ret > 0) {
		return 0;
	}
	return ret == 0 || ret == -EACCES ? -ENOENT : ret;
}
