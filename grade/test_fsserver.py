"""The file server on the host: its core beside a model, on disks that fill up and fail; and its routines,
with faked ports."""

import os
import subprocess

import pytest
from fstools import CC, COMMON, FLAGS, ROOT, assert_clean, run, sanitizers, tools

# pylint: disable=redefined-outer-name

# ---- its core, as far as it can be tested without Mach ----

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


# ---- its routines, with faked ports ----

@pytest.fixture(scope="session")
def names(tools):
    """Builds the file server's routines with faked ports; returns the program."""
    build = ROOT / os.environ.get("OSTIA_BUILD", "build")
    server = ROOT / "user/servers/file"
    sources = [p for folder in (server, COMMON) for p in folder.glob("*.c")
               if p.name not in ("main.c", "diskdev.c", "diskread.c", "pager.c", "clock.c", "serve.c")]
    includes = [f"-I{folder}" for folder in (server, COMMON, build / "mig/user", ROOT / "kernel/include")]
    done = subprocess.run([CC, *FLAGS, "-D_GNU_SOURCE", *sanitizers(tools), *includes, "-o",
                           str(tools / "fsnames"), str(ROOT / "grade/fsnames.c"), *map(str, sources)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tools / "fsnames"


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
