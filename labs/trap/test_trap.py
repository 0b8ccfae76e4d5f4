"""Tests of lab trap: the in-guest cases; backtraces, as a program on this machine and in the kernel; the
trace, which wants a boot argument."""

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import GraderFault, Qemu
from lab.plugin import guest_tests

test_guest = guest_tests("trap")

HERE = Path(__file__).resolve().parent
BASE = 0x10000000


@functools.lru_cache(None)
def backtrace_program(tree):
    """kernel/kern/panic.c of the submission with host/backtrace.c around it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise GraderFault("no C compiler for this machine")
    program = Path(tempfile.mkdtemp(prefix="ostia-trap-")) / "backtrace"
    done = subprocess.run(
        [compiler, "-std=gnu11", "-O1", "-g", "-fno-omit-frame-pointer", "-fno-builtin", "-w", "-DKERNEL",
         "-DDEBUG", f"-I{HERE}/host", f"-I{tree}/grade/unit/include", f"-I{tree}/kernel/include", "-o",
         str(program), f"{tree}/kernel/kern/panic.c", f"{HERE}/host/backtrace.c"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"panic.c does not compile by itself:\n{done.stderr[-2000:]}"
    return program


def places(lab, scenario):
    """What host/backtrace.c prints in a scenario: (address - BASE, symbol+offset) of each line."""
    try:
        done = subprocess.run([backtrace_program(Path(lab.build).parent), scenario], capture_output=True,
                              text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"backtrace does not end ({scenario})") from None
    assert done.returncode == 0, f"backtrace died ({scenario}): status {done.returncode}\n{done.stdout}"
    found = re.findall(r"^ +([0-9a-f]{16})(?: (\S+))?$", done.stdout, re.M)
    return [(int(address, 16) - BASE, name) for address, name in found]


def test_backtrace_names_the_calls(lab):
    """Each line of a backtrace names the function that made the call, and how far into it the call is."""
    assert places(lab, "names") == [
        (0x10, "alpha+0"), (0x3c, "alpha+0x2c"), (0x44, "gamma+0"), (0x40, "beta+0"),
        (0x1fb, "delta+0xfb"), (0x8, "")]


def test_backtrace_ends_where_frames_end(lab):
    """A frame that is not aligned, not wholly in the kernel's memory, or returns to no text, ends it."""
    assert [offset for offset, _ in places(lab, "ends")] == [0x20, 0x50, 0x20, 0x60, 0x20, 0x70, 0x20]


def test_backtrace_of_a_loop_ends(lab):
    """Frames that form a ring are followed BACKTRACE_MAX times."""
    assert [offset for offset, _ in places(lab, "loop")] == [0x20, 0x50] * 16


def test_backtrace_of_a_fault(lab):
    """The place of a fault is printed before its frames, without a name if it is not text."""
    assert places(lab, "fault") == [(0x240, ""), (0x100, "delta+0")]


def test_backtrace_in_the_kernel(lab):
    """A panic of the kernel itself (it is given no boot archive) is traced to its first thread."""
    with Qemu(cpus=1, icount=True, args="panic=off", disk=None, initrd=None,
              kernel=lab.build / "kernel.img", elf=lab.build / "kernel.elf") as machine:
        machine.until(lambda: machine.is_off(0.02), 20, "end of the panic")
        console = machine.output
        functions = sorted((a, n) for n, a in machine.symbols.items() if n[:1] not in "$.")
    assert "not implemented" not in console, console[-500:]
    lines = re.findall(r"^ +([0-9a-f]{16}) ([\w.]+)\+(?:0x)?([0-9a-f]+)$", console, re.M)
    for address, name, offset in lines:
        start = int(address, 16) - int(offset, 16)
        assert (start, name) in functions, f"{name} does not begin at {start:#x}"
    names = [name for _, name, _ in lines]
    assert "bootstrap_create" in names and "startup" in names, console[-1500:]
    assert names.index("bootstrap_create") < names.index("startup")


@functools.lru_cache(None)
def trace_results(lab, args, cpus=1):
    """The verdicts of first_lab_trap_trace."""
    with lab.boot("first_lab_trap_trace", args, cpus=cpus) as machine:
        lab.wait(machine)
        return lab.verdicts(machine), machine.tail(10)


def passes(lab, case, args="trace=16"):
    """Requires a case of first_lab_trap_trace to pass."""
    verdicts, console = trace_results(lab, args)
    assert verdicts.get(case) == "pass", f"{case}: {verdicts.get(case, 'did not run')}\n{console}"


def test_trace_sends_and_receives(lab):
    """Sends and receives are noted, in order, with their ports and ids."""
    passes(lab, "sends_and_receives_are_noted")


def test_trace_reading_goes_on(lab):
    """A read goes on where the last one ended."""
    passes(lab, "reading_goes_on_where_it_stopped")


def test_trace_overwrites_the_oldest(lab):
    """A full ring keeps the newest records, and gives out none that the writer may be over."""
    passes(lab, "the_oldest_are_overwritten")


def test_trace_switches(lab):
    """Switches to another thread are noted."""
    passes(lab, "switches_are_noted")


def test_trace_keeps_to_its_room(lab):
    """There is no trace of a CPU that does not exist, nor for who lacks the privilege."""
    passes(lab, "room_is_kept_to")
