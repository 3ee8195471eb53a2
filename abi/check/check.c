// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Size and offset of every field, against the numbers of the specifications; identifiers of the
 * headers against the command tables. Compiling this file is the test. Reserved fields follow from
 * their neighbours, because the headers compile with -Wpadded.
 */
#include <stddef.h>

#include "csm.h"
#include "el3.h"
#include "measurement.h"
#include "psci.h"
#include "rmi.h"
#include "rsi.h"
#include "smccc.h"
#include "status.h"
#include "token.h"

#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), "size of " #type)
#define FIELD(type, field, offset, size)                                    \
	_Static_assert(offsetof(struct type, field) == (offset) &&          \
			       sizeof(((struct type *)0)->field) == (size), \
		       #type "." #field)
#define VALUE(expression) _Static_assert(expression, #expression)

SIZE(rmi_realm_params, 0x1000);
FIELD(rmi_realm_params, flags, 0x000, 8);
FIELD(rmi_realm_params, s2sz, 0x008, 1);
FIELD(rmi_realm_params, sve_vl, 0x010, 1);
FIELD(rmi_realm_params, num_bps, 0x018, 1);
FIELD(rmi_realm_params, num_wps, 0x020, 1);
FIELD(rmi_realm_params, pmu_num_ctrs, 0x028, 1);
FIELD(rmi_realm_params, hash_algo, 0x030, 1);
FIELD(rmi_realm_params, rpv, 0x400, 64);
FIELD(rmi_realm_params, vmid, 0x800, 2);
FIELD(rmi_realm_params, rtt_base, 0x808, 8);
FIELD(rmi_realm_params, rtt_level_start, 0x810, 8);
FIELD(rmi_realm_params, rtt_num_start, 0x818, 4);

SIZE(rmi_rec_params, 0x1000);
FIELD(rmi_rec_params, flags, 0x000, 8);
FIELD(rmi_rec_params, mpidr, 0x100, 8);
FIELD(rmi_rec_params, pc, 0x200, 8);
FIELD(rmi_rec_params, gprs, 0x300, 64);
FIELD(rmi_rec_params, num_aux, 0x800, 8);
FIELD(rmi_rec_params, aux, 0x808, 128);

SIZE(rmi_rec_enter, 0x800);
FIELD(rmi_rec_enter, flags, 0x000, 8);
FIELD(rmi_rec_enter, gprs, 0x200, 248);
FIELD(rmi_rec_enter, gicv3_hcr, 0x300, 8);
FIELD(rmi_rec_enter, gicv3_lrs, 0x308, 128);

SIZE(rmi_rec_exit, 0x800);
FIELD(rmi_rec_exit, exit_reason, 0x000, 1);
FIELD(rmi_rec_exit, esr, 0x100, 8);
FIELD(rmi_rec_exit, far, 0x108, 8);
FIELD(rmi_rec_exit, hpfar, 0x110, 8);
FIELD(rmi_rec_exit, gprs, 0x200, 248);
FIELD(rmi_rec_exit, gicv3_hcr, 0x300, 8);
FIELD(rmi_rec_exit, gicv3_lrs, 0x308, 128);
FIELD(rmi_rec_exit, gicv3_misr, 0x388, 8);
FIELD(rmi_rec_exit, gicv3_vmcr, 0x390, 8);
FIELD(rmi_rec_exit, cntp_ctl, 0x400, 8);
FIELD(rmi_rec_exit, cntp_cval, 0x408, 8);
FIELD(rmi_rec_exit, cntv_ctl, 0x410, 8);
FIELD(rmi_rec_exit, cntv_cval, 0x418, 8);
FIELD(rmi_rec_exit, ripas_base, 0x500, 8);
FIELD(rmi_rec_exit, ripas_top, 0x508, 8);
FIELD(rmi_rec_exit, ripas_value, 0x510, 1);
FIELD(rmi_rec_exit, imm, 0x600, 2);
FIELD(rmi_rec_exit, pmu_ovf_status, 0x700, 1);

SIZE(rmi_rec_run, 0x1000);
FIELD(rmi_rec_run, enter, 0x000, 0x800);
FIELD(rmi_rec_run, exit, 0x800, 0x800);

SIZE(rsi_realm_config, 0x1000);
FIELD(rsi_realm_config, ipa_width, 0x000, 8);
FIELD(rsi_realm_config, hash_algo, 0x008, 1);
FIELD(rsi_realm_config, rpv, 0x200, 64);

SIZE(rsi_host_call, 0x100);
FIELD(rsi_host_call, imm, 0x00, 2);
FIELD(rsi_host_call, gprs, 0x08, 248);

SIZE(measurement_desc_data, 0x100);
FIELD(measurement_desc_data, desc_type, 0x00, 1);
FIELD(measurement_desc_data, len, 0x08, 8);
FIELD(measurement_desc_data, rim, 0x10, 64);
FIELD(measurement_desc_data, ipa, 0x50, 8);
FIELD(measurement_desc_data, flags, 0x58, 8);
FIELD(measurement_desc_data, content, 0x60, 64);

SIZE(measurement_desc_rec, 0x100);
FIELD(measurement_desc_rec, desc_type, 0x00, 1);
FIELD(measurement_desc_rec, len, 0x08, 8);
FIELD(measurement_desc_rec, rim, 0x10, 64);
FIELD(measurement_desc_rec, content, 0x50, 64);

SIZE(measurement_desc_ripas, 0x100);
FIELD(measurement_desc_ripas, desc_type, 0x00, 1);
FIELD(measurement_desc_ripas, len, 0x08, 8);
FIELD(measurement_desc_ripas, rim, 0x10, 64);
FIELD(measurement_desc_ripas, base, 0x50, 8);
FIELD(measurement_desc_ripas, top, 0x58, 8);

SIZE(el3_dram_info, 24);
FIELD(el3_dram_info, num_banks, 0, 8);
FIELD(el3_dram_info, banks, 8, 8);
FIELD(el3_dram_info, checksum, 16, 8);

SIZE(el3_dram_bank, 16);
FIELD(el3_dram_bank, base, 0, 8);
FIELD(el3_dram_bank, size, 8, 8);

SIZE(el3_console_info, 24);
FIELD(el3_console_info, num_consoles, 0, 8);
FIELD(el3_console_info, consoles, 8, 8);
FIELD(el3_console_info, checksum, 16, 8);

SIZE(el3_console, 48);
FIELD(el3_console, base, 0, 8);
FIELD(el3_console, map_pages, 8, 8);
FIELD(el3_console, name, 16, 8);
FIELD(el3_console, clk_in_hz, 24, 8);
FIELD(el3_console, baud_rate, 32, 8);
FIELD(el3_console, flags, 40, 8);

SIZE(el3_boot_manifest, 64);
FIELD(el3_boot_manifest, version, 0, 4);
FIELD(el3_boot_manifest, plat_data, 8, 8);
FIELD(el3_boot_manifest, plat_dram, 16, 24);
FIELD(el3_boot_manifest, plat_console, 40, 24);

SIZE(el3_token_sign_request, 80);
FIELD(el3_token_sign_request, sig_alg_id, 0, 4);
FIELD(el3_token_sign_request, rec_granule, 8, 8);
FIELD(el3_token_sign_request, req_ticket, 16, 8);
FIELD(el3_token_sign_request, hash_alg_id, 24, 4);
FIELD(el3_token_sign_request, hash, 32, 48);

SIZE(el3_token_sign_response, 120);
FIELD(el3_token_sign_response, rec_granule, 0, 8);
FIELD(el3_token_sign_response, req_ticket, 8, 8);
FIELD(el3_token_sign_response, sig_len, 16, 2);
FIELD(el3_token_sign_response, signature, 18, 96);

SIZE(rsi_csm_policy, CSM_POLICY_SIZE);
FIELD(rsi_csm_policy, version, 0x00, 4);
FIELD(rsi_csm_policy, flags, 0x04, 4);
FIELD(rsi_csm_policy, hash_algo, 0x08, 1);
FIELD(rsi_csm_policy, rim, 0x40, 64);
FIELD(rsi_csm_policy, rem, 0x80, 64);
FIELD(rsi_csm_policy, rpv, 0xC0, 64);
SIZE(rsi_csm_record, CSM_RECORD_SIZE);
FIELD(rsi_csm_record, packed, 0x00, 8);
FIELD(rsi_csm_record, peer, 0x08, 8);
FIELD(rsi_csm_record, region, 0x10, 8);
FIELD(rsi_csm_record, size, 0x18, 8);
FIELD(rsi_csm_record, digest, 0x40, 64);

/* RmiFeatureRegister0 and other bit fields, by mask. */
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_S2SZ) == 0xff);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_LPA2) == 0x100);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_SVE_EN) == 0x200);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_SVE_VL) == 0x3c00);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_NUM_BPS) == 0xfc000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_NUM_WPS) == 0x3f00000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_PMU_EN) == 0x4000000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_PMU_NUM_CTRS) == 0xf8000000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_HASH_SHA_256) == 0x100000000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_HASH_SHA_512) == 0x200000000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_GICV3_NUM_LRS) == 0x3c00000000);
VALUE(ABI_FIELD_MASK(RMI_FEATURE0_MAX_RECS_ORDER) == 0x3c000000000);
VALUE(ABI_FIELD_MASK(RMI_DESC_MEMATTR) == 0x1c);
VALUE(ABI_FIELD_MASK(RMI_DESC_S2AP) == 0xc0);
VALUE(ABI_FIELD_MASK(RMI_GICV3_HCR_EOICOUNT) == 0xf8000000);
VALUE(CSM_SIGNAL_USER_MASK == 0xffffffffffff);
VALUE(CSM_POLICY_REM(3) == 0x10);

