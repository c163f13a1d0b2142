"""Records and small values as Python objects."""

from collections import namedtuple
from dataclasses import dataclass

from . import _library as c
from ._library import lib

Place = namedtuple("Place", "mode cpl cs rip ss rsp rflags cs_base ss_base")
Word = namedtuple("Word", "name value address")
Check = namedtuple("Check", "delivery step result why")
Return = namedtuple("Return", "id when cpu kind delivery ended_kind ended_vector ticks nested start to frame")
Entry = namedtuple("Entry", "id when cpu kind rax start to")
Task = namedtuple("Task", "id when cpu cause width old_selector new_selector old_base new_base start to")
Instruction = namedtuple("Instruction", "when linear rip cs again bytes")
Access = namedtuple("Access", "when linear physical value size write")
Why = namedtuple("Why", "name sentence source")
Refusal = namedtuple("Refusal", "vector exception error cr2 why")

RESULTS = ("passed", "exempt", "refused")


def text(value):
    return value.decode() if value is not None else None


def why(number_or_name):
    """The reason of that number or name: its name, what the processor objected to, the place in the SDM."""
    number = c.c_uint(0)
    if isinstance(number_or_name, str):
        error = lib.tg_why_find(number_or_name.encode(), number)
        if error:
            raise c.failed(error)
    else:
        number.value = number_or_name
    info = c.sized(c.WhyStruct)
    error = lib.tg_why(number.value, info)
    if error:
        raise c.failed(error)
    return Why(text(info.name), text(info.sentence), text(info.source))


def why_or_none(number):
    return why(number) if number else None


def place(p):
    return Place(text(lib.tg_mode_name(p.mode)), p.cpl, p.cs, p.rip, p.ss, p.rsp, p.rflags, p.cs_base, p.ss_base)


@dataclass
class Segment:
    """A segment register or descriptor, decoded.  limit is in bytes."""

    selector: int = 0
    base: int = 0
    limit: int = 0xFFFFFFFF
    type: int = 0x3
    dpl: int = 0
    s: bool = True
    present: bool = True
    usable: bool = True
    avl: bool = False
    l: bool = False
    db: bool = True
    g: bool = True

    def struct(self):
        return c.SegmentStruct(**vars(self))

    def encode(self):
        """The eight bytes of a descriptor table."""
        return lib.tg_segment_encode(self.struct()).to_bytes(8, "little")

    @classmethod
    def of(cls, struct):
        return cls(**{name: getattr(struct, name) for name in cls.__dataclass_fields__})

    @classmethod
    def decode(cls, raw, selector=0):
        struct = c.SegmentStruct()
        lib.tg_segment_decode(int.from_bytes(raw, "little"), selector, struct)
        return cls.of(struct)


@dataclass
class Gate:
    """A gate.  type: 5 task, 0xe and 0xf interrupt and trap of 32 bits, 6 and 7 of 16, 0xc and 4 call."""

    selector: int = 0
    offset: int = 0
    type: int = 0xE
    dpl: int = 0
    parameters: int = 0
    present: bool = True

    def encode(self):
        """The eight bytes of a descriptor table."""
        return lib.tg_gate_encode(c.GateStruct(**vars(self))).to_bytes(8, "little")

    @classmethod
    def decode(cls, raw):
        struct = c.GateStruct()
        lib.tg_gate_decode(int.from_bytes(raw, "little"), struct)
        return cls(**{name: getattr(struct, name) for name in cls.__dataclass_fields__})


class Delivery:
    """A delivery of an interrupt or exception; the names are those of struct tg_delivery."""

    def __init__(self, d):
        for name in ("id", "when", "cause", "parent", "cpu", "vector", "cr2", "rax", "frame", "tss_base"):
            setattr(self, name, getattr(d, name))
        self.kind = text(lib.tg_event_name(d.kind))
        self.outcome = text(lib.tg_outcome_name(d.outcome))
        self.step = text(lib.tg_step_name(d.step))
        self.exception = text(lib.tg_exception_name(d.vector)) if d.kind <= 2 else None
        self.error = d.error if d.has_error else None
        self.why = why_or_none(d.why)
        self.start, self.to = place(d.from_), place(d.to)
        self.stack = text(lib.tg_stack_name(d.stack_source))
        self.gate = {name: getattr(d.gate, name) for name, _ in c.DeliveryGate._fields_}
        self.code = {name: getattr(d.code, name) for name, _ in c.DeliveryCode._fields_}
        last = d.words - 1
        self.words = [
            Word(text(lib.tg_word_name(d.word_name[i], d.word_bytes)), d.word[i], d.frame + (last - i) * d.word_bytes)
            for i in range(d.words)
        ]
        self.checks = checks(d)
        self.refused = None
        if self.outcome in ("refused", "shutdown"):
            r = d.refused
            self.refused = Refusal(r.vector, text(lib.tg_exception_name(r.vector)), r.error if r.has_error else None,
                                   r.cr2, why_or_none(r.why))

    def __repr__(self):
        return f"<delivery #{self.id} {self.kind} {self.vector:#x} {self.outcome} at {self.step}>"


def check(k):
    return Check(k.delivery, text(lib.tg_step_name(k.step)), RESULTS[k.result], why_or_none(k.why))


def checks(d):
    room = (c.CheckStruct * 12)()
    count = c.c_uint(12)
    lib.tg_delivery_checks(d, room, count)
    return [check(k) for k in room[:count.value]]


def returned(r):
    known = r.delivery != 0
    return Return(r.id, r.when, r.cpu, text(lib.tg_return_name(r.kind)), r.delivery or None,
                  text(lib.tg_event_name(r.ended_kind)) if known else None, r.ended_vector if known else None,
                  r.ticks, r.nested, place(r.from_), place(r.to), r.frame)


def entry(e):
    return Entry(e.id, e.when, e.cpu, text(lib.tg_entry_name(e.kind)), e.rax, place(e.from_), place(e.to))


def task(t):
    return Task(t.id, t.when, t.cpu, text(lib.tg_task_name(t.cause)), t.width, t.old_selector, t.new_selector,
                t.old_base, t.new_base, place(t.from_), place(t.to))


def instruction(i):
    return Instruction(i.when, i.linear, i.rip, i.cs, i.again, bytes(i.bytes[:i.length]))


def access(a):
    return Access(a.when, a.linear, a.physical, a.value, a.bytes, a.write)
