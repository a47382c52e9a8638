"""Judges docs/capabilities.md: every row of its tables says where a capability is and names tests
that exist. A test is named as `Suite.Case` of GoogleTest, or as `path/of/script: words of its
check`.
"""

import pathlib
import re

PAGE = "docs/capabilities.md"
COLUMNS = ("capability", "ours", "test")
GTEST = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST)\(\s*(\w+),\s*(\w+)\s*\)")


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


def judge(page, names, root):
    """Findings, one a line."""
    seen = 0
    for number, row in rows(page):
        if row is None or len(row) != len(COLUMNS):
            yield f"{PAGE}:{number}: expected the columns {', '.join(COLUMNS)}"
            continue
        seen += 1
        if not all(row):
            yield f"{PAGE}:{number}: a cell is empty"
        tests = re.findall(r"`([^`]+)`", row[2])
        if not tests:
            yield f"{PAGE}:{number}: names no test"
        for test in tests:
            if not exists(test, names, root):
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
    return list(judge(page, gtest_names(root), pathlib.Path(root)))
