// SPDX-License-Identifier: BSD-3-Clause
// A realm kernel of one page and two vCPUs that floods its devices. rvm must have --cpus 2 and one
// --disk of 128 KiB or more that can be written.
//
// vCPU 0 rings the bell of the disk once. The ring then refills itself: the first request of each
// lap reads a sector over its own header and over the available ring, and the sector holds both as
// the next lap needs them. The realm writes these sectors to the disk first. vCPU 1 rings the bell
// of the entropy device without a pause, with 255 requests available each time.

#define IMAGE_SIZE	  0x200000 // of the header: where the loader may put other things
#define ALIAS		  (1 << 32)
#define SLOTS		  0x0a000000 // registers of the devices, 4 KiB each, in the shared half
#define ENTROPY		  0x1000
#define DISK		  0x2000
#define QUEUE_SIZE	  256
#define RSI_IPA_STATE_SET 0xC4000197
#define PSCI_CPU_ON	  0xC4000003

// Registers of a device.
#define DRIVER_FEATURES	    0x020
#define DRIVER_FEATURES_SEL 0x024
#define QUEUE_NUM	    0x038
#define QUEUE_READY	    0x044
#define QUEUE_NOTIFY	    0x050
#define STATUS		    0x070
#define QUEUE_DESC	    0x080
#define QUEUE_AVAIL	    0x090
#define QUEUE_USED	    0x0a0

// The shared memory: the rings of both devices, then the sectors. A sector that is read at HEADER
// reaches up to the entry 245 of the available ring.
#define SHARED_AT    0x100000 // behind the image and the device tree
#define HEADER	     0x1000
#define AVAIL	     0x1010
#define USED	     0x2000
#define BYTE	     0x3000 // status of a request
#define ZERO	     0x3010 // header: read, sector 0
#define RINGS	     0x4000 // size for one device
#define DATA	     0x20000
#define SECTOR	     512
#define SECTORS	     256
#define IN_SECTOR    245 // entries of the ring behind the first
#define SHARED_SIZE  0x40000
#define LENGTH	     0x10000 // of the other requests

#define F_NEXT	1
#define F_WRITE 2
#define SMALL	0 // index of the first descriptor of a request
#define LARGE	4

	.text
	.globl _start
_start:
	b	start
	.long	0
	.quad	0		// text offset
	.quad	IMAGE_SIZE
	.quad	0xa		// little endian, 4 KiB pages, anywhere
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

