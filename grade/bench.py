"""make bench: measures the system in retired instructions, exactly and repeatably.

The figures are taken by user/tests/bench.c inside a guest that runs under icount on one CPU, where an
instruction is a nanosecond; what it reports comes through the kernel's grading log. boot_to_prompt and
kernel_ram_at_prompt are what the kernel noted when everything waited at the shell's prompt.

Writes build/bench.json (one flat object, name: number) and prints the figures beside those of other
systems, which docs/performance.md explains and this program reads from there.

    bench.py [GLOB]      measures those whose names match
"""

import fnmatch
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# pylint: disable=wrong-import-position
from harness import BUILD, PANIC, ROOT, GraderFault, GuestError, Qemu

LIMIT = 300  # guest seconds from one figure to the next
OTHERS = ROOT / "docs" / "performance.md"


def boot_figures():
    """What a boot to the shell's prompt takes."""
    with Qemu(cpus=1, icount=True) as qemu:
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
        return {"boot_to_prompt": last.idle_insns, "kernel_ram_at_prompt": last.kernel_bytes}


def guest_figures(glob):
    """What the in-guest benchmarks report."""
    with Qemu(cpus=1, icount=True, args=f"bench={glob} panic=off",
              initrd=BUILD / "boot-test.tar") as qemu:
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
        found = re.findall(r"^bench (\w+) (\d+)$", log.text, re.M)
        failed = re.findall(r"^not ok .*$", log.text, re.M)
        if failed or not re.search(r"^end bench$", log.text, re.M):
            raise GuestError("\n".join(failed) or f"bench did not end\n{qemu.tail()}")
        return {name: int(number) for name, number in found}


def others():
    """The table of docs/performance.md: the systems' names, and figure name -> their figures."""
    systems, rows = [], {}
    for line in OTHERS.read_text().splitlines() if OTHERS.exists() else []:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| figure |"):
            systems = cells[2:]
        elif systems and line.startswith("| `"):
            rows[cells[0].strip("`")] = cells[2:]
        elif not line.startswith("|") and rows:
            break
    return systems, rows


def show(figures):
    """Prints a table of ours and the others'."""
    systems, rows = others()
    width = [max([len(name)] + [len(row[i]) for row in rows.values()])
             for i, name in enumerate(systems)]
    head = "  ".join(f"{name:>{w}}" for name, w in zip(systems, width))
    print(f"{'instructions':24} {'Ostia':>13}  {head}")
    for name, number in figures.items():
        cells = rows.get(name, [""] * len(systems))
        line = "  ".join(f"{cell:>{w}}" for cell, w in zip(cells, width))
        print(f"{name:24} {number:>13,}  {line}".rstrip())


def main():
    """The command."""
    glob = sys.argv[1] if len(sys.argv) > 1 else "*"
    figures = {}
    try:
        boot = boot_figures() if any(
            fnmatch.fnmatch(n, glob) for n in ("boot_to_prompt", "kernel_ram_at_prompt")) else {}
        figures = {n: v for n, v in boot.items() if fnmatch.fnmatch(n, glob)}
        if figures.get("boot_to_prompt") == 0:
            raise GraderFault("instructions are not counted: this QEMU lacks PMU event 8 under icount")
        if glob not in boot:
            figures |= guest_figures(glob)
    except (GraderFault, GuestError) as error:
        sys.exit(f"bench: {error}")
    path = BUILD / "bench.json"
    known = json.loads(path.read_text()) if path.exists() and glob != "*" else {}
    path.write_text(json.dumps(known | figures, indent=1) + "\n")
    show(figures)


if __name__ == "__main__":
    main()
