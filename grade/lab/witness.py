"""A second witness of what a test program reports, out of the reach of the kernel under test.

A submission to a lab about the kernel owns the machine that its tests run on: it could write into the
grading log, or change a report on its way there. So the harness also sits at QEMU's debugger stub, with a
breakpoint at the program's own host_grade_log, the one function that every report goes through, and reads
the report out of the program's memory before the kernel has seen it. At every "ok" it compares the program's
code with the file it was loaded from. Afterwards the grading log must say the same.

The protocol: "GDB Remote Serial Protocol" in GDB's manual, appendix E.
"""

import re
import struct
import threading

from harness import GraderFault, symbols

REPORT = "host_grade_log"  # host_grade_log(port, text, length): user side, made by mig
REPORT_MAX = 1024
PAGE = 4096
CHUNK = 2000               # bytes, in hexadecimal, a packet of the stub's surely holds
X1, X2, LR, SP, PC = 1, 2, 30, 31, 32 # places in the reply to "g"
ANSWER = 120               # wall seconds in which the stub answers anything but "c"


def code(elf):
    """The executable segment of a 64-bit little-endian ELF file: (address, bytes)."""
    data = elf.read_bytes()
    offset, = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    for i in range(count):
        kind, flags, start, address, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
        if kind == 1 and flags & 1:  # PT_LOAD, PF_X
            return address, data[start:start + length]
    raise GraderFault(f"{elf} has no code")


class Witness:
    """Watches one machine (a harness.Qemu that was started with gdb=True, and waits). elf: the test
    program, with symbols; loaded: the file that the machine runs. lines: what it has reported."""

    def __init__(self, qemu, elf, loaded):
        self.lines = []
        self.altered = None
        self.fault = None
        self._buffer = b""
        self._qemu, self._cpu = qemu, 0
        self._back, self._call = False, None
        self._sock = qemu.gdb
        self._sock.settimeout(ANSWER)
        self._start, self._code = code(loaded)
        self._report = symbols(elf)[REPORT]
        self._ask("QStartNoAckMode")
        self._sock.sendall(b"+")
        self._set(True)
        self._send("c")
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    # ---- The protocol ----

    def _send(self, text):
        data = text.encode()
        self._sock.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xff))

    def _receive(self):
        while True:
            end = self._buffer.find(b"#")
            if end >= 0 and len(self._buffer) >= end + 3:
                packet, self._buffer = self._buffer[:end], self._buffer[end + 3:]
                return packet[packet.index(b"$") + 1:].decode("latin-1")
            data = self._sock.recv(65536)
            if not data:
                raise ConnectionError("QEMU closed its debugger stub")
            self._buffer += data

    def _ask(self, text):
        self._send(text)
        return self._receive()

    def _set(self, on):
        self._ask(f"{'Z' if on else 'z'}0,{self._report:x},4")

    def _memory(self, address, size):
        """Memory as the CPU sees it; None where nothing is mapped."""
        found = b""
        while size > len(found):
            part = self._ask(f"m{address + len(found):x},{min(CHUNK, size - len(found)):x}")
            if part.startswith("E") or not part:
                return None
            found += bytes.fromhex(part)
        return found

    # ---- What it sees ----

    def _watch(self):
        try:
            self._sock.settimeout(None)
            while True:
                stop = self._receive()
                if not stop.startswith("T05"):
                    return  # the machine has gone off, or has been ended
                self._cpu = int(re.search(r"thread:(?:p\w+\.)?(\w+)|$", stop).group(1) or "1", 16) - 1
                self._sock.settimeout(ANSWER)
                self._stopped()
                self._set(False)
                self._ask("s")
                # A fault of that instruction, on a page not there yet: it will be back.
                self._back = self._registers()[PC] != self._report + 4
                self._set(True)
                self._send("c")
                self._sock.settimeout(None)
        except (OSError, ValueError) as error:
            self.fault = str(error)

    def _ours(self, address, size):
        """Whether code in memory is the program's; where nothing is mapped, nothing can have run."""
        seen = self._memory(address, size)
        at = address - self._start
        return seen is None or seen == self._code[at:at + size]

    def _registers(self):
        return struct.unpack_from("<33Q", bytes.fromhex(self._ask("g")[:33 * 16].replace("x", "0")))

    def _whole(self):
        """Whether all of the program's code is in memory as it should be, in one look."""
        path = self._qemu.directory / "code"
        try:
            self._qemu.monitor.command("memsave", val=self._start, size=len(self._code), filename=str(path),
                                       **{"cpu-index": self._cpu})
            return path.read_bytes() == self._code
        except GraderFault:  # not all of it is there
            return False

    def _stopped(self):
        registers = self._registers()
        call = registers[LR], registers[SP]
        if registers[PC] != self._report or (self._back and call == self._call):
            return
        self._call = call
        # Another program may have other code at this address.
        if not self._ours(self._report, 16):
            return
        text = self._memory(registers[X1], min(registers[X2], REPORT_MAX))
        line = (text or b"").decode("latin-1")
        self.lines.append(line)
        if line.startswith("ok ") and self.altered is None and not self._whole():
            end = self._start + len(self._code)
            for page in range(self._start & -PAGE, end, PAGE):
                at = max(page, self._start)
                if not self._ours(at, min(page + PAGE, end) - at):
                    self.altered = page
                    break

    def check(self, log):
        """What is wrong with the text of the grading log of the run, which has ended; None: nothing. A report
        that was on its way when the run broke may be missing."""
        if self.fault and not self.lines:
            raise GraderFault(f"the debugger stub: {self.fault}")
        if self.altered is not None:
            return f"the test program's code was changed while it ran (at {self.altered:#x})"
        seen = "".join(self.lines)
        if log in (seen, "".join(self.lines[:-1])):
            return None
        mine, theirs = seen.split("\n"), log.split("\n")
        at = next((i for i, (a, b) in enumerate(zip(mine, theirs)) if a != b), min(len(mine), len(theirs)))
        said = [lines[at] if at < len(lines) else "" for lines in (mine, theirs)]
        return (f"the grading log says {said[1]!r} where the test program has reported {said[0]!r}: somebody "
                "else wrote into it")

