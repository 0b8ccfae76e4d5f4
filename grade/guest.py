"""Runs the in-guest test programs (user/tests/) and collects a verdict for each of their cases.

A program runs in a boot of its own, once for each kind of machine (MACHINES). If a case panics, hangs or
kills the program, its verdict says so, and the machine is booted again for the cases behind it: one
broken case spoils no other. Boots run ahead of the tests that ask for them.

The lines of the grading log are explained in grade/README.md; user/include/testlib.h is the other side.
"""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from harness import BUILD, PANIC, ROOT, GraderFault, GuestError, Hang, Qemu

TESTS = ROOT / "user" / "tests"
WHOLE = "ends_well" # a case of every program: it came to its end, and no case unknown here failed
LEAKS = "nothing_leaked" # a case of every program named mach_*: mach_test.h's TEST_MAIN adds it
LIMIT = 20         # guest seconds a case, unless its file says TEST_LIMIT(n)
BOOT_LIMIT = 20    # guest seconds from reset to the program's first line


@dataclass(frozen=True)
class Machine:
    """What a program is run on."""
    name: str
    cpus: int
    icount: bool
    jitter: int = None
    args: str = ""       # more boot arguments
    only: str = ""       # programs whose names begin so


def jittered(seed):
    """Four CPUs under icount, interleaved as the seed says: what fails, fails again."""
    return Machine(f"jitter{seed}", 4, True, int(seed))


# One CPU, deterministic; four with real parallelism; one where every message goes the long way.
# OSTIA_JITTER=SEED,SEED.. adds interleavings.
MACHINES = [Machine("1cpu", 1, True), Machine("4cpu", 4, False),
            Machine("1cpu-slow", 1, True, args="fastpath=off", only="mach_")] + [
    jittered(seed) for seed in filter(None, os.environ.get("OSTIA_JITTER", "").split(","))]


@dataclass
class Verdict:
    """kind: ok, wrong, skip, panic, hang, crash (the program died), fault (of the grader)."""
    kind: str
    text: str = ""
    console: str = ""


@dataclass
class Program:
    """An in-guest test program, as its source shows it."""
    name: str
    cases: list = field(default_factory=list)
    limit: int = LIMIT
    seeds: int = 0     # TEST_SEEDS(n)
    args: str = ""     # TEST_ARGS("arguments")
    memory: int = 128  # TEST_MEMORY(MiB)

    def machines(self):
        """What it is run on: every program's machines, and its own seeds of timer intervals."""
        own = [jittered(seed) for seed in range(1, self.seeds + 1)]
        return [machine for machine in MACHINES if self.name.startswith(machine.only)] + [
            machine for machine in own if machine not in MACHINES]


def programs():
    """All in-guest test programs that have cases."""
    found = []
    for path in sorted(TESTS.glob("*.c")):
        source = path.read_text()
        for included in re.findall(r'^#include "(\w+\.c)"', source, re.M):
            source += (TESTS / included).read_text() # the same cases, for another file server
        cases = re.findall(r"^TEST\((\w+)\)", source, re.M)
        limit = re.search(r"^TEST_LIMIT\((\d+)\)", source, re.M)
        if path.stem.startswith("mach_") and cases and LEAKS not in cases:
            cases.append(LEAKS)
        seeds = re.search(r"^TEST_SEEDS\((\d+)\)", source, re.M)
        args = re.search(r'^TEST_ARGS\("([^"]+)"\)', source, re.M)
        if cases:
            memory = re.search(r"^TEST_MEMORY\((\d+)\)", source, re.M)
            found.append(Program(path.stem, cases + [WHOLE], int(limit.group(1)) if limit else LIMIT,
                                 int(seeds.group(1)) if seeds else 0, args.group(1) if args else "",
                                 int(memory.group(1)) if memory else 128))
    return found


