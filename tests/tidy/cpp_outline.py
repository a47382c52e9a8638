"""A rough outline of a C++ file: its functions with their names, places, lengths and nesting.

Not a parser. It blanks comments and literals and then judges each opening brace by the text before
it, which is enough for code formatted by clang-format.
"""

import dataclasses
import re

CONTROL = re.compile(r"^(else\s+)?(if|for|while|switch|catch)\b|^(else|do|try)$")
LAMBDA = re.compile(r"\[[^\[\]]*\]\s*(\([^{}]*\))?\s*(mutable|constexpr|noexcept|\s)*(->[^{}]*)?$")
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
NAME = re.compile(r"([A-Za-z_~][\w:~]*|operator\s*[^\s(]+)\s*\(")


@dataclasses.dataclass
class Function:
    name: str  # as written, for example Core::Start; "" for a lambda
    first_line: int
    last_line: int = 0
    deepest: int = 0  # control statements with braces inside one another
    body: str = ""

    @property
    def lines(self):
        return self.last_line - self.first_line + 1

    @property
    def short_name(self):
        return self.name.split("::")[-1]

    @property
    def is_constructor(self):
        parts = self.name.split("::")
        return len(parts) > 1 and parts[-1] == parts[-2]


def blank(text):
    """The text with comments and the insides of literals replaced by spaces, lines kept."""
    pattern = re.compile(
        r'R"(?P<d>[^()\s\\]{0,16})\(.*?\)(?P=d)"'
        r"|//[^\n]*|/\*.*?\*/"
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
        re.S,
    )

    def spaces(match):
        found = match.group(0)
        inside = re.sub(r"[^\n]", " ", found)
        return '"' + inside[2:] + '"' if found[0] in "R\"" else inside

    return pattern.sub(spaces, text)


def head_before(text, at):
    """What stands between the previous statement and the brace at `at`, parentheses kept whole."""
    depth = 0
    start = at
    while start > 0:
        character = text[start - 1]
        if character in ")]":
            depth += 1
        elif character in "([":
            if depth == 0:
                break
            depth -= 1
        elif character in ";{}" and depth == 0:
            break
        start -= 1
    # Labels of access and of switch cases are no part of what follows them.
    head = re.sub(r"^\s*#.*$", "", text[start:at], flags=re.M)
    return re.sub(r"\b(public|private|protected|default|case\s[^:]+)\s*:(?!:)", "", head).strip()


def kind_of(head, inside_function):
    if LAMBDA.search(head):
        return "lambda"
    if inside_function:
        return "control" if CONTROL.match(head) else "block"
    without_template = re.sub(r"^template\s*<[^{}]*?>\s*(?=\w)", "", head)
    before_parenthesis = without_template.split("(")[0]
    if SCOPE.search(before_parenthesis) or not head:
        return "scope"
    if "(" in head and not re.search(r"=\s*$|=\s*[\w:<>]+$", head):
        return "function"
    return "block"


def name_of(head):
    """The name before the first parameter list that is not an attribute or a decltype."""
    plain = re.sub(r"\[\[.*?\]\]|\b(decltype|noexcept|requires|alignas)\s*\(", " ", head)
    match = NAME.search(plain)
    return match.group(1) if match else ""


def outline(source):
    """The functions and lambdas of a file, in the order in which they end."""
    text = blank(source)
    functions = []
    stack = []  # of (kind, Function or None, position)
    line = 1
    for at, character in enumerate(text):
        if character == "\n":
            line += 1
        elif character == "{":
            head = head_before(text, at)
            inside = any(kind in ("function", "lambda") for kind, _, _ in stack)
            kind = kind_of(head, inside)
            function = None
            if kind in ("function", "lambda"):
                name = name_of(head) if kind == "function" else ""
                function = Function(name, line - (head.count("\n") if name else 0))
            stack.append((kind, function, at))
            if kind == "control":
                note_depth(stack)
        elif character == "}" and stack:
            _, function, start = stack.pop()
            if function is not None:
                function.last_line = line
                function.body = text[start : at + 1]
                functions.append(function)
    return functions


def note_depth(stack):
    depth = 0
    for kind, function, _ in reversed(stack):
        if kind == "control":
            depth += 1
        if function is not None:
            function.deepest = max(function.deepest, depth)
            return
