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

/*
 * Page of a granule in `state`, a metadata state. Who may use it when: the object's own rules.
 */
void *map_meta(const struct granule *granule, enum granule_state state);

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

/* A page of the host that a command reads and writes in parts. */
struct map_host {
	pa_t page;
	const struct granule *granule;
};

/* Finds the page; false if it is not aligned or not tracked. Nothing is mapped or locked. */
bool map_host_find(pa_t page, struct map_host *host);

/* Bytes of the RMM's memory and of the page that belong together, as for map_host_read(). */
struct map_part {
	void *at; /* of the RMM; only read when the page is written */
	uint16_t offset;
	uint16_t size;
};

/* Copies the parts from the page, in their order. Fails as map_host_read(). */
bool map_host_read_parts(const struct map_host *host, const struct map_part *parts, size_t count);

/*
 * Fills [zeros, GRANULE_SIZE) of the page with zeros, and copies the parts to it. Fails as
 * map_host_write(). `zeros` is a multiple of 64, and less than GRANULE_SIZE.
 */
bool map_host_write_parts(const struct map_host *host, size_t zeros, const struct map_part *parts,
			  size_t count);

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
