"""Makes a lab's starter: main without the bodies that the student writes.

A starter is a set of files (path -> bytes and mode), made in memory from a complete tree. It is
written as a plain folder, a tar, or a branch of one commit without parents, which git's plumbing makes
without touching the work tree: nothing it can reach has seen a solution.
"""

import io
import os
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import cfunc, manifest
from .manifest import STARTER, LabError

PANIC = "panic"
# Of main, what a starter does not have: other labs, the proofs of the tests, what runs on the course's side.
OURS = re.compile(r"labs/[^/]+/mutants/|docs/mutants\.md$|docs/instructor\.md$|\.ci/|\.github/|"
                  r"grade/test_lab_[^/]*$|grade/minilab/|labs/README\.md$|labs/github-workflow\.yml$")


@dataclass
class File:
    """A file's content. mode: 0o100644, 0o100755 or 0o120000, as git has it."""
    data: bytes
    mode: int = 0o100644


def git(root, *arguments, data=None, env=None, check=True):
    """Runs git in `root`; its output as bytes."""
    done = subprocess.run(["git", *arguments], cwd=root, input=data, capture_output=True, check=False,
                          env={**os.environ, **(env or {})})
    if check and done.returncode != 0:
        raise LabError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout if done.returncode == 0 else None


def read_revision(root, revision):
    """All files of a commit."""
    with tarfile.open(fileobj=io.BytesIO(git(root, "archive", "--format=tar", revision))) as tar:
        return {m.name: File(m.linkname.encode(), 0o120000) if m.issym() else
                File(tar.extractfile(m).read(), 0o100755 if m.mode & 0o100 else 0o100644)
                for m in tar if not m.isdir()}


def read_folder(root):
    """All files of a work tree: those git knows or would add; without git, all but build folders."""
    root = Path(root)
    top = git(root, "rev-parse", "--show-toplevel", check=False)
    if top is not None and Path(top.decode().strip()).resolve() == root.resolve():
        names = git(root, "ls-files", "-coz", "--exclude-standard").decode().split("\0")
        paths = sorted({Path(name) for name in names if name})
    else:
        paths = sorted(p.relative_to(root) for p in root.rglob("*")
                       if not re.match(r"build(-|/|$)|\.git(/|$)|\.gdbinit$", str(p.relative_to(root)))
                       and "__pycache__" not in p.parts)
    files = {}
    for path in paths:
        full = root / path
        if full.is_symlink():
            files[path.as_posix()] = File(os.readlink(full).encode(), 0o120000)
        elif full.is_file():
            files[path.as_posix()] = File(full.read_bytes(),
                                          0o100755 if full.stat().st_mode & 0o100 else 0o100644)
    return files


def complete(files):
    """Whether a tree is main, with solutions, and not a starter."""
    return STARTER not in files and any(re.fullmatch(r"labs/[^/]+/lab\.toml", path) for path in files)


def source(root):
    """The complete tree that starters are made from: the work tree at `root` if it is one, else what
    branch main, or the course's main, has."""
    files = read_folder(root)
    if complete(files):
        return files
    for revision in ("main", "master", "origin/main", "origin/master", "upstream/main"):
        if git(root, "rev-parse", "-q", "--verify", f"{revision}^{{commit}}", check=False):
            files = read_revision(root, revision)
            if complete(files):
                return files
    raise LabError("a lab is made from the complete system, which is neither here nor on branch main")


def labs_of(files):
    """The labs of a tree in memory."""
    found = [manifest.parse(path.split("/")[1], file.data.decode()) for path, file in files.items()
             if re.fullmatch(r"labs/[^/]+/lab\.toml", path)]
    return {lab.name: lab for lab in sorted(found, key=lambda lab: (lab.order, lab.name))}


# ---- Emptying ------------------------------------------------------------------------------------

