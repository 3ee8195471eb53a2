// SPDX-License-Identifier: BSD-3-Clause
/* Shares a page with the realm named on the command line, and greets it. */
#include <libcsm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	uint64_t peer = argc > 1 ? strtoull(argv[1], NULL, 16) : 0;
	struct csm_region *region = NULL;
	struct csm_event event = {0};
	struct csm *csm = NULL;
	int ret = csm_open(&csm);

	if (ret == 0) {
		ret = csm_create(csm, 4096, csm_label("hello"), 0, &region);
	}
	if (ret == 0) {
		ret = csm_write(region, 0, "hello, realm", sizeof("hello, realm"));
	}
	if (ret == 0) {
		ret = csm_share(region, peer, CSM_READ, NULL);
	}
	while (ret >= 0 && !(event.bits & CSM_EVENT_DETACHED)) {
		ret = csm_wait(region, -1, &event); /* until the peer has read it */
	}
	printf("%016llx: %s\n", (unsigned long long)peer, csm_strerror(ret));
	csm_release(region);
	csm_close(csm);
	return ret < 0;
}
