"""Runs a lab's in-guest programs against a build, and says how each case ended.

Each program gets a boot of its own, deterministic: one CPU under -icount, the disk in memory, nothing
typed. It goes by a random name, and its grading log carries the run's nonce. A case that breaks the
run gets that as its verdict, and the machine is booted again for those behind it.
"""

import hashlib
import io
import os
import re
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from guest import run_log
from harness import COUNTER_HZ, PANIC, GraderFault, GuestError, Hang, Qemu

from . import build
from .state import State
from .witness import Witness

# The verdicts of a test.
PASS, WRONG, PANICKED, HUNG, SLOW, BROKEN, FAULT, SKIPPED = (
    "pass", "wrong", "panic", "hang", "slow", "broken build", "grader fault", "skipped")
LIMIT = 4         # guest seconds a case may take, unless its file or the manifest says otherwise
HANG_FACTOR = 2   # a case that takes so many times its limit will not end
BOOT_LIMIT = 10   # guest seconds from reset to a program's first report
DISK = "24M"      # the disk in memory
MEMORY = "256M"
LONG_WAY = "fastpath=off"  # or a message would pass by what students write (kernel/ipc/mach_msg_fast.c)


@dataclass
class Verdict:
    """How a test ended; text: what was expected and seen; console: its last lines."""
    kind: str
    text: str = ""
    console: str = ""

    as_dict = asdict


@dataclass
class Program:
    """An in-guest program of a lab, as its source shows it. limits: case -> guest seconds."""
    name: str
    cases: list
    limit: int = LIMIT
    limits: dict = field(default_factory=dict)

    @property
    def posix(self):
        """Whether it is a process, from the disk; else a plain task."""
        return not self.name.startswith(("mach_", "first_"))

    @property
    def first(self):
        """Whether it is the first task, with no server."""
        return self.name.startswith("first_")


def programs(root, lab):
    """The in-guest programs of a lab: name -> Program."""
    found = {}
    for path in sorted((Path(root) / "labs" / lab.name / "tests").glob("*.c")):
        source = path.read_text()
        limit = re.search(r"^TEST_LIMIT\((\d+)\)", source, re.M)
        found[path.stem] = Program(
            path.stem, re.findall(r"^TEST\((\w+)\)", source, re.M), int(limit.group(1)) if limit else LIMIT,
            {test.partition(".")[2]: seconds for test, seconds in lab.test_limits.items()
             if test.partition(".")[0] == path.stem})
    return found


def goal(root, lab):
    """What a grading of the lab has to build: build.IMAGES, or FIRST if its programs need no server."""
    return build.FIRST if all(p.first for p in programs(root, lab).values()) else build.IMAGES


def seed_of(lab, seed=None):
    """The lab's random seed for programs that ask for one."""
    return seed if seed is not None else int(hashlib.sha256(lab.name.encode()).hexdigest()[:8], 16)


