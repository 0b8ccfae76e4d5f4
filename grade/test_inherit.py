"""Priority inheritance is what keeps the cases inversion_* of user/tests/mach_inherit.c from failing: with
the boot argument inherit=off they fail."""

import pytest
from guest import run_log
from harness import BUILD


@pytest.mark.parametrize("case", ["inversion_at_one_server_is_avoided",
                                  "inversion_along_a_chain_of_three_is_avoided"])
def test_inversion_without(boot, case):
    """An important client waits until threads have ended that are less important than it."""
    machine = boot(icount=True, disk=None, initrd=BUILD / "boot-test.tar",
                   args=f"test=mach_inherit test.only={case} inherit=off hog.ms=400 panic=off")
    machine.until(lambda: machine.is_off(0.05), 40, "power-off")
    results = {}
    _, ended = run_log(machine, machine.grade_log().text, results)
    assert ended
    assert results[case].kind == "wrong", results[case]
