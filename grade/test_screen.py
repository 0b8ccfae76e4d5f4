"""The utilities that use the terminal as a screen: vi, less, top. Keys are typed, and the screen, as the
VT100's sequences make it, or the file tells what came of them."""

import re

import pytest
from harness import Qemu

ROWS, COLUMNS = 24, 80
AT_PROMPT = re.compile(r"\x1b\[K\$ $") # the shell, behind a program that has cleared the last row


def screen(output):
    """What a terminal shows after this output, as rows without blanks at their ends."""
    rows = [[" "] * COLUMNS for _ in range(ROWS)]
    y = x = 0
    for move, clear, screen_clear, other, text in re.findall(
            r"\x1b\[(\d+;\d+)?H|\x1b\[(K)|\x1b\[(2J)|(\x1b\[\d*m|\r|\n)|(.)", output):
        if clear:
            rows[y][x:] = [" "] * (COLUMNS - x)
        elif screen_clear:
            rows = [[" "] * COLUMNS for _ in range(ROWS)]
        elif text:
            rows[y][min(x, COLUMNS - 1)] = text
            x += 1
        elif not other:
            y, x = [int(n) - 1 for n in move.split(";")] if move else (0, 0)
    return ["".join(row).rstrip() for row in rows]


@pytest.fixture(scope="module", name="machine")
def make_machine():
    """A system with a long file at /tmp/long."""
    with Qemu(cpus=1) as qemu:
        qemu.prompt()
        qemu.run("seq 1 100 > /tmp/long; cd /tmp")
        yield qemu


def run(machine, command, keys, until=AT_PROMPT):
    """Runs a program of the screen and types keys to it, all at once. Returns all that it printed."""
    machine.type(f"{command}\n")
    machine.expect(re.escape(command) + "\n")
    begin = machine.position
    machine.expect(r"\x1b\[2J")
    machine.type(keys)
    end = machine.expect(until).end()
    return machine.output[begin:end]


def end(machine, keys="q"):
    """Ends the program, back to the shell."""
    machine.type(keys)
    machine.expect(AT_PROMPT)
    machine.type("\n")
    machine.prompt()


TEXT = "one two three\n  four (five) six\nseven\n\nnine"

VI = [
    ("", "ihello\rworld\x1b", "hello\nworld"),
    ("abc", "x", "bc"),
    ("abc", "3x", ""),
    ("abc", "lX", "bc"),
    ("abc", "AX\x1bIY\x1b", "YabcX"),
    ("abc", "aX\x1biY\x1b", "aYXbc"),
    ("abc", "oX\x1bOY\x1b", "abc\nY\nX"),
    (TEXT, "dd", "  four (five) six\nseven\n\nnine"),
    (TEXT, "2dd", "seven\n\nnine"),
    (TEXT, "jddp", "one two three\nseven\n  four (five) six\n\nnine"),
    (TEXT, "yyP", "one two three\n" + TEXT),
    (TEXT, "y2jGp", TEXT + "\none two three\n  four (five) six\nseven"),
    (TEXT, "dw", TEXT[4:]),
    (TEXT, "wdw", TEXT.replace("two ", "")),
    (TEXT, "2dw", TEXT[8:]),
    (TEXT, "wwdw", TEXT.replace("three", "")),
    (TEXT, "wcwTWO\x1b", TEXT.replace("two", "TWO")),
    (TEXT, "cc1\x1b", TEXT.replace("one two three", "1")),
    (TEXT, "wD", TEXT.replace("two three", "")),
    (TEXT, "wC2\x1b", TEXT.replace("two three", "2")),
    (TEXT, "d$", TEXT[13:]),
    (TEXT, "dG", ""),
    (TEXT, "jdgg", "seven\n\nnine"),
    (TEXT, "jf(%x", TEXT.replace(")", "")),
    (TEXT, "jf(d%", TEXT.replace("(five)", "")),
    (TEXT, "dfo", TEXT[7:]),
    (TEXT, "dto", TEXT[6:]),
    (TEXT, "fo;x", TEXT.replace("two", "tw")),
    (TEXT, "$Fox", TEXT.replace("two", "tw")),
    (TEXT, "ex", TEXT.replace("one", "on")),
    (TEXT, "wbx", TEXT[1:]),
    (TEXT, "jwwx", TEXT.replace("(f", "f")),
    (TEXT, "jWWwx", TEXT.replace("(f", "(")),
    (TEXT, "J", TEXT.replace("\n  four", " four")),
    (TEXT, "rX", "X" + TEXT[1:]),
    (TEXT, "3rZ", "ZZZ" + TEXT[3:]),
    (TEXT, "3~", "ONE" + TEXT[3:]),
    (TEXT, "xxu", TEXT[1:]),
    (TEXT, "xxuu", TEXT),
    (TEXT, "xxuu\x12", TEXT[1:]),
    (TEXT, "x..", TEXT[3:]),
    (TEXT, "dwj.", "two three\nfour (five) six\nseven\n\nnine"),
    (TEXT, "iX\x1bj.", "Xone two three\nX  four (five) six\nseven\n\nnine"),
    (TEXT, ">>", "\t" + TEXT),
    (TEXT, "j<<", TEXT.replace("  four", "four")),
    (TEXT, "/six\rx", TEXT.replace("six", "ix")),
    (TEXT, "/e\rnx", TEXT.replace("three", "thre", 1)),
    (TEXT, "G?t\rx", TEXT.replace("three", "hree", 1)),
    (TEXT, "d/four\r", TEXT[16:]),
    (TEXT, ":2d\r", TEXT.replace("  four (five) six\n", "")),
    (TEXT, ":2,$d\r", "one two three"),
    (TEXT, ":%s/e/E/g\r", TEXT.replace("e", "E")),
    (TEXT, ":1s/\\(o\\)\\(n\\)/\\2\\1/\r", TEXT.replace("one", "noe")),
    (TEXT, ":3\rx", TEXT.replace("seven", "even")),
    (TEXT, ":/six/s/s/S/\r", TEXT.replace("six", "Six")),
    (TEXT, ":e! none-such\r:e! /tmp/v\rx", TEXT[1:]),
    (TEXT, "x:q\rx", TEXT[2:]),
    (TEXT, "ia\x7fb\x1b", "b" + TEXT),
    (TEXT, "\x1b[B\x1b[Cx", TEXT.replace("  four", " four")),
    (TEXT, "ddjpu", "  four (five) six\nseven\n\nnine"),
    (TEXT, "xp", "n" + "o" + TEXT[2:]),
    (TEXT, "Q", TEXT),
    ("a\tb", "lx", "ab"),
]


