// SPDX-License-Identifier: BSD-3-Clause
/*
 * The two trees of a realm's records: all that have an id, by kind, other realm and region; and
 * regions and attachments by base. Both are AVL trees of record numbers: the heights of the two
 * subtrees of a node differ by one at most, so a search looks at 15 nodes of 1,600 at most.
 *
 * The functions need the CSM lock of *rd, and call no other file of csm/.
 */
#include "base/assert.h"
#include "csm/csm_internal.h"

/* Nodes on the longest way down: a tree that is higher has 2,583 nodes at least. */
#define DEPTH_MAX 15U

_Static_assert(REALM_APT_GRANULES *RMM_CSM_RECORDS < 2583, "no way is longer than DEPTH_MAX");

static const uint64_t trees_offset[] = {
	[RMM_CSM_TREE_IDS] = offsetof(struct rmm_csm_record, node),
	[RMM_CSM_TREE_RANGES] = offsetof(struct rmm_csm_range, by_base),
};

static union rmm_csm_any_record *record_at(const struct rd *rd, unsigned int number)
{
	return rmm_csm_record_at(rd, number, RMM_CSM_KINDS_ALL);
}

static struct rmm_csm_node *node_of(enum rmm_csm_tree tree, union rmm_csm_any_record *any)
{
	return (struct rmm_csm_node *)(void *)((uint8_t *)any + trees_offset[tree]);
}

static struct rmm_csm_node *node_at(const struct rd *rd, enum rmm_csm_tree tree,
				    unsigned int number)
{
	return node_of(tree, record_at(rd, number));
}

static unsigned int height_at(const struct rd *rd, enum rmm_csm_tree tree, unsigned int number)
{
	return number == RMM_CSM_NONE ? 0 : node_at(rd, tree, number)->height;
}

int rmm_csm_compare(const struct rmm_csm_record *record, enum rmm_csm_kind kind, uint64_t peer_id,
		    uint64_t region_id)
{
	uint64_t peer = rmm_csm_peer_id(record);

	if (record->node.kind != kind) {
		return record->node.kind > kind ? 1 : -1;
	}
	if (peer != peer_id) {
		return peer > peer_id ? 1 : -1;
	}
	return (record->id.region > region_id) - (record->id.region < region_id);
}

/* Whether a record's place is after that of another one. */
static bool is_after(enum rmm_csm_tree tree, const union rmm_csm_any_record *any,
		     const union rmm_csm_any_record *other)
{
	if (tree == RMM_CSM_TREE_RANGES) {
		return any->range.base > other->range.base;
	}
	/* One of the enum: NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange) */
	return rmm_csm_compare(&any->record, other->record.node.kind,
			       rmm_csm_peer_id(&other->record), other->record.id.region) > 0;
}

/* What leads from the root to a node: links, each in the node that the one before leads to. */
struct path {
	uint16_t *links[DEPTH_MAX];
	unsigned int length;
};

static void go_on(struct path *path, uint16_t *link)
{
	ASSERT(path->length < DEPTH_MAX);
	path->links[path->length++] = link;
}

/* Sets a node's height by those of its subtrees. */
static void measure(const struct rd *rd, enum rmm_csm_tree tree, struct rmm_csm_node *node)
{
	unsigned int left = height_at(rd, tree, node->child[0]);
	unsigned int right = height_at(rd, tree, node->child[1]);

	node->height = (uint8_t)(1 + (left > right ? left : right));
}

/* The child on `side` takes the place of the node at *link, which becomes its other child. */
static void rotate(const struct rd *rd, enum rmm_csm_tree tree, uint16_t *link, unsigned int side)
{
	unsigned int number = *link;
	struct rmm_csm_node *node = node_at(rd, tree, number);
	struct rmm_csm_node *child = node_at(rd, tree, node->child[side]);

	*link = node->child[side];
	node->child[side] = child->child[1 - side];
	child->child[1 - side] = (uint16_t)number;
	measure(rd, tree, node);
	measure(rd, tree, child);
}

/*
 * Puts the tree below *link, whose subtrees are in order, in order again. True if its height has
 * changed by it: then the next node up the path has to be looked at, too.
 */
