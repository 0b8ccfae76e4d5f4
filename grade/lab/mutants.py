"""Proves the tests: applies each mutant of a lab to the solution, and sees that it is rejected.

Results are kept by a hash of the mutant, the files it changes and the lab's tests, so that only what
changed runs again. `make mutants` runs them and writes docs/mutants.md, a part for each lab.
"""

import hashlib
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import build, generate, guestrun, manifest, run
from .guestrun import BROKEN, FAULT, PASS, SKIPPED
from .manifest import LabError

TABLE = "docs/mutants.md"
PER_EXERCISE = 5     # at least
REJECTED = 0.95      # of all, at least


@dataclass
class Mutant:
    """A plausible wrong solution. why: what is wrong with it."""
    lab: object
    exercise: object
    name: str
    why: str
    patch: str


@dataclass
class Outcome:
    """verdict: that of the first test that rejects it, or "pass"; test: its name."""
    verdict: str
    test: str = ""
    text: str = ""

    @property
    def rejected(self):
        """Whether the tests saw it."""
        return self.verdict not in (PASS, FAULT, BROKEN)


def empty_exercise(files, lab, exercise):
    """The solution without one exercise: path -> bytes, or None for a file that goes."""
    changed = {path: None for path in exercise.files}
    for path in dict.fromkeys(path for path, _ in exercise.functions + exercise.remove):
        work = [(lab, exercise, name, kind) for kind, pairs in (("empty", exercise.functions),
                                                                ("remove", exercise.remove))
                for where, name in pairs if where == path]
        changed[path] = generate.empty_file(path, files[path].data.decode(), work)[0].encode()
    return changed


def mutants_of(root, lab):
    """The mutants of a lab, by exercise and name."""
    found = []
    for path in sorted((Path(root) / "labs" / lab.name / "mutants").glob("*.patch")):
        exercise = next((e for e in lab.exercises if path.stem.startswith(f"{e.id}-")), None)
        if exercise is None:
            raise LabError(f"{path.name} is named after no exercise of lab {lab.name}")
        text = path.read_text()
        why = []
        for line in text.split("\n"):
            if not line.startswith("#"):
                break
            why.append(line.lstrip("# ").strip())
        if not why:
            raise LabError(f"{path.name} does not say why it is wrong: begin it with # lines")
        found.append(Mutant(lab, exercise, path.stem.removeprefix(f"{exercise.id}-"), " ".join(why),
                            re.sub(r"\A(#[^\n]*\n)+", "", text)))
    return found


def apply(files, mutant):
    """The files a mutant changes, changed: path -> bytes."""
    paths = sorted(set(re.findall(r"^(?:---|\+\+\+) [ab]/(\S+)", mutant.patch, re.M)))
    with tempfile.TemporaryDirectory(prefix="ostia-mutant-") as folder:
        for path in paths:
            if path in files:
                target = Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(files[path].data)
        env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(Path(folder).parent), "GIT_DIR": os.devnull}
        done = subprocess.run(["git", "apply", "--recount", "--whitespace=nowarn", "-"], cwd=folder, env=env,
                              input=mutant.patch.encode(), capture_output=True, check=False)
        if done.returncode != 0 or not paths:
            raise LabError(f"{mutant.exercise.id}-{mutant.name}.patch does not apply: "
                           f"{done.stderr.decode(errors='replace').strip() or 'it names no file'}")
        changed = {path: (Path(folder) / path).read_bytes() for path in paths
                   if (Path(folder) / path).exists()}
    if all(path in files and files[path].data == data for path, data in changed.items()):
        raise LabError(f"{mutant.exercise.id}-{mutant.name}.patch changes nothing")
    return changed


def _key(root, mutant, changed):
    digest = hashlib.sha256(mutant.patch.encode())
    folder = Path(root) / "labs" / mutant.lab.name
    for path in [folder / "lab.toml", folder / f"test_{mutant.lab.name}.py", *sorted(folder.glob("tests/*"))]:
        if path.is_file():
            digest.update(path.read_bytes())
    for path, data in sorted(changed.items()):
        digest.update(path.encode() + data)
    return digest.hexdigest()[:20]


