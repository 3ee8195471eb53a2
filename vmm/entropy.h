// SPDX-License-Identifier: BSD-3-Clause
/* virtio entropy device: the host's random numbers. The caller serializes. */
#ifndef VMM_ENTROPY_H
#define VMM_ENTROPY_H

#include "virtio.h"

/* Sets up v's ops and device. */
void entropy_init(struct virtio *v);

#endif
