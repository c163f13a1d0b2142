/* Wrappers, printing, checking. */
#include "user.h"

int registers_lost;
unsigned checks_ok, checks_failed, checks_skipped;

int fork(void)
{
	return (int)CALL(NR_fork, 1, 2, 3);
}

int getpid(void)
{
	return (int)CALL(NR_getpid, 1, 2, 3);
}

int wait_for(int pid)
{
	int status = -1;

	while (CALL(NR_waitpid, pid, &status, 0) == -EINTR)
		;
	return status;
}

void leave(int code)
{
	for (;;)
		CALL(NR_exit, code, 0, 0);
}

long lab(int request, unsigned long a, unsigned long b)
{
	return CALL(NR_lab, request, a, b);
}

void see(struct lab_seen *seen)
{
	lab(LAB_SEEN, (unsigned long)seen, 0);
}

void know(struct lab_info *info)
{
	lab(LAB_INFO, (unsigned long)info, 0);
}

/* A line goes to the kernel in one call. */
static struct {
	char text[200];
	unsigned n;
} out;

static void put(char c)
{
	out.text[out.n++] = c;
	if (c == '\n' || out.n == sizeof(out.text)) {
		CALL(NR_write, 1, out.text, out.n);
		out.n = 0;
	}
}

static void put_number(unsigned long value, unsigned base, bool negative)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		put('-');
	while (n)
		put(digits[--n]);
}

static void put_int(char kind, int value)
{
	bool negative = kind == 'd' && value < 0;

	put_number(negative ? -(unsigned)value : (unsigned)value, kind == 'x' ? 16 : 10, negative);
}

/* %s %u %d %x %lx */
void print(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
		} else if (*++format == 's') {
			for (const char *text = va_arg(values, const char *); *text; text++)
				put(*text);
		} else if (*format == 'l') {
			format++;
			put_number(va_arg(values, unsigned long), 16, false);
		} else {
			put_int(*format, va_arg(values, int));
		}
	}
	va_end(values);
	if (out.n)
		CALL(NR_write, 1, out.text, out.n);
	out.n = 0;
}

bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Decimal. */
bool number_of(const char *text, unsigned *value)
{
	unsigned n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > 99999999)
			return false;
		n = n * 10 + (unsigned)(*text - '0');
	}
	*value = n;
	return true;
}

void clear(void *at, unsigned long n)
{
	for (volatile char *p = at; n; n--)
		*p++ = 0;
}

static const char *topic = "";

void about(const char *words)
{
	topic = words;
}

/* Small numbers and error numbers are decimal, the rest hexadecimal. */
bool check(const char *what, unsigned long expected, unsigned long found)
{
	bool ok = expected == found;

	if (ok)
		checks_ok++;
	else
		checks_failed++;
	print("  %s  %s: %s: ", ok ? "ok  " : "FAIL", topic, what);
	if (expected + 100 < 200 && found + 100 < 200)
		print("expected %d, found %d\n", (int)expected, (int)found);
	else
		print("expected 0x%lx, found 0x%lx\n", expected, found);
	return ok;
}

void skip(const char *what, const char *why)
{
	checks_skipped++;
	print("  SKIPPED  %s: %s: %s\n", topic, what, why);
}

int in_child(void (*fn)(void))
{
	int pid = fork();

	if (pid == 0) {
		fn();
		leave(0);
	}
	if (pid < 0)
		return pid;
	return wait_for(pid);
}

void on_signal(int number, void (*handler)(int))
{
	CALL(NR_sigaction, number, handler, RESTORER);
}
