#!/usr/bin/env python3
"""Makes the manual pages weft(1) and weftd(8) and the shell completions of both programs.

Usage: generate.py --weft PROGRAM --weftd PROGRAM [--check]

They come from the programs' own model of their command line (--cli-model), so a command or an
option that is added needs this to be run again and nothing else. --check writes nothing and fails
when a file differs from what it would write.
"""

import argparse
import difflib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import cli_model  # noqa: E402
import completions  # noqa: E402
import man_page  # noqa: E402
import page_texts  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def wanted(weft, weftd):
    """The path below the root and the content of each file."""
    for program, text in ((weft, page_texts.WEFT), (weftd, page_texts.WEFTD)):
        root = cli_model.read(program)
        name = text["program"]
        yield f"docs/man/{name}.{text['section']}", man_page.page(root, text)
        yield f"deploy/completions/{name}.bash", completions.bash(name, root)
        yield f"deploy/completions/_{name}", completions.zsh(name, root)
        yield f"deploy/completions/{name}.fish", completions.fish(name, root)


def differs(path, content):
    file = ROOT / path
    found = file.read_text(encoding="utf-8") if file.exists() else ""
    if found == content:
        return False
    lines = difflib.unified_diff(found.splitlines(), content.splitlines(), path, "as generated",
                                 lineterm="", n=1)  # fmt: skip
    print("\n".join(list(lines)[:20]))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weft", required=True)
    parser.add_argument("--weftd", required=True)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    files = list(wanted(arguments.weft, arguments.weftd))
    if arguments.check:
        if any([differs(path, content) for path, content in files]):
            print(f"run: {sys.argv[0]} --weft {arguments.weft} --weftd {arguments.weftd}")
            return 1
        return 0
    for path, content in files:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
