"""The time of day, from the outside: it is what the machine's real-time clock says, root sets it, and a
machine without the clock begins with 1970. (user/tests/posix_clock.c has the rest.)"""

import subprocess

from harness import QEMU, RTC, RTC_BASE, machine

LIMIT = 200  # guest seconds, of which a test sets some


def test_date(boot):
    """date tells the machine's time, to the minute; date -s sets it, and the machine's too."""
    guest = boot(cpus=1)
    guest.prompt()
    assert guest.run("date +%Y-%m-%dT%H").strip() == RTC_BASE[:13]
    assert guest.run("date -s '2026-01-02 03:05:30' +%T; date +%H:%M", LIMIT) == "03:05:30\n03:05\n"
    assert guest.guest_time() % 3600 in range(5 * 60 + 30, 7 * 60), hex(RTC)
    assert guest.run("touch /tmp/f; date -r /tmp/f +%F.%H:%M", LIMIT) == "2026-01-02.03:05\n"
    assert guest.run("date -s yesterday; echo $?", LIMIT).endswith("yesterday: is no time\n1\n")


def test_no_clock(boot, tmp_path):
    """A machine in whose device tree there is no real-time clock counts from the epoch."""
    blob = tmp_path / "virt.dtb"
    subprocess.run([QEMU, "-M", f"{machine()},dumpdtb={blob}", "-cpu", "cortex-a72", "-smp", "1",
                    "-m", "128M", "-display", "none", "-nic", "none"], check=True, capture_output=True)
    tree = blob.read_bytes()
    assert tree.count(b"arm,pl031\0") == 1
    blob.write_bytes(tree.replace(b"arm,pl031\0", b"arm,plxxx\0"))
    guest = boot(cpus=1, extra=["-dtb", str(blob)])
    guest.prompt()
    assert guest.run("date +%Y-%m-%d.%H") == "1970-01-01.00\n"
    assert guest.run("date -s '2001-02-03 04:05:06' +%F; date +%F.%H:%M") == "2001-02-03\n2001-02-03.04:05\n"
