#define _GNU_SOURCE
#include "testcase/gdbwire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS   5000
#define START_TRIES 250u
#define ROM_BYTES   0x10000u
#define MOST_WRITE  1500u /* bytes in a packet */

/* ---- packets: $text#checksum ---- */
static bool broken(struct qemu *q)
{
	q->broken = true;
	return false;
}

static bool send_all(struct qemu *q, const char *data, size_t size)
{
	while (size && !q->broken) {
		ssize_t n = send(q->wire, data, size, MSG_NOSIGNAL);
		if (n <= 0 && errno != EINTR)
			return broken(q);
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return !q->broken;
}

static bool send_packet(struct qemu *q, const char *text)
{
	char tail[4];
	unsigned sum = 0;

	for (const char *p = text; *p; p++)
		sum += (unsigned char)*p;
	snprintf(tail, sizeof(tail), "#%02x", sum & 0xff);
	return send_all(q, "$", 1) && send_all(q, text, strlen(text)) && send_all(q, tail, 3);
}

/* One character; -1: none in so many milliseconds, or the wire is broken. */
static int receive(struct qemu *q, int milliseconds)
{
	struct pollfd p = {.fd = q->wire, .events = POLLIN};
	char c;

	if (q->broken || poll(&p, 1, milliseconds) <= 0)
		return -1;
	if (recv(q->wire, &c, 1, 0) == 1)
		return (unsigned char)c;
	broken(q);
	return -1;
}

/* The next packet's text; false: none came in that time. */
static bool receive_packet(struct qemu *q, char *text, size_t room, int milliseconds)
{
	size_t n = 0;
	int c;

	while ((c = receive(q, milliseconds)) >= 0 && c != '$')
		;
	while (c >= 0 && (c = receive(q, ANSWER_MS)) >= 0 && c != '#')
		if (n + 1 < room)
			text[n++] = (char)c;
	text[n] = 0;
	if (c < 0 || receive(q, ANSWER_MS) < 0 || receive(q, ANSWER_MS) < 0)
		return false;
	return send_all(q, "+", 1);
}

static bool ask(struct qemu *q, const char *text, char *answer, size_t room)
{
	if (!send_packet(q, text))
		return false;
	return receive_packet(q, answer, room, ANSWER_MS) || broken(q);
}

static bool ask_ok(struct qemu *q, const char *text)
{
	char answer[64];

	return ask(q, text, answer, sizeof(answer)) && strcmp(answer, "OK") == 0;
}

/* ---- life ---- */
static bool write_rom(const char *path)
{
	uint8_t *rom = malloc(ROM_BYTES);
	FILE *f = fopen(path, "wb");
	bool good = rom && f;

	if (good) {
		memset(rom, 0xf4, ROM_BYTES);
		memcpy(rom + 0xfff0, "\xea\x00\x00\x00\xf0", 5); /* JMP F000:0000 */
		good = fwrite(rom, 1, ROM_BYTES, f) == ROM_BYTES;
	}
	if (f)
		good &= fclose(f) == 0;
	free(rom);
	return good;
}

static void run_qemu(const struct qemu *q)
{
	char rom[64], memory[160], wire[96];
	int null = open("/dev/null", O_RDWR);

	snprintf(rom, sizeof(rom), "%s/rom", q->folder);
	snprintf(memory, sizeof(memory), "memory-backend-file,id=ram,size=4M,mem-path=%s/ram,share=on", q->folder);
	snprintf(wire, sizeof(wire), "socket,id=wire,path=%s/wire,server=on,wait=off", q->folder);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-M", "isapc,memory-backend=ram", "-object", memory, "-m",
	       "4", "-cpu", q->model, "-bios", rom, "-display", "none", "-vga", "none", "-nodefaults", "-S", "-chardev",
	       wire, "-gdb", "chardev:wire", (char *)NULL);
	_exit(127);
}

static bool connect_wire(struct qemu *q)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/wire", q->folder);
	for (unsigned i = 0; i < START_TRIES; i++) {
		q->wire = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (q->wire >= 0 && connect(q->wire, (struct sockaddr *)&at, sizeof(at)) == 0)
			return true;
		if (q->wire >= 0)
			close(q->wire);
		q->wire = -1;
		if (waitpid(q->pid, NULL, WNOHANG) == q->pid) {
			q->pid = -1;
			return false;
		}
		usleep(20000);
	}
	return false;
}

static bool map_ram(struct qemu *q)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/ram", q->folder);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	q->ram = fd >= 0 ? mmap(NULL, QEMU_RAM, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	return q->ram != MAP_FAILED;
}

struct qemu *qemu_start(const char *model)
{
	struct qemu *q = calloc(1, sizeof(*q));
	char rom[64], answer[64];

	if (!q)
		return NULL;
	q->model = model;
	q->wire = q->pid = -1;
	q->ram = MAP_FAILED;
	snprintf(q->folder, sizeof(q->folder), "/tmp/trapgate-qemu-XXXXXX");
	if (!mkdtemp(q->folder)) {
		free(q);
		return NULL;
	}
	snprintf(rom, sizeof(rom), "%s/rom", q->folder);
	if (write_rom(rom) && (q->pid = fork()) == 0)
		run_qemu(q);
	if (q->pid > 0 && connect_wire(q) && ask(q, "qSupported", answer, sizeof(answer)) && map_ram(q))
		return q;
	qemu_stop(q);
	return NULL;
}

