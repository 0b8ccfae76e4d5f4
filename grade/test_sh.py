"""The shell: small scripts (grade/sh) run in the guest and by the host's dash, which must print the same and
end with the same status; syntax errors, whose words are ours. (test_sh_edit.py: line editing;
test_sh_jobs.py: job control.)

All scripts of a way to start them (a file, -c, standard input) run in one boot, from a disk made for that.
A script that hangs takes those behind it along, and is named.
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import BUILD, ROOT, GuestError, Qemu

FOLDER = ROOT / "grade" / "sh"
DASH = shutil.which("dash")
WAYS = {"file": 'sh "$s" < /dev/null', "c": 'sh -c "$(cat "$s")" < /dev/null', "stdin": 'sh < "$s"'}
MACHINE = {"file": {"cpus": 1, "icount": True}, "c": {"cpus": 1}, "stdin": {"cpus": 2}}
EVERY = {"file": 1, "c": 5, "stdin": 5} # so many scripts have one that is started in that way
# A clean folder for each, and marks around what it prints.
DRIVER = """\
for s in /scripts/{way}/*.sh; do
    n=${{s##*/}}
    mkdir /tmp/w
    cd /tmp/w
    echo "=begin ${{n%.sh}}="
    {command} 2> /dev/null
    echo "=end $?="
    cd /
    rm -r /tmp/w
done
echo "=all="
"""


@functools.lru_cache(None)
def scripts():
    """The scripts of grade/sh: name -> text."""
    found = {}
    for path in sorted(FOLDER.glob("*.sh")):
        for part in re.split(r"^#### ", path.read_text(), flags=re.M)[1:]:
            name, _, text = part.partition("\n")
            assert f"{path.stem}-{name}" not in found, f"{path}: {name} is there twice"
            found[f"{path.stem}-{name}"] = text
    return found


@functools.lru_cache(None)
def dash(way, name):
    """What the host's dash prints for a script, and its status."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "bin").mkdir()
        (top / "bin" / "sh").symlink_to(DASH)
        (top / "w").mkdir()
        script = top / f"{name}.sh"
        script.write_text(scripts()[name])
        argv = {"file": [script], "c": ["-c", scripts()[name].rstrip("\n")], "stdin": []}[way]
        with open(script if way == "stdin" else "/dev/null", "rb") as stdin:
            done = subprocess.run(
                ["sh", *argv], executable=top / "bin" / "sh", cwd=top / "w", stdin=stdin, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                env={"PATH": f"{top}/bin:{os.environ['PATH']}", "HOME": "/"})
    return done.stdout.decode("latin-1"), done.returncode


def chosen(way):
    """The names of the scripts that are started in that way."""
    return list(scripts())[::EVERY[way]]


def disk_with(folder, files):
    """The system's disk with more files on it: path -> text."""
    top = folder / "root"
    subprocess.run(["cp", "-al", BUILD / "root", top], check=True)
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    subprocess.run([BUILD / "host" / "mkfs", folder / "fs.img", "-s", "64M", "-d", top,
                    "-D", f"@{ROOT / 'user' / 'devices'}"], check=True, capture_output=True)
    return folder / "fs.img"


@pytest.fixture(scope="module", name="disk")
def disk_fixture(tmp_path_factory):
    """A disk with the scripts and their drivers."""
    files = {f"scripts/{way}/{name}.sh": scripts()[name] for way in WAYS for name in chosen(way)}
    files |= {f"scripts/{way}/all": DRIVER.format(way=way, command=WAYS[way]) for way in WAYS}
    return disk_with(tmp_path_factory.mktemp("sh"), files)


@pytest.fixture(scope="module", name="results")
def results_fixture(disk):
    """way -> (name -> (output, status), what went wrong); a way's scripts run when first asked for."""
    @functools.lru_cache(None)
    def run(way):
        failed = ""
        with Qemu(disk=disk, **MACHINE[way]) as machine:
            machine.prompt()
            machine.type(f"mkdir -p /tmp; sh /scripts/{way}/all\n")
            try:
                machine.expect("\n=all=\n", 300)
            except GuestError as error:
                failed = f"{error}\n{machine.tail()}"
            found = re.findall(r"=begin (\S+)=\n(.*?)=end (\d+)=\n", machine.output, re.S)
        return {name: (output, int(status)) for name, output, status in found}, failed
    return run


@pytest.mark.parametrize("way, name", [(way, name) for way in WAYS for name in chosen(way)])
def test_as_dash(results, way, name):
    """A script prints what it prints on the host, and ends with the same status."""
    if DASH is None:
        tell = pytest.fail if shutil.which("apt-get") else pytest.skip
        tell("there is no dash to compare with: make setup, or install the package `dash`")
    done, failed = results(way)
    assert name in done, f"did not come to its end: {failed}"
    output, status = done[name]
    wanted, wanted_status = dash(way, name)
    assert output == wanted
    assert status == wanted_status


