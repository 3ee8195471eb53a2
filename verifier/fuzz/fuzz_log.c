// SPDX-License-Identifier: BSD-3-Clause
/* Measurement logs: any bytes, alone and beside an image. */
#include <stdlib.h>
#include <string.h>

#include "tools/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A log that is read has a realm, and one that is not has a reason. */
static void try_log(const uint8_t *data, size_t size, const struct layout_config *config)
{
	struct measuring m = {0};
	uint64_t departures;
	FILE *file = fmemopen((void *)data, size, "r");

	if (file == NULL) {
		abort();
	}
	if (measure_log(&m, file, config, &departures) ? !m.created : m.error[0] == '\0') {
		abort();
	}
	fclose(file);
}

/*
 * Any bytes as a measurement log, alone and beside an image. Aborts if a log is refused without a
 * reason, or accepted without a realm.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[8192] = {[17] = 0x40, [24] = 0xa};
	const struct layout_config config = {
		.kernel = {.data = image, .size = sizeof(image)},
		.ram_size = UINT64_C(32) << 20,
		.cpus = 2,
	};

	if (size == 0) {
		return 0;
	}
	memcpy(image + 56, "ARM\x64", 4);
	try_log(data, size, NULL);
	try_log(data, size, &config);
	return 0;
}
