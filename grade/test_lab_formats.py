"""The files that other tools read are what they take: editors, GitHub, Gradescope, JUnit's readers.

Each form is checked against its documented fields, named where they are checked. What a file tells such a
tool to run must be a target of our Makefile with variables that the Makefile has.
"""

import base64
import json
import re
import subprocess
from xml.etree import ElementTree

import pytest
from harness import ROOT
from lab import guestrun, manifest, report, run

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][\w.-]*):", MAKEFILE, re.M)) | {"setup"}
VARIABLES = {*re.findall(r"^([A-Z]+)\s*[?:]?=", MAKEFILE, re.M), *re.findall(r"\$\(([A-Z]+)\)", MAKEFILE)}
WORDS = [guestrun.PASS, guestrun.WRONG, guestrun.PANICKED, guestrun.HUNG, guestrun.SLOW, guestrun.BROKEN]
NASTY = 'says "<&>" \x00\x1b[31m\ud800 ]]> and\nmore'


def make_commands(text):
    """The words behind each `make` in shell text."""
    for line in text.replace("&&", "\n").split("\n"):
        words = re.sub(r"'[^']*'|\"[^\"]*\"", "X", line.split(" #")[0]).split()
        if words[:1] == ["-"]:
            words = words[1:]
        if words[:1] == ["run:"]:
            words = words[1:]
        if words[:1] == ["make"]:
            yield words[3:] if words[1:2] == ["-C"] else words[1:]


def check_commands(text, least=1):
    """Every make command of the text names targets and variables that exist."""
    found = list(make_commands(text))
    assert len(found) >= least, text
    for words in found:
        for word in words:
            name, equals, _ = word.partition("=")
            assert name in (VARIABLES if equals else TARGETS), f"make {' '.join(words)}: {name}"


def json_with_comments(path):
    """What VS Code reads: JSON in which // begins a comment."""
    text = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*', lambda m: m.group(1) or "", path.read_text())
    return json.loads(text)


def test_vscode():
    """tasks.json and launch.json: what must be there is, and each names what exists."""
    tasks = json_with_comments(ROOT / ".vscode/tasks.json")
    launch = json_with_comments(ROOT / ".vscode/launch.json")
    assert tasks["version"] == "2.0.0" and launch["version"] == "0.2.0"
    labels = {task["label"]: task for task in tasks["tasks"]}
    for task in tasks["tasks"]:
        assert task["type"] == "shell" and "problemMatcher" in task
        check_commands(re.sub(r"\$\{input:\w+\}", "", task["command"]))
    inputs = {item["id"] for item in tasks["inputs"]}
    assert set(re.findall(r"\$\{input:(\w+)\}", json.dumps(tasks))) <= inputs
    assert {"build", "qemu", "qemu-gdb", "grade", "handin", "doctor"} <= set(labels)
    for configuration in launch["configurations"]:
        assert {"name", "type", "request", "program", "MIMode"} <= set(configuration)
        assert configuration["program"] == "${workspaceFolder}/build/kernel.elf"
        before = labels[configuration["preLaunchTask"]]
        port = configuration["miDebuggerServerAddress"].rpartition(":")[2]
        assert f"GDBPORT={port}" in before["command"] and before["isBackground"]
        background = before["problemMatcher"]["background"]
        assert re.search(background["endsPattern"], "waiting for GDB on port 1: run 'make gdb'")
        assert "waiting for GDB on port" in MAKEFILE
        assert re.search(background["beginsPattern"], "  CC      kernel/kern/main.c")


def test_devcontainer():
    """devcontainer.json: an image (or a build), and commands that exist."""
    container = json_with_comments(ROOT / ".devcontainer/devcontainer.json")
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", container["image"]) and container["name"]
    check_commands(container["postCreateCommand"])
    assert all(re.fullmatch(r"[\w-]+\.[\w-]+", name)
               for name in container["customizations"]["vscode"]["extensions"])


def test_github_workflow():
    """The workflow for a student's repository: GitHub's keys, steps that run or use something, our
    commands."""
    yaml = pytest.importorskip("yaml")
    path = ROOT / "labs/github-workflow.yml"
    flow = yaml.safe_load(path.read_text())
    assert set(flow) == {"name", True, "env", "jobs"}  # YAML 1.1 reads the key `on` as true
    (job,) = flow["jobs"].values()
    assert job["runs-on"].startswith("ubuntu-")
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step)
        assert set(step) <= {"run", "uses", "id", "if", "with", "env", "name"}
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])
    commands = "\n".join(step["run"] for step in job["steps"] if "run" in step)
    check_commands(commands, 2)
    # The reporter takes `<RUNNER>_RESULTS` for each of its runners, from the output `result` of that step.
    last = job["steps"][-1]
    step = next(step for step in job["steps"] if step.get("id") == "grade")
    assert "FORMAT=classroom" in step["run"] and last["with"]["runners"] == "grade"
    assert last["env"] == {"GRADE_RESULTS": "${{ steps.grade.outputs.result }}"}
    assert flow["env"]["LAB"] in [lab.name for lab in manifest.load_all(ROOT)]


