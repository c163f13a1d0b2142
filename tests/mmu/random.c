/* The mmu against a plain walker that is written straight from SDM 3A's
 * figures, byte by byte and without any cache: random tables, modes (IA-32e mode's too),
 * privileges, accesses, invalidations.  After each round all of memory must
 * agree, accessed and dirty bits included.  Segments likewise. */
#include "mmu/bench.h"

#define ROUNDS 2000
#define STEPS  400
#define LINEAR 48          /* pages a round uses */
#define DATA_START 0x40000u /* tables lie below, data above */

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 11;
}
static uint64_t below(uint64_t n) { return rnd() % n; }
static bool chance(unsigned percent) { return below(100) < percent; }

/* ---- the reference ---- */

struct want { /* an access */
	uint64_t lin;
	unsigned bytes;
	bool write, fetch, user, implicit;
};

struct outcome {
	bool ok;
	unsigned vector;
	uint32_t error;
	uint64_t cr2;
	uint64_t value;
};

struct model {
	const struct arch_state *s;
	unsigned phys_bits;
	bool pat, a20, huge;
	uint8_t *ram; /* a copy of RAM that only the model changes */
};

static uint64_t bus_address(const struct model *m, uint64_t pa) { return m->a20 ? pa : pa & ~UINT64_C(0x100000); }

static uint8_t load8(const struct model *m, uint64_t pa)
{
	pa = bus_address(m, pa);
	if (pa < RAM_SIZE)
		return m->ram[pa];
	if (pa >= ROM_PA && pa < ROM_PA + 4)
		return (uint8_t) "ROM!"[pa - ROM_PA];
	return 0xff;
}

static void store8(const struct model *m, uint64_t pa, uint8_t v)
{
	pa = bus_address(m, pa);
	if (pa < RAM_SIZE)
		m->ram[pa] = v;
}

static uint64_t load_entry(const struct model *m, uint64_t pa, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)load8(m, pa + i) << (8 * i);
	return v;
}

static bool pf(struct outcome *o, const struct model *m, const struct want *w, uint64_t lin, uint32_t error)
{
	bool nx = (m->s->cr4 & CR4_PAE) && (m->s->efer & EFER_NXE);

	o->ok = false;
	o->vector = 14;
	o->cr2 = lin;
	o->error = error | (w->write ? 2 : 0) | (w->user ? 4 : 0);
	if (w->fetch && (nx || (m->s->cr4 & CR4_SMEP)))
		o->error |= 16;
	return false;
}

/* SDM 3A, "Determination of Access Rights", sentence by sentence. */
static bool allowed(const struct model *m, const struct want *w, bool user_page, bool writable, bool xd)
{
	bool wp = m->s->cr0 & CR0_WP, ac = m->s->rflags & FLAG_AC;

	if (w->user && !user_page)
		return false;
	if (w->fetch) {
		if (!w->user && user_page && (m->s->cr4 & CR4_SMEP))
			return false;
		return !xd;
	}
	if (!w->user && user_page && (m->s->cr4 & CR4_SMAP) && (!ac || w->implicit))
		return false;
	if (w->write && !writable)
		return !w->user && !wp;
	return true;
}

/* One entry that maps a page or not; false: a fault. */
static bool usable(struct outcome *o, const struct model *m, const struct want *w, uint64_t lin, uint64_t entry,
		   uint64_t reserved)
{
	if (!(entry & 1))
		return pf(o, m, w, lin, 0);
	if (entry & reserved)
		return pf(o, m, w, lin, 1 | 8);
	return true;
}

static void mark(const struct model *m, uint64_t at, uint64_t entry, uint8_t bits, bool really)
{
	if (really)
		store8(m, at, (uint8_t)(entry | bits));
}

static uint64_t high_bits(unsigned from, unsigned to) /* inclusive; none if from > to */
{
	uint64_t v = 0;

	for (unsigned i = from; i <= to; i++)
		v |= UINT64_C(1) << i;
	return v;
}

