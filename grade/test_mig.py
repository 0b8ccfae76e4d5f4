"""
The interface generator: its diagnostics, its output against the files kept in mig/, that what it
makes of every .defs file in the tree compiles without a warning, and how the stubs behave, run
against each other on the host (mig/runtime/, mig/kernel/). To renew the kept files:
UPDATE_GOLDEN=1 pytest ...
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "grade" / "mig"
CROSS = "aarch64-linux-gnu-gcc"
WARN = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mig")
    sources = sorted(map(str, (ROOT / "mig").glob("*.c")))
    subprocess.run(["cc", *WARN, "-o", directory / "migcom", *sources], check=True)
    return directory


def preprocess(path, *defines):
    includes = [f"-I{ROOT / folder}" for folder in
                ("user/include", "kernel/include", "user/servers", "grade/mig")]
    return subprocess.run(["cc", "-E", "-x", "c", "-nostdinc", *includes, "-DMIG",
                           *(f"-D{define}" for define in defines), path],
                          check=True, capture_output=True, text=True).stdout


def migcom(work, text, *options):
    return subprocess.run([work / "migcom", *map(str, options)], input=text, capture_output=True,
                          text=True)


def generate(work, path, *options, defines=()):
    result = migcom(work, preprocess(path, *defines), *options)
    assert result.returncode == 0, result.stderr


# ---- diagnostics -------------------------------------------------------------------------------
HEAD = "subsystem t 100;\ntype port_t = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t;\n"


def read_errors():
    """errors.txt: name -> (text of the .defs file, what is said about it)."""
    cases = {}
    for case in (HERE / "errors.txt").read_text().split("\n=== ")[1:]:
        name, *lines = case.splitlines()
        name, _, bare = name.partition(", ")
        text = "\n".join(line for line in lines if line and not line.startswith("> ")) + "\n"
        cases[name] = ("" if bare else HEAD) + text, [line[2:] for line in lines
                                                      if line.startswith("> ")]
    return cases


ERRORS = read_errors()


def complaints(work, text, *options):
    return migcom(work, '# 1 "t.defs"\n' + text, *options)


@pytest.mark.parametrize("name", ERRORS)
def test_error(work, tmp_path, name):
    text, messages = ERRORS[name]
    output = tmp_path / "out.c"
    output.write_text("old")
    result = complaints(work, text, "-user", output, "-header", tmp_path / "new.h")
    assert result.returncode == 1
    assert result.stderr.splitlines() == messages
    assert all(re.match(r"t\.defs:\d+: error: (.*expected |'\w+' has no meaning here: )", line)
               for line in messages)
    assert output.read_text() == "old" and os.listdir(tmp_path) == ["out.c"]


def test_every_message_has_a_case():
    """Each error_at of the source, as a pattern, is among the messages of errors.txt."""
    said = [line.split(": error: ", 1)[1] for _, messages in ERRORS.values() for line in messages]
    for source in sorted((ROOT / "mig").glob("*.c")):
        for call in re.findall(r'error_at\(\s*[^,;{]+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)',
                               source.read_text()):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call)).replace('\\"', '"')
            pattern = re.sub(r"%(?:llu|[sdu])", ".*", re.escape(text).replace(r"\%", "%"))
            assert any(re.fullmatch(pattern, line) for line in said), (source.name, text)


def test_renew_errors(work):
    if not os.environ.get("UPDATE_GOLDEN"):
        pytest.skip("only with UPDATE_GOLDEN=1")
    path = HERE / "errors.txt"
    head, *cases = path.read_text().split("\n=== ")
    for i, case in enumerate(cases):
        name = case.split("\n")[0].partition(", ")[0]
        lines = [line for line in case.splitlines() if line and not line.startswith("> ")]
        said = complaints(work, ERRORS[name][0]).stderr.splitlines()
        cases[i] = "\n".join(lines + ["> " + line for line in said]) + "\n"
    path.write_text("\n=== ".join([head, *cases]))


def test_all_errors_are_reported_where_they_are(work):
    text = (HEAD + "routine r(p: port_t; x: nosuch_t);\ntype = 3;\nroutine ok(p: port_t);\n"
            '# 40 "inc.defs" 1\nroutine s(p: port_t; y:);\n# 8 "t.defs" 2\nfunction f();\n')
    lines = migcom(work, '# 1 "t.defs"\n' + text).stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "t.defs:3", "t.defs:4", "inc.defs:40", "t.defs:8"]
    assert lines[1].endswith("expected a type's name, found '='")


def test_options(work, tmp_path):
    assert "unknown option '-frobnicate'" in migcom(work, "", "-frobnicate").stderr
    assert "expected a value after '-user'" in migcom(work, "", "-user").stderr
    assert migcom(work, "", tmp_path / "nosuch").returncode == 1
    result = migcom(work, HEAD, "-user", tmp_path / "no" / "such.c")
    assert result.returncode == 1 and "cannot write" in result.stderr


# ---- what is generated -------------------------------------------------------------------------
def test_golden(work, tmp_path):
    names = {"-user": "small_user.c", "-header": "small.h", "-server": "small_server.c",
             "-sheader": "small_server.h", "-table": "small.table"}
    options = [part for option, name in names.items() for part in (option, tmp_path / name)]
    generate(work, HERE / "small.defs", *options)
    for name in names.values():
        if os.environ.get("UPDATE_GOLDEN"):
            shutil.copy(tmp_path / name, HERE / name)
        assert (tmp_path / name).read_text() == (HERE / name).read_text(), name


SENT = {"exc", "notify", "memory_object", "memory_object_default"} # as in the Makefile
MACH = [path for path in sorted((ROOT / "kernel/include/mach").glob("*.defs"))
        if not path.stem.endswith("_types")]
SERVERS = sorted((ROOT / "user/servers").glob("*/*.defs"))


def cross_compile(sources, *flags):
    gcc = subprocess.run([CROSS, "-print-file-name=include"], capture_output=True, text=True,
                         check=True).stdout.strip()
    processes = [subprocess.Popen(
        [CROSS, *WARN, "-ffreestanding", "-nostdinc", "-isystem", gcc, "-fno-common", *flags,
         f"-I{ROOT / 'kernel/include'}", "-fsyntax-only", source],
        stderr=subprocess.PIPE, text=True) for source in sources]
    errors = "".join(process.communicate()[1] for process in processes)
    assert not errors and all(process.returncode == 0 for process in processes)


def test_user_interfaces_compile(work, tmp_path):
    sources = []
    for path in MACH + SERVERS:
        user, server = tmp_path / f"{path.stem}_user.c", tmp_path / f"{path.stem}_server.c"
        options = ["-user", user, "-header", tmp_path / f"{path.stem}.h"]
        sources.append(user)
        if path in SERVERS or path.stem in SENT:
            options += ["-server", server, "-sheader", tmp_path / f"{path.stem}_server.h"]
            sources.append(server)
        generate(work, path, *options)
    cross_compile(sources, f"-I{ROOT / 'user/include'}")


def test_kernel_interfaces_compile(work, tmp_path):
    sources = []
    for path in MACH:
        kind, other, header = ("user", "USER", "-header") if path.stem in SENT \
            else ("server", "SERVER", "-sheader")
        sources.append(tmp_path / f"{path.stem}_{kind}.c")
        generate(work, path, f"-kernel-{kind}", f"-{kind}", sources[-1], header,
                 tmp_path / f"{path.stem}_{kind}.h", defines=[f"KERNEL_{other}"])
    cross_compile(sources, "-DKERNEL", "-mgeneral-regs-only", "-fno-strict-aliasing",
                  "-Wno-unused-parameter")


def test_the_null_stub_is_short(work, tmp_path):
    """The client's share of a null RPC: no call, some 35 instructions."""
    text = HEAD + "import <mach/mach_types.h>;\nroutine r(p: port_t);"
    assert migcom(work, text, "-user", tmp_path / "r.c").returncode == 0
    gcc = subprocess.run([CROSS, "-print-file-name=include"], capture_output=True, text=True).stdout
    assembly = subprocess.run(
        [CROSS, "-std=gnu11", "-O2", "-ffreestanding", "-nostdinc", "-isystem", gcc.strip(),
         f"-I{ROOT / 'user/include'}", f"-I{ROOT / 'kernel/include'}", "-S", "-o", "-",
         tmp_path / "r.c"], capture_output=True, text=True, check=True).stdout
    body = assembly.split("\nr:\n")[1].split(".size")[0]
    instructions = [line for line in body.splitlines()
                    if line.startswith("\t") and line.strip() and "\t." not in line]
    calls = {line.split()[1] for line in instructions if line.split()[0] == "bl"}
    assert calls == {"mig_rpc_failed", "mig_reply_error"} # when something is wrong
    assert len(instructions) <= 54 # the straight path (34) and the slow ones


