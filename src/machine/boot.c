/* What firmware would have done and found out, on a board without any. */
#include "machine/boot.h"

#include "cpu/model.h"

#define F81D_LM_BIT    0x20000000u /* CPUID.80000001H:EDX, long mode */
#define TABLES_SIZE    0x10000u    /* the E segment, where the ACPI tables lie */
#define BIOS_LAST_BYTE 0xfffffu
#define DAY            86400u

static unsigned count_drives(const struct machine *m, enum drive_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < m->config.board.drives; i++)
		count += m->config.board.drive[i].kind == kind;
	return count;
}

bool machine_boot_board(const struct machine *m, struct boot_board *board, struct diagnostic *why)
{
	const struct cpu_model *model = m->cpu[0]->model;

	*board = (struct boot_board){
		.rsdp = board_rsdp(m),
		.seconds = (m->config.board.rtc_start ? m->config.board.rtc_start : BOARD_RTC_START) % DAY,
		.com = {UART_COM1, m->config.board.serial[1] ? UART_COM2 : 0},
		.floppies = (uint8_t)count_drives(m, DRIVE_FLOPPY),
		.disks = (uint8_t)count_drives(m, DRIVE_DISK),
		.fpu = model->feature[FEAT_1_EDX] & F1D_FPU,
		.vga = m->board.vga != NULL,
		.long_mode = model->feature[FEAT_81_EDX] & F81D_LM_BIT,
	};
	if (!boot_set_ram(board, m->config.ram, 0) ||
	    (board->rsdp && !boot_set_range(board, BOARD_ACPI_TABLES, TABLES_SIZE, MEMORY_RESERVED)))
		return diagnose(why, "-m: the memory map does not fit");
	return true;
}

bool machine_like_firmware(struct machine *m, struct diagnostic *why)
{
	struct boot_board board;
	uint64_t offset;

	if (m->like_firmware || m->config.bare)
		return true;
	if (!machine_boot_board(m, &board, why))
		return false;
	/* A ROM that is there is the BIOS, whatever it holds. */
	if (!bus_find(m->bus, BIOS_LAST_BYTE, &offset) && !guest_place_bios(m->bus, &board, why))
		return false;
	board_like_firmware(m, (uint32_t)boot_ebda(&board));
	m->like_firmware = true;
	return true;
}
