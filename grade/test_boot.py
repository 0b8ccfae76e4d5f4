"""The boot, from the outside: it reaches a prompt, and where it cannot it says why in one line."""

import time

import pytest
from harness import BUILD, GuestError


@pytest.mark.parametrize("cpus", [1, 2, 3, 4, 8])
def test_prompt(boot, cpus):
    """Every number of CPUs the interrupt controller can address boots to a shell that answers."""
    machine = boot(cpus=cpus)
    machine.prompt()
    assert machine.run("echo hello") == "hello\n"


def test_shared_system(system):
    """The shell runs one command after the other."""
    assert system.run("echo one; echo two") == "one\ntwo\n"
    assert system.run("echo three | cat") == "three\n"


def test_64_mib(boot):
    """The system runs in 64 MiB."""
    machine = boot(mem="64M")
    machine.prompt()
    assert machine.run("echo small") == "small\n"


def test_deterministic(boot):
    """Two boots under icount take the same instructions and the same memory, to the last one. (The
    disk answers at moments of its own, so these have none.)"""
    seen = set()
    for _ in range(2):
        machine = boot(icount=True, disk=None, initrd=BUILD / "boot-test.tar",
                       args="test=no_such_program")
        machine.until(lambda m=machine: m.is_off(0.05), 20, "power-off")
        log = machine.grade_log()
        seen.add((log.now, log.idle_now, log.idle_insns, log.kernel_bytes))
    assert len(seen) == 1


def test_quick(boot):
    """The prompt comes within 40,000,000 instructions."""
    machine = boot(icount=True)
    machine.prompt()
    machine.run("echo settled")
    assert 0 < machine.grade_log().idle_insns < 40_000_000


def test_wall_time(boot):
    """The best of three boots takes less than a second of this host's time, more on a loaded one."""
    times = []
    for _ in range(3):
        begin = time.monotonic()
        machine = boot(cpus=1)
        machine.prompt()
        times.append(time.monotonic() - begin)
        machine.close()
    assert min(times) < 3, f"boots took {times} s"


def one_line(machine, *words, limit=20):
    """The console comes to show one line with all of these words."""
    pattern = "(?i)" + "".join(f"(?=[^\n]*{word})" for word in words) + r"[^\n]*\n"
    return machine.expect(pattern, limit).group(0)


def test_no_disk(boot):
    """Without a disk, a line says so."""
    one_line(boot(disk=None), "disk")


def test_corrupt_disk(boot, tmp_path):
    """With an image that holds no file system, a line says so."""
    image = tmp_path / "fs.img"
    image.write_bytes(b"\xa5" * (4 << 20))
    one_line(boot(disk=image), "file system|superblock|magic")


def test_damaged_root(boot, tmp_path):
    """With a superblock that contradicts the disk's size, a line says so."""
    image = tmp_path / "fs.img"
    image.write_bytes((BUILD / "fs.img").read_bytes()[:64 << 10])
    one_line(boot(disk=image), "file system|superblock|size|blocks")


def test_too_little_memory(boot):
    """With too little memory, a line says how much is there or needed."""
    one_line(boot(mem="8M"), "memory|MiB")


def test_no_archive(boot):
    """Without a boot archive, a line says so."""
    one_line(boot(initrd=None), "archive|initrd")


def test_garbage_archive(boot, tmp_path):
    """A boot archive that is none is told, not believed."""
    archive = tmp_path / "boot.tar"
    archive.write_bytes(bytes(range(256)) * 64)
    one_line(boot(initrd=archive), "archive|bootstrap")


def test_nonce_is_hidden(boot):
    """The run's nonce reaches the log and nothing that is printed."""
    machine = boot()
    machine.prompt()
    assert machine.grade_log().nonce == machine.nonce
    assert f"{machine.nonce:016x}" not in machine.output


def test_console_text_is_no_verdict(boot):
    """Reports typed or printed at the console leave the grading log empty, and a plain boot has no port
    to write to it."""
    machine = boot()
    machine.prompt()
    machine.run("echo ok everything; echo end mach_port")
    assert machine.grade_log().text == ""


def test_power_off_is_seen(boot):
    """A run that ends is told from one that waits, and its memory can still be read."""
    machine = boot(args="test=no_such_program", initrd=BUILD / "boot-test.tar")
    machine.until(lambda: machine.is_off(0.05), 20, "power-off after a test that does not exist")
    assert machine.grade_log().nonce == machine.nonce
    with pytest.raises(GuestError):
        machine.expect("never")
