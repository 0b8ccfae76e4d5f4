"""Finds functions in C source text, exactly: for the starters, whose bodies are emptied.

The text is first masked: comments, strings, character constants and preprocessor lines become spaces of
the same length, so that every position stays. In what is left braces and parentheses can be counted.
"""

import re
from dataclasses import dataclass

TOKENS = re.compile(
    r"""//(?:\\\n|[^\n])*            # comments
      | /\*.*?\*/
      | "(?:\\.|[^"\\\n])*"          # strings, characters
      | '(?:\\.|[^'\\\n])*'
      | ^[ \t]*\#(?:/\*.*?\*/|\\\n|[^\n])* # preprocessor lines
    """, re.X | re.S | re.M)
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "_Alignof", "_Static_assert",
            "__attribute__", "typeof", "__typeof__", "asm", "__asm__"}


@dataclass(frozen=True)
class Function:
    """A definition. Offsets into the text: start (of its first word), brace and end (of the body, both
    braces included)."""
    name: str
    start: int
    brace: int
    end: int
    static: bool
    inline: bool


def mask(text):
    """The text with all that is not code turned to spaces; newlines stay."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return TOKENS.sub(blank, text)


def _closing(code, at, pair):
    """The position behind what closes the bracket at `at`; -1: nothing does."""
    depth = 0
    for match in re.compile("[" + re.escape(pair) + "]").finditer(code, at):
        depth += 1 if match.group() == pair[0] else -1
        if depth == 0:
            return match.end()
    return -1


def functions(text):
    """Every function definition of the text, in order."""
    code = mask(text)
    found = []
    at = 0
    start = 0  # of the declaration that is read: behind the last ; or } of the file's own level
    name = None
    while at < len(code):
        char = code[at]
        if char == ";":
            start, name = at + 1, None
        elif char == "(":
            word = re.search(r"(\w+)\s*$", code[start:at])
            end = _closing(code, at, "()")
            if end < 0:
                break
            if name is None and word and word.group(1) not in KEYWORDS:
                before = code[start:start + word.start()]
                if "=" not in before and re.search(r"\w", before):
                    name = word.group(1)
            at = end
            continue
        elif char == "=":
            name = None
        elif char == "{":
            end = _closing(code, at, "{}")
            if end < 0:
                break
            if name is not None:
                head = code[start:at]
                first = start + len(head) - len(head.lstrip())
                words = head.split()
                found.append(Function(name, first, at, end, "static" in words,
                                      any("inline" in word for word in words)))
                start, name = end, None
            # else: struct, enum, initialiser: the declaration goes on to its semicolon
            at = end
            continue
        at += 1
    return found


def find(text, name):
    """The one definition of `name`. Raises ValueError if there is none, or more than one."""
    hits = [f for f in functions(text) if f.name == name]
    if len(hits) != 1:
        raise ValueError(f"{name} is defined {len(hits)} times" if hits else f"{name} is not defined")
    return hits[0]


def body(text, function):
    """The text between the braces."""
    return text[function.brace + 1:function.end - 1]


def comment_start(text, function):
    """Where the comment that belongs to the function begins (directly above it), else its start."""
    line = text.rfind("\n", 0, function.start) + 1
    above = text[:line]
    match = re.search(r"(?:^/\*(?:(?!\*/).)*\*/[ \t]*\n|(?:^//[^\n]*\n)+)\Z", above, re.S | re.M)
    return match.start() if match else line


def uses(code, name):
    """How often the masked text mentions `name`."""
    return len(re.findall(rf"\b{re.escape(name)}\b", code))


def static_names(text):
    """Static functions and variables at the file's own level (masked text): name -> whether a
    function. Inline functions and constants draw no warning when unused."""
    code = mask(text)
    names = {f.name: True for f in functions(text) if f.static and not f.inline}
    depth_zero = []
    at = 0
    for match in re.finditer(r"[{}]", code):
        depth_zero.append((match.start(), match.group()))
    level, flat = 0, []
    for position, brace in depth_zero:
        if level == 0:
            flat.append(code[at:position])
        level += 1 if brace == "{" else -1
        if level == 0:
            at = position + 1
    flat.append(code[at:])
    for match in re.finditer(r"\bstatic\b([^;()]*?)(\w+)\s*(?:\[[^;]*?\]\s*)*(?:=|;|,)", "{}".join(flat)):
        if not re.search(r"\b(inline)\b", match.group(1)):
            names.setdefault(match.group(2), False)
    return names
