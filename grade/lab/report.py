"""Writes a Grade: a table for a terminal, JUnit XML, Gradescope's results.json, GitHub Classroom's form."""

import base64
import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

from .guestrun import BROKEN, FAULT, PASS

COLOURS = {PASS: "32", FAULT: "35"}
CONSOLE_LINES = 12


def _number(points):
    return f"{points:g}"


def _tail(text, lines=CONSOLE_LINES):
    return "\n".join(text.rstrip().split("\n")[-lines:])


def details(result):
    """What a person needs to see of a test that did not pass."""
    verdict = result.verdict
    parts = [verdict.text.rstrip()]
    if verdict.console.strip():
        parts.append("the console's last lines:\n" + "\n".join(
            f"  | {line}" for line in _tail(verdict.console).split("\n")))
    if result.again:
        parts.append(f"run just this, under GDB: {result.again}")
    return "\n".join(part for part in parts if part)


def table(grade, colour=False):
    """The whole grading for a terminal. What failed for the same reason as the test before is told once."""
    def paint(code, text):
        return f"\033[{code}m{text}\033[0m" if colour else text
    lines = [f"Lab {grade.lab.name}: {grade.lab.title}"]
    owner, told = None, set()
    broken = [r for r in grade.results if r.verdict.kind == BROKEN]
    for result in grade.results:
        if result.exercise != owner:
            owner = result.exercise
            exercise = next(e for e in grade.lab.exercises if e.id == owner)
            mine = [r for r in grade.results if r.exercise == owner]
            lines.append(f"\n{owner} {exercise.title}: {_number(sum(r.earned for r in mine))}"
                         f"/{_number(sum(r.points for r in mine))}")
        kind = result.verdict.kind
        lines.append(f"  {result.test:<52} {_number(result.earned):>4}/{_number(result.points):<4} "
                     + paint(COLOURS.get(kind, "31"), kind))
        if kind != PASS and not broken:
            text = result.verdict.text.rstrip()
            if text in told:
                lines.append(f"      as above: {text.splitlines()[0] if text else ''}")
            else:
                told.add(text)
                lines += [f"      {line}" for line in details(result).split("\n")]
    if broken:
        lines.append("\nIt does not compile:\n" + "\n".join(
            f"  {line}" for line in broken[0].verdict.text.split("\n")))
    for note in grade.notes[:10]:
        lines.append(f"note: {note}")
    lines.append(f"\nScore: {_number(grade.score)}/{_number(grade.possible)}"
                 + (" (of the tests chosen)" if grade.partial else "") + f"  ({grade.seconds:.0f} s)")
    if grade.faults:
        lines.append(f"{len(grade.faults)} of the tests could not be run, by a fault of the grader or of "
                     "this machine: this is no score. Try again; `make doctor` may tell why.")
    return "\n".join(lines)


def as_json(grade):
    """The grading as plain data, for batch.py and others. Without the time it took: two gradings of the
    same submission give the same."""
    return {
        "lab": grade.lab.name, "score": grade.score, "possible": grade.possible,
        "final": not grade.faults and not grade.partial,
        "exercises": {e.id: sum(r.earned for r in grade.results if r.exercise == e.id)
                      for e in grade.lab.exercises},
        "tests": [{"test": r.test, "exercise": r.exercise, "points": r.points, "earned": r.earned,
                   "verdict": r.verdict.kind, "text": r.verdict.text, "console": _tail(r.verdict.console)}
                  for r in grade.results],
        "notes": grade.notes,
    }


def _clean(text):
    """What XML may hold."""
    return "".join(c if c in "\n\t" or " " <= c < "\ud800" or "\ue000" <= c <= "\ufffd" else "?"
                   for c in text)


def junit(grade):
    """JUnit XML. A fault of the grader is an <error>, anything of the student's a <failure>."""
    suite = ElementTree.Element("testsuite", {
        "name": f"lab {grade.lab.name}", "tests": str(len(grade.results)),
        "failures": str(sum(r.verdict.kind not in (PASS, FAULT) for r in grade.results)),
        "errors": str(len(grade.faults)), "time": f"{grade.seconds:.1f}"})
    for result in grade.results:
        case = ElementTree.SubElement(suite, "testcase", {"classname": result.exercise, "name": result.test})
        if result.verdict.kind != PASS:
            what = "error" if result.verdict.kind == FAULT else "failure"
            first = result.verdict.text.split("\n", 1)[0]
            problem = ElementTree.SubElement(case, what, {"type": result.verdict.kind,
                                                          "message": _clean(first)})
            problem.text = _clean(details(result))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)


def gradescope(grade):
    """Gradescope's results.json. With a fault of the grader there are no scores: a staff member sees
    that the autograder failed, and the student is told to wait."""
    if grade.faults:
        return {"output": "The grader failed; this says nothing about your work. Submit again, or tell the "
                          f"staff.\n\n{grade.faults[0].verdict.text}", "score": 0,
                "stdout_visibility": "hidden",
                "extra_data": {"grader_fault": True, "grade": as_json(grade)}}
    return {
        "score": grade.score, "output": f"Lab {grade.lab.name}: {grade.lab.title}",
        "output_format": "text", "visibility": "visible", "stdout_visibility": "hidden",
        "tests": [{"name": r.test, "number": r.exercise, "score": r.earned, "max_score": r.points,
                   "status": "passed" if r.verdict.kind == PASS else "failed",
                   "output": "" if r.verdict.kind == PASS else f"{r.verdict.kind}: {details(r)}",
                   "output_format": "text"} for r in grade.results],
        "extra_data": {"grade": as_json(grade)},
    }


def classroom(grade):
    """The result that GitHub Classroom's autograding reporter takes, as data."""
    return {
        "version": 1, "status": "error" if grade.faults else
        "pass" if grade.score == grade.possible else "fail",
        "max_score": grade.possible,
        "tests": [{"name": f"{r.exercise} {r.test}",
                   "status": "pass" if r.verdict.kind == PASS else
                   "error" if r.verdict.kind == FAULT else "fail",
                   "score": r.earned, "max_score": r.points, "test_code": r.again, "filename": "",
                   "line_no": 0, "execution_time": 0,
                   "message": "" if r.verdict.kind == PASS else f"{r.verdict.kind}: {details(r)}"}
                  for r in grade.results],
    }


def classroom_output(grade):
    """The line for $GITHUB_OUTPUT: the result in base64, as the reporter wants it."""
    return "result=" + base64.b64encode(json.dumps(classroom(grade)).encode()).decode()


def write(grade, folder):
    """All forms, as files in a folder. Each appears whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    forms = {
        "grade.txt": table(grade) + "\n", "grade.json": json.dumps(as_json(grade), indent=1) + "\n",
        "junit.xml": junit(grade) + "\n", "results.json": json.dumps(gradescope(grade), indent=1) + "\n",
        "classroom.json": json.dumps(classroom(grade), indent=1) + "\n",
        "classroom.output": classroom_output(grade) + "\n",
    }
    for name, text in forms.items():
        partial = folder / f".{name}.{os.getpid()}"
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        partial.replace(folder / name)


def show(grade):
    """Prints the table."""
    print(table(grade, sys.stdout.isatty()), flush=True)
