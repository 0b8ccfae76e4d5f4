"""The utilities print what the host's print: each script of utilcases.py is run on both sides, inside all of
them in one boot. And each utility's --help is what docs/utilities.md says."""

import functools
import os
import re
import shutil
import subprocess

import pytest
from harness import BUILD, ROOT, GuestError, Qemu
from utilcases import CASES, FILES

SCRIPTS = [(tool, number, script) for tool, scripts in CASES.items() for number, script in enumerate(scripts)]
UTILITIES = sorted(path.name.removesuffix(".c") for path in (ROOT / "user/bin").iterdir()
                   if "static const char usage[]" in (path.read_text() if path.is_file() else ""))
LIMIT = 60  # guest seconds for all of them


def lay_out(folder):
    """The files and directories that the scripts are run among."""
    (folder / "f").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / "f" / name).write_bytes(text.encode("latin-1"))
    for tool, number, script in SCRIPTS:
        (folder / f"{tool}.{number}").mkdir()
        (folder / f"{tool}.{number}.sh").write_text(script + "\n")


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """What the scripts and --help did in the guest: (tool, number) -> (status, output, complained)."""
    folder = tmp_path_factory.mktemp("util")
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    for path in (BUILD / "stripped/bin").iterdir():
        os.link(path, root / "bin" / path.name)
    shutil.copytree(ROOT / "user/root", root, dirs_exist_ok=True)
    os.link(root / "bin/test", root / "bin/[")
    lay_out(root / "cases")
    jobs = [(tool, number, f"cd /cases/{tool}.{number}; sh ../{tool}.{number}.sh")
            for tool, number, _ in SCRIPTS]
    jobs += [(tool, "help", "/bin/[ --help" if tool == "test" else f"/bin/{tool} --help")
             for tool in UTILITIES]
    (root / "cases/run").write_text("mkdir /out /errors\n" + "".join(
        f"({command}) > /out/{tool}.{number} 2> /errors/{tool}.{number}; echo {tool} {number} $?\n"
        for tool, number, command in jobs)
        + "cd /out; echo @texts; tail -c +1 *; echo; cd /errors; echo @sizes; wc -c *; echo @@\n")
    image = folder / "util.img"
    devices = ROOT / "user/devices"
    subprocess.run([BUILD / "host/mkfs", image, "-s", "32M", "-d", root, "-D", f"@{devices}"], check=True)
    results = {}
    with Qemu(cpus=1, disk=image) as qemu:
        qemu.prompt()
        begin = qemu.position
        qemu.type("sh /cases/run\n")
        try:
            qemu.expect(r"\n@@\n", LIMIT)
        except GuestError as error:
            results["ended"] = f"{error}\n{qemu.tail()}"
        output = qemu.output[begin:]
    statuses, _, rest = output.partition("@texts\n")
    texts, _, sizes = rest.rpartition("\n@sizes\n")
    texts = re.split(r"(?:^|\n)==> (\w+\.\w+) <==\n", texts)
    texts = dict(zip(texts[1::2], texts[2::2]))
    sizes = {name: int(size) for size, name in re.findall(r"^(\d+) (\S+)$", sizes, re.M)}
    for tool, number, status in re.findall(r"^(\S+) (\S+) (\d+)$", statuses, re.M):
        name = f"{tool}.{number}"
        results[tool, number] = (int(status), texts.get(name), sizes.get(name) != 0)
    return results


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """The directory that the scripts are run in here."""
    folder = tmp_path_factory.mktemp("host") / "cases"
    lay_out(folder)
    return folder


def result(inside, tool, number):
    """What came of it in the guest."""
    assert (tool, str(number)) in inside, f"no result: {inside.get('ended')}"
    return inside[tool, str(number)]


@functools.lru_cache(None)
def is_gnu():
    """Whether this machine's utilities are GNU's."""
    return "GNU" in subprocess.run(["sort", "--version"], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("tool, number, script", SCRIPTS, ids=[f"{t}-{n}" for t, n, _ in SCRIPTS])
def test_as_on_the_host(tool, number, script, inside, outside):
    """The script's output, its status, and whether there were complaints, are the same here and inside."""
    if not (shutil.which(tool) and is_gnu()):
        pytest.skip(f"no GNU {tool} to compare with")
    here = subprocess.run(
        ["sh", f"../{tool}.{number}.sh"], cwd=outside / f"{tool}.{number}", capture_output=True, check=False,
        stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC",
                                       "POSIXLY_CORRECT": "1", "HOME": "/"})
    status, text, complained = result(inside, tool, number)
    assert (text, status, complained) == (
        here.stdout.decode("latin-1").replace("\r", ""), here.returncode, here.stderr != b""), script


def sections():
    """docs/utilities.md: a utility's name -> its usage."""
    page = (ROOT / "docs/utilities.md").read_text()
    return dict(re.findall(r"^## (\S+)\n+```\n(.*?)```$", page, re.M | re.S))


@pytest.mark.parametrize("tool", UTILITIES)
def test_help_is_documented(tool, inside):
    """--help prints what the page says, and nothing else."""
    assert result(inside, tool, "help") == (0, sections().get(tool), False)


def test_page_names_no_others():
    """The page has a section for each utility, in order, and for nothing else."""
    assert list(sections()) == UTILITIES
