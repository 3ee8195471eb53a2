// SPDX-License-Identifier: BSD-3-Clause
/* Tables and what is in them (RMM specification A5, B4.3). */
#include <stdlib.h>

#include "model_internal.h"

#define PAGE_LEVEL 3
#define LPA1_END   (UINT64_C(1) << 48)

#define ATTRIBUTES       UINT64_C(0xDC) /* MemAttr [4:2], S2AP [7:6] */
#define MEMATTR_RESERVED 4U

uint64_t m_entry_size(int level)
{
	return UINT64_C(1) << (12 + 9 * (PAGE_LEVEL - level));
}

uint64_t m_space_end(const struct m_realm *realm)
{
	return UINT64_C(1) << realm->width;
}

uint64_t m_protected_end(const struct m_realm *realm)
{
	return UINT64_C(1) << (realm->width - 1);
}

/* --- tables --- */

struct m_table *m_new_table(uint64_t pa, uint64_t base, int level, unsigned int length)
{
	struct m_table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		abort();
	}
	table->pa = pa;
	table->base = base;
	table->level = level;
	table->length = length;
	return table;
}

void m_drop_table(struct m_table *table)
{
	if (table == NULL) {
		return;
	}
	for (unsigned int i = 0; i < table->length; i++) {
		m_drop_table(table->entries[i].child);
	}
	free(table);
}

bool m_is_live(const struct m_table *table)
{
	for (unsigned int i = 0; i < table->length; i++) {
		enum m_kind kind = table->entries[i].kind;

		if (kind == M_ASSIGNED || kind == M_TABLE) {
			return true;
		}
	}
	return false;
}

static bool entry_live(const struct m_entry *entry)
{
	return entry->kind == M_ASSIGNED || entry->kind == M_ASSIGNED_NS || entry->kind == M_TABLE;
}

struct m_place m_walk(const struct m_realm *realm, uint64_t ipa, int level)
{
	uint64_t index = ipa / m_entry_size(realm->start_level);
	struct m_table *table = realm->start[index / realm->start[0]->length];
	struct m_entry *entry;

	for (;;) {
		index = (ipa - table->base) / m_entry_size(table->level);
		entry = &table->entries[index];
		if (table->level == level || entry->kind != M_TABLE) {
			break;
		}
		table = entry->child;
	}
	return (struct m_place){table, entry, table->level,
				table->base + index * m_entry_size(table->level)};
}

/* `top`: where the next live entry of the table is, or where the table ends. */
static uint64_t top_of(const struct m_place *place, uint64_t ipa)
{
	const struct m_table *table = place->table;
	uint64_t size = m_entry_size(table->level);

	if (entry_live(place->entry)) {
		return ipa;
	}
	for (uint64_t i = (place->ipa - table->base) / size; i < table->length; i++) {
		if (entry_live(&table->entries[i])) {
			return table->base + i * size;
		}
	}
	return table->base + table->length * size;
}

static uint64_t rtt_error(int level)
{
	return RMI_ERROR_RTT | (uint64_t)(uint8_t)level << 8;
}

/* --- conditions that commands share --- */

/* Yields a place, if the command's words reach one. */
struct target {
	struct m_realm *realm;
	int level;
	struct m_place place;
	bool found;
};

/* level_bound, ipa_align, ipa_bound: level from `first` on, ipa in [base, end). */
static bool check_ipa(struct m_case *c, uint64_t ipa, uint64_t align, uint64_t base, uint64_t end)
{
	bool inside = ipa >= base && ipa < end;

	if (!m_aligned(ipa, align)) {
		m_refuse(&c->refusals, "ipa_align", RMI_ERROR_INPUT, 0);
	}
	if (!inside) {
		m_refuse(&c->refusals, "ipa_bound", RMI_ERROR_INPUT, 0);
	}
	return inside;
}

static bool check_level(struct m_case *c, uint64_t argument, int first, int *level)
{
	int64_t value = (int64_t)argument;

	if (value < first || value > PAGE_LEVEL) {
		m_refuse(&c->refusals, "level_bound", RMI_ERROR_INPUT, 0);
		return false;
	}
	*level = (int)value;
	return true;
}

/* rd, ipa and level of the commands on a table: the walk goes to its parent entry. */
static struct target check_table(struct m_case *c, uint64_t ipa, uint64_t level)
{
	struct target target = {.realm = m_check_rd(c, c->args[0])};

