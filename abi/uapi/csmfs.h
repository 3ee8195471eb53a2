/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * A file in a region, as csmctl put and csmfs write it and csmctl get and csmfs read it.
 *
 * A region is whole pages, so its last CSMFS_TAIL_SIZE bytes record how long the file is. The file
 * begins at the start of the region, where a program can use it in place; the bytes between its end
 * and the record are zero.
 *
 * The provider can write anything here. A reader copies the record once, and takes the region for a
 * file only if the magic number is right and the length is at most the region's size less
 * CSMFS_TAIL_SIZE.
 */
#ifndef CSM_UAPI_CSMFS_H
#define CSM_UAPI_CSMFS_H

#include "../types.h"

#define CSMFS_TAIL_MAGIC 0x00454c49464d5343ULL /* "CSMFILE" and a zero byte, in memory order */
#define CSMFS_TAIL_SIZE  64                    /* bytes: the size of struct csmfs_tail */

/**
 * struct csmfs_tail - the last bytes of a region with a file; little endian
 * @magic: CSMFS_TAIL_MAGIC
 * @length: of the file in bytes
 * @reserved: written as zero, ignored by readers
 */
struct csmfs_tail {
	abi_u64 magic;
	abi_u64 length;
	abi_u64 reserved[6];
};

#endif
