"""The labs themselves: manifests, starters and handouts are right, main passes, wrong solutions do not.

All mutants are run by `make mutants`, which writes docs/mutants.md; here a few are, others each time the
labs or their tests change, and the table must be the tree's.
"""

import os
import re
import subprocess
import warnings
from pathlib import Path

import pytest
from harness import BUILD, ROOT
from lab import build, cfunc, generate, guestrun, manifest, mutants, report, run, stress
from test_lab_machine import complete_tree

LABS = manifest.load_all(ROOT)
CACHE = BUILD / "lab"
SAMPLE = int(os.environ.get("OSTIA_MUTANTS", "2"))  # mutants a lab that are run here


@pytest.fixture(scope="session")
def files():
    """Main, in memory."""
    return generate.read_folder(ROOT)


@pytest.fixture(scope="session")
def bases(files):
    """Lab name -> its starter, built, and what the build said."""
    made = {}

    def get(lab):
        if lab.name not in made:
            starter, _ = generate.starter(files, [lab.name])
            base = build.Base(starter, CACHE, seed=(ROOT, BUILD), goal=guestrun.goal(ROOT, lab))
            made[lab.name] = base, base.prepare()
        return made[lab.name]
    return get


each_lab = pytest.mark.parametrize("lab_name", [lab.name for lab in LABS])


def named(name):
    """The lab."""
    return next(lab for lab in LABS if lab.name == name)


@each_lab
def test_manifest(lab_name):
    """4 to 8 exercises, 60 to 150 points, a handout, and tests that exist."""
    lab = named(lab_name)
    assert 4 <= len(lab.exercises) <= 8 and 60 <= lab.points <= 150
    handout = (ROOT / "labs" / lab.name / "README.md").read_text()
    for exercise in lab.exercises:
        assert exercise.id in handout or f"Exercise {exercise.number}" in handout, exercise.id
    assert "<details>" in handout and "hallenge" in handout
    programs = guestrun.programs(ROOT, lab)
    source = (ROOT / "labs" / lab.name / f"test_{lab.name}.py").read_text()
    for test in lab.tests():
        program, dot, case = test.partition(".")
        if dot:
            assert program in programs and case in programs[program].cases, test
        else:
            assert re.search(rf"^def {test}\(", source, re.M), test


@each_lab
def test_starter_holds_no_solution(files, lab_name, tmp_path):
    """No line that only a solution has is in the starter, its tar, or any object that its branch reaches."""
    lab = named(lab_name)
    starter, gone = generate.starter(files, [lab.name])
    assert gone and not generate.leaks(files, gone, starter)
    for path in starter:
        assert "/mutants/" not in path and not path.startswith(("docs/mutants", ".ci/"))
        assert not path.startswith("labs/") or path.split("/")[1] in (lab.name, "starter"), path
    for exercise in lab.exercises:
        for path, name in exercise.functions:
            text = starter[path].data.decode()
            body = cfunc.body(text, cfunc.find(text, name))
            assert len(body.strip().split("\n")) <= 8, f"{path}:{name} is not empty"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    commit = generate.write_branch(tmp_path, starter, lab, [lab.name])
    shown = generate.git(tmp_path, "rev-list", "--parents", commit).decode().split()
    assert shown == [commit], "the branch is one commit without parents"
    assert generate.read_revision(tmp_path, f"lab/{lab.name}") == starter
    assert generate.write_branch(tmp_path, starter, lab, [lab.name]) == commit


@each_lab
def test_starter_builds_and_boots(bases, lab_name, tmp_path):
    """Without warnings, and as far as its handout says."""
    lab = named(lab_name)
    base, _ = bases(lab)
    whole = build.Base(base.files, CACHE, seed=(ROOT, BUILD))
    said = whole.prepare()
    assert "warning:" not in said, build.diagnosis(said)
    tree = tmp_path / "tree"
    build.copy(whole, tree)
    build.compile_copy(tree)
    with guestrun.Grading(tree, lab, tree).boot() as machine:
        shown = machine.expect(re.compile(lab.starter_boots), limit=20).group(0)
    # The handout tells the student to expect just this.
    handout = " ".join((ROOT / "labs" / lab.name / "README.md").read_text().split())
    told = re.sub(r" \d+$", "", shown) if "not implemented" in shown else "You are in the shell of the system"
    assert told in handout, f"the handout does not say that `make qemu` ends with {shown!r}"


