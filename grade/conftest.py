"""What all tests share: booting the system, and showing its console when a test fails.

Fixtures: `boot` (a machine for this test alone), `system` (one at the shell's prompt, shared by a
module, for 1 and 4 CPUs). In-guest programs are run by grade/guest.py; see grade/README.md.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# pylint: disable=wrong-import-position
import harness
from guest import runner
from harness import Qemu


@pytest.fixture(scope="session", autouse=True)
def cleanup():
    """No QEMU outlives the session."""
    yield
    runner.close()
    harness.kill_all()


@pytest.fixture
def boot(request):
    """boot(**Qemu's arguments): a machine for this test; it is gone when the test ends."""
    machines = []
    request.node.machines = machines

    def make(**arguments):
        machines.append(Qemu(**arguments))
        return machines[-1]
    yield make
    for machine in machines:
        machine.close()


@pytest.fixture(scope="module", params=[1, 4], ids=["1cpu", "4cpu"])
def system_machine(request):
    """The machine behind `system`."""
    with Qemu(cpus=request.param) as qemu:
        qemu.prompt()
        yield qemu


@pytest.fixture
def system(request, system_machine):
    """A system at its shell's prompt, shared by the module's tests: leave it as you found it."""
    request.node.machines = [system_machine]
    return system_machine


# The in-guest programs run while the other tests do, and are asked for their verdicts then; what wants
# the machine for itself comes last of all.
LAST = {"test_guest.py": 1, "test_smp.py": 2}


def pytest_collection_modifyitems(items):
    """Puts the tests in an order that leaves no processor idle."""
    items.sort(key=lambda item: LAST.get(Path(item.nodeid.partition("::")[0]).name, 0))


def pytest_collection_finish(session):
    """Has the in-guest programs run that the chosen tests will ask for: those with most to do first."""
    if session.config.option.collectonly:
        return
    cases = [item.callspec.params.get("guest_case") for item in session.items
             if getattr(item, "callspec", None)]
    wanted = {(case.program.name, case.machine.name): case for case in cases
              if getattr(case, "program", None)}
    for case in sorted(wanted.values(), key=lambda case: -case.program.limit):
        runner.want(case.program, case.machine)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """On failure shows each machine's console, and how to run the test again."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when in ("setup", "call"):
        for machine in getattr(item, "machines", []):
            report.sections.append(("console", machine.report()))
        report.sections.append(("this test alone", f"make test TEST='{item.name}'"))
