"""The commands behind the Makefile's targets for labs: python3 -m lab COMMAND, with PYTHONPATH=grade."""

import argparse
import os
import sys
from pathlib import Path

from . import batch, build, generate, manifest, mutants, report, run, stress
from .manifest import LabError

ROOT = Path(os.environ.get("OSTIA_LAB_TREE", run.ROOT)).resolve()
BUILD = (ROOT / os.environ.get("OSTIA_BUILD", "build")).resolve()
CACHE = BUILD / "lab"
BAD_INPUT, GRADER_FAULT = 2, 3  # exit statuses; a score is never one


def say(text):
    """A line about what goes on, not part of a result."""
    print(f"({text})", file=sys.stderr, flush=True)


def here(name):
    """The names of the labs to work on: NAME, or what the tree says it is, or git's branch."""
    mine = manifest.starter_of(ROOT)
    if name and mine and name != mine[0]:
        raise LabError(f"this is the tree of lab {mine[0]}, not of {name}")
    if name:
        return mine or [name]
    if mine:
        return mine
    branch = generate.git(ROOT, "symbolic-ref", "-q", "--short", "HEAD", check=False)
    if branch and branch.decode().startswith("lab/"):
        return [branch.decode().strip().removeprefix("lab/")]
    raise LabError("which lab? Say LAB=name (make labs lists them)")


def permits(labs):
    """Whether any of the labs lets a student change a path."""
    return lambda path: any(lab.permitted(path) for lab in labs)


def command_labs(_):
    """Lists the labs."""
    for lab in manifest.load_all(ROOT):
        print(f"{lab.order:3} {lab.name:8} {lab.points:4} points  {lab.hours:>4g} h  {lab.title}")
        for exercise in lab.exercises:
            print(f"      {exercise.id:10} {exercise.points:3}  {exercise.title}")


def command_lab(options):
    """Makes a starter."""
    print(generate.make_lab(ROOT, options.lab or "", options.dir, options.previous))


def command_grade(options):
    """Grades the tree, or a submission."""
    names = here(options.lab)
    labs = [manifest.load(ROOT, name) for name in names]
    lab, permitted = labs[0], permits(labs)
    base = run.base_of(ROOT, names, CACHE, say, (ROOT, BUILD))
    if options.submission:
        taken = batch.read(options.submission, permitted)
    else:
        taken = build.take(ROOT, permitted)
    tests = None
    if options.test:
        tests = manifest.select(list(lab.tests()), options.test)
        if not tests:
            raise LabError(f"no test of lab {lab.name} matches {options.test!r}; they are:\n  "
                           + "\n  ".join(lab.tests()))
    warnings = base.prepare()
    if "warning:" in warnings:
        say("the starter has warnings")
    grade = run.grade(lab, base, taken, root=ROOT, tests=tests, seed=options.seed, permitted=permitted)
    if not options.submission and not generate.complete(generate.read_folder(ROOT)):
        elsewhere = run.changed_elsewhere(ROOT, base, permitted)
        if elsewhere:
            grade.notes.append(f"changed, but not part of the lab, so not graded: {', '.join(elsewhere[:8])}")
    report.show(grade)
    report.write(grade, options.out or CACHE / "grade")
    if options.format == "gradescope":
        report.write(grade, Path("/autograder/results"))
    output = os.environ.get("GITHUB_OUTPUT")
    if options.format == "classroom" and output:
        with open(output, "a", encoding="ascii") as out:
            out.write(report.classroom_output(grade) + "\n")
    return GRADER_FAULT if grade.faults else 0


def command_handin(options):
    """Packs what the lab lets the student change."""
    names = here(options.lab)
    lab = manifest.load(ROOT, names[0])
    permitted = permits([manifest.load(ROOT, name) for name in names])
    taken = build.take(ROOT, permitted)
    for path in lab.taken_files():
        if path not in taken:
            say(f"{path} is missing")
    target = Path(options.out or BUILD / f"handin-{lab.name}.tar.gz")
    target.parent.mkdir(parents=True, exist_ok=True)
    files = {path: generate.File(data) for path, data in taken.items()}
    generate.write_tar(files, target, f"handin-{lab.name}")
    print(f"{target}: {len(taken)} files\nhand this file in")


def command_handouts(options):
    """A tar of each starter."""
    files = generate.source(ROOT)
    folder = Path(options.out or BUILD / "handouts")
    folder.mkdir(parents=True, exist_ok=True)
    for name in [options.lab] if options.lab else generate.labs_of(files):
        result, gone = generate.starter(files, [name])
        leaks = generate.leaks(files, gone, result)
        if leaks:
            raise LabError(f"lab {name}: the starter would hold solutions: {leaks[:5]}")
        target = folder / f"lab-{name}.tar.gz"
        generate.write_tar(result, target, f"lab-{name}")
        print(f"{target}: {len(result)} files")


def command_batch(options):
    """Grades a class."""
    names = here(options.lab)
    lab = manifest.load(ROOT, names[0])
    base = run.base_of(ROOT, names[:1], CACHE, say, (ROOT, BUILD))
    base.prepare()
    return batch.run_all(lab, base, ROOT, Path(options.submissions), options.out and Path(options.out),
                         options.jobs, options.seed)


def command_stress(options):
    """Grades the same many times on a busy machine."""
    lab = manifest.load(ROOT, options.lab)
    base = run.base_of(ROOT, [lab.name], CACHE, say, (ROOT, BUILD))
    base.prepare()
    return stress.command(ROOT, lab, base, options.count, options.loads, say)


def command_mutants(options):
    """Runs the mutants."""
    labs = [manifest.load(ROOT, options.lab)] if options.lab else manifest.load_all(ROOT)
    return mutants.command(ROOT, labs, CACHE, options.test, say, (ROOT, BUILD))


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="lab")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in list(globals().items()):
        if name.startswith("command_"):
            sub = commands.add_parser(name.removeprefix("command_"), help=function.__doc__)
            sub.set_defaults(function=function)
            sub.add_argument("--lab", default="")
            sub.add_argument("--test", default="")
            sub.add_argument("--dir", default="")
            sub.add_argument("--from", dest="previous", default=None, type=lambda word: word or None)
            sub.add_argument("--out", default="")
            sub.add_argument("--submission", default="")
            sub.add_argument("--submissions", default="")
            sub.add_argument("--format", default="", choices=["", "gradescope", "classroom"])
            sub.add_argument("--seed", default=None, type=lambda word: int(word) if word else None)
            sub.add_argument("--count", default=100, type=lambda word: int(word or 100))
            sub.add_argument("--loads", default=4, type=lambda word: int(word or 4))
            sub.add_argument("--jobs", default=None, type=lambda word: int(word) if word else None)
    options = parser.parse_args()
    try:
        return options.function(options) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return BAD_INPUT
    except build.BrokenBuild as error:
        print(f"lab: the submission cannot be read: {error}", file=sys.stderr)
        return BAD_INPUT
    except build.Fault as error:
        print(f"lab: fault of the grader: {error}", file=sys.stderr)
        return GRADER_FAULT


if __name__ == "__main__":
    sys.exit(main())