void qemu_stop(struct qemu *q)
{
	static const char *const files[] = {"rom", "ram", "wire"};
	char path[64];

	if (q->pid > 0) {
		kill(q->pid, SIGKILL);
		while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (q->wire >= 0)
		close(q->wire);
	if (q->ram != MAP_FAILED)
		munmap(q->ram, QEMU_RAM);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", q->folder, files[i]);
		unlink(path);
	}
	rmdir(q->folder);
	free(q);
}

/* ---- requests ---- */
bool qemu_reset(struct qemu *q)
{
	/* "system_reset" and a newline, for the monitor */
	return ask_ok(q, "qRcmd,73797374656d5f72657365740a");
}

bool qemu_write(struct qemu *q, uint32_t at, const void *data, size_t size)
{
	char text[MOST_WRITE * 2 + 40];
	const uint8_t *bytes = data;

	while (size) {
		size_t n = size < MOST_WRITE ? size : MOST_WRITE;
		int head = snprintf(text, sizeof(text), "M%x,%zx:", at, n);
		for (size_t i = 0; i < n; i++)
			snprintf(text + head + i * 2, 3, "%02x", bytes[i]);
		if (!ask_ok(q, text))
			return false;
		at += (uint32_t)n;
		bytes += n;
		size -= n;
	}
	return true;
}

bool qemu_break(struct qemu *q, uint64_t linear, bool on)
{
	char text[40];

	snprintf(text, sizeof(text), "%c0,%" PRIx64 ",1", on ? 'Z' : 'z', linear);
	return ask_ok(q, text);
}

bool qemu_step(struct qemu *q)
{
	char answer[64];

	return ask(q, "s", answer, sizeof(answer)) && answer[0] == 'T';
}

bool qemu_continue(struct qemu *q, unsigned milliseconds, bool *stopped)
{
	char answer[64];

	if (!send_packet(q, "c"))
		return false;
	*stopped = receive_packet(q, answer, sizeof(answer), (int)milliseconds);
	if (*stopped || q->broken)
		return !q->broken;
	return send_all(q, "\x03", 1) && (receive_packet(q, answer, sizeof(answer), ANSWER_MS) || broken(q));
}

static unsigned hex_byte(const char *text)
{
	unsigned value = 0;

	sscanf(text, "%2x", &value);
	return value;
}

static const uint8_t *take(const uint8_t *from, void *to, size_t size)
{
	memcpy(to, from, size);
	return from + size;
}

/* "info registers" and a newline, for the monitor, whose text comes in packets O...; YMMnn= has the highest part first.
 */
static bool upper_halves(struct qemu *q, struct qemu_state *s)
{
	char text[2048], line[1024] = "";
	unsigned n = 0, reg;
	uint64_t v[4];

	if (!send_packet(q, "qRcmd,696e666f207265676973746572730a"))
		return false;
	while (receive_packet(q, text, sizeof(text), ANSWER_MS)) {
		if (text[0] != 'O' || text[1] == 'K')
			return true;
		for (const char *p = text + 1; p[0] && p[1]; p += 2) {
			char c = (char)hex_byte(p);
			if (c != '\n' && n + 1 < sizeof(line)) {
				line[n++] = c;
				continue;
			}
			line[n] = 0;
			n = 0;
			if (sscanf(line, "YMM%2u=%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &reg, &v[3], &v[2],
				   &v[1], &v[0]) == 5 &&
			    reg < 16)
				memcpy(s->vec[reg], v, sizeof(v));
		}
	}
	return broken(q);
}

/* What the stub of an x86-64 shows: rax rbx rcx rdx rsi rdi rbp rsp r8 ... r15 rip, eflags cs ss ds es fs gs of 32
 * bits, the bases of FS and GS, IA32_KERNEL_GS_BASE, cr0 cr2 cr3 cr4 cr8 efer, st0 ... st7, eight words of x87 control
 * of 32 bits, xmm0 ... xmm15, mxcsr. */
bool qemu_state(struct qemu *q, struct qemu_state *s, bool upper)
{
	static const uint8_t order[8] = {0, 3, 1, 2, 6, 7, 5, 4};
	char text[2048];
	uint8_t bytes[608];
	const uint8_t *p = bytes;

	memset(s, 0, sizeof(*s));
	if (!ask(q, "g", text, sizeof(text)) || strlen(text) < sizeof(bytes) * 2)
		return false;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)hex_byte(text + i * 2);
	for (unsigned i = 0; i < 16; i++)
		p = take(p, &s->gpr[i < 8 ? order[i] : i], 8);
	p = take(p, &s->rip, 8);
	p = take(p, &s->eflags, 4);
	p = take(p, s->seg, sizeof(s->seg));
	p = take(p, s->base, sizeof(s->base));
	uint64_t *const control[] = {&s->cr0, &s->cr2, &s->cr3, &s->cr4, &s->cr8, &s->efer};
	for (unsigned i = 0; i < 6; i++)
		p = take(p, control[i], 8);
	p = take(p, s->st, sizeof(s->st)) + 32;
	for (unsigned i = 0; i < 16; i++)
		p = take(p, s->vec[i], 16);
	take(p, &s->mxcsr, 4);
	return !upper || upper_halves(q, s);
}