def try_one(root, base, files, mutant, cache, fresh=False):
    """The Outcome of a mutant. Its own exercise's tests run first; then, if they pass, the lab's others."""
    changed = apply(files, mutant)
    kept = Path(cache) / "mutants" / f"{_key(root, mutant, changed)}.json"
    if kept.exists() and not fresh:
        return Outcome(**json.loads(kept.read_text()))
    own = list(mutant.exercise.tests)
    others = [test for test in mutant.lab.tests() if test not in own]
    outcome = Outcome(PASS)
    with tempfile.TemporaryDirectory(prefix="ostia-mutant-") as folder:
        tree = Path(folder) / "tree"
        try:
            build.copy(base, tree)
            build.put(base, tree, changed, lambda path: False)
            build.compile_copy(tree, 1, base.goal)
            for tests in (own, others):
                if tests and outcome.verdict == PASS:
                    for test, verdict in run.run_tests(tree, mutant.lab, root, tests, first=True).items():
                        if verdict.kind not in (PASS, SKIPPED):
                            outcome = Outcome(verdict.kind, test, verdict.text.split("\n")[0])
                            break
        except build.BrokenBuild as broken:
            outcome = Outcome(BROKEN, "", str(broken))
        except build.Fault as fault:
            outcome = Outcome(FAULT, "", str(fault))
    if outcome.verdict != FAULT:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(outcome.__dict__))
        partial.replace(kept)
    return outcome


def passes_without(root, base, files, lab, exercise):
    """Tests of an exercise that pass with that exercise alone left out: there should be none. Programs of
    later exercises that do not compile without it (a client without its interface) are left out too."""
    changed = empty_exercise(files, lab, exercise)
    later = [e for e in lab.exercises if e.number > exercise.number and not e.functions]
    while True:
        gone = [path for path, data in changed.items() if data is None]
        with tempfile.TemporaryDirectory(prefix="ostia-mutant-") as folder:
            tree = Path(folder) / "tree"
            build.copy(base, tree)
            build.put(base, tree, {p: d for p, d in changed.items() if d is not None},
                      lambda path, gone=gone: path in gone)
            try:
                build.compile_copy(tree, goal=base.goal)
            except build.BrokenBuild:
                if not later:
                    raise
                changed |= empty_exercise(files, lab, later.pop(0))
                continue
            verdicts = run.run_tests(tree, lab, root, list(exercise.tests))
            return [test for test, verdict in verdicts.items() if verdict.kind == PASS]


def solution_base(root, lab, cache, say=lambda text: None, seed=None):
    """The complete system, built as the lab needs it: what mutants are put over. Returns it and its
    files."""
    files = generate.source(root)
    kept = {p: f for p, f in files.items() if "/mutants/" not in p and p != TABLE}
    return build.Base(kept, cache, say, seed, guestrun.goal(root, lab)), files


def proof_hash(root, lab):
    """A name for what a lab's rows of the table rest on: its mutants, its tests and its manifest."""
    digest = hashlib.sha256()
    folder = Path(root) / "labs" / lab.name
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "README.md" and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def code_hash(files, lab):
    """The same of main's code that the mutants change."""
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        if lab.permitted(path):
            digest.update(f"{path}\0".encode() + file.data)
    return digest.hexdigest()[:12]


SECTION = re.compile(r"^## (\w+): (\d+) of (\d+)\n\n<!-- proof (\w+) code (\w+) -->\n.*?(?=^## |\Z)",
                     re.S | re.M)
ROW = re.compile(r"^\| (\w+\.\d+) \| (\S+) \| .* \| ([*a-z ]+) \| (\S*) ?\|$", re.M)
HEAD = """# Mutants

Plausible wrong solutions, and the first test that rejects each: the proof that the labs' tests see what they
should. Written by `make mutants` (all labs) and `make mutants LAB=name` (that lab's part), from
`labs/*/mutants/`; the hashes tell a test whether a part is of the lab as it is now.

"""


@dataclass
class Section:
    """A lab's part of the table. rows: (exercise, mutant, verdict, test); a verdict in ** is a survivor's."""
    lab: str
    proof: str
    code: str
    text: str
    rows: list


