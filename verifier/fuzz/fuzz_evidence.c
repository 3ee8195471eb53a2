// SPDX-License-Identifier: BSD-3-Clause
/* Evidence: any bytes; and any bytes as a list that a token vouches for. */
#include <stdlib.h>

#include "tools/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *ctx, const char *what, const char *detail)
{
	size_t *told = ctx;

	*told += what[0] != '\0' && detail[0] != '\0';
}

/* The same list on both sides, as that of two realms of one machine. */
static void try_pair(const struct cca_evidence *evidence)
{
	static struct cca_token tokens[2];
	struct pair_side sides[2] = {{&tokens[0], *evidence}, {&tokens[1], *evidence}};
	size_t told = 0;

	tokens[0].realm.has_realm_id = tokens[1].realm.has_realm_id = true;
	tokens[0].realm.realm_id = 1;
	tokens[1].realm.realm_id = 2;
	pair_check(sides, count, &told);
	json_decref(pair_sharings(sides));
}

/* The bytes as a file; if they are none, as a list with the right hash. Aborts at a fault. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cca_token token = {0};
	struct cca_evidence evidence;
	uint8_t hash[CCA_HASH_MAX];
	struct cca_error err;

	if (cca_evidence_read(data, size, &evidence, &err) != err.status ||
	    evidence.count > CCA_RECORDS_MAX) {
		abort();
	}
	if (err.status != CCA_OK) {
		evidence = (struct cca_evidence){
			.list = {data, size / CCA_RECORD_SIZE % CCA_RECORDS_MAX * CCA_RECORD_SIZE}};
		evidence.count = evidence.list.size / CCA_RECORD_SIZE;
	}
	if (!cca_hash(CCA_HASH_SHA512, evidence.list.data, evidence.list.size, hash)) {
		abort();
	}
	token.has_realm = true;
	token.realm.has_sharings = true;
	token.realm.sharings = (struct cca_bytes){hash, CCA_DIGEST_SIZE};
	if (cca_evidence_check(&evidence, &token, &err) == CCA_OK) {
		try_pair(&evidence);
	}
	return 0;
}
