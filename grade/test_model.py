"""SPIN checks the model of a port's life (model/port.pml): each rule holds, and each fault breaks one."""

import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).parent / "model" / "port.pml"

# What is looked at together; all of it at once would be too many states.
PARTS = {
    "rights": "MAKES=2 MOVES=1 UREFS=1",
    "merging": "MAKES=1 MOVES=1 UREFS=2",
    "messages": "MAKES=1 MOVES=1 UREFS=1 SEND",
    "names": "MAKES=1 MOVES=1 UREFS=1 NAMES",
    "references": "MAKES=1 MOVES=0 UREFS=2 NAMES",
    "send_once": "MAKES=0 MOVES=1 UREFS=1 ONCE",
    "given_back": "MAKES=1 MOVES=1 UREFS=1 BACK",
}

FAULTS = {
    "COUNT": "MAKES=2 MOVES=1 UREFS=2",
    "LATE": "MAKES=2 MOVES=1 UREFS=1",
    "TENURE": "MAKES=2 MOVES=2 UREFS=1",
    "CHECK": "MAKES=1 MOVES=1 UREFS=1",
    "ALIVE": "MAKES=1 MOVES=1 UREFS=2 NAMES",
    "RACE": "MAKES=1 MOVES=1 UREFS=1 NAMES",
    "MERGE": "MAKES=2 MOVES=1 UREFS=2",
    "UNDO": "MAKES=1 MOVES=1 UREFS=1",
    "LAST": "MAKES=1 MOVES=1 UREFS=1 ONCE",
}


def check(folder, options):
    """Builds the checker for these options, runs it, and returns what it reports."""
    if shutil.which("spin") is None:
        tell = pytest.fail if shutil.which("apt-get") or shutil.which("brew") else pytest.skip
        tell("the model checker SPIN is missing: make setup, or install the package `spin` "
             "(https://spinroot.com where there is none)")
    run = subprocess.run(["spin", *(f"-D{option}" for option in options.split()), "-a", str(MODEL)],
                         cwd=folder, capture_output=True, text=True, check=False)
    assert (folder / "pan.c").exists() and "Error" not in run.stdout, run.stdout
    subprocess.run(["cc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], cwd=folder,
                   check=True)
    return subprocess.run(["./pan", "-n", "-m2000000"], cwd=folder, capture_output=True, text=True,
                          check=False).stdout


@pytest.mark.parametrize("part", PARTS)
def test_model_holds(part, tmp_path):
    """No run of the model breaks a rule, and all runs were looked at."""
    report = check(tmp_path, PARTS[part])
    assert "errors: 0" in report, report
    assert "max search depth too small" not in report, report


@pytest.mark.parametrize("fault", FAULTS)
def test_model_finds(fault, tmp_path):
    """With a fault in it, some run of the model breaks a rule: the rules say something."""
    report = check(tmp_path, f"{FAULTS[fault]} FAULT_{fault}")
    assert "assertion violated" in report, report
