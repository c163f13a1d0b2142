/* Between the files of the floppy controller. */
#ifndef TRAPGATE_DEVICES_FDC_PRIVATE_H
#define TRAPGATE_DEVICES_FDC_PRIVATE_H

#include "devices/fdc.h"

#define FDC_MT 0x80u
#define FDC_MFM 0x40u

#define FDC_EIS 0x40u   /* CONFIGURE: implied seek */
#define FDC_EFIFO 0x20u /* no FIFO */
#define FDC_POLL 0x10u  /* no polling */

/* ---- fdc.c ---- */
void fdc_update_irq(struct fdc *fdc);
void fdc_raise(struct fdc *fdc, bool interrupt);
/* The result phase with n bytes of fdc->result; 0: none. */
void fdc_results(struct fdc *fdc, unsigned n, bool interrupt);
static inline struct fdc_drive *fdc_drive(struct fdc *fdc)
{
	return &fdc->drive[fdc->command[1] & 3];
}

/* ---- fdc_data.c ---- */
void fdc_start_transfer(struct fdc *fdc);
void fdc_start_format(struct fdc *fdc);
void fdc_start_read_id(struct fdc *fdc);
/* The timer of the execution phase. */
void fdc_continue(struct fdc *fdc);
/* Programmed transfers. */
uint8_t fdc_data_read(struct fdc *fdc);
void fdc_data_write(struct fdc *fdc, uint8_t value);
/* DRQ and data are dropped. */
void fdc_abandon(struct fdc *fdc);
bool fdc_to_host(const struct fdc *fdc);

#endif
