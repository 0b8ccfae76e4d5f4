"""The machine that grades labs: what has fooled or wronged other graders does not fool this one.

All runs on a throw-away lab, grade/minilab: it is put into a copy of main, its starter is made and built, and
submissions, most of them hostile, are graded. See grade/lab.
"""

import functools
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import pytest
from harness import BUILD, ROOT, GraderFault
from lab import batch, build, generate, guestrun, manifest, report, run, witness

MINI = ROOT / "grade" / "minilab"
KERNEL = "kernel/kern/semaphore.c"
SEVEN = "user/bin/seven.c"
TESTS = ["mach_lab_mini.refuses", "mach_lab_mini.wakes_all", "mach_lab_mini.in_time",
         "mach_lab_mini.count_stays", "test_seen_from_outside", "posix_lab_mini.small",
         "posix_lab_mini.large"]


def complete_tree():
    """Main with lab mini in it, and no other."""
    files = {path: file for path, file in generate.read_folder(ROOT).items() if not path.startswith("labs/")}
    for path in MINI.iterdir():
        if path.is_file():
            where = {"seven.c": SEVEN, "outside.py": "labs/mini/test_mini.py"}.get(
                path.name, f"labs/mini/{'tests/' if path.suffix == '.c' else ''}{path.name}")
            files[where] = generate.File(path.read_bytes())
    files["labs/mini/README.md"] = generate.File(b"# Lab mini\n")
    return files


class Mini:
    """The lab, its starter built, and its solution."""

    def __init__(self):
        self.files = complete_tree()
        self.lab = generate.labs_of(self.files)["mini"]
        self.starter, self.gone = generate.starter(self.files, ["mini"])
        self.base = build.Base(self.starter, BUILD / "lab", seed=(ROOT, BUILD))
        self.built = self.base.prepare()
        self.solution = {p: f.data for p, f in self.files.items() if self.lab.permitted(p)}
        self._folder = tempfile.TemporaryDirectory(prefix="ostia-mini-")  # gone with this object

    @functools.cached_property
    def grading(self):
        """The starter, linked, to boot it."""
        tree = Path(self._folder.name) / "tree"
        build.copy(self.base, tree)
        build.compile_copy(tree)
        return guestrun.Grading(tree, self.lab, tree)

    def kernel(self, before="", inside=""):
        """The solution with other text in its kernel file: before the function, or first in its body."""
        text = self.solution[KERNEL].decode()
        function = generate.cfunc.find(text, "semaphore_signal_all_trap")
        at = function.brace + 1
        text = text[:at] + "\n" + inside + text[at:]
        at = generate.cfunc.comment_start(text, function)
        return {**self.solution, KERNEL: (text[:at] + before + text[at:]).encode()}

    def seven(self, text):
        """The solution with another program `seven`: main's body."""
        head = ("#include <mach/mach.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
                "int main(int argc, char **argv)\n{\n")
        return {**self.solution, SEVEN: f"{head}{text}\n}}\n".encode()}

    def grade(self, taken, **arguments):
        """Grades it."""
        return run.grade(self.lab, self.base, taken, root=self.base.tree, jobs=1, **arguments)


RIGHT = 'printf("%ld\\n", 7 * strtol(argv[1], NULL, 10));'
# A kernel that names nothing of the grading log, finds it in memory, and makes an "ok" of a "not ok".
REWRITES = """
static void rewrite(void)
{
    const uint64_t magic = 0x474f4c414954534fUL;
    uint64_t *log = (uint64_t *)((uint64_t)rewrite & ~(uint64_t)4095);
    char *text;
    uint32_t length;

    while (log[0] != magic || log[2] >> 32 == 0)
        log++;
    length = (uint32_t)(log[2] >> 32);
    text = (char *)(log + 8);
    for (uint32_t i = 0; i + 6 < length; i++)
        if (memcmp(text + i, "not ok", 6) == 0) {
            uint32_t end = i;

            while (end < length && text[end] != '\\n')
                end++;
            memmove(text + i, text + i + 4, end - i - 4);
            memset(text + end - 4, ' ', 4);
        }
}

"""

