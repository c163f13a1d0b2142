"""The Python module: TRAPGATE_LIBRARY names the library, PYTHONPATH the module."""

import ctypes
import gc
import re
import threading
import unittest
from pathlib import Path

import trapgate
from trapgate import _library, _machine

SOURCE = Path(__file__).resolve().parents[2]
HEADERS = sorted((SOURCE / "include" / "trapgate").glob("*.h"))


def flat():
    """A bare machine in flat protected mode at ring 3: GDT 1000h, IDT 2000h (DPL 0 gates to 4000h), TSS 3000h."""
    m = trapgate.Machine(ram=0x20000)
    tss = trapgate.Segment(selector=0x28, base=0x3000, limit=0x67, type=0xB, s=False, db=False, g=False)
    table = [trapgate.Segment(0x08, type=0xB), trapgate.Segment(0x10), trapgate.Segment(0x1B, type=0xB, dpl=3),
             trapgate.Segment(0x23, dpl=3), tss]
    for i, segment in enumerate(table, 1):
        m.write(0x1000 + 8 * i, segment.encode())
    m.write(0x2000, trapgate.Gate(selector=8, offset=0x4000).encode() * 256)
    m.write(0x3004, (0x7000).to_bytes(4, "little") + (0x10).to_bytes(4, "little"))
    m.write(0x4000, b"\xf4")
    state = m.cpu.state()
    state.cr0 |= 1
    state.gdtr.base, state.gdtr.limit = 0x1000, 0x2F
    state.idtr.base, state.idtr.limit = 0x2000, 0x7FF
    state.segment[1] = table[2].struct()
    for i in (0, 2, 3):
        state.segment[i] = table[3].struct()
    state.segment[7] = tss.struct()
    state.cpl, state.rip, state.gpr[4] = 3, 0x8000, 0x9000
    m.cpu.set_state(state)
    return m


def real(code):
    m = trapgate.Machine(ram=0x10000)
    m.write(0x7C00, code)
    m.start("real", 0x7C00)
    return m


