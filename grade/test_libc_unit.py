"""libc's files that need no system, tested by themselves: on the host with the sanitizers, beside the
host's own library; and the assembly ones on a bare board. What is tested is user/lib/libc/*.c as it is:
grade/unit/host/rename.h gives its functions a prefix."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "grade" / "unit"
LIBC = ROOT / "user" / "lib" / "libc"
HOSTCC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
CROSS = os.environ.get("CROSS", "aarch64-linux-gnu-")
QEMU = os.environ.get("QEMU", "qemu-system-aarch64")
SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def run(command, **kwargs):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **kwargs)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}"
    return done.stdout


def compile_ours(tmp_path, name):
    """One file of libc for the host, against libc's own headers. MIG's headers are not needed: the
    tests declare what is called."""
    mig = tmp_path / "mig" / "mach"
    mig.mkdir(parents=True, exist_ok=True)
    (mig / "vm_map.h").write_text(
        "#include <mach/mach_types.h>\n"
        "kern_return_t vm_allocate(vm_map_t, vm_address_t *, vm_size_t, boolean_t);\n"
        "kern_return_t vm_deallocate(vm_map_t, vm_address_t, vm_size_t);\n")
    gcc_include = run([HOSTCC, "-print-file-name=include"]).strip()
    out = tmp_path / (name + ".o")
    run([HOSTCC, "-std=gnu11", "-Wall", "-Wextra", "-ffreestanding", "-fno-builtin", *SANITIZE,
         "-nostdinc", "-isystem", gcc_include, "-I", UNIT / "host", "-I", ROOT / "user/include",
         "-I", ROOT / "kernel/include", "-I", tmp_path / "mig", "-include",
         UNIT / "host" / "rename.h", "-c", "-o", out, LIBC / name])
    return out


@pytest.mark.parametrize("test, sources", [
    ("libc_printf", ["format.c", "format_float.c", "snprintf.c", "asprintf.c", "strchr.c",
                     "strlen.c", "mem.c"]),
    ("libc_string", ["strlen.c", "strcpy.c", "strcmp.c", "strchr.c", "mem.c", "ctype.c", "strtol.c",
                     "qsort.c", "fnmatch.c", "calendar.c", "snprintf.c", "format.c",
                     "format_float.c"]),
    ("libc_regex", ["regex_parse.c", "regex_bracket.c", "regex_compile.c", "regex_exec.c",
                    "regex_groups.c", "regex_backtrack.c", "regerror.c", "ctype.c", "strcpy.c",
                    "strcmp.c", "strchr.c", "strlen.c", "mem.c"]),
    ("libc_scan", ["strtod.c", "math_bits.c", "scan.c", "sscanf.c", "strptime.c", "calendar.c", "getopt.c",
                   "getopt_long.c", "tsearch.c", "strtol.c", "ctype.c", "strcmp.c", "strchr.c",
                   "strlen.c", "strcpy.c", "mem.c", "snprintf.c", "format.c", "format_float.c"]),
    ("libc_math", [p.name for p in sorted(LIBC.glob("math_*.c"))]),
    ("libc_malloc", ["malloc.c", "strlen.c", "mem.c"]),
])
def test_on_host(tmp_path, test, sources):
    objects = [compile_ours(tmp_path, name) for name in sources]
    program = tmp_path / test
    run([HOSTCC, "-std=gnu11", "-Wall", *SANITIZE, "-Wno-format", "-o", program,
         UNIT / (test + ".c"), *objects, "-lm"])
    assert run([program], timeout=120).strip() == "ok"


def test_memory_functions_on_the_board(tmp_path):
    program = tmp_path / "mem.elf"
    run([CROSS + "gcc", "-O1", "-ffreestanding", "-nostdlib", "-static", "-fno-builtin",
         "-fno-tree-loop-distribute-patterns", "-mgeneral-regs-only", "-Wl,-Ttext=0x40200000",
         "-Wl,-e,start", "-Wl,--build-id=none", "-o", program, UNIT / "libc_mem.c",
         LIBC / "mem.S"])
    out = run([QEMU, "-M", "virt", "-cpu", "cortex-a72", "-nographic", "-nic", "none", "-kernel",
               program], timeout=60, stdin=subprocess.DEVNULL)
    assert out.strip() == "ok"
