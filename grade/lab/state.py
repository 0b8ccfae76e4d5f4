"""What a guest that panicked or hangs was doing: backtraces with names, and what each thread waits for.

All is read from the outside, through the monitor: CPU registers, and the kernel's own structures in guest
memory. Where their fields lie is asked of the compiler (offsetof), so no debugger is needed, and a
kernel that can print nothing any more can still be looked at.
"""

import bisect
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from harness import KERNBASE, GraderFault

from . import build

FIELDS = {
    "task_link": ("struct task", "all_link"), "task_threads": ("struct task", "threads"),
    "task_name": ("struct task", "name"), "thread_link": ("struct thread", "task_link"),
    "state": ("struct thread", "state"), "on_cpu": ("struct thread", "on_cpu"),
    "frame": ("struct thread", "machine.frame"), "fp": ("struct thread", "machine.context.fp"),
    "lr": ("struct thread", "machine.context.lr"), "frame_pc": ("struct trapframe", "pc"),
    "frame_x": ("struct trapframe", "x"), "frame_x16": ("struct trapframe", "x[16]"),
}
STATES = ["runnable", "waiting", "being woken", "suspended", "dead"]
FRAMES = 16
MACH_RCV_MSG = 2
THREADS = 200
PLUMBING = re.compile(r"thread_block|thread_handoff|machine_switch|switch_away|waitq")


