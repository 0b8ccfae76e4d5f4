"""The shell's line editing, through the serial console: keys, history, completion."""

import pytest
from console import Terminal, keys
from harness import Qemu


@pytest.fixture(scope="module", name="console")
def console_fixture():
    """A machine at its prompt, in a folder with some files, for the tests that type."""
    with Qemu(cpus=1) as machine:
        machine.prompt()
        machine.run("mkdir -p /tmp/edit/folder; cd /tmp/edit; echo 1 > first; echo 2 > second")
        machine.run("echo 3 > 'with blank'; echo 4 > folder/inside; alias unusual='echo from an alias'")
        machine.run("""echo 5 > 'q"uo$te'; echo 6 > ap\\'b""")
        yield machine


UP, DOWN, RIGHT, LEFT, HOME, END, DEL = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~"
BACKSPACE = "\b"
A, B, D, E, F, K, L, N, P, R, T, U, W, Y = (chr(ord(c) & 0x1f) for c in "ABDEFKLNPRTUWY")
# Keys -> the line that is run, as the terminal shows it at the end.
EDITS = {
    "insert": (f"echo ac{LEFT}b", "echo abc"),
    "control_b_f": (f"echo ac{B}b{F}d", "echo abcd"),
    "home_end": (f"cho a{A}e{E}b{HOME}{END}c", "echo abc"),
    "backspace": ("echo abx\x7fcy\b", "echo abc"),
    "delete": (f"echo axbyc{LEFT}{LEFT}{LEFT}{LEFT}{DEL}{RIGHT}{D}", "echo abc"),
    "kill_to_end": (f"echo abc def{LEFT}{LEFT}{LEFT}{LEFT}{K}", "echo abc"),
    "kill_to_begin": (f"nonsense echo abc\x1bb\x1bb{U}", "echo abc"),
    "kill_word": (f"echo abc d-e/f{W}\x7f", "echo abc"),
    "yank": (f"echo abc{W}{W}{Y}{Y}{U}{Y}", "echo echo"),
    "words": ("echo one two\x1bb\x1bbX\x1bfY\x1bfZ", "echo XoneY twoZ"),
    "kill_words": (f"echo one two-three\x1b\x7f{A}\x1bf\x1bd", "echo two-"),
    "transpose": (f"echo ba{T}dc{LEFT}{T}", "echo abcd"),
    "up": (f"{UP}", "echo previous"),
    "up_and_change": (f"{P}{P}{DOWN}{LEFT}{LEFT}X", "echo previoXus"),
    "down_to_the_new_line": (f"echo ne{UP}{UP}{N}{N}w", "echo new"),
    "search": (f"{R}prev", "echo previous"),
    "search_older": (f"{R}echo{R}{LEFT}{END}!", "echo older!"),
    "search_given_up": (f"echo ke{R}older\x07pt", "echo kept"),
    "search_backspace": (f"{R}olzz\x7f\x7fd", "echo older"),
    "unknown_keys": ("echo a\x1b[5~\x1b[1;5Q\x1bqb\x1b[24~c", "echo abc"),
    "utf8": (f"echo \u00fcx\x7f\u00e4{LEFT}{LEFT}\u00f6".encode().decode("latin-1"),
             "echo \u00f6\u00fc\u00e4".encode().decode("latin-1")),
    "control_characters": ("echo 'a\x16b\x16'", "echo 'ab'"),
    "long": (f"echo {'0123456789' * 20}{A}{F * 5}X{E}Y", f"echo X{'0123456789' * 20}Y"),
    "long_deleted": (f"echo {'0123456789' * 12}{BACKSPACE * 110}", "echo 0123456789"),
    "margin": (f"echo {'x' * 73}{LEFT}y{E}z", f"echo {'x' * 72}yxz"),
    "clear": (f"echo abc{L}d", "echo abcd"),
}


@pytest.mark.parametrize("name", EDITS)
def test_edit(console, name):
    """Keys change the line as they should: what is run, and what the terminal shows of it, are the same."""
    typed, line = EDITS[name]
    keys(console, "echo older\n")
    keys(console, "echo previous\n")
    rows = keys(console, typed + "\n")
    shown, printed = "$ " + line, line.replace("'", "").split(" ", 1)[1]
    if name == "utf8": # a character a cell, here two
        assert printed in rows
        return
    wrapped = [shown[i:i + 80] for i in range(0, len(shown), 80)]
    said = [printed[i:i + 80] for i in range(0, len(printed), 80)]
    if name == "clear":
        rows = rows[-len(wrapped) - len(said) - 1:]
    assert rows[:len(wrapped)] == wrapped
    assert rows[len(wrapped):len(wrapped) + len(said)] == said
    assert rows[-1] == "$"


# Keys before Enter -> the line that comes of them.
COMPLETIONS = {
    "file": ("cat fir\t", "cat first "),
    "folder": ("cat fol\tins\t", "cat folder/inside "),
    "blank": ("cat wi\t", "cat with\\ blank "),
    "quoted": ("cat 'wi\t", "cat 'with blank' "),
    "in_double_quotes": ('cat "q\t', 'cat "q\\"uo\\$te" '),
    "in_single_quotes": ("cat 'ap\t", "cat 'ap'\\''b' "),
    "absolute": ("echo /bi\tech\t", "echo /bin/echo "),
    "command": ("xar\t -h", "xargs  -h"),
    "builtin": ("unse\tx", "unset x"),
    "alias": ("unus\t", "unusual "),
    "behind_a_pipe": ("echo a | xar\t", "echo a | xargs "),
    "common_part": ("echo f\tx", "echo fx"),
    "variable": ("HOMELY=1; echo $HOMEL\t", "HOMELY=1; echo $HOMEL"),
    "redirection": ("cat <sec\t", "cat <second "),
    "nothing": ("echo none\tthere", "echo nonethere"),
    "in_the_middle": (f"cat fir{LEFT}{LEFT}{LEFT}{END}\t", "cat first "),
}


