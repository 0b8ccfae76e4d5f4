"""The debugger: a backtrace from inside a trap goes through the kernel into the user program."""

import re
import subprocess

import pytest
from harness import BUILD, ROOT


def gdb(socket, commands, limit=120):
    """Runs GDB on a machine that waits at `socket`, with the commands of .gdbinit. Returns its words."""
    make = subprocess.run(["make", "-s", f"BUILD={BUILD}", "print-GDB"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    debugger = make.stdout.split()
    if not debugger:
        pytest.skip("no GDB that knows AArch64")
    script = (ROOT / ".gdbinit.tmpl").read_text().replace("@BUILD@", str(BUILD))
    script = script.replace("127.0.0.1:@PORT@", str(socket))
    file = socket.parent / "commands"
    # Not kill: QEMU goes at once, and GDB may find the line broken while it still talks to it.
    file.write_text(script + "\n" + "\n".join(commands) + "\ndisconnect\n")
    done = subprocess.run([debugger[0], "-nx", "-batch", "-x", str(file)], cwd=ROOT, text=True,
                          capture_output=True, timeout=limit, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def stopped(boot, tmp_path):
    """A machine that waits for GDB before its first instruction: the socket to reach it by."""
    socket = tmp_path / "gdb"
    boot(icount=True, extra=["-S", "-chardev", f"socket,id=gdb,path={socket},server=on,wait=off",
                             "-gdb", "chardev:gdb"])
    return socket


def test_backtrace_crosses_the_trap(stopped):
    """Stopped in the kernel in the first program's first message, a backtrace names the kernel's
    functions and then that program's, down to main."""
    text = gdb(stopped, ["break mach_msg_trap if $_thread == 1", "continue", "backtrace"])
    frames = re.findall(r"^#\d+ .*?(\w+) \(", text, re.M)
    assert frames and frames[0] == "mach_msg_trap", text
    assert frames[-1] == "main" and "mig_rpc" in frames, text


def test_panic_can_be_caught(stopped):
    """where-panic and the helpers of .gdbinit are valid commands."""
    text = gdb(stopped, ["where-panic", "cpus", "regs", "help ostia", "in-server serial",
                         "in-program sh", "in-program ls"])
    assert "Breakpoint 1 at" in text and "ESR_EL1" in text and "error" not in text.lower(), text