def _stub(path, lab, exercise, function, result):
    """The statements that stand in for a body, and the headers they need."""
    stub = exercise.stub_of(function.name)
    what = f"not implemented: lab {lab.name}, exercise {exercise.number}"
    if stub != PANIC:
        return [stub.rstrip(";") + ";"] if stub else [], []
    if path.startswith("kernel/"):
        return [f'panic("{what}");'], ["kern/debug.h"]
    del result
    return [f'fprintf(stderr, "{what}\\n");', "abort();"], ["stdio.h", "stdlib.h"]


def _include(text, headers):
    """Adds what is not included yet, before the first <...> that is."""
    code = text
    for header in headers:
        if re.search(rf"^#include <{re.escape(header)}>", code, re.M):
            continue
        first = re.search(r"^#include <", code, re.M) or re.search(r"^#include ", code, re.M)
        at = first.start() if first else 0
        code = f"{code[:at]}#include <{header}>\n{code[at:]}"
    return code


def empty_file(path, text, work):
    """One file with the bodies of some functions emptied and others gone.

    work: list of (lab, exercise, name, kind), kind "empty" or "remove". Returns the new text and the
    bodies that went.
    """
    gone = []
    edits = []  # (start, end, replacement, body without helpers)
    statics = cfunc.static_names(text)
    before = cfunc.mask(text)
    headers = []
    emptied = []
    for lab, exercise, name, kind in work:
        try:
            function = cfunc.find(text, name)
        except ValueError as error:
            raise LabError(f"lab {lab.name}, {exercise.id}: {path}: {error}") from error
        gone.append(cfunc.body(text, function))
        if kind == "remove":
            start = cfunc.comment_start(text, function)
            end = function.end
            end += len(text[end:]) - len(text[end:].lstrip("\n"))
            edits.append([start, end, ""])
        else:
            lines, needs = _stub(path, lab, exercise, function, None)
            headers += needs
            edit = [function.brace, function.end, lines]
            edits.append(edit)
            emptied.append((function, edit))
    spans = sorted((start, end) for start, end, _ in edits)
    for (_, end), (start, _) in zip(spans, spans[1:]):
        if start < end:
            raise LabError(f"{path}: a function is named twice, or lies in another")

    def left():
        """The masked text without what goes."""
        code = before
        for start, end, _ in sorted(edits, reverse=True, key=lambda edit: edit[0]):
            code = code[:start] + " " * (end - start) + code[end:]
        return code

    # Prototypes of removed functions go as well.
    removed = {name for _, _, name, kind in work if kind == "remove"}
    rest = left()
    for name in removed:
        for match in re.finditer(rf"^\w[^;{{}}#=(]*\b{name}\s*\([^;{{}}]*\)[^;{{}}]*;[ \t]*\n", rest, re.M):
            edits.append([match.start(), match.end(), ""])
    rest = left()
    # What only emptied bodies used is mentioned in the first of them that used it: else a warning.
    helpers = {function: [] for function, _ in emptied}
    definitions = {f.name: f for f in cfunc.functions(text)}
    for name in statics:
        if name in removed or name in {f.name for f, _ in emptied if not f.static}:
            continue
        own = definitions.get(name)
        code = rest
        if own is not None:
            code = code[:own.start] + " " * (own.end - own.start) + code[own.end:]
            code = re.sub(rf"^\w[^;{{}}#=(]*\b{name}\s*\([^;{{}}]*\)[^;{{}}]*;", "", code, flags=re.M)
            limit = 0
        else:
            limit = 1  # its own declaration
        if cfunc.uses(code, name) > limit:
            continue
        users = [f for f, _ in emptied if f.name != name
                 and cfunc.uses(before[f.brace:f.end], name)]
        if users:
            helpers[users[0]].append(name)
    for function, edit in emptied:
        lines = [f"(void){name}; /* for your use */" for name in helpers[function]] + edit[2]
        indent = " " * 4
        edit[2] = "{\n" + "".join(f"{indent}{line}\n" for line in lines) + "}"
    for start, end, replacement in sorted(edits, reverse=True, key=lambda edit: edit[0]):
        text = text[:start] + replacement + text[end:]
    return _include(text, headers), gone


