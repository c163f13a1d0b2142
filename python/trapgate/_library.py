"""The shared library and its C types, as in include/trapgate/."""

import ctypes
import ctypes.util
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint8, c_uint16,
                    c_uint32, c_uint64, c_void_p)

TEXT_SIZE = 32768
FOREVER = 2**64 - 1


class Error(Exception):
    """A call failed.  code: the name of the error in enum tg_error, without TG_ERROR_."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


ERRORS = ("OK", "ARGUMENT", "VERSION", "MEMORY", "BUSY", "BOARD", "NOT_BUILT", "OVERLAP", "UNMAPPED", "VALUE",
          "REGISTER", "FILE", "NOT_FOUND", "SMALL")


def _candidates():
    named = os.environ.get("TRAPGATE_LIBRARY")
    if named:
        yield named
        return
    # share/trapgate/python/trapgate/_library.py: four folders below the prefix
    here = os.path.dirname(os.path.abspath(__file__))
    prefix = os.path.normpath(os.path.join(here, "..", "..", "..", ".."))
    for lib in ("lib", "lib64", os.path.join("lib", "x86_64-linux-gnu")):
        path = os.path.join(prefix, lib, "libtrapgate.so.0")
        if os.path.exists(path):
            yield path
    yield "libtrapgate.so.0"


def _load():
    tried = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            tried.append(str(error))
    raise ImportError("libtrapgate is not to be found; set TRAPGATE_LIBRARY to libtrapgate.so: " + "; ".join(tried))


lib = _load()


def structure(name, *fields):
    """A C struct; a list of names shares a type."""
    flat = []
    for names, kind in fields:
        flat.extend((field, kind) for field in names.split())
    return type(name, (Structure,), {"_fields_": flat})


def sized(kind, **values):
    """An instance with its size set."""
    return kind(size=ctypes.sizeof(kind), **values)


Drive = structure("Drive", ("kind", c_int), ("index", c_uint), ("file", c_char_p), ("snapshot read_only", c_bool))
Config = structure(
    "Config", ("size", c_size_t), ("board", c_int), ("cpu", c_char_p), ("cpus", c_uint), ("ram", c_uint64),
    ("plain", c_bool), ("serial", c_char_p * 2), ("debugcon", c_char_p), ("debug_exit", c_bool),
    ("debug_exit_port", c_uint16), ("debug_exit_size", c_uint), ("firmware vga_firmware", c_char_p),
    ("drive", POINTER(Drive)), ("drives", c_uint))
StopStruct = structure(
    "StopStruct", ("size", c_size_t), ("kind status", c_int), ("now retired", c_uint64), ("hook", c_uint),
    ("text", c_char * 192))

SegmentStruct = structure(
    "SegmentStruct", ("base", c_uint64), ("limit", c_uint32), ("selector", c_uint16), ("type dpl", c_uint8),
    ("s present usable avl l db g", c_bool))
Table = structure("Table", ("base", c_uint64), ("limit", c_uint16))
GateStruct = structure(
    "GateStruct", ("offset", c_uint32), ("selector", c_uint16), ("type dpl parameters", c_uint8), ("present", c_bool))
Fp80 = structure("Fp80", ("mantissa", c_uint64), ("sign_exponent", c_uint16))
StateStruct = structure(
    "StateStruct", ("size", c_size_t), ("gpr", c_uint64 * 16), ("rip rflags", c_uint64), ("segment", SegmentStruct * 8),
    ("gdtr idtr", Table), ("cpl shadow activity", c_uint8), ("nmi_blocked", c_bool), ("pending_dr6", c_uint32),
    ("cr0 cr2 cr3 cr4 cr8 efer", c_uint64), ("dr", c_uint64 * 4), ("dr6 dr7", c_uint64), ("pdpte", c_uint64 * 4),
    ("tsc_offset pat sysenter_cs sysenter_esp sysenter_eip misc_enable mtrr_def_type", c_uint64),
    ("mtrr_phys", c_uint64 * 16), ("mtrr_fixed", c_uint64 * 11), ("mcg_status bios_sign_id", c_uint64),
    ("st", Fp80 * 8), ("fcw fsw ftw fop fcs fds", c_uint16), ("fip fdp", c_uint64),
    ("vector", (c_uint64 * 4) * 16), ("mxcsr", c_uint32),
    ("xcr0 pkru star lstar cstar sfmask kernel_gs_base tsc_aux", c_uint64))

PlaceStruct = structure(
    "PlaceStruct", ("rip rsp rflags cs_base ss_base", c_uint64), ("cs ss", c_uint16), ("cpl mode", c_uint8))
DeliveryGate = structure(
    "DeliveryGate", ("address offset", c_uint64), ("selector", c_uint16), ("type dpl ist width", c_uint8),
    ("present", c_bool))
DeliveryCode = structure(
    "DeliveryCode", ("selector", c_uint16), ("type dpl", c_uint8), ("present conforming", c_bool))
DeliveryRefused = structure(
    "DeliveryRefused", ("vector", c_uint8), ("has_error", c_bool), ("error", c_uint32), ("cr2", c_uint64),
    ("why", c_uint))
DeliveryStruct = structure(
    "DeliveryStruct", ("size", c_size_t), ("id when cause parent", c_uint64), ("cpu", c_uint),
    ("kind vector outcome step", c_uint8), ("has_error", c_bool), ("error", c_uint32), ("cr2", c_uint64),
    ("why", c_uint), ("rax", c_uint64), ("from_ to", PlaceStruct), ("gate", DeliveryGate), ("code", DeliveryCode),
    ("stack_source words word_bytes", c_uint8), ("word_name", c_uint8 * 10), ("word", c_uint64 * 10),
    ("frame tss_base", c_uint64), ("refused", DeliveryRefused))
ReturnStruct = structure(
    "ReturnStruct", ("size", c_size_t), ("id when", c_uint64), ("cpu", c_uint),
    ("kind ended_kind ended_vector", c_uint8), ("delivery ticks", c_uint64), ("nested", c_uint),
    ("from_ to", PlaceStruct), ("frame", c_uint64))
EntryStruct = structure(
    "EntryStruct", ("size", c_size_t), ("id when", c_uint64), ("cpu", c_uint), ("kind", c_uint8), ("rax", c_uint64),
    ("from_ to", PlaceStruct))
TaskStruct = structure(
    "TaskStruct", ("size", c_size_t), ("id when", c_uint64), ("cpu", c_uint), ("cause width", c_uint8),
    ("old_selector new_selector", c_uint16), ("old_base new_base", c_uint64), ("from_ to", PlaceStruct))
CheckStruct = structure(
    "CheckStruct", ("size", c_size_t), ("delivery", c_uint64), ("step result", c_uint8), ("why", c_uint))
InstructionStruct = structure(
    "InstructionStruct", ("size", c_size_t), ("when linear rip", c_uint64), ("cs", c_uint16), ("again", c_bool),
    ("length", c_uint8), ("bytes", c_uint8 * 15))
AccessStruct = structure(
    "AccessStruct", ("size", c_size_t), ("when linear physical value", c_uint64), ("bytes", c_uint8),
    ("write", c_bool))
WhyStruct = structure("WhyStruct", ("size", c_size_t), ("name sentence source", c_char_p))

Hook = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)
Moment = CFUNCTYPE(None, c_void_p, c_void_p)
MmioRead = CFUNCTYPE(c_uint64, c_void_p, c_uint64, c_uint)
MmioWrite = CFUNCTYPE(None, c_void_p, c_uint64, c_uint, c_uint64)
PortRead = CFUNCTYPE(c_uint32, c_void_p, c_uint16, c_uint)
PortWrite = CFUNCTYPE(None, c_void_p, c_uint16, c_uint, c_uint32)
Acknowledge = CFUNCTYPE(c_uint8, c_void_p, c_void_p)
Mmio = structure("Mmio", ("size", c_size_t), ("read", MmioRead), ("write", MmioWrite), ("owner", c_void_p))
Ports = structure("Ports", ("size", c_size_t), ("read", PortRead), ("write", PortWrite), ("owner", c_void_p))


def _prototypes():
    """Result and argument types: M machine, C processor (both pointers), and what ctypes calls them."""
    m = c = p = c_void_p
    n = POINTER(c_size_t)
    u = POINTER(c_uint)
    q = POINTER(c_uint64)
    rows = {
        "tg_error_text": (c_char_p, c_int), "tg_version": (c_char_p,),
        "tg_machine_new": (c_int, POINTER(Config), POINTER(c_void_p), c_char_p, c_size_t),
        "tg_machine_free": (None, m), "tg_machine_detail": (c_char_p, m), "tg_machine_cpu": (c_void_p, m, c_uint),
        "tg_model": (c_int, c_uint, POINTER(c_char_p), POINTER(c_char_p)),
        "tg_map_ram": (c_int, m, c_uint64, c_uint64),
        "tg_map_rom": (c_int, m, c_uint64, c_uint64, c_char_p, c_size_t),
        "tg_map_mmio": (c_int, m, c_uint64, c_uint64, POINTER(Mmio)),
        "tg_map_ports": (c_int, m, c_uint16, c_uint, POINTER(Ports)),
        "tg_load_kernel": (c_int, m, c_char_p, c_char_p, c_char_p), "tg_load_flat": (c_int, m, c_char_p, c_uint64),
        "tg_load_rom": (c_int, m, c_char_p), "tg_start": (c_int, m, c_int, c_uint64),
        "tg_pulse": (c_int, c, c_int), "tg_interrupt_raise": (c_int, c, c_uint8),
        "tg_interrupt_source": (c_int, c, Acknowledge, p), "tg_interrupt_level": (c_int, c, c_bool),
        "tg_line_set": (c_int, m, c_char_p, c_bool), "tg_why_quiet": (c_char_p, c),
        "tg_run": (c_int, m, c_uint64, POINTER(StopStruct)), "tg_step": (c_int, m, POINTER(StopStruct)),
        "tg_stop": (None, m), "tg_interrupt": (None, m), "tg_now": (c_uint64, m),
        "tg_at": (c_int, m, c_uint64, Moment, p, u), "tg_at_cancel": (c_int, m, c_uint),
        "tg_snapshot_save": (c_int, m, POINTER(c_void_p)), "tg_snapshot_restore": (c_int, m, p),
        "tg_snapshot_free": (None, p),
        "tg_memory_read": (c_int, m, c_uint64, p, c_size_t, n), "tg_memory_write": (c_int, m, c_uint64, p, c_size_t, n),
        "tg_linear_read": (c_int, c, c_uint64, p, c_size_t, n), "tg_linear_write": (c_int, c, c_uint64, p, c_size_t, n),
        "tg_translate": (c_int, c, c_uint64, q),
        "tg_register_name": (c_char_p, c_int), "tg_register_find": (c_int, c_char_p, POINTER(c_int)),
        "tg_register_get": (c_int, c, c_int, q), "tg_register_set": (c_int, c, c_int, c_uint64),
        "tg_msr_get": (c_int, c, c_uint32, q), "tg_msr_set": (c_int, c, c_uint32, c_uint64),
        "tg_segment_get": (c_int, c, c_int, POINTER(SegmentStruct)),
        "tg_segment_set": (c_int, c, c_int, POINTER(SegmentStruct)),
        "tg_segment_encode": (c_uint64, POINTER(SegmentStruct)),
        "tg_segment_decode": (None, c_uint64, c_uint16, POINTER(SegmentStruct)),
        "tg_gate_encode": (c_uint64, POINTER(GateStruct)), "tg_gate_decode": (None, c_uint64, POINTER(GateStruct)),
        "tg_fpu_get": (c_int, c, c_uint, POINTER(Fp80)), "tg_fpu_set": (c_int, c, c_uint, POINTER(Fp80)),
        "tg_state_get": (c_int, c, POINTER(StateStruct)), "tg_state_set": (c_int, c, POINTER(StateStruct)),
        "tg_delivery_recent": (c_int, m, c_uint, POINTER(DeliveryStruct)), "tg_delivery_count": (c_uint64, m),
        "tg_delivery_checks": (c_int, POINTER(DeliveryStruct), POINTER(CheckStruct), u),
        "tg_hook_delivery": (c_int, m, Hook, p, u), "tg_hook_check": (c_int, m, Hook, p, u),
        "tg_hook_return": (c_int, m, Hook, p, u), "tg_hook_entry": (c_int, m, Hook, p, u),
        "tg_hook_task": (c_int, m, Hook, p, u), "tg_hook_instruction": (c_int, m, Hook, p, u),
        "tg_hook_memory": (c_int, m, c_uint64, c_uint64, c_uint, Hook, p, u), "tg_unhook": (c_int, m, c_uint),
        "tg_why": (c_int, c_uint, POINTER(WhyStruct)), "tg_why_find": (c_int, c_char_p, u), "tg_why_count": (c_uint,),
        "tg_event_name": (c_char_p, c_uint), "tg_outcome_name": (c_char_p, c_uint), "tg_step_name": (c_char_p, c_uint),
        "tg_stack_name": (c_char_p, c_uint), "tg_word_name": (c_char_p, c_uint, c_uint),
        "tg_return_name": (c_char_p, c_uint), "tg_entry_name": (c_char_p, c_uint), "tg_task_name": (c_char_p, c_uint),
        "tg_mode_name": (c_char_p, c_uint), "tg_exception_name": (c_char_p, c_uint),
        "tg_delivery_card": (c_int, m, c_uint64, c_char_p, c_size_t), "tg_explain": (c_int, m, c_char_p, c_size_t),
        "tg_state_text": (c_int, m, c_char_p, c_size_t),
        "tg_disassemble": (c_int, c, c_uint64, c_char_p, c_size_t, u),
        "tg_symbol": (c_int, m, c_uint64, POINTER(c_char_p), q), "tg_symbol_address": (c_int, m, c_char_p, q),
    }
    for name, (result, *arguments) in rows.items():
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
    return tuple(rows)


FUNCTIONS = _prototypes()


def version():
    """The version of the library."""
    return lib.tg_version().decode()


def failed(error, text=""):
    """The exception for an error's number."""
    code = ERRORS[error] if error < len(ERRORS) else str(error)
    return Error(code, text or lib.tg_error_text(error).decode())
