// SPDX-License-Identifier: BSD-3-Clause
/* RSI_VERSION and RSI_FEATURES (RMM specification B5.3.10, B5.3.3). */
#include "abi/rsi.h"
#include "cmd/rsi.h"
#include "csm/csm.h"

/* RSI_VERSION (B5.3.10). */
enum rsi_outcome rsi_version(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)exit;
	/* One revision is supported, so it is the lower and the higher one of every answer. */
	out->x[0] = rec->vcpu.gprs[1] == RSI_REVISION ? RSI_SUCCESS : RSI_ERROR_INPUT;
	out->x[1] = RSI_REVISION;
	out->x[2] = RSI_REVISION;
	return RSI_RETURN;
}

/* RMM 1.0 defines no feature register for a realm: all of them read zero, but that of CSM. */
enum rsi_outcome rsi_features(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)exit;
	out->x[0] = RSI_SUCCESS;
	out->x[1] = rec->vcpu.gprs[1] == CSM_FEATURE_INDEX ? rmm_csm_revision() : 0;
	return RSI_RETURN;
}