def starter(files, names):
    """The starter of lab names[0], with what the others (the student's earlier labs) gave emptied too.

    Returns (files, gone): path -> File, and the solution: path -> list of texts that went.
    """
    labs = labs_of(files)
    for name in names:
        if name not in labs:
            raise LabError(f"there is no lab {name!r}; there are: {', '.join(labs) or 'none'}")
    work, gone = {}, {}
    result = {path: file for path, file in files.items()
              if not OURS.match(path)
              and not (path.startswith("labs/") and path.count("/") > 1 and path.split("/")[1] not in names)}
    for name in names:
        lab = labs[name]
        for exercise in lab.exercises:
            for path, function in exercise.functions:
                work.setdefault(path, []).append((lab, exercise, function, "empty"))
            for path, function in exercise.remove:
                work.setdefault(path, []).append((lab, exercise, function, "remove"))
            for path in exercise.files:
                if path not in files:
                    raise LabError(f"lab {name}, {exercise.id}: there is no {path} in main")
                gone.setdefault(path, []).append(files[path].data.decode(errors="replace"))
                result.pop(path, None)
    for path, jobs in work.items():
        if path not in result:
            raise LabError(f"lab {jobs[0][0].name}, {jobs[0][1].id}: there is no file {path}")
        seen, unique = set(), []
        for job in jobs:  # two labs may empty the same function: the first says how
            if (job[2], job[0].name) in seen:
                raise LabError(f"lab {job[0].name}: {path}:{job[2]} is named twice")
            seen.add((job[2], job[0].name))
            if job[2] not in {other[2] for other in unique}:
                unique.append(job)
        text, bodies = empty_file(path, files[path].data.decode(), unique)
        result[path] = File(text.encode(), result[path].mode)
        gone.setdefault(path, []).extend(bodies)
    result[STARTER] = File((" ".join(names) + "\n").encode())
    return result, gone


# ---- Looking for solutions in a starter ------------------------------------------------------------

