/* Two 8237A DMA controllers wired as on the PC/AT: channels 0-3 move bytes
 * (ports 00h-0Fh), channels 5-7 move words (C0h-DFh, every second port),
 * channel 4 is the cascade; page registers at 81h-8Fh.
 *
 * Sources: Intel 8237A datasheet (231466), "Register description", "Software
 * commands"; Intel 82371SB (PIIX3) datasheet (290550), "DMA registers".
 *
 * A device asks with dma_set_request() and moves its data with dma_move(),
 * as many transfers at a time as it has data for.  Memory-to-memory transfers
 * and requests by software are not built: a gap.
 * Reads of write-only registers give FFh; 0Fh and DEh read the masks (PIIX3). */
#ifndef TRAPGATE_DEVICES_DMA_H
#define TRAPGATE_DEVICES_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"

#define DMA_PORT_LOW 0x00
#define DMA_PORT_HIGH 0xc0
#define DMA_PAGE_PORT 0x81

#define DMA_COMMAND_MEMORY 0x01u  /* memory to memory */
#define DMA_COMMAND_DISABLE 0x04u
#define DMA_MODE_WRITE 0x04u      /* device to memory */
#define DMA_MODE_READ 0x08u       /* memory to device */
#define DMA_MODE_AUTO 0x10u
#define DMA_MODE_DOWN 0x20u
#define DMA_MODE_CASCADE 0xc0u

struct dma_channel {
	uint16_t base_address, base_count, address, count;
	uint8_t mode;
};

struct dma_chip {
	struct dma_channel channel[4];
	uint8_t command, request, mask, done, temporary;
	uint8_t dreq;    /* pins */
	bool high_byte;  /* the first/last flip-flop */
};

struct dma {
	struct dma_chip chip[2];
	uint8_t page[16]; /* by port & 0Fh; 80h is the POST port's */
	struct bus *bus;
};

bool dma_init(struct dma *dma, struct bus *bus);
void dma_reset(struct dma *dma);

/* DREQ of channel 0-3, 5-7. */
void dma_set_request(struct dma *dma, unsigned channel, bool level);
/* Moves up to size bytes between data and memory, in the direction the
 * channel's mode says (a verify moves nothing but counts).  Returns the bytes
 * that went; *terminal: the last one was the terminal count. */
size_t dma_move(struct dma *dma, unsigned channel, uint8_t *data, size_t size, bool *terminal);

#endif
