"""Two pairs of client and server on two CPUs get in each other's way little (user/tests/mach_pairs.c)."""

import os
import re
import statistics
import struct

import pytest
from harness import BUILD

RATIO = 1.7
CLASSES = ("IPC_SPACE", "IPC_PORT", "IPC_PSET", "PMAP", "WAITQ", "THREAD", "RUNQ", "ASID", "ZONE", "INHERIT")


@pytest.fixture(scope="module")
def pairs():
    """The finished machine, and the round trips of one pair and of two, five times."""
    busy = os.getloadavg()[0]
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two CPUs of this machine")
    from harness import Qemu  # pylint: disable=import-outside-toplevel
    with Qemu(cpus=2, disk=None, initrd=BUILD / "boot-test.tar",
              args="test=mach_pairs pairs.ms=300 panic=off") as machine:
        machine.until(lambda: machine.is_off(0.05), 120, "power-off")
        text = machine.grade_log().text
        found = [tuple(map(int, pair)) for pair in re.findall(r"^# pairs (\d+) (\d+)$", text, re.M)]
        assert len(found) == 5 and "ok pairs_go_on_side_by_side" in text, text
        yield machine, found, busy


def test_two_pairs_do_more_than_one(pairs):
    """Two pairs do 1.7 times the round trips of one, in the median of five."""
    _, found, busy = pairs
    ratio = statistics.median(two / one for one, two in found)
    if ratio < RATIO and busy > (os.cpu_count() or 1) - 1.5:
        pytest.skip(f"this machine is busy (load {busy:.1f}): the ratio {ratio:.2f} says nothing")
    assert ratio >= RATIO, found


def test_pairs_share_no_lock(pairs):
    """In a DEBUG build: the locks of the path do not wander from CPU to CPU."""
    machine, found, _ = pairs
    if "lock_stats" not in machine.symbols:
        pytest.skip("only a DEBUG build counts: make DEBUG=1 BUILD=build-debug test TEST=test_smp")
    from harness import KERNBASE, ROOT  # pylint: disable=import-outside-toplevel
    header = (ROOT / "kernel/include/kern/lock.h").read_text()
    names = re.findall(r"^    LOCK_(\w+)", header.split("enum lock_class {")[1].split("}")[0], re.M)
    count = len(names)  # LOCK_CLASSES is the last, its number the count of classes with 0
    data = machine.memory(machine.symbols["lock_stats"] - KERNBASE, 2 * count * 24)
    trips = sum(one + two for one, two in found)
    for name in CLASSES:
        number = names.index(name) + 1
        stats = [struct.unpack_from("<QQQ", data, (cpu * count + number) * 24) for cpu in range(2)]
        moved, contended = sum(s[2] for s in stats), sum(s[1] for s in stats)
        assert moved < trips / 10 and contended < trips / 100, (name, stats, trips)