def _lines(text):
    """A text's lines of code, without comments and white space; trivial ones are left out."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: re.sub(r"[^\n]", "", m.group(0)), text, flags=re.S)
    for line in code.split("\n"):
        line = re.sub(r"\s+", "", line)
        if len(re.findall(r"\w+", line)) >= 3 and len(line) >= 16:
            yield line


def leaks(files, gone, result):
    """Lines of solutions that the starter has: (path of the starter, line). A line that main has in
    other places too belongs to those, and tells nothing: as often as it stands there it may stay."""
    solution = {}
    for texts in gone.values():
        for text in texts:
            for line in _lines(text):
                solution[line] = solution.get(line, 0) + 1
    counts = {}
    for path, file in files.items():
        if path.startswith(("labs/", "docs/")):
            continue
        for line in _lines(file.data.decode(errors="replace")):
            if line in solution:
                counts[line] = counts.get(line, 0) + 1
    own = {line for line, n in solution.items() if counts.get(line, 0) <= n}
    found = []
    for path, file in sorted(result.items()):
        # Prose and tests may happen on a line; three in a row are no accident.
        run, least = [], 3 if path.startswith(("labs/", "docs/")) else 1
        for line in [*_lines(file.data.decode(errors="replace")), None]:
            if line in own:
                run.append((path, line))
                continue
            if len(run) >= least:
                found += run
            run = []
    return found


# ---- Writing it ------------------------------------------------------------------------------------

def write_folder(files, folder):
    """Writes a tree to an empty or new folder."""
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise LabError(f"{folder} is not empty")
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.mode == 0o120000:
            target.symlink_to(file.data.decode())
        else:
            target.write_bytes(file.data)
            target.chmod(file.mode & 0o777)


def write_tar(files, path, prefix):
    """Writes a tree as a .tar.gz that is the same each time."""
    with open(path, "wb") as raw:
        import gzip  # pylint: disable=import-outside-toplevel
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed, \
                tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, file in sorted(files.items()):
                member = tarfile.TarInfo(f"{prefix}/{name}")
                member.mode = file.mode & 0o777 or 0o777
                if file.mode == 0o120000:
                    member.type, member.linkname = tarfile.SYMTYPE, file.data.decode()
                    tar.addfile(member)
                else:
                    member.size = len(file.data)
                    tar.addfile(member, io.BytesIO(file.data))


def write_commit(root, files, message, parent=None):
    """Makes a commit of the files in root's repository; returns its id. Touches neither the work tree
    nor the index."""
    index = Path(git(root, "rev-parse", "--absolute-git-dir").decode().strip()) / f"index.lab.{os.getpid()}"
    env = {"GIT_INDEX_FILE": str(index), "GIT_AUTHOR_NAME": "Ostia", "GIT_AUTHOR_EMAIL": "labs@ostia.invalid",
           "GIT_COMMITTER_NAME": "Ostia", "GIT_COMMITTER_EMAIL": "labs@ostia.invalid",
           "GIT_AUTHOR_DATE": "2025-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2025-01-01T00:00:00Z"}
    try:
        with tempfile.TemporaryDirectory(prefix="ostia-commit-") as folder:
            write_folder(files, folder)
            git(root, "-c", "core.autocrlf=false", "-c", "core.fileMode=true", "--work-tree", folder, "add",
                "-Af", ".", env=env)
        tree = git(root, "write-tree", env=env).decode().strip()
    finally:
        index.unlink(missing_ok=True)
    parents = ["-p", parent] if parent else []
    return git(root, "commit-tree", tree, *parents, data=message.encode(), env=env).decode().strip()


def write_branch(root, files, lab, names):
    """Branch lab/NAME as one commit without parents. Refuses to move a branch that has more."""
    branch = f"refs/heads/lab/{lab.name}"
    title = f"Lab {lab.name}: {lab.title}"
    commit = write_commit(root, files, f"{title}\n\nThe starter. See labs/{lab.name}/README.md.\n")
    _set_branch(root, branch, commit)
    del names
    return commit


def _set_branch(root, branch, commit):
    old = git(root, "rev-parse", "-q", "--verify", branch, check=False)
    short = branch.removeprefix("refs/heads/")
    if old and old.decode().strip() != commit:
        count = int(git(root, "rev-list", "--count", branch))
        if count > 1:
            raise LabError(f"branch {short} has work on it; rename it first: "
                           f"git branch -m {short} {short}-old")
        head = git(root, "symbolic-ref", "-q", "HEAD", check=False)
        if head and head.decode().strip() == branch:
            raise LabError(f"branch {short} is checked out; switch to another one first")
    git(root, "update-ref", branch, commit)


# ---- FROM=mine: on the student's own earlier lab ------------------------------------------------------

def own_previous(root, lab, revision):
    """(start, work) of the student's earlier lab: the starter it began from and what is there now, both
    as files. revision: "mine" (branch lab/PREVIOUS) or a branch or commit."""
    if revision == "mine":
        if not lab.after:
            raise LabError(f"lab {lab.name} is not said to come after another: FROM=BRANCH names yours")
        revision = f"lab/{lab.after}"
    if not git(root, "rev-parse", "-q", "--verify", f"{revision}^{{commit}}", check=False):
        raise LabError(f"there is no {revision} to build on")
    roots = git(root, "rev-list", "--max-parents=0", revision).decode().split()
    start = read_revision(root, roots[-1])
    if STARTER not in start:
        raise LabError(f"{revision} did not begin as a lab's starter")
    # A starter made FROM= an earlier lab begins with one commit more, which is the student's own work.
    return start, read_revision(root, revision)


def _same_stubs(old, new, names):
    """The new text with the old one's bodies for these functions: stubs differ in what they mention."""
    for name in names:
        try:
            mine, theirs = cfunc.find(old, name), cfunc.find(new, name)
        except ValueError:
            continue
        new = new[:theirs.brace] + old[mine.brace:mine.end] + new[theirs.end:]
    return new