def read_table(path):
    """The table's parts: lab -> Section."""
    text = Path(path).read_text() if Path(path).exists() else ""
    return {m.group(1): Section(m.group(1), m.group(4), m.group(5), m.group(0), ROW.findall(m.group(0)))
            for m in SECTION.finditer(text)}


ALL_FAIL = "With an exercise left out, each of its own tests fails."


def section_text(root, files, lab, outcomes, without):
    """A lab's part of docs/mutants.md. outcomes: list of (Mutant, Outcome). without: tests that pass without
    their exercise."""
    lines = [f"## {lab.name}: {sum(o.rejected for _, o in outcomes)} of {len(outcomes)}", "",
             f"<!-- proof {proof_hash(root, lab)} code {code_hash(files, lab)} -->",
             f"These pass without their exercise: {', '.join(without)}." if without else ALL_FAIL, "",
             "| exercise | mutant | what is wrong | verdict | test |", "|---|---|---|---|---|"]
    for mutant, outcome in outcomes:
        why = mutant.why.replace("|", "\\|")
        lines.append(f"| {mutant.exercise.id} | {mutant.name} | {why} | "
                     f"{outcome.verdict if outcome.rejected else '**' + outcome.verdict + '**'} | "
                     f"{outcome.test} |")
    return "\n".join(lines) + "\n\n"


def write_table(root, parts):
    """Writes docs/mutants.md. parts: lab -> text; labs that are not among them keep what they have."""
    path = Path(root) / TABLE
    texts = {name: section.text for name, section in read_table(path).items()} | parts
    names = [lab.name for lab in manifest.load_all(root)]
    body = "".join(texts[name] for name in names if name in texts)
    counts = [(int(m.group(2)), int(m.group(3))) for m in SECTION.finditer(body)]
    rejected, total = sum(n for n, _ in counts), sum(n for _, n in counts)
    summary = f"{rejected} of {total} are rejected ({100 * rejected / max(total, 1):.1f} %).\n\n"
    path.write_text(HEAD + summary + body.rstrip() + "\n")


def _command_one(root, lab, cache, only, say, seed):
    """The mutants of a lab. Returns (outcomes, tests that pass without their exercise, files)."""
    todo = [m for m in mutants_of(root, lab) if not only or only in f"{m.exercise.id}-{m.name}"]
    base, files = solution_base(root, lab, cache, say, seed)
    base.prepare()
    outcomes = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for mutant, outcome in zip(todo, pool.map(lambda m: try_one(root, base, files, m, cache), todo)):
            outcomes.append((mutant, outcome))
            print(f"{mutant.exercise.id}-{mutant.name:<40} {outcome.verdict:<12} {outcome.test}", flush=True)
            if outcome.verdict in (BROKEN, FAULT):
                print(f"    {outcome.text}")
    print(f"{lab.name}: {sum(o.rejected for _, o in outcomes)} of {len(outcomes)} are rejected")
    without = []
    for exercise in lab.exercises if not only else []:
        passed = passes_without(root, base, files, lab, exercise)
        print(f"{exercise.id} left out: " + (f"these pass all the same: {', '.join(passed)}" if passed
                                             else "each of its tests fails"), flush=True)
        without += passed
    return outcomes, without, files


def command(root, labs, cache, only, say, seed=None):
    """`make mutants`. Returns 1 if too many survive, or some cannot be tried. Writes the table's parts for
    the labs that were run wholly."""
    os.environ["OSTIA_JOBS"] = "1"
    bad = False
    for lab in labs:
        outcomes, without, files = _command_one(root, lab, cache, only, say, seed)
        unclear = [m.name for m, o in outcomes if o.verdict in (BROKEN, FAULT)]
        rejected = sum(o.rejected for _, o in outcomes)
        bad |= bool(unclear or without or rejected < REJECTED * len(outcomes))
        if not only and not unclear:
            write_table(root, {lab.name: section_text(root, files, lab, outcomes, without)})
            print(f"written: {TABLE}, lab {lab.name}")
    return 1 if bad else 0
