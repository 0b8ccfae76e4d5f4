"""`make doctor`: which tool is missing, too old or known bad, and the command that mends it.

Stands alone and asks little of Python, because it may be what is too old.
"""

import os
import re
import shutil
import subprocess
import sys

OK, BAD, HINT = "ok", "BAD", "hint"
GCC_MIN = (10,)        # -mno-outline-atomics
QEMU_MIN = (6, 2)      # the oldest in which graded runs are tested
MAKE_MIN = (4, 0)      # what macOS brings is 3.81: install make, and run gmake
PYTHON_MIN = (3, 9)
PYTEST_MIN = (6, 0)
GIT_MIN = (2, 17)
DISK_MIN = 2 << 30     # bytes free where graded runs live


def run(*command):
    """A command's output, or None."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              check=False)
        return done.stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return None


def version(text):
    """The first thing in a text that looks like a version, as a tuple."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text or "")
    return tuple(int(part) for part in match.groups() if part) if match else ()


def shown(numbers):
    """3.11 from (3, 11)."""
    return ".".join(str(n) for n in numbers)


def check_tool(name, command, minimum, mend, flag="--version"):
    """One row: (state, what, how to mend it)."""
    if not command or not shutil.which(command):
        return BAD, "%s: missing%s" % (name, " (%s)" % command if command else ""), mend
    text = run(command, flag)
    found = version(text)
    if minimum and (not found or found < minimum):
        return BAD, "%s: %s is version %s; %s or newer is needed" % (
            name, command, shown(found) or "unknown", shown(minimum)), mend
    return OK, "%s: %s %s" % (name, command, shown(found)), ""


def check_qemu(command):
    """What graded runs need of QEMU beyond its version."""
    if not command or not shutil.which(command):
        return []
    rows = []
    if "virt" not in (run(command, "-M", "help") or ""):
        rows.append((BAD, "QEMU: %s has no board \"virt\"" % command, "install the full qemu-system-arm"))
    if "cortex-a72" not in (run(command, "-M", "virt", "-cpu", "help") or ""):
        rows.append((BAD, "QEMU: %s has no cortex-a72" % command, "install the full qemu-system-arm"))
    if "-icount" not in (run(command, "-help") or ""):
        rows.append((BAD, "QEMU: %s has no -icount (built without TCG)" % command,
                     "install your distribution's QEMU"))
    return rows


def check_compiler(command, mend):
    """Whether the cross compiler makes AArch64 code."""
    if not command or not shutil.which(command):
        return []
    target = (run(command, "-dumpmachine") or "").strip()
    if not target.startswith("aarch64"):
        return [(BAD, "cross compiler: %s makes code for %s" % (command, target or "nothing known"), mend)]
    if "clang" in (run(command, "--version") or ""):
        return [(BAD, "cross compiler: %s is clang; the build is for GCC" % command, mend)]
    return []


def check_python(mend):
    """Python itself, and its modules."""
    rows = []
    me = sys.version_info[:2]
    if me < PYTHON_MIN:
        rows.append((BAD, "Python %s; %s or newer is needed" % (shown(me), shown(PYTHON_MIN)), mend))
    else:
        rows.append((OK, "Python %s" % shown(sys.version_info[:3]), ""))
    try:
        import pytest  # pylint: disable=import-outside-toplevel
        found = version(pytest.__version__)
        rows.append((OK if found >= PYTEST_MIN else BAD, "pytest %s" % pytest.__version__, mend))
    except ImportError:
        rows.append((BAD, "pytest: missing for %s" % sys.executable, mend))
    if me < (3, 11):
        try:
            import tomli  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
        except ImportError:
            rows.append((BAD, "tomli: missing (Python before 3.11 cannot read TOML)",
                         "%s -m pip install tomli" % sys.executable))
    return rows


def check_place():
    """Where it all lies."""
    rows = []
    here = os.getcwd()
    if " " in here:
        rows.append((BAD, "the path has a space in it: %s" % here, "move the folder; make cannot cope"))
    if here.startswith("/mnt/") and "microsoft" in (open("/proc/version").read().lower()
                                                     if os.path.exists("/proc/version") else ""):
        rows.append((BAD, "the folder is on a Windows drive: slow, and without file modes",
                     "clone into your home folder inside WSL"))
    for place in {os.environ.get("TMPDIR", "/tmp"), here}:
        free = shutil.disk_usage(place).free
        if free < DISK_MIN:
            rows.append((BAD, "%s: %d MiB free" % (place, free >> 20), "free 2 GiB"))
    if run("git", "config", "core.autocrlf") in ("true\n",):
        rows.append((BAD, "git turns line ends into CR LF", "git config --global core.autocrlf input"))
    return rows


def main():
    """Looks at everything. Status 1 if something is bad."""
    env = os.environ.get
    make = "gmake" if shutil.which("gmake") else "make"
    rows = [
        check_tool("cross compiler", env("OSTIA_CC"), GCC_MIN, env("OSTIA_INSTALL_cross"),
                   "-dumpfullversion"),
        *check_compiler(env("OSTIA_CC"), env("OSTIA_INSTALL_cross")),
        check_tool("host compiler", env("OSTIA_HOSTCC"), None, env("OSTIA_INSTALL_host")),
        check_tool("QEMU", env("OSTIA_QEMU"), QEMU_MIN, env("OSTIA_INSTALL_qemu")),
        *check_qemu(env("OSTIA_QEMU")),
        check_tool("GDB", env("OSTIA_GDB"), None, env("OSTIA_INSTALL_gdb")),
        check_tool("GNU make", make, MAKE_MIN, "your package manager: make (macOS: brew install make)"),
        check_tool("git", "git", GIT_MIN, "your package manager: git"),
        check_tool("GNU tar", env("OSTIA_TAR"), None, env("OSTIA_INSTALL_tar")),
        *check_python(env("OSTIA_INSTALL_test")),
        *check_place(),
    ]
    bad = 0
    for state, what, mend in rows:
        print("%-4s %s" % (state, what))
        if state == BAD:
            bad += 1
            print("       %s" % ((mend or "").strip() or "your package manager has it"))
    print("\nAll is well." if not bad else "\n%d to mend; \"make setup\" installs what is missing." % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
