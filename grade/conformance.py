"""Makes docs/conformance.md: what the in-guest Mach programs prove, rule by rule.

    python3 grade/conformance.py > docs/conformance.md

A chapter is a program of user/tests/ that opens with "Mach by example, N: TITLE.". Above each of its cases
stands the rule it proves and, in brackets, where the rule is from. grade/test_tree.py checks that the page is
what this makes, and that no case lacks its rule.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "user" / "tests"
OPENING = re.compile(r"\A/\*\s+(?:\* )?Mach by example, (\d+): ([^.]+)\.")
CASE = re.compile(r"(?:/\*((?:(?!\*/).)*)\*/\n)?^TEST\((\w+)\)", re.M | re.S)
RULE = re.compile(r"\A(.+[.:)]) \[([^\[\]]+)\]\Z")

HEADER = """# Mach, rule by rule

Each line is a rule of Mach and the test that proves it: a case of a program in `user/tests/`, a few
lines long, to be read as an example of what the rule means. `make test TEST=CASE` runs one, on one CPU
and on four; each program ends by showing that it left nothing behind in the kernel.

The source is in the third column. KI is *Mach 3 Kernel Interfaces* (Loepere, OSF and CMU 1992), with
the page's name; KP its companion *Mach 3 Kernel Principles*; OSF the OSF/1 and XNU interfaces that Mach
3.0 had not; a file's name the contract written in it. This page is made from the programs by
`grade/conformance.py`.

"""


@dataclass
class Rule:
    """A case: its name, what it proves, where that is from (None: not said)."""
    case: str
    text: str
    source: str


def chapters():
    """(number, program, title, rules) of each chapter, in order."""
    found = []
    for path in sorted(TESTS.glob("mach_*.c")):
        source = path.read_text()
        opening = OPENING.match(source)
        if not opening:
            continue
        rules = []
        for comment, case in CASE.findall(source):
            text = re.sub(r"\s*\n\s*\*\s?", " ", comment).strip()
            rule = RULE.match(text)
            rules.append(Rule(case, *(rule.groups() if rule else (text, None))))
        title = re.sub(r"\s*\n \*\s*", " ", opening.group(2))
        found.append((int(opening.group(1)), path.stem, title, rules))
    return sorted(found)


def page():
    """The text of docs/conformance.md."""
    text = HEADER
    for number, program, title, rules in chapters():
        text += f"## {number}. {title[0].upper() + title[1:]}\n\n`user/tests/{program}.c`\n\n"
        text += "| rule | case | from |\n|---|---|---|\n"
        for rule in rules:
            words = rule.text.replace("|", "\\|")
            text += f"| {words} | `{rule.case}` | {rule.source or ''} |\n"
        text += "\n"
    return text.rstrip("\n") + "\n"


if __name__ == "__main__":
    print(page(), end="")
