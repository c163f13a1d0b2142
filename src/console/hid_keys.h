/* Keys by their place on the keyboard: usage numbers of USB's "HID Usage Tables", "Keyboard/Keypad Page", which
 * SDL's scan codes are too, as the PC's set 1 codes ("USB HID to PS/2 Scan Code Translation Table"). */
#ifndef TRAPGATE_CONSOLE_HID_KEYS_H
#define TRAPGATE_CONSOLE_HID_KEYS_H

#include <stdint.h>

/* As in devices/ps2.h; 0: the PC's keyboard has no such key. */
uint8_t hid_key(unsigned usage);

#endif
