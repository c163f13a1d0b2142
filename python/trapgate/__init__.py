"""Trapgate: an interpreting i386 machine whose way into a handler and back can be watched.

A thin layer over libtrapgate (ctypes, nothing to build).  The library is looked for in this order: the file named by
the environment's TRAPGATE_LIBRARY, the folders beside an installed module, the dynamic linker's.

    import trapgate

    m = trapgate.Machine(ram=0x10000)
    m.write(0x7c00, b"\\xb8\\x01\\x00\\xf4")      # mov ax, 1; hlt
    m.start("real", 0x7c00)
    stop = m.run()
    print(stop.kind, m.cpu.ax)

docs/library.md is the manual; include/trapgate/ has each function's meaning and errors.
"""

from ._library import Error, version
from ._machine import Cpu, Machine, Snapshot, Stop, models
from ._records import Access, Check, Delivery, Entry, Gate, Instruction, Place, Return, Segment, Task, Word, why

__all__ = [
    "Access", "Check", "Cpu", "Delivery", "Entry", "Error", "Gate", "Instruction", "Machine", "Place", "Return",
    "Segment", "Snapshot", "Stop", "Task", "Word", "models", "version", "why",
]
