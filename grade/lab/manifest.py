"""A lab's manifest, labs/NAME/lab.toml: read, and checked so that no mistake waits for a student.

labs/README.md explains the keys.
"""

import fnmatch
import re
from dataclasses import dataclass, field
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python before 3.11: pytest brings tomli along
    import tomli as tomllib

KEYS = {"title", "order", "points", "hours", "after", "may_change", "starter_boots", "test_limits",
        "exercise"}
EXERCISE_KEYS = {"id", "title", "points", "functions", "files", "remove", "stub", "stubs", "tests"}
STARTER = "labs/starter"  # in a starter: the lab's name, then those of the labs it builds on


class LabError(Exception):
    """A lab, or a command about one, is wrong; the text is for a person."""


@dataclass
class Exercise:
    """One exercise. functions and remove: (path, name) pairs. tests: name -> points."""
    id: str
    title: str
    points: int
    functions: list = field(default_factory=list)
    files: list = field(default_factory=list)
    remove: list = field(default_factory=list)
    stub: str = "panic"
    stubs: dict = field(default_factory=dict)
    tests: dict = field(default_factory=dict)

    @property
    def number(self):
        """The 2 of ipc.2."""
        return int(self.id.rpartition(".")[2])

    def stub_of(self, function):
        """What the body of `function` is replaced by: "panic", or a statement."""
        return self.stubs.get(function, self.stub)


@dataclass
class Lab:
    """A lab. may_change: globs of what a hand-in may bring."""
    name: str
    title: str
    order: int
    points: int
    hours: float
    may_change: list
    exercises: list
    after: str = None
    starter_boots: str = None
    test_limits: dict = field(default_factory=dict)

    def permitted(self, path):
        """Whether a hand-in may bring `path` (relative, as a string)."""
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or "" in parts or "." in parts:
            return False
        return any(_matches(path, glob) for glob in self.may_change)

    def tests(self):
        """Test name -> (exercise, points), in the manifest's order."""
        return {name: (exercise, points) for exercise in self.exercises
                for name, points in exercise.tests.items()}

    def taken_files(self):
        """Paths of the files that the student writes from nothing."""
        return [path for exercise in self.exercises for path in exercise.files]


def _matches(path, glob):
    """A * does not cross a slash; ** does."""
    pattern = "".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
                      for part in re.split(r"(\*\*|\*|\?)", glob))
    return re.fullmatch(pattern, path) is not None


def _pairs(where, words):
    pairs = []
    for word in words:
        path, colon, name = word.rpartition(":")
        if not colon or not re.fullmatch(r"\w+", name):
            raise LabError(f"{where}: {word!r} is not PATH:FUNCTION")
        pairs.append((path, name))
    return pairs


def _exercise(where, lab, number, data):
    strange = set(data) - EXERCISE_KEYS
    if strange:
        raise LabError(f"{where}: no such key in an exercise: {', '.join(sorted(strange))}")
    if data.get("id") != f"{lab}.{number}":
        raise LabError(f"{where}: exercise {number} must have the id \"{lab}.{number}\"")
    where = f"{where}, {data['id']}"
    for key in ("title", "points", "tests"):
        if not data.get(key):
            raise LabError(f"{where}: {key} is missing")
    exercise = Exercise(**{**data, "functions": _pairs(where, data.get("functions", [])),
                           "remove": _pairs(where, data.get("remove", []))})
    if not exercise.functions and not exercise.files:
        raise LabError(f"{where}: an exercise has functions or files")
    if sum(exercise.tests.values()) != exercise.points:
        raise LabError(f"{where}: its tests give {sum(exercise.tests.values())} points, "
                       f"not {exercise.points}")
    strange = set(exercise.stubs) - {name for _, name in exercise.functions}
    if strange:
        raise LabError(f"{where}: stubs for what is not among its functions: {', '.join(sorted(strange))}")
    return exercise


def parse(name, text, where=None):
    """The lab `name` from the text of its manifest."""
    where = where or f"labs/{name}/lab.toml"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{where}: {error}") from error
    strange = set(data) - KEYS
    if strange:
        raise LabError(f"{where}: no such key: {', '.join(sorted(strange))}")
    for key in ("title", "order", "points", "hours", "may_change", "exercise"):
        if key not in data:
            raise LabError(f"{where}: {key} is missing")
    exercises = [_exercise(where, name, i, e) for i, e in enumerate(data.pop("exercise"), 1)]
    lab = Lab(name=name, exercises=exercises, **data)
    if sum(e.points for e in exercises) != lab.points:
        raise LabError(f"{where}: the exercises give {sum(e.points for e in exercises)} points, "
                       f"not {lab.points}")
    tests = [test for e in exercises for test in e.tests]
    twice = {test for test in tests if tests.count(test) > 1}
    if twice:
        raise LabError(f"{where}: in two exercises: {', '.join(sorted(twice))}")
    for exercise in exercises:
        for path in [*(path for path, _ in exercise.functions), *exercise.files]:
            if not lab.permitted(path):
                raise LabError(f"{where}, {exercise.id}: {path} is not in may_change")
    for glob in lab.may_change:
        for path in ("Makefile", "grade/harness.py", f"labs/{name}/lab.toml", f"labs/{name}/tests/x.c",
                     "user/lib/testlib.c", "user/include/testlib.h", "kernel/kern/grade.c",
                     "kernel/include/grade.h", "user/servers/startup/main.c",
                     "user/servers/bootstrap/names.c", "user/servers/bootstrap/main.c",
                     "user/tests/mach_test.h", "user/tests/posix_test.h"):
            if _matches(path, glob):
                raise LabError(f"{where}: {glob} lets a student change {path}, which grades them")
    return lab


def load(root, name):
    """The lab `name` of the tree at `root`."""
    path = Path(root) / "labs" / name / "lab.toml"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not path.is_file():
        known = ", ".join(lab.name for lab in load_all(root)) or "none"
        raise LabError(f"there is no lab {name!r} here; there are: {known}")
    return parse(name, path.read_text())


def load_all(root):
    """Every lab of a tree, in the course's order."""
    found = [parse(path.parent.name, path.read_text())
             for path in sorted(Path(root).glob("labs/*/lab.toml"))]
    return sorted(found, key=lambda lab: (lab.order, lab.name))


def starter_of(root):
    """The names in labs/starter: the lab, and those before it. Empty in a complete tree."""
    path = Path(root) / STARTER
    return path.read_text().split() if path.is_file() else []


def select(labs, glob):
    """Names of tests that match TEST=: a glob or a part of the name."""
    return [name for name in labs if fnmatch.fnmatch(name, glob) or glob in name]