static bool settle(const struct rd *rd, enum rmm_csm_tree tree, uint16_t *link)
{
	struct rmm_csm_node *node = node_at(rd, tree, *link);
	unsigned int before = node->height;
	unsigned int left = height_at(rd, tree, node->child[0]);
	unsigned int right = height_at(rd, tree, node->child[1]);

	if (left > right + 1 || right > left + 1) {
		unsigned int side = right > left;
		const struct rmm_csm_node *child = node_at(rd, tree, node->child[side]);

		if (height_at(rd, tree, child->child[1 - side]) >
		    height_at(rd, tree, child->child[side])) {
			rotate(rd, tree, &node->child[side], 1 - side);
		}
		rotate(rd, tree, link, side);
	} else {
		measure(rd, tree, node);
	}
	return height_at(rd, tree, *link) != before;
}

/* Settles the nodes of a path from its end on, as far up as heights change. */
static void settle_path(const struct rd *rd, enum rmm_csm_tree tree, struct path *path)
{
	while (path->length != 0 && settle(rd, tree, path->links[path->length - 1])) {
		path->length--;
	}
}

/* Where a record is, or will be: the link that leads to it. The path ends above it. */
static uint16_t *find_link(struct rd *rd, enum rmm_csm_tree tree,
			   const union rmm_csm_any_record *any, struct path *path)
{
	uint16_t *link = &rd->csm.trees[tree];

	while (*link != RMM_CSM_NONE && *link != any->record.node.number) {
		union rmm_csm_any_record *at = record_at(rd, *link);

		go_on(path, link);
		link = &node_of(tree, at)->child[is_after(tree, any, at)];
	}
	return link;
}

void rmm_csm_tree_add(struct rd *rd, enum rmm_csm_tree tree, union rmm_csm_any_record *any)
{
	struct path path = {.length = 0};
	uint16_t *link = find_link(rd, tree, any, &path);
	struct rmm_csm_node *node = node_of(tree, any);

	ASSERT(*link == RMM_CSM_NONE && node->height == 0);
	*link = any->record.node.number;
	node->height = 1;
	settle_path(rd, tree, &path);
}

/*
 * The node after the one at *link, which has two children, takes its place. The path goes on to the
 * place that the other node has left.
 */
static void replace_by_next(struct rd *rd, enum rmm_csm_tree tree, uint16_t *link,
			    struct path *path)
{
	struct rmm_csm_node *node = node_at(rd, tree, *link);
	unsigned int length = path->length;
	uint16_t *last = &node->child[1];
	struct rmm_csm_node *next = node_at(rd, tree, *last);

	go_on(path, link);
	while (next->child[0] != RMM_CSM_NONE) {
		go_on(path, last);
		last = &next->child[0];
		next = node_at(rd, tree, *last);
	}
	*link = *last;
	*last = next->child[1];
	next->child[0] = node->child[0];
	next->child[1] = node->child[1];
	next->height = node->height;
	if (path->length > length + 1) {
		path->links[length + 1] = &next->child[1];
	}
}

void rmm_csm_tree_remove(struct rd *rd, enum rmm_csm_tree tree, union rmm_csm_any_record *any)
{
	struct path path = {.length = 0};
	uint16_t *link = find_link(rd, tree, any, &path);
	struct rmm_csm_node *node = node_of(tree, any);

	ASSERT(*link == any->record.node.number);
	if (node->child[0] == RMM_CSM_NONE) {
		*link = node->child[1];
	} else if (node->child[1] == RMM_CSM_NONE) {
		*link = node->child[0];
	} else {
		replace_by_next(rd, tree, link, &path);
	}
	node->height = 0;
	settle_path(rd, tree, &path);
}

void rmm_csm_tree_check(const struct rd *rd, enum rmm_csm_tree tree,
			const union rmm_csm_any_record *any)
{
	const struct rmm_csm_node *node = node_at(rd, tree, any->record.node.number);
	unsigned int height = 1;

	for (unsigned int side = 0; side < 2; side++) {
		unsigned int below = height_at(rd, tree, node->child[side]);

		ASSERT(below < node->height && below + 2 >= node->height);
		height = below >= height ? below + 1 : height;
		if (below != 0) {
			ASSERT(is_after(tree, record_at(rd, node->child[side]), any) ==
			       (side == 1));
		}
	}
	ASSERT(node->height == height && height <= DEPTH_MAX);
}