// Descriptor of the rings at x22: address \base + \offset, length, flags and next index.
.macro	desc index, base, offset, length, flags
	mov	x1, #\offset
	add	x1, x1, \base
	mov	w2, #\length
	mov	w3, #(\flags)
	.if	(\flags) & F_NEXT
	movk	w3, #(\index + 1), lsl #16
	.endif
	str	x1, [x22, #(16 * \index)]
	str	w2, [x22, #(16 * \index + 8)]
	str	w3, [x22, #(16 * \index + 12)]
.endm

// Register \reg of the device x21: the address x22 + \offset.
.macro	ring_address reg, offset
	mov	x1, #\offset
	add	x1, x1, x22
	lsr	x2, x1, #32
	str	w1, [x21, #\reg]
	str	w2, [x21, #(\reg + 4)]
.endm

// Resets the device x21 and starts it with the rings at x22.
start_device:
	str	wzr, [x21, #STATUS]
	mov	w1, #3
	str	w1, [x21, #STATUS]
	mov	w2, #1
	str	w2, [x21, #DRIVER_FEATURES_SEL]
	str	w1, [x21, #DRIVER_FEATURES]	// VERSION_1, ACCESS_PLATFORM
	mov	w1, #11
	str	w1, [x21, #STATUS]
	mov	w1, #QUEUE_SIZE
	str	w1, [x21, #QUEUE_NUM]
	ring_address QUEUE_DESC, 0
	ring_address QUEUE_AVAIL, AVAIL
	ring_address QUEUE_USED, USED
	mov	w1, #1
	str	w1, [x21, #QUEUE_READY]
	mov	w1, #15
	str	w1, [x21, #STATUS]
	ret

start:
	adr	x19, _start
	add	x20, x19, #IMAGE_SIZE
	add	x20, x20, #SHARED_AT
	mov	x23, x20
	add	x24, x20, #SHARED_SIZE
1:	ldr	x0, =RSI_IPA_STATE_SET
	mov	x1, x23
	mov	x2, x24
	mov	x3, #0			// RIPAS_EMPTY
	mov	x4, #1
	smc	#0
	cbnz	x0, .
	mov	x23, x1
	cmp	x23, x24
	b.lo	1b
	mov	x25, #ALIAS
	orr	x20, x20, x25
	mov	x22, x20
	add	x23, x20, #AVAIL & ~0xfff
	add	x23, x23, #AVAIL & 0xfff

	bl	make_sectors
	bl	write_sectors

	// The small request comes first in each lap, then large ones.
	desc	SMALL, x20, HEADER, 16, F_NEXT
	desc	(SMALL + 1), x20, HEADER, SECTOR, F_NEXT | F_WRITE
	desc	(SMALL + 2), x20, BYTE, 1, F_WRITE
	desc	LARGE, x20, ZERO, 16, F_NEXT
	desc	(LARGE + 1), x20, DATA, LENGTH, F_NEXT | F_WRITE
	desc	(LARGE + 2), x20, BYTE, 1, F_WRITE
	mov	w1, #LARGE
	mov	w2, #(QUEUE_SIZE - 1)
1:	add	x3, x23, #4
	strh	w1, [x3, x2, lsl #1]
	subs	w2, w2, #1
	b.ne	1b
	str	xzr, [x20, #HEADER]	// type: read
	bl	start_device

	mov	x1, #1
	adr	x2, flood_entropy
	mov	x3, x20
	ldr	x0, =PSCI_CPU_ON
	smc	#0
	cbnz	x0, .
	mov	w1, #1
	strh	w1, [x23, #2]
	str	wzr, [x21, #QUEUE_NOTIFY]
1:	wfi
	b	1b

// Sector k: header of a request that reads sector k + 1, index of the available ring a lap ahead,
// its first entries.
make_sectors:
	mov	x1, #DATA
	add	x1, x1, x20
	mov	w2, #0
1:	add	w3, w2, #1
	and	w3, w3, #(SECTORS - 1)
	str	w3, [x1, #8]
	lsl	w3, w2, #8
	add	w3, w3, #(QUEUE_SIZE + 1)
	strh	w3, [x1, #18]
	mov	w3, #LARGE
	mov	w4, #IN_SECTOR
	add	x5, x1, #20
2:	strh	w3, [x5, x4, lsl #1]
	subs	w4, w4, #1
	b.ne	2b
	add	x1, x1, #SECTOR
	add	w2, w2, #1
	cmp	w2, #SECTORS
	b.lo	1b
	ret

// Returns when the host has written them all; x21 is the disk from here on.
write_sectors:
	mov	x26, x30
	desc	0, x20, HEADER, 16, F_NEXT
	desc	1, x20, DATA, (SECTORS * SECTOR), F_NEXT
	desc	2, x20, BYTE, 1, F_WRITE
	ldr	x21, =(ALIAS + SLOTS + DISK)
	bl	start_device
	mov	w1, #1
	str	w1, [x20, #HEADER]	// type: write
	strh	w1, [x23, #2]
	str	wzr, [x21, #QUEUE_NOTIFY]
	add	x1, x20, #USED
1:	ldrh	w2, [x1, #2]
	cbz	w2, 1b
	strh	wzr, [x23, #2]
	ret	x26

// x0: the shared memory. All entries of the ring are descriptor 0.
flood_entropy:
	mov	x20, x0
	add	x22, x20, #RINGS
	ldr	x21, =(ALIAS + SLOTS + ENTROPY)
	desc	0, x20, DATA, LENGTH, F_WRITE
	bl	start_device
	add	x23, x22, #USED
	add	x24, x22, #AVAIL & ~0xfff
	add	x24, x24, #AVAIL & 0xfff
1:	ldrh	w1, [x23, #2]
	add	w1, w1, #(QUEUE_SIZE - 1)
	strh	w1, [x24, #2]
	str	wzr, [x21, #QUEUE_NOTIFY]
	b	1b
	.ltorg
