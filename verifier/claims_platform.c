// SPDX-License-Identifier: BSD-3-Clause
/* Platform claims: RMM specification 1.0, A7.2.4; 2.0 (beta), A7.2.3.3. */
#include "claims.h"

static bool is_hash_size(size_t size)
{
	return size == 32 || size == 48 || size == 64;
}

static bool read_hash_sized(struct reader *r, const char *name, struct cca_bytes *out)
{
	if (!read_bytes(r, name, out)) {
		return false;
	}
	if (!is_hash_size(out->size)) {
		return reader_fail(r, "%s: %zu bytes, must be 32, 48 or 64", name, out->size);
	}
	return true;
}

static bool read_type(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct cca_component *)out)->type);
}

static bool read_measurement(struct reader *r, const char *name, void *out)
{
	return read_hash_sized(r, name, &((struct cca_component *)out)->measurement);
}

static bool read_version(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct cca_component *)out)->version);
}

static bool read_signer(struct reader *r, const char *name, void *out)
{
	return read_hash_sized(r, name, &((struct cca_component *)out)->signer_id);
}

static bool read_component_hash(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct cca_component *)out)->hash);
}

static bool read_live_activation(struct reader *r, const char *name, void *out)
{
	struct cca_component *c = out;

	c->has_live_activation = true;
	return read_bool(r, name, &c->live_activation);
}

/*
 * A list, not empty, of hashes of keys; nothing uses them. RMM specification 2.0 (beta), A7.2.3.3.
 */
static bool read_countersigners(struct reader *r, const char *name, void *out)
{
	struct cca_bytes id;
	size_t entries;

	(void)out;
	if (!read_array(r, name, &entries)) {
		return false;
	}
	for (size_t i = 0; i < entries; i++) {
		if (!read_hash_sized(r, name, &id)) {
			return false;
		}
	}
	return entries != 0 || reader_fail(r, "%s: the list is empty", name);
}

static const struct claim component_table[] = {
	{1, "component type", OPTIONAL, read_type, false},
	{2, "component measurement", ALWAYS, read_measurement, false},
	{4, "component version", OPTIONAL, read_version, false},
	{5, "component signer id", ALWAYS, read_signer, false},
	{6, "component hash algorithm", OPTIONAL, read_component_hash, false},
	{7, "component live activation", OPTIONAL, read_live_activation, true},
	{8, "component countersigners", OPTIONAL, read_countersigners, true},
};

static bool read_profile(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;

	return read_text(r, name, &c->profile);
}

static bool read_challenge(struct reader *r, const char *name, void *out)
{
	return read_hash_sized(r, name, &((struct cca_platform_claims *)out)->challenge);
}

static bool read_binding(struct reader *r, const char *name, void *out)
{
	return read_hash_sized(r, name, &((struct cca_platform_claims *)out)->binding);
}

static bool read_client_id(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;

	c->has_client_id = true;
	return read_int(r, name, &c->client_id);
}

static bool read_manufacturing(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, &((struct cca_platform_claims *)out)->manufacturing);
}

static bool read_implementation(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;

	return read_bytes_sized(r, name, CCA_IMPL_ID_SIZE, &c->implementation_id);
}

static bool read_instance(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;

	if (!read_bytes_sized(r, name, CCA_INSTANCE_SIZE, &c->instance_id)) {
		return false;
	}
	if (c->instance_id.data[0] != 0x01) {
		return reader_fail(r, "%s: type %#x, must be 0x1 (random)", name,
				   c->instance_id.data[0]);
	}
	return true;
}

static bool read_config(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, &((struct cca_platform_claims *)out)->config);
}

static bool read_lifecycle(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;
	uint64_t value;

	if (!read_uint(r, name, &value)) {
		return false;
	}
	if (value > UINT16_MAX) {
		return reader_fail(r, "%s: beyond 16 bits", name);
	}
	c->lifecycle = (uint16_t)value;
	return true;
}

static bool read_hash(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;

	return read_hash_name(r, name,
			      1u << CCA_HASH_SHA256 | 1u << CCA_HASH_SHA384 | 1u << CCA_HASH_SHA512,
			      &c->hash);
}

static bool read_service(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct cca_platform_claims *)out)->service);
}

/* The list of 1 to CCA_COMPONENTS_MAX software components. RMM specification 1.0, A7.2.4. */
static bool read_components(struct reader *r, const char *name, void *out)
{
	struct cca_platform_claims *c = out;
	size_t entries;

	if (!read_array(r, name, &entries)) {
		return false;
	}
	if (entries == 0 || entries > CCA_COMPONENTS_MAX) {
		return reader_fail(r, "%s: %zu entries, must be 1 to %u", name, entries,
				   CCA_COMPONENTS_MAX);
	}
	for (size_t i = 0; i < entries; i++) {
		if (!read_claims(r, "software component", component_table,
				 sizeof(component_table) / sizeof(component_table[0]),
				 &c->component[i])) {
			return false;
		}
	}
	c->component_count = entries;
	return true;
}

static const struct claim platform_table[] = {
	{265, "platform profile", ALWAYS, read_profile, false},
	{10, "platform challenge", ALWAYS & ~IN(CCA_PROFILE_2026), read_challenge, false},
	{2408, "platform workload binding", IN(CCA_PROFILE_2026), read_binding, true},
	{2396, "platform implementation id", ALWAYS, read_implementation, false},
	{256, "platform instance id", ALWAYS, read_instance, false},
	{2401, "platform config", ALWAYS, read_config, false},
	{2395, "platform lifecycle", ALWAYS, read_lifecycle, false},
	{2402, "platform hash algorithm", ALWAYS, read_hash, false},
	{2400, "verification service", OPTIONAL, read_service, false},
	{2399, "software components", ALWAYS, read_components, false},
	{2394, "platform client id", OPTIONAL, read_client_id, true},
	{2403, "platform manufacturing config", OPTIONAL, read_manufacturing, true},
};

bool read_platform_claims(struct cca_bytes view, struct parse *parse,
			  struct cca_platform_claims *out)
{
	struct reader r = reader_of(view, parse);

	return find_profile(&r, "platform claims", true) &&
	       read_claims(&r, "platform claims", platform_table,
			   sizeof(platform_table) / sizeof(platform_table[0]), out) &&
	       read_end(&r, "platform claims");
}

const char *cca_lifecycle_name(uint16_t lifecycle)
{
	switch (lifecycle >> 8) {
	case 0x00:
		return "unknown";
	case 0x10:
		return "assembly-and-test";
	case 0x20:
		return "rot-provisioning";
	case 0x30:
		return "secured";
	case 0x40:
		return "non-platform-rot-debug";
	case 0x50:
		return "recoverable-rot-debug";
	case 0x60:
		return "decommissioned";
	default:
		return "reserved";
	}
}
