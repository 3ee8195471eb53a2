// SPDX-License-Identifier: BSD-3-Clause
/* Labels, error texts, deadlines. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "libcsm_internal.h"

uint64_t csm_label(const char *text)
{
	uint64_t label = 0;

	for (unsigned int i = 0; i < 8 && text[i]; i++) {
		label |= (uint64_t)(unsigned char)text[i] << (8 * i);
	}
	return label;
}

void csm_label_text(uint64_t label, char out[CSM_LABEL_TEXT])
{
	for (; label; label >>= 8) {
		unsigned char c = label & 0xff;

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			*out++ = (char)c;
		} else {
			out += snprintf(out, 5, "\\x%02x", c);
		}
	}
	*out = 0;
}

static const struct {
	int error;
	const char *text;
} texts[] = {
	{EACCES, "no such realm, region or grant, or not permitted"},
	{EADDRINUSE, "the RMM has an attachment of this region that an earlier kernel left; "
		     "restart the realm"},
	{EADDRNOTAVAIL, "no room in the window for attachments: detach a region (rvm: --csm SIZE)"},
	{EAGAIN, "timed out"},
	{EALREADY, "sealed already"},
	{EBUSY, "another program is creating or ending this sharing; try again"},
	{ECONNRESET, "the peer closed the channel before it had taken every message"},
	{EDESTADDRREQ, "a grant to any realm must require the initial measurement (--rim)"},
	{EDQUOT, "the memory limit for regions is reached (memory_limit of caec_guest)"},
	{EEXIST, "exists already"},
	{EFAULT, "bad address"},
	{EHWPOISON,
	 "the host has taken back a page of the region: destroy it and create a new one"},
	{EINPROGRESS, "the region is being destroyed"},
	{EIO, "the RMM returned a status that it may not return here"},
	{EINTR, "interrupted; call again to continue"},
	{EINVAL, "an argument is out of range"},
	{EMSGSIZE, "wrong size"},
	{ENODATA, "the region is not sealed"},
	{ENODEV, "this realm has no window for attachments (rvm: --csm SIZE)"},
	{ENOENT, "no such region or attachment in this realm"},
	{ENOMEM, "no memory, or for a region none that is contiguous: make it smaller"},
	{ENOSPC, "the access policy table is full (rvm: --apt N)"},
	{ENOSYS, "the module caec_guest is older than this program: load that of the same release"},
	{ENOTCONN, "the sharing has ended: region, grant or peer is gone"},
	{ENOTTY, "only the owner of the region can do this"},
	{ENXIO, "the host gave this realm no access policy table (rvm: --apt N)"},
	{EOPNOTSUPP, "this kernel cannot map shared memory (no kprobes)"},
	{EPERM, "the region is sealed: no write access"},
	{EPIPE, "the peer has closed the channel"},
	{EPROTO, "the peer violates the protocol"},
	{ESHUTDOWN, "the realm is shutting down"},
	{ESTALE, "opened before fork(): the child must open it again"},
	{ETIMEDOUT, "the host did not make room in the window in time"},
	{EUSERS, "the region has 256 consumers, which is the most"},
};

const char *csm_strerror(int result)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].error == -result) {
			return texts[i].text;
		}
	}
	return result >= 0 ? "success" : strerror(-result);
}

/* --------------------------------------------------------------------- time */

#define NS_PER_MS 1000000L
#define NS_PER_S  1000000000L

/* The deadline in `timeout` milliseconds; negative: none. */
struct csm_deadline csm_deadline_in(int timeout)
{
	struct csm_deadline deadline = {.never = timeout < 0};

	clock_gettime(CLOCK_MONOTONIC, &deadline.at);
	if (timeout > 0) {
		deadline.at.tv_sec += timeout / 1000;
		deadline.at.tv_nsec += timeout % 1000 * NS_PER_MS;
		if (deadline.at.tv_nsec >= NS_PER_S) {
			deadline.at.tv_nsec -= NS_PER_S;
			deadline.at.tv_sec++;
		}
	}
	return deadline;
}

int csm_deadline_left(const struct csm_deadline *deadline, int most)
{
	struct timespec now;
	long long left;

	if (deadline->never) {
		return most;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (long long)(deadline->at.tv_sec - now.tv_sec) * 1000 +
	       (deadline->at.tv_nsec - now.tv_nsec + NS_PER_MS - 1) / NS_PER_MS;
	if (left <= 0) {
		return 0;
	}
	return left < most ? (int)left : most;
}