class Running(unittest.TestCase):
    def test_registers_and_stops(self):
        with real(b"\xb8\x01\x00\x40\xf4") as m:  # mov ax, 1; inc ax; hlt
            self.assertEqual(m.step().kind, "budget")
            self.assertEqual((m.cpu.ax, m.cpu.eip, m.now), (1, 0x7C03, 1))
            m.cpu.ax = 0x41
            stop = m.run()
            self.assertEqual((stop.kind, stop.status, stop.retired), ("halt", 6, 2))
            self.assertEqual(m.cpu.ax, 0x42)

    def test_errors_are_exceptions_with_the_detail(self):
        m = trapgate.Machine(ram=0x10000)
        with self.assertRaisesRegex(trapgate.Error, "no memory at 0x10000") as caught:
            m.read(0xFFFF, 2)
        self.assertEqual(caught.exception.code, "UNMAPPED")
        with self.assertRaisesRegex(trapgate.Error, "no such processor"):
            trapgate.Machine(cpu="z80")
        with self.assertRaises(trapgate.Error):
            trapgate.Machine("mainframe")
        with self.assertRaises(AttributeError):
            m.cpu.r99
        with self.assertRaises(AttributeError):
            m.cpu.r99 = 1
        with self.assertRaises(trapgate.Error):
            m.cpu.eax = -1
        m.close()
        with self.assertRaisesRegex(trapgate.Error, "closed"):
            m.run()
        with self.assertRaisesRegex(trapgate.Error, "closed"):
            m.cpu.eax

    def test_another_thread_ends_a_run(self):
        m = real(b"\xeb\xfe")
        threading.Timer(0.05, m.interrupt).start()
        self.assertEqual(m.run().kind, "request")

    def test_a_moment_raises_an_interrupt(self):
        m = real(b"\xfb\x40\xeb\xfd")  # sti; inc ax; jmp
        m.write(0x80, b"\x00\x50\x00\x00")  # vector 20h: 0:5000
        m.write(0x5000, b"\xfa\xf4")
        cancelled = m.at(5, lambda: self.fail("it was cancelled"))
        m.cancel(cancelled)
        m.at(101, lambda: m.cpu.interrupt(0x20))
        gc.collect()
        self.assertEqual(m.run(1000).kind, "halt")
        self.assertEqual(m.cpu.ax, 50)

    def test_devices(self):
        said = []
        m = real(b"\xe4\x10\xe6\x11\xa0\x00\x60\xa2\x01\x60\xf4")  # in al,10h; out 11h,al; mov al,[6000]; mov [6001],al
        m.map_ports(0x10, 2, lambda port, n: port + 1, lambda port, n, value: said.append((port, n, value)))
        m.map_mmio(0x6000, 0x10, lambda at, n: 0x55, lambda at, n, value: said.append((at, n, value)))
        gc.collect()
        self.assertEqual(m.run().kind, "halt")
        self.assertEqual(said, [(0x11, 1, 0x11), (1, 1, 0x55)])

    def test_an_exception_in_a_function_ends_the_run(self):
        m = real(b"\xe4\x10\xeb\xfe")
        m.map_ports(0x10, 1, lambda port, n: 1 // 0, lambda *_: None)
        with self.assertRaises(ZeroDivisionError):
            m.run()
        self.assertEqual(m.run(10).kind, "budget")

    def test_models(self):
        self.assertIn("pentium2", trapgate.models())

    def test_snapshots(self):
        m = real(b"\x40\xeb\xfd")
        m.run(100)
        saved = m.save()
        m.run(100)
        self.assertEqual(m.cpu.ax, 100)
        m.restore(saved)
        self.assertEqual((m.cpu.ax, m.now), (50, 100))


class Watching(unittest.TestCase):
    def test_a_refused_and_a_delivered_int(self):
        m = flat()
        m.write(0x8000, b"\xcd\x80")
        told, checks = [], []
        m.on_delivery(told.append)
        m.on_check(checks.append)
        gc.collect()
        self.assertEqual(m.run(100).kind, "halt")
        first, second = told
        self.assertEqual((first.kind, first.vector, first.outcome, first.step), ("soft-int", 0x80, "refused", "gate-dpl"))
        self.assertEqual((first.refused.exception, first.refused.error, first.refused.why.name), ("#GP", 0x402, "GATE_DPL"))
        self.assertEqual([(k.step, k.result) for k in first.checks],
                         [("vector", "passed"), ("gate", "passed"), ("gate-dpl", "refused")])
        self.assertEqual(checks[:3], first.checks)
        self.assertEqual((second.exception, second.error, second.parent), ("#GP", 0x402, first.id))
        self.assertEqual([(w.name, w.address) for w in second.words][0], ("SS", 0x6FFC))
        self.assertEqual(second.words[4], trapgate.Word("EIP", 0x8000, 0x6FEC))
        self.assertEqual((second.start.cpl, second.to.cpl, second.stack), (3, 0, "tss32"))
        self.assertIn("REFUSED at gate-dpl", m.card(first))
        self.assertIn("raised while #1", m.explain())
        self.assertEqual([d.id for d in m.deliveries()], [1, 2])
        self.assertEqual(m.delivery_count, 2)
        self.assertIn("ring 0", m.state_text())

    def test_a_hook_stops_and_goes(self):
        m = real(b"\x40\x41\x42\xf4")
        hook = m.on_instruction(lambda i: i.bytes[0] == 0x42)
        stop = m.run()
        self.assertEqual((stop.kind, stop.hook, m.cpu.eip), ("hook", hook, 0x7C02))
        m.unhook(hook)
        self.assertEqual(m.run().kind, "halt")
        with self.assertRaises(trapgate.Error):
            m.unhook(hook)

    def test_memory(self):
        m = real(b"\xc6\x06\x00\x60\x07\xa0\x00\x60\xf4")  # mov byte [6000], 7; mov al, [6000]
        told = []
        m.on_memory(told.append, 0x6000, 0x6000)
        m.run()
        self.assertEqual([(a.write, a.value, a.size, a.linear) for a in told], [(True, 7, 1, 0x6000), (False, 7, 1, 0x6000)])

    def test_returns(self):
        m = real(b"\xcc\xf4")
        m.write(4 * 3, b"\x00\x50\x00\x00")
        m.write(0x5000, b"\xcf")
        told = []
        m.on_return(told.append)
        m.run()
        self.assertEqual([(r.kind, r.delivery, r.ended_vector, r.to.rip) for r in told], [("iret", 1, 3, 0x7C01)])

    def test_texts(self):
        m = real(b"\xb8\x01\x00")
        self.assertEqual(m.cpu.disassemble(), ("mov ax, 1", 3))
        self.assertIn("INT n", trapgate.why("GATE_DPL").source)
        with self.assertRaises(trapgate.Error):
            trapgate.why("NO_SUCH_REASON")
        segment = trapgate.Segment(8, base=0x12345678, limit=0xABCFFF, type=0xB, dpl=2)
        self.assertEqual(trapgate.Segment.decode(segment.encode(), 8), segment)
        gate = trapgate.Gate(0x1B, 0x12345678, dpl=3)
        self.assertEqual(trapgate.Gate.decode(gate.encode()), gate)


class LikeTheHeaders(unittest.TestCase):
    def test_every_function_is_there(self):
        text = "".join(path.read_text() for path in HEADERS)
        # The first name behind TG_API and its type.
        functions = set(re.findall(r"^TG_API [^;(]*?\b(tg_\w+)\(", text, re.M))
        self.assertGreater(len(functions), 70)
        self.assertEqual(functions, set(_library.FUNCTIONS))

    def test_every_struct_has_its_size(self):
        """The library refuses a struct that is too short and one with something set behind what it knows."""
        m = trapgate.Machine(ram=0x10000)
        for kind, call in (
                (_library.StateStruct, lambda s: _library.lib.tg_state_get(m.cpu._handle, s)),
                (_library.StopStruct, lambda s: _library.lib.tg_run(m._handle, 0, s)),
                (_library.WhyStruct, lambda s: _library.lib.tg_why(1, s))):
            self.assertEqual(call(_library.sized(kind)), 0, kind)
            short = _library.sized(kind)
            short.size = getattr(kind, "vector").offset - 8 if hasattr(kind, "vector") else short.size - 16
            self.assertEqual(call(short), _library.ERRORS.index("VERSION"), kind)

    def test_enumerations(self):
        text = "".join(path.read_text() for path in HEADERS)
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)

        def members(name, prefix):
            body = re.search(rf"enum {name} {{(.*?)}}", text, re.S).group(1)
            return [word.removeprefix(prefix).lower() for word in re.findall(r"TG_\w+", body)]

        self.assertEqual(members("tg_error", "TG_ERROR_")[1:-1], [e.lower() for e in _library.ERRORS[1:]])
        self.assertEqual(members("tg_stop_kind", "TG_STOP_"), [s.replace("-", "_") for s in _machine.STOPS])
        self.assertEqual(members("tg_mode", "TG_MODE_"), list(_machine.MODES))
        self.assertEqual(members("tg_pin", "TG_PIN_"), list(_machine.PINS))
        self.assertEqual(members("tg_drive_kind", "TG_DRIVE_"), list(_machine.DRIVES))
        self.assertEqual(members("tg_register", "TG_")[:-1],
                         list(_machine.REGISTERS))

    def test_the_version(self):
        header = (SOURCE / "include/trapgate/base.h").read_text()
        self.assertIn(f'#define TG_VERSION "{trapgate.version()}"', header)
        self.assertEqual(ctypes.sizeof(_library.SegmentStruct), 24)


if __name__ == "__main__":
    unittest.main()
