"""
mkfs and fsck, on the host: no guest is booted.

The tools are built with the address and undefined-behaviour sanitizers. mkfs builds volumes from
folders with everything in them; fsck must find those clean. Then a corrupter damages a good volume,
one kind of damage a test, and fsck must name it; last, random bytes are flipped and fsck may say
what it likes but must not crash, hang or read outside the image.
"""
import os
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = 4096
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


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """Builds mkfs, fsck and the file server's core with its model test; returns their folder."""
    out = tmp_path_factory.mktemp("mkfs-tools")
    extra = sanitizers(out)
    shared = [p for p in (ROOT / "mkfs").glob("*.c") if p.name not in ("mkfs.c", "mkdisk.c", "fsck.c")]
    server = ROOT / "user/servers/file"
    core = [server / f"{n}.c" for n in ("bcache", "balloc", "inode", "bmap", "dir", "dirtree",
                                        "file", "names", "volume")]
    jobs = {
        "mkfs": [ROOT / "mkfs/mkfs.c", *shared],
        "fsck": [ROOT / "mkfs/fsck.c", *shared],
        "fsmodel": [ROOT / "grade/fsmodel.c", *core],
    }
    flags = [*FLAGS, *extra, "-I", str(server)]
    running = [(name, subprocess.Popen([CC, *flags, "-o", str(out / name), *map(str, sources)],
                                       stderr=subprocess.PIPE, text=True))
               for name, sources in jobs.items()]
    for name, process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, f"{name} does not compile:\n{err}"
    return out