static bool walk32(struct outcome *o, const struct model *m, const struct want *w, uint64_t lin, bool really,
		   uint64_t *pa)
{
	bool pse = m->s->cr4 & CR4_PSE;
	uint64_t at = (m->s->cr3 & 0xfffff000) + 4 * (lin >> 22), pde = load_entry(m, at, 4), pte, at2;
	uint8_t used = w->write ? 0x60 : 0x20;
	unsigned top = m->phys_bits < 40 ? m->phys_bits : 40;
	uint64_t reserved = 0;

	if (pse && (pde & 0x80)) {
		reserved = high_bits(top - 19, 21) | (m->pat ? 0 : 0x1000);
		if (!usable(o, m, w, lin, pde, reserved))
			return false;
		if (!allowed(m, w, pde & 4, pde & 2, false))
			return pf(o, m, w, lin, 1);
		mark(m, at, pde, used, really);
		*pa = (pde & 0xffc00000) | ((pde >> 13 & 0xff) << 32) | (lin & 0x3fffff);
		return true;
	}
	if (!usable(o, m, w, lin, pde, 0))
		return false;
	mark(m, at, pde, 0x20, really);
	at2 = (pde & 0xfffff000) + 4 * (lin >> 12 & 0x3ff);
	pte = load_entry(m, at2, 4);
	if (!usable(o, m, w, lin, pte, pse && !m->pat ? 0x80 : 0))
		return false;
	if (!allowed(m, w, pde & pte & 4, pde & pte & 2, false))
		return pf(o, m, w, lin, 1);
	mark(m, at2, pte, used, really);
	*pa = (pte & 0xfffff000) | (lin & 0xfff);
	return true;
}

static bool walk_pae(struct outcome *o, const struct model *m, const struct want *w, uint64_t lin, bool really,
		     uint64_t *pa)
{
	uint64_t pdpte = m->s->pdpte[lin >> 30], at, pde, at2, pte;
	uint64_t reserved = high_bits(m->phys_bits, 62) | (m->s->efer & EFER_NXE ? 0 : UINT64_C(1) << 63);
	uint8_t used = w->write ? 0x60 : 0x20;

	if (!(pdpte & 1))
		return pf(o, m, w, lin, 0);
	at = (pdpte & high_bits(12, 51)) + 8 * (lin >> 21 & 0x1ff);
	pde = load_entry(m, at, 8);
	if (pde & 0x80) {
		if (!usable(o, m, w, lin, pde, reserved | high_bits(13, 20) | (m->pat ? 0 : 0x1000)))
			return false;
		if (!allowed(m, w, pde & 4, pde & 2, pde >> 63))
			return pf(o, m, w, lin, 1);
		mark(m, at, pde, used, really);
		*pa = (pde & high_bits(21, 51)) | (lin & 0x1fffff);
		return true;
	}
	if (!usable(o, m, w, lin, pde, reserved))
		return false;
	mark(m, at, pde, 0x20, really);
	at2 = (pde & high_bits(12, 51)) + 8 * (lin >> 12 & 0x1ff);
	pte = load_entry(m, at2, 8);
	if (!usable(o, m, w, lin, pte, reserved | (m->pat ? 0 : 0x80)))
		return false;
	if (!allowed(m, w, pde & pte & 4, pde & pte & 2, (pde | pte) >> 63))
		return pf(o, m, w, lin, 1);
	mark(m, at2, pte, used, really);
	*pa = (pte & high_bits(12, 51)) | (lin & 0xfff);
	return true;
}

/* SDM 3A, "Protection Keys". */
static bool key_denies(const struct model *m, const struct want *w, bool user_page, uint64_t leaf)
{
	unsigned key = leaf >> 59 & 15;
	bool ad = m->s->pkru >> (2 * key) & 1, wd = m->s->pkru >> (2 * key + 1) & 1;

	if (!(m->s->cr4 & CR4_PKE) || !user_page || w->fetch)
		return false;
	return ad || (wd && w->write && (w->user || (m->s->cr0 & CR0_WP)));
}

