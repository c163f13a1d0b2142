/* -device, and the host's ends of character devices. */
#include <string.h>

#include "cli/property.h"

/* ---- devices ---- */
static bool exit_property(struct options *o, const struct property *p)
{
	uint64_t n;

	if (!value_whole(p->value, &n))
		return false;
	if (strcmp(p->key, "iobase") == 0 && n <= 0xffff) {
		o->machine.board.debug_exit_port = (uint16_t)n;
		return true;
	}
	if (strcmp(p->key, "iosize") == 0 && (n == 1 || n == 2 || n == 4)) {
		o->machine.board.debug_exit_size = (unsigned)n;
		return true;
	}
	return false;
}

static void exit_begin(struct options *o)
{
	o->machine.board.debug_exit = true;
	o->machine.board.debug_exit_port = DEBUG_EXIT_PORT;
	o->machine.board.debug_exit_size = DEBUG_EXIT_SIZE;
}

static void testdev_begin(struct options *o) { o->machine.board.testdev = true; }

static void pci_testdev_begin(struct options *o) { o->machine.board.pci_testdev = true; }

static void vga_begin(struct options *o) { o->machine.board.no_vga = false; }

static void nothing_begin(struct options *o) { }

static bool no_property(struct options *o, const struct property *p) { return false; }

/* Names and places of what the board has anyway are QEMU's own affair. */
static bool place_property(struct options *o, const struct property *p)
{
	return strcmp(p->key, "id") == 0 || strcmp(p->key, "bus") == 0 || strcmp(p->key, "addr") == 0;
}

static bool copy_id(char *to, const struct property *p)
{
	if (strlen(p->value) >= OPTION_ID)
		return false;
	memcpy(to, p->value, strlen(p->value) + 1);
	return true;
}

static bool debugcon_property(struct options *o, const struct property *p)
{
	uint64_t n;

	if (strcmp(p->key, "chardev") == 0)
		return copy_id(o->debugcon_id, p);
	if ((strcmp(p->key, "iobase") != 0 && strcmp(p->key, "readback") != 0) || !value_whole(p->value, &n) || n > 0xffff)
		return false;
	if (p->key[0] == 'i')
		o->machine.board.debugcon_port = (uint16_t)n;
	return true;
}

static bool serial_property(struct options *o, const struct property *p)
{
	unsigned port = 0;

	while (port < BOARD_SERIAL_PORTS && (o->machine.board.serial[port] || o->serial_id[port][0]))
		port++;
	return strcmp(p->key, "chardev") == 0 && port < BOARD_SERIAL_PORTS && copy_id(o->serial_id[port], p);
}

/* drive=ID takes the drive of that name, declared with if=none, before or after. */
static bool disk_property(struct options *o, const struct property *p)
{
	struct option_disk *disk = &o->disk[o->disks - 1];

	if (strcmp(p->key, "drive") == 0)
		return copy_id(disk->id, p);
	/* Names of the buses and devices are QEMU's own affair; so is the order in which firmware tries them. */
	return strcmp(p->key, "bus") == 0 || strcmp(p->key, "id") == 0 || strcmp(p->key, "bootindex") == 0;
}

static void begin_disk(struct options *o, enum drive_kind kind)
{
	if (o->disks < BOARD_MAX_DRIVES)
		o->disks++;
	o->disk[o->disks - 1] = (struct option_disk){.kind = kind};
}

static void virtio_begin(struct options *o) { begin_disk(o, DRIVE_VIRTIO); }
static void ide_disk_begin(struct options *o) { begin_disk(o, DRIVE_DISK); }
static void ide_cd_begin(struct options *o) { begin_disk(o, DRIVE_CD); }

static const struct device {
	const char *name, *bus, *wanted;
	void (*begin)(struct options *o);
	bool (*property)(struct options *o, const struct property *p);
} devices[] = {
	{"isa-debug-exit", "ISA", "iobase=PORT and iosize=1, 2 or 4 are wanted", exit_begin, exit_property},
	{"isa-debugcon", "ISA", "iobase=PORT and chardev=ID are wanted", NULL, debugcon_property},
	{"isa-serial", "ISA", "chardev=ID is wanted; there are two serial ports", NULL, serial_property},
	{"pc-testdev", "ISA", "it takes no property", testdev_begin, no_property},
	{"pci-testdev", "PCI", "id=, bus= and addr= are taken", pci_testdev_begin, place_property},
	/* what the board has in any case */
	{"VGA", "PCI", "id=, bus= and addr= are taken", vga_begin, place_property},
	{"isa-vga", "ISA", "id=, bus= and addr= are taken", vga_begin, place_property},
	{"piix3-ide", "PCI", "id=, bus= and addr= are taken", nothing_begin, place_property},
	{"isa-fdc", "ISA", "id=, bus= and addr= are taken", nothing_begin, place_property},
	{"virtio-blk-pci", "PCI", "drive=ID is wanted", virtio_begin, disk_property},
	{"virtio-blk", "PCI", "drive=ID is wanted", virtio_begin, disk_property},
	{"ide-hd", "IDE", "drive=ID is wanted", ide_disk_begin, disk_property},
	{"ide-cd", "IDE", "drive=ID is wanted", ide_cd_begin, disk_property},
};

