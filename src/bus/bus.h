/* The physical address space and the port space: what everything hangs on.
 * RAM and ROM are host memory, everything else is a device's pair of
 * functions.  Nothing here knows of processors, except that stores into RAM
 * that holds translated code are announced. */
#ifndef TRAPGATE_BUS_BUS_H
#define TRAPGATE_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_PAGE_BITS 12
#define BUS_PAGE_SIZE 4096u
#define BUS_MAX_WATCHERS 16 /* two a processor: its TLB and its translated code */

enum region_kind { REGION_RAM, REGION_ROM, REGION_MMIO };

/* offset counts from the start of the region; bytes is 1, 2, 4 or 8 and an
 * access never leaves the region.  A device that does not decode a width
 * says so through its own gap report. */
struct mmio_ops {
	uint64_t (*read)(void *device, uint64_t offset, unsigned bytes);
	void (*write)(void *device, uint64_t offset, unsigned bytes, uint64_t value);
};

struct region {
	const char *name;
	enum region_kind kind;
	uint64_t start, size; /* page aligned for RAM and ROM */
	uint8_t *host;        /* RAM, ROM */
	/* RAM: one word a page, bit i set: the 64-byte granule i holds
	 * translated code (owned by the bus). */
	uint64_t *code;
	struct mmio_ops ops;  /* MMIO */
	void *device;
	int priority;         /* the higher one is seen where regions overlap; RAM 0, ROM 1 */
	bool enabled;
	unsigned sequence;    /* equal priorities: the region added later is seen */
};

/* A port range.  bytes is 1, 2 or 4. */
struct port_ops {
	uint32_t (*read)(void *device, uint16_t port, unsigned bytes);
	void (*write)(void *device, uint16_t port, unsigned bytes, uint32_t value);
};

struct bus;

struct bus *bus_new(void);          /* NULL: out of memory */
void bus_free(struct bus *bus);

/* Each returns NULL when out of memory or when the range is empty or wraps.
 * The region belongs to the bus.  bus_add_ram allocates zeroed host memory
 * that the host commits only as it is touched; bus_add_rom copies image. */
struct region *bus_add_ram(struct bus *bus, const char *name, uint64_t start, uint64_t size);
struct region *bus_add_rom(struct bus *bus, const char *name, uint64_t start, uint64_t size,
			   const uint8_t *image, size_t image_size);
struct region *bus_add_mmio(struct bus *bus, const char *name, uint64_t start, uint64_t size,
			    struct mmio_ops ops, void *device, int priority);
/* Moves, resizes (MMIO only) or switches a region; TLBs are told. */
void region_set_enabled(struct bus *bus, struct region *region, bool enabled);
void region_move(struct bus *bus, struct region *region, uint64_t start);
/* RAM that is not writable is shown as ROM (shadow RAM under write protection); what was added as ROM stays ROM. */
void region_set_writable(struct bus *bus, struct region *region, bool writable);

/* Ports first..first+count-1.  A later claim of the same port wins. */
bool bus_add_ports(struct bus *bus, const char *name, uint16_t first, unsigned count,
		   struct port_ops ops, void *device);
void bus_remove_ports(struct bus *bus, uint16_t first, unsigned count, const void *device);

/* The region seen at pa (A20 is the processor's: the mmu masks), NULL: a
 * hole.  *offset is pa's place in it. */
struct region *bus_find(struct bus *bus, uint64_t pa, uint64_t *offset);
/* What is seen at pa among the regions of a lower priority than that. */
struct region *bus_find_below(struct bus *bus, uint64_t pa, int priority, uint64_t *offset);
/* The same as bus_find for pa's whole page.  False if its bytes are not all seen in one
 * region (or not all a hole: *region = NULL): then it may not be cached. */
bool bus_find_page(struct bus *bus, uint64_t pa, struct region **region, uint64_t *offset);

/* Bus cycles as the processor or a bus master makes them: holes read as all
 * ones and swallow writes, ROM swallows writes, accesses across a region's
 * end are split into bytes. */
uint64_t bus_read(struct bus *bus, uint64_t pa, unsigned bytes);
void bus_write(struct bus *bus, uint64_t pa, unsigned bytes, uint64_t value);
uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned bytes);
void bus_port_write(struct bus *bus, uint16_t port, unsigned bytes, uint32_t value);

/* No side effects: RAM and ROM only.  Returns how many bytes could be read
 * (from the start). peek never touches a device. bus_load writes RAM and ROM alike
 * (loaders); it returns how many bytes were written. */
size_t bus_peek(struct bus *bus, uint64_t pa, void *buffer, size_t size);
size_t bus_load(struct bus *bus, uint64_t pa, const void *data, size_t size);

/* Whoever keeps something derived from the address space (a TLB, translated
 * code) watches it; a function that is NULL is not called.
 * code_written: RAM or ROM holding code is about to change.
 * map_changed: any cached translation to host memory is void.
 * code_marked: the page at page_pa (host memory: page_host) holds code for the
 * first time: cached translations that allow writing it are void. */
struct bus_watcher {
	void (*code_written)(void *owner, uint64_t pa, unsigned bytes);
	void (*map_changed)(void *owner);
	void *owner;
	void (*code_marked)(void *owner, uint64_t page_pa, const uint8_t *page_host);
};
/* False: BUS_MAX_WATCHERS are there already. */
bool bus_watch(struct bus *bus, struct bus_watcher watcher);
void bus_unwatch(struct bus *bus, const void *owner);

/* Marks / tests / forgets granules with translated code.  bus_code_mark
 * returns true if a page had no code before (write TLB entries for it must
 * go: code_marked is called).  Only RAM is marked: nothing else changes. */
bool bus_code_mark(struct bus *bus, uint64_t pa, unsigned bytes);
bool bus_code_hit(const struct region *region, uint64_t offset, unsigned bytes);
void bus_code_clear_page(struct bus *bus, uint64_t pa);

/* Emulator gaps: something a guest asked for that is not built.  Reported
 * once a text through the sink; never ignored.  See src/machine. */
void bus_set_gap_sink(struct bus *bus, void (*sink)(void *owner, const char *text), void *owner);
void bus_gap(struct bus *bus, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Index of the processor that makes the present access (several processors
 * run by turns): local APICs answer by it. */
void bus_set_initiator(struct bus *bus, unsigned processor);
unsigned bus_initiator(const struct bus *bus);

#endif
