"""Grades one submission: builds it in a private copy, runs the lab's tests, and says how each ended."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import build, generate, guestrun, manifest
from .guestrun import BROKEN, FAULT, PASS, SKIPPED, WRONG, Verdict
from .manifest import LabError

GRADE = Path(__file__).resolve().parent.parent
ROOT = GRADE.parent


@dataclass
class Result:
    """One test of a grading. again: the command that runs just it, under GDB."""
    test: str
    exercise: str
    points: float
    verdict: Verdict
    again: str = ""

    @property
    def earned(self):
        """Its points, if it passed."""
        return self.points if self.verdict.kind == PASS else 0


@dataclass
class Grade:
    """A grading. partial: not all tests were asked for. notes: what a person should know."""
    lab: manifest.Lab
    results: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    build_text: str = ""
    seconds: float = 0
    partial: bool = False

    @property
    def score(self):
        """Points earned."""
        return sum(result.earned for result in self.results)

    @property
    def possible(self):
        """Points of the tests that were run."""
        return sum(result.points for result in self.results)

    @property
    def faults(self):
        """Tests whose verdict is the grader's own failure: the score is not final."""
        return [result for result in self.results if result.verdict.kind == FAULT]

    def kinds(self):
        """test -> verdict's kind: what two gradings of the same submission must agree on."""
        return {result.test: result.verdict.kind for result in self.results}


def _again(test):
    program, dot, case = test.partition(".")
    return (f"make qemu-gdb CPUS=1 BOOTARGS='test={program} test.only={case}'" if dot
            else f"make grade TEST={test}")


def _all(lab, tests, verdict):
    return [Result(test, exercise.id, points, verdict, "") for test, (exercise, points) in lab.tests().items()
            if test in tests]


def run_tests(work, lab, root, tests, seed=None, first=False):
    """Runs the lab's tests (named in `tests`) against a built private copy: test -> Verdict."""
    path = Path(root) / "labs" / lab.name / f"test_{lab.name}.py"
    with tempfile.TemporaryDirectory(prefix="ostia-lab-") as folder:
        results = Path(folder) / "results"
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("PYTEST", "OSTIA_LAB", "MAKE", "MFLAGS"))}
        env |= {"OSTIA_LAB": lab.name, "OSTIA_LAB_ROOT": str(root), "OSTIA_LAB_WORK": str(work),
                "OSTIA_LAB_RESULTS": str(results), "OSTIA_LAB_TESTS": "\n".join(tests),
                "OSTIA_LAB_FIRST": "1" if first else "0", "OSTIA_LAB_SEED": "" if seed is None else str(seed),
                "PYTHONPATH": str(GRADE), "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": folder}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "lab.plugin", "-p", "no:cacheprovider",
             "--rootdir", str(root), "-c", os.devnull, *(["-x"] if first else []), str(path)],
            cwd=folder, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        verdicts = {}
        if results.exists():
            for line in results.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                name = record.pop("test")
                verdicts[name] = Verdict(**record)
    said = build.tail(done.stdout + done.stderr, 15)
    for test in tests:
        if test not in verdicts:
            verdicts[test] = (Verdict(SKIPPED, "an earlier test failed") if first and verdicts else
                              Verdict(FAULT, f"the test did not run:\n{said}"))
    return {test: verdicts[test] for test in tests}


def grade(lab, base, taken, root=ROOT, tests=None, seed=None, jobs=None, keep=None, permitted=None):
    """Grades the files `taken` (path -> bytes) on a prepared Base. root: where the tests are. tests:
    names, or None for all. Returns a Grade; never raises for what a submission does."""
    begin = time.monotonic()
    result = Grade(lab, partial=tests is not None)
    chosen = list(lab.tests()) if tests is None else tests
    permitted = permitted or lab.permitted
    work = Path(tempfile.mkdtemp(prefix="ostia-grade-"))
    try:
        tree = work / "tree"
        verdicts = None
        try:
            build.copy(base, tree)
            build.put(base, tree, taken, permitted)
            result.notes += build.compile_copy(tree, jobs, base.goal)
            forged = build.forged(base, tree, taken)
            if forged:
                verdicts = Verdict(WRONG, "not graded, for a person to look at: " + "; ".join(forged))
        except build.BrokenBuild as broken:
            verdicts = Verdict(BROKEN, str(broken))
            result.build_text = str(broken)
        except (build.Fault, OSError, LabError) as fault:
            verdicts = Verdict(FAULT, str(fault))
        if verdicts is not None:
            result.results = _all(lab, chosen, verdicts)
        else:
            found = run_tests(tree, lab, root, chosen, seed)
            owners = lab.tests()
            result.results = [Result(test, owners[test][0].id, owners[test][1], found[test], _again(test))
                              for test in chosen]
    finally:
        if keep:
            shutil.copytree(work / "tree", keep, symlinks=True)
        shutil.rmtree(work, ignore_errors=True)
    result.seconds = time.monotonic() - begin
    return result


def base_of(root, names, cache, say=lambda text: None, seed=None):
    """The Base that a submission to labs `names` is put over.

    In main: the starter, made now. In a student's tree: the starter it began as, from git, or the
    tree itself without git.
    """
    files = generate.read_folder(root)
    if generate.complete(files):
        files, _ = generate.starter(files, names)
    else:
        first = generate.git(root, "rev-list", "--max-parents=0", "HEAD", check=False)
        if first:
            began = generate.read_revision(root, first.decode().split()[-1])
            if manifest.STARTER in began:
                files = began
    return build.Base(files, cache, say, seed, guestrun.goal(root, manifest.load(root, names[0])))


def changed_elsewhere(root, base, permitted):
    """Files that a student's tree has changed, and which a hand-in does not bring."""
    now = generate.read_folder(root)
    return [path for path in sorted(set(now) | set(base.files))
            if not permitted(path) and now.get(path) != base.files.get(path)]