static uint64_t reserved_long(const struct model *m, unsigned level, uint64_t entry)
{
	uint64_t reserved = high_bits(m->phys_bits, 51) | (m->s->efer & EFER_NXE ? 0 : UINT64_C(1) << 63);
	bool may_map = level == 2 || (level == 3 && m->huge);

	if (level == 1)
		return reserved | (m->pat ? 0 : 0x80);
	if (!may_map)
		return reserved | 0x80;
	if (entry & 0x80)
		reserved |= high_bits(13, 12 + 9 * (level - 1) - 1) | (m->pat ? 0 : 0x1000);
	return reserved;
}

static bool walk_long(struct outcome *o, const struct model *m, const struct want *w, uint64_t lin, bool really,
		      uint64_t *pa)
{
	uint64_t table = m->s->cr3 & high_bits(12, 31), at, entry;
	bool user = true, writable = true, xd = false;
	unsigned level = m->s->cr4 & CR4_LA57 ? 5 : 4;
	uint8_t used = w->write ? 0x60 : 0x20;

	for (;; level--) {
		at = table + 8 * (lin >> (12 + 9 * (level - 1)) & 0x1ff);
		entry = load_entry(m, at, 8);
		if (!usable(o, m, w, lin, entry, reserved_long(m, level, entry)))
			return false;
		user = user && (entry & 4);
		writable = writable && (entry & 2);
		xd = xd || entry >> 63;
		if (level == 1 || (entry & 0x80))
			break;
		mark(m, at, entry, 0x20, really);
		table = entry & high_bits(12, 51);
	}
	if (key_denies(m, w, user, entry))
		return pf(o, m, w, lin, 1 | 0x20);
	if (!allowed(m, w, user, writable, xd))
		return pf(o, m, w, lin, 1);
	mark(m, at, entry, used, really);
	*pa = (entry & high_bits(12 + 9 * (level - 1), 51)) | (lin & high_bits(0, 12 + 9 * (level - 1) - 1));
	return true;
}

static bool walk(struct outcome *o, const struct model *m, const struct want *w, uint64_t lin, bool really,
		 uint64_t *pa)
{
	if (!(m->s->cr0 & CR0_PG)) {
		*pa = lin;
		return true;
	}
	if (m->s->efer & EFER_LMA)
		return walk_long(o, m, w, lin, really, pa);
	return m->s->cr4 & CR4_PAE ? walk_pae(o, m, w, lin, really, pa) : walk32(o, m, w, lin, really, pa);
}

static uint64_t mask(const struct model *m, const struct want *w)
{
	bool lma = m->s->efer & EFER_LMA;

	return lma && (w->implicit || m->s->seg[SEG_CS].l) ? UINT64_MAX : UINT32_MAX;
}

static bool canonical(const struct model *m, uint64_t lin)
{
	uint64_t top = lin >> (m->s->cr4 & CR4_LA57 ? 56 : 47);

	return !(m->s->efer & EFER_LMA) || top == 0 || top == (m->s->cr4 & CR4_LA57 ? 0xff : 0x1ffff);
}

/* The outcome of an access; without `really` nothing changes and *tables tells
 * whether it would store below DATA_START or touch the device. */
static struct outcome expect(const struct model *m, const struct want *w, bool really, uint64_t value, bool *tables)
{
	struct outcome o = {.ok = true};
	uint64_t pa[8];

	*tables = false;
	for (unsigned i = 0; i < w->bytes; i++)
		if (!canonical(m, (w->lin + i) & mask(m, w)))
			return (struct outcome){.vector = 13};
	for (unsigned i = 0; i < w->bytes; i++) {
		uint64_t lin = (w->lin + i) & mask(m, w);

		if (i == 0 || (lin & 0xfff) == 0) {
			if (!walk(&o, m, w, lin, really, &pa[i]))
				return o;
		} else {
			pa[i] = pa[i - 1] + 1;
		}
		*tables = *tables || (w->write && bus_address(m, pa[i]) < DATA_START) ||
			  bus_address(m, pa[i]) >> 12 == DEVICE_PA >> 12;
	}
	if (w->user && !w->fetch && (m->s->cr0 & CR0_AM) && (m->s->rflags & FLAG_AC) && w->lin % w->bytes != 0)
		return (struct outcome){.vector = 17};
	for (unsigned i = 0; i < w->bytes; i++) {
		if (!w->write)
			o.value |= (uint64_t)load8(m, pa[i]) << (8 * i);
		else if (really)
			store8(m, pa[i], (uint8_t)(value >> (8 * i)));
	}
	return o;
}