@each_lab
def test_starter_scores_nothing(bases, lab_name):
    """Each exercise's tests fail without it, with a verdict about the student's code."""
    lab = named(lab_name)
    base, _ = bases(lab)
    taken = {path: file.data for path, file in base.files.items() if lab.permitted(path)}
    grade = run.grade(lab, base, taken, root=base.tree)
    assert not grade.faults, report.table(grade)
    assert [r.test for r in grade.results if r.verdict.kind == "pass"] == []
    for exercise in lab.exercises:
        if any(exercise.stub_of(name) == "panic" for _, name in exercise.functions):
            break
    else:
        return
    assert "not implemented: lab" in report.table(grade)


@each_lab
def test_main_scores_all(bases, files, lab_name):
    """Main is the solution, and grading it is quick."""
    lab = named(lab_name)
    base, _ = bases(lab)
    taken = {path: file.data for path, file in files.items() if lab.permitted(path)}
    grade = run.grade(lab, base, taken, root=base.tree)
    assert grade.score == lab.points, report.table(grade)


@each_lab
def test_mutants(files, lab_name):
    """At least five an exercise; they apply; docs/mutants.md is of these mutants and tests, and says that at
    least 95 of a hundred are rejected; those drawn end as it says. If main's code has changed since, more
    are drawn."""
    lab = named(lab_name)
    found = mutants.mutants_of(ROOT, lab)
    for exercise in lab.exercises:
        count = sum(m.exercise is exercise for m in found)
        assert count >= mutants.PER_EXERCISE, f"{exercise.id} has {count} mutants"
    for mutant in found:
        mutants.apply(files, mutant)
    section = mutants.read_table(ROOT / mutants.TABLE).get(lab.name)
    again = f"docs/mutants.md is out of date: run make mutants LAB={lab.name}"
    assert section is not None and section.proof == mutants.proof_hash(ROOT, lab), again
    assert [row[:2] for row in section.rows] == [(m.exercise.id, m.name) for m in found], again
    assert mutants.ALL_FAIL in section.text, "tests pass without their exercise"
    rejected = [row for row in section.rows if "*" not in row[2]]
    assert len(rejected) >= mutants.REJECTED * len(found)
    sample = SAMPLE
    if section.code != mutants.code_hash(files, lab):
        warnings.warn(f"lab {lab.name}: the code has changed since. {again}")
        sample *= 3
    base, tree = mutants.solution_base(ROOT, lab, CACHE, seed=(ROOT, BUILD))
    base.prepare()
    expected = {row[:2]: row for row in section.rows}
    step = max(1, len(found) // max(sample, 1))
    for mutant in found[::step][:sample]:
        outcome = mutants.try_one(ROOT, base, tree, mutant, CACHE)
        wanted = expected[mutant.exercise.id, mutant.name]
        assert outcome.rejected == ("*" not in wanted[2]), f"{mutant.name}: {outcome}"


def test_a_busy_machine_changes_nothing(files, bases):
    """The same gradings while busy loops run: the same results, letter for letter. `make grade-stress`
    does it a hundred times."""
    lab = named("trap")
    base, _ = bases(lab)
    wrong, names = stress.broken(ROOT, lab, files)
    assert len(names) >= 4, names
    found = stress.compare(lab, base, base.tree, {"broken": wrong}, 2, 2, lambda text: None)
    (results,) = found.values()
    assert len(results) == 1, stress.difference(results)
    assert len(set(re.findall(r'"verdict": "([a-z ]+)"', list(results)[0]))) >= 3


# ---- The generator ---------------------------------------------------------------------------------------

SOURCE = '''/* A file. { */
#include <stdio.h>
#define MACRO(x) { x }
struct s { int a; };
static int table[] = {1, 2};
static int helper(int a);
static int unused_now(void)
{
    return table[0]; // }
}
/* Doubles. */
int
twice(int a)
{
    const char *s = "}{";
    if (a == '{') { return helper(a) + unused_now(); }
    return 2 * a; /* } */
}
/* Helps. */
static int helper(int a) { return a; }
struct s *make(struct s *(*f)(int), int n) __attribute__((nonnull));
struct s *make(struct s *(*f)(int), int n)
{
    return f(n);
}
'''


def test_functions_are_found():
    """Definitions, not prototypes, calls, structures, strings or comments."""
    assert [f.name for f in cfunc.functions(SOURCE)] == ["unused_now", "twice", "helper", "make"]
    assert cfunc.body(SOURCE, cfunc.find(SOURCE, "make")) == "\n    return f(n);\n"
    for name in ("f", "s", "MACRO", "table", "none"):
        with pytest.raises(ValueError):
            cfunc.find(SOURCE, name)
    with pytest.raises(ValueError, match="2 times"):
        cfunc.find("int a(void) { }\nint a(void) { }\n", "a")


def test_every_function_of_the_tree_is_found(files):
    """In all of main: each body found begins and ends with a brace, and none lies in another."""
    count = 0
    for path, file in files.items():
        if path.endswith(".c") and path.startswith(("kernel/", "user/")):
            text = file.data.decode()
            last = 0
            for function in cfunc.functions(text):
                ends = text[function.brace] + text[function.end - 1]
                assert function.start >= last and ends == "{}", f"{path}:{function.name}"
                last, count = function.end, count + 1
    assert count > 500


def test_emptied_body():
    """A stub instead of the body; what only it used is mentioned; the comment above stays."""
    lab = manifest.parse("x", 'title="t"\norder=1\npoints=1\nhours=1\nmay_change=["kernel/a.c"]\n'
                              '[[exercise]]\nid="x.1"\ntitle="t"\npoints=1\nfunctions=["kernel/a.c:twice"]\n'
                              '[exercise.tests]\n"test_a"=1\n')
    text, gone = generate.empty_file("kernel/a.c", SOURCE, [(lab, lab.exercises[0], "twice", "empty")])
    assert 'panic("not implemented: lab x, exercise 1");' in text
    assert "(void)helper;" in text and "(void)unused_now;" in text and "(void)table" not in text
    assert "/* Doubles. */\nint\ntwice(int a)\n{" in text and "2 * a" not in text and "2 * a" in gone[0]
    text, _ = generate.empty_file("kernel/a.c", SOURCE, [(lab, lab.exercises[0], "twice", "empty"),
                                                         (lab, lab.exercises[0], "helper", "remove")])
    assert "helper" not in text and "Helps" not in text


@pytest.mark.parametrize("change, words", [
    (("points = 20", "points = 21"), "give 20 points"),
    (("id = \"mini.2\"", "id = \"mini.3\""), "must have the id"),
    (("order", "oder"), "no such key"), ((":semaphore_signal_all_trap", ":nothing"), "is not defined"),
    (("\"user/bin/seven.c\"]", "\"user/bin/seven.c\", \"grade/**\"]"), "grades them"),
    (("semaphore.c\", ", "x.c\", "), "not in may_change")])
def test_wrong_manifests(change, words):
    """A mistake in a manifest is told when the lab is made."""
    tree = complete_tree()
    text = tree["labs/mini/lab.toml"].data.decode()
    assert change[0] in text
    tree["labs/mini/lab.toml"] = generate.File(text.replace(*change, 1).encode())
    with pytest.raises(manifest.LabError, match=re.escape(words)):
        generate.starter(tree, ["mini"])


def test_on_own_work(tmp_path):
    """FROM=: the student's own earlier lab is taken over, main's solution of it is not; what cannot be merged
    is marked."""
    tree = complete_tree()
    text = tree["labs/mini/lab.toml"].data.decode()
    second = text.replace("mini.", "next.").replace("mach_lab_next", "mach_lab_mini").replace(
        "posix_lab_next", "posix_lab_mini").replace("semaphore_signal_all_trap", "semaphore_signal_trap")
    second = second.replace('files = ["user/bin/seven.c"]', 'functions = ["kernel/kern/semaphore.c:wait"]')
    second = second.replace("order = 99", 'order = 100\nafter = "mini"')
    tree["labs/next/lab.toml"] = generate.File(second.encode())
    generate.write_folder(tree, tmp_path / "main")
    root = tmp_path / "main"
    who = ["-c", "user.name=S", "-c", "user.email=s@x.invalid"]
    generate.git(root, "init", "-q", "-b", "main")
    generate.git(root, "add", "-A")
    generate.git(root, *who, "commit", "-qm", "main")
    generate.make_lab(root, "mini")
    generate.git(root, "switch", "-q", "lab/mini")
    path = root / "kernel/kern/semaphore.c"
    path.write_text(path.read_text().replace('panic("not implemented: lab mini, exercise 1");',
                                             "return KERN_NOT_SUPPORTED; /* mine */"))
    (root / "user/bin/seven.c").write_text("/* Mine. */\nint main(void) { return 0; }\n")
    generate.git(root, "add", "-A")
    generate.git(root, *who, "commit", "-qm", "mine")
    told = generate.make_lab(root, "next", previous="mine")
    assert "hand" not in told
    made = generate.read_revision(root, "lab/next")
    text = made["kernel/kern/semaphore.c"].data.decode()
    assert "/* mine */" in text and "best != NULL && waitq_remove" in text
    assert cfunc.body(text, cfunc.find(text, "semaphore_signal_all_trap")).count("wakeup") == 0
    assert "lab next, exercise 1" in text and made["user/bin/seven.c"].data.startswith(b"/* Mine")
    reach = generate.git(root, "log", "-p", "lab/next", "--", "kernel/kern/semaphore.c").decode()
    assert "kr = wait_code(thread_block());" not in reach
    with pytest.raises(manifest.LabError, match="has work on it"):
        generate.make_lab(root, "next")


def test_commands_of_a_fresh_clone(files, tmp_path):
    """make labs, handouts, lab (a branch, DIR=, FROM=mine) and handin, as the handouts and docs say them."""
    root = tmp_path / "ostia"
    generate.write_folder(files, root)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "OSTIA_"))}
    env |= {"GIT_AUTHOR_NAME": "S", "GIT_AUTHOR_EMAIL": "s@x.invalid", "GIT_COMMITTER_NAME": "S",
            "GIT_COMMITTER_EMAIL": "s@x.invalid"}

    def sh(command, folder=root):
        done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr
    sh("git init -q -b main && git add -A && git commit -qm main")
    for lab in LABS:
        assert re.search(rf"^ *{lab.order} {lab.name} +{lab.points} points", sh("make -s labs"), re.M)
    sh("make -s handouts")
    for lab in LABS:
        sh(f"tar -xf build/handouts/lab-{lab.name}.tar.gz -C ..")
        assert (tmp_path / f"lab-{lab.name}/labs/{lab.name}/README.md").exists()
        assert f"{lab.points} points" in sh("make -s labs", tmp_path / f"lab-{lab.name}")
    assert "begin with" in sh(f"make -s lab LAB=trap DIR={tmp_path}/folder")
    assert (tmp_path / "folder/labs/starter").read_text() == "trap\n"
    sh("make -s lab LAB=util && git switch -q lab/util")
    assert "is missing" in sh("make -s handin")
    (root / "user/bin/sleep.c").write_text("/* Mine. */\nint main(void) { return 0; }\n")
    sh("git add -A && git commit -qm sleep")
    sh("make -s handin")
    assert sh("tar -tf build/handin-util.tar.gz").split() == ["handin-util/user/bin/sleep.c"]
    sh("make -s lab LAB=trap FROM=mine && git switch -q lab/trap")
    assert (root / "user/bin/sleep.c").read_text().startswith("/* Mine. */")
    assert "not implemented: lab trap, exercise 3" in (root / "kernel/aarch64/trap.c").read_text()
    assert (root / "labs/starter").read_text().split()[0] == "trap"


def test_doctor():
    """All that the tests themselves run with is there."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(["make", f"BUILD={BUILD}", "doctor"], cwd=ROOT, capture_output=True, text=True,
                          env=env, check=False)
    assert "cross compiler" in done.stdout and "QEMU" in done.stdout and "ok " in done.stdout, done.stdout
    assert Path(ROOT / "grade/lab/doctor.py").exists()
