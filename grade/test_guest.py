"""Each case of each in-guest test program (user/tests/), on each kind of machine, is a test here."""

from dataclasses import dataclass

import pytest
from guest import MACHINES, WHOLE, Machine, Program, programs, runner


@dataclass(frozen=True, eq=False)
class GuestCase:
    """One case of a program on one machine."""
    program: Program
    machine: Machine
    case: str

    def __str__(self):
        return f"{self.program.name}.{self.case}-{self.machine.name}"


CASES = [GuestCase(program, machine, case)
         for program in programs() for machine in MACHINES
         if program.name.startswith(machine.only) for case in program.cases]


@pytest.mark.parametrize("guest_case", CASES, ids=str)
def test_guest(guest_case):
    """The case's verdict in the kernel's grading log is ok."""
    verdict = runner.want(guest_case.program, guest_case.machine).result()[guest_case.case]
    if verdict.kind == "skip":
        pytest.skip(verdict.text)
    if verdict.kind != "ok":
        only = "" if guest_case.case == WHOLE else f" test.only={guest_case.case}"
        arguments = f"test={guest_case.program.name}{only}"
        pytest.fail(f"{verdict.kind}: {verdict.text}\n{verdict.console}\n--- run it again: "
                    f"make qemu CPUS={guest_case.machine.cpus} BOOTARGS='{arguments}'", pytrace=False)
