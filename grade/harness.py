"""Boots Ostia in QEMU for a test, and sees for itself what happened.

class Qemu is one run: its own copies of the images in a directory of its own, its console, its monitor
(QMP). Nothing is shared with another run on the machine: the console is a pair of pipes, the monitor a
socket pair, there are no ports. A run never outlives the process that started it.

Time limits are in guest time, read from the board's real-time clock through the monitor, so that a
slow or busy host changes no result. Verdicts of in-guest programs come from the kernel's grading log
(kernel/include/grade.h), read out of the guest's memory, never from what the guest prints.

grade/README.md tells how the pieces work together; grade/guest.py runs in-guest programs with this.
"""

import array
import atexit
import ctypes
import fcntl
import functools
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import weakref
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("OSTIA_BUILD", "build")
QEMU = os.environ.get("QEMU", "qemu-system-aarch64")

KERNBASE = 0xFFFF000000000000  # the kernel's linear map of physical memory
RTC = 0x09010000               # PL031 of QEMU's virt board; its first register counts seconds
RTC_BASE = "2026-01-02T03:04:05" # what the guest's clock begins with, so that no run depends on the day
COUNTER_HZ = 62_500_000        # of CNTVCT in QEMU: 16 instructions a tick under icount shift=0
# While all CPUs wait, sleep=off makes guest time jump to the next timer: exact, and right for a run that
# nothing outside disturbs. An answer of the disk, or what is typed, takes host time, during which guest
# minutes would pass.
ICOUNT = "shift=0,align=off,sleep=off"
ICOUNT_DISK = "shift=0,align=off,sleep=on"
PROMPT = re.compile(r"(?:^|\n)\$ $")
STILL = 30                     # wall seconds without guest time or QEMU using a CPU: it is dead
# Without icount guest time is the host's, and on a busy host little is done in it. There a guest hangs
# when its limit is over and it has had that many times the limit of CPU time, or uses next to none (it
# waits), or when the limit is over so many times.
CPU_SHARE, IDLE, BUSY_HOST = 1, 0.1, 5

PANIC, OFF = 1, 2              # grade_log.flags


class GuestError(AssertionError):
    """The guest did something wrong: the test fails."""


class Hang(GuestError):
    """Guest time ran out."""


class Patience:
    """With a guest without icount, whose limit of guest seconds is over."""

    def __init__(self, qemu, limit):
        self.qemu, self.limit, self.begun = qemu, limit, qemu.cpu_time()
        self.looked = self.used = None

    def is_over(self, took):
        """`took`: the guest seconds so far, at least the limit."""
        now, used = time.monotonic(), self.qemu.cpu_time()
        if took > BUSY_HOST * self.limit or used - self.begun > CPU_SHARE * self.limit:
            return True
        if self.looked is None or now - self.looked > 2:
            idle = self.looked is not None and used - self.used < IDLE * (now - self.looked)
            self.looked, self.used = now, used
            return idle
        return False


class GraderFault(Exception):
    """QEMU or the harness went wrong: says nothing about the guest."""


def symbols(elf):
    """The symbols of a 64-bit little-endian ELF file: name -> address."""
    data = Path(elf).read_bytes()
    shoff, = struct.unpack_from("<Q", data, 0x28)
    shentsize, shnum = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
    table = {}
    for _, kind, _, _, offset, size, link, _, _, entsize in sections:
        if kind != 2:  # SHT_SYMTAB
            continue
        strings = sections[link][4]
        for at in range(offset, offset + size, entsize):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            end = data.index(b"\0", strings + name)
            table[data[strings + name:end].decode()] = value
    return table


@functools.lru_cache(None)
def machine():
    """The board, without the random seeds that QEMU puts into its device tree where it can leave them
    out: a run under icount shall be the same each time."""
    known = subprocess.run([QEMU, "-M", "virt,help"], capture_output=True, text=True, check=False).stdout
    seeds = [name for name in ("dtb-randomness", "dtb-kaslr-seed") if f"  {name}=" in known]
    return "virt,gic-version=2" + (f",{seeds[0]}=off" if seeds else "")