def watch(qemu, limit):
    """Lets the program run to the machine's end. Returns how it ended badly, if it did: (kind, text)."""
    seen = -1

    def progress():
        log = qemu.grade_log(text=False)
        nonlocal seen
        if log is not None and log.length != seen:
            seen = log.length
            return True
        return qemu.is_off(0.02)
    try:
        qemu.until(progress, BOOT_LIMIT, "first report")
        while not qemu.is_off():
            qemu.until(progress, limit, "result")
    except Hang as hang:
        return "hang", str(hang)
    except GuestError as error:
        return "crash", str(error)
    log = qemu.grade_log(text=False)
    if log is not None and log.flags & PANIC:
        return "panic", "the kernel panicked"
    return None


def run_log(qemu, text, results):
    """Reads a program's report into results; returns the case it was in when the log ends, if any, and
    whether the program came to its end."""
    current, ended = None, False
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "at":
            current = rest
        elif word == "end":
            ended = True
        elif word in ("ok", "skip") or line.startswith("not ok "):
            rest = rest.removeprefix("ok ") if word == "not" else rest
            name, _, detail = rest.partition(" ")
            kind = {"ok": "ok", "skip": "skip"}.get(word, "wrong")
            if name != current or name in results:
                results[name] = Verdict("wrong", f"reported out of turn: {line}")
            else:
                results[name] = Verdict(kind, detail, "" if kind == "ok" else qemu.tail())
            current = None
    return current, ended


def run(program, machine):
    """Boots `machine` for `program` as often as it takes. Returns case -> Verdict."""
    results = {}
    after = None
    disk = {"disk": None} if program.name.startswith("mach_") else {}
    while True:
        args = " ".join([f"test={program.name} panic=off", program.args, machine.args]
                        + ([f"test.after={after}"] if after else []))
        try:
            with Qemu(cpus=machine.cpus, icount=machine.icount, jitter=machine.jitter, args=args,
                      mem=f"{program.memory}M",
                      initrd=BUILD / "boot-test.tar", **disk) as qemu:
                bad = watch(qemu, program.limit)
                try:
                    log = qemu.grade_log()
                except GuestError as error:
                    log, bad = None, ("crash", str(error))
                current, ended = run_log(qemu, log.text, results) if log else (None, False)
                console = qemu.tail()
        except GraderFault as fault:
            bad, current, ended, console = ("fault", str(fault)), None, False, ""
        if ended and not bad:
            results.setdefault(WHOLE, Verdict("ok"))
            break
        results[WHOLE] = Verdict(*(bad or ("crash", "the program ended before its time")), console)
        rest = program.cases[program.cases.index(after) + 1:] if after else program.cases
        missing = [case for case in rest if case not in results]  # WHOLE is there already
        if not missing:
            break
        kind, text = bad or ("crash", "the program ended before its time")
        after = current if current in missing else missing[0]
        results[after] = Verdict(kind, text, console)
        if current is None:  # it never got to a case: the next boot will not either
            for case in missing:
                results[case] = Verdict(kind, text, console)
            break
        if after == missing[-1]:
            break
    unknown = [f"{name}: {verdict.text}" for name, verdict in results.items()
               if name not in program.cases and verdict.kind not in ("ok", "skip")]
    if unknown:
        results[WHOLE] = Verdict("wrong", "\n".join(unknown))
    for case in program.cases:
        results.setdefault(case, Verdict("crash", "the program ended without reporting this case"))
    return results


class Runner:
    """Runs programs ahead of the tests that want their verdicts, one machine a processor; but one processor
    is left to the tests that do something themselves, until verdicts are all that is waited for."""

    def __init__(self):
        processors = os.cpu_count() or 2
        self.pool = ThreadPoolExecutor(max_workers=processors)
        self.free = threading.Semaphore(max(1, processors - 1))
        self.kept_back = processors > 1
        self.futures = {}

    def _run(self, program, machine):
        with self.free:
            return run(program, machine)

    def want(self, program, machine):
        """Has the program run, now or soon."""
        key = (program.name, machine.name)
        if key not in self.futures:
            self.futures[key] = self.pool.submit(self._run, program, machine)
        return self.futures[key]

    def verdict(self, program, machine, case):
        """Waits for the case's verdict."""
        if self.kept_back:
            self.kept_back = False
            self.free.release()
        return self.want(program, machine).result()[case]

    def close(self):
        """Drops what has not begun."""
        self.pool.shutdown(wait=False, cancel_futures=True)


runner = Runner()
