"""What labs/NAME/test_NAME.py is written with: the fixture `lab`, and guest_tests().

Loaded with `pytest -p lab.plugin`, by run.py. Each test's verdict goes to the file OSTIA_LAB_RESULTS as
a line of JSON; run.py reads that, and not what pytest prints.
"""

import json
import os
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import pytest
from harness import GuestError, Hang

from . import build, manifest
from .guestrun import FAULT, HANG_FACTOR, PASS, SKIPPED, WRONG, Grading, Verdict, workers

ROOT = Path(os.environ.get("OSTIA_LAB_ROOT", harness.ROOT))


class Failed(Exception):
    """A test failed with this verdict."""

    def __init__(self, verdict):
        super().__init__(verdict.text)
        self.verdict = verdict


def guest_tests(name):
    """A test for each in-guest case that the lab's manifest gives points for."""
    lab = manifest.load(ROOT, name)
    cases = [test for test in lab.tests() if "." in test]

    @pytest.mark.parametrize("case", cases)
    def test_guest(lab, case):
        """The case's verdict in the kernel's grading log is ok."""
        lab.case(case)
    return test_guest


class LabFixture:
    """What a test sees of the lab; labs/README.md has the table."""

    def __init__(self, grading, pool):
        self.grading = grading
        self.build = grading.build
        self._pool = pool
        self._runs = {}
        self._wanted = {}

    def want(self, cases, first=False):
        """Has the programs of these cases run, one machine a processor."""
        for case in cases:
            program, _, name = case.partition(".")
            self._wanted.setdefault(program, []).append(name)
        for program, names in self._wanted.items():
            if program in self.grading.programs and program not in self._runs:
                self._runs[program] = self._pool.submit(
                    self.grading.run, self.grading.programs[program], names, first)

    def case(self, case):
        """Requires an in-guest case to pass."""
        program, _, name = case.partition(".")
        if program not in self.grading.programs or name not in self.grading.programs[program].cases:
            raise harness.GraderFault(f"the lab's programs have no case {case}")
        if program not in self._runs:
            self.want([case])
        verdict = self._runs[program].result().get(name)
        if verdict is None:
            verdict = Verdict(SKIPPED, "not run: an earlier case failed")
        if verdict.kind != PASS:
            raise Failed(verdict)

    def boot(self, program=None, args="", cpus=1, jitter=None):
        """Boots what was submitted."""
        return self.grading.boot(program, args, cpus, jitter)

    def wait(self, machine, limit=60):
        """Until the machine is off; raises how it ended, if badly."""
        bad = None
        try:
            machine.until(lambda: machine.is_off(0.02), limit * HANG_FACTOR, "end of the run")
        except (Hang, GuestError) as error:
            bad = self.grading.ended_badly(machine, error)
        bad = bad or self.grading.ended_badly(machine)
        if bad:
            raise Failed(bad)

    @staticmethod
    def verdicts(machine):
        """case -> verdict, from a machine's grading log."""
        log = machine.grade_log()
        results = {}
        doubt = machine.witness and machine.witness.check(log.text if log else "")
        if doubt:
            raise Failed(Verdict(WRONG, doubt))
        if log:
            from guest import run_log  # pylint: disable=import-outside-toplevel
            run_log(machine, log.text, results)
        return {case: PASS if v.kind == "ok" else SKIPPED if v.kind == "skip" else WRONG
                for case, v in results.items()}


@pytest.fixture(scope="session")
def lab_session(request):
    """One for the whole run."""
    name = os.environ["OSTIA_LAB"]
    seed = os.environ.get("OSTIA_LAB_SEED")
    grading = Grading(os.environ["OSTIA_LAB_WORK"], manifest.load(ROOT, name), ROOT,
                      int(seed) if seed else None)
    pool = ThreadPoolExecutor(max_workers=workers())
    session = LabFixture(grading, pool)
    cases = [item.callspec.params["case"] for item in request.session.items
             if getattr(item, "callspec", None) and "case" in item.callspec.params]
    session.want(cases, os.environ.get("OSTIA_LAB_FIRST") == "1")
    yield session
    pool.shutdown(wait=False, cancel_futures=True)
    harness.kill_all()


@pytest.fixture
def lab(lab_session):
    """The lab under test."""
    return lab_session


def test_name(item):
    """A test's name in the manifest."""
    callspec = getattr(item, "callspec", None)
    return callspec.params["case"] if callspec and "case" in callspec.params else item.name


def _verdict(excinfo):
    error = excinfo.value
    if isinstance(error, Failed):
        return error.verdict
    if isinstance(error, pytest.skip.Exception):
        return Verdict(SKIPPED, str(error))
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return Verdict(WRONG, str(error).split("\nassert ", 1)[0])
    if isinstance(error, (harness.GraderFault, build.Fault)):
        return Verdict(FAULT, str(error))
    return Verdict(FAULT, "".join(traceback.format_exception(error)[-4:]))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Writes down each verdict."""
    yield
    path = os.environ.get("OSTIA_LAB_RESULTS")
    if not path or call.when == "teardown" or (call.when == "setup" and not call.excinfo):
        return
    verdict = _verdict(call.excinfo) if call.excinfo else Verdict(PASS)
    if call.when == "setup" and verdict.kind == WRONG:
        verdict.kind = FAULT
    with open(path, "a", encoding="utf-8") as out:
        out.write(json.dumps({"test": test_name(item), **verdict.as_dict()}) + "\n")


def pytest_collection_modifyitems(config, items):
    """Runs the tests that were asked for by name, and only those."""
    wanted = os.environ.get("OSTIA_LAB_TESTS")
    if wanted is None:
        return
    wanted = set(wanted.split("\n"))
    keep = [item for item in items if test_name(item) in wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in keep])
    items[:] = keep
