"""The terminal: the line discipline by itself, on the host with the sanitizers; and what a person at the
shell's prompt sees of it. (user/tests/posix_tty.c and posix_session.c have what a program can
see, test_sh_jobs.py job control.)"""

import re

import pytest
from console import SLEEP, begin, keys
from harness import Qemu
from test_libc_unit import HOSTCC, ROOT, SANITIZE, UNIT, run

SERIAL = ROOT / "user" / "servers" / "serial"


def test_line_discipline(tmp_path):
    """What each key does to the line, what is seen of it, and what is read."""
    objects = []
    gcc_include = run([HOSTCC, "-print-file-name=include"]).strip()
    for source in (SERIAL / "input.c", SERIAL / "queue.c", SERIAL / "output.c", UNIT / "tty_keys.c"):
        objects.append(tmp_path / (source.stem + ".o"))
        run([HOSTCC, "-std=gnu11", "-Wall", "-Wextra", "-Wno-missing-field-initializers", *SANITIZE,
             "-nostdinc", "-isystem", gcc_include, "-I", ROOT / "user/include",
             "-I", ROOT / "kernel/include", "-c", "-o", objects[-1], source])
    program = tmp_path / "tty_keys"
    run([HOSTCC, *SANITIZE, "-o", program, *objects])
    assert run([program], timeout=60).strip() == "ok"


@pytest.fixture(scope="module", name="console", params=[1, 4], ids=["1cpu", "4cpu"])
def console_fixture(request):
    """A machine at its prompt."""
    with Qemu(cpus=request.param) as machine:
        machine.prompt()
        yield machine


# The shell's echo comes before cat, which may not read yet: to type ahead is all right, but no signals. They
# would be the shell's, still.
READ = "echo ready; cat"


def test_a_line_is_edited(console):
    """What is typed to a program is shown, and can be corrected until the line ends."""
    begin(console, READ, "ready\n")
    console.type("onw\x7fe two\x17three\n")
    console.expect("onw\b \be two\b \b\b \b\b \bthree\none three\n")
    console.type("wrong\x15right\n")
    console.expect("right\nright\n")
    console.type("a\x16\x03\n")
    console.expect("\\^\b\\^C\na\x03\n")
    console.type("last\x04\x04")
    console.expect(r"lastlast\$ $")


def test_what_is_typed_ahead(console):
    """Lines typed while a program runs are the next one's, or the shell's."""
    console.type("sleep 0.2\nread x; echo =$x=\nahead\necho done\n")
    console.expect("=ahead=\n")
    console.expect(r"done\n\$ $")


def test_stop_a_reader(console):
    """^Z stops cat while it waits for a line; the shell gets what is typed then, and cat what is typed after
    fg."""
    begin(console, READ, "ready\n")
    console.type("first\n")
    console.expect("first\nfirst\n")
    console.type("\x1aecho for the shell\n")
    console.expect(r"\[1\] \+ Stopped +")
    console.expect(r"\nfor the shell\n\$ $")
    console.type("fg\n")
    console.expect("fg\n.*cat\n")
    console.type("second\n")
    console.expect("second\nsecond\n")
    console.type("\x03")
    console.expect(r"\n\$ $")
    assert keys(console, "jobs\n") == ["$ jobs", "$"]


def wait_for_stop(console, signal):
    """Until jobs says that the job was stopped by that signal."""
    for _ in range(50):
        rows = keys(console, "jobs\n")
        if signal in " ".join(rows):
            return
    raise AssertionError(f"no job was stopped by {signal}: {rows}")


def test_a_reader_in_the_background(console):
    """cat & stops when it reads; fg gives it the terminal."""
    keys(console, "cat &\n")
    wait_for_stop(console, "SIGTTIN")
    console.type("fg\n")
    console.expect("fg\ncat\n")
    console.type("text\n\x04")
    console.expect(r"text\ntext\n\$ $")