# ---- how it behaves ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def runtime(work):
    (work / "mach").mkdir()
    for name in ("mig_support.h", "mach.h"):
        shutil.copy(ROOT / "user/include/mach" / name, work / "mach")
    for name in ("mach_port", "vm_map"):
        generate(work, ROOT / f"kernel/include/mach/{name}.defs",
                 "-header", work / f"mach/{name}.h")
    generate(work, HERE / "all.defs", "-user", work / "all_user.c", "-header", work / "all.h",
             "-server", work / "all_server.c", "-sheader", work / "all_server.h",
             "-table", work / "all.table")
    # Only these: user/include has libc headers of its own, which must not hide the host's.
    subprocess.run(["cc", *WARN, *SANITIZE, f"-I{HERE / 'host'}", f"-I{HERE}", f"-I{work}",
                    f"-I{ROOT / 'kernel/include'}", '-DTABLE="all.table"', "-o", work / "runtime",
                    *sorted((HERE / "runtime").glob("*.c")), work / "all_user.c",
                    work / "all_server.c", ROOT / "user/lib/libmach/mig_support.c",
                    ROOT / "user/lib/libmach/mach_msg.c"], check=True)
    return work / "runtime"


@pytest.mark.parametrize("name", re.findall(r'^        \{"(\w+)", test_',
                                            (HERE / "runtime/tests.c").read_text(), re.M))
def test_runtime(runtime, name):
    result = subprocess.run([runtime, name], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_kernel_stubs(work):
    tables = ""
    for kind, header in ("server", "-sheader"), ("user", "-header"):
        generate(work, HERE / "kernel.defs", f"-{kind}", work / f"kern_{kind}.c", header,
                 work / f"kern_{kind}.h", "-table", work / f"kern_{kind}.table",
                 defines=[f"KERNEL_{kind.upper()}"])
        tables += (work / f"kern_{kind}.table").read_text()
    (work / "kern.table").write_text(tables)
    subprocess.run(["cc", *WARN, *SANITIZE, "-DKERNEL", '-DTABLE="kern.table"',
                    f"-I{HERE / 'host'}", f"-I{HERE}", f"-I{work}", f"-I{ROOT / 'kernel/include'}",
                    f"-I{HERE / 'runtime'}", "-o", work / "kernel_stubs",
                    HERE / "kernel/serve.c", HERE / "kernel/send.c",
                    HERE / "runtime/accounts.c", HERE / "runtime/messages.c",
                    work / "kern_server.c", work / "kern_user.c"],
                   check=True)
    result = subprocess.run([work / "kernel_stubs"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
