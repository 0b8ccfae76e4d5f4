"""Grades a class: every submission in a folder, in parallel, each in a private copy; can be resumed.

A submission is a folder or a tar, named after the student. Only files that the lab lets a student change
are taken from it. What has been graded (OUT/NAME/grade.json, with a hash of what was graded) is not
graded again, unless it was a fault of the grader.
"""

import csv
import hashlib
import json
import os
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import build, report, run
from .guestrun import BROKEN, FAULT, Verdict
from .manifest import LabError

BAR = 30


def read(path, permitted):
    """What a submission, a folder or a tar, brings: path -> bytes."""
    path = Path(path)
    if path.is_dir():
        taken = build.take(path, permitted)
        inside = [entry for entry in path.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
        if not taken and len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink():
            taken = build.take(inside[0], permitted)
        return taken
    return build.take_tar(path, permitted)


def find(folder):
    """The submissions in a folder: name -> path."""
    if not folder.is_dir():
        raise LabError(f"SUBMISSIONS={folder} is no folder")
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir() or (path.is_file() and tarfile.is_tarfile(path)) or path.name.endswith(
                (".tar", ".tar.gz", ".tgz")):
            name = path.name
            for ending in (".gz", ".tgz", ".tar"):
                name = name.removesuffix(ending)
            if name in found:
                name = path.name
            found[name] = path
    return found


def _hash(base, lab, root, taken):
    """What the result depends on: the base, the tests and what was handed in."""
    digest = hashlib.sha256(base.folder.name.encode())
    for path in sorted((Path(root) / "labs" / lab.name).rglob("*")):
        if path.is_file() and "mutants" not in path.parts and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    for path, data in sorted(taken.items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


class Progress:
    """A bar on standard error: redrawn on a terminal, else a line now and then."""

    def __init__(self, total, begun):
        self.total, self.done, self.begun = total, begun, begun
        self.start = time.monotonic()

    def step(self, text):
        """One more is done."""
        self.done += 1
        new = self.done - self.begun
        left = (time.monotonic() - self.start) / new * (self.total - self.done) if new else 0
        filled = BAR * self.done // max(self.total, 1)
        line = (f"[{'#' * filled}{'.' * (BAR - filled)}] {self.done}/{self.total}  "
                f"{int(left // 60)}:{int(left % 60):02} left  {text}")
        if sys.stderr.isatty():
            end = "" if self.done < self.total else "\n"
            print(f"\r\033[K{line[:110]}", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def _one(lab, base, root, path, target, seed, jobs):
    """Grades one submission, unless that was done. Returns its record, and whether it is new."""
    try:
        taken = read(path, lab.permitted)
        stamp = _hash(base, lab, root, taken)
    except build.BrokenBuild as broken:
        taken, stamp = None, f"unreadable: {broken}"
    known = target / "batch.json"
    if known.exists():
        record = json.loads(known.read_text())
        if record.get("hash") == stamp and record["final"]:
            return record, False
    if taken is None:
        grade = run.Grade(lab, run._all(lab, list(lab.tests()), Verdict(BROKEN, stamp)))
    else:
        try:
            grade = run.grade(lab, base, taken, root=root, seed=seed, jobs=jobs)
        except Exception as error:  # pylint: disable=broad-except
            grade = run.Grade(lab, run._all(lab, list(lab.tests()), Verdict(FAULT, repr(error))))
        if not taken:
            grade.notes.append("nothing that the lab lets a student change was handed in")
    report.write(grade, target)
    record = {**report.as_json(grade), "hash": stamp, "files": sorted(taken or {})}
    partial = target / f".batch.{os.getpid()}"
    partial.write_text(json.dumps(record, indent=1) + "\n")
    partial.replace(known)
    return record, True


def write_tables(lab, records, out):
    """OUT/grades.csv and OUT/grades.json."""
    columns = ["name", "score", "possible", "final", *(e.id for e in lab.exercises), *lab.tests()]
    partial = out / ".grades.csv"
    with open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for name, record in sorted(records.items()):
            kinds = {t["test"]: t["verdict"] for t in record["tests"]}
            writer.writerow([name, record["score"], record["possible"], "yes" if record["final"] else "no",
                             *(record["exercises"][e.id] for e in lab.exercises),
                             *(kinds.get(test, "") for test in lab.tests())])
    partial.replace(out / "grades.csv")
    partial = out / ".grades.json"
    partial.write_text(json.dumps({"lab": lab.name, "grades": records}, indent=1, sort_keys=True) + "\n")
    partial.replace(out / "grades.json")


def run_all(lab, base, root, submissions, out=None, jobs=None, seed=None):
    """Grades all. Returns 0, or 3 if some grade is not final."""
    found = find(submissions)
    out = out or submissions.parent / f"{submissions.name}-grades"
    out.mkdir(parents=True, exist_ok=True)
    jobs = jobs or os.cpu_count() or 2
    os.environ["OSTIA_JOBS"] = "1"  # the submissions are what runs in parallel
    records = {}
    progress = Progress(len(found), 0)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = {pool.submit(_one, lab, base, root, path, out / name, seed, 1): name
                   for name, path in found.items()}
        try:
            for future in as_completed(futures):
                name = futures[future]
                records[name], new = future.result()
                progress.step(f"{name}: {records[name]['score']:g}/{lab.points}"
                              + ("" if new else " (was there)"))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print("\nstopped; the same command goes on from here", file=sys.stderr)
            raise
    write_tables(lab, records, out)
    faults = sorted(name for name, record in records.items() if not record["final"])
    print(f"{len(records)} submissions: {out / 'grades.csv'}, {out / 'grades.json'}")
    if faults:
        print(f"not final, by a fault of the grader (run it again): {', '.join(faults)}")
    return 3 if faults else 0
