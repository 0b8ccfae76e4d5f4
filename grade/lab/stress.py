"""`make grade-stress`: grades the same two submissions many times on a busy machine, and compares.

One is the solution, the other has a mistake in each exercise, of as many kinds as docs/mutants.md offers.
Busy loops run beside the gradings. All results of a submission must be the same to the last letter, but for
the seconds they took; a verdict that depended on the host's speed would differ sooner or later.
"""

import json
import multiprocessing
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from . import generate, mutants, report, run
from .manifest import LabError


def _spin():
    while True:
        pass


def broken(root, lab, files):
    """The solution with a mutant in each exercise, their verdicts as different as may be: path -> bytes. What
    cannot be applied beside those before it is left out."""
    section = mutants.read_table(Path(root) / mutants.TABLE).get(lab.name)
    verdict = {row[:2]: row[2] for row in section.rows} if section else {}
    tree = {path: file.data for path, file in files.items() if lab.permitted(path)}
    seen, names = Counter(), []
    for exercise in lab.exercises:
        mine = [m for m in mutants.mutants_of(root, lab) if m.exercise is exercise]
        mine.sort(key=lambda m: seen[verdict.get((m.exercise.id, m.name), "wrong")])
        for mutant in mine:
            try:
                changed = mutants.apply({p: generate.File(d) for p, d in tree.items()}, mutant)
            except LabError:
                continue
            tree |= changed
            seen[verdict.get((exercise.id, mutant.name), "wrong")] += 1
            names.append(f"{exercise.id}-{mutant.name}")
            break
    return tree, names


def _same(grade):
    """What two gradings must agree on."""
    return json.dumps(report.as_json(grade), sort_keys=True)


def compare(lab, base, root, submissions, count, loads, say):
    """Grades each of submissions (name -> files) in turn, `count` gradings in all, while `loads` busy loops
    run. Returns name -> {result: how often}."""
    spinners = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(loads)]
    for spinner in spinners:
        spinner.start()
    found = {name: Counter() for name in submissions}
    try:
        for i in range(count):
            name = list(submissions)[i % len(submissions)]
            grade = run.grade(lab, base, submissions[name], root=root)
            found[name][_same(grade)] += 1
            say(f"{i + 1}/{count} {name}: {grade.score:g}/{lab.points} in {grade.seconds:.0f} s, "
                f"{len(found[name])} different")
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.join()
    return found


def difference(results):
    """Where the commonest result and another differ."""
    (first, _), (other, _) = results.most_common(2)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("a", first), ("b", other)):
            (Path(folder) / name).write_text(json.dumps(json.loads(text), indent=1) + "\n")
        done = subprocess.run(["diff", "-U1", "a", "b"], cwd=folder, capture_output=True, text=True,
                              check=False)
    return "\n".join(done.stdout.split("\n")[2:40])


def command(root, lab, base, count, loads, say):
    """`make grade-stress`. Returns 1 if results differ."""
    files = generate.source(root)
    wrong, names = broken(root, lab, files)
    say(f"the broken submission: {', '.join(names)}")
    submissions = {"solution": {p: f.data for p, f in files.items() if lab.permitted(p)}, "broken": wrong}
    found = compare(lab, base, root, submissions, count, loads, say)
    bad = False
    for name, results in found.items():
        kinds = Counter(kind for text in results for kind in re.findall(r'"verdict": "([a-z ]+)"', text))
        print(f"{name}: {sum(results.values())} gradings, {len(results)} different results; "
              f"verdicts: {', '.join(sorted(kinds))}")
        if len(results) > 1:
            bad = True
            print(difference(results))
    return 1 if bad else 0
