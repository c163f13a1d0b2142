/* Between the files of the IDE controller. */
#ifndef TRAPGATE_DEVICES_IDE_PRIVATE_H
#define TRAPGATE_DEVICES_IDE_PRIVATE_H

#include "devices/ide.h"

static inline struct ide_drive *ide_selected(struct ide_channel *ch)
{
	return &ch->drive[ch->selected];
}

/* ---- ide.c: phases ---- */

/* The drive goes busy and takes the step after ns. */
void ide_busy(struct ide_channel *ch, enum ide_step step, uint64_t ns);
/* DRQ: bytes [pos, block_end) of the buffer go to or come from the host; next is what follows. */
void ide_data(struct ide_channel *ch, bool to_host, uint32_t pos, uint32_t end, enum ide_step next, bool interrupt);
/* The command is over. */
void ide_done(struct ide_channel *ch);
void ide_fail(struct ide_channel *ch, uint8_t error);
void ide_interrupt(struct ide_channel *ch, bool level);
/* ATA/ATAPI-6, "Signature and persistence". */
void ide_signature(struct ide_drive *drive);

/* ---- ide_master.c ---- */

/* The drive wants data moved: takes the step as soon as the bus master runs in that direction. */
void ide_want_master(struct ide_channel *ch, enum ide_step step, bool to_host, uint64_t ns);
/* Moves up to size bytes along the PRD table; fewer: it is at its end. */
uint32_t ide_master_move(struct ide_channel *ch, uint8_t *data, uint32_t size);
void ide_master_interrupt(struct ide_channel *ch);
void ide_master_reset(struct ide_channel *ch);

/* ---- ide_disk.c ---- */

/* False: the drive has no such command. */
bool ide_disk_command(struct ide_channel *ch, uint8_t command);
void ide_disk_step(struct ide_channel *ch);
/* Commands of all kinds of drives. */
void ide_set_features(struct ide_channel *ch);

/* ---- ide_identify.c ---- */
void ide_identify_disk(const struct ide_drive *drive, uint8_t data[IDE_SECTOR], unsigned unit);
void ide_identify_cd(const struct ide_drive *drive, uint8_t data[IDE_SECTOR], unsigned unit);

/* ---- atapi.c ---- */
bool atapi_command(struct ide_channel *ch, uint8_t command);
void atapi_packet(struct ide_channel *ch);
void atapi_more(struct ide_channel *ch);
/* After RESET# or a change of medium: what the next command is told. */
void atapi_attention(struct ide_drive *drive, uint8_t asc);

#endif
