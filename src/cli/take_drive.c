/* Disks, CDs, floppies, and what the firmware does with them. */
#include <string.h>

#include "cli/property.h"

#define WANTED_DRIVE                                                                                            \
	"file=PATH is wanted, then format=raw, if=ide|floppy|virtio|none, index=N, media=disk|cdrom, id=NAME, " \
	"snapshot=on|off, readonly=on|off"

static bool copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size)
		return false;
	memcpy(to, from, n + 1);
	return true;
}

/* ---- -drive ---- */
struct drive_words {
	struct option_drive *d;
	bool cd;
	int index;
};

static bool drive_file(struct drive_words *w, const struct property *p)
{
	return copy_text(w->d->drive.file, sizeof(w->d->drive.file), p->value);
}

static bool drive_format(struct drive_words *w, const struct property *p)
{
	return strcmp(p->value, "raw") == 0;
}

static bool drive_if(struct drive_words *w, const struct property *p)
{
	static const struct {
		const char *word;
		enum drive_kind kind;
		bool waits;
	} list[] = {{"ide", DRIVE_DISK, false},
		    {"floppy", DRIVE_FLOPPY, false},
		    {"virtio", DRIVE_VIRTIO, false},
		    {"none", DRIVE_DISK, true}};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(p->value, list[i].word) == 0) {
			w->d->drive.kind = list[i].kind;
			w->d->waits = list[i].waits;
			return true;
		}
	return false;
}

static bool drive_media(struct drive_words *w, const struct property *p)
{
	w->cd = strcmp(p->value, "cdrom") == 0;
	return w->cd || strcmp(p->value, "disk") == 0;
}

static bool drive_index(struct drive_words *w, const struct property *p)
{
	uint64_t n;

	if (!value_whole(p->value, &n) || n > 7)
		return false;
	w->index = (int)n;
	return true;
}

/* bus and unit are index in two parts. */
static bool drive_bus(struct drive_words *w, const struct property *p)
{
	uint64_t n;

	if (!value_whole(p->value, &n) || n > 1)
		return false;
	w->index = (w->index < 0 ? 0 : w->index % 2) + 2 * (int)n;
	return true;
}

static bool drive_unit(struct drive_words *w, const struct property *p)
{
	uint64_t n;

	if (!value_whole(p->value, &n) || n > 1)
		return false;
	w->index = (w->index < 0 ? 0 : w->index / 2 * 2) + (int)n;
	return true;
}

static bool drive_id(struct drive_words *w, const struct property *p)
{
	return copy_text(w->d->id, sizeof(w->d->id), p->value);
}

static bool drive_snapshot(struct drive_words *w, const struct property *p)
{
	return property_switch(p, &w->d->drive.snapshot);
}

static bool drive_readonly(struct drive_words *w, const struct property *p)
{
	return property_switch(p, &w->d->drive.read_only);
}

/* How the host's file is accessed: nothing a guest could tell. */
static bool drive_host(struct drive_words *w, const struct property *p)
{
	return p->has_value;
}

static bool take_drive_word(struct drive_words *w, const struct property *p)
{
	static const struct {
		const char *key;
		bool (*take)(struct drive_words *w, const struct property *p);
	} keys[] = {
		{"file", drive_file},         {"format", drive_format},     {"if", drive_if},
		{"media", drive_media},       {"index", drive_index},       {"bus", drive_bus},
		{"unit", drive_unit},         {"id", drive_id},             {"snapshot", drive_snapshot},
		{"readonly", drive_readonly}, {"read-only", drive_readonly}, {"cache", drive_host},
		{"aio", drive_host},          {"discard", drive_host},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(p->key, keys[i].key) == 0)
			return keys[i].take(w, p);
	return false;
}

static struct option_drive *new_drive(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (o->drives == BOARD_MAX_DRIVES) {
		value_bad(option, value, "there are too many drives", why);
		return NULL;
	}
	o->drive[o->drives] = (struct option_drive){.index = -1};
	return &o->drive[o->drives++];
}

bool take_drive(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	struct option_drive *d = new_drive(o, option, value, why);
	struct drive_words w = {.d = d, .index = -1};
	struct property p;
	const char *list = value;
	int more = 0;

	if (!d)
		return false;
	while ((more = property_next(&list, &p)) > 0)
		if (!take_drive_word(&w, &p))
			return diagnose(why, "%s %s: \"%s%s%s\" is not understood; " WANTED_DRIVE, option, value, p.key,
					p.has_value ? "=" : "", p.value);
	if (more < 0 || (!d->drive.file[0] && !w.cd))
		return value_bad(option, value, WANTED_DRIVE, why);
	if (w.cd && d->drive.kind == DRIVE_DISK)
		d->drive.kind = DRIVE_CD;
	d->index = w.index;
	return true;
}

/* ---- the short words ---- */
static bool add_drive(struct options *o, const char *option, const char *value, enum drive_kind kind, int index,
		      struct diagnostic *why)
{
	struct option_drive *d = new_drive(o, option, value, why);

