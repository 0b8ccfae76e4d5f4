"""Tests of lab util. Nearly all are in-guest cases: the programs of labs/util/tests/ play the shell, or the
other side of a message, for the program under test."""

from lab.plugin import guest_tests

test_guest = guest_tests("util")


def test_pingpong_takes_turns(lab):
    """pingpong 500 on two CPUs, with timer interrupts at odd moments: who prints after it has sent the number
    is overtaken by the other side."""
    with lab.boot("posix_lab_util", "test.only=pingpong_rounds", cpus=2, jitter=1) as machine:
        lab.wait(machine)
        verdict = lab.verdicts(machine).get("pingpong_rounds")
    assert verdict == "pass", "the lines of the two processes do not alternate, on two CPUs (pingpong 500)"
