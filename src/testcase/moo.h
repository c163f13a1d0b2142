/* Hardware-captured single-instruction tests: gzipped MOO files, their
 * metadata.json and revocation_list.txt.  ../shared/vectors/README.md has the format. */
#ifndef TRAPGATE_TESTCASE_MOO_H
#define TRAPGATE_TESTCASE_MOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum moo_reg {
	MOO_AX,
	MOO_BX,
	MOO_CX,
	MOO_DX,
	MOO_CS,
	MOO_SS,
	MOO_DS,
	MOO_ES,
	MOO_SP,
	MOO_BP,
	MOO_SI,
	MOO_DI,
	MOO_IP,
	MOO_FLAGS,
	MOO_REGS
};
extern const char *const moo_reg_names[MOO_REGS];

#define MOO_MAX_BYTES 16
#define MOO_MAX_RAM   1024

struct moo_byte {
	uint32_t address;
	uint8_t value;
};

struct moo_state {
	uint16_t reg[MOO_REGS]; /* of a final state: complete, not only what changed */
	unsigned ram_count;
	struct moo_byte ram[MOO_MAX_RAM];
};

struct moo_test {
	uint32_t index;
	char name[80];
	unsigned size;
	uint8_t bytes[MOO_MAX_BYTES];
	struct moo_state init, final;
	bool exception;
	uint8_t vector;
	uint32_t flags_address; /* linear, of the pushed flags */
	uint8_t hash[20];
};

struct moo_file {
	uint8_t *data;
	size_t size, at;
	unsigned count; /* tests the header promises */
};

/* False: no such file, or not a MOO file.  moo_close frees what it read. */
bool moo_open(struct moo_file *file, const char *path);
void moo_close(struct moo_file *file);
/* The next test.  False at the end; *bad tells whether the file was cut or malformed. */
bool moo_next(struct moo_file *file, struct moo_test *test, bool *bad);

/* metadata.json: which flags a form leaves undefined. */
struct moo_metadata;
struct moo_metadata *moo_metadata_new(const char *folder); /* NULL: not there, or no JSON */
void moo_metadata_free(struct moo_metadata *m);
/* Were the vectors captured from an 80286? */
bool moo_is_286(const struct moo_metadata *m);
/* The flags that mean something after this form ("F6.4").  True if the form is listed. */
bool moo_flags_mask(const struct moo_metadata *m, const char *form, uint16_t *mask);
bool moo_revoked(const struct moo_metadata *m, const uint8_t hash[20]);

#endif