@pytest.mark.parametrize("name", COMPLETIONS)
def test_complete(console, name):
    """A tab completes names of files, commands and variables."""
    typed, line = COMPLETIONS[name]
    assert keys(console, typed + "\n")[0] == ("$ " + line).rstrip()


def test_complete_lists(console):
    """Two tabs list what is possible, and the line is there again."""
    begin = console.position
    console.type("echo f\t\t")
    console.expect(r"folder/\n\$ echo f$")
    console.type("irst\n")
    console.expect(r"\n\$ $")
    rows = Terminal("$ " + console.output[begin:console.position]).lines()
    assert rows == ["$ echo f", "first    folder/", "$ echo first", "first", "$"]


def test_lines_of_a_command(console):
    """A command of several lines is asked for with the second prompt; ^C drops all of it."""
    assert keys(console, "for i in 1 2\ndo echo $i\ndone\n") == [
        "$ for i in 1 2", "> do echo $i", "> done", "1", "2", "$"]
    assert keys(console, "if true\nthen echo no\x03") == ["$ if true", "> then echo no^C", "$"]
    assert keys(console, "cat <<E\na\nE\n") == ["$ cat <<E", "> a", "> E", "a", "$"]
    assert keys(console, "echo $?\n") == ["$ echo $?", "0", "$"]


def test_syntax_error_at_the_prompt(console):
    """A wrong line is told, and the shell goes on; the status is 2."""
    assert keys(console, "fi\n")[1] == "sh: line 1: syntax error: \"fi\"; expected a command or its end"
    assert keys(console, "echo $?\n")[1] == "2"


def test_prompts(console):
    """PS1 and PS2 are expanded each time."""
    console.type("PS1='$(echo p)$? '\n")
    console.expect("\np0 $")
    console.type("false\n")
    console.expect("\np1 $")
    console.type("PS2='more '; PS1='$ '\n")
    console.expect(r"\n\$ $")
    assert keys(console, "echo '\n'\n")[1] == "more '"
    keys(console, "unset PS1 PS2\n")


def test_wrong_prompt(console):
    """A prompt that cannot be expanded is told, and another can be typed."""
    console.type("PS1='$((1/0)) '\n")
    console.expect(r"sh: [^\n]*\n\$ $")
    console.type("PS1='$ '\n")
    console.expect(r"\n\$ $")
    assert keys(console, "echo on\n")[1] == "on"
    keys(console, "unset PS1\n")


def test_trap_at_the_prompt(console):
    """What a trap runs at the prompt has the terminal as commands have it, and the line can be typed on."""
    keys(console, "trap 'stty | grep -c -e -icanon' USR1\n")
    keys(console, "(sleep 1; kill -USR1 $$) &\n")
    console.type("echo a")
    console.expect("0\n")
    console.type("b\n")
    console.expect(r"\nab\n")
    console.expect(r"\$ $")
    keys(console, "wait; trap - USR1\n")


def test_history(console):
    """history lists the lines; a line again, and an empty one, are not added."""
    keys(console, "history -c\n")
    keys(console, "echo one\n")
    keys(console, "echo one\n")
    keys(console, "\n")
    rows = keys(console, "history\n")
    assert [row.split()[1:] for row in rows[1:-1]] == [["echo", "one"], ["history"]]


def test_history_file(console):
    """HISTFILE keeps lines over shells, HISTSIZE says how many."""
    keys(console, "HISTFILE=/tmp/edit/hist HISTSIZE=2 sh\n")
    keys(console, "echo kept\n")
    console.type("exit\n")
    console.expect(r"\$ $")
    rows = keys(console, "cat hist\n")
    assert rows[1:-1] == ["echo kept", "exit"]
    keys(console, "HISTFILE=/tmp/edit/hist HISTSIZE=2 sh\n")
    rows = keys(console, "history\n")
    assert [row.split()[1:] for row in rows[1:-1]] == [["exit"], ["history"]]
    console.type("\x04")
    console.expect(r"\$ $")


def test_dumb_terminal(console):
    """With TERM=dumb no sequence is written: a long line is scrolled in its row."""
    keys(console, "TERM=dumb\n")
    begin = console.position
    rows = keys(console, f"echo {'0123456789' * 12}{HOME}{F * 5}X\n")
    assert "\x1b" not in console.output[begin:]
    assert f"X{'0123456789' * 12}"[:80] in rows
    keys(console, "TERM=vt100\n")


def test_without_editing(console):
    """After `set +o emacs` the terminal's own line discipline reads the line."""
    keys(console, "set +o emacs\n")
    assert keys(console, "echo abx\x7fc\n")[1] == "abc"
    keys(console, "set -o emacs\n")
    assert keys(console, f"echo ab{LEFT}c\n")[1] == "acb"
