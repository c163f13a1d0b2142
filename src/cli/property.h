/* Values of options: numbers, and lists like "file=disk.img,format=raw". */
#ifndef TRAPGATE_CLI_PROPERTY_H
#define TRAPGATE_CLI_PROPERTY_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"

/* A whole number, decimal or with 0x; the rest of the text in *end. */
bool value_number(const char *text, uint64_t *value, const char **end);
/* The same, and nothing behind it. */
bool value_whole(const char *text, uint64_t *value);
/* Is text the word, up to the next comma or the end? */
bool value_word(const char *text, const char *word);
/* "option value: wanted"; false. */
bool value_bad(const char *option, const char *value, const char *wanted, struct diagnostic *why);

struct property {
	char key[40];
	char value[OPTION_TEXT]; /* "" and has_value = false: the key stands alone */
	bool has_value;
};

/* Takes the next key[=value] from *list, which ends up behind it.  Two commas in a value stand for one, as
 * in QEMU.  1: there is one; 0: the list is at its end; -1: a part is empty or too long. */
int property_next(const char **list, struct property *property);
/* "on", "yes", "true" or no value at all; "off", "no", "false". */
bool property_switch(const struct property *property, bool *value);

/* ---- options with files of their own, in the shape of the option table ---- */
#define OPTION_TAKER(name) \
	bool name(struct options *o, const char *option, const char *value, struct diagnostic *why)
OPTION_TAKER(take_drive);
OPTION_TAKER(take_disk);
OPTION_TAKER(take_cdrom);
OPTION_TAKER(take_floppy);
OPTION_TAKER(take_snapshot);
OPTION_TAKER(take_boot);
OPTION_TAKER(take_fw_cfg);
OPTION_TAKER(take_device);
OPTION_TAKER(take_chardev);
OPTION_TAKER(take_serial);
OPTION_TAKER(take_debugcon);
OPTION_TAKER(take_display);
OPTION_TAKER(take_curses);
OPTION_TAKER(take_screen);
OPTION_TAKER(take_name);
/* Words that name other ones (chardev:ID, drive=ID) are looked up, once all options are known. */
bool drives_resolve(struct options *o, struct diagnostic *why);
bool devices_resolve(struct options *o, struct diagnostic *why);
/* Does the display go with the other options?  The terminal serves one master. */
bool display_check(const struct options *o, struct diagnostic *why);

#endif
