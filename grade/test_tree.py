"""The tree keeps its promises to a reader: the README's table is true, files and functions are explained."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import conformance
import pytest
from harness import ROOT

SOURCES = {".c", ".h", ".S", ".defs", ".ld", ".py", ".tmpl"}
SKIP = {"build", ".git", "__pycache__", ".pytest_cache"}


def tree():
    """All files of the source tree, relative to it."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [Path(line) for line in listed.stdout.splitlines()]
    else:
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
    return sorted(p for p in paths if (ROOT / p).is_file() and not SKIP & set(p.parts)
                  and not p.parts[0].startswith("build-"))


FILES = tree()
CODE = [path for path in FILES if path.suffix in SOURCES or path.name == "Makefile"]


def table():
    """The README's table of the tree: path -> what it says of it."""
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \|$", (ROOT / "README.md").read_text(), re.M)
    return dict(rows)


def test_readme_names_what_exists():
    """Every path in the README's table is there."""
    rows = table()
    assert rows
    for path in rows:
        assert (ROOT / path).exists(), f"README names {path}, which does not exist"
        assert (ROOT / path).is_dir() == path.endswith("/"), path


def test_readme_names_all_folders():
    """Every folder with files in it, three levels deep, is in the README's table, and every file at the
    top."""
    rows = table()
    for path in FILES:
        folders = [f"{parent}/" for parent in path.parents if str(parent) != "."]
        for folder in folders:
            if folder.count("/") <= 2:
                assert folder in rows, f"README's table lacks {folder}"
        if not folders:
            assert str(path) in rows or str(path) == "README.md", f"README's table lacks {path}"


def test_links_lead_somewhere():
    """Every relative link in a Markdown file leads to a file."""
    for path in FILES:
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / path).read_text()):
            if not re.match(r"[a-z]+:", target):
                assert (ROOT / path).parent.joinpath(target).exists(), f"{path}: {target}"


BOOK = [path for path in FILES if path.suffix == ".md" and path.parts[0] in ("docs", "README.md")]
MADE_BY_MAKE = {"docs/mutants.md"}  # "make mutants"
A_FILE = re.compile(r"[\w./-]+\.(?:c|h|S|defs|md|py|ld|toml|dot|svg|tmpl)")
A_NAME = re.compile(r"\w+(?:\(\))?(?:(?:->|\.)\w+)*")


@functools.lru_cache(None)
def words_of(path):
    """The words of a file."""
    return set(re.findall(r"\w+", (ROOT / path).read_text()))


def named(file):
    """The files of the tree that the text may mean by a file's name, or by the end of its path."""
    return [path for path in FILES if str(path) == file or str(path).endswith("/" + file)]


def prose(path):
    """A page's text, without what is quoted from a program or terminal, or said by a table not to be here."""
    text = re.sub(r"^```.*?^```", "", (ROOT / path).read_text(), flags=re.M | re.S)
    return "\n".join(line for line in text.split("\n")
                     if not line.startswith("    ") and "| no |" not in line)


@pytest.mark.parametrize("path", BOOK, ids=str)
def test_book_names_what_exists(path):
    """Text and code are bound by names: a file that the book names is there, so is every name with a _ in
    it, and a function named with its file, as `f` (`file.c`) or `file.c`: `f`, `g`, is in that file."""
    text, missing = prose(path), []
    everywhere = set().union(*map(words_of, CODE))
    for span in re.findall(r"`([^`]+)`", text):
        if A_FILE.fullmatch(span):
            if not named(span) and span not in MADE_BY_MAKE:
                missing.append(span)
        elif A_NAME.fullmatch(span) and "_" in span and path.name != "performance.md":  # (figures to come)
            missing += [word for word in re.findall(r"\w+", span)
                        if word not in everywhere and not word.startswith("NAME_")]
    pairs = re.findall(r"`([\w/]+\.[chS])`: ((?:`\w+`(?:, )?)+)", text)
    pairs += [(file, name) for name, file in re.findall(r"(`\w+`) \(`([\w/]+\.[chS])`", text)]
    for file, names in pairs:
        found = set().union(*map(words_of, named(file)))
        missing += [f"{name} in {file}" for name in re.findall(r"\w+", names) if name not in found]
    assert not missing, f"{path} names what is not there: {', '.join(missing)}"


