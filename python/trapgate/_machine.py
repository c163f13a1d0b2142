"""Machines and processors."""

import ctypes
import os
from collections import namedtuple

from . import _library as c
from . import _records as records
from ._library import lib

Stop = namedtuple("Stop", "kind status now retired hook text")
STOPS = ("budget", "halt", "shutdown", "debug-exit", "power-off", "reset", "hook", "request", "unimplemented")
BOARDS = {"bare": 0, "pc": 1}
MODES = {"image": 0, "reset": 1, "real": 2, "prot16": 3, "prot32": 4}
PINS = {"nmi": 0, "init": 1, "smi": 2}
DRIVES = {"disk": 0, "cd": 1, "floppy": 2, "virtio": 3}
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr")
READS, WRITES = 1, 2
GO, STOP_RUN = 0, 1


def models():
    """Names and descriptions of the processor models."""
    found = {}
    name, description = ctypes.c_char_p(), ctypes.c_char_p()
    while lib.tg_model(len(found), name, description) == 0:
        found[name.value.decode()] = description.value.decode()
    return found


def _path(path):
    return os.fsencode(path) if path is not None else None


def _choose(table, word, what):
    if word not in table:
        raise c.Error("ARGUMENT", f"{word!r} is no {what}; one of {', '.join(table)} is wanted")
    return table[word]


def _registers():
    names = {}
    number = 0
    while (name := lib.tg_register_name(number)) is not None:
        names[name.decode().replace(".", "_")] = number
        number += 1
    return names


REGISTERS = _registers()


class Snapshot:
    """A saved machine; see Machine.save()."""

    def __init__(self, handle):
        self._handle = handle

    def __del__(self):
        lib.tg_snapshot_free(self._handle)


class Cpu:
    """A processor.  Its registers are attributes: cpu.eax, cpu.cr3, cpu.gdtr_base ... (REGISTERS lists them)."""

    def __init__(self, machine, handle):
        object.__setattr__(self, "_machine", machine)
        object.__setattr__(self, "_handle", handle)

    def __getattr__(self, name):
        if name not in REGISTERS:
            raise AttributeError(f"{name}: there is no such register")
        value = ctypes.c_uint64()
        self._machine._check(lib.tg_register_get(self._live(), REGISTERS[name], value))
        return value.value

    def __setattr__(self, name, value):
        if name not in REGISTERS:
            raise AttributeError(f"{name}: there is no such register")
        if not 0 <= value < 2**64:
            raise c.Error("VALUE", f"{name} = {value}: out of range")
        self._machine._check(lib.tg_register_set(self._live(), REGISTERS[name], value))

    def __dir__(self):
        return [*super().__dir__(), *REGISTERS]

    def _live(self):
        self._machine._live()
        return self._handle

    def segment(self, name):
        """The segment register of that name ("cs", "tr"), decoded."""
        struct = c.SegmentStruct()
        self._machine._check(lib.tg_segment_get(self._live(), self._segment(name), struct))
        return records.Segment.of(struct)

    def set_segment(self, name, segment):
        """Writes selector and hidden part."""
        self._machine._check(lib.tg_segment_set(self._live(), self._segment(name), segment.struct()))

    @staticmethod
    def _segment(name):
        return _choose({word: i for i, word in enumerate(SEGMENTS)}, name, "segment register")

    def state(self):
        """Everything at once: struct tg_state, to be changed and given to set_state()."""
        state = c.sized(c.StateStruct)
        self._machine._check(lib.tg_state_get(self._live(), state))
        return state

    def set_state(self, state):
        self._machine._check(lib.tg_state_set(self._live(), state))

    def msr(self, number):
        value = ctypes.c_uint64()
        self._machine._check(lib.tg_msr_get(self._live(), number, value))
        return value.value

    def set_msr(self, number, value):
        self._machine._check(lib.tg_msr_set(self._live(), number, value))

    def read(self, address, size):
        """size bytes at a linear address, without side effects."""
        return self._machine._read(lib.tg_linear_read, self._live(), address, size)

    def write(self, address, data):
        self._machine._check(lib.tg_linear_write(self._live(), address, bytes(data), len(data), None))

    def translate(self, linear):
        """The physical address of a linear one, None: no page there."""
        value = ctypes.c_uint64()
        error = lib.tg_translate(self._live(), linear, value)
        if error == c.ERRORS.index("UNMAPPED"):
            return None
        self._machine._check(error)
        return value.value

    def disassemble(self, rip=None):
        """(text, length) of the instruction at CS:rip, or at the present one."""
        length = ctypes.c_uint()
        text = self._machine._text(lambda room, size: lib.tg_disassemble(
            self._live(), self.eip if rip is None else rip, room, size, length))
        return text, length.value

    def pulse(self, pin):
        """Pulses "nmi" or "init"."""
        self._machine._check(lib.tg_pulse(self._live(), _choose(PINS, pin, "pin")))

    def interrupt(self, vector):
        """Raises the interrupt pin of a bare machine until it is acknowledged."""
        if not 0 <= vector < 256:
            raise c.Error("ARGUMENT", f"vector {vector}: 0 to 255 is wanted")
        self._machine._check(lib.tg_interrupt_raise(self._live(), vector))


