"""The kernel's vm code as a program on this machine, under the address and undefined-behaviour
sanitizers: against a random model (grade/unit/vm_model.c), as memory of large families
(grade/unit/vm_family.c), and against pagers good and bad (grade/unit/vm_pager.c)."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT = ROOT / "grade" / "unit"
FLAGS = [
    "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fno-strict-aliasing",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DKERNEL", "-DDEBUG",
    "-DKERNBASE=0x1fffc0000000UL",  # the fake RAM lies at 0x200000000000, physical 0x40000000
    f"-I{UNIT}/include", f"-I{ROOT}/kernel/include",
]
MIG_HEADERS = ["memory_object_user.h", "memory_object_control_server.h", "vm_map_server.h",
               "host_priv_server.h"]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler for this machine")
    out = tmp_path_factory.mktemp("vm_unit")
    mig = pathlib.Path(os.environ.get("BUILD", "build")) / "mig" / "kernel"
    subprocess.run(["make", "-s", *(str(mig / "mach" / h) for h in MIG_HEADERS)], cwd=ROOT,
                   check=True)
    flags = [*FLAGS, f"-I{ROOT / mig}"]
    sources = sorted((ROOT / "kernel" / "vm").glob("*.c"))
    sources += [ROOT / "kernel" / "kern" / "ledger.c", UNIT / "vm_fake.c"]
    jobs = [subprocess.Popen([compiler, *flags, "-c", str(s), "-o", str(out / (s.name + ".o"))])
            for s in sources]
    assert all(job.wait() == 0 for job in jobs)
    for name in ("vm_model", "vm_family", "vm_pager"):
        text = (UNIT / f"{name}.c").read_text()  # it may include some of them
        parts = [str(out / (s.name + ".o")) for s in sources if f'kernel/vm/{s.name}"' not in text]
        subprocess.run([compiler, *flags, str(UNIT / f"{name}.c"), *parts, "-o", str(out / name)],
                       check=True)
    return out


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert done.stdout.endswith("ok\n")


@pytest.mark.parametrize("seed", range(1, 6))
def test_model(programs, seed):
    run(programs / "vm_model", seed, 40000)


@pytest.mark.parametrize("seed", range(1, 4))
def test_families(programs, seed):
    run(programs / "vm_family", seed, 5000)


def test_pagers(programs):
    run(programs / "vm_pager")
