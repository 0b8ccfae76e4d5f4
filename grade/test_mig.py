"""
The interface generator: its diagnostics, its output against the files kept in mig/, that what it
makes of every .defs file in the tree compiles without a warning, and how the stubs behave, run
against each other on the host (mig/runtime.c, mig/kernel.c). To renew the kept files:
UPDATE_GOLDEN=1 pytest ...
"""
import os
import pathlib
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
ERRORS = {
    "nothing": ("", "expected 'subsystem', found end of file"),
    "no_subsystem": ("type a_t = int;", "expected 'subsystem', found end of file"),
    "routine_first": ("routine r(p: mach_port_t);", "expected a type, found 'mach_port_t'"),
    "no_number": ("subsystem t;", "expected the subsystem's first message id, found ';'"),
    "two_subsystems": (HEAD + "subsystem u 200;", "expected one 'subsystem', found a second"),
    "unknown_statement": (HEAD + "rotine r(p: port_t);", "expected a statement"),
    "unknown_type": (HEAD + "routine r(p: port_t; x: nosuch_t);",
                     "found 'nosuch_t', which is not declared"),
    "no_semicolon": (HEAD + "type a_t = int", "expected ';', found end of file"),
    "no_paren": (HEAD + "routine r(p: port_t;\nroutine s(p: port_t);", "expected"),
    "no_colon": (HEAD + "routine r(p port_t);", "expected a direction"),
    "bad_direction": (HEAD + "routine r(p: port_t; onto x: int);", "found 'onto'"),
    "bad_flag": (HEAD + "routine r(p: port_t; x: int, quickly);",
                 "expected dealloc, countinout or const"),
    "zero_array": (HEAD + "routine r(p: port_t; x: array[0] of int);", "expected a bound"),
    "unbounded_inline": (HEAD + "routine r(p: port_t; x: array[] of int);", "expected a bound"),
    "huge_array": (HEAD + "routine r(p: port_t; x: array[*:20000] of int);",
                   "pass them out of line"),
    "huge_message": (HEAD + "routine r(p: port_t; x: array[*:9000] of int; y: array[*:9000] of int);",
                     "may be longer than 65536 bytes"),
    "overflow": (HEAD + "type a_t = array[1 << 70] of int;", "overflows"),
    "division": (HEAD + "type a_t = array[4 / 0] of int;", "overflows"),
    "bad_number": (HEAD + "type a_t = array[12xy] of int;", "expected a number, found '12xy'"),
    "struct_of_ports": (HEAD + "type s_t = struct[3] of port_t;", "expected a scalar type"),
    "ports_inline": (HEAD + "routine r(p: port_t; x: array[*:4] of port_t);", "write ^array"),
    "array_of_arrays": (HEAD + "type a_t = array[3] of array[4] of int;", "found an array"),
    "no_request_port": (HEAD + "routine r(x: int);", "expected a request port"),
    "no_arguments": (HEAD + "routine r();", "expected a request port"),
    "two_request_ports": (HEAD + "routine r(requestport p: port_t; requestport q: port_t);",
                          "expected one request port"),
    "simple_out": (HEAD + "simpleroutine r(p: port_t; out x: int);",
                   "a simpleroutine has no reply"),
    "twice": (HEAD + "routine r(p: port_t; x: int; x: int);", "declared twice"),
    "count_clash": (HEAD + "routine r(p: port_t; x: array[*:4] of int; xCnt: int);",
                    "has the name of an argument made for 'x'"),
    "keyword": (HEAD + "routine r(p: port_t; while: int);", "used by C"),
    "routine_twice": (HEAD + "routine r(p: port_t);\nroutine r(p: port_t);", "declared already"),
    "type_twice": (HEAD + "type port_t = int;", "declared already"),
    "countinout": (HEAD + "routine r(p: port_t; out x: int, countinout);", "countinout is for"),
    "dealloc": (HEAD + "routine r(p: port_t; x: int, dealloc);", "dealloc is for"),
    "procedure": (HEAD + "procedure r(p: port_t);", "'procedure' is obsolete: use routine"),
    "function": (HEAD + "function r(p: port_t): int;", "'function' is obsolete: use routine"),
    "import": (HEAD + "import nothing;", 'expected "file" or <file>'),
    "string": (HEAD + 'import "a.h;', "string is not closed"),
    "token_kernel": ("subsystem KernelServer t 100;\ntype port_t = MACH_MSG_TYPE_COPY_SEND;\n"
                     "type tok_t = struct[2] of int;\nroutine r(p: port_t; sectoken s: tok_t);",
                     "needs no token"),
    "kernel_stack": ("subsystem KernelUser t 100;\ntype port_t = MACH_MSG_TYPE_COPY_SEND;\n"
                     "routine r(p: port_t; x: array[*:2000] of int);",
                     "does not fit on a kernel stack"),
    "id_overflow": ("subsystem t 2147483600;", "too large"),
    "translated_inout": (HEAD + "type o_t = port_t intran: foo_t f(mach_port_t);\n"
                         "routine r(p: port_t; inout x: o_t);", "cannot be translated"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(work, tmp_path, name):
    text, message = ERRORS[name]
    output = tmp_path / "out.c"
    output.write_text("old")
    result = migcom(work, '# 1 "some.defs"\n' + text, "-user", output,
                    "-header", tmp_path / "new.h")
    assert result.returncode == 1
    assert message in result.stderr
    assert all(line.startswith("some.defs:") and ": error: " in line
               for line in result.stderr.splitlines())
    assert output.read_text() == "old" and os.listdir(tmp_path) == ["out.c"]


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
    """The client's share of a null RPC: no call but mach_msg, some 40 instructions."""
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
    assert calls <= {"mach_msg", "mig_msg_error", "mig_reply_error", "mig_make_reply_port"}
    assert len(instructions) <= 64 # the straight path and the slow ones


# ---- how it behaves ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def runtime(work):
    (work / "mach").mkdir()
    shutil.copy(ROOT / "user/include/mach/mig_support.h", work / "mach")
    generate(work, ROOT / "kernel/include/mach/mach_port.defs",
             "-header", work / "mach/mach_port.h")
    generate(work, HERE / "all.defs", "-user", work / "all_user.c", "-header", work / "all.h",
             "-server", work / "all_server.c", "-sheader", work / "all_server.h")
    # Only these: user/include has libc headers of its own, which must not hide the host's.
    subprocess.run(["cc", *WARN, *SANITIZE, f"-I{HERE / 'host'}", f"-I{HERE}", f"-I{work}",
                    f"-I{ROOT / 'kernel/include'}", "-o", work / "runtime", HERE / "runtime.c",
                    work / "all_user.c", work / "all_server.c",
                    ROOT / "user/lib/libmach/mig_support.c"], check=True)
    return work / "runtime"


@pytest.mark.parametrize("name", ["round_trips", "padding", "errors_release", "bad_requests",
                                  "bad_replies", "ids", "room", "reply_rights", "trailer",
                                  "reply_port", "random"])
def test_runtime(runtime, name):
    result = subprocess.run([runtime, name], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_kernel_stubs(work):
    generate(work, HERE / "kernel.defs", "-server", work / "kern_server.c", "-sheader",
             work / "kern_server.h", defines=["KERNEL_SERVER"])
    generate(work, HERE / "kernel.defs", "-user", work / "kern_user.c", "-header",
             work / "kern_user.h", defines=["KERNEL_USER"])
    subprocess.run(["cc", *WARN, *SANITIZE, "-DKERNEL", f"-I{HERE / 'host'}", f"-I{HERE}",
                    f"-I{work}", f"-I{ROOT / 'kernel/include'}", "-o", work / "kernel",
                    HERE / "kernel.c", work / "kern_server.c", work / "kern_user.c"], check=True)
    result = subprocess.run([work / "kernel"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
