"""Judges docs/capabilities.md: every row of its tables says where a capability is and names tests
that exist.

What the second column has in backticks is ours: words of the code that is no test (`Spawn`,
`weft_task_attach`), of a protocol (`SetBudget`), or ones that other pages have in backticks, too;
members of what they stand behind (`TaskHandle::Abort`, `weft_task_attr.code`); keys and handlers
(`executor.kind`, or all that begin so: `executor.budget_*`); files (`async/spawn.h`).

A test is named as `Suite.Case` of GoogleTest, or as `path/of/script: words of its check`. What the
sources have may not be built, or be disabled: with a build folder, ctest is asked, too.
"""

import json
import pathlib
import re

import cpp_outline
import rules

PAGE = "docs/capabilities.md"
COLUMNS = ("capability", "ours", "test")
GTEST = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST)\(\s*(\w+),\s*(\w+)\s*\)")
QUOTED = re.compile(r"`([^`]+)`")
# A name with what it stands behind, or before: a::b, a.b, a/b.h, a-b, a.*
NAME = re.compile(r"[A-Za-z_]\w*(?:(?:::|[./-])\w+)*(?:\.?\*)?")
# Of another's, and known to everybody.
NOT_OURS = ("std::",)
# Where files are named from.
FOLDERS = ("", "server", "server/embed/include", "client/include", "docs")
FILE = re.compile(r"/|\.(?:h|cc|md|proto|toml)$")
SCOPE = r"\b(?:class|struct|union|enum|message|service)\b[^;:{}()]*?\b%s\b(?!::)([^;{}()]*)\{"


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows(page):
    """(line number, cells) of each row of each table of the page."""
    lines = page.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith("|") or set(line) <= set("|- :"):
            continue
        if number < len(lines) and set(lines[number]) <= set("|- :") and "-" in lines[number]:
            if tuple(cells(line)) != COLUMNS:
                yield number, None
            continue
        yield number, cells(line)


def gtest_names(root):
    names = set()
    for path in [*root.glob("server/**/*_test.cc"), *root.glob("client/**/*_test.cc"),
                 *root.glob("tests/**/*_test.cc")]:  # fmt: skip
        for suite, case in GTEST.findall(path.read_text(encoding="utf-8")):
            names.add(f"{suite}.{case}")
    # A fixture may have another name in a file, `using SpawnTest = AsyncTest`: what counts is the
    # name in the macro.
    return names


def run_by_ctest(listed):
    """Of `ctest --show-only=json-v1`: what it would run, by the names in the macros."""
    names = set()
    for test in json.loads(listed)["tests"]:
        properties = {each["name"]: each["value"] for each in test.get("properties", ())}
        if properties.get("DISABLED"):
            continue
        # Prefix/Suite.Case/parameter  # its value; Suite/number.Case  # TypeParam = ...
        suite, dot, case = test["name"].partition("  #")[0].partition(".")
        parts = [part for part in suite.split("/") if not part.isdigit()]
        names.add(parts[-1] + dot + case.partition("/")[0])
    return names


class Ours:
    """What the second column may name."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.code = []  # (text, its words) of each file.
        self.words = set()
        self.keys = set()
        self.members_of = {}
        for path in self.sources():
            text = path.read_text(encoding="utf-8")
            code = cpp_outline.blank(text)
            words = set(re.findall(r"\w+", code))
            self.code.append((code, words))
            self.words |= words
            if path.match("config/rows.cc") or "handlers" in path.parts:
                self.keys.update(re.findall(r'"([a-z]\w*(?:\.\w+)+)"', text))
        for path in [*self.root.glob("docs/*.md"), self.root / "bench/README.md"]:
            if path.is_file() and path != self.root / PAGE:
                self.words.update(QUOTED.findall(path.read_text(encoding="utf-8")))

    def sources(self):
        for folder, endings in (("server", ("h", "cc")), ("client/include", ("h",)),
                                ("proto", ("proto",))):  # fmt: skip
            for ending in endings:
                for path in sorted((self.root / folder).glob(f"**/*.{ending}")):
                    # Fakes for tests of others are for whoever writes such.
                    is_fake = path.name.startswith("fake_")
                    if is_fake or not rules.TEST_SUPPORT.search(path.as_posix()):
                        yield path

    def has(self, name):
        if name.startswith(NOT_OURS):
            return True
        if name.endswith("*"):
            start = name[:-1]
            return any(known.startswith(start) for known in self.keys | self.words)
        if name in self.words or name in self.keys:
            return True
        if FILE.search(name):
            return self.has_file(name)
        parts = re.split(r"::|\.", name)
        return len(parts) > 1 and all(
            inner in self.members(outer) for outer, inner in zip(parts, parts[1:])
        )

    def has_file(self, name):
        if any((self.root / folder / name).exists() for folder in FOLDERS):
            return True
        return "/" not in name and any(self.root.glob(f"server/**/{name}"))

    def members(self, scope):
        """The words within all scopes of that name, and within those they are derived from."""
        if scope not in self.members_of:
            found = self.members_of[scope] = set()
            for code in (code for code, words in self.code if scope in words):
                for match in re.finditer(SCOPE % re.escape(scope), code):
                    found.update(re.findall(r"\w+", body_from(code, match.end())))
                    for base in re.findall(r"\w+", match.group(1).partition(":")[2]):
                        found.update(self.members(base))
        return self.members_of[scope]


def body_from(text, start):
    """From behind an opening brace to the one that closes it."""
    depth = 1
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return text[start : start + brace.start()]
    return text[start:]


def judge(page, tests, ours, root):
    """Findings, one a line."""
    seen = 0
    for number, row in rows(page):
        if row is None or len(row) != len(COLUMNS):
            yield f"{PAGE}:{number}: expected the columns {', '.join(COLUMNS)}"
            continue
        seen += 1
        if not all(row):
            yield f"{PAGE}:{number}: a cell is empty"
        for quoted in QUOTED.findall(row[1]):
            for name in NAME.findall(quoted):
                if not ours.has(name):
                    yield f"{PAGE}:{number}: there is no {name}"
        named = QUOTED.findall(row[2])
        if not named:
            yield f"{PAGE}:{number}: names no test"
        for test in named:
            if not exists(test, tests, root):
                yield f"{PAGE}:{number}: there is no test {test}"
    if seen == 0:
        yield f"{PAGE}: has no rows"


def exists(test, names, root):
    if "/" not in test:
        return test in names
    path, _, inner = test.partition(":")
    file = root / path
    if not file.is_file():
        return False
    return inner.strip() in file.read_text(encoding="utf-8") if inner else True


def findings(root):
    page = (root / PAGE).read_text(encoding="utf-8")
    return list(judge(page, gtest_names(root), Ours(root), pathlib.Path(root)))