	if (target.realm == NULL ||
	    !check_level(c, level, target.realm->start_level + 1, &target.level) ||
	    !check_ipa(c, ipa, m_entry_size(target.level - 1), 0, m_space_end(target.realm))) {
		return target;
	}
	target.found = true;
	target.place = m_walk(target.realm, ipa, target.level - 1);
	return target;
}

/* The walk has to end at `level`, at an entry of this kind. */
static bool check_entry(struct m_case *c, const struct target *target, int level, uint64_t ipa,
			enum m_kind kind)
{
	uint64_t top = c->refusals.top == 0 ? 0 : top_of(&target->place, ipa);

	if (target->place.level < level) {
		m_refuse(&c->refusals, "rtt_walk", rtt_error(target->place.level), top);
	} else if (target->place.entry->kind != kind) {
		m_refuse(&c->refusals, "rtte_state", rtt_error(level), top);
	} else {
		return true;
	}
	return false;
}

/* --- RTT_CREATE, RTT_DESTROY, RTT_FOLD --- */

static void create_conditions(struct m_case *c)
{
	static const struct m_names names = {"rtt_align", "rtt_bound", "rtt_state"};
	struct target target = check_table(c, c->args[2], c->args[3]);

	m_check_granule(c, c->args[1], M_DELEGATED, &names);
	if (target.realm != NULL && !target.realm->lpa2 && c->args[1] >= LPA1_END) {
		m_refuse(&c->refusals, "rtt_bound2", RMI_ERROR_INPUT, 0);
	}
	if (!target.found) {
		return;
	}
	if (target.place.level < target.level - 1) {
		m_refuse(&c->refusals, "rtt_walk", rtt_error(target.place.level), 0);
	} else if (target.place.entry->kind == M_TABLE) {
		m_refuse(&c->refusals, "rtte_state", rtt_error(target.place.level), 0);
	}
}

static const char *create(struct m_case *c, uint64_t x[5])
{
	int level = (int)c->args[3];
	struct m_place place = m_walk(model_realm(c->args[0]), c->args[2], level - 1);
	struct m_table *table = m_new_table(c->args[1], place.ipa, level, M_ENTRIES);

	(void)x;
	for (unsigned int i = 0; i < M_ENTRIES; i++) {
		table->entries[i] = *place.entry;
		if (place.entry->kind == M_ASSIGNED || place.entry->kind == M_ASSIGNED_NS) {
			table->entries[i].pa += i * m_entry_size(level);
		}
	}
	*place.entry = (struct m_entry){.kind = M_TABLE, .child = table};
	m_set_state(table->pa, M_RTT, NULL);
	return NULL;
}

static void destroy_conditions(struct m_case *c)
{
	struct target target;

	c->refusals.top = 2;
	target = check_table(c, c->args[1], c->args[2]);
	if (target.found && check_entry(c, &target, target.level - 1, c->args[1], M_TABLE) &&
	    m_is_live(target.place.entry->child)) {
		m_refuse(&c->refusals, "rtt_live", rtt_error(target.level), c->args[1]);
	}
}

static const char *destroy(struct m_case *c, uint64_t x[5])
{
	struct m_realm *realm = model_realm(c->args[0]);
	struct m_place place = m_walk(realm, c->args[1], (int)c->args[2] - 1);

	x[1] = place.entry->child->pa;
	m_set_state(x[1], M_DELEGATED, NULL);
	m_drop_table(place.entry->child);
	if (place.ipa < m_protected_end(realm)) {
		*place.entry = (struct m_entry){.kind = M_UNASSIGNED, .ripas = RMI_RIPAS_DESTROYED};
	} else {
		*place.entry = (struct m_entry){.kind = M_UNASSIGNED_NS};
	}
	x[2] = top_of(&place, c->args[1]);
	return NULL;
}