def merge_own(start, work, base, earlier=()):
    """base, the new starter with the earlier labs' bodies empty, with what the student changed since
    start. earlier: those labs. Returns (files, conflicts)."""
    merged, conflicts = dict(base), []
    emptied = {}
    for lab in earlier:
        for exercise in lab.exercises:
            for path, name in exercise.functions:
                emptied.setdefault(path, []).append(name)
    for path, names in emptied.items():
        if path in start and path in base:
            text = _same_stubs(start[path].data.decode(), base[path].data.decode(), names)
            base = {**base, path: File(text.encode(), base[path].mode)}
            merged[path] = base[path]
    for path in sorted(set(start) | set(work)):
        old, mine, new = start.get(path), work.get(path), base.get(path)
        if mine == old or path == STARTER:
            continue
        if mine is None:
            merged.pop(path, None)
        elif new is None or new == old or new == mine:
            if new is not None or old is None:  # the student's own file, or one they changed alone
                merged[path] = mine
        else:
            text, clean = _merge_text(old.data if old else b"", mine.data, new.data)
            merged[path] = File(text, mine.mode)
            if not clean:
                conflicts.append(path)
    return merged, conflicts


def _merge_text(old, mine, new):
    with tempfile.TemporaryDirectory(prefix="ostia-merge-") as folder:
        paths = []
        for name, data in (("mine", mine), ("old", old), ("lab", new)):
            path = Path(folder) / name
            path.write_bytes(data)
            paths.append(str(path))
        done = subprocess.run(["git", "merge-file", "-p", "-L", "yours", "-L", "before", "-L", "the new lab",
                               *paths], capture_output=True, check=False)
        return done.stdout, done.returncode == 0


def make_lab(root, name, folder=None, previous=None):
    """`make lab`: branch lab/NAME, or a plain folder. Returns what to tell the student."""
    files = source(root)
    labs = labs_of(files)
    if name not in labs:
        raise LabError(f"there is no lab {name!r}; there are: {', '.join(labs) or 'none'}")
    lab = labs[name]
    if previous is None:
        result, _ = starter(files, [name])
        if folder:
            write_folder(result, folder)
            return f"the starter of lab {name} is in {folder}; begin with {folder}/labs/{name}/README.md"
        write_branch(root, result, lab, [name])
        return (f"branch lab/{name} holds the starter; begin with\n"
                f"    git switch lab/{name}\nand read labs/{name}/README.md")
    start, work = own_previous(root, lab, previous)
    names = [name] + [other for other in start[STARTER].data.decode().split() if other != name]
    base, _ = starter(files, [n for n in names if n in labs])
    mine = {(path, n) for exercise in lab.exercises for path, n in exercise.functions}
    earlier = [labs[n] for n in names[1:] if n in labs]
    if any((path, n) in mine for other in earlier for e in other.exercises for path, n in e.functions):
        earlier = []  # a function that both labs empty: leave it to the merge
    merged, conflicts = merge_own(start, work, base, earlier)
    told = "".join(f"\n    {path}: look for <<<<<<<" for path in conflicts)
    told = f"\nsome of it needs your hand:{told}" if conflicts else ""
    if folder:
        write_folder(merged, folder)
        return f"lab {name} on your own earlier work is in {folder}{told}"
    first = write_commit(root, base, f"Lab {name}: {lab.title}\n\nThe starter, before your earlier work.\n")
    second = write_commit(root, merged, "Take over the work on earlier labs\n", first)
    _set_branch(root, f"refs/heads/lab/{name}", second)
    return f"branch lab/{name} holds the lab on your own earlier work: git switch lab/{name}{told}"
