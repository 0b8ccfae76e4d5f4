"""make bench: measures the system in retired instructions, exactly and repeatably.

The figures are taken by user/tests/bench.c inside a guest that runs under icount on one CPU, where an
instruction is a nanosecond; what it reports comes through the kernel's grading log. boot_to_prompt and
kernel_ram_at_prompt are what the kernel noted when everything waited at the shell's prompt.

Writes build/bench.json (one flat object, name: number) and prints the figures beside those recorded and
those of other systems. Both are in the table of docs/performance.md, which explains them and is the only
place where they are kept; test_bench.py fails when a figure has outgrown its record.

    bench.py [GLOB]               measures those whose names match
    bench.py --record [GLOB]      and puts them into the table, as the record from now on
"""

import fnmatch
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# pylint: disable=wrong-import-position
from harness import BUILD, PANIC, ROOT, GraderFault, GuestError, Qemu, symbols

LIMIT = 300  # guest seconds from one figure to the next
BOOTS = 3    # a figure is the lowest of so many
ALLOWED = 3  # per cent that a figure may exceed its record, if its row says nothing else
AT_PROMPT = ("boot_to_prompt", "kernel_ram_at_prompt")
PAGE = ROOT / "docs" / "performance.md"
RECORDED_WITH = re.compile(r"Recorded with `([^`]+)`")


def value(text):
    """A number as it is written in a report or in the table: a ratio has a point."""
    text = text.replace(",", "")
    return float(text) if "." in text else int(text)


def at_prompt(mem):
    """What the kernel noted when the shell waited for its first command, in a machine with so much memory."""
    with Qemu(cpus=1, icount=True, mem=mem) as qemu:
        qemu.prompt()
        last = None

        def settled():  # the shell has its read out, and CPU 0 is idle again
            nonlocal last
            log = qemu.grade_log(text=False)
            if log is None:
                raise GuestError("the kernel keeps no grading log")
            same = last is not None and log.idle_now == last.idle_now != 0
            last = log
            return same
        qemu.until(settled, 10, "quiet after the prompt")
        return last


def boot_figures(glob):
    """What a boot to the shell's prompt takes. The kernel's memory is measured in a small machine: there is
    a structure for each page."""
    ways = {"boot_to_prompt": ("128M", "idle_insns"), "kernel_ram_at_prompt": ("64M", "kernel_bytes")}
    return {name: getattr(at_prompt(mem), field) for name, (mem, field) in ways.items()
            if fnmatch.fnmatch(name, glob)}


def guest_figures(glob):
    """What the in-guest benchmarks report. The root file system is in memory, so that no disk answers
    at moments of its own."""
    with Qemu(cpus=1, icount=True, args=f"bench={glob} panic=off", disk=None,
              initrd=BUILD / "boot-ram.tar") as qemu:
        length = -1

        def progress():
            nonlocal length
            log = qemu.grade_log(text=False)
            if log is not None and log.length != length:
                length = log.length
                return True
            return qemu.is_off(0.05)
        while not qemu.is_off():
            qemu.until(progress, LIMIT, "figure")
        log = qemu.grade_log()
        if log.flags & PANIC:
            raise GuestError(f"the kernel panicked\n{qemu.tail()}")
        found = re.findall(r"^bench (\w+) ([\d.]+)$", log.text, re.M)
        failed = re.findall(r"^not ok .*$", log.text, re.M)
        if failed or not re.search(r"^end bench$", log.text, re.M):
            raise GuestError("\n".join(failed) or f"bench did not end\n{qemu.tail()}")
        return {name: value(number) for name, number in found}


def measure(glob="*"):
    """The figures that match: of each the lowest of BOOTS boots."""
    figures = {}
    for _ in range(BOOTS):
        found = boot_figures(glob)
        if found.get("boot_to_prompt") == 0:
            raise GraderFault("instructions are not counted: this QEMU lacks PMU event 8 under icount")
        if glob not in AT_PROMPT:
            found |= guest_figures(glob)
        for name, number in found.items():
            if fnmatch.fnmatch(name, glob):
                figures[name] = min(number, figures.get(name, number))
    return figures


