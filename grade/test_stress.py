"""Runs of in-guest tests under conditions of their own. `make stress` (stress.py) does more, for longer."""

import pytest
from guest import run_log, watch
from harness import BUILD

LIMIT = 120  # guest seconds without a report


def outcome(machine):
    """Lets the machine run to its end; case -> verdict."""
    results = {}
    assert watch(machine, LIMIT) is None, machine.report()
    _, ended = run_log(machine, machine.grade_log().text, results)
    assert ended, machine.report()
    return results


@pytest.mark.parametrize("arguments", [{"cpus": 4}, {"cpus": 4, "icount": True, "jitter": 3}],
                         ids=["4cpu", "jitter"])
def test_asids_roll_over(boot, arguments):
    """With 256 ASIDs, as many CPUs have, 300 running address spaces must take them from each other."""
    machine = boot(args="test=mach_spaces panic=off asids=256", disk=None, initrd=BUILD / "boot-test.tar",
                   **arguments)
    assert {verdict.kind for verdict in outcome(machine).values()} == {"ok"}, machine.report()


@pytest.mark.parametrize("program, seed", [("mach_chaos", 2), ("mach_chaos", 3), ("mach_fuzz", 2)])
def test_under_jitter(boot, program, seed):
    """Chaos, and a part of what the fuzzer has, on four CPUs whose timers fire at the seed's intervals."""
    machine = boot(args=f"test={program} panic=off seed={seed} chaos.seconds=1 fuzz.count=50000", cpus=4,
                   icount=True, jitter=seed, disk=None, initrd=BUILD / "boot-test.tar")
    assert {verdict.kind for verdict in outcome(machine).values()} == {"ok"}, machine.report()
