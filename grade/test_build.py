"""The build: it needs nothing twice, says what is missing, and gives the same images each time."""

import os
import re
import shutil
import subprocess
import tarfile

import pytest
from harness import BUILD, ROOT, symbols

BARE = "bash sh make id getconf find awk sed test rm mkdir printf cp cat grep"


def make(*arguments, path=None, **environment):
    """Runs make; returns what it printed and its status."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("MAKE", "MFLAGS")) and k not in ("QEMU", "CROSS", "OSTIA_BUILD")}
    if not any(a.startswith("BUILD=") for a in arguments):
        arguments = (f"BUILD={BUILD}", *arguments)
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=env | environment | (
        {"PATH": str(path)} if path else {}), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


@pytest.fixture
def bare_path(tmp_path):
    """A PATH with a shell and make, and no compiler, emulator or tar."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in BARE.split():
        where = shutil.which(tool)
        if where:
            (folder / tool).symlink_to(where)
    return folder


def test_nothing_to_do():
    """A second build does nothing."""
    text, status = make("all")
    assert status == 0, text
    text, status = make("all")
    assert status == 0 and "Nothing to be done" in text, text


def test_missing_tool_is_one_line(bare_path):
    """A missing compiler is told in one line, with the command that installs it."""
    packager = shutil.which("apt-get")
    if packager:
        (bare_path / "apt-get").symlink_to(packager)
    text, status = make("all", path=bare_path)
    assert status != 0 and len(text.splitlines()) == 1
    assert "gcc" in text and ("apt-get install" in text or "package manager" in text)


@pytest.mark.parametrize("packager,words", [
    ("apt-get", "apt-get update|apt-get install -y .*gcc-aarch64-linux-gnu .*qemu-system-arm"),
    ("dnf", "dnf install -y .*gcc-aarch64-linux-gnu .*qemu-system-aarch64"),
    ("pacman", "pacman -S --needed --noconfirm .*aarch64-linux-gnu-gcc .*qemu-system-aarch64"),
    ("brew", "brew install .*aarch64-elf-gcc .*qemu")])
def test_setup_knows_packagers(bare_path, tmp_path, packager, words):
    """Setup runs the system's package manager for what is missing, with sudo when not root."""
    log = tmp_path / "log"
    for name in (packager, "sudo"):
        script = bare_path / name
        script.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >> {log}\n'
                          + ('"$@"\n' if name == "sudo" else ""))
        script.chmod(0o755)
    text, status = make("setup", path=bare_path)
    assert status == 0, text
    said = log.read_text()
    for pattern in words.split("|"):
        assert re.search(pattern, said), said
    assert ("sudo" in said) == (os.getuid() != 0 and packager != "brew")


def test_setup_without_packager(bare_path):
    """On a system setup does not know, it says so and fails."""
    text, status = make("setup", path=bare_path)
    assert status != 0 and "apt, dnf, pacman and brew" in text


def test_setup_is_silent():
    """With nothing missing, setup does and says nothing."""
    text, status = make("setup")
    assert status == 0 and text.strip() in ("", "make: Nothing to be done for 'setup'."), text


def test_setup_comes_first():
    """make setup and other goals: setup first, then the goals, also in parallel."""
    text, status = make("-j4", "setup", "help", "boot.tar")
    assert status == 0 and "qemu-gdb" in text, text


def test_help_lists_targets():
    """make help names every target one may type."""
    text, _ = make("help")
    phony = re.search(r"^\.PHONY: (all .*)$", (ROOT / "Makefile").read_text(), re.M).group(1).split()
    for target in phony:
        assert re.search(rf"^  {re.escape(target)}\s", text, re.M), f"{target} is not in make help"


def test_boot_archive():
    """The boot archive begins with bootstrap, is a plain ustar file, and tells nothing of its maker."""
    with tarfile.open(BUILD / "boot.tar") as archive:
        members = archive.getmembers()
        assert archive.format is not None and (BUILD / "boot.tar").read_bytes()[257:263] == b"ustar\0"
    assert members[0].name == "bootstrap"
    assert members[-1].name == "etc/servers"
    for member in members:
        assert (member.uid, member.gid, member.mtime, member.uname) == (0, 0, 0, "")


def test_same_archive_again(tmp_path):
    """A build elsewhere gives the same boot archive, byte for byte."""
    text, status = make(f"BUILD={tmp_path}/out", "boot.tar")
    assert status == 0, text
    assert (tmp_path / "out" / "boot.tar").read_bytes() == (BUILD / "boot.tar").read_bytes()


def test_same_disk_again(tmp_path):
    """The same files give the same file system, byte for byte, whenever it is made."""
    image = tmp_path / "fs.img"
    subprocess.run([BUILD / "host" / "mkfs", image, "-s", "64M", "-d", BUILD / "root", "-D",
                    f"@{ROOT / 'user' / 'devices'}"], check=True)
    assert image.read_bytes() == (BUILD / "fs.img").read_bytes()


def test_symbol_table_is_true():
    """The kernel's own symbol table agrees with the linker's."""
    table = symbols(BUILD / "kernel.elf")
    data = (BUILD / "kernel" / "ksyms.S").read_text()
    names = re.findall(r'^\.asciz "(.*)"$', data, re.M)
    addresses = [int(a, 16) for a in re.findall(r"^\.word (0x[0-9a-f]+) - ", data, re.M)]
    assert len(names) == len(addresses) > 100 and addresses == sorted(addresses)
    for name, address in zip(names, addresses):
        if names.count(name) == 1:
            assert table[name] == address
    assert table["ksyms_count"] > addresses[-1]


def test_write_or_execute():
    """No segment of the kernel or of a user program is both writable and executable."""
    for path in [BUILD / "kernel.elf", *sorted((BUILD / "user" / "bin").glob("*"))]:
        if path.is_dir() or path.suffix in (".o", ".d"):
            continue
        data = path.read_bytes()
        phoff = int.from_bytes(data[0x20:0x28], "little")
        size, count = (int.from_bytes(data[a:a + 2], "little") for a in (0x36, 0x38))
        for at in range(phoff, phoff + size * count, size):
            kind, flags = (int.from_bytes(data[at + o:at + o + 4], "little") for o in (0, 4))
            assert not (kind == 1 and flags & 3 == 3), f"{path.name}: a segment is W and X"


def test_source_tree_stays_clean():
    """Nothing in the source tree is made by the build."""
    done = subprocess.run(["git", "status", "--porcelain", "--ignored"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    ignored = [line[3:] for line in done.stdout.splitlines() if line.startswith("!!")]
    strange = [p for p in ignored if not re.match(r"build|\.gdbinit$|.*__pycache__/$", p)]
    assert not strange, strange
