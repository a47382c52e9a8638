#!/usr/bin/env python3
"""Keeps the numbers and the directions of STYLE: layers, sizes, names, banned words, own header.

Usage: tidy.py [FOLDER]. Judges every file that git tracks or would track below the repository's
root (or FOLDER). Prints one line a finding, exit 1 when there is one.
"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import rules  # noqa: E402

# (rule, path): reason. May only shrink: an entry that nothing needs is a finding itself.
EXCEPTIONS = {
    ("endless-loop", "server/core/dispatch.h"):
        "a runner fiber never returns; each round ends by switching to the turn",
}  # fmt: skip


def files_below(root):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(name for name in listed.split("\0") if name and (root / name).is_file())


def judge_all(root, exceptions):
    findings = []
    unused = set(exceptions)
    names = files_below(root)
    for name in names:
        if not rules.is_ours(name):
            continue
        text = (root / name).read_text(encoding="utf-8")
        for finding in rules.judge(name, text, names):
            key = (finding.rule, name)
            if key in exceptions:
                unused.discard(key)
            else:
                findings.append(finding)
    for rule, name in sorted(unused):
        message = f"the exception from {rule} is unused"
        findings.append(rules.Finding("exceptions", name, 0, message))
    return findings, len(names)


def main(arguments):
    here = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(arguments[0]).resolve() if arguments else here
    findings, count = judge_all(root, EXCEPTIONS)
    for finding in findings:
        print(finding)
    print(f"tidy: {count} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