# What is wrong -> what the message must say: line, what was found, what was expected, what had begun.
WRONG = {
    "if true\nthen echo a\n": (3, "end of file; expected \"fi\" (for the \"if\" of line 1)"),
    "echo a\nwhile true; do\necho b\nfi\n": (4, "\"fi\"; expected \"done\" (for the \"while\" of line 2)"),
    "for 1x in a; do :; done\n": (1, "\"1x\"; expected a variable's name"),
    "for i in a b do\n:\ndone\n": (2, "\":\"; expected \"do\" (for the \"for\" of line 1)"),
    "case a in\na) echo;;\n": (3, "end of file; expected a pattern or \"esac\""),
    "case a in a echo;; esac\n": (1, "\"echo\"; expected \")\""),
    "if true; echo a; fi\n": (1, "\"fi\"; expected \"then\""),
    "if; then :; fi\n": (1, "\";\"; expected a command"),
    "echo a\necho 'b\nc\n": (4, "end of file; expected the closing ' of line 2"),
    "echo \"b\n": (2, "end of file; expected the closing \" of line 1"),
    "echo ${x\n": (2, "end of file; expected the closing } of line 1"),
    "echo `x\n": (2, "end of file; expected the closing ` of line 1"),
    "echo a\necho $(if true\n)\n": (3, "\")\"; expected \"then\" (for the \"if\" of line 2)"),
    "cat <<E\nx\n": (3, "end of file; expected \"E\", the end of the here-document"),
    "echo a |\n\n": (3, "end of file; expected a command (for the \"|\" of line 1)"),
    "true && ; echo\n": (1, "\";\"; expected a command (for the \"&&\" of line 1)"),
    "( echo a\n": (2, "end of file; expected \")\" (for the \"(\" of line 1)"),
    "{ echo a\n": (2, "end of file; expected \"}\" (for the \"{\" of line 1)"),
    "f() {\necho a\n": (3, "end of file; expected \"}\" (for the \"{\" of line 1)"),
    "f(\n": (1, "newline; expected \")\""),
    "a-b() { :; }\n": (1, "\"a-b\" cannot be the name of a function"),
    "echo a >\n": (1, "newline; expected a file name"),
    "echo a )\n": (1, "\")\"; expected a command or its end"),
    "done\n": (1, "\"done\"; expected a command"),
    "echo a;; echo b\n": (1, "\";;\"; expected a command or its end"),
    "(echo a) b\n": (1, "\"b\"; expected the command's end"),
}


@pytest.fixture(scope="module", name="complaints")
def complaints_fixture(tmp_path_factory):
    """What the shell says of each wrong script, by file, -c and standard input: its words and its status."""
    files = {f"wrong/{i}": text for i, text in enumerate(WRONG)}
    files["all"] = "".join(f'cd /wrong; for i in {i}; do echo "=begin $i="; sh $i; echo "=end $?="; done\n'
                           for i in range(len(WRONG)))
    files["all"] += 'echo "=begin c="; sh -c "if" name; echo "=end $?="\n'
    files["all"] += 'echo "=begin stdin="; echo "echo \'" | sh; echo "=end $?="\n'
    files["all"] += 'echo "=begin dot="; sh -c ". /wrong/0"; echo "=end $?="; echo "=all="\n'
    disk = disk_with(tmp_path_factory.mktemp("wrong"), files)
    with Qemu(disk=disk, cpus=1, icount=True) as machine:
        machine.prompt()
        machine.type("sh /all 2>&1\n")
        machine.expect("\n=all=\n", 60)
        return {name: (text, int(status)) for name, text, status in
                re.findall(r"=begin (\S+)=\n(.*?)=end (\d+)=\n", machine.output, re.S)}


@pytest.mark.parametrize("text", WRONG)
def test_syntax_error(complaints, text):
    """A syntax error tells the file, the line, what is there, and what was expected; the status is 2."""
    number = list(WRONG).index(text)
    said, status = complaints[str(number)]
    line, words = WRONG[text]
    assert f"{number}: line {line}: syntax error: {words}" in said
    assert status == 2


def test_syntax_error_elsewhere(complaints):
    """Commands given by -c, standard input and the dot have names in messages, too."""
    assert complaints["c"][0].startswith("name: line 1: syntax error: end of file; expected a command")
    assert complaints["stdin"][0].startswith("sh: line 2: syntax error: end of file; expected the closing '")
    assert complaints["dot"][0].startswith("/wrong/0: line 3: syntax error: end of file; expected \"fi\"")
    assert {complaints[name][1] for name in ("c", "stdin", "dot")} == {2}