SUBMISSIONS = {
    "solution": lambda m: m.solution,
    "again": lambda m: m.solution,
    "starter": lambda m: {p: f.data for p, f in m.starter.items() if m.lab.permitted(p)},
    "nothing": lambda m: {},
    "kernel_prints": lambda m: m.kernel(inside='for (int i = 0; i < 3; i++) printf("at wakes_all\\n'
                                               'ok wakes_all\\nok count_stays\\nend mach_lab_mini\\n");'
                                               "return 0;"),
    "kernel_noise": lambda m: m.kernel(inside='for (const char *p = "ok x\\nnot ok y\\n"; *p; p++) '
                                              'printf("%c", *p);'),
    "kernel_panics": lambda m: m.kernel(inside='panic("an own mistake: %d", 7);'),
    "kernel_null": lambda m: m.kernel(inside="*(volatile int *)8 = 1;"),
    "kernel_spins": lambda m: m.kernel(
        before="static void forever(void)\n{\n    for (volatile int i = 0;; i++)\n        continue;\n}\n",
        inside="if (name != MACH_PORT_NULL) forever();"),
    "kernel_no_wakeup": lambda m: m.kernel(inside="if (name != MACH_PORT_NULL) return KERN_SUCCESS;"),
    "kernel_forges": lambda m: m.kernel(before="int grade_append(const char *, unsigned long);\n",
                                        inside='grade_append("ok wakes_all\\n", 13);'),
    "kernel_rewrites": lambda m: m.kernel(
        before=REWRITES, inside="static int calls;\n    if (name != MACH_PORT_NULL && calls++ < 2)"
                                " return KERN_FAILURE;\n    rewrite();"),
    "kernel_broken": lambda m: m.kernel(inside="this is no C;"),
    "kernel_new_file": lambda m: {**m.kernel(before="int mini_extra(void);\n", inside="(void)mini_extra();"),
                                  "kernel/kern/mini_extra.c": b"/* More. */\nint mini_extra(void);\n"
                                                              b"int mini_extra(void)\n{\n    return 1;\n}\n"},
    "prints_verdicts": lambda m: m.seven('const char s[] = "at small\\nok small\\nok large\\n"'
                                         '"end posix_lab_mini\\n";'
                                         'printf("%s", s); debug_print(s, sizeof s - 1); return 0;'),
    "longer_number": lambda m: m.seven('printf("%ld0\\n", 7 * strtol(argv[1], NULL, 10)); return 0;'),
    "right_then_hangs": lambda m: m.seven(RIGHT + "fflush(stdout); for (;;) sleep(1);"),
    "slow": lambda m: m.seven("sleep(2);" + RIGHT + "return 0;"),
    "status": lambda m: m.seven(RIGHT + "return 100;"),
    "aborts": lambda m: m.seven("abort();"),
    "keys_on_name": lambda m: m.seven('FILE *f = fopen("/tests/posix_lab_mini", "r"); if (f) {' + RIGHT
                                      + "return 0; } return 1;"),
}


@pytest.fixture(scope="session")
def mini():
    """The throw-away lab."""
    return Mini()


@pytest.fixture(scope="session")
def grades(mini):
    """name -> Grade of each of SUBMISSIONS: graded side by side."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        # A processor that spins takes host time: of that kernel one test is enough.
        some = {"kernel_spins": {"tests": ["mach_lab_mini.wakes_all"]}}
        futures = {name: pool.submit(mini.grade, make(mini), **some.get(name, {}))
                   for name, make in SUBMISSIONS.items()}
        return {name: future.result() for name, future in futures.items()}


def kinds(grade):
    """The verdicts, in the manifest's order."""
    assert list(grade.kinds()) == TESTS
    return list(grade.kinds().values())


def text_of(grade, test):
    """What a test's verdict says."""
    return next(r.verdict.text for r in grade.results if r.test == test)


# ---- Verdicts ----------------------------------------------------------------------------------------

def test_solution_passes(grades):
    """Main's own code gets all points, with a new file beside it too."""
    for name in ("solution", "kernel_new_file"):
        assert kinds(grades[name]) == ["pass"] * 7, report.table(grades[name])
        assert grades[name].score == 20