@pytest.fixture(scope="session")
def names(tools):
    """Builds the file server's routines with faked ports; returns the program."""
    build = ROOT / os.environ.get("OSTIA_BUILD", "build")
    server = ROOT / "user/servers/file"
    sources = [p for p in server.glob("*.c") if p.name not in ("main.c", "diskdev.c", "pager.c")]
    includes = [f"-I{folder}" for folder in (server, build / "mig/user", ROOT / "kernel/include")]
    done = subprocess.run([CC, *FLAGS, *sanitizers(tools), *includes, "-o", str(tools / "fsnames"),
                           str(ROOT / "grade/fsnames.c"), *map(str, sources)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tools / "fsnames"


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
def good(tools, folder, tmp_path_factory):
    """A good volume; tests copy it."""
    image = tmp_path_factory.mktemp("img") / "good.img"
    done = run(tools / "mkfs", image, "-d", folder, "-D", "dev/console c 5 1", "-D", "tmp d 1777")
    assert done.returncode == 0, done.stderr
    return image


@pytest.fixture
def image(good, tmp_path):
    """A copy of the good volume to be damaged."""
    path = tmp_path / "fs.img"
    shutil.copyfile(good, path)
    return Volume(path)


# ---- mkfs ----

def test_good_image_is_clean(tools, good):
    assert_clean(tools, good)


def test_same_folder_same_bytes(tools, folder, good, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    (copy / "bin/zsh").unlink()
    os.link(copy / "bin/sh", copy / "bin/zsh")
    again = tmp_path / "again.img"
    done = run(tools / "mkfs", again, "-d", copy, "-D", "tmp d 1777", "-D", "dev/console c 5 1")
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == good.read_bytes()


def test_source_date_epoch(tools, tmp_path):
    image = tmp_path / "t.img"
    assert run(tools / "mkfs", image, env={"SOURCE_DATE_EPOCH": "1234567"}).returncode == 0
    volume = Volume(image)
    assert volume.inode(1)["mtime"] == 1234567


def test_empty_and_small(tools, tmp_path):
    image = tmp_path / "e.img"
    assert run(tools / "mkfs", image, "-s", "512K").returncode == 0
    assert image.stat().st_size == 512 << 10
    assert_clean(tools, image)


def test_spec_file(tools, tmp_path):
    spec = tmp_path / "nodes"
    spec.write_text("# devices\n\ndev/null c 1 3 666\ndev/disk b 8 0 600\ntmp d 1777\n")
    image = tmp_path / "d.img"
    done = run(tools / "mkfs", image, "-D", f"@{spec}")
    assert done.returncode == 0, done.stderr
    assert_clean(tools, image)
    listing = run(tools / "fsmodel", image, "ls").stdout
    assert "c 666 1,3 /dev/null" in listing and "b 600 8,0 /dev/disk" in listing
    assert "d 1777 /tmp" in listing


def test_many_names(tools, tmp_path):
    """A directory of 10,000 names, with an index, read back by the server's core."""
    top = tmp_path / "top"
    (top / "many").mkdir(parents=True)
    for i in range(10000):
        (top / "many" / f"a-name-that-is-longer-{i}").write_bytes(b"")
    image = tmp_path / "many.img"
    assert run(tools / "mkfs", image, "-d", top).returncode == 0
    assert_clean(tools, image)
    listing = run(tools / "fsmodel", image, "ls").stdout
    assert len(re.findall(r"^- 644 0 /many/a-name-that-is-longer-\d+$", listing, re.M)) == 10000


def test_contents_survive(tools, folder, good, tmp_path):
    """The file server's core reads back what mkfs wrote, name by name and byte by byte."""
    out = tmp_path / "out"
    out.mkdir()
    done = run(tools / "fsmodel", good, "extract", out)
    assert done.returncode == 0, done.stderr
    assert run("diff", "-r", "--no-dereference", "-x", "dev", "-x", "tmp", folder, out).stdout == ""
    assert (out / "bin/sh").stat().st_ino == (out / "bin/zsh").stat().st_ino


@pytest.mark.parametrize("argv, words", [
    (["-s", "100K"], "no room"),
    (["-s", "900K", "-d", "FOLDER"], "do not fit"),
    (["-d", "/nonexistent"], "No such file"),
    (["-s", "1Z"], "not a number"),
    (["-D", "dev/x c 1"], "major and a minor"),
    (["-D", "dev/x q 1 1"], "none of"),
    (["-D", "a/../b c 1 1"], "no . or .."),
    (["-i", "3", "-d", "FOLDER"], "inodes"),
])
def test_mkfs_refuses(tools, folder, tmp_path, argv, words):
    image = tmp_path / "no.img"
    done = run(tools / "mkfs", image, *[folder if a == "FOLDER" else a for a in argv])
    assert done.returncode == 1 and words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_fsck_usage(tools, tmp_path):
    assert fsck(tools, tmp_path / "missing").returncode == 2
    assert run(tools / "fsck").returncode == 2
    assert run(tools / "fsck", "-x", "y").returncode == 2


# ---- the corrupter ----

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


def d_magic(v): v.set_super(magic=1)
def d_version(v): v.set_super(version=2)
def d_block_size(v): v.set_super(block_size=1024)
def d_super_sum(v): v.set_super(resum=False, hash_seed=v.super["hash_seed"], sum=5)
def d_feature(v): v.set_super(incompat=1)
def d_nblocks(v): v.set_super(nblocks=v.super["nblocks"] + 1)
def d_areas(v): v.set_super(itable_start=v.super["itable_start"] - 1)
def d_ninodes(v): v.set_super(ninodes=0xfffffff0)
def d_hash_seed(v): v.set_super(hash_seed=v.super["hash_seed"] ^ 1)
def d_super_tail(v): v.data[3000] = 1
def d_log_header(v): v.data[v.super["log_start"] * BLOCK] ^= 1
def d_log_rest(v): v.data[v.super["log_start"] * BLOCK + 100] = 1


def d_log_pending(v):
    at = v.super["log_start"] * BLOCK + BLOCK
    record = bytearray(struct.pack("<IHHQQII", 0x676f4c46, 1, 1, 1, 0, 1, 0) + bytes(BLOCK - 32))
    struct.pack_into("<I", record, 32, v.super["itable_start"])
    total = ostiafs_sum(bytes(BLOCK), ostiafs_sum(record))
    struct.pack_into("<Q", record, 16, total)
    v.data[at:at + BLOCK] = record


def d_inode0(v): v.set_inode(0, mode=0o100644)
def d_type(v): v.set_inode(v.find("etc/motd"), mode=0o30644)
def d_type_entry(v): v.set_inode(v.find("etc/nothing"), mode=0o10644)
def d_flags(v): v.set_inode(v.find("etc/motd"), flags=1)
def d_nsec(v): v.set_inode(v.find("etc/motd"), mtime_nsec=1000000000)
def d_rdev(v): v.set_inode(v.find("etc/motd"), rdev_major=1)
def d_dev_size(v): v.set_inode(v.find("dev/console"), size=1)
def d_size_huge(v): v.set_inode(v.find("sparse"), size=1 << 60)
def d_size_small(v): v.set_inode(v.find("big"), size=4096)
def d_blocks(v): v.set_inode(v.find("big"), blocks=1)
def d_link_size(v): v.set_inode(v.find("etc/short"), size=0)
def d_link_zero(v): v.set_inode(v.find("etc/short"), size=100)
def d_link_block(v): v.set_pointer(v.find("etc/longest"), 0, 0)
def d_link_zero_long(v): v.data[v.pointer(v.find("etc/longest"), 0) * BLOCK + 9] = 0
def d_link_blocks(v): v.set_inode(v.find("etc/short"), blocks=1)
def d_ptr_range(v): v.set_pointer(v.find("etc/motd"), 0, 0xffffff)
def d_ptr_meta(v): v.set_pointer(v.find("etc/motd"), 0, v.super["itable_start"])
def d_ptr_indirect(v): v.set_word(v.pointer(v.find("big"), 32), 7, 3)
def d_dup_other(v): v.set_pointer(v.find("etc/motd"), 0, v.pointer(v.find("big"), 0))
def d_dup_same(v): v.set_pointer(v.find("big"), 1, v.pointer(v.find("big"), 0))


def d_ind_cycle(v):
    block = v.pointer(v.find("sparse"), 33)
    v.set_word(block, 0, block)


def d_lost_block(v): v.set_pointer(v.find("etc/motd"), 0, 0)
def d_free_not_empty(v): v.set_inode(v.super["ninodes"] - 1, size=1)
def d_free_used(v): v.set_inode(v.find("etc/motd"), mode=0)
def d_root_gone(v): v.set_inode(1, mode=0o100755)
def d_dir_size(v): v.set_inode(v.find("etc"), size=100)
def d_dir_hole(v): v.set_inode(v.find("etc"), size=8192)
def d_dir_magic(v): v.set_dirblk(v.find("etc"), magic=0)
def d_dir_owner(v): v.set_dirblk(v.find("etc"), owner=1)
def d_dir_level(v): v.set_dirblk(v.find("etc"), level=9)
def d_dir_heap(v): v.set_dirblk(v.find("etc"), heap=36)
def d_dir_frag(v): v.set_dirblk(v.find("etc"), frag=4)
def d_dir_nslots(v): v.set_dirblk(v.find("etc"), nslots=2)
def d_dir_nslots_huge(v): v.set_dirblk(v.find("etc"), nslots=60000)
def d_dir_nentries(v): v.set_dirblk(v.find("etc"), nentries=1)
def d_dir_parent(v): v.set_dirblk(v.find("etc"), parent=5)
def d_dir_next(v): v.set_dirblk(v.find("etc"), next=1)
def d_leaf_next(v): v.set_dirblk(v.find("many"), 3, next=1)
def d_leaf_root(v): v.set_dirblk(v.find("many"), 3, nentries=1)
def d_leaf_level(v): v.set_dirblk(v.find("many"), 3, level=1)
def d_index_slots(v): v.set_dirblk(v.find("many"), nslots=0)


def index_slot(v, i, **changes):
    at = v.dir_at(v.find("many")) + 32 + 12 * i
    v.poke(at, {"hash": (0, "<I"), "seq": (4, "<H"), "child": (8, "<I")}, **changes)


def d_index_order(v): index_slot(v, 3, hash=0)
def d_index_first(v): index_slot(v, 0, seq=1)
def d_index_range(v): index_slot(v, 3, child=100000)
def d_index_twice(v): index_slot(v, 3, child=1)
def d_index_cycle(v): index_slot(v, 3, child=0)


def slot(v, path, **changes):
    v.poke(v.entry(path)[1], {"hash": (0, "<I"), "seq": (4, "<H"), "off": (6, "<H")}, **changes)


def record(v, path, **changes):
    v.poke(v.entry(path)[2], {"ino": (0, "<I"), "type": (4, "<B"), "len": (5, "<B")}, **changes)


def rename_in_place(v, path, new):
    at = v.entry(path)[2] + 6
    v.data[at:at + len(new)] = new


def d_slot_hash(v): slot(v, "many/file7", hash=0)
def d_slot_off(v): slot(v, "many/file7", off=40)
def d_slot_off_odd(v): slot(v, "many/file7", off=v.entry("many/file7")[2] % BLOCK + 1)
def d_slot_off_end(v): slot(v, "many/file7", off=4092)


def d_slot_overlap(v):
    names = [n for n, e in v.entries(v.find("many")).items() if e[3] == 1]
    slot(v, f"many/{names[0]}", off=v.entry(f"many/{names[1]}")[2] % BLOCK)


def d_name_slash(v): rename_in_place(v, "etc/motd", b"mo/d")
def d_name_zero(v): rename_in_place(v, "etc/motd", b"mo\0d")
def d_name_changed(v): rename_in_place(v, "etc/motd", b"mota")


def d_name_dots(v):
    at = v.entry("etc/motd")[2]
    v.data[at + 5] = 2
    v.data[at + 6:at + 8] = b".."


def d_name_empty(v): record(v, "etc/motd", len=0)
def d_entry_ino_range(v): record(v, "etc/motd", ino=0xffffffff)
def d_entry_ino_zero(v): record(v, "etc/motd", ino=0)
def d_entry_ino_free(v): record(v, "etc/motd", ino=v.super["ninodes"] - 1)
def d_entry_type(v): record(v, "etc/motd", type=4)
def d_entry_other(v): record(v, "etc/motd", ino=v.find("etc/nothing"))
def d_dir_twice(v): record(v, "etc/motd", ino=v.find("empty"), type=4)
def d_dir_root_again(v): record(v, "etc/motd", ino=1, type=4)


def d_dir_cycle(v):
    """deep/d0 moves into its own grandchild: nothing leads there from the root any more."""
    deep, inner = v.find("deep"), v.find("deep/d0/d1/d2")
    mine = v.entry("deep")
    other = v.entries(inner)["d3"]
    a, b = struct.unpack_from("<I", v.data, mine[2])[0], other[0]
    struct.pack_into("<I", v.data, mine[2], b)
    struct.pack_into("<I", v.data, other[2], a)
    v.set_dirblk(deep, parent=inner)
    v.set_dirblk(b, parent=1)


def d_same_name_twice(v):
    """Two entries of one leaf get the same hash and name."""
    at = v.dir_at(v.find("etc"))
    first, second = at + 32, at + 40
    v.data[second:second + 4] = v.data[first:first + 4]
    v.data[second + 4] = 1
    a = at + struct.unpack_from("<H", v.data, first + 6)[0]
    b = at + struct.unpack_from("<H", v.data, second + 6)[0]
    length = min(v.data[a + 5], v.data[b + 5])
    v.data[a + 5] = v.data[b + 5] = length
    v.data[b + 6:b + 6 + length] = v.data[a + 6:a + 6 + length]


def d_nlink_more(v): v.set_inode(v.find("bin/sh"), nlink=3)
def d_nlink_less(v): v.set_inode(v.find("bin/sh"), nlink=1)
def d_nlink_dir(v): v.set_inode(v.find("deep"), nlink=2)
def d_nlink_root(v): v.set_inode(1, nlink=1)
def d_unreachable(v): v.set_inode(v.super["ninodes"] - 1, mode=0o100644, nlink=1)
def d_orphan_range(v): v.set_super(orphan_head=0xfffffff)
def d_orphan_free(v): v.set_super(orphan_head=v.super["ninodes"] - 1)
def d_orphan_linked(v): v.set_super(orphan_head=v.find("etc/motd"))


def d_orphan_cycle(v):
    ino = v.super["ninodes"] - 1
    v.set_inode(ino, mode=0o100644, nlink=0, next_orphan=ino)
    v.set_super(orphan_head=ino)


def d_orphan_stray(v): v.set_inode(v.find("etc/motd"), next_orphan=9)
def d_ibit_used(v): v.bit("ibitmap_start", v.super["ninodes"] - 1, 1)
def d_ibit_free(v): v.bit("ibitmap_start", 1, 0)
def d_ibit_zero(v): v.bit("ibitmap_start", 0, 0)
def d_ibit_tail(v): v.bit("ibitmap_start", v.super["ninodes"], 0)
def d_bbit_used(v): v.bit("bbitmap_start", v.super["nblocks"] - 1, 1)
def d_bbit_free(v): v.bit("bbitmap_start", v.pointer(1, 0), 0)
def d_bbit_meta(v): v.bit("bbitmap_start", 0, 0)
def d_bbit_tail(v): v.bit("bbitmap_start", v.super["nblocks"], 0)


DAMAGE = {
    d_magic: "no Ostia file system", d_version: "version 2", d_block_size: "blocks of 1024",
    d_super_sum: "checksum", d_feature: "features", d_nblocks: "but the image has",
    d_areas: "areas overlap", d_ninodes: "areas overlap", d_hash_seed: "wrong hash",
    d_super_tail: "reserved bytes", d_log_header: "log: its header", d_log_rest: "log: reserved",
    d_log_pending: "transaction 1 has not been recovered",
    d_inode0: "inode 0", d_type: "no known type", d_type_entry: "says type 10, but .* is of type 1",
    d_flags: "reserved fields", d_nsec: "nanoseconds", d_rdev: "not a device",
    d_dev_size: "device or pipe with a size", d_size_huge: "more than a file",
    d_size_small: "past the end",
    d_blocks: "says it has 1 blocks", d_link_size: "symbolic link of 0", d_link_zero: "zero byte",
    d_link_block: "without its block", d_link_zero_long: "zero byte",
    d_link_blocks: "claims 1 blocks",
    d_ptr_range: "outside the data area", d_ptr_meta: "outside the data area",
    d_ptr_indirect: "outside the data area", d_dup_other: "also belongs", d_dup_same: "in it twice",
    d_ind_cycle: "in it twice", d_lost_block: "says it has 1 blocks, but has 0",
    d_free_not_empty: "is free, but not empty", d_free_used: "which is free",
    d_root_gone: "should be the root", d_dir_size: "no size for a directory",
    d_dir_hole: "a directory of 2 blocks that has 1", d_dir_magic: "not a block of this",
    d_dir_owner: "not a block of this", d_dir_level: "has level 9", d_dir_heap: "do not fit",
    d_dir_frag: "lie idle", d_dir_nslots: "lie idle", d_dir_nslots_huge: "do not fit",
    d_dir_nentries: "says it has 1 entries", d_dir_parent: "says 5", d_dir_next: "comes after it",
    d_leaf_next: "says 1 comes after it", d_leaf_root: "claims to be a root",
    d_leaf_level: "has level 1",
    d_index_slots: "header makes no sense", d_index_order: "out of order",
    d_index_first: "out of order", d_index_range: "past its end", d_index_twice: "twice",
    d_index_cycle: "twice",
    d_slot_hash: "wrong hash", d_slot_off: "not in the heap", d_slot_off_odd: "not in the heap",
    d_slot_off_end: "not in the heap", d_slot_overlap: "over another",
    d_name_slash: "not a name", d_name_zero: "not a name", d_name_changed: "wrong hash",
    d_name_dots: "not a name", d_name_empty: "not a name",
    d_entry_ino_range: "does not exist", d_entry_ino_zero: "does not exist",
    d_entry_ino_free: "which is free", d_entry_type: "says type",
    d_entry_other: "no directory names it",
    d_dir_twice: "is in directory", d_dir_root_again: "names the root",
    d_dir_cycle: "cannot be reached", d_same_name_twice: "is in it twice",
    d_nlink_more: "says it has 3 links, but has 2", d_nlink_less: "says it has 1 links, but has 2",
    d_nlink_dir: "but has 3", d_nlink_root: "says it has 1 links",
    d_unreachable: "no directory names it", d_orphan_range: "not in use",
    d_orphan_free: "not in use",
    d_orphan_linked: "has links", d_orphan_cycle: "circle", d_orphan_stray: "points to an orphan",
    d_ibit_used: "nothing uses it", d_ibit_free: "is in use", d_ibit_zero: "is in use",
    d_ibit_tail: "past the end", d_bbit_used: "nothing uses it", d_bbit_free: "is in use",
    d_bbit_meta: "is in use", d_bbit_tail: "past the end",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda d: d.__name__[2:])
def test_damage_is_found(tools, image, damage):
    damage(image)
    image.save()
    done = fsck(tools, image.path)
    assert done.returncode == 1, done.stdout
    assert re.search(DAMAGE[damage], done.stdout), done.stdout


def test_every_damage_is_in_the_table():
    assert {n for n, f in globals().items() if n.startswith("d_")} == {d.__name__ for d in DAMAGE}


def test_truncated_images(tools, good, tmp_path):
    data = good.read_bytes()
    for size in (0, 1, 511, 4095, 4096, 8192, len(data) // 2, len(data) - 1):
        path = tmp_path / "short.img"
        path.write_bytes(data[:size])
        assert fsck(tools, path).returncode == 1


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bytes_never_crash(tools, good, tmp_path, seed):
    """A few bytes of metadata change at random, with a superblock whose sum is made good again."""
    rng = random.Random(seed)
    for _ in range(10):
        path = tmp_path / "flip.img"
        shutil.copyfile(good, path)
        v = Volume(path)
        areas = [(0, 128), (v.super["itable_start"] * BLOCK, v.super["data_start"] * BLOCK),
                 (v.super["data_start"] * BLOCK, len(v.data)),
                 (v.dir_at(v.find("many")), v.dir_at(v.find("many")) + 600),
                 (v.inode_at(1), v.inode_at(12)),
                 (v.dir_at(1), v.dir_at(1) + 200)]
        for _ in range(rng.choice((1, 2, 8, 60))):
            low, high = rng.choice(areas)
            v.data[rng.randrange(low, high)] = rng.randrange(256)
        v.set_super(resum=rng.random() < 0.9)
        v.save()
        fsck(tools, path)
        model = run(tools / "fsmodel", path, "abuse", rng.randrange(1 << 30))
        assert model.returncode in (0, 1) and "Sanitizer" not in model.stderr \
            and "runtime error" not in model.stderr, model.stderr[-3000:]


# ---- the file server's core, as far as it can be tested without Mach ----

@pytest.mark.parametrize("seed", range(6))
def test_core_against_model(tools, tmp_path, seed):
    """Thousands of random operations on a volume and on a folder of the host give the same answers;
    at the end, and after every sync, the volume is clean."""
    image = tmp_path / "model.img"
    assert run(tools / "mkfs", image, "-s", "24M", "-i", "2000").returncode == 0
    host = tmp_path / "host"
    host.mkdir()
    done = run(tools / "fsmodel", image, "model", host, seed, 3000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(tools, image)


def test_core_large_directory(tools, tmp_path):
    image = tmp_path / "dir.img"
    assert run(tools / "mkfs", image, "-s", "64M", "-i", "60000").returncode == 0
    done = run(tools / "fsmodel", image, "bigdir", 20000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(tools, image)


def test_core_large_file(tools, tmp_path):
    """Writes at 0, 5 GiB and 3.9 TiB of one sparse file, and reads them back."""
    image = tmp_path / "file.img"
    assert run(tools / "mkfs", image, "-s", "4M").returncode == 0
    done = run(tools / "fsmodel", image, "bigfile")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(tools, image)


def test_core_full_volume(tools, tmp_path):
    """Every operation that needs a block or an inode fails cleanly when there is none."""
    image = tmp_path / "full.img"
    assert run(tools / "mkfs", image, "-s", "1M", "-i", "200").returncode == 0
    done = run(tools / "fsmodel", image, "full")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(tools, image)


def test_core_write_errors(tools, tmp_path):
    """A disk that fails at random: errors are reported, nothing crashes, and once it works again
    the volume can be synced and is clean."""
    image = tmp_path / "err.img"
    assert run(tools / "mkfs", image, "-s", "8M").returncode == 0
    for seed in range(4):
        done = run(tools / "fsmodel", image, "faults", seed, 2000)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_clean(tools, image)


def test_core_orphans_reclaimed(tools, tmp_path):
    """Files unlinked while open, then a crash: the volume is good, and a mount frees them."""
    image = tmp_path / "orphan.img"
    assert run(tools / "mkfs", image, "-s", "8M").returncode == 0
    done = run(tools / "fsmodel", image, "orphans")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(tools, image)


# ---- the file server's routines, with faked ports ----

def test_server_routines(tools, names, tmp_path):
    """Offsets, access modes, attributes, devices, directories: the cases one by one."""
    image = tmp_path / "s.img"
    assert run(tools / "mkfs", image, "-s", "4M").returncode == 0
    done = run(names, image)
    assert done.returncode == 0, done.stderr
    assert_clean(tools, image)


@pytest.mark.parametrize("seed", range(1, 5))
def test_server_paths_against_host(tools, names, tmp_path, seed):
    """Random paths with links, dots and slashes: each call succeeds where the host's does."""
    image = tmp_path / "p.img"
    host = tmp_path / "host"
    host.mkdir()
    assert run(tools / "mkfs", image, "-s", "8M", "-i", "3000").returncode == 0
    done = run(names, image, host, seed, 4000)
    assert done.returncode == 0, done.stderr
    assert_clean(tools, image)