def test_a_shell_in_the_background(console):
    """An interactive shell waits there until it is brought to the foreground."""
    keys(console, "sh &\n")
    wait_for_stop(console, "SIGTTIN")
    console.type("fg\n")
    console.expect(r"fg\nsh\n\$ $")
    console.type("exit\n")
    console.expect(r"exit\n\$ $")


def test_a_writer_in_the_background(console):
    """It writes; with tostop it stops."""
    keys(console, "stty tostop\n")
    keys(console, "echo from behind &\n")
    wait_for_stop(console, "SIGTTOU")
    console.type("fg\n")
    console.expect(r"from behind\n\$ $")
    keys(console, "stty -tostop\n")


def test_the_end_of_the_shell(console):
    """When the shell ends, its stopped jobs do; init's next one has the terminal."""
    begin(console, SLEEP, "ready\n")
    console.type("\x1a")
    console.expect(r"Stopped .*\n\$ $")
    pid = keys(console, "jobs -p\n")[1]
    keys(console, "exit\n")
    console.type("exit\n")
    console.expect(r"init: starting sh\n\$ $")
    assert keys(console, f"kill -0 {pid} && echo alive\n")[1].endswith("No such process")
    begin(console, SLEEP, "ready\n")
    console.type("\x03")
    console.expect(r"\n\$ $")


def test_a_break(console):
    """A break on the line interrupts, with brkint. (QEMU's chardev makes one.)"""
    label = next(c["label"] for c in console.monitor.command("query-chardev") if "serial" in c["label"]
                 or c["label"] == "console")
    keys(console, "stty brkint\n")
    begin(console, SLEEP, "ready\n")
    console.monitor.command("chardev-send-break", id=label)
    console.expect(r"\n?\$ $")
    assert keys(console, "stty -brkint; echo $?\n")[1] == "0"


STTY = [
    ("size", "24 80\n"),
    ("rows 30 columns 100; stty size; stty rows 24 cols 80", "30 100\n"),
    ("speed", "115200\n"),
    ("9600; stty speed; stty 115200", "9600\n"),
    ("-echo; stty; stty sane", "speed 115200;\n-echo\n"),
    ("intr ^X quit ^-; stty; stty sane", "speed 115200;\nintr = ^X; quit = ^-;\n"),
    ("min 3 -icanon; stty | head -n 2; stty sane", "speed 115200;\nmin 3;\n"),
    ("sane; w=`stty -g`; stty raw tab3; stty $w; stty", "speed 115200;\n"),
    ("raw; stty -raw; stty sane; stty", "speed 115200;\n"),
    ("-a | grep -c 'rows 24; columns 80;'", "1\n"),
    ("-a | grep -c 'isig icanon iexten echo echoe'", "1\n"),
    ("nonsense; echo $?", "stty: nonsense: is no setting\n1\n"),
    ("-F /dev/null; echo $?", "stty: terminal: Inappropriate ioctl for device\n1\n"),
    ("< /dev/null; echo $?", "stty: standard input: Inappropriate ioctl for device\n1\n"),
    ("-F /dev/console size", "24 80\n"),
]


@pytest.mark.parametrize("settings, prints", STTY, ids=[row[0] for row in STTY])
def test_stty(console, settings, prints):
    """What stty says, and changes. (Each ends as it began: the shell gives its programs the modes that the
    last one left.)"""
    assert console.run(f"stty {settings}") == prints


def test_no_echo(console):
    """What is typed is not seen when a program does not want it to be."""
    begin(console, "stty -echo; echo ready; read secret; stty echo; echo =$secret=", "ready\n")
    console.type("hidden\n")
    console.expect(r"=hidden=\n\$ $")
    assert "\nhidden" not in console.output


def test_window_change_is_told(console):
    """A program in the foreground learns of the window's new size."""
    script = 'trap "echo changed" WINCH; stty rows 25; stty rows 24'
    assert console.run(f"sh -c '{script}'") == "changed\nchanged\n"
