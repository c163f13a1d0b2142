#include "testcase/touched.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AT_ONCE 512u

void *touched_new(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void touched_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

/* Linux, Documentation/admin-guide/mm/pagemap.rst: 64 bits a page; bit 63: present, 62: swapped.  A page that is
 * neither was never touched.  Where that cannot be read every page may hold something. */
void touched_pages(const void *memory, unsigned pages, bool *touched)
{
	int fd = sysconf(_SC_PAGESIZE) == TOUCHED_PAGE ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;
	uint64_t entry[AT_ONCE];

	memset(touched, true, pages * sizeof(*touched));
	for (unsigned first = 0; fd >= 0 && first < pages; first += AT_ONCE) {
		unsigned n = pages - first < AT_ONCE ? pages - first : AT_ONCE;
		off_t at = (off_t)(((uintptr_t)memory / TOUCHED_PAGE + first) * sizeof(entry[0]));
		if (pread(fd, entry, n * sizeof(entry[0]), at) != (ssize_t)(n * sizeof(entry[0])))
			break;
		for (unsigned i = 0; i < n; i++)
			touched[first + i] = entry[i] >> 62 != 0;
	}
	if (fd >= 0)
		close(fd);
}

size_t touched_first_difference(const uint8_t *a, const uint8_t *b, size_t size)
{
	unsigned pages = (unsigned)(size / TOUCHED_PAGE);
	bool *touched = calloc(2 * (size_t)pages + 1, sizeof(*touched));
	size_t at = 0;

	if (touched) {
		touched_pages(a, pages, touched);
		touched_pages(b, pages, touched + pages);
	}
	while (at < size) {
		size_t page = at / TOUCHED_PAGE;
		bool skip = touched && !touched[page] && !touched[pages + page];
		if (skip || !memcmp(a + at, b + at, TOUCHED_PAGE)) {
			at += TOUCHED_PAGE;
			continue;
		}
		while (a[at] == b[at])
			at++;
		break;
	}
	free(touched);
	return at;
}