def test_starter_names_the_exercise(grades):
    """The untouched starter panics by name, never a bare crash; what was not written is wrong."""
    assert kinds(grades["starter"]) == ["panic"] * 5 + ["wrong"] * 2
    assert "not implemented: lab mini, exercise 1" in text_of(grades["starter"], TESTS[0])
    assert grades["starter"].score == 0


def test_starter_builds_without_warnings(mini):
    """An emptied body leaves nothing unused behind."""
    assert "warning:" not in mini.built


def test_nothing_handed_in(grades):
    """A file that is missing from a submission is missing from what is graded."""
    assert grades["nothing"].score == 0
    assert "broken build" in kinds(grades["nothing"]) or "wrong" in kinds(grades["nothing"])


def test_panic_has_a_backtrace(grades):
    """A panic is told with its words, and with functions and lines; also one by a wild pointer."""
    text = text_of(grades["kernel_panics"], "mach_lab_mini.refuses")
    assert kinds(grades["kernel_panics"])[:5] == ["panic"] * 5
    assert "an own mistake: 7" in text
    assert re.search(r"semaphore_signal_all_trap\+0x\w+\s+kernel/kern/semaphore\.c:\d+", text)
    assert kinds(grades["kernel_null"])[:5] == ["panic"] * 5
    assert "semaphore_signal_all_trap" in text_of(grades["kernel_null"], "mach_lab_mini.refuses")


def test_hang_tells_what_threads_wait_for(grades):
    """A wake-up that never comes is a hang of that case; those before and after have their own verdict."""
    grade = grades["kernel_no_wakeup"]
    assert kinds(grade) == ["pass", "hang", "hang", "pass", "pass", "pass", "pass"]
    text = text_of(grade, "mach_lab_mini.wakes_all")
    assert re.search(r"thread \d+: waiting in semaphore\w* ?|thread \d+: waiting in wait\b", text), text
    assert "bootstrap thread 0: waiting" in text


def test_livelock_is_a_hang(grades):
    """A kernel that spins with interrupts off is found by guest time too, and where it spins is told."""
    grade = grades["kernel_spins"]
    assert list(grade.kinds().values()) == ["hang"]
    assert re.search("CPU 0: pc .* (forever|semaphore_signal_all_trap)",
                     text_of(grade, "mach_lab_mini.wakes_all"))


def test_slow_is_not_a_hang(grades):
    """What comes to its end, but takes more guest time than it may, is slow, and earns nothing."""
    assert kinds(grades["slow"])[5:] == ["pass", "slow"]
    assert grades["slow"].score == 16


def test_broken_build(grades):
    """What does not compile says so, with the compiler's words."""
    assert kinds(grades["kernel_broken"]) == ["broken build"] * 7
    assert re.search(r"semaphore\.c:\d+.*error", grades["kernel_broken"].build_text)


def test_grader_fault_does_not_count(mini, monkeypatch, tmp_path):
    """Without QEMU nothing is said about the student: no score in any form."""
    monkeypatch.setenv("QEMU", "/nonexistent/qemu")
    grade = mini.grade(mini.solution, tests=["mach_lab_mini.refuses"])
    assert list(grade.kinds().values()) == ["grader fault"]
    assert not report.as_json(grade)["final"]
    assert "tests" not in report.gradescope(grade) and report.gradescope(grade)["extra_data"]["grader_fault"]
    assert report.classroom(grade)["status"] == "error"
    assert "<error" in report.junit(grade) and "<failure" not in report.junit(grade)
    assert "this is no score" in report.table(grade)
    del tmp_path


# ---- Ways to fool a grader -----------------------------------------------------------------------------

def test_kernel_that_prints_the_lines(grades):
    """Text on the console earns nothing."""
    assert kinds(grades["kernel_prints"])[1:3] == ["hang", "hang"]


def test_program_that_prints_verdicts(grades):
    """Nor does a program's, on the console or as a kernel message."""
    assert kinds(grades["prints_verdicts"])[5:] == ["wrong", "wrong"]


def test_kernel_that_writes_the_log(grades):
    """Kernel code that reaches for the grading log itself is for a person to look at."""
    assert kinds(grades["kernel_forges"]) == ["wrong"] * 7
    assert "grade_append" in text_of(grades["kernel_forges"], TESTS[0])