@pytest.mark.parametrize("text, keys, result", VI, ids=[ascii(keys) for _, keys, _ in VI])
def test_vi(machine, text, keys, result):
    """The keys make that of the file."""
    machine.run("rm -f v" + "".join(f"; printf '%b\\n' '{line}' >> v"
                                    for line in text.replace("\t", "\\t").split("\n") if text))
    run(machine, "vi /tmp/v", keys + ":wq!\r")
    machine.type("\n")
    machine.prompt()
    assert machine.run("cat v") == result + "\n"


def test_vi_shows(machine):
    """The screen shows the file, the cursor's row, what is typed and what is said."""
    shown = screen(run(machine, "vi /tmp/long", "50G", r"\n?50\x1b.*\x1b\[\d+;1H$"))
    assert "50" in shown and shown[-1] == ""
    machine.type(":nonsense\r")
    machine.expect("there is no such command")
    machine.type("x:q\r")
    machine.expect("not written")
    end(machine, ":q!\r")
    assert machine.run("wc -l < long") == "100\n"


def test_vi_of_nothing(machine):
    """A file that cannot be written is told of, and nothing is lost."""
    run(machine, "vi /none/x", "iword\x1b:wq\r", "No such file")
    machine.type(":w /tmp/saved\r")
    machine.expect("1 line,")
    end(machine, ":q!\r")
    assert machine.run("cat saved") == "word\n"


LESS = [
    ("", "1", ":"),
    (" ", "24", ":"),
    ("  b", "24", ":"),
    ("jjjk", "3", ":"),
    ("G", "78", "(END)"),
    ("Gg", "1", ":"),
    ("d", "12", ":"),
    ("/5.$\r", "50", ":"),
    ("/5.$\rn", "51", ":"),
    ("/5.$\rnnN", "51", ":"),
    ("G?3$\r", "73", ":"),
    ("/none\r", "1", "not found"),
    ("/[\r", "1", None),
    ("\x1b[6~", "24", ":"),
    ("     ", "93", "(END)"),
]


@pytest.mark.parametrize("keys, first, last", LESS, ids=[ascii(keys) for keys, _, _ in LESS])
def test_less(machine, keys, first, last):
    """After the keys the screen begins with that line, and its last row says that."""
    begin = len(machine.output)
    run(machine, "less long", keys + "q")
    output = machine.output[begin:]
    machine.type("\n")
    machine.prompt()
    shown = screen(output[output.rindex("\x1b[2J"):output.rindex("\x1b[24;1H")])
    assert shown[0] == first
    assert last is None or shown[-1] == last


def test_less_wraps_and_shows(machine):
    """Long lines go on in the next row; what does not print is shown."""
    machine.run("echo " + "x" * 100 + " > l; printf 'a\\tb\\n' >> l; cat l l > l2")
    begin = len(machine.output)
    run(machine, "less l", "q")
    output = machine.output[begin:]
    machine.type("\n")
    machine.prompt()
    shown = screen(output[output.rindex("\x1b[2J"):output.rindex("\x1b[24;1H")])
    assert shown[:4] == ["x" * 80, "x" * 20, "a       b", "~"] and shown[-1] == "(END)"


def test_less_in_a_pipe(machine):
    """From a pipe it takes its keys from the terminal all the same; into a pipe it copies."""
    run(machine, "seq 7 9 | less", "q")
    machine.type("\n")
    machine.prompt()
    assert machine.run("seq 7 9 | less | cat") == "7\n8\n9\n"


def test_top(machine):
    """Shows the processes again and again, until q is typed."""
    begin = len(machine.output)
    run(machine, "top -d 1", "", r"0\.\d +\d+ top.*")
    machine.expect(r"up 0:")
    machine.expect(r"up 0:|\x1b\[1;1H")
    end(machine)
    assert "init" in "".join(screen(machine.output[begin:]))
    text = machine.run("top -b -n 2 -d 1")
    assert text.count("processes") == 2 and text.count(" init\n") == 2