static bool homogeneous(const struct m_table *table)
{
	const struct m_entry *first = &table->entries[0];
	bool assigned = first->kind == M_ASSIGNED || first->kind == M_ASSIGNED_NS;
	uint64_t size = m_entry_size(table->level);

	if (first->kind == M_TABLE ||
	    (assigned &&
	     (table->level < 2 || !m_aligned(first->pa, m_entry_size(table->level - 1))))) {
		return false;
	}
	for (unsigned int i = 1; i < M_ENTRIES; i++) {
		const struct m_entry *entry = &table->entries[i];

		if (entry->kind != first->kind || entry->ripas != first->ripas ||
		    entry->attributes != first->attributes ||
		    (assigned && entry->pa != first->pa + i * size)) {
			return false;
		}
	}
	return true;
}

static void fold_conditions(struct m_case *c)
{
	struct target target = check_table(c, c->args[1], c->args[2]);

	if (target.found && check_entry(c, &target, target.level - 1, c->args[1], M_TABLE) &&
	    !homogeneous(target.place.entry->child)) {
		m_refuse(&c->refusals, "rtt_homo", rtt_error(target.level), 0);
	}
}

static const char *fold(struct m_case *c, uint64_t x[5])
{
	struct m_place place = m_walk(model_realm(c->args[0]), c->args[1], (int)c->args[2] - 1);
	struct m_table *table = place.entry->child;

	x[1] = table->pa;
	*place.entry = table->entries[0];
	m_set_state(table->pa, M_DELEGATED, NULL);
	m_drop_table(table);
	return NULL;
}

/* --- RIPAS --- */

/* First entry from `place` on that the scan stops at, as an IPA, or the end of the table. */
static uint64_t ripas_top(const struct m_place *place, bool (*stops)(const struct m_entry *entry),
			  uint64_t top)
{
	const struct m_table *table = place->table;
	uint64_t size = m_entry_size(table->level);
	uint64_t i = (place->ipa - table->base) / size;
	uint64_t end;

	while (i < table->length && !stops(&table->entries[i])) {
		i++;
	}
	end = table->base + i * size;
	end = end < top ? end : top;
	return end / size * size;
}

static void set_ripas(const struct m_place *place, uint64_t top, uint8_t ripas)
{
	struct m_table *table = place->table;
	uint64_t size = m_entry_size(table->level);

	for (uint64_t i = (place->ipa - table->base) / size; table->base + i * size < top; i++) {
		table->entries[i].ripas = ripas;
	}
}

static bool stops_init(const struct m_entry *entry)
{
	return entry->kind != M_UNASSIGNED;
}

static void init_conditions(struct m_case *c)
{
	uint64_t base = c->args[1];
	uint64_t top = c->args[2];
	const struct m_realm *realm = m_check_rd(c, c->args[0]);
	struct m_place place;

	if (top <= base) {
		m_refuse(&c->refusals, "size_valid", RMI_ERROR_INPUT, 0);
	}
	if (!m_aligned(top, M_PAGE)) {
		m_refuse(&c->refusals, "top_gran_align", RMI_ERROR_INPUT, 0);
	}
	if (realm == NULL) {
		return;
	}
	if (top - M_PAGE >= m_protected_end(realm)) {
		m_refuse(&c->refusals, "top_bound", RMI_ERROR_INPUT, 0);
	}
	if (realm->state != M_NEW) {
		m_refuse(&c->refusals, "realm_state", RMI_ERROR_REALM, 0);
	}
	if (base >= m_protected_end(realm)) {
		return;
	}
	place = m_walk(realm, base, PAGE_LEVEL);
	if (place.ipa != base) {
		m_refuse(&c->refusals, "base_align", rtt_error(place.level), 0);
	}
	if (place.entry->kind != M_UNASSIGNED) {
		m_refuse(&c->refusals, "rtte_state", rtt_error(place.level), 0);
	} else if (m_aligned(top, M_PAGE) && ripas_top(&place, stops_init, top) <= base) {
		m_refuse(&c->refusals, "no_progress", rtt_error(place.level), 0);
	}
}

static const char *init(struct m_case *c, uint64_t x[5])
{
	struct m_realm *realm = model_realm(c->args[0]);
	struct m_place place = m_walk(realm, c->args[1], PAGE_LEVEL);

	x[1] = ripas_top(&place, stops_init, c->args[2]);
	set_ripas(&place, x[1], RMI_RIPAS_RAM);
	return NULL;
}

static bool stops_set(const struct m_entry *entry)
{
	return entry->kind == M_TABLE;
}