def test_kernel_that_rewrites_the_log(grades, mini, monkeypatch):
    """A kernel that finds the log by what is in it, and turns what it says: the harness has seen the reports
    in the test program, before the kernel had them. (Without that, it would have got the points.)"""
    grade = grades["kernel_rewrites"]
    assert kinds(grade)[:4] == ["wrong"] * 4, report.table(grade)
    assert "somebody else wrote into it" in text_of(grade, "mach_lab_mini.wakes_all")
    monkeypatch.setenv("OSTIA_NO_WITNESS", "1")
    believed = mini.grade(SUBMISSIONS["kernel_rewrites"](mini), tests=TESTS[:4])
    assert list(believed.kinds().values()) == ["pass"] * 4, report.table(believed)


def test_changed_test_program(mini, tmp_path, monkeypatch):
    """A test program whose code is not that of its file is found out when it says "ok"."""
    tree = tmp_path / "tree"
    build.copy(mini.base, tree)
    build.put(mini.base, tree, mini.solution, mini.lab.permitted)
    build.compile_copy(tree, 1)
    grading = guestrun.Grading(tree, mini.lab, mini.base.tree)
    program = grading.programs["mach_lab_mini"]
    assert grading.run(program, ["refuses"])["refuses"].kind == "pass"
    real = witness.code

    def other(elf):
        address, data = real(elf)
        at = harness.symbols(tree / "build/user/tests/mach_lab_mini")["test_main"] - address
        return address, data[:at] + bytes(4) + data[at + 4:]
    monkeypatch.setattr(witness, "code", other)
    verdict = grading.run(program, ["refuses"])["refuses"]
    assert verdict.kind == "wrong" and "code was changed" in verdict.text


def test_part_of_a_number(grades):
    """70 is not 7."""
    assert kinds(grades["longer_number"])[5:] == ["wrong", "wrong"]


def test_right_output_then_a_hang(grades):
    """What was printed before a hang does not score, and the time-out is a failure."""
    assert kinds(grades["right_then_hangs"])[5:] == ["hang", "hang"]
    assert grades["right_then_hangs"].score == 12


def test_program_that_dies(grades):
    """Nor does a status that is not 0, or a program that kills itself."""
    assert kinds(grades["status"])[5:] == ["wrong", "wrong"]
    assert kinds(grades["aborts"])[5:] == ["wrong", "wrong"]


def test_interleaved_output(grades):
    """A console full of single characters and look-alikes changes no verdict."""
    assert kinds(grades["kernel_noise"]) == ["pass"] * 7


def test_order_and_count_of_reports():
    """A report counts for the case that runs, once, as a whole word."""
    class Silent:
        """No console."""
        tail = staticmethod(lambda: "")

    def read(text):
        results = {}
        guestrun.run_log(Silent, text, results)
        return {name: verdict.kind for name, verdict in results.items()}
    assert read("ok a\nat a\n") == {"a": "wrong"}
    assert read("at a\nok a\nok a\n") == {"a": "wrong"}
    assert read("at ab\nok a\n") == {"a": "wrong"}
    assert read("at a\nok ab\n") == {"ab": "wrong"}


def test_names_tell_nothing(grades, mini):
    """A test program goes by another name in each run: in the boot arguments and on the disk."""
    assert kinds(grades["keys_on_name"])[5:] == ["wrong", "wrong"]
    grading = mini.grading
    seen = []
    for _ in range(2):
        with grading.boot("mach_lab_mini") as machine:
            seen.append(re.search(r"test=(\w+)", machine.args).group(1))
    assert seen[0] != seen[1] and "mini" not in "".join(seen)


def test_same_again(grades):
    """Two gradings of the same, at the same time on one machine, agree in everything but the seconds."""
    assert report.as_json(grades["solution"]) == report.as_json(grades["again"])


def test_seed_changes_the_questions(mini):
    """Another seed asks other numbers, and the solution still passes."""
    assert guestrun.seed_of(mini.lab) == guestrun.seed_of(mini.lab) != guestrun.seed_of(mini.lab, 5)


