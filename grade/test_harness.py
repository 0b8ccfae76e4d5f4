"""The harness itself: runs are apart from each other, and none outlives its maker."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from guest import Machine, Program, Verdict, run_log
from harness import GraderFault, GuestError, Hang, Monitor, Qemu


class Silent:
    """Stands for a machine with nothing on its console."""

    @staticmethod
    def tail():
        """No lines."""
        return ""


def read(text):
    """The verdicts in a grading log's text."""
    results = {}
    run_log(Silent, text, results)
    return {name: verdict.kind for name, verdict in results.items()}


def test_log_is_read_in_order():
    """A verdict counts for the case that runs, once."""
    assert read("run p\nat a\nok a\nat b\nnot ok b f.c:1: bad\nat c\nskip c why\nend p\n") == {
        "a": "ok", "b": "wrong", "c": "skip"}
    assert read("at a\nok b\n") == {"b": "wrong"}
    assert read("at a\nok a\nok a\n") == {"a": "wrong"}
    assert read("at a\nnot ok a f.c:1: bad\nat a\nok a\n")["a"] == "wrong"
    assert read("at a\nok ab\n") == {"ab": "wrong"}
    assert read("okay a\nat a\n") == {}


def test_values():
    """What describes a run can be compared and shown."""
    assert Machine("1cpu", 1, True) == Machine("1cpu", 1, True)
    assert Program("p").cases == [] and Verdict("ok").text == ""


def test_qemu_refuses():
    """A machine QEMU cannot make is a fault of the grader, with QEMU's words."""
    with pytest.raises(GraderFault, match="no-such-device"):
        Qemu(disk=None, extra=["-device", "no-such-device"])


def test_nothing_is_left(boot):
    """close() ends QEMU and removes its files, also when the test failed in between."""
    machine = boot()
    process, directory = machine.process, machine.directory
    assert process.poll() is None and directory.exists()
    machine.close()
    assert process.poll() is not None and not directory.exists()


def test_killed_harness_takes_qemu_along():
    """A harness that is killed leaves no QEMU behind."""
    code = ("import sys, time; sys.path.insert(0, sys.argv[1]); from harness import Qemu\n"
            "q = Qemu(); print(q.process.pid, q.directory, flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", code, str(Path(__file__).parent)],
                          stdout=subprocess.PIPE, text=True) as harness:
        pid, directory = harness.stdout.readline().split()
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    subprocess.run(["rm", "-rf", directory], check=True)
    if not sys.platform.startswith("linux"):
        os.kill(int(pid), signal.SIGKILL)
        pytest.skip("only Linux tells a child of its parent's death")
    for _ in range(200):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"QEMU {pid} still runs")


def test_two_at_once(boot):
    """Two machines run side by side, each with its own console and disk."""
    one, two = boot(), boot()
    one.prompt()
    two.prompt()
    one.run("echo one > /mine")
    assert "one" not in two.run("ls /")
    assert one.disk != two.disk
    assert two.run("echo two") == "two\n"


def test_guest_time_limits(boot):
    """What never comes is a hang, told with each CPU's place, within the limit's guest time."""
    machine = boot(icount=True)
    machine.prompt()
    begin = machine.guest_time()
    with pytest.raises(Hang, match="CPU 0: pc"):
        machine.expect("this is never printed", limit=3)
    assert 3 <= machine.guest_time() - begin


def test_prompt_look_alike(boot):
    """A command that prints a prompt does not end early."""
    machine = boot()
    machine.prompt()
    assert machine.run("echo '$ '; echo more") == "$ \nmore\n"


def test_expect_consumes(boot):
    """One line of the console satisfies one expectation."""
    machine = boot()
    machine.prompt()
    machine.type("echo once\n")
    machine.expect("\nonce\n")
    with pytest.raises(GuestError):
        machine.expect("\nonce\n", limit=2)


class LateReader(Qemu):
    """A harness that comes to read the console late, as on a busy host."""

    def _read_console(self):
        time.sleep(2)
        super()._read_console()


def test_a_guest_that_is_off_before_it_is_watched(monkeypatch):
    """On a busy machine a guest may have ended before QEMU's monitor tells of anything."""
    begin = Monitor.__init__

    def late(self, sock):
        time.sleep(3)
        begin(self, sock)
    monkeypatch.setattr(Monitor, "__init__", late)
    with Qemu(cpus=1, icount=True, args="panic=off", disk=None, initrd=None) as machine:
        assert machine.is_off(10)


def test_output_is_whole_when_off():
    """A machine that is off has its last words in `output`, also when nobody read them so far."""
    with LateReader(disk=None, args="test=none panic=off") as machine:
        machine.until(lambda: machine.is_off(0.1), 20, "end")
        assert "cannot start test none" in machine.output