class Machine:
    """A machine: "bare" (a processor, memory and an interrupt pin) or "pc".

    Functions that are called back get Python objects; an exception in one of them ends the run and is raised by run().
    What a hook returns does not matter unless it is trapgate.Machine.STOP (or True): that ends the run.
    """

    STOP = STOP_RUN

    def __init__(self, board="bare", ram=0, cpu=None, cpus=1, plain=False, serial=(), debugcon=None, debug_exit=None,
                 debug_exit_size=4, firmware=None, vga_firmware=None, drives=()):
        """debug_exit: a port.  drives: (kind, index, file) with kind disk, cd, floppy or virtio; changes are not kept."""
        self._handle = None
        config = c.sized(c.Config, board=_choose(BOARDS, board, "board"), ram=ram, cpus=cpus, plain=plain)
        config.cpu = cpu.encode() if cpu else None
        for i, name in enumerate(serial):
            config.serial[i] = _path(name)
        config.debugcon = _path(debugcon)
        config.debug_exit = debug_exit is not None
        config.debug_exit_port = debug_exit or 0
        config.debug_exit_size = debug_exit_size
        config.firmware, config.vga_firmware = _path(firmware), _path(vga_firmware)
        config.drive = (c.Drive * max(1, len(drives)))(
            *(c.Drive(_choose(DRIVES, kind, "kind of drive"), index, _path(file), True) for kind, index, file in drives))
        config.drives = len(drives)
        handle, why = ctypes.c_void_p(), ctypes.create_string_buffer(320)
        error = lib.tg_machine_new(config, handle, why, len(why))
        if error:
            raise c.failed(error, why.value.decode())
        self._handle = handle.value
        self._kept = {}      # what the library points to, by hook or moment
        self._forever = []   # devices
        self._raised = None  # by a function that was called back
        self.cpus = []
        while (processor := lib.tg_machine_cpu(self._handle, len(self.cpus))) is not None:
            self.cpus.append(Cpu(self, processor))
        self.cpu = self.cpus[0]

    def close(self):
        """Frees the machine; it is of no use then."""
        lib.tg_machine_free(self._handle)
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if self._handle is not None:
            self.close()

    def _live(self):
        if self._handle is None:
            raise c.Error("ARGUMENT", "the machine is closed")
        return self._handle

    def _check(self, error):
        if error:
            raise c.failed(error, lib.tg_machine_detail(self._live()).decode())

    def _text(self, call):
        room = ctypes.create_string_buffer(c.TEXT_SIZE)
        self._check(call(room, len(room)))
        return room.value.decode()

    def _read(self, function, handle, address, size):
        room = ctypes.create_string_buffer(max(1, size))
        self._check(function(handle, address, room, size, None))
        return room.raw[:size]

    # ---- memory and devices ----

    def read(self, address, size):
        """size bytes of physical memory, without side effects."""
        return self._read(lib.tg_memory_read, self._live(), address, size)

    def write(self, address, data):
        self._check(lib.tg_memory_write(self._live(), address, bytes(data), len(data), None))

    def map_ram(self, address, size):
        self._check(lib.tg_map_ram(self._live(), address, size))

    def map_rom(self, address, image, size=None):
        """A copy of image, filled up to whole pages."""
        size = size or (len(image) + 0xFFF) & ~0xFFF
        self._check(lib.tg_map_rom(self._live(), address, size, bytes(image), len(image)))

    def map_mmio(self, address, size, read, write):
        """read(offset, bytes) gives a number; write(offset, bytes, value)."""
        device = c.sized(c.Mmio)
        device.read = c.MmioRead(lambda _, offset, n: self._call(read, offset, n) or 0)
        device.write = c.MmioWrite(lambda _, offset, n, value: self._call(write, offset, n, value) and None)
        self._check(lib.tg_map_mmio(self._live(), address, size, device))
        self._forever.append(device)

    def map_ports(self, first, count, read, write):
        """read(port, bytes) gives a number; write(port, bytes, value)."""
        device = c.sized(c.Ports)
        device.read = c.PortRead(lambda _, port, n: self._call(read, port, n) or 0)
        device.write = c.PortWrite(lambda _, port, n, value: self._call(write, port, n, value) and None)
        self._check(lib.tg_map_ports(self._live(), first, count, device))
        self._forever.append(device)

    # ---- guests ----

    def load_kernel(self, path, append=None, initrd=None):
        self._check(lib.tg_load_kernel(self._live(), _path(path), append.encode() if append else None, _path(initrd)))

    def load_flat(self, path, address):
        self._check(lib.tg_load_flat(self._live(), _path(path), address))

    def load_rom(self, path):
        self._check(lib.tg_load_rom(self._live(), _path(path)))

    def start(self, mode="image", entry=0):
        """mode: image, reset, real, prot16 or prot32."""
        self._check(lib.tg_start(self._live(), _choose(MODES, mode, "mode"), entry))

    # ---- running ----

    @property
    def now(self):
        """Virtual time in ticks."""
        return lib.tg_now(self._live())

    def run(self, budget=c.FOREVER):
        """Runs until something stops the machine, or at most so many ticks."""
        stop = c.sized(c.StopStruct)
        self._check(lib.tg_run(self._live(), budget, stop))
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised
        return Stop(STOPS[stop.kind], stop.status, stop.now, stop.retired, stop.hook or None, stop.text.decode())

    def step(self):
        """One instruction, iteration of a REP, or delivery."""
        return self.run(1)

    def stop(self):
        """Ends the present run; for functions that are called back."""
        lib.tg_stop(self._live())

    def interrupt(self):
        """Ends the present or the next run soon; from any thread."""
        lib.tg_interrupt(self._live())

    def _call(self, function, *arguments):
        if self._raised is not None:
            return None
        try:
            return function(*arguments)
        except BaseException as raised:  # C cannot hand it on; run() does
            self._raised = raised
            lib.tg_stop(self._handle)
            return None

    def at(self, when, function):
        """Calls function() before the first instruction at or after that tick; gives a number for cancel()."""
        number = ctypes.c_uint()

        def fire(_, __):
            self._kept.pop(("moment", number.value), None)
            self._call(function)

        moment = c.Moment(fire)
        self._check(lib.tg_at(self._live(), when, moment, None, number))
        self._kept["moment", number.value] = moment
        return number.value

    def cancel(self, moment):
        self._check(lib.tg_at_cancel(self._live(), moment))
        self._kept.pop(("moment", moment), None)

    def line(self, name, level):
        """Drives a PC's line: "IRQ5"."""
        self._check(lib.tg_line_set(self._live(), name.encode(), level))

    # ---- hooks ----

    def _hook(self, call, kind, make, function):
        def called(_, __, record):
            struct = ctypes.cast(record, ctypes.POINTER(kind)).contents
            return STOP_RUN if self._call(lambda: function(make(struct))) in (True, STOP_RUN) else GO

        hook, number = c.Hook(called), ctypes.c_uint()
        self._check(call(hook, number))
        self._kept["hook", number.value] = hook
        return number.value

    def _hook_records(self, set_hook, kind, make, function):
        return self._hook(lambda hook, number: set_hook(self._live(), hook, None, number), kind, make, function)

    def on_delivery(self, function):
        """function(Delivery) after each delivery, whatever its outcome.  Like all on_...: gives a number for unhook()."""
        return self._hook_records(lib.tg_hook_delivery, c.DeliveryStruct, records.Delivery, function)

    def on_check(self, function):
        """function(Check) for each check of each delivery, in the SDM's order."""
        return self._hook_records(lib.tg_hook_check, c.CheckStruct, records.check, function)

    def on_return(self, function):
        return self._hook_records(lib.tg_hook_return, c.ReturnStruct, records.returned, function)

    def on_entry(self, function):
        return self._hook_records(lib.tg_hook_entry, c.EntryStruct, records.entry, function)

    def on_task(self, function):
        return self._hook_records(lib.tg_hook_task, c.TaskStruct, records.task, function)

    def on_instruction(self, function):
        """function(Instruction) before each instruction."""
        return self._hook_records(lib.tg_hook_instruction, c.InstructionStruct, records.instruction, function)

    def on_memory(self, function, first=0, last=c.FOREVER, reads=True, writes=True):
        """function(Access) for each data access that meets linear addresses first to last."""
        kinds = (READS if reads else 0) | (WRITES if writes else 0)
        return self._hook(
            lambda hook, number: lib.tg_hook_memory(self._live(), first, last, kinds, hook, None, number),
            c.AccessStruct, records.access, function)

    def unhook(self, hook):
        """Removes a hook.  Its function is kept as long as the machine: the hook may be the one that is being called."""
        self._check(lib.tg_unhook(self._live(), hook))

    # ---- what happened ----

    @property
    def delivery_count(self):
        return lib.tg_delivery_count(self._live())

    def deliveries(self):
        """The deliveries that are kept (the last 256), oldest first."""
        found = []
        struct = c.sized(c.DeliveryStruct)
        while lib.tg_delivery_recent(self._live(), len(found), struct) == 0:
            found.append(records.Delivery(struct))
        return found[::-1]

    def card(self, delivery):
        """The card of a delivery (or of its id) as text."""
        number = delivery.id if isinstance(delivery, records.Delivery) else delivery
        return self._text(lambda room, size: lib.tg_delivery_card(self._live(), number, room, size))

    def explain(self):
        """The cards of the deliveries that led to the last one."""
        return self._text(lambda room, size: lib.tg_explain(self._live(), room, size))

    def state_text(self):
        return self._text(lambda room, size: lib.tg_state_text(self._live(), room, size))

    def symbol(self, address):
        """(name, offset) of the loaded image's symbol at a linear address; None: unknown."""
        name, offset = ctypes.c_char_p(), ctypes.c_uint64()
        if lib.tg_symbol(self._live(), address, name, offset):
            return None
        return name.value.decode(), offset.value

    def address(self, symbol):
        """The address of a symbol; None: unknown."""
        value = ctypes.c_uint64()
        return None if lib.tg_symbol_address(self._live(), symbol.encode(), value) else value.value

    # ---- snapshots ----

    def save(self):
        """A snapshot of a bare machine, for restore()."""
        handle = ctypes.c_void_p()
        self._check(lib.tg_snapshot_save(self._live(), handle))
        snapshot = Snapshot(handle.value)
        snapshot._kept = dict(self._kept)  # functions of moments that wait
        return snapshot

    def restore(self, snapshot):
        self._check(lib.tg_snapshot_restore(self._live(), snapshot._handle))
        self._kept.update(snapshot._kept)
