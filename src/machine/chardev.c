#define _GNU_SOURCE /* ppoll */
#include "machine/chardev.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest/image.h"

bool chardev_open(struct chardev *dev, const char *option, const char *name, struct diagnostic *why)
{
	*dev = (struct chardev){.in = -1};
	snprintf(dev->label, sizeof(dev->label), "%s %s", option, name ? name : "");
	if (!name || strcmp(name, "null") == 0 || strcmp(name, "none") == 0)
		return true;
	if (strcmp(name, "stdio") == 0 || strcmp(name, "mon:stdio") == 0) {
		dev->out = stdout;
		dev->in = STDIN_FILENO;
		return true;
	}
	if (strncmp(name, "file:", 5) != 0 || !name[5])
		return diagnose(why, "%s %s: no such device; use stdio, file:PATH or null", option, name);
	dev->out = fopen(name + 5, "wb");
	if (!dev->out)
		return diagnose(why, "%s %s: %s", option, name, strerror(errno));
	dev->owned = true;
	return true;
}

static void check_output(struct chardev *dev, bool good)
{
	if (good || dev->failed)
		return;
	fprintf(stderr, "trapgate: %s: cannot be written: %s; what the guest says is lost from here on\n", dev->label,
		strerror(errno));
	dev->failed = true;
}

void chardev_flush(struct chardev *dev)
{
	if (dev->out && !dev->failed)
		check_output(dev, fflush(dev->out) == 0);
}

void chardev_close(struct chardev *dev)
{
	chardev_flush(dev);
	if (dev->out && dev->owned)
		check_output(dev, fclose(dev->out) == 0);
	*dev = (struct chardev){.in = -1};
}

void chardev_write(struct chardev *dev, uint8_t byte)
{
	if (!dev->out || dev->failed)
		return;
	check_output(dev, putc(byte, dev->out) != EOF && (byte != '\n' || fflush(dev->out) == 0));
}

bool chardev_fill(struct chardev *dev, uint64_t ns)
{
	struct pollfd fd = {.fd = dev->in, .events = POLLIN};
	struct timespec wait = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	ssize_t got;

	if (dev->next < dev->end)
		return true;
	if (dev->in < 0)
		return false;
	if (ns)
		chardev_flush(dev); /* a prompt without a newline */
	if (ppoll(&fd, 1, &wait, NULL) <= 0)
		return false;
	got = read(dev->in, dev->buffer, sizeof(dev->buffer));
	dev->next = 0;
	dev->end = got > 0 ? (size_t)got : 0;
	if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
		dev->in = -1;
	return got > 0;
}

int chardev_take(struct chardev *dev)
{
	return dev->next < dev->end ? dev->buffer[dev->next++] : -1;
}
