// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Size and offset of every field of the ioctl structures. Compiling this file is the test.
 * Reserved fields follow from their neighbours, because the headers compile with -Wpadded.
 */
#include <stddef.h>

#include "uapi/caec_host.h"
#include "uapi/csm_guest.h"
#include "uapi/csmfs.h"

#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), "size of " #type)
#define FIELD(type, field, offset, size)                                    \
	_Static_assert(offsetof(struct type, field) == (offset) &&          \
			       sizeof(((struct type *)0)->field) == (size), \
		       #type "." #field)

SIZE(caec_info, 80);
FIELD(caec_info, revision, 0, 4);
FIELD(caec_info, num_realms, 4, 4);
FIELD(caec_info, rmi_lower, 8, 8);
FIELD(caec_info, rmi_higher, 16, 8);
FIELD(caec_info, features0, 24, 8);
FIELD(caec_info, csm_revision, 32, 8);
FIELD(caec_info, granules, 40, 8);

SIZE(caec_realm_params, 144);
FIELD(caec_realm_params, flags, 0, 8);
FIELD(caec_realm_params, ipa_width, 8, 1);
FIELD(caec_realm_params, hash_algo, 9, 1);
FIELD(caec_realm_params, sve_vl, 10, 1);
FIELD(caec_realm_params, num_bps, 11, 1);
FIELD(caec_realm_params, num_wps, 12, 1);
FIELD(caec_realm_params, pmu_num_ctrs, 13, 1);
FIELD(caec_realm_params, rpv, 16, 64);
FIELD(caec_realm_params, name, 80, 32);

SIZE(caec_range, 32);
FIELD(caec_range, base, 0, 8);
FIELD(caec_range, size, 8, 8);

SIZE(caec_populate, 64);
FIELD(caec_populate, ipa, 0, 8);
FIELD(caec_populate, user_addr, 8, 8);
FIELD(caec_populate, size, 16, 8);
FIELD(caec_populate, flags, 24, 8);
FIELD(caec_populate, done, 32, 8);

SIZE(caec_vcpu_params, 120);
FIELD(caec_vcpu_params, mpidr, 0, 8);
FIELD(caec_vcpu_params, flags, 8, 8);
FIELD(caec_vcpu_params, pc, 16, 8);
FIELD(caec_vcpu_params, gprs, 24, 64);

SIZE(caec_apt, 32);
FIELD(caec_apt, count, 0, 4);
FIELD(caec_apt, total, 4, 4);

SIZE(caec_stats, 128);
FIELD(caec_stats, data, 0, 8);
FIELD(caec_stats, tables, 8, 8);
FIELD(caec_stats, recs, 16, 8);
FIELD(caec_stats, shared, 24, 8);
FIELD(caec_stats, apt, 32, 8);
FIELD(caec_stats, blocks, 40, 8);
FIELD(caec_stats, faults, 48, 8);
FIELD(caec_stats, share_faults, 56, 8);
FIELD(caec_stats, entries, 64, 8);
FIELD(caec_stats, ripas, 72, 8);
FIELD(caec_stats, psci, 80, 8);
FIELD(caec_stats, timer_irqs, 88, 8);
FIELD(caec_stats, timer_full, 96, 8);
FIELD(caec_stats, refused, 104, 8);
FIELD(caec_stats, refused_command, 112, 8);
FIELD(caec_stats, refused_status, 120, 8);

SIZE(caec_run, CAEC_RUN_PAGE_SIZE);
FIELD(caec_run, immediate_exit, 0x000, 4);
FIELD(caec_run, timer_enabled, 0x004, 4);
FIELD(caec_run, timer_priority, 0x008, 2);
FIELD(caec_run, gic_hcr, 0x010, 8);
FIELD(caec_run, gic_lr, 0x018, 128);
FIELD(caec_run, exit_reason, 0x098, 4);
FIELD(caec_run, num_lrs, 0x09c, 4);
FIELD(caec_run, gic_misr, 0x0a0, 8);
FIELD(caec_run, gic_vmcr, 0x0a8, 8);
FIELD(caec_run, cntv_ctl, 0x0b0, 8);
FIELD(caec_run, cntv_cval, 0x0b8, 8);
FIELD(caec_run, cntp_ctl, 0x0c0, 8);
FIELD(caec_run, cntp_cval, 0x0c8, 8);
FIELD(caec_run, u, 0x118, 512);
FIELD(caec_run, u.mmio.ipa, 0x118, 8);
FIELD(caec_run, u.mmio.data, 0x120, 8);
FIELD(caec_run, u.mmio.len, 0x128, 4);
FIELD(caec_run, u.mmio.flags, 0x12c, 4);
FIELD(caec_run, u.sysreg.esr, 0x118, 8);
FIELD(caec_run, u.sysreg.value, 0x120, 8);
FIELD(caec_run, u.sysreg.flags, 0x128, 4);
FIELD(caec_run, u.host_call.imm, 0x118, 8);
FIELD(caec_run, u.host_call.gprs, 0x120, 248);
FIELD(caec_run, u.fault.esr, 0x118, 8);
FIELD(caec_run, u.fault.ipa, 0x120, 8);
FIELD(caec_run, u.fault.reason, 0x128, 8);

SIZE(csm_ioc_info, 104);
FIELD(csm_ioc_info, revision, 0, 4);
FIELD(csm_ioc_info, flags, 4, 4);
FIELD(csm_ioc_info, csm_revision, 8, 8);
FIELD(csm_ioc_info, realm_id, 16, 8);
FIELD(csm_ioc_info, window_size, 24, 8);
FIELD(csm_ioc_info, window_free, 32, 8);
FIELD(csm_ioc_info, memory_limit, 40, 8);
FIELD(csm_ioc_info, memory_used, 48, 8);
FIELD(csm_ioc_info, regions, 56, 4);
FIELD(csm_ioc_info, attachments, 60, 4);
FIELD(csm_ioc_info, signals_lost, 64, 8);

SIZE(csm_ioc_create, 64);
FIELD(csm_ioc_create, size, 0, 8);
FIELD(csm_ioc_create, label, 8, 8);
FIELD(csm_ioc_create, flags, 16, 4);
FIELD(csm_ioc_create, region_id, 24, 8);

SIZE(csm_ioc_attach, 80);
FIELD(csm_ioc_attach, provider_id, 0, 8);
FIELD(csm_ioc_attach, region_id, 8, 8);
FIELD(csm_ioc_attach, size, 16, 8);
FIELD(csm_ioc_attach, policy, 24, 8);
FIELD(csm_ioc_attach, flags, 32, 4);
FIELD(csm_ioc_attach, permissions, 36, 4);
FIELD(csm_ioc_attach, label, 40, 8);

SIZE(csm_ioc_open, 32);
FIELD(csm_ioc_open, provider_id, 0, 8);
FIELD(csm_ioc_open, region_id, 8, 8);

SIZE(csm_ioc_query, 80);
FIELD(csm_ioc_query, realm_id, 0, 8);
FIELD(csm_ioc_query, cursor, 8, 8);
FIELD(csm_ioc_query, region_id, 16, 8);
FIELD(csm_ioc_query, label, 24, 8);
FIELD(csm_ioc_query, size, 32, 8);
FIELD(csm_ioc_query, permissions, 40, 4);
FIELD(csm_ioc_query, state, 44, 4);
FIELD(csm_ioc_query, query_flags, 48, 4);

SIZE(csm_ioc_peer, 96);
FIELD(csm_ioc_peer, peer_id, 0, 8);
FIELD(csm_ioc_peer, index, 8, 4);
FIELD(csm_ioc_peer, hash_algo, 12, 4);
FIELD(csm_ioc_peer, value, 16, 64);

SIZE(csm_ioc_sharing, 72);
FIELD(csm_ioc_sharing, provider_id, 0, 8);
FIELD(csm_ioc_sharing, region_id, 8, 8);
FIELD(csm_ioc_sharing, size, 16, 8);
FIELD(csm_ioc_sharing, label, 24, 8);
FIELD(csm_ioc_sharing, permissions, 32, 4);
FIELD(csm_ioc_sharing, flags, 36, 4);

SIZE(csm_ioc_share, 48);
FIELD(csm_ioc_share, consumer_id, 0, 8);
FIELD(csm_ioc_share, policy, 8, 8);
FIELD(csm_ioc_share, permissions, 16, 4);

SIZE(csm_ioc_revoke, 16);
FIELD(csm_ioc_revoke, consumer_id, 0, 8);

SIZE(csm_ioc_digest, 64);
FIELD(csm_ioc_digest, value, 0, 64);

SIZE(csm_ioc_signal, 32);
FIELD(csm_ioc_signal, peer_id, 0, 8);
FIELD(csm_ioc_signal, bits, 8, 8);

SIZE(csm_ioc_notify, 8);
FIELD(csm_ioc_notify, fd, 0, 4);

SIZE(csmfs_tail, 64);
FIELD(csmfs_tail, magic, 0, 8);
FIELD(csmfs_tail, length, 8, 8);
FIELD(csmfs_tail, reserved, 16, 48);