class Grading:
    """A build under test. work: the private copy of the tree, built; lab: its manifest."""

    def __init__(self, work, lab, root, seed=None):
        self.work = Path(work)
        self.build = self.work / "build"
        self.lab = lab
        self.programs = programs(root, lab)
        self.seed = seed_of(lab, seed)
        # A kernel that is the student's own is not the only one to say what was reported.
        self.witnessed = (any(glob.startswith(("kernel/", "**")) for glob in lab.may_change)
                          and "OSTIA_NO_WITNESS" not in os.environ)  # for a test of that

    def _image(self, folder, program, name):
        """The file-system image with every program and, as /tests/`name`, the program."""
        root = folder / "root"
        (root / "tests").mkdir(parents=True)
        extra = self.work / "user/root"
        if extra.is_dir():
            shutil.copytree(extra, root, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(self.build / "stripped/bin", root / "bin", dirs_exist_ok=True)
        if program:
            shutil.copy(self.build / "stripped/tests" / program.name, root / "tests" / name)
        devices = self.work / "user/devices"
        done = subprocess.run([self.build / "host/mkfs", folder / "disk.img", "-s", DISK, "-d", root,
                               *(["-D", f"@{devices}"] if devices.exists() else [])],
                              capture_output=True, text=True, check=False)
        shutil.rmtree(root)
        if done.returncode != 0:
            raise GraderFault(f"mkfs: {done.stdout}{done.stderr}")
        return (folder / "disk.img").read_bytes()

    def _archive(self, folder, program, name):
        """The boot archive with the servers and the program, or the disk that holds it; or with the
        program alone."""
        data = (self.build / "stripped/tests" / program.name).read_bytes() if program else b""
        members = []
        if not (program and program.first):
            if not (self.build / "boot.tar").exists():
                raise GraderFault("without a program that is not first_*, this lab builds no servers")
            with tarfile.open(self.build / "boot.tar") as old:
                members = [(m, old.extractfile(m).read()) for m in old if m.isreg()]
        if program and program.first:
            members.append((tarfile.TarInfo("bootstrap"), data))
        elif program and not program.posix:
            members.append((tarfile.TarInfo(f"tests/{name}"), data))
        else:
            members.append((tarfile.TarInfo("disk.img"), self._image(folder, program, name)))
        path = folder / "boot.tar"
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for member, data in members:
                member.size, member.mode = len(data), 0o755
                tar.addfile(member, io.BytesIO(data))
        return path

    @contextmanager
    def boot(self, program=None, args="", cpus=1, jitter=None):
        """Boots the build: with a program of the lab, or to the shell, for a test that types. A Qemu."""
        if isinstance(program, str):
            if program not in self.programs:
                raise GraderFault(f"the lab has no program {program}")
            program = self.programs[program]
        name = f"t{secrets.token_hex(6)}"
        words = [f"test={name}" if program else "", "panic=off", LONG_WAY, f"seed={self.seed}", args]
        folder = Path(tempfile.mkdtemp(prefix="ostia-lab-"))
        try:
            archive = self._archive(folder, program, name)
            with Qemu(cpus=cpus, icount=True, typed=program is None, jitter=jitter,
                      args=" ".join(filter(None, words)), disk=None, mem=MEMORY, initrd=archive,
                      kernel=self.build / "kernel.img", elf=self.build / "kernel.elf",
                      gdb=bool(program) and self.witnessed) as qemu:
                qemu.witness = Witness(qemu, self.build / "user/tests" / program.name,
                                       self.build / "stripped/tests" / program.name) if qemu.gdb else None
                qemu.rerun = self.rerun(program, args)
                qemu.names = (name, program.name if program else name)
                yield qemu
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def rerun(program, args=""):
        """The command that runs the same by hand, under GDB."""
        words = " ".join(filter(None, [f"test={program.name}" if program else "", LONG_WAY, args]))
        return f"make qemu-gdb CPUS=1 BOOTARGS='{words}'"

    def ended_badly(self, qemu, error=None):
        """How a machine came to a bad end: a Verdict, or None if it is off in good order."""
        state = State(qemu, self.work)
        console = qemu.tail().replace(*qemu.names)
        if isinstance(error, Hang):
            threads = state.threads().replace(*qemu.names)
            return Verdict(HUNG, f"{str(error).split(chr(10), maxsplit=1)[0]}\n{threads}", console)
        try:
            log = qemu.grade_log(text=False)
        except GuestError as wrong:
            return Verdict(WRONG, str(wrong), console)
        if log is not None and log.flags & PANIC:
            return Verdict(PANICKED, f"{state.panic_message()}\n{state.backtrace()}", console)
        if error is not None:
            return Verdict(WRONG, str(error), console)
        return None

    def _watch(self, qemu, program):
        """Lets a program run to the machine's end. Returns the Verdict of a bad end, or None."""
        seen, limit = -1, program.limit

        def progress():
            nonlocal seen, limit
            log = qemu.grade_log(text=False)
            if log is not None and log.length != seen:
                seen = log.length
                case = re.findall(r"^at (\w+)$", qemu.grade_log().text, re.M)
                limit = program.limits.get(case[-1], program.limit) if case else program.limit
                return True
            return qemu.is_off(0.02)
        try:
            qemu.until(progress, BOOT_LIMIT, "first report of the test program")
            while not qemu.is_off():
                qemu.until(progress, limit * HANG_FACTOR, f"end of the case, which may take {limit} s,")
        except GuestError as error:  # and Hang
            return self.ended_badly(qemu, error)
        return self.ended_badly(qemu)

    def run(self, program, only=None, first=False):
        """Runs a program, as often as it takes to have a verdict for each case. only: these cases;
        first: stop at the first that fails. Returns case -> Verdict."""
        wanted = [case for case in program.cases if only is None or case in only]
        results = {}
        single = len(wanted) == 1
        after = None
        while True:
            pending = [case for case in wanted if case not in results]
            if not pending:
                break
            index = program.cases.index(pending[0])
            if not single:
                after = program.cases[index - 1] if index else None
            args = f"test.only={wanted[0]}" if single else f"test.after={after}" if after else ""
            raw, took, bad, current, ended = {}, {}, None, None, False
            console = ""
            try:
                with self.boot(program, args) as qemu:
                    bad = self._watch(qemu, program)
                    log = None
                    try:
                        log = qemu.grade_log()
                    except GuestError as error:
                        bad = Verdict(WRONG, str(error))
                    console = qemu.tail()
                    doubt = qemu.witness and qemu.witness.check(log.text if log else "")
                    if doubt:
                        for case in pending:
                            results[case] = Verdict(WRONG, doubt)
                        break
                    if log:
                        current, ended = run_log(qemu, log.text, raw)
                        took = {case: int(ticks) / COUNTER_HZ for case, ticks in
                                re.findall(r"^took (\w+) (\d+)$", log.text, re.M)}
            except (GraderFault, build.Fault, OSError) as fault:
                bad = Verdict(FAULT, str(fault))
                for case in pending:
                    results[case] = bad
                break
            news = False
            for case, verdict in raw.items():
                if case in pending:
                    kind = {"ok": PASS, "skip": SKIPPED}.get(verdict.kind, WRONG)
                    results[case] = Verdict(kind, verdict.text, verdict.console)
                    limit = program.limits.get(case, program.limit)
                    if kind == PASS and took.get(case, 0) > limit:
                        results[case] = Verdict(SLOW, f"took {took[case]:.2f} s of guest time; "
                                                      f"{limit} s are allowed", "")
                    news = True
            if ended and not bad:
                for case in pending:
                    results.setdefault(case, Verdict(WRONG, "the program ended without this case", console))
                break
            if ended:  # it broke the system by its own end
                results[pending[-1]] = bad
                for case in pending:
                    results.setdefault(case, bad)
                break
            bad = bad or Verdict(WRONG, "the test program died before its end", console)
            if current in pending:
                results[current] = bad
            elif current is None and not news:  # it never got to a case: the next boot will not either
                for case in pending:
                    results[case] = bad
            else:
                left = [case for case in pending if case not in results]
                results[left[0] if left else pending[-1]] = bad
            if first and any(v.kind not in (PASS, SKIPPED) for v in results.values()):
                break
        return {case: results[case] for case in wanted if case in results}


def workers():
    """How many machines to run at once."""
    return max(1, int(os.environ.get("OSTIA_JOBS") or os.cpu_count() or 2))
