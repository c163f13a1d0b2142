/* Flat real-mode guests, loaded at 7C00h. */
#define PORT_EXIT 0xf4 /* isa-debug-exit */
#define COM1 0x3f8
