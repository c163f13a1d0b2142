/* Machine code in QEMU's ROM that brings a case about. */
#ifndef TRAPGATE_TESTCASE_QEMU_LOADER_H
#define TRAPGATE_TESTCASE_QEMU_LOADER_H

#include "testcase/gdbwire.h"
#include "testcase/scene.h"

#define QEMU_LOADER_DATA 0x17e000u /* in RAM, above every case's memory */
#define QEMU_HOLE        0xa0000u  /* to 1 MiB: no RAM on a PC */

/* Why a case cannot be asked; NULL: it can. */
const char *loader_unfit(const struct scene *scene);
/* Writes the loader of a case, which runs from reset.  False: the wire is broken. */
bool loader_write(struct qemu *q, const struct scene *scene);

#endif