class State:
    """Looks into one machine. source: the tree its kernel was built from."""

    def __init__(self, qemu, source):
        self.qemu = qemu
        self.source = Path(source)
        self.table = sorted((a, n) for n, a in qemu.symbols.items() if a >= KERNBASE and n[:1] != "$")
        self.addresses = [a for a, _ in self.table]
        self.end = qemu.symbols.get("etext", qemu.symbols.get("_etext", 1 << 64))

    # ---- Reading ----

    def bytes(self, address, size):
        """Bytes of kernel virtual memory."""
        path = self.qemu.directory / "memory"
        with self.qemu.monitor.lock:
            # The monitor takes addresses as signed numbers.
            self.qemu.monitor.command("memsave", val=address - (address >> 63 << 64), size=size,
                                      filename=str(path))
            return path.read_bytes()

    def word(self, address):
        """A 64-bit word of kernel virtual memory."""
        return struct.unpack("<Q", self.bytes(address, 8))[0]

    def place(self, pc):
        """function+offset of a kernel address."""
        at = bisect.bisect_right(self.addresses, pc) - 1
        if pc < KERNBASE or at < 0:
            return f"{pc:#x}"
        return f"{self.table[at][1]}+{pc - self.addresses[at]:#x}"

    def _walk(self, fp):
        """Return addresses up the chain of frame pointers."""
        found = []
        while len(found) < FRAMES and fp % 8 == 0 and fp >= KERNBASE:
            try:
                up, pc = struct.unpack("<QQ", self.bytes(fp, 16))
            except (GraderFault, struct.error):
                break
            if pc < KERNBASE:
                break
            found.append(pc - 4)
            if up <= fp:
                break
            fp = up
        return found

    def _lines(self, addresses):
        """function+offset and file:line of each."""
        tool = (shutil.which(build.variable(self.source, "TOOLPREFIX") + "addr2line")
                or shutil.which("addr2line"))
        places = ["" for _ in addresses]
        if tool and addresses:
            done = subprocess.run([tool, "-e", str(self.source / "build/kernel.elf"),
                                   *(f"{a:#x}" for a in addresses)],
                                  capture_output=True, text=True, check=False)
            lines = [re.sub(r" \(discriminator.*", "", line) for line in done.stdout.splitlines()]
            if len(lines) == len(addresses):
                places = ["" if line.startswith("??") else
                          re.sub(r"^/.*?/(?=kernel/)", "", line) for line in lines]
        return [f"  {self.place(a)}" + (f"  {where}" if where else "") for a, where in zip(addresses, places)]

    # ---- Panics ----

    def backtrace(self):
        """How the CPU that panicked, or stopped the machine, got there."""
        for cpu in range(self.qemu.cpus):
            text = self.qemu.monitor.command(
                "human-monitor-command", **{"command-line": "info registers", "cpu-index": cpu})
            registers = dict(re.findall(r"\b(PC|X29|X30)=([0-9a-f]+)", text))
            chain = [int(registers["PC"], 16)] + self._walk(int(registers["X29"], 16))
            names = [self.place(pc).split("+")[0] for pc in chain]
            if "panic" in names:
                chain = chain[names.index("panic") + 1:]
                # A fault: the frames begin in the handler; where it happened is among the registers shown.
                fault = re.search(r"^  sp  [0-9a-f]+ pc  ([0-9a-f]+) cpsr", self.qemu.output, re.M)
                if fault:
                    chain.insert(0, int(fault.group(1), 16))
                return "\n".join(self._lines(chain))
        return ""

    def panic_message(self):
        """The panic's words, from the console; and up to where its registers begin."""
        match = None
        for match in re.finditer(r"^panic on CPU \d+: (.*(?:\n(?!  ).*)?)", self.qemu.output, re.M):
            break
        return match.group(1).split("\n")[0] if match else "the kernel panicked"

    # ---- Hangs ----

    def _offsets(self):
        """Where the fields of FIELDS lie, from the compiler."""
        flags = build.variable(self.source, "KERNEL_CFLAGS").split()
        cc = build.variable(self.source, "CC")
        lines = [f'asm("\\n.ascii \\"@{n} %0\\"" :: "i"(__builtin_offsetof({s}, {f})));'
                 for n, (s, f) in FIELDS.items()]
        with tempfile.TemporaryDirectory(prefix="ostia-") as folder:
            path = Path(folder) / "offsets.c"
            path.write_text("#include <kern/task.h>\nvoid offsets(void)\n{\n" + "\n".join(lines) + "\n}\n")
            done = subprocess.run([cc, *flags, "-Wno-error", "-S", "-o", "-", str(path)], cwd=self.source,
                                  capture_output=True, text=True, check=False)
        return {n: int(v) for n, v in re.findall(r"@(\w+) [#$]?(\d+)", done.stdout)}

    def threads(self):
        """One paragraph a thread: its task, its state, and where in the kernel it is."""
        try:
            offsets = self._offsets()
            head = self.qemu.symbols["all_tasks"]
            lines = [self.qemu.where()]
            count = 0
            link = self.word(head)
            while link != head and link and count < THREADS:
                task = link - offsets["task_link"]
                name = self.bytes(task + offsets["task_name"], 32).split(b"\0")[0].decode("latin-1")
                threads = task + offsets["task_threads"]
                at = self.word(threads)
                number = 0
                while at != threads and at and count < THREADS:
                    lines.append(self._thread(at - offsets["thread_link"], name, number, offsets))
                    at = self.word(at)
                    number, count = number + 1, count + 1
                link = self.word(link)
            return "\n".join(lines)
        except (GraderFault, KeyError, struct.error) as error:
            return f"{self.qemu.where()}\n(the kernel's list of tasks cannot be read: {error})"

    def _thread(self, thread, task, number, offsets):
        state = self.bytes(thread + offsets["state"], 1)[0]
        on_cpu = self.bytes(thread + offsets["on_cpu"], 1)[0]
        what = "runs" if on_cpu else STATES[state] if state < len(STATES) else f"state {state}"
        title = f"{task or '(no name)'} thread {number}: {what}"
        if on_cpu:
            return title
        frame = self.word(thread + offsets["frame"])
        chain = [self.word(thread + offsets["lr"]) - 4] + self._walk(self.word(thread + offsets["fp"]))
        names = [self.place(pc).split("+")[0] for pc in chain]
        names = [name for name in names if not PLUMBING.match(name)]
        user = f", from user pc {self.word(frame + offsets['frame_pc']):#x}" if frame else ""
        if "mach_msg_trap" in names:
            option, name = (self.word(frame + offsets["frame_x"] + 8 * n) & 0xffffffff for n in (1, 4))
            user += f" (mach_msg: receives on name {name:#x})" if option & MACH_RCV_MSG else " (sends)"
        return f"{title} in {' < '.join(names[:6]) or 'the scheduler'}{user}"