class Monitor:
    """QEMU's machine protocol over a connected socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.events = []
        self.lock = threading.RLock()
        self._message(60)  # the greeting
        self.command("qmp_capabilities")
        # What happened before this was not told: a guest may be off by now on a busy machine.
        if self.command("query-status")["status"] == "shutdown":
            self.events.append({"event": "SHUTDOWN"})

    def _message(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.sock], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                return None
            data = self.sock.recv(65536)
            if not data:
                raise GraderFault("QEMU closed its monitor")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def command(self, name, **arguments):
        """Runs a QMP command; returns what it returns."""
        with self.lock:
            request = {"execute": name, **({"arguments": arguments} if arguments else {})}
            try:
                self.sock.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise GraderFault(f"QEMU's monitor is gone: {error}") from error
            while True:
                message = self._message(120)
                if message is None:
                    raise GraderFault(f"QEMU did not answer {name}")
                if "event" in message:
                    self.events.append(message)
                elif "error" in message:
                    raise GraderFault(f"{name}: {message['error']['desc']}")
                elif "return" in message:
                    return message["return"]

    def seen(self, event, timeout=0):
        """Whether `event` was sent so far, waiting up to `timeout` wall seconds for a message."""
        with self.lock:
            message = self._message(timeout)
            while message is not None:
                self.events.append(message)
                message = self._message(0)
            return any(e.get("event") == event for e in self.events)


class GradeLog:
    """struct grade_log (kernel/include/grade.h), as read out of the guest."""

    FORMAT = "<QQIIIIQQQQ"
    SIZE = struct.calcsize(FORMAT)
    MAGIC = int.from_bytes(b"OSTIALOG", "little")

    def __init__(self, data):
        (self.magic, self.nonce, self.size, self.length, self.lost, self.flags, self.now,
         self.idle_now, self.idle_insns, self.kernel_bytes) = struct.unpack_from(self.FORMAT, data)
        self.text = ""


running = weakref.WeakSet()


@atexit.register
def kill_all():
    """Ends every QEMU this process started."""
    for qemu in list(running):
        qemu.close()


def _die_with_parent():
    """In the child, before QEMU: be killed when the thread that made us ends. (Linux)"""
    if sys.platform.startswith("linux"):
        _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


_libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


class Qemu:
    """One run of the system. Use as a context manager, or call close().

    cpus, mem: the machine. args: boot arguments. icount: one instruction takes a nanosecond, and if there
    is no disk, the run is the same each time, as long as nothing is typed. typed: something will be, so
    that guest time does not jump while all CPUs wait.
    jitter: the seed of random timer intervals (explores interleavings). disk: an image to run on a
    copy of, or None for a machine without. initrd: boot archive. kernel: folder name of the build.
    gdb: wait, before the first instruction, for what is sent to QEMU's debugger stub over the socket `gdb`.
    extra: more QEMU arguments.
    """

    def __init__(self, cpus=1, mem="128M", args="", icount=False, jitter=None, disk=BUILD / "disk.img",
                 initrd=BUILD / "boot.tar", kernel=BUILD / "kernel.img",
                 elf=BUILD / "kernel.elf", gdb=False, typed=False, extra=()):
        self.process = self.gdb = None
        # Digits alone: the kernel takes as long for one as for another.
        self.nonce = int("1" + "".join(secrets.choice("0123456789") for _ in range(15)), 16)
        self.rerun = None
        self.output = ""
        self.position = 0  # of what expect() has not consumed
        self.ended = False
        self.changed = threading.Condition()
        self.cpus, self.icount = cpus, icount
        self.directory = Path(tempfile.mkdtemp(prefix="ostia-"))
        running.add(self)
        try:
            self._start(cpus, mem, args, icount, jitter, disk, initrd, kernel, elf, gdb, typed, extra)
        except BaseException:
            self.close()
            raise

    def _copy(self, source):
        target = self.directory / Path(source).name
        command = ["cp", "--sparse=always", "--reflink=auto", str(source), str(target)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            shutil.copyfile(source, target)
        target.chmod(0o644)
        return target

    def _start(self, cpus, mem, args, icount, jitter, disk, initrd, kernel, elf, gdb, typed, extra):
        self.args = " ".join(filter(None, [args, jitter is not None and f"jitter={jitter}"]))
        self.symbols = symbols(self._copy(elf)) if elf else {}
        command = [QEMU, "-M", machine(), "-cpu", "cortex-a72", "-smp", str(cpus), "-m", mem,
                   "-display", "none", "-nic", "none", "-global", "virtio-mmio.force-legacy=false",
                   "-kernel", self._copy(kernel),
                   "-append", f"{self.args} grade.nonce={self.nonce:016x}".strip(),
                   "-rtc", f"base={RTC_BASE},clock=vm", "-no-reboot", "-no-shutdown",
                   "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        if initrd is not None:
            command += ["-initrd", self._copy(initrd)]
        if disk is not None:
            self.disk = self._copy(disk)
            command += ["-drive", f"file={self.disk},if=none,format=raw,id=hd0",
                        "-device", "virtio-blk-device,drive=hd0"]
        if icount:
            command += ["-icount", ICOUNT if disk is None and not typed else ICOUNT_DISK]
        mine, theirs = socket.socketpair()
        command += ["-chardev", f"socket,id=monitor,fd={theirs.fileno()}",
                    "-mon", "chardev=monitor,mode=control", *extra]
        passed = [theirs]
        if gdb:
            self.gdb, stub = socket.socketpair()
            passed.append(stub)
            command += ["-S", "-chardev", f"socket,id=gdb,fd={stub.fileno()}", "-gdb", "chardev:gdb"]
        self.command = [str(word) for word in command]
        with open(self.directory / "stderr", "wb") as stderr:
            # pylint: disable=subprocess-popen-preexec-fn
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                pass_fds=[s.fileno() for s in passed], preexec_fn=_die_with_parent,
                start_new_session=True)
        for sock in passed:
            sock.close()
        threading.Thread(target=self._read_console, daemon=True).start()
        try:
            self.monitor = Monitor(mine)
        except (GraderFault, OSError, TypeError) as error:
            self.process.kill()
            self.process.wait()
            words = (self.directory / "stderr").read_text(errors="replace").strip()
            raise GraderFault(f"QEMU did not start: {words or error}") from error

    def _read_console(self):
        pipe = self.process.stdout.fileno()
        while True:
            select.select([pipe], [], [])
            with self.changed:  # what has left the pipe is in `output`: see drain()
                data = os.read(pipe, 65536)
                self.output += data.decode("latin-1").replace("\r", "")
                self.ended = not data
                self.changed.notify_all()
            if not data:
                return

    def drain(self):
        """Waits until `output` holds all that QEMU has written."""
        waiting = array.array("i", [0])
        with self.changed:
            while not self.ended:
                fcntl.ioctl(self.process.stdout.fileno(), termios.FIONREAD, waiting)
                if waiting[0] == 0:
                    return
                self.changed.wait(0.05)

    def close(self):
        """Ends QEMU, if need be by force, and removes the run's directory."""
        running.discard(self)
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
        if self.gdb is not None:
            self.gdb.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- What the guest is doing ----

    def memory(self, address, size):
        """Bytes of guest-physical memory."""
        path = self.directory / "memory"
        with self.monitor.lock:
            self.monitor.command("pmemsave", val=address, size=size, filename=str(path))
            return path.read_bytes()

    def read_symbol(self, name, size=8):
        """A little-endian variable of the kernel."""
        return int.from_bytes(self.memory(self.symbols[name] - KERNBASE, size), "little")

    def guest_time(self):
        """Seconds of guest time since some fixed moment. Whole seconds: for limits."""
        text = self.monitor.command("human-monitor-command", **{"command-line": f"xp /1wx {RTC:#x}"})
        return int(text.split(":")[1], 16)

    def is_off(self, timeout=0):
        """Whether the guest has switched itself off (or reset): its memory can still be read, and
        `output` is whole."""
        off = self.monitor.seen("SHUTDOWN", timeout)
        if off:
            self.drain()
        return off

    def grade_log(self, text=True):
        """The kernel's grading log; None if it has not been set up (yet)."""
        address = self.symbols["grade_log"] - KERNBASE
        log = GradeLog(self.memory(address, GradeLog.SIZE))
        if log.magic != GradeLog.MAGIC:
            return None
        if log.nonce != self.nonce:
            raise GuestError("the grading log does not carry this run's nonce")
        if text:
            size = min(log.length, log.size)
            log.text = self.memory(address + GradeLog.SIZE, size).decode("latin-1") if size else ""
            if log.lost:
                raise GraderFault(f"the grading log was full: {log.lost} bytes are lost")
        return log

    def where(self):
        """What each CPU executes, by function."""
        functions = sorted((a, n) for n, a in self.symbols.items() if a >= KERNBASE and n[:1] != "$")
        lines = []
        for cpu in range(self.cpus):
            text = self.monitor.command(
                "human-monitor-command", **{"command-line": "info registers", "cpu-index": cpu})
            pc = int(re.search(r"PC=([0-9a-f]+)", text).group(1), 16)
            below = [(a, n) for a, n in functions if a <= pc]
            place = f"{below[-1][1]}+{pc - below[-1][0]:#x}" if below else "user code"
            lines.append(f"CPU {cpu}: pc {pc:#x} {place}")
        return "\n".join(lines)

    def until(self, done, limit, what):
        """Waits until done() is true, for `limit` guest seconds at most. Raises Hang."""
        begin = self.guest_time()
        clock, moved, used = begin, time.monotonic(), self.cpu_time()
        patience = Patience(self, limit)
        while not done():
            if self.ended:
                raise GuestError(f"QEMU ended while waiting for {what}")
            now = self.guest_time()
            if now - begin > limit and (self.icount or patience.is_over(now - begin)):
                raise Hang(f"no {what} in {limit} s of guest time\n{self.where()}")
            if now != clock or self.cpu_time() - used > 1:
                clock, moved, used = now, time.monotonic(), self.cpu_time()
            elif time.monotonic() - moved > STILL:
                raise Hang(f"no {what}: the machine stands still\n{self.where()}")

    def cpu_time(self):
        """CPU seconds QEMU has used. Where that is not known: always more."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return time.monotonic() * 2

    # ---- The console ----

    def expect(self, pattern, limit=20):
        """Waits for a regular expression in what the console shows from here on, consumes up to its
        end, and returns the match."""
        if isinstance(pattern, str):
            pattern = re.compile(pattern)
        found = None

        def look():
            nonlocal found
            with self.changed:
                found = pattern.search(self.output, self.position)
                if found is None and not self.ended:
                    self.changed.wait(0.05)
                    found = pattern.search(self.output, self.position)
            if found is None and self.is_off():
                raise GuestError(f"the machine went off while waiting for {pattern.pattern!r}")
            return found is not None
        self.until(look, limit, f"{pattern.pattern!r} on the console")
        self.position = found.end()
        return found

    def type(self, text):
        """Types characters at the console, as they are."""
        self.process.stdin.write(text.encode("latin-1"))
        self.process.stdin.flush()

    def prompt(self, limit=20):
        """Waits for the shell's prompt, with nothing behind it."""
        self.expect(PROMPT, limit)

    def run(self, command, limit=20):
        """Runs a shell command at the prompt. Returns what it printed.

        The shell must be waiting: prompt() first, once. A mark of this call's own tells the output's
        end, so that a command which prints "$ " fools nobody.
        """
        mark = f"={secrets.token_hex(4)}="
        self.type(f"{command}; echo {mark}\n")
        self.expect(re.escape(f"echo {mark}\n"), limit)
        begin = self.position
        end = self.expect(rf"{mark}\n\$ $", limit).start()
        return self.output[begin:end]

    def tail(self, lines=40):
        """The last lines of the console."""
        return "\n".join(self.output.split("\n")[-lines:])

    def report(self):
        """What a person needs to see when a test with this run has failed."""
        again = self.rerun or " ".join(
            filter(None, ["make qemu", f"CPUS={self.cpus}", self.args and f"BOOTARGS='{self.args}'"]))
        return f"{self.tail()}\n--- run it again: {again}"