def test_gradescope_scripts(tmp_path):
    """setup.sh and run_autograder of grade/README.md are shell, and run what exists."""
    readme = (ROOT / "grade/README.md").read_text()
    scripts = re.findall(r"```sh\n(.*?)```", readme, re.S)
    names = [re.search(r"^# (\S+?):?(?:\s|$)", script, re.M).group(1) for script in scripts]
    assert names == ["setup.sh", "run_autograder"]
    for script in scripts:
        assert script.startswith("#!/bin/bash\n")
        path = tmp_path / "script"
        path.write_text(script)
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
        check_commands(script)
    assert "FORMAT=gradescope" in scripts[1] and "/autograder/submission" in scripts[1]
    assert '"/autograder/results"' in (ROOT / "grade/lab/__main__.py").read_text()


# ---- Results ---------------------------------------------------------------------------------------------

def grading(fault=False):
    """A Grade with every verdict in it, and words that no form may stumble over."""
    lab = manifest.load(ROOT, "util")
    grade = run.Grade(lab, seconds=12.34)
    words = WORDS + ([guestrun.FAULT] if fault else [])
    for i, (test, (exercise, points)) in enumerate(lab.tests().items()):
        kind = words[i % len(words)]
        text = "" if kind == guestrun.PASS else NASTY
        grade.results.append(run.Result(test, exercise.id, points, guestrun.Verdict(kind, text, text),
                                        "make grade TEST=x"))
    return grade


def test_junit():
    """As the schemas of Ant and Jenkins have it: counts that are right; one problem at most in a case."""
    for grade in (grading(), grading(True)):
        root = ElementTree.fromstring(report.junit(grade).encode("utf-8", "replace"))
        assert root.tag == "testsuites"
        for suite in root:
            assert suite.tag == "testsuite"
            assert {"name", "tests", "failures", "errors", "time"} <= set(suite.attrib)
            float(suite.get("time"))
            cases = list(suite)
            assert all(case.tag == "testcase" for case in cases)
            assert all(case.get("name") and case.get("classname") for case in cases)
            problems = [list(case) for case in cases]
            assert all(len(found) <= 1 for found in problems)
            flat = [p for found in problems for p in found]
            assert all(p.tag in ("failure", "error") and p.get("type") and p.get("message") for p in flat)
            assert int(suite.get("tests")) == len(cases) == len(grade.results)
            assert int(suite.get("failures")) == sum(p.tag == "failure" for p in flat)
            assert int(suite.get("errors")) == sum(p.tag == "error" for p in flat) == len(grade.faults)


GRADESCOPE = {"score": (int, float), "execution_time": (int, float), "output": str, "output_format": str,
              "test_output_format": str, "test_name_format": str, "visibility": str, "stdout_visibility": str,
              "extra_data": dict, "tests": list, "leaderboard": list}
GRADESCOPE_TEST = {"score": (int, float), "max_score": (int, float), "status": str, "name": str,
                   "name_format": str, "number": str, "output": str, "output_format": str, "tags": list,
                   "visibility": str, "extra_data": dict}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}


def test_gradescope():
    """The fields of "Autograder specifications", Gradescope's documentation: no other, and of those types."""
    for grade in (grading(), grading(True)):
        data = json.loads(json.dumps(report.gradescope(grade)))
        assert "score" in data or "tests" in data
        for fields, items in ((GRADESCOPE, [data]), (GRADESCOPE_TEST, data.get("tests", []))):
            for item in items:
                for key, value in item.items():
                    assert key in fields and isinstance(value, fields[key]), key
                    assert not key.endswith("output_format") or value in FORMATS
                    assert not key.endswith("visibility") or value in VISIBILITY
                    assert key != "status" or value in ("passed", "failed")
        if not grade.faults:
            assert data["score"] == sum(test["score"] for test in data["tests"])
            assert sum(test["max_score"] for test in data["tests"]) == grade.lab.points


def test_classroom():
    """What GitHub Classroom's runners give its reporter: base64 of version 1, with tests and points."""
    for grade in (grading(), grading(True)):
        name, equals, value = report.classroom_output(grade).partition("=")
        assert name == "result" and equals and "\n" not in value
        data = json.loads(base64.b64decode(value))
        assert data["version"] == 1 and data["status"] in ("pass", "fail", "error")
        assert data["max_score"] == sum(test["max_score"] for test in data["tests"])
        for test in data["tests"]:
            assert test["name"] and test["status"] in ("pass", "fail", "error")
            assert isinstance(test["score"], (int, float)) and 0 <= test["score"] <= test["max_score"]
            assert isinstance(test["line_no"], int) and isinstance(test["message"], str)


def test_written(tmp_path):
    """All forms are files that can be read again, whatever a student's program printed."""
    report.write(grading(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "grade.txt", "grade.json", "junit.xml", "results.json", "classroom.json", "classroom.output"}
    ElementTree.parse(tmp_path / "junit.xml")
    for name in ("grade.json", "results.json", "classroom.json"):
        json.loads((tmp_path / name).read_text())
