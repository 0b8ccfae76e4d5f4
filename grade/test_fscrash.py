"""The power goes while files are being changed: in hundreds of moments, with writes that the disk had not
been told to keep lost, torn or out of order. After recovery the file system must be clean, hold everything
that an fsync or sync had returned for, and for the rest be as it was after one of the operations since:
never in between, never with another file's bytes.

The disk's writes are recorded once (grade/fscrash.c, or QEMU's blklogwrites driver while the guest works),
and each crash is made from the record. What was done is told in it, see user/tests/crash_load.h; the model of
a file system below says what that means."""

import bisect
import re
import shutil

import pytest
from fstools import BLOCK, ROOT, fsck, run, tools
from harness import BUILD, Qemu

# pylint: disable=redefined-outer-name, unused-import

KINDS = ("everything", "replace", "large", "directories", "reuse")


class Node:
    """A file, a directory or a symbolic link. What it holds after each operation that changed it."""

    def __init__(self, kind, number, length=0):
        self.kind, self.number, self.length = kind, number, length
        self.ops = [number]
        self.units = [[]]        # after each of ops: of each unit of a file, who wrote it; 0: zeros
        self.writes = {}         # operation: (first unit, behind the last)
        self.truncations = []

    def change(self, op, units):
        self.ops.append(op)
        self.units.append(units)

    def at(self, op):
        return self.units[bisect.bisect_right(self.ops, op) - 1]


class Model:
    """The tree after each operation. states[i]: {path: node}, told[i]: the marks until i was done for."""

    def __init__(self, marks):
        self.states = [{}]
        self.issued = [0]        # by number of marks: the operation that was begun last
        self.promised = [0]      # and the last that must survive
        now = {}
        issued = promised = 0
        pending = None
        for mark in marks:
            words = mark.split()
            if words[0] == "start":
                pass
            elif words[0] != "=":
                pending = (int(words[0]), words[1], words[2], words[3], int(words[4]), int(words[5]))
                issued = pending[0]
            else:
                assert words[1] == "0", (pending, mark)
                now = self.step(now, *pending)
                self.states.append(now)
                if pending[1] in ("sync", "fsync"):
                    promised = pending[0]
            self.issued.append(issued)
            self.promised.append(promised)
        if pending and len(self.states) <= pending[0]:
            self.states.append(self.step(now, *pending)) # the guest was cut off: it may be done

    @staticmethod
    def step(now, op, what, path, other, a, b):
        now = dict(now)
        node = now.get(path)
        if what == "create":
            now[path] = Node("f", op)
        elif what == "mkdir":
            now[path] = Node("d", op)
        elif what == "symlink":
            now[path] = Node("l", op, a)
        elif what == "link":
            now[other] = node
        elif what in ("unlink", "rmdir"):
            del now[path]
        elif what == "rename":
            now[other] = now.pop(path)
            for below in [p for p in now if p.startswith(path + "/")]:
                now[other + below[len(path):]] = now.pop(below)
        elif what == "write":
            units = list(node.at(op))
            units += [0] * (a + b - len(units))
            units[a:a + b] = [op] * b
            node.change(op, units)
            node.writes[op] = (a, a + b)
        elif what == "truncate":
            units = node.at(op)[:a]
            node.change(op, units + [0] * (a - len(units)))
            node.truncations.append(op)
        return now

    def wrong(self, found, op, last):
        """Why `found` is not the state after operation `op`, when `last` was begun: contents of files may be
        newer. None: it is."""
        state = self.states[op]
        if state.keys() != found.keys():
            return f"names: {sorted(state.keys() ^ found.keys())[:4]}"
        for path, (kind, nlink, contents) in found.items():
            node = state[path]
            if kind != node.kind:
                return f"{path}: is {kind}"
            if kind == "l":
                if contents != node.length:
                    return f"{path}: a link of {contents}"
                continue
            if kind == "d":
                links = 2 + sum(n.kind == "d" and p.startswith(path + "/") for p, n in state.items())
            else:
                links = sum(n is node for n in state.values())
            if nlink != links:
                return f"{path}: {nlink} links, not {links}"
            if kind == "f":
                why = self.wrong_contents(node, contents, op, last)
                if why:
                    return f"{path}: {why}"
        return None

    @staticmethod
    def wrong_contents(node, runs, op, last):
        expected = node.at(op)
        at = 0
        for file, writer, count in runs:
            for unit in range(at, min(at + count, len(expected))):
                if writer == expected[unit] and file in (node.number, 0):
                    continue
                first, end = node.writes.get(writer, (0, 0))
                if writer > op and writer <= last and file == node.number and first <= unit < end:
                    continue
                if writer == 0 and any(op < t <= last for t in node.truncations):
                    continue
                return f"unit {unit} is {file}:{writer}, not {node.number}:{expected[unit]}"
            at += count
        return None if at == len(expected) else f"{at} units, not {len(expected)}"


