"""Disks that cannot be written, fail in places, or are slow (QEMU does that): programs get a clear error,
what was there can be read, and what the disk then holds is good; who needs no disk does not wait for it."""

import shutil

import pytest
from fstools import BLOCK, ROOT, Volume, run, tools
from harness import BUILD, Qemu

# pylint: disable=redefined-outer-name, unused-import

FIRST = 256             # block of the disk where mkdisk puts the file system
SECTORS = BLOCK // 512
PROGRAMS = ("init", "sh", "cat", "echo", "ls", "sleep")


@pytest.fixture
def disk(tools, tmp_path):
    """A disk with a few files; returns its path and the volume's."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(BUILD / "root/bin" / name, root / "bin")
    (root / "good").write_text("all is well\n")
    (root / "bad").write_text("nobody reads this\n" * 300)
    image = tmp_path / "fs.img"
    done = run(tools / "mkfs", image, "-s", "6M", "-d", root, "-D", f"@{ROOT}/user/devices")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "disk.img"
    assert run(BUILD / "host/mkdisk", path, image, "1M").returncode == 0
    return path, image


def boot(*blockdev):
    """Boots with that disk, to the prompt."""
    qemu = Qemu(disk=None, extra=["-blockdev", ",".join(["node-name=hd0", *blockdev]),
                                  "-device", "virtio-blk-device,drive=hd0"])
    qemu.prompt()
    return qemu


def failing(path, what, block):
    """A disk on which `what` (read, write) fails at a block of the volume."""
    return ("driver=blkdebug", "image.driver=file", f"image.filename={path}",
            "inject-error.0.event=none", f"inject-error.0.iotype={what}", "inject-error.0.errno=5",
            f"inject-error.0.sector={(FIRST + block) * SECTORS}")


def recovered(tools, path, image):
    """The volume on the disk, after fsck has recovered it and found it clean."""
    size = image.stat().st_size
    after = image.with_suffix(".after")
    after.write_bytes(path.read_bytes()[FIRST * BLOCK:FIRST * BLOCK + size])
    done = run(tools / "fsck", "-r", after)
    assert done.returncode == 0, done.stdout
    return Volume(after)


def test_read_only_disk(disk):
    path, _ = disk
    before = path.read_bytes()
    with boot("driver=file", f"filename={path}", "read-only=on") as qemu:
        assert "all is well" in qemu.run("cat /good")
        assert "Read-only file system" in qemu.run("echo x > /new")
        assert "all is well" in qemu.run("echo x > /good; cat /good")
    assert path.read_bytes() == before


def test_read_only_disk_after_a_crash(tools, disk, tmp_path):
    """What the log holds is served, though it cannot be brought home."""
    path, image = disk
    clean = tmp_path / "c.img"
    shutil.copyfile(image, clean)
    done = run(tools / "fscrash", "load", clean, tmp_path / "log", 4, 0, 0)
    assert done.returncode == 0, done.stderr
    for seed in range(1000): # most of what is recorded fills the disk, with nothing in the log
        done = run(tools / "fscrash", "image", image, tmp_path / "log", 0, seed, tmp_path / "crashed")
        assert done.returncode == 0, done.stderr
        if "has not been recovered" in run(tools / "fsck", tmp_path / "crashed").stdout:
            break
    else:
        pytest.fail("no cut leaves a transaction in the log")
    assert run(BUILD / "host/mkdisk", path, tmp_path / "crashed", "1M").returncode == 0
    with boot("driver=file", f"filename={path}", "read-only=on") as qemu:
        assert "file: recovers from the log" in qemu.output
        assert "all is well" in qemu.run("cat /good")
        assert "n1" in qemu.run("ls /")


def test_unreadable_block(disk):
    """One file's block cannot be read: that file has an error, all others do not."""
    path, image = disk
    volume = Volume(image)
    block = volume.pointer(volume.find("bad"), 1)
    with boot(*failing(path, "read", block)) as qemu:
        assert "error" in qemu.run("cat /bad").lower()
        assert "all is well" in qemu.run("cat /good")
        # Several at once: each of those has it, and nobody else.
        output = qemu.run("cat /bad | cat & cat /bad | cat & cat /good & cat /bad | cat & wait")
        assert output.lower().count("error") == 3 and output.count("all is well") == 1
        assert "works" in qemu.run("echo works > /new; cat /new")


def test_unwritable_log(tools, disk):
    """Commits fail: changes are refused from then on, with EIO, and reading goes on. The disk keeps what it
    had."""
    path, image = disk
    with boot(*failing(path, "write", 1 + 1)) as qemu:
        for i in range(30): # until a commit has been tried
            output = qemu.run(f"echo x > /new{i}; sleep 1")
            if output:
                break
        assert "error" in output.lower()
        assert "all is well" in qemu.run("cat /good")
        assert "error" in qemu.run("echo y > /other").lower()
    volume = recovered(tools, path, image)
    assert "new0" not in volume.entries(1) and "good" in volume.entries(1)


def test_slow_disk(tools, tmp_path):
    """Three processes read from a disk that does 20 requests a second; a fourth reads on in memory."""
    root = tmp_path / "root"
    (root / "tests").mkdir(parents=True)
    (root / "bin").mkdir(parents=True)
    shutil.copy(BUILD / "root/tests/posix_cold", root / "tests")
    for name in ("sh", "rm"):
        shutil.copy(BUILD / "root/bin" / name, root / "bin")
    for file in range(3): # posix_cold.c: fill
        (root / f"cold.{file}").write_bytes(b"".join(bytes([ord("a") + i % 26]) * BLOCK for i in range(80)))
    image = tmp_path / "fs.img"
    assert run(tools / "mkfs", image, "-s", "16M", "-d", root, "-D", f"@{ROOT}/user/devices").returncode == 0
    disk = tmp_path / "disk.img"
    assert run(BUILD / "host/mkdisk", disk, image, "1M").returncode == 0
    case = "who_needs_no_disk_does_not_wait_for_a_slow_one"
    with Qemu(args=f"test=posix_cold cold.slow=1 test.only={case}", disk=None,
              extra=["-object", "throttle-group,id=slow,x-iops-total=20",
                     "-blockdev", "driver=throttle,node-name=hd0,throttle-group=slow,file.driver=file,"
                                  f"file.filename={disk}",
                     "-device", "virtio-blk-device,drive=hd0"]) as qemu:
        qemu.until(lambda: qemu.is_off(0.05), 120, "end of the program")
        assert f"ok {case}" in qemu.grade_log().text, qemu.report()
        assert "not ok" not in qemu.grade_log().text, qemu.report()