#define DEVICES (sizeof(devices) / sizeof(devices[0]))

void options_print_devices(FILE *file)
{
	for (size_t i = 0; i < DEVICES; i++)
		fprintf(file, "name \"%s\", bus %s\n", devices[i].name, devices[i].bus);
}

bool take_device(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	const struct device *d = devices;
	const char *list = value;
	struct property p;
	int more;

	if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
		o->errand = ERRAND_LIST_DEVICES;
		return true;
	}
	while (d < devices + DEVICES && !value_word(value, d->name))
		d++;
	if (d == devices + DEVICES)
		return value_bad(option, value, "no such device; see -device help", why);
	if (d->begin)
		d->begin(o);
	if (property_next(&list, &p) <= 0)
		return value_bad(option, value, d->wanted, why);
	while ((more = property_next(&list, &p)) > 0)
		if (!d->property(o, &p))
			return value_bad(option, value, d->wanted, why);
	return more == 0 || value_bad(option, value, d->wanted, why);
}

/* ---- characters ---- */

/* BACKEND,id=ID[,path=PATH]; how several users share one end is not the guest's business. */
bool take_chardev(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char wanted[] = "stdio,id=ID or file,id=ID,path=PATH or null,id=ID is wanted, at most 8 of them";
	struct option_chardev *c = &o->chardev[o->chardevs];
	char path[OPTION_TEXT] = "";
	const char *list = value;
	struct property p;
	bool file;
	int more;

	if (o->chardevs == OPTION_CHARDEVS || property_next(&list, &p) <= 0 || p.has_value)
		return value_bad(option, value, wanted, why);
	file = strcmp(p.key, "file") == 0;
	if (!file && strcmp(p.key, "stdio") != 0 && strcmp(p.key, "null") != 0)
		return value_bad(option, value, wanted, why);
	snprintf(c->name, sizeof(c->name), "%s", p.key);
	while ((more = property_next(&list, &p)) > 0) {
		if (strcmp(p.key, "path") == 0)
			memcpy(path, p.value, sizeof(path));
		else if (strcmp(p.key, "id") == 0 ? !copy_id(c->id, &p)
						  : strcmp(p.key, "mux") != 0 && strcmp(p.key, "signal") != 0)
			return value_bad(option, value, wanted, why);
	}
	if (more < 0 || !c->id[0] || file != (path[0] != '\0'))
		return value_bad(option, value, wanted, why);
	if (file)
		snprintf(c->name, sizeof(c->name), "file:%s", path);
	o->chardevs++;
	return true;
}

bool take_serial(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	unsigned port = 0;

	while (port < BOARD_SERIAL_PORTS && (o->machine.board.serial[port] || o->serial_id[port][0]))
		port++;
	if (port == BOARD_SERIAL_PORTS)
		return value_bad(option, value, "there are two serial ports, COM1 and COM2", why);
	if (strncmp(value, "chardev:", 8) == 0 && strlen(value + 8) < OPTION_ID)
		snprintf(o->serial_id[port], OPTION_ID, "%s", value + 8);
	else
		o->machine.board.serial[port] = value;
	return true;
}

bool take_debugcon(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->machine.board.debugcon = value;
	return true;
}

static const char *find_chardev(const struct options *o, const char *id, struct diagnostic *why)
{
	for (unsigned i = 0; i < o->chardevs; i++)
		if (strcmp(o->chardev[i].id, id) == 0)
			return o->chardev[i].name;
	diagnose(why, "no -chardev has id=%s", id);
	return NULL;
}

static bool resolve_chardevs(struct options *o, struct diagnostic *why)
{
	struct board_config *board = &o->machine.board;

	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++) {
		if (!o->serial_id[i][0])
			continue;
		board->serial[i] = find_chardev(o, o->serial_id[i], why);
		if (!board->serial[i])
			return false;
	}
	if (o->debugcon_id[0])
		board->debugcon = find_chardev(o, o->debugcon_id, why);
	return !o->debugcon_id[0] || board->debugcon;
}

static bool resolve_disk(struct options *o, const struct option_disk *disk, struct diagnostic *why)
{
	for (unsigned i = 0; i < o->drives; i++) {
		struct option_drive *d = &o->drive[i];

		if (!disk->id[0] || strcmp(d->id, disk->id) != 0)
			continue;
		if (!d->waits)
			return diagnose(why, "-device ...,drive=%s: that drive is in use; declare it with if=none", disk->id);
		d->waits = false;
		d->drive.kind = disk->kind;
		return true;
	}
	return diagnose(why, "-device ...,drive=%s: no -drive has id=%s", disk->id, disk->id);
}

bool devices_resolve(struct options *o, struct diagnostic *why)
{
	for (unsigned i = 0; i < o->disks; i++)
		if (!resolve_disk(o, &o->disk[i], why))
			return false;
	return resolve_chardevs(o, why);
}