static bool stops_set_destroyed(const struct m_entry *entry)
{
	return entry->kind == M_TABLE || entry->ripas == RMI_RIPAS_DESTROYED;
}

static uint64_t request_top(const struct m_rec *rec, const struct m_place *place, uint64_t top)
{
	return ripas_top(place, rec->change_destroyed ? stops_set : stops_set_destroyed, top);
}

/* The entry has the RIPAS already, and no whole entry is asked for. */
static bool nothing_to_set(const struct m_rec *rec, const struct m_place *place, uint64_t base,
			   uint64_t top)
{
	return place->entry->ripas == rec->ripas_value && request_top(rec, place, top) <= base;
}

static void request_conditions(struct m_case *c, const struct m_rec *rec)
{
	uint64_t base = c->args[2];
	uint64_t top = c->args[3];
	struct m_place place;

	if (base != rec->ripas_base) {
		m_refuse(&c->refusals, "base_bound", RMI_ERROR_INPUT, 0);
	}
	if (top > rec->ripas_top) {
		m_refuse(&c->refusals, "top_bound", RMI_ERROR_INPUT, 0);
	}
	if (base != rec->ripas_base || base >= rec->ripas_top) {
		return;
	}
	place = m_walk(rec->realm, base, PAGE_LEVEL);
	if (place.entry->ripas == rec->ripas_value) {
		return;
	}
	if (place.ipa != base) {
		m_refuse(&c->refusals, "base_align", rtt_error(place.level), 0);
	}
	if (m_aligned(top, M_PAGE) && request_top(rec, &place, top) <= base) {
		m_refuse(&c->refusals, "no_progress", rtt_error(place.level), 0);
	}
}

static void set_conditions(struct m_case *c)
{
	static const struct m_names names = {"rec_align", "rec_bound", "rec_gran_state"};
	const struct m_realm *realm = m_check_rd(c, c->args[0]);
	const struct m_granule *granule = m_check_granule(c, c->args[1], M_REC, &names);
	const struct m_rec *rec = granule == NULL ? NULL : granule->object;

	if (c->args[3] <= c->args[2]) {
		m_refuse(&c->refusals, "size_valid", RMI_ERROR_INPUT, 0);
	}
	if (!m_aligned(c->args[3], M_PAGE)) {
		m_refuse(&c->refusals, "top_gran_align", RMI_ERROR_INPUT, 0);
	}
	if (rec == NULL) {
		return;
	}
	if (rec->cpu >= 0) {
		m_refuse(&c->refusals, "rec_state", RMI_ERROR_REC, 0);
	}
	if (realm != NULL && rec->realm != realm) {
		m_refuse(&c->refusals, "rec_owner", RMI_ERROR_REC, 0);
	}
	if (realm != NULL && rec->cpu < 0 && rec->realm == realm) {
		request_conditions(c, rec);
	}
}

static const char *set(struct m_case *c, uint64_t x[5])
{
	struct m_rec *rec = model_rec(c->args[1]);
	struct m_place place = m_walk(rec->realm, c->args[2], PAGE_LEVEL);
	uint64_t end = place.ipa + m_entry_size(place.level);

	if (nothing_to_set(rec, &place, c->args[2], c->args[3])) {
		x[1] = end < c->args[3] ? end : c->args[3];
	} else {
		x[1] = request_top(rec, &place, c->args[3]);
		set_ripas(&place, x[1], rec->ripas_value);
	}
	rec->ripas_base = x[1];
	return NULL;
}

/* --- data --- */

static struct target check_data(struct m_case *c, uint64_t ipa)
{
	struct target target = {.realm = m_check_rd(c, c->args[0]), .level = PAGE_LEVEL};

	if (target.realm == NULL || !check_ipa(c, ipa, M_PAGE, 0, m_protected_end(target.realm))) {
		return target;
	}
	target.found = true;
	target.place = m_walk(target.realm, ipa, PAGE_LEVEL);
	return target;
}

static void unknown_conditions(struct m_case *c)
{
	static const struct m_names names = {"data_align", "data_bound", "data_state"};
	struct target target = check_data(c, c->args[2]);

	m_check_granule(c, c->args[1], M_DELEGATED, &names);
	if (target.realm != NULL && !target.realm->lpa2 && c->args[1] >= LPA1_END) {
		m_refuse(&c->refusals, "data_bound2", RMI_ERROR_INPUT, 0);
	}
	if (target.found) {
		check_entry(c, &target, PAGE_LEVEL, c->args[2], M_UNASSIGNED);
	}
}

