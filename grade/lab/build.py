"""Builds submissions, each in a private copy of a starter that is built already.

A Base is a starter, written and compiled once, kept under BUILD/lab by a hash of its content. A grading
copies it, objects and all, puts the submission's permitted files over it, and runs make there: only
what they change is compiled, and all is linked. The copy is the grading's own; nothing is shared with
another.
"""

import fcntl
import functools
import hashlib
import os
import re
import resource
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path

from . import generate
from .manifest import LabError

FAILS_TO_BUILD_CPU = 300  # seconds of CPU a compiler may use on a submission; hangs of the compiler
FILE_MAX = 4 << 20        # bytes a submitted file may have
FILES_MAX = 2000
# What to make (Makefile): all that a system with servers needs, or a kernel and its first tasks alone.
IMAGES, FIRST = "lab-images", "lab-first"
# What only the grading log's own code may call: a submission that does is not graded, but looked at.
GRADING = re.compile(r"\b(grade_log|grade_append|grade_flag|grade_init|host_grade_log)\b")


class BrokenBuild(Exception):
    """The submission does not compile; the text is the compiler's."""


class Fault(Exception):
    """The grader's own failure."""


def _make(folder, *arguments, cpu=None, jobs=None):
    """Runs make in `folder`; (status, output)."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("MAKE", "MFLAGS")) and k not in ("OSTIA_BUILD", "BUILD", "DEBUG", "UBSAN")}
    env["GIT_CEILING_DIRECTORIES"] = str(Path(folder).resolve().parent)

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    jobs = [f"NPROC={jobs}"] if jobs else []
    # pylint: disable=subprocess-popen-preexec-fn
    done = subprocess.run(["make", "LEAN=1", "WERROR=0", "BUILD=build", "DEBUG=", "UBSAN=", *jobs,
                           *arguments],
                          cwd=folder, env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL,
                          preexec_fn=limit if cpu else None)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


@functools.lru_cache(None)
def variable(folder, name):
    """The value of a variable of the Makefile."""
    status, text = _make(folder, "--no-print-directory", f"print-{name}")
    if status != 0:
        raise Fault(f"make print-{name}: {text}")
    return text.strip()


def content_hash(files):
    """A name for a tree in memory."""
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        digest.update(f"{path}\0{file.mode:o}\0{len(file.data)}\0".encode() + file.data)
    return digest.hexdigest()[:16]


@contextmanager
def locked(path):
    """Holds a lock file, across processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Base:
    """A tree, compiled: what gradings copy. goal: what they make of it, IMAGES or FIRST."""

    def __init__(self, files, cache, say=lambda text: None, seed=None, goal=IMAGES):
        """seed: (tree, its build folder): objects to begin with, where the sources are the same."""
        self.files = files
        self.seed = seed
        self.goal = goal
        self.folder = Path(cache).resolve() / f"{content_hash(files)}-{goal.removeprefix('lab-')}"
        self.tree = self.folder / "tree"
        self.say = say

    def prepare(self):
        """Writes and builds it, unless it is there. Returns what the build printed, "" if it was."""
        with locked(self.folder.with_suffix(".lock")):
            if (self.folder / "built").exists():
                return (self.folder / "built").read_text()
            self.say("building what submissions are put over, once")
            self._write()
            seeded = self._plant()
            status, text = _make(self.tree, f"{self.goal}-objects")
            if status != 0 and seeded:
                self._write()
                status, text = _make(self.tree, f"{self.goal}-objects")
            if status != 0:
                raise Fault(f"the starter does not build:\n{tail(text)}")
            (self.folder / "built").write_text(text)
            return text

    def _write(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.tree.mkdir(parents=True)
        generate.write_folder(self.files, self.tree)

    def _plant(self):
        """Copies the seed's objects, and to the sources that are the same the seed's times: so make
        compiles what differs. What is linked is left out: it may hold what is no longer there."""
        if self.seed is None or not (Path(self.seed[1]) / "kernel.img").exists():
            return False
        root, old = Path(self.seed[0]), Path(self.seed[1])
        try:
            new = self.tree / "build"
            shutil.copytree(old, new, ignore=lambda folder, names: [
                name for name in names if name in ("lab", "root", "stripped", "boot", "pycache", "handouts")
                or name.endswith((".img", ".tar", ".a", ".elf", ".map", ".gz", ".log", ".qcow2"))])
            for path in ("user/bin", "user/servers", "user/tests"):
                shutil.rmtree(new / path, ignore_errors=True)
            before = os.environ.get("OSTIA_BUILD", "build")
            for path in new.rglob("*.d"):
                text = path.read_text()
                path.write_text(text.replace(f"{before}/", "build/"))
            for path, file in self.files.items():
                twin = root / path
                if twin.is_file() and not twin.is_symlink() and twin.read_bytes() == file.data:
                    shutil.copystat(twin, self.tree / path)
            return True
        except OSError:
            self._write()
            return False


def tail(text, lines=40):
    """The last lines."""
    return "\n".join(text.rstrip().split("\n")[-lines:])


def diagnosis(text):
    """Of a failed build's output what the compiler complained of."""
    lines = text.split("\n")
    tell = re.compile(r"error|Error|undefined|multiple|warning:|note:|^\s+\d* \|")
    keep = [line for line in lines if tell.search(line)]
    return "\n".join(keep[:30]) or tail(text)


def take(folder, lab_permits, names=None):
    """The files of a submission that a lab lets a student change: path -> bytes. No link is followed,
    nothing outside is read."""
    root = Path(folder)
    taken = {}
    for current, folders, files in os.walk(root, followlinks=False):
        here = Path(current).relative_to(root).as_posix()
        folders[:] = sorted(d for d in folders if not (here == "." and re.match(r"build|\.git$", d))
                            and not (Path(current) / d).is_symlink())
        for name in sorted(files):
            path = name if here == "." else f"{here}/{name}"
            full = Path(current) / name
            if not lab_permits(path) or full.is_symlink() or not full.is_file():
                continue
            if full.stat().st_size > FILE_MAX or len(taken) >= FILES_MAX:
                raise BrokenBuild(f"{path}: too large, or too many files")
            taken[path] = full.read_bytes()
    del names
    return taken


def take_tar(path, lab_permits):
    """The same from a tar, as `make handin` makes it: below one top folder, or without."""
    try:
        with tarfile.open(path) as tar:
            members = [m for m in tar if m.isreg() and m.size <= FILE_MAX][:FILES_MAX]
            names = [m.name.removeprefix("./") for m in members]
            tops = {name.split("/")[0] for name in names}
            strip = f"{tops.pop()}/" if len(tops) == 1 and not any(map(lab_permits, names)) else ""
            return {name.removeprefix(strip): tar.extractfile(m).read()
                    for name, m in zip(names, members) if lab_permits(name.removeprefix(strip))}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BrokenBuild(f"{Path(path).name} is no readable tar: {error}") from error


def copy(base, work):
    """A private copy of a built base, objects and times included."""
    work = Path(work)
    if subprocess.run(["cp", "-a", "--sparse=always", "--reflink=auto", str(base.tree), str(work)],
                      capture_output=True, check=False).returncode != 0:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(base.tree, work, symlinks=True)


def put(base, work, taken, permitted):
    """Puts a submission over a private copy: its files in, permitted ones that it lacks out. Returns
    whether anything changed."""
    changed = False
    for path in [p for p in base.files if permitted(p) and p not in taken]:
        (work / path).unlink()
        changed = True
    removed = changed
    for path, data in taken.items():
        target = work / path
        if target.is_file() and target.read_bytes() == data:
            continue
        for parent in reversed(target.relative_to(work).parents):
            if (work / parent).is_file():
                raise BrokenBuild(f"{path}: {parent} is a file")
        if target.is_dir():
            raise BrokenBuild(f"{path} is a folder in the lab")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_bytes(data)
        changed = True
    if removed:  # make does not see that a file is gone: link everything again
        for path in ("kernel.elf", "kernel.img", "boot.tar", "user/libc.a", "user/libserver.a"):
            (work / "build" / path).unlink(missing_ok=True)
        for path in ("stripped", "user/bin", "user/servers", "user/tests"):
            shutil.rmtree(work / "build" / path, ignore_errors=True)
    return changed


def compile_copy(work, jobs=None, goal=IMAGES):
    """Builds a private copy. Raises BrokenBuild. Returns the warnings."""
    status, text = _make(work, goal, cpu=FAILS_TO_BUILD_CPU, jobs=jobs)
    # Where the copy lies is nobody's business, and differs each time.
    text = re.sub(r"/\S*?/tree/", "", text)
    if status != 0:
        if re.search(r"No space left|Cannot allocate memory|virtual memory exhausted", text):
            raise Fault(tail(text))
        raise BrokenBuild(diagnosis(text))
    return [line for line in text.split("\n") if "warning:" in line]


def forged(base, work, taken):
    """Of the files taken, those whose code mentions the grading log where the base does not. Looked for
    in the text and in what the compiler made of it."""
    def symbols(tree, paths):
        objects = [tree / "build/obj" / f"{path}.o" for path in paths]
        objects = [str(path) for path in objects if path.is_file()]
        used = {}
        if objects:
            done = subprocess.run([variable(work, "NM"), "-A", "-u", *objects], capture_output=True,
                                  text=True, check=False)
            for line in done.stdout.splitlines():
                path = line.partition(".o:")[0].removeprefix(f"{tree}/build/obj/")
                used.setdefault(path, set()).update(GRADING.findall(line.rpartition(" ")[2]))
        return used
    found = []
    new, old = symbols(work, taken), symbols(base.tree, taken)
    for path, data in taken.items():
        before = base.files.get(path)
        known = set(GRADING.findall(before.data.decode(errors="replace"))) if before else set()
        names = set(GRADING.findall(data.decode(errors="replace"))) | new.get(path, set())
        names -= known | old.get(path, set())
        if names:
            found.append(f"{path} uses {', '.join(sorted(names))}")
    return found


__all__ = ["Base", "BrokenBuild", "Fault", "LabError", "compile_copy", "copy", "forged", "put", "take",
           "take_tar", "variable"]
