"""Tests of lab mini: its in-guest cases, and one from outside."""

from lab.plugin import guest_tests

test_guest = guest_tests("mini")


def test_seen_from_outside(lab):
    """A run of one case ends in good order, and the kernel's log says so."""
    with lab.boot("mach_lab_mini", "test.only=count_stays") as machine:
        lab.wait(machine)
        assert lab.verdicts(machine) == {"count_stays": "pass", "nothing_leaked": "pass"}, \
            "the case alone does not pass"