def compiler():
    """What built the kernel, as "GCC 12.2.0"; counts taken with another say little about the code. Says
    so if checks were compiled in."""
    elf = (BUILD / "kernel.elf").read_bytes()
    found = re.search(rb"GNU C\d* ([\d.]+)[^\0]*", elf)
    name = f"GCC {found.group(1).decode()}" if found else "an unknown compiler"
    if found and b"-fsanitize" in found.group(0):
        name += ", UBSAN=1"
    return name + (", DEBUG=1" if "spin_assert_none" in symbols(BUILD / "kernel.elf") else "")


class Row:
    """A row of the page's table: what is recorded, by how many per cent it may grow, what others need."""

    FORM = re.compile(r"([\d,]+(?:\.\d+)?)(?: ± (\d+) %)?$")

    def __init__(self, cells):
        self.cells = cells
        found = self.FORM.match(cells[2])
        self.record = value(found.group(1)) if found else None
        self.own_allowance = int(found.group(2)) if found and found.group(2) else None
        self.allowed = self.own_allowance or ALLOWED
        self.others = cells[3:]

    def change(self, number):
        """By how many per cent a number differs from the record; None if there is no record."""
        return 100 * (number - self.record) / self.record if self.record else None

    def line(self, number):
        """The row with this number as its record."""
        allowance = f" ± {self.own_allowance} %" if self.own_allowance else ""
        cells = self.cells[:2] + [f"{number:,}{allowance}"] + self.others
        return ("| " + " | ".join(cells) + " |").replace("|  |", "| |").replace("|  |", "| |")


def table():
    """The table of docs/performance.md: the systems' names, and figure name -> Row."""
    systems, rows = [], {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| figure |"):
            systems = cells[3:]
        elif systems and line.startswith("| `"):
            rows[cells[0].strip("`")] = Row(cells)
        elif not line.startswith("|") and rows:
            break
    return systems, rows


def recorded_with():
    """The compiler of the record."""
    return RECORDED_WITH.search(PAGE.read_text()).group(1)


def show(figures):
    """Prints a table of ours, how they differ from the record, and the others'."""
    systems, rows = table()
    width = [max([len(name)] + [len(row.others[i]) for row in rows.values()])
             for i, name in enumerate(systems)]
    head = "  ".join(f"{name:>{w}}" for name, w in zip(systems, width))
    print(f"{'instructions':24} {'Ostia':>13} {'record':>9}  {head}")
    for name, number in figures.items():
        row = rows.get(name)
        change = row.change(number) if row else None
        line = "  ".join(f"{cell:>{w}}" for cell, w in zip(row.others if row else [], width))
        difference = "" if change is None else f"{change:+.1f} %"
        print(f"{name:24} {number:>13,} {difference:>9}  {line}".rstrip())


def record(figures):
    """Puts the figures into the page's table, and tells what changes by that."""
    text, ours = PAGE.read_text(), compiler()
    _, rows = table()
    if "=" in ours:
        sys.exit(f"bench: a build with {ours} is not what the record is of")
    missing = [name for name in figures if name not in rows]
    if missing:
        sys.exit(f"bench: {PAGE.relative_to(ROOT)} has no row for {', '.join(missing)}: add one each")
    if ours != recorded_with() and any(row.record and name not in figures
                                       for name, row in rows.items()):
        sys.exit(f"bench: the record is of {recorded_with()}; with {ours} record all figures, not some")
    for name, number in figures.items():
        row = rows[name]
        change = row.change(number)
        text = re.sub(rf"^\| `{name}` \|.*$", lambda _, line=row.line(number): line, text, count=1,
                      flags=re.M)  # (other tables may name it, too)
        if change is None or abs(change) > row.allowed:
            word = "new" if change is None else "WORSE" if change > 0 else "better"
            before = "" if change is None else f"{row.record:,} -> "
            print(f"{word:7} {name:24} {before}{number:,}"
                  + ("" if change is None else f" ({change:+.1f} %)"))
    text = RECORDED_WITH.sub(f"Recorded with `{ours}`", text)
    PAGE.write_text(text)


def main():
    """The command."""
    words = sys.argv[1:]
    keep = "--record" in words
    glob = ([word for word in words if word != "--record"] or ["*"])[0]
    try:
        figures = measure(glob)
    except (GraderFault, GuestError) as error:
        sys.exit(f"bench: {error}")
    path = BUILD / "bench.json"
    known = json.loads(path.read_text()) if path.exists() and glob != "*" else {}
    path.write_text(json.dumps(known | figures, indent=1) + "\n")
    show(figures)
    if keep:
        record(figures)


if __name__ == "__main__":
    main()