def plain(line):
    """Long names are made of Ls."""
    return re.sub(r"L+", "", line)


def judge(output):
    """Looks at what `fscrash cut` printed. Returns the number of cuts, and what is wrong with any of them."""
    lines = plain(output).splitlines()
    model = Model([line[5:] for line in lines if line.startswith("mark ")])
    cuts, wrong, recovered = 0, [], 0
    found = marks = None
    for line in lines:
        words = line.split()
        if line.startswith("cut "):
            cuts += 1
            marks, found = int(words[3]), {}
        elif line.startswith("say recovers"):
            recovered += 1
        elif words[0] in ("d", "l"):
            found[words[1]] = (words[0], int(words[2]), int(words[2]))
        elif words[0] == "f":
            if any(w.startswith("bad") for w in words):
                wrong.append(f"cut {cuts}: {line[:200]}")
            runs = [tuple(map(int, re.split("[:*]", w))) for w in words[3:] if not w.startswith("bad")]
            found[words[1]] = ("f", int(words[2]), runs)
        elif words[0] == "unmount":
            first, last = model.promised[marks], model.issued[marks]
            reasons = []
            for op in range(min(last, len(model.states) - 1), first - 1, -1):
                reasons.append(f"{op}: {model.wrong(found, op, last)}")
                if reasons[-1].endswith(": None"):
                    break
            else:
                wrong.append(f"cut {cuts} (promised {first}, begun {last}): " + "; ".join(reasons[:6]))
            if words[1] != "0":
                wrong.append(f"cut {cuts}: unmount failed with {words[1]}")
        elif words[0] == "mount" or (words[0] == "fsck" and words[1] != "0"):
            wrong.append(f"cut {cuts}: {line}")
    return cuts, recovered, wrong


CORE_CUTS = 120 # of each: 1,200


@pytest.mark.parametrize("log_blocks", (64, 200))
@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_core_crashes(tools, tmp_path, kind, log_blocks):
    """Through the core on the host: a log so small that it goes round all the time, and a larger one."""
    image = tmp_path / "c.img"
    size = "1500K" if KINDS[kind] == "reuse" else "4M"
    assert run(tools / "mkfs", image, "-s", size, "-i", "600", "-l", log_blocks).returncode == 0
    done = run(tools / "fscrash", "load", image, tmp_path / "log", kind, 7 + log_blocks, 1200)
    assert done.returncode == 0, done.stderr
    done = run(tools / "fscrash", "cut", image, tmp_path / "log", 0, "/", kind, CORE_CUTS)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    cuts, recovered, wrong = judge(done.stdout)
    assert not wrong, "\n".join(wrong[:10])
    assert cuts == CORE_CUTS and recovered > 5


# ---- the guest ----

GUEST_CASES = ("everything", "files_that_replace_others", "large_files", "directories") # posix_crash.c
CUTS = 150    # of each: 600
FIRST = 256   # block of the disk where mkdisk puts the file system
SEED = 3


