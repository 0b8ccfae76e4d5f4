"""
kernel/ipc as a program on the host, under the address and undefined-behaviour sanitizers: the rules of
ports one by one (unit/ipc_rules.c), and random operations by several threads on several spaces against
what must hold at any time (unit/ipc_random.c). The same seed gives the same run.
"""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT = ROOT / "grade" / "unit"
FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
         "-Wno-missing-field-initializers", "-fno-strict-aliasing", "-fno-builtin", "-DKERNEL", "-DDEBUG"]
# Notifications and large messages are allocated shorter or longer than struct ipc_kmsg declares.
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize=alignment,object-size,bounds",
            "-fno-sanitize-recover=all"]


# These are in part assembly.
SHORT_WAY = ["mach_msg_fast.c", "mach_msg_arrive.c", "mach_msg_kobject.c", "mach_msg_raise.c",
             "mach_msg_pager.c", "mach_msg_half.c"]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("ipc")
    subprocess.run(["cc", "-std=gnu11", "-O1", "-o", directory / "migcom",
                    *sorted((ROOT / "mig").glob("*.c"))], check=True)
    (directory / "mach").mkdir()
    defs = subprocess.run(["cc", "-E", "-x", "c", "-nostdinc", f"-I{ROOT / 'kernel/include'}", "-DMIG",
                           "-DKERNEL_SERVER", ROOT / "kernel/include/mach/mach_port.defs"],
                          check=True, capture_output=True, text=True).stdout
    stubs = directory / "mach" / "mach_port_server.c"
    subprocess.run([directory / "migcom", "-kernel-server", "-server", stubs, "-sheader",
                    stubs.with_suffix(".h")], input=defs, text=True, check=True)
    objects = []
    portable = [path for path in sorted((ROOT / "kernel/ipc").glob("*.c"))
                if path.name not in SHORT_WAY]
    for source in [*portable, ROOT / "kernel/kern/ledger.c", stubs, UNIT / "ipc_host.c"]:
        objects.append(directory / (source.name + ".o"))
        subprocess.run(["cc", *FLAGS, *SANITIZE, f"-I{UNIT / 'ipc_include'}",
                        f"-I{ROOT / 'kernel/include'}", f"-I{directory}", "-c", "-o", objects[-1],
                        source], check=True)
    for name in ("ipc_random", "ipc_rules"):
        subprocess.run(["cc", *FLAGS, *SANITIZE, f"-I{UNIT / 'ipc_include'}",
                        f"-I{ROOT / 'kernel/include'}", f"-I{directory}", "-o", directory / name,
                        UNIT / f"{name}.c", *objects], check=True)
    return directory


def run(program, *arguments):
    # The coroutines' stacks are not those that the sanitizer knows.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_stack_use_after_return=0"}
    result = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=300, env=environment,
                            check=False)
    assert result.returncode == 0, result.stdout[-3000:]


def test_ipc_rules(programs):
    run(programs / "ipc_rules")


@pytest.mark.parametrize("fail_one_in", [0, 30], ids=["", "out_of_memory"])
@pytest.mark.parametrize("seed", range(1, 11))
def test_ipc_random(programs, seed, fail_one_in):
    run(programs / "ipc_random", seed, 300, fail_one_in)
