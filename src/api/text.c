/* Texts. */
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "decode/insn.h"

#define EARLIER 2 /* deliveries shown before the one a chain began with */

/* ---- reasons and names ---- */

enum tg_error tg_why(unsigned n, struct tg_why *why)
{
	const struct why_info *info = why_info((enum why)n);
	struct tg_why out = {sizeof(out), info->name, info->sentence, info->source};

	if (!why)
		return TG_ERROR_ARGUMENT;
	if (n >= WHY_COUNT)
		return TG_ERROR_NOT_FOUND;
	return api_give(why, &out, sizeof(out), SIZE_UP_TO(struct tg_why, source));
}

enum tg_error tg_why_find(const char *name, unsigned *n)
{
	if (!name || !n)
		return TG_ERROR_ARGUMENT;
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (strcmp(why_info((enum why)i)->name, name) == 0) {
			*n = i;
			return TG_OK;
		}
	return TG_ERROR_NOT_FOUND;
}

unsigned tg_why_count(void)
{
	return WHY_COUNT;
}

const char *tg_event_name(unsigned kind)
{
	return event_kind_name((enum event_kind)kind);
}
const char *tg_outcome_name(unsigned outcome)
{
	return delivery_outcome_name((enum delivery_outcome)outcome);
}
const char *tg_step_name(unsigned step)
{
	return delivery_step_name((enum delivery_step)step);
}
const char *tg_stack_name(unsigned source)
{
	return stack_source_name((enum stack_source)source);
}
const char *tg_word_name(unsigned word, unsigned bytes)
{
	return pushed_name_text((enum pushed_name)word, 8 * bytes);
}
const char *tg_return_name(unsigned kind)
{
	return return_kind_name((enum return_kind)kind);
}
const char *tg_entry_name(unsigned kind)
{
	return entry_kind_name((enum entry_kind)kind);
}
const char *tg_task_name(unsigned cause)
{
	return task_cause_name((enum task_cause)cause);
}
const char *tg_mode_name(unsigned mode)
{
	return mode_name(mode);
}
const char *tg_exception_name(unsigned vector)
{
	return exception_name(vector);
}

/* ---- what the writers print ---- */

struct page {
	FILE *file;
	char *text;
	size_t size;
};

static bool page_open(struct page *page)
{
	*page = (struct page){NULL, NULL, 0};
	page->file = open_memstream(&page->text, &page->size);
	return page->file != NULL;
}

static enum tg_error copy(struct tg_machine *tg, const char *from, size_t length, char *text, size_t size)
{
	size_t part = length < size ? length : size - 1;

	memcpy(text, from, part);
	text[part] = '\0';
	return part == length ? TG_OK : api_fail(tg, TG_ERROR_SMALL, "the text has %zu bytes and its NUL", length);
}

/* The page into the caller's buffer. */
static enum tg_error page_close(struct tg_machine *tg, struct page *page, char *text, size_t size)
{
	enum tg_error error = TG_ERROR_MEMORY;

	if (fclose(page->file) == 0)
		error = copy(tg, page->text, page->size, text, size);
	free(page->text);
	return error;
}

enum tg_error tg_delivery_card(struct tg_machine *tg, uint64_t id, char *text, size_t size)
{
	const struct delivery_record *r = NULL;
	struct page page;

	if (!tg || !text || !size)
		return TG_ERROR_ARGUMENT;
	for (unsigned i = 0; i < TRACE_RING && (!r || r->id != id); i++) {
		r = trace_recent(&tg->m->trace, i);
		if (!r)
			break;
	}
	if (!r || r->id != id)
		return api_fail(tg, TG_ERROR_NOT_FOUND, "no delivery with this number is among the last %u",
				TRACE_RING);
	if (!page_open(&page))
		return TG_ERROR_MEMORY;
	trace_write_card(&(struct trace_writer){.file = page.file, .view = view_of(&tg->view)}, r);
	return page_close(tg, &page, text, size);
}

enum tg_error tg_explain(struct tg_machine *tg, char *text, size_t size)
{
	struct page page;

	if (!tg || !text || !size)
		return TG_ERROR_ARGUMENT;
	if (!page_open(&page))
		return TG_ERROR_MEMORY;
	trace_explain(&(struct trace_writer){.file = page.file, .view = view_of(&tg->view)}, &tg->m->trace, EARLIER);
	return page_close(tg, &page, text, size);
}

enum tg_error tg_state_text(struct tg_machine *tg, char *text, size_t size)
{
	struct page page;

	if (!tg || !text || !size)
		return TG_ERROR_ARGUMENT;
	if (!page_open(&page))
		return TG_ERROR_MEMORY;
	view_print_state(&tg->view, page.file);
	return page_close(tg, &page, text, size);
}

/* ---- instructions ---- */

enum tg_error tg_disassemble(struct tg_cpu *c, uint64_t rip, char *text, size_t size, unsigned *length)
{
	struct tg_machine *tg;
	const struct segment *cs;
	uint8_t bytes[INSN_MAX_LENGTH];
	char line[256];
	enum tg_error error;
	cs_insn *insn;
	size_t got;

	if (!c || !text || !size)
		return TG_ERROR_ARGUMENT;
	tg = c->machine;
	cs = &c->cpu->s.seg[SEG_CS];
	got = peek_lin(&c->cpu->mmu, code_linear(c->cpu, rip), bytes, sizeof(bytes));
	if (!got)
		return api_fail(tg, TG_ERROR_UNMAPPED, "no memory behind CS:%llx", (unsigned long long)rip);
	cs_option(tg->view.disassembler, CS_OPT_MODE,
		  in_long64(c->cpu) ? CS_MODE_64
		  : cs->db          ? CS_MODE_32
				    : CS_MODE_16);
	if (cs_disasm(tg->view.disassembler, bytes, got, rip, 1, &insn) != 1)
		return api_fail(tg, TG_ERROR_NOT_FOUND, "the bytes at CS:%llx are no instruction to the disassembler",
				(unsigned long long)rip);
	snprintf(line, sizeof(line), "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
	error = copy(tg, line, strlen(line), text, size);
	if (length)
		*length = insn->size;
	cs_free(insn, 1);
	return error;
}

/* ---- symbols ---- */

enum tg_error tg_symbol(const struct tg_machine *tg, uint64_t address, const char **name, uint64_t *offset)
{
	if (!tg || !name || !offset)
		return TG_ERROR_ARGUMENT;
	*name = symbols_find(&tg->m->guest.symbols, address, offset);
	return *name ? TG_OK : TG_ERROR_NOT_FOUND;
}

enum tg_error tg_symbol_address(const struct tg_machine *tg, const char *name, uint64_t *address)
{
	if (!tg || !name || !address)
		return TG_ERROR_ARGUMENT;
	return symbols_address(&tg->m->guest.symbols, name, address) ? TG_OK : TG_ERROR_NOT_FOUND;
}
