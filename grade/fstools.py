"""What the tests of file systems on the host share: mkfs, fsck and the file server's core, built with the
address and undefined-behaviour sanitizers, and a folder and a good volume to try them on. No guest is
booted."""

import os
import random
import re
import struct
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = 4096
COMMON = ROOT / "user/lib/fileserver" # what is around every file server's core
CC = os.environ.get("HOSTCC", "cc")
FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-idirafter", str(ROOT / "user/include")]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def sanitizers(folder):
    """The sanitizers' flags, or none where the compiler comes without their libraries."""
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    done = subprocess.run([CC, *SANITIZE, "-o", str(folder / "probe"), str(probe)],
                          capture_output=True)
    return SANITIZE if done.returncode == 0 else []


def build(out):
    """Builds mkfs, fsck and the file server's core with its model test in that folder."""
    extra = sanitizers(out)
    shared = [p for p in (ROOT / "mkfs").glob("*.c") if p.name not in ("mkfs.c", "mkdisk.c", "fsck.c")]
    server = ROOT / "user/servers/file"
    core = [server / f"{n}.c" for n in ("bcache", "balloc", "inode", "bmap", "dir", "dirtree",
                                        "bread", "file", "names_cache", "volume", "journal", "recover")]
    core.append(COMMON / "names.c")
    jobs = {
        "mkfs": [ROOT / "mkfs/mkfs.c", *shared],
        "fsck": [ROOT / "mkfs/fsck.c", *shared],
        "fsmodel": [ROOT / "grade/fsmodel.c", *core],
        "fscrash": [ROOT / "grade/fscrash.c", *core, *shared, out / "fsck_main.c"],
    }
    # fscrash calls fsck hundreds of times, as a function; and has no time for sanitizers.
    (out / "fsck_main.c").write_text(f'#define main fsck_main\n#include "{ROOT}/mkfs/fsck.c"\n')
    own = {"fscrash": ["-O2", "-I", str(ROOT / "mkfs")]}
    flags = [*FLAGS, "-I", str(server), "-I", str(COMMON)]
    running = [(name, subprocess.Popen([CC, *flags, *own.get(name, extra), "-o", str(out / name),
                                        *map(str, sources)], stderr=subprocess.PIPE, text=True))
               for name, sources in jobs.items()]
    for name, process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, f"{name} does not compile:\n{err}"


BUILT = [] # the folder: once for all modules that import the fixture


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """The folder of the tools, built once."""
    if not BUILT:
        out = tmp_path_factory.mktemp("mkfs-tools")
        build(out)
        BUILT.append(out)
    return BUILT[0]


def run(*argv, env=None):
    """Runs a tool. Leaks are not looked for: the tools end, and that frees their memory."""
    env = {"ASAN_OPTIONS": "detect_leaks=0", **(env or {})}
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace",
                          timeout=60, env={**os.environ, **env})


def fsck(tools, image):
    """Runs fsck; a sanitizer's report or a signal is a failure whatever the test wants."""
    done = run(tools / "fsck", "-v", image)
    assert done.returncode in (0, 1, 2) and "Sanitizer" not in done.stderr \
        and "runtime error" not in done.stderr, done.stderr[-3000:]
    return done


def assert_clean(tools, image):
    done = fsck(tools, image)
    assert done.returncode == 0, done.stdout


def make_folder(top, seed=1, many=600):
    """A folder with every kind of thing in it."""
    rng = random.Random(seed)
    top.mkdir()
    for name in ("bin", "etc", "empty", "deep", "many"):
        (top / name).mkdir()
    (top / "bin/sh").write_bytes(rng.randbytes(20_000))
    os.chmod(top / "bin/sh", 0o755)
    os.link(top / "bin/sh", top / "bin/zsh")
    (top / "etc/motd").write_text("hello\n")
    (top / "etc/nothing").write_bytes(b"")
    (top / ("n" * 255)).write_text("long name")
    os.symlink("motd", top / "etc/short")
    os.symlink("x" * 140, top / "etc/inline")
    os.symlink("y" * 141, top / "etc/block")
    os.symlink("z" * 4000, top / "etc/longest")
    with open(top / "sparse", "wb") as f:  # reaches the double indirect block
        f.write(b"start")
        f.seek((4 << 20) + (128 << 10) + 5000)
        f.write(b"end")
    (top / "big").write_bytes(rng.randbytes(300_000))
    below = top / "deep"
    for i in range(20):
        below = below / f"d{i}"
        below.mkdir()
    for i in range(many):
        (top / "many" / f"file{i}").write_bytes(b"")
    return top


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("src") / "root")


@pytest.fixture(scope="session")
def good(tools, folder, tmp_path_factory):  # pylint: disable=redefined-outer-name
    """A good volume; tests copy it."""
    image = tmp_path_factory.mktemp("img") / "good.img"
    done = run(tools / "mkfs", image, "-d", folder, "-D", "dev/console c 5 1", "-D", "tmp d 1777")
    assert done.returncode == 0, done.stderr
    return image


# ---- a volume, to be looked into and damaged ----