/* ---- random worlds ---- */

struct world {
	struct bench *b;
	struct model m;
	uint64_t linear[LINEAR];
	bool tables_changed; /* since all PCIDs were flushed */
};

/* Both memories. */
static void put(struct world *w, uint64_t pa, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++) {
		w->m.ram[pa + i] = (uint8_t)(v >> (8 * i));
		bus_write(w->b->bus, pa + i, 1, (v >> (8 * i)) & 0xff);
	}
}

static uint64_t random_flags(void)
{
	uint64_t v = 0;

	v |= chance(92) ? 1 : 0;
	v |= chance(75) ? 2 : 0;
	v |= chance(75) ? 4 : 0;
	v |= below(4) << 3; /* PWT, PCD */
	v |= chance(40) ? 0x20 : 0;
	v |= chance(40) ? 0x40 : 0;
	v |= chance(20) ? 0x100 : 0;
	return v | below(8) << 9;
}

static uint64_t random_frame(void)
{
	static const uint64_t special[] = {HOLE_PA, ROM_PA, 0x3ff000, 0x140000};

	return chance(15) ? special[below(4)] : DATA_START + (below(64) << 12);
}

static uint64_t strange_bits(bool wide)
{
	uint64_t v = 0;

	if (wide && chance(6))
		v |= UINT64_C(1) << (32 + below(32));
	if (wide && chance(10))
		v |= UINT64_C(1) << 63;
	if (chance(5))
		v |= 0x80;
	return v;
}

/* Of IA-32e mode: PML5, PML4, PDPT at 5000-7fff.  The upper entries are few and mostly good. */
static uint64_t random_upper(struct world *w, uint64_t lin)
{
	uint64_t pd = 0x1000 + (below(4) << 12), pdpte = pd | random_flags() | 1;

	if (chance(15))
		pdpte = (below(2) << 30) | 0x87 | random_flags();
	if (chance(3))
		pdpte |= UINT64_C(1) << below(64);
	put(w, 0x5000 + (lin >> 48 & 0x1ff) * 8, 8, 0x6007 | (chance(5) ? UINT64_C(1) << below(64) : 0));
	put(w, 0x6000 + (lin >> 39 & 0x1ff) * 8, 8, 0x7007 | (chance(5) ? UINT64_C(1) << below(64) : 0));
	put(w, 0x7000 + (lin >> 30 & 0x1ff) * 8, 8, pdpte | (below(16) << 59));
	return pd;
}

/* Tables: directories at 1000-4fff, page tables at 10000-1ffff. */
static void random_entries(struct world *w, uint64_t lin)
{
	bool pae = w->m.s->cr4 & CR4_PAE;
	unsigned bytes = pae ? 8 : 4, big = pae ? 21 : 22;
	uint64_t index = lin >> 12 & (pae ? 0x1ff : 0x3ff);
	uint64_t pd = pae ? 0x1000 + (lin >> 30) * 0x1000 + (lin >> 21 & 0x1ff) * 8 : 0x1000 + (lin >> 22) * 4;
	uint64_t table = 0x10000 + (below(8) << 12), pde = table | random_flags() | strange_bits(pae), pte;
	bool lma = w->m.s->efer & EFER_LMA;

	if (chance(20)) {
		pde = (below(2) << big) | random_flags() | 0x80;
		if (chance(20))
			pde |= UINT64_C(1) << (12 + below(big - 12));
		if (pae && chance(5))
			pde |= UINT64_C(1) << (36 + below(28));
	}
	pte = random_frame() | random_flags() | strange_bits(pae);
	if (lma) {
		pd = random_upper(w, lin) + (lin >> 21 & 0x1ff) * 8;
		pde |= below(8) << 59;
		pte |= below(8) << 59;
	}
	put(w, pd, bytes, pde);
	put(w, table + index * bytes, bytes, pte);
}