static void data_conditions(struct m_case *c)
{
	static const struct m_names names = {"src_align", "src_bound", "src_pas"};
	const struct m_realm *realm;

	unknown_conditions(c);
	m_check_host_page(c, c->args[3], &names);
	realm = model_realm(c->args[0]);
	if (realm != NULL && realm->state != M_NEW) {
		m_refuse(&c->refusals, "realm_state", RMI_ERROR_REALM, 0);
	}
}

static const char *assign(struct m_case *c, const uint64_t *content)
{
	struct m_place place = m_walk(model_realm(c->args[0]), c->args[2], PAGE_LEVEL);
	const uint64_t *page = model.config.memory(c->args[1]);

	place.entry->kind = M_ASSIGNED;
	place.entry->pa = c->args[1];
	m_set_state(c->args[1], M_DATA, NULL);
	for (unsigned int i = 0; i < M_PAGE / sizeof(*page); i++) {
		if (page[i] != (content == NULL ? 0 : content[i])) {
			return m_wrong("content differs at byte %#zx", i * sizeof(*page));
		}
	}
	return NULL;
}

static const char *unknown(struct m_case *c, uint64_t x[5])
{
	(void)x;
	return assign(c, NULL);
}

static const char *data(struct m_case *c, uint64_t x[5])
{
	(void)x;
	m_walk(model_realm(c->args[0]), c->args[2], PAGE_LEVEL).entry->ripas = RMI_RIPAS_RAM;
	return assign(c, c->input->content);
}

static void data_destroy_conditions(struct m_case *c)
{
	struct target target;

	c->refusals.top = 2;
	target = check_data(c, c->args[1]);
	if (target.found) {
		check_entry(c, &target, PAGE_LEVEL, c->args[1], M_ASSIGNED);
	}
}

static const char *data_destroy(struct m_case *c, uint64_t x[5])
{
	struct m_place place = m_walk(model_realm(c->args[0]), c->args[1], PAGE_LEVEL);

	x[1] = place.entry->pa;
	m_set_state(x[1], M_DELEGATED, NULL);
	place.entry->kind = M_UNASSIGNED;
	place.entry->pa = 0;
	if (place.entry->ripas == RMI_RIPAS_RAM) {
		place.entry->ripas = RMI_RIPAS_DESTROYED;
	}
	x[2] = top_of(&place, c->args[1]);
	return NULL;
}

/* --- unprotected mappings, READ_ENTRY --- */

static uint64_t descriptor_address(const struct m_realm *realm, uint64_t descriptor)
{
	uint64_t address = descriptor & UINT64_C(0x3FFFFFFFFF000);

	return realm->lpa2 ? address | (descriptor >> 8 & 3) << 50 : address;
}

static void descriptor_conditions(struct m_case *c, const struct m_realm *realm,
				  uint64_t descriptor)
{
	uint64_t allowed = ATTRIBUTES | UINT64_C(0x3FFFFFFFFF000);

	if (realm == NULL || realm->lpa2) {
		allowed |= 0x300;
	}
	if ((descriptor & ~allowed) != 0 || (descriptor >> 2 & 7) == MEMATTR_RESERVED) {
		m_refuse(&c->refusals, "attr_valid", RMI_ERROR_INPUT, 0);
	}
}

/* Bits [51:48] of a descriptor without LPA2: an address too large, or no address bits at all. */
static void address_conditions(struct m_case *c, const struct m_realm *realm, int level,
			       uint64_t descriptor)
{
	if (!m_aligned(descriptor_address(realm, descriptor), m_entry_size(level))) {
		m_refuse(&c->refusals, "addr_align", RMI_ERROR_INPUT, 0);
	}
	if (!realm->lpa2 && (descriptor >> 48 & 0xF) != 0) {
		m_refuse(&c->refusals, "addr_bound", RMI_ERROR_INPUT, 0);
		m_refuse(&c->refusals, "attr_valid", RMI_ERROR_INPUT, 0);
	}
}

static struct target check_unprotected(struct m_case *c)
{
	struct target target = {.realm = m_check_rd(c, c->args[0])};
	int first;