def test_nothing_is_left_of_a_run(mini):
    """A boot whose test fails half-way leaves no QEMU and no files, and the next has a fresh disk."""
    grading = mini.grading
    with pytest.raises(ZeroDivisionError):
        with grading.boot() as machine:
            machine.prompt()
            assert machine.run("echo left > /left; ls /left") == "/left\n"
            raise ZeroDivisionError
    assert machine.process.poll() is not None and not machine.directory.exists()
    with grading.boot() as machine:
        machine.prompt()
        assert "/left\n" != machine.run("ls /left")


def test_error_in_the_boot_leaks_nothing(mini, monkeypatch):
    """A QEMU that does not come up is ended, and is the grader's fault."""
    grading, here, board, made = mini.grading, threading.current_thread(), harness.machine(), []

    def close(qemu, close=harness.Qemu.close):
        close(qemu)
        if threading.current_thread() is here:
            made.append(qemu)

    # Other threads' machines come and go in the meantime.
    monkeypatch.setattr(harness, "machine",
                        lambda: "no-such-board" if threading.current_thread() is here else board)
    monkeypatch.setattr(harness.Qemu, "close", close)
    with pytest.raises(GraderFault):
        with grading.boot("mach_lab_mini"):
            pass
    assert made and not any(qemu in harness.running or qemu.directory.exists() for qemu in made)
    assert all("no-such-board" in qemu.command for qemu in made)
    assert all(qemu.process.poll() is not None for qemu in made)


def test_slow_host_changes_nothing(mini):
    """A QEMU that gets no processor for a while is not a student's time-out."""
    grading = mini.grading
    stopped = []

    def stop(make):
        def boot(*arguments, **keywords):
            machine = make(*arguments, **keywords)
            os.kill(machine.process.pid, signal.SIGSTOP)
            stopped.append(machine)
            threading.Timer(3, os.kill, (machine.process.pid, signal.SIGCONT)).start()
            return machine
        return boot
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guestrun, "Qemu", stop(harness.Qemu))
        begin = time.monotonic()
        program = grading.programs["posix_lab_mini"]
        verdicts = grading.run(program, ["small"])
    assert stopped and time.monotonic() - begin > 3
    assert verdicts["small"].kind == "wrong"  # the starter has no program seven: not a hang


def test_nothing_is_typed():
    """A graded run types nothing, so nothing can come too early."""
    for path in (ROOT / "grade" / "lab").glob("*.py"):
        assert not re.search(r"\.(type|run)\(\"", path.read_text()), path


# ---- What is taken from a submission --------------------------------------------------------------------

def test_edits_of_tests_and_harness_are_not_taken(mini, tmp_path):
    """Only what the lab lets a student change is taken; no links, nothing outside."""
    folder = tmp_path / "ann"
    generate.write_folder(mini.starter, folder)
    for path in ("labs/mini/tests/posix_lab_mini.c", "labs/mini/lab.toml", "labs/mini/test_mini.py",
                 "grade/harness.py", "grade/lab/run.py", "Makefile", "user/lib/testlib.c"):
        (folder / path).write_text("all points\n")
    (folder / "kernel/kern/mini_link.c").symlink_to("/etc/passwd")
    (folder / SEVEN).write_bytes(mini.solution[SEVEN])
    taken = batch.read(folder, mini.lab.permitted)
    assert sorted(taken) == [KERNEL, SEVEN]