	if (!d)
		return false;
	d->drive.kind = kind;
	d->index = index;
	return copy_text(d->drive.file, sizeof(d->drive.file), value) ||
	       value_bad(option, value, "the name is too long", why);
}

/* -hda to -hdd; a positional image is -hda. */
bool take_disk(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	char last = option[strlen(option) - 1];

	return add_drive(o, option, value, DRIVE_DISK, last >= 'a' && last <= 'd' ? last - 'a' : 0, why);
}

bool take_cdrom(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return add_drive(o, option, value, DRIVE_CD, 2, why);
}

bool take_floppy(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return add_drive(o, option, value, DRIVE_FLOPPY, option[strlen(option) - 1] == 'b', why);
}

bool take_snapshot(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->snapshot = true;
	return true;
}

/* "d", "order=dc,menu=on" */
bool take_boot(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char wanted[] = "letters of a, c, d, n are wanted, or order=LETTERS, once=LETTERS, menu=on|off";
	struct property p;
	int more;

	while ((more = property_next(&value, &p)) > 0) {
		const char *order = p.has_value ? p.value : p.key;

		if (strcmp(p.key, "menu") == 0) {
			if (!property_switch(&p, &o->machine.board.boot_menu))
				return value_bad(option, p.value, wanted, why);
			continue;
		}
		if (strcmp(p.key, "strict") == 0)
			continue;
		if ((p.has_value && strcmp(p.key, "order") != 0 && strcmp(p.key, "once") != 0) ||
		    strspn(order, "acdn") != strlen(order) || strlen(order) >= sizeof(o->boot_order))
			return value_bad(option, order, wanted, why);
		memcpy(o->boot_order, order, strlen(order) + 1);
		o->machine.board.boot_order = o->boot_order;
	}
	return more == 0 || value_bad(option, value, wanted, why);
}

/* [name=]NAME,file=PATH or string=TEXT */
bool take_fw_cfg(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char wanted[] = "NAME,file=PATH or NAME,string=TEXT is wanted, of at most 8 items";
	struct board_item *item = &o->machine.board.item[o->machine.board.items];
	const char *list = value;
	struct property p;
	int more;

	if (o->machine.board.items == BOARD_MAX_ITEMS)
		return value_bad(option, value, wanted, why);
	while ((more = property_next(&list, &p)) > 0) {
		bool ok;

		if (!p.has_value || strcmp(p.key, "name") == 0) {
			ok = copy_text(item->name, sizeof(item->name), p.has_value ? p.value : p.key);
		} else {
			item->is_file = strcmp(p.key, "file") == 0;
			ok = (item->is_file || strcmp(p.key, "string") == 0) &&
			     copy_text(item->value, sizeof(item->value), p.value);
		}
		if (!ok)
			return value_bad(option, value, wanted, why);
	}
	if (more < 0 || !item->name[0])
		return value_bad(option, value, wanted, why);
	o->machine.board.items++;
	return true;
}

/* ---- once all options are known ---- */

/* IDE places are given out in order, virtio and floppies too; those with an index come first. */
static bool place_free(const struct options *o, enum drive_kind kind, int index)
{
	for (unsigned i = 0; i < o->drives; i++) {
		const struct option_drive *d = &o->drive[i];
		bool same = d->drive.kind == kind || (d->drive.kind + kind == DRIVE_DISK + DRIVE_CD);

		if (!d->waits && same && d->index == index)
			return false;
	}
	return true;
}

static int places(enum drive_kind kind)
{
	return kind == DRIVE_FLOPPY ? 2 : kind == DRIVE_VIRTIO ? (int)BOARD_MAX_VIRTIO : 4;
}

static bool choose_place(struct options *o, struct option_drive *d, struct diagnostic *why)
{
	int index = d->drive.kind == DRIVE_CD ? 2 : 0;

	for (int tried = 0; tried < places(d->drive.kind); tried++, index++)
		if (place_free(o, d->drive.kind, index % places(d->drive.kind))) {
			d->index = index % places(d->drive.kind);
			return true;
		}
	return diagnose(why, "%s: no place is left for another drive of this kind", d->drive.file);
}

bool drives_resolve(struct options *o, struct diagnostic *why)
{
	struct board_config *board = &o->machine.board;

	for (unsigned i = 0; i < o->drives; i++) {
		struct option_drive *d = &o->drive[i];
		int given = d->index;

		if (d->waits)
			return diagnose(why, "-drive id=%s: if=none, and no -device has drive=%s", d->id, d->id);
		d->index = -1;
		if (given >= places(d->drive.kind) || (given >= 0 && !place_free(o, d->drive.kind, given)))
			return diagnose(why, "%s: index %d: there is no such place, or another drive is there",
					d->drive.file, given);
		d->index = given;
	}
	for (unsigned i = 0; i < o->drives; i++)
		if (o->drive[i].index < 0 && !choose_place(o, &o->drive[i], why))
			return false;
	for (unsigned i = 0; i < o->drives; i++) {
		board->drive[i] = o->drive[i].drive;
		board->drive[i].index = (unsigned)o->drive[i].index;
		board->drive[i].snapshot |= o->snapshot;
	}
	board->drives = o->drives;
	return true;
}
