"""Prints each skipped test of a JUnit file of ctest with the reason that the test gave."""

import os
import sys
import xml.etree.ElementTree as ElementTree


def reason_of(case):
    """The line after gtest's 'Skipped' in the test's output, or what ctest says itself."""
    lines = (case.findtext("system-out") or "").splitlines()
    for number, line in enumerate(lines):
        if line.endswith("Skipped") and number + 1 < len(lines) and lines[number + 1].strip():
            return lines[number + 1].strip()
    skipped = case.find("skipped")
    return (skipped.get("message") if skipped is not None else None) or "no reason given"


def main(path):
    if not os.path.exists(path):
        return
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            print(f"skipped: {case.get('name')}: {reason_of(case)}")


main(sys.argv[1])
