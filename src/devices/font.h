/* The characters of code page 437 as dots, 8 wide: what video firmware loads
 * into plane 2, for boards that start without any.  The glyphs are this
 * project's own. */
#ifndef TRAPGATE_DEVICES_FONT_H
#define TRAPGATE_DEVICES_FONT_H

#include <stdint.h>

/* Writes height (8 or 16) scan lines, bit 7 the leftmost dot. */
void font_glyph(uint8_t character, unsigned height, uint8_t *lines);

#endif
