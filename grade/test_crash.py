"""The report of a process that crashed: what the console is told (user/servers/proc/report.c).
user/tests/posix_core.c has processes that make it hard."""

import re

LINE = r"posix_core \(pid \d+\): signal 11: exception 1, code 1, address 0x8, pc 0x([0-9a-f]+)\n"
FRAME = re.compile(r"^  #(\d+) +([0-9a-f]{16})(?: (\w+)\+0x[0-9a-f]+)?$", re.M)
REGION = re.compile(r"^  ([0-9a-f]{12})-([0-9a-f]{12}) ([r-][w-][x-]) +(\d+) KiB (\w+)", re.M)


def test_report(system):
    """A report has the signal, the registers, the callers by name, and the map."""
    text = system.run("sh -c 'kill -QUIT $$'")
    assert re.search(r"^sh \(pid \d+\): signal 3 \(Quit\) of process \d+$", text, re.M)
    registers = dict(re.findall(r"(x\d+|fp|lr|sp|pc) ([0-9a-f]{16})", text))
    assert set(registers) == {f"x{i}" for i in range(29)} | {"fp", "lr", "sp", "pc"}
    frames = FRAME.findall(text)
    names = [name for _, _, name in frames]
    assert [int(number) for number, _, _ in frames] == list(range(len(frames)))
    assert frames[0][1] == registers["pc"] and names[0] == "proc_kill"
    assert [names.index(name) for name in ("kill", "builtin_kill", "main", "_start")] == sorted(
        names.index(name) for name in ("kill", "builtin_kill", "main", "_start"))
    regions = REGION.findall(text)
    assert any(int(low, 16) <= int(registers["pc"], 16) < int(high, 16) and how == "r-x"
               for low, high, how, _, _ in regions)
    assert any(int(low, 16) <= int(registers["sp"], 16) < int(high, 16) and how == "rw-"
               for low, high, how, _, _ in regions)


def test_fault(system):
    """A fault's line says where; a file without symbols leaves the addresses."""
    text = system.run("/tests/posix_core address")
    pc = int(re.search(LINE, text).group(1), 16)
    frames = FRAME.findall(text)
    assert int(frames[0][1], 16) == pc and len(frames) >= 2 and not any(name for _, _, name in frames)
    relative = system.run("cd /tests; ./posix_core address")
    assert re.search(LINE, relative) and FRAME.search(relative)


def test_brief(system):
    """ulimit -c 0: one line for a fault, none for a signal from outside."""
    text = system.run("(ulimit -c 0; /tests/posix_core address; sh -c 'kill -QUIT $$')")
    assert re.search(LINE, text)
    assert "x0 " not in text and not FRAME.search(text) and not REGION.search(text) and "signal 3" not in text


def test_bounded(system):
    """However many callers and mappings there are, the report is short, and says that there is more."""
    text = system.run("/tests/posix_core many")
    assert len(FRAME.findall(text)) in (31, 32) and "... there may be more" in text
    text = system.run("/tests/posix_core map")
    assert len(REGION.findall(text)) == 48 and "... and more" in text
    assert len(FRAME.findall(system.run("/tests/posix_core circle"))) <= 4