	if (target.realm == NULL) {
		return target;
	}
	first = target.realm->start_level > 1 ? target.realm->start_level : 1;
	if (check_level(c, c->args[2], first, &target.level) &&
	    check_ipa(c, c->args[1], m_entry_size(target.level), m_protected_end(target.realm),
		      m_space_end(target.realm))) {
		target.found = true;
		target.place = m_walk(target.realm, c->args[1], target.level);
	}
	return target;
}

static void map_conditions(struct m_case *c)
{
	struct target target = check_unprotected(c);

	descriptor_conditions(c, target.realm, c->args[3]);
	if (target.realm != NULL && !m_refused(&c->refusals, "level_bound")) {
		address_conditions(c, target.realm, target.level, c->args[3]);
	}
	if (target.found) {
		check_entry(c, &target, target.level, c->args[1], M_UNASSIGNED_NS);
	}
}

static const char *map(struct m_case *c, uint64_t x[5])
{
	const struct m_realm *realm = model_realm(c->args[0]);
	struct m_place place = m_walk(realm, c->args[1], (int)c->args[2]);

	(void)x;
	*place.entry = (struct m_entry){
		.kind = M_ASSIGNED_NS,
		.attributes = (uint8_t)(c->args[3] & ATTRIBUTES),
		.pa = descriptor_address(realm, c->args[3]),
	};
	return NULL;
}

static void unmap_conditions(struct m_case *c)
{
	struct target target;

	c->refusals.top = 1;
	target = check_unprotected(c);
	if (target.found) {
		check_entry(c, &target, target.level, c->args[1], M_ASSIGNED_NS);
	}
}

static const char *unmap(struct m_case *c, uint64_t x[5])
{
	struct m_place place = m_walk(model_realm(c->args[0]), c->args[1], (int)c->args[2]);

	*place.entry = (struct m_entry){.kind = M_UNASSIGNED_NS};
	x[1] = top_of(&place, c->args[1]);
	return NULL;
}

static void read_conditions(struct m_case *c)
{
	const struct m_realm *realm = m_check_rd(c, c->args[0]);
	int level;

	if (realm != NULL && check_level(c, c->args[2], realm->start_level, &level)) {
		check_ipa(c, c->args[1], m_entry_size(level), 0, m_space_end(realm));
	}
}

static uint64_t reported_address(const struct m_realm *realm, uint64_t pa)
{
	uint64_t high = pa >> 50 & 3;

	return realm->lpa2 ? (pa & ~(UINT64_C(3) << 50)) | high << 8 : pa;
}

static const char *read(struct m_case *c, uint64_t x[5])
{
	const struct m_realm *realm = model_realm(c->args[0]);
	struct m_place place = m_walk(realm, c->args[1], (int)c->args[2]);
	const struct m_entry *entry = place.entry;

	x[1] = (uint64_t)(int64_t)place.level;
	switch (entry->kind) {
	case M_ASSIGNED:
	case M_ASSIGNED_NS:
		x[2] = RMI_ASSIGNED;
		x[3] = reported_address(realm, entry->pa) | entry->attributes;
		break;
	case M_TABLE:
		x[2] = RMI_TABLE;
		x[3] = reported_address(realm, entry->child->pa);
		return NULL;
	default:
		break;
	}
	x[4] = entry->ripas;
	return NULL;
}

const struct m_command model_rtt_commands[] = {
	{RMI_RTT_CREATE_FID, create_conditions, create},
	{RMI_RTT_DESTROY_FID, destroy_conditions, destroy},
	{RMI_RTT_FOLD_FID, fold_conditions, fold},
	{RMI_RTT_INIT_RIPAS_FID, init_conditions, init},
	{RMI_RTT_SET_RIPAS_FID, set_conditions, set},
	{RMI_DATA_CREATE_FID, data_conditions, data},
	{RMI_DATA_CREATE_UNKNOWN_FID, unknown_conditions, unknown},
	{RMI_DATA_DESTROY_FID, data_destroy_conditions, data_destroy},
	{RMI_RTT_MAP_UNPROTECTED_FID, map_conditions, map},
	{RMI_RTT_UNMAP_UNPROTECTED_FID, unmap_conditions, unmap},
	{RMI_RTT_READ_ENTRY_FID, read_conditions, read},
	{0},
};