/* Numbers that two headers know. */
VALUE(RSI_CHALLENGE_SIZE == CCA_REALM_CHALLENGE_SIZE);
VALUE(RSI_RPV_SIZE == RMI_RPV_SIZE && RSI_RPV_SIZE == CCA_REALM_RPV_SIZE);
VALUE(RSI_MEASUREMENT_SIZE == MEASUREMENT_SIZE);
VALUE(RSI_MEASUREMENT_SIZE == CSM_POLICY_VALUE_SIZE);
VALUE(RSI_TOKEN_SIZE_BOUND == CCA_TOKEN_SIZE_MAX);
VALUE(CSM_REALM_ID_SIZE == CCA_REALM_CSM_ID_SIZE);
VALUE(RMI_REVISION == 0x10000 && RSI_REVISION == 0x10000 && PSCI_REVISION == 0x10001);

/* Identifiers: header against table, range, and no number twice (a duplicate case label). */
#define COMMAND(fid, name, handler, inputs, outputs, ...) \
	_Static_assert(name##_FID == (fid), #name);       \
	_Static_assert((inputs) <= 17 && (outputs) <= 16, #name);
#define RMI_COMMAND(fid, name, ...)     \
	COMMAND(fid, name, __VA_ARGS__) \
	_Static_assert(name##_FID >= RMI_FID_FIRST && name##_FID <= RMI_FID_LAST, #name);
#define RSI_COMMAND(fid, name, ...)  COMMAND(fid, name, __VA_ARGS__)
#define PSCI_COMMAND(fid, name, ...) COMMAND(fid, name, __VA_ARGS__)
#define ABI_COMMANDS_ALL
#include "commands-csm.def"
#include "commands.def"
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND

#define RMI_COMMAND(fid, ...)  case fid:
#define RSI_COMMAND(fid, ...)  case fid:
#define PSCI_COMMAND(fid, ...) case fid:

int abi_check_unique(abi_u32 fid);

/* Whether the number is a command's; does not compile if two commands have the same. */
int abi_check_unique(abi_u32 fid)
{
	switch (fid) {
#include "commands-csm.def"
#include "commands.def"
		return 1;
	default:
		return 0;
	}
}
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND

/* Without ABI_COMMANDS_ALL and without macros the tables are empty, and leave nothing behind. */
#undef ABI_COMMANDS_ALL
#include "commands-csm.def"
#include "commands.def"
#if defined(RMI_COMMAND) || defined(RSI_COMMAND) || defined(PSCI_COMMAND)
#error "the tables leave macros behind"
#endif
