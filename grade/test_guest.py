"""Each case of each in-guest test program (user/tests/), on each kind of machine, is a test here."""

from dataclasses import dataclass

import pytest
from guest import WHOLE, Machine, Program, programs, runner


@dataclass(frozen=True, eq=False)
class GuestCase:
    """One case of a program on one machine."""
    program: Program
    machine: Machine
    case: str

    def __str__(self):
        return f"{self.program.name}.{self.case}-{self.machine.name}"


CASES = [GuestCase(program, machine, case)
         for program in programs() for machine in program.machines() for case in program.cases]


@pytest.mark.parametrize("guest_case", CASES, ids=str)
def test_guest(guest_case):
    """The case's verdict in the kernel's grading log is ok."""
    verdict = runner.verdict(guest_case.program, guest_case.machine, guest_case.case)
    if verdict.kind == "skip":
        pytest.skip(verdict.text)
    if verdict.kind != "ok":
        machine = guest_case.machine
        if machine.jitter is not None:  # what a seed does depends on all that ran before
            again = f"make test TEST='{guest_case.program.name} and {machine.name}'"
        else:
            only = "" if guest_case.case == WHOLE else f" test.only={guest_case.case}"
            arguments = " ".join(f"test={guest_case.program.name}{only} {guest_case.program.args} "
                                 f"{machine.args}".split())
            again = f"make qemu CPUS={machine.cpus} BOOTARGS='{arguments}'"
        pytest.fail(f"{verdict.kind} ({machine.name}): {verdict.text}\n{verdict.console}\n"
                    f"--- run it again: {again}", pytrace=False)