def blocklog(disk, log):
    """QEMU's arguments for a disk whose writes and flushes are recorded."""
    log.write_bytes(b"")
    return ["-blockdev", f"driver=blklogwrites,node-name=hd0,file.driver=file,file.filename={disk},"
                         f"log.driver=file,log.filename={log}",
            "-device", "virtio-blk-device,drive=hd0"]


@pytest.fixture(scope="module")
def volume(tools, tmp_path_factory):
    """A small root file system with what the guest needs to run posix_crash."""
    top = tmp_path_factory.mktemp("crash")
    for name in ("tests", "bin"):
        (top / "root" / name).mkdir(parents=True)
    shutil.copy(BUILD / "root/tests/posix_crash", top / "root/tests")
    for name in ("init", "sh", "echo", "ls"):
        shutil.copy(BUILD / "root/bin" / name, top / "root/bin")
    done = run(tools / "mkfs", top / "fs.img", "-s", "6M", "-d", top / "root", "-D", f"@{ROOT}/user/devices")
    assert done.returncode == 0, done.stderr
    return top / "fs.img"


def make_disk(volume, path):
    done = run(BUILD / "host/mkdisk", path, volume, "1M")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def recorded(volume, tmp_path_factory):
    """The record of the disk while the guest did the work of one case. Each case runs once."""
    logs = {}

    def record(case):
        if case not in logs:
            top = tmp_path_factory.mktemp(case)
            make_disk(volume, top / "disk.img")
            args = f"test=posix_crash test.only={case} crash.marks=1 crash.seed={SEED} crash.count=500"
            with Qemu(args=args, disk=None, extra=blocklog(top / "disk.img", top / "log")) as qemu:
                qemu.until(lambda: qemu.is_off(0.05), 120, "end of the work")
                assert "not ok" not in qemu.grade_log().text, qemu.report()
                assert f"ok {case}" in qemu.grade_log().text, qemu.report()
            logs[case] = top / "log"
        return logs[case]
    return record


@pytest.mark.parametrize("case", range(len(GUEST_CASES)), ids=GUEST_CASES)
def test_guest_crashes(tools, volume, recorded, tmp_path, case):
    """The file server in the guest: its disk as power cuts leave it, recovered by the core on the host."""
    shutil.copyfile(volume, tmp_path / "c.img")
    done = run(tools / "fscrash", "cut", tmp_path / "c.img", recorded(GUEST_CASES[case]), FIRST,
               f"/crash{case}", case, CUTS)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    cuts, recovered, wrong = judge(done.stdout)
    assert not wrong, "\n".join(wrong[:10])
    assert cuts == CUTS and recovered > 5


@pytest.mark.parametrize("seed", range(3))
def test_guest_recovers(tools, volume, recorded, tmp_path, seed):
    """A disk as a power cut left it: the guest itself recovers it, and what it makes of it is clean."""
    done = run(tools / "fscrash", "image", volume, recorded(GUEST_CASES[seed]), FIRST, seed,
               tmp_path / "crashed.img")
    assert done.returncode == 0, done.stderr
    dirty = "has not been recovered" in fsck(tools, tmp_path / "crashed.img").stdout
    make_disk(tmp_path / "crashed.img", tmp_path / "disk.img")
    with Qemu(disk=tmp_path / "disk.img") as qemu:
        qemu.expect(r"(^|\n)\$ $")
        assert ("file: recovers from the log" in qemu.output) == dirty, qemu.report()
        assert "cannot" not in qemu.run(f"ls /crash{seed}; ls -l /"), qemu.report()
        data = qemu.disk.read_bytes()
    (tmp_path / "after.img").write_bytes(data[FIRST * BLOCK:FIRST * BLOCK + volume.stat().st_size])
    done = run(tools / "fsck", "-r", tmp_path / "after.img") # the log may have something new
    assert done.returncode == 0, done.stdout