static void random_code(struct world *w) { bench_code64(w->b, chance(70)); }

static void random_long(struct world *w)
{
	struct arch_state *s = &w->b->s;

	s->efer |= EFER_LMA | EFER_LME;
	s->cr4 |= (chance(50) ? CR4_LA57 : 0) | (chance(50) ? CR4_PKE : 0) | (chance(50) ? CR4_PCIDE : 0);
	s->cr3 = (s->cr4 & CR4_LA57 ? 0x5000 : 0x6000) | below(32);
	s->pkru = chance(50) ? 0 : rnd() & UINT32_MAX;
	w->m.huge = chance(60);
	w->b->mmu.has_1g_pages = w->m.huge;
}

/* Sign-extended, and some below 4 GiB for compatibility mode. */
static uint64_t random_linear(const struct world *w)
{
	unsigned bits = w->m.s->cr4 & CR4_LA57 ? 57 : 48;
	uint64_t lin = (rnd() << 12) & high_bits(12, bits - 1);

	if (!(w->m.s->efer & EFER_LMA) || chance(40))
		return below(1u << 20) << 12;
	return lin >> (bits - 1) ? lin | high_bits(bits, 63) : lin;
}

static void random_world(struct world *w)
{
	struct arch_state *s = &w->b->s;
	unsigned bits[] = {32, 36, 40, 52};

	s->cr0 = CR0_PE | (chance(95) ? CR0_PG : 0) | (chance(50) ? CR0_WP : 0) | (chance(30) ? CR0_AM : 0);
	s->cr4 = (chance(60) ? CR4_PSE : 0) | (chance(50) ? CR4_PAE : 0) | (chance(50) ? CR4_PGE : 0) |
		 (chance(40) ? CR4_SMEP : 0) | (chance(40) ? CR4_SMAP : 0);
	s->efer = chance(60) ? EFER_NXE : 0;
	s->cr3 = 0x1000 | below(32);
	if ((s->cr0 & CR0_PG) && (s->cr4 & CR4_PAE) && chance(65))
		random_long(w);
	w->m.phys_bits = bits[below(4)];
	w->m.pat = chance(70);
	w->m.a20 = chance(85);
	w->b->mmu.phys_mask = (UINT64_C(1) << w->m.phys_bits) - 1;
	w->b->mmu.has_pat = w->m.pat;
	mmu_set_a20(&w->b->mmu, w->m.a20);
	for (unsigned i = 0; i < 4; i++)
		s->pdpte[i] = (0x1000 + 0x1000 * i) | (chance(90) ? 1 : 0);
	for (unsigned i = 0; i < LINEAR; i++) {
		/* Neighbours for accesses across pages, others anywhere. */
		w->linear[i] = i > 0 && chance(50) ? w->linear[i - 1] + 0x1000 : random_linear(w);
		if (!(s->efer & EFER_LMA))
			w->linear[i] &= UINT32_MAX;
		random_entries(w, w->linear[i]);
	}
	random_code(w);
	mmu_mode_changed(&w->b->mmu);
	mmu_flush(&w->b->mmu, true);
	w->tables_changed = false;
}

/* CR3 with another PCID, which keeps what it has as long as no table changed. */
static void random_pcid(struct world *w)
{
	struct arch_state *s = &w->b->s;
	bool keep = (s->cr4 & CR4_PCIDE) && !w->tables_changed && chance(80);

	mmu_load_cr3(&w->b->mmu, (s->cr3 & ~UINT64_C(0xfff)) | below(8) | (keep ? CR3_NO_FLUSH : 0));
}

/* A page, and the one that compatibility mode makes of it. */
static void invalidate(struct world *w, uint64_t lin)
{
	bool code64 = w->b->s.seg[SEG_CS].l;

	bench_code64(w->b, true); /* INVLPG has 64-bit addresses there alone */
	mmu_invlpg(&w->b->mmu, lin | below(4096));
	mmu_invlpg(&w->b->mmu, (lin & UINT32_MAX) | below(4096));
	bench_code64(w->b, code64);
}