def test_tar_with_strange_paths(mini, tmp_path):
    """A tar's members outside, links and devices are not taken; its top folder does not matter."""
    path = tmp_path / "bob.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in (f"handin-mini/{SEVEN}", "handin-mini/../../etc/x", "/etc/y", "handin-mini/Makefile"):
            member = tarfile.TarInfo(name)
            member.size = 2
            tar.addfile(member, io.BytesIO(b"x\n"))
        link = tarfile.TarInfo(f"handin-mini/{KERNEL}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    taken = batch.read(path, mini.lab.permitted)
    assert all(mini.lab.permitted(name) for name in taken) and KERNEL not in taken
    (tmp_path / "junk.tar").write_bytes(b"no tar")
    with pytest.raises(build.BrokenBuild):
        batch.read(tmp_path / "junk.tar", mini.lab.permitted)


@pytest.mark.parametrize("path", ["/kernel/kern/semaphore.c", "../kernel/kern/semaphore.c",
                                  "kernel/kern/mini_x/../../Makefile", "kernel/kern/mini_/a.c",
                                  "Makefile", ""])
def test_paths_that_are_not_permitted(mini, path):
    """A glob's * crosses no slash, and no way leads out."""
    assert not mini.lab.permitted(path)


def test_batch(mini, tmp_path):
    """A class: folders, tars and junk, in parallel; once more changes nothing and grades nothing; a new
    submission is graded; CSV and JSON agree."""
    class_folder, out = tmp_path / "class", tmp_path / "out"
    (class_folder / "ann/kernel/kern").mkdir(parents=True)
    (class_folder / "ann/user/bin").mkdir(parents=True)
    for path, data in mini.solution.items():
        (class_folder / "ann" / path).write_bytes(data)
    files = {path: generate.File(data) for path, data in SUBMISSIONS["starter"](mini).items()}
    generate.write_tar(files, class_folder / "bob.tar.gz", "handin-mini")
    (class_folder / "cyd.tar").write_bytes(b"junk")
    for _ in range(2):
        assert batch.run_all(mini.lab, mini.base, mini.base.tree, class_folder, out, 2) == 0
        os.environ.pop("OSTIA_JOBS", None)
        rows = (out / "grades.csv").read_text().splitlines()
        assert [row.split(",")[:4] for row in rows[1:]] == [
            ["ann", "20", "20", "yes"], ["bob", "0", "20", "yes"], ["cyd", "0", "20", "yes"]]
        data = json.loads((out / "grades.json").read_text())["grades"]
        assert {name: record["score"] for name, record in data.items()} == {"ann": 20, "bob": 0, "cyd": 0}
        stamps = {path: path.stat().st_mtime_ns for path in out.glob("*/batch.json")}
        if _ == 1:
            assert stamps == before
        before = stamps
    assert json.loads((out / "cyd/grade.json").read_text())["tests"][0]["verdict"] == "broken build"


# ---- Reports ----------------------------------------------------------------------------------------

def test_reports(grades, tmp_path):
    """Every form says the same."""
    grade = grades["slow"]
    report.write(grade, tmp_path)
    assert "Score: 16/20" in (tmp_path / "grade.txt").read_text()
    scope = json.loads((tmp_path / "results.json").read_text())
    assert scope["score"] == 16 == sum(test["score"] for test in scope["tests"])
    assert sum(test["max_score"] for test in scope["tests"]) == 20
    room = json.loads((tmp_path / "classroom.json").read_text())
    assert room["max_score"] == 20 and sum(test["score"] for test in room["tests"]) == 16
    assert (tmp_path / "junit.xml").read_text().count("<failure") == 1
    for result in grade.results:
        if result.verdict.kind != "pass":
            assert "make " in report.details(result)


def test_score_is_no_exit_status(mini, grades, tmp_path):
    """`make grade` ends with 0 whatever the score: 100 points are not an error, and 256 not none."""
    from lab import __main__ as commands
    del grades
    tree = tmp_path / "tree"
    generate.write_folder(mini.starter, tree)
    env = {**os.environ, "OSTIA_LAB_TREE": str(tree), "OSTIA_BUILD": str(BUILD.resolve()),
           "PYTHONPATH": str(ROOT / "grade"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", "lab", "grade", "--test", "refuses",
                           "--out", str(tmp_path / "o")], env=env, capture_output=True, text=True,
                          check=False, cwd=tree)
    assert done.returncode == 0 and "Score: 0/2" in done.stdout, done.stdout + done.stderr
    assert "not implemented: lab mini, exercise 1" in done.stdout
    assert "make qemu-gdb CPUS=1 BOOTARGS='test=mach_lab_mini test.only=refuses'" in done.stdout
    assert commands.GRADER_FAULT not in (0, 1)
    done = subprocess.run([sys.executable, "-m", "lab", "grade", "--test", "nosuch"], env=env,
                          capture_output=True, text=True, check=False, cwd=tree)
    assert done.returncode == 2 and "mach_lab_mini.refuses" in done.stderr
    assert manifest.starter_of(tree) == ["mini"]
    assert Path(tmp_path / "o/results.json").exists()