SUPER = ["magic", "sum", "version", "block_size", "compat", "ro_compat", "incompat",
         "hash_seed", "nblocks", "ninodes", "log_start", "log_blocks",
         "ibitmap_start", "bbitmap_start", "itable_start",
         "data_start", "orphan_head"]
SUPER_FORMAT = "<QQIIIIIIQIIIIIIII"
INODE = ["mode", "flags", "nlink", "uid", "gid", "size", "blocks", "atime", "mtime", "ctime",
         "atime_nsec", "mtime_nsec", "ctime_nsec", "generation", "next_orphan", "rdev_major",
         "rdev_minor"]
INODE_FORMAT = "<HHIIIQQqqqIIIIIII"
DIR = ["magic", "owner", "level", "r0", "nslots", "heap", "frag", "next", "parent", "nentries",
       "r1"]
DIR_FORMAT = "<IIBBHHHIIII"
MASK = (1 << 64) - 1


def ostiafs_sum(data, start=0):
    h = start ^ 0x9e3779b97f4a7c15
    for (w,) in struct.iter_unpack("<Q", data):
        h ^= w
        h = ((h << 29 | h >> 35) & MASK) * 0xff51afd7ed558ccd & MASK
    return h ^ h >> 32


def fields(names, fmt):
    """{name: (offset, format)} of a packed record."""
    out, at = {}, 0
    for name, code in zip(names, re.sub("<", "", fmt)):
        out[name] = (at, "<" + code)
        at += struct.calcsize("<" + code)
    return out


class Volume:
    """A volume in memory that tests read and damage through the names of the format."""

    def __init__(self, path):
        self.path = path
        self.data = bytearray(path.read_bytes())
        self.super = self.record(0, SUPER, SUPER_FORMAT)

    def record(self, at, names, fmt):
        return dict(zip(names, struct.unpack_from(fmt, self.data, at)))

    def poke(self, at, layout, **changes):
        for name, value in changes.items():
            offset, code = layout[name]
            struct.pack_into(code, self.data, at + offset, value)

    def set_super(self, resum=True, **changes):
        self.poke(0, fields(SUPER, SUPER_FORMAT), **changes)
        if resum:
            self.poke(0, fields(SUPER, SUPER_FORMAT), sum=0)
            self.poke(0, fields(SUPER, SUPER_FORMAT), sum=ostiafs_sum(self.data[:512]))

    def inode_at(self, ino):
        return self.super["itable_start"] * BLOCK + ino * 256

    def inode(self, ino):
        return self.record(self.inode_at(ino), INODE, INODE_FORMAT)

    def set_inode(self, ino, **changes):
        self.poke(self.inode_at(ino), fields(INODE, INODE_FORMAT), **changes)

    def pointer(self, ino, i):
        return struct.unpack_from("<I", self.data, self.inode_at(ino) + 116 + 4 * i)[0]

    def set_pointer(self, ino, i, block):
        struct.pack_into("<I", self.data, self.inode_at(ino) + 116 + 4 * i, block)

    def word(self, block, i):
        return struct.unpack_from("<I", self.data, block * BLOCK + 4 * i)[0]

    def set_word(self, block, i, value):
        struct.pack_into("<I", self.data, block * BLOCK + 4 * i, value)

    def dir_at(self, ino, index=0):
        return self.block_of(ino, index) * BLOCK

    def block_of(self, ino, index):
        if index < 32:
            return self.pointer(ino, index)
        return self.word(self.pointer(ino, 32), index - 32)

    def dirblk(self, ino, index=0):
        return self.record(self.dir_at(ino, index), DIR, DIR_FORMAT)

    def set_dirblk(self, ino, index=0, **changes):
        self.poke(self.dir_at(ino, index), fields(DIR, DIR_FORMAT), **changes)

    def entries(self, ino):
        """{name: (inode, slot offset, record offset, file block)} of a directory."""
        out, pending = {}, [0]
        while pending:
            index = pending.pop()
            head, at = self.dirblk(ino, index), self.dir_at(ino, index)
            for i in range(head["nslots"]):
                if head["level"]:
                    pending.append(struct.unpack_from("<I", self.data, at + 32 + 12 * i + 8)[0])
                    continue
                slot = at + 32 + 8 * i
                record = at + struct.unpack_from("<H", self.data, slot + 6)[0]
                child, _, length = struct.unpack_from("<IBB", self.data, record)
                name = bytes(self.data[record + 6:record + 6 + length]).decode()
                out[name] = (child, slot, record, index)
        return out

    def find(self, path):
        ino = 1
        for part in path.strip("/").split("/"):
            ino = self.entries(ino)[part][0]
        return ino

    def entry(self, path):
        folder, _, name = path.rpartition("/")
        return self.entries(self.find(folder) if folder else 1)[name]

    def bit(self, bitmap, n, value):
        at = self.super[bitmap] * BLOCK + n // 8
        self.data[at] = self.data[at] & ~(1 << n % 8) | value << n % 8

    def save(self):
        self.path.write_bytes(self.data)