@pytest.mark.parametrize("path", [p for p in BOOK if p.name[0].isdigit()], ids=str)
def test_chapters_quote_the_tree(path):
    """A listing in C that a chapter shows is in the tree, word for word."""
    sources = [(ROOT / p).read_text() for p in CODE]
    for quote in re.findall(r"^```c\n(.*?)^```", (ROOT / path).read_text(), re.M | re.S):
        assert any(quote in text for text in sources), f"{path} quotes what is not there:\n{quote}"


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".dot"], ids=str)
def test_drawings_are_made(path):
    """Beside a drawing's source is the drawing, made from it as it is now, and a page shows it."""
    drawing = path.with_suffix(".svg")
    assert drawing in FILES, f"dot -Tsvg {path} > {drawing}"
    assert any(f"({drawing.name})" in (ROOT / page).read_text() for page in BOOK), f"no page shows {drawing}"
    if shutil.which("dot") is None:
        pytest.skip("no Graphviz to compare with")
    done = subprocess.run(["dot", "-Tsvg", ROOT / path], capture_output=True, text=True, check=True)
    labels = re.compile(r"<text [^>]*>([^<]*)</text>")
    assert labels.findall(done.stdout) == labels.findall((ROOT / drawing).read_text()), \
        f"dot -Tsvg {path} > {drawing}"


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".dot"], ids=str)
def test_drawings_name_what_exists(path):
    """A name with a _ in it that a drawing shows is one of the code's, or the end of one."""
    everywhere = set().union(*map(words_of, CODE))
    labels = re.findall(r'label=(?:<(.+?)>[,\]]|"([^"]*)")', (ROOT / path).read_text())
    shown = re.sub(r"\\[nlr]", " ", " ".join(rich + plain for rich, plain in labels))
    missing = [word for word in re.findall(r"[A-Za-z]\w*_\w*", shown)
               if not any(name == word or name.endswith("_" + word) for name in everywhere)]
    assert not missing, f"{path} shows what is not there: {', '.join(missing)}"


@pytest.mark.parametrize("path", CODE, ids=str)
def test_file_opens_with_a_comment(path):
    """A file's first words say what is in it."""
    text = (ROOT / path).read_text()
    text = re.sub(r"\A(#!.*\n)", "", text)
    opening = re.match(r'\s*(/\*(.*?)\*/|((?://|#)[^\n]*\n)+|"""(.*?)""")', text, re.S)
    assert opening, f"{path} does not open with a comment"
    assert len(re.sub(r"\W+", " ", opening.group(0)).split()) >= 2, f"{path}: the opening says little"


@pytest.mark.parametrize("path", CODE, ids=str)
def test_form(path):
    """Lines of 100 columns (a comment may stick out, to 110), no white space at a line's end, no tab
    but in the Makefile."""
    for number, line in enumerate((ROOT / path).read_text().split("\n"), 1):
        assert len(line) <= 110, f"{path}:{number}: {len(line)} columns"
        assert line == line.rstrip(), f"{path}:{number}: white space at the end"
        assert "\t" not in line or path.name == "Makefile", f"{path}:{number}: a tab"
        assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line) or path.name == "test_tree.py", \
            f"{path}:{number}: left undone"


HEADERS = [path for path in CODE if path.suffix == ".h" and path.parts[:2] == ("kernel", "include")]
PROTOTYPE = re.compile(
    r"^(?!typedef|static|extern|#|struct \w+ \{|\s|return|_Static_assert)[\w ]+[ *](\w+)\([^;{]*\)[^;{]*;",
    re.M)


C_LIBRARY = "memcpy memmove memset memcmp strlen strcmp strncmp strlcpy strstr printf snprintf vsnprintf"


def undocumented(text):
    """Names of the functions a header declares without a comment that could be theirs: above the
    declaration or above the unbroken group it stands in, or at the line's end."""
    missing = []
    for match in PROTOTYPE.finditer(text):
        above = text[:match.start()].rstrip("\n").split("\n")
        blank = text[:match.start()].endswith("\n\n")
        group = []
        for line in reversed(above):
            if not line.strip() or line.startswith("#"):
                break
            group.append(line)
        beside = text[match.start():text.find("\n", match.end())]
        commented = not blank and any("*/" in line or line.lstrip().startswith("//") for line in group)
        if not commented and "/*" not in beside:
            missing.append(match.group(1))
    return missing


