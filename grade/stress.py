"""`make stress`: chaos and the fuzzer for as long as one likes, with many seeds, on each kind of machine.

SEEDS=1,2,3 (default 1); SECONDS=120, the guest time of chaos; COUNT=1000000, the fuzzer's messages. Each seed
runs on one CPU under icount, on four under icount with the seed's jitter, and on four without. At last
256 MiB of memory are written and read in a machine of 64 MiB that swaps. What fails is shown with the
arguments that run it again.
"""

import sys

from guest import Machine, Program, watch, run_log
from harness import BUILD, GuestError, Qemu

MACHINES = [Machine("1cpu", 1, True), Machine("jitter", 4, True, 0), Machine("4cpu", 4, False)]
LIMIT = 3600  # guest seconds without a report
SWAPS = {"disk": BUILD / "disk.img", "mem": "64M"}


def run(name, machine, seed, arguments, **hardware):
    """One boot. Returns whether all went well, after telling."""
    args = f"test={name} panic=off seed={seed} {arguments}"
    jitter = None if machine.jitter is None else seed
    results = {}
    with Qemu(cpus=machine.cpus, icount=machine.icount, jitter=jitter, args=args,
              initrd=BUILD / "boot-test.tar", **({"disk": None} | hardware)) as qemu:
        bad = watch(qemu, LIMIT)
        try:
            log = qemu.grade_log()
        except GuestError as error:
            log, bad = None, ("crash", str(error))
        _, ended = run_log(qemu, log.text, results) if log else (None, False)
        wrong = [f"{case}: {verdict.text}" for case, verdict in results.items() if verdict.kind == "wrong"]
        good = ended and not bad and not wrong
        print(f"{name} {machine.name} seed {seed}: {'ok' if good else 'FAILED'}", flush=True)
        for line in log.text.splitlines() if log else []:
            if line.startswith("# "):
                print(f"    {line[2:]}", flush=True)
        if not good:
            print(f"    {bad or ''} {'; '.join(wrong)}\n{qemu.report()}", flush=True)
    return good


def main():
    """All seeds on all machines."""
    seeds, seconds, count = sys.argv[1:4]
    programs = [Program("mach_chaos"), Program("mach_fuzz")]
    arguments = f"chaos.seconds={seconds} fuzz.count={count}"
    failed = [1 for seed in map(int, seeds.split(",")) for machine in MACHINES for program in programs
              if not run(program.name, machine, seed, arguments)]
    failed += [1 for machine in MACHINES if not run("posix_swap", machine, 1, "swap.mib=256", **SWAPS)]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