/* Something that is not an access. */
static void random_event(struct world *w)
{
	static const uint8_t cpls[] = {0, 1, 3, 3};
	struct arch_state *s = &w->b->s;

	switch (below(s->efer & EFER_LMA ? 11 : 8)) {
	case 8:
		random_pcid(w);
		break;
	case 9:
		s->pkru = chance(30) ? 0 : rnd() & UINT32_MAX;
		mmu_pkru_changed(&w->b->mmu);
		break;
	case 10:
		random_code(w);
		break;
	case 0:
		s->cr0 ^= CR0_WP;
		break;
	case 1:
		s->cr4 ^= CR4_SMAP;
		break;
	case 2:
		mmu_flush(&w->b->mmu, chance(50));
		break;
	case 3: /* other tables: whatever may be cached is invalidated */
		random_entries(w, w->linear[below(LINEAR)]);
		w->tables_changed = chance(50); /* invalidating a page leaves those of other PCIDs */
		if (!w->tables_changed)
			mmu_flush(&w->b->mmu, true);
		else
			for (unsigned i = 0; i < LINEAR; i++) {
				invalidate(w, w->linear[i]);
				invalidate(w, w->linear[i] + 0x1000);
			}
		break;
	case 4:
		s->rflags ^= FLAG_AC;
		break;
	default:
		s->cpl = cpls[below(4)];
		break;
	}
	mmu_mode_changed(&w->b->mmu);
}

static struct want random_access(const struct world *w)
{
	struct want a = {.bytes = 1u << below(4)};
	uint64_t flip = UINT64_C(1) << (46 + below(18));

	a.lin = w->linear[below(LINEAR)] + (chance(30) ? 4096 - below(10) : below(4096));
	a.fetch = chance(15);
	a.write = !a.fetch && chance(50);
	a.implicit = !a.fetch && chance(15);
	a.user = w->b->s.cpl == 3 && !a.implicit;
	if (a.fetch)
		a.bytes = 1;
	if (chance(2) && !canonical(&w->m, a.lin ^ flip)) /* else it is a page that nobody invalidates */
		a.lin ^= flip;
	a.lin &= mask(&w->m, &a);
	return a;
}

static struct outcome perform(struct world *w, const struct want *a, uint64_t value)
{
	struct mmu *mmu = &w->b->mmu;
	struct rd rd = {0, true};
	struct outcome o;

	if (a->fetch)
		rd = mmu_fetch_byte(mmu, a->lin);
	else if (a->implicit && a->write)
		rd.ok = lin_write(mmu, a->lin, a->bytes, value);
	else if (a->implicit)
		rd = lin_read(mmu, a->lin, a->bytes);
	else if (a->write && chance(30)) {
		struct rmw r = seg_rmw(mmu, SEG_DS, a->lin, a->bytes);
		rd.ok = r.ok;
		if (r.ok)
			rmw_write(mmu, &r, a->bytes, value);
	} else if (a->write)
		rd.ok = seg_write(mmu, SEG_DS, a->lin, a->bytes, value);
	else
		rd = seg_read(mmu, SEG_DS, a->lin, a->bytes);
	o = (struct outcome){.ok = rd.ok, .value = a->write ? 0 : rd.v};
	if (!rd.ok)
		o = (struct outcome){.vector = w->b->fault.vector, .error = w->b->fault.error, .cr2 = w->b->fault.cr2};
	return o;
}

static void compare(const struct outcome *got, const struct outcome *want, const struct want *a)
{
	if (got->ok == want->ok && got->vector == want->vector && got->error == want->error &&
	    got->cr2 == want->cr2 && got->value == want->value)
		return;
	fail_msg("%s%s %u bytes at %llx: ok %d vector %u error %x cr2 %llx value %llx; the model: %d %u %x %llx %llx",
		 a->implicit ? "implicit " : "", a->fetch ? "fetch" : a->write ? "write" : "read", a->bytes,
		 (unsigned long long)a->lin, got->ok, got->vector, got->error, (unsigned long long)got->cr2,
		 (unsigned long long)got->value, want->ok, want->vector, want->error, (unsigned long long)want->cr2,
		 (unsigned long long)want->value);
}

