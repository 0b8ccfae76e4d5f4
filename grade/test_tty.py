"""The terminal: the line discipline by itself, on the host with the sanitizers; and what a person at the shell's
prompt sees of it. (user/tests/posix_tty.c has what a program can see; test_sh_jobs.py, job control.)"""

import re

import pytest
from console import keys
from harness import Qemu
from test_libc_unit import HOSTCC, ROOT, SANITIZE, UNIT, run

SERIAL = ROOT / "user" / "servers" / "serial"


def test_line_discipline(tmp_path):
    """What each key does to the line, what is seen of it, and what is read."""
    objects = []
    gcc_include = run([HOSTCC, "-print-file-name=include"]).strip()
    for source in (SERIAL / "input.c", SERIAL / "queue.c", SERIAL / "output.c", UNIT / "tty_keys.c"):
        objects.append(tmp_path / (source.stem + ".o"))
        run([HOSTCC, "-std=gnu11", "-Wall", "-Wextra", "-Wno-missing-field-initializers", *SANITIZE, "-nostdinc",
             "-isystem", gcc_include, "-I", ROOT / "user/include", "-I", ROOT / "kernel/include", "-c", "-o",
             objects[-1], source])
    program = tmp_path / "tty_keys"
    run([HOSTCC, *SANITIZE, "-o", program, *objects])
    assert run([program], timeout=60).strip() == "ok"
