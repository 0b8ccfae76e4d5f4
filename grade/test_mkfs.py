"""mkfs: volumes from folders with everything in them, which fsck finds clean, and what it refuses."""

import os
import re
import shutil

import pytest
from fstools import Volume, assert_clean, folder, fsck, good, run, tools

# pylint: disable=redefined-outer-name


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