@pytest.mark.parametrize("path", HEADERS, ids=str)
def test_kernel_functions_have_contracts(path):
    """A function that a kernel header declares has a comment: there, or above its definition. (Not what
    boot calls once to set a part up, nor what the C standard explains.)"""
    missing = undocumented((ROOT / path).read_text())
    sources = "".join((ROOT / p).read_text() for p in CODE
                      if p.parts[0] == "kernel" and p.suffix in (".c", ".S"))
    nowhere = []
    for name in missing:
        if name.endswith("_init") or name in C_LIBRARY.split():
            continue
        above = rf"\*/\n(?:[\w *]+[ *])?{name}\(|//[^\n]*\n(?:\.globl {name}\n)?{name}:"
        if not (re.search(above, sources) or re.search(rf"\*/\n(ENTRY|FUNC)\w*\({name}\)", sources)):
            nowhere.append(name)
    assert not nowhere, f"{path}: no contract, here or where they are defined"


def test_layers():
    """ipc and vm do not reach for the machine except through its interfaces, the kernel knows no files,
    and user programs include no kernel header but <mach/...>."""
    kernel = {p.relative_to("kernel/include").as_posix() for p in CODE
              if p.parts[:2] == ("kernel", "include") and p.parts[2] != "mach"}
    for path in CODE:
        if path.suffix not in (".c", ".h"):
            continue
        includes = set(re.findall(r'^#include [<"]([^>"]+)[>"]', (ROOT / path).read_text(), re.M))
        if path.parts[0] == "user":
            own = {i for i in includes if (ROOT / "user/include" / i).exists()}
            assert not (includes & kernel) - own, f"{path} includes {(includes & kernel) - own}"
        if path.parts[0] == "kernel":
            strange = {i for i in includes if i.startswith(("servers/", "unistd", "stdio", "sys/"))}
            assert not strange, f"{path} includes {strange}"


def test_no_paths_of_a_machine():
    """Nothing in the tree depends on where it was written."""
    for path in FILES:
        if path == Path("grade/test_tree.py"):
            continue
        try:
            text = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        assert not re.search(r"(?<![\w)}])/(home|root|work)/[a-z]", text), f"{path} names a path of a machine"


def test_interface_page():
    """docs/mach-interface.md says yes of all traps, routines and return codes there are, and of no more."""
    mach = ROOT / "kernel/include/mach"
    page = (ROOT / "docs/mach-interface.md").read_text()
    traps = set(re.findall(r"#define MACH_TRAP_(\w+)\s+\((-\d+)\)", (mach / "traps.h").read_text()))
    told = set(re.findall(r"^\| (-\d+) \| `(\w+)` \| yes \|", page, re.M))
    assert told == {(number, name) for name, number in traps}

    codes = set(re.findall(r"#define (MACH_(?:MSG|SEND|RCV)_\w+)\s+0x(?:0000|1000)[0-9a-f]{4}\b",
                           (mach / "message.h").read_text())) - {"MACH_MSG_MASK"}
    assert set(re.findall(r"^\| `(MACH_\w+)` \| [^|]*\|$", page, re.M)) == codes

    sections = {title: body for title, body in re.findall(r"^## `(\w+)\.defs`.*?\n(.*?)(?=^## |\Z)", page,
                                                          re.M | re.S)}
    everything = set()
    for path in sorted(mach.glob("*.defs")):
        there = re.findall(r"^(?:simple)?routine\s+(\w+)", path.read_text(), re.M)
        everything |= set(there)
        if there:
            assert path.stem in sections, f"no section on {path.name}"
            here = re.findall(r"^\| `(\w+)` \| yes \|", sections[path.stem], re.M)
            assert here == there, path.name
    missing = set(re.findall(r"^\| `(\w+)` \| no \|", page, re.M))
    assert missing and not missing & everything


CHAPTERS = conformance.chapters()


def test_conformance_page():
    """docs/conformance.md is what the conformance programs say (python3 grade/conformance.py makes it)."""
    assert (ROOT / "docs/conformance.md").read_text() == conformance.page()
    assert [chapter[0] for chapter in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))
    assert sum(len(rules) for *_, rules in CHAPTERS) >= 200


@pytest.mark.parametrize("program, rules", [chapter[1::2] for chapter in CHAPTERS],
                         ids=[chapter[1] for chapter in CHAPTERS])
def test_each_case_proves_a_rule(program, rules):
    """Above each case of a conformance program is the rule it proves and where that is from; a contract
    that is named as the source exists."""
    names = {path.name for path in CODE}
    assert rules
    for rule in rules:
        assert rule.source, f"{program}: {rule.case}: no rule with its source above it"
        for source in re.split(r"[,;] ", rule.source):
            if re.fullmatch(r"\w+\.(c|h|defs)", source):
                assert source in names, f"{program}: {rule.case}: there is no {source}"
