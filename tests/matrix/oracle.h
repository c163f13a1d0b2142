/* What must come of a world: the SDM's words, read straight down. */
#ifndef MATRIX_ORACLE_H
#define MATRIX_ORACLE_H

#include "world.h"

#define FRAME_MAX 48

/* What a handler finds. */
struct record {
	uint32_t index;
	uint64_t handler; /* see world.h */
	uint64_t cs, ss, esp, eflags, cr2;
	uint64_t seg[4]; /* DS ES FS GS; recorded where shows_segments() */
	uint8_t frame[FRAME_MAX];
	unsigned frame_bytes;
	uint64_t frame_unseen; /* bytes that the guest does not find where it looks, one bit each */
	uint64_t saved[5];     /* EIP EFLAGS ESP CS SS of the old task, where the handler is a task */
	bool any;              /* with a peer's rules: whatever comes */
	/* bits that the SDM leaves undefined */
	uint64_t esp_undefined, eflags_undefined, saved_eflags_undefined;
	unsigned frame_rf_undefined; /* the byte of the frame that holds it; 0: defined */
};

/* What a peer does otherwise: one bit for each row of peers.def. */
enum quirk {
#define PEER(peer, version, combinations)
#define QUIRK(peer, name, combinations, who, what, where) QUIRK_##name,
#include <peers.def>
#undef PEER
#undef QUIRK
	QUIRKS
};

/* False: no handler can be reached, and the processor shuts down.  quirks: a set of 1 << QUIRK_...; 0 is the SDM. */
bool oracle(uint32_t index, const struct world *w, uint64_t quirks, struct record *r);

/* Where the combination's event comes, and the gate, for people. */
void describe(const struct world *w);

/* What stands before the peers in docs/peers-delivery.md. */
void doc_head(uint32_t combinations);

#endif
