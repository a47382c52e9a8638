"""docs/capabilities.md names tests that exist, and what judges it notices when it does not."""

import pathlib
import tempfile
import unittest

import capabilities

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = "| capability | ours | test |\n|---|---|---|\n"


class CapabilitiesTest(unittest.TestCase):
    def judge(self, page, names=("Suite.Case",)):
        return list(capabilities.judge(page, set(names), ROOT))

    def test_the_page_is_true(self):
        self.assertEqual([], capabilities.findings(ROOT))

    def test_a_test_that_exists_is_taken(self):
        self.assertEqual([], self.judge(HEAD + "| spawn | `Spawn` | `Suite.Case` |\n"))
        script = "`tests/tidy/tidy_test.py`, `tests/tidy/tidy_test.py: unittest`"
        self.assertEqual([], self.judge(HEAD + f"| tidy | rules | {script} |\n"))

    def test_a_test_that_does_not_is_named(self):
        for test in ("Suite.Other", "tests/nothing.py", "tests/tidy/tidy_test.py: no such words"):
            found = self.judge(HEAD + f"| spawn | `Spawn` | `{test}` |\n")
            self.assertEqual([f"docs/capabilities.md:3: there is no test {test}"], found)

    def test_rows_without_a_test_or_with_an_empty_cell_are_findings(self):
        self.assertEqual(1, len(self.judge(HEAD + "| spawn | `Spawn` | later |\n")))
        self.assertEqual(1, len(self.judge(HEAD + "| spawn | | `Suite.Case` |\n")))
        self.assertEqual(1, len(self.judge("nothing\n")))
        self.assertEqual(2, len(self.judge("| a | b |\n|---|---|\n| 1 | 2 |\n")) - 1)

    def test_names_are_those_of_the_macros(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "tests").mkdir()
            text = "TEST_F(Suite,\n       LongCase) {}\nTEST(A, B) {"
            (root / "tests/some_test.cc").write_text(text)
            self.assertEqual({"Suite.LongCase", "A.B"}, capabilities.gtest_names(root))


if __name__ == "__main__":
    unittest.main()
