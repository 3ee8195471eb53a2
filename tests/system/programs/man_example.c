// SPDX-License-Identifier: BSD-3-Clause
/* The example of libcsm(3), as it is printed there, for the realm named on the command line. */
#include <inttypes.h>
#include <libcsm.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECONDS 900

int main(int argc, char **argv)
{
	uint64_t peer = strtoull(argc > 1 ? argv[1] : "", NULL, 16);
	struct csm_event event = {0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(SECONDS);
#include <man_example.inc>

	printf("region %" PRIu64 "\n", csm_region_id(region));
	while (!(event.bits & CSM_EVENT_DETACHED)) {
		int ret = csm_wait(region, -1, &event);

		if (ret < 0) {
			printf("%s\n", csm_strerror(ret));
			return 1;
		}
	}
	csm_release(region);
	csm_close(csm);
	return 0;
}
