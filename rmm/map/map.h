// SPDX-License-Identifier: BSD-3-Clause
/*
 * From granules to memory the RMM can touch: the only place where a physical address becomes a
 * pointer.
 *
 *  - Metadata (RD, REC, REC_AUX, RTT, APT) has a fixed page in the window: opened when a granule
 *    becomes metadata, closed when it stops being it, free to use in between.
 *  - Realm data and host memory are mapped only while one operation of this folder runs. No
 *    function here returns a pointer to them, but map_data_open(), whose user closes it again
 *    before its command ends.
 */
#ifndef RMM_MAP_MAP_H
#define RMM_MAP_MAP_H

#include "granule/granule.h"

/*
 * Opens the page of a locked DELEGATED granule that is about to become metadata, and returns it: 4
 * KiB of zeros. Cannot fail. The caller either unlocks the granule to a metadata state or calls
 * map_meta_close().
 */
void *map_meta_open(struct granule_held held);

/*
 * Wipes a locked granule through its page of the window and closes the page. When it returns no CPU
 * can reach the granule, and it may become DELEGATED.
 */
void map_meta_close(struct granule_held held);

/* Page of a granule in a metadata state. Who may use it when: the object's own rules. */
void *map_meta(const struct granule *granule);

/*
 * Fills a locked granule that is not metadata with zeros, through the Realm address space. If it is
 * DATA, no instruction cache holds what the realm executed from it when this returns; no table may
 * lead to it any more. Returns false if there is no memory: only a granule that was never wiped
 * before can turn out so.
 */
bool map_wipe(struct granule_held held);

/*
 * Copies between the RMM's memory and a page of the host: size bytes at offset of the granule at
 * page. page is aligned; offset and size are multiples of 8, within the page. Return false if the
 * page is not tracked, not UNDELEGATED, or in another world than the normal one when it is touched;
 * after a failed map_host_read() the contents of dst are unspecified.
 */
bool map_host_read(pa_t page, size_t offset, void *dst, size_t size);
bool map_host_write(pa_t page, size_t offset, const void *src, size_t size);

/* The same for several parts of one page, in their order. */
struct map_part {
	void *dst;
	uint16_t offset;
	uint16_t size;
};
bool map_host_read_parts(pa_t page, const struct map_part *parts, size_t count);

/*
 * Copies the host's page at src into a locked DELEGATED granule that is about to become DATA, and
 * leaves the granule mapped as map_data_open() does. NULL if the host's page cannot be read, as for
 * map_host_read(): nothing is mapped then, and the granule is all zero again.
 */
void *map_data_fill(struct granule_held data, pa_t src);

/*
 * Maps a page of realm data on this CPU until map_data_close(). The caller holds the lock that
 * keeps the granule in DATA. One page at a time per CPU.
 */
void *map_data_open(pa_t page);
void map_data_close(void);

#endif