static void random_worlds_agree_with_a_plain_walker(void **state)
{
	struct world w = {.b = *state};
	unsigned faults = 0, good = 0;

	w.m.s = &w.b->s;
	w.m.ram = malloc(RAM_SIZE);
	memcpy(w.m.ram, w.b->ram->host, RAM_SIZE);
	for (unsigned round = 0; round < ROUNDS; round++) {
		random_world(&w);
		for (unsigned step = 0; step < STEPS; step++) {
			struct want a;
			struct outcome want, got;
			uint64_t value = rnd();
			bool tables;

			if (chance(15))
				random_event(&w);
			a = random_access(&w);
			expect(&w.m, &a, false, value, &tables);
			if (tables)
				continue;
			want = expect(&w.m, &a, true, value, &tables);
			got = perform(&w, &a, value);
			compare(&got, &want, &a);
			faults += !want.ok;
			good += want.ok;
		}
		if (memcmp(w.m.ram, w.b->ram->host, RAM_SIZE) != 0)
			fail_msg("round %u: memory differs", round);
	}
	free(w.m.ram);
	/* Neither kind may have died out. */
	assert_true(faults > ROUNDS * STEPS / 20 && good > ROUNDS * STEPS / 5);
}

/* ---- segments ---- */

/* Byte by byte: is offset off inside? */
static bool inside(const struct segment *g, uint64_t off)
{
	bool down = (g->type & (TYPE_CODE | TYPE_EXPANDDOWN)) == TYPE_EXPANDDOWN;

	if (down)
		return off > g->limit && off <= (g->db ? 0xffffffff : 0xffff);
	return off <= g->limit;
}

static bool permitted(const struct segment *g, bool untyped, uint64_t off, unsigned bytes, bool write)
{
	bool whole = g->limit == 0xffffffff && (g->type & (TYPE_CODE | TYPE_EXPANDDOWN)) != TYPE_EXPANDDOWN;

	if (!untyped && !g->usable)
		return false;
	if (!untyped && write && ((g->type & TYPE_CODE) || !(g->type & TYPE_WRITABLE)))
		return false;
	if (!untyped && !write && (g->type & TYPE_CODE) && !(g->type & TYPE_READABLE))
		return false;
	for (unsigned i = 0; i < bytes; i++) {
		if (!inside(g, off + i) && !whole)
			return false;
	}
	return true;
}

static void random_segments_agree_with_a_check_of_each_byte(void **state)
{
	static const uint32_t corners[] = {0, 0xfff, 0xffff, 0x10000, 0xfffffffe, 0xffffffff};
	struct bench *b = *state;

	for (unsigned i = 0; i < 200000; i++) {
		enum seg seg = (enum seg)below(6);
		struct segment g = {.limit = corners[below(6)], .type = (uint8_t)below(16), .s = true, .present = true,
				    .db = chance(50), .usable = chance(90)};
		unsigned bytes = 1u << below(4), mode = (unsigned)below(3);
		uint64_t off = (corners[below(6)] + below(20) - 10) & 0xffffffff;
		bool write = chance(50), want, got;

		b->s.cr0 = mode == 0 ? 0 : CR0_PE;
		b->s.rflags = mode == 1 ? FLAG_VM : 0;
		mmu_mode_changed(&b->mmu);
		bench_segment(b, seg, g);
		want = permitted(&g, mode < 2, off, bytes, write);
		got = write ? seg_probe_write(&b->mmu, seg, off, bytes) : seg_read(&b->mmu, seg, off, bytes).ok;
		if (got != want)
			fail_msg("type %x limit %x db %d usable %d mode %u off %llx bytes %u write %d: %d", g.type,
				 g.limit, g.db, g.usable, mode, (unsigned long long)off, bytes, write, got);
		if (!got)
			assert_int_equal(b->fault.vector, seg == SEG_SS ? VEC_SS : VEC_GP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_worlds_agree_with_a_plain_walker),
		TEST(random_segments_agree_with_a_check_of_each_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
