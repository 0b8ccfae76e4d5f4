"""fsck: a corrupter damages a good volume, one kind of damage a test, and fsck must name it; last, random
bytes are flipped, and fsck may say what it likes but must not crash, hang or read outside the image."""

import random
import re
import shutil
import struct

import pytest
from fstools import BLOCK, Volume, folder, fsck, good, ostiafs_sum, run, tools

# pylint: disable=redefined-outer-name, unused-import


@pytest.fixture
def image(good, tmp_path):
    """A copy of the good volume to be damaged."""
    path = tmp_path / "fs.img"
    shutil.copyfile(good, path)
    return Volume(path)


# ---- the damages ----

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
