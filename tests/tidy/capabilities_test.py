"""docs/capabilities.md names what exists of ours and its tests, and what judges it notices when it
does not."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import capabilities

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = "| capability | ours | test |\n|---|---|---|\n"


class CapabilitiesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ours = capabilities.Ours(ROOT)

    def judge(self, page, names=("Suite.Case",)):
        return list(capabilities.judge(page, set(names), self.ours, ROOT))

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

    def test_what_is_ours_is_taken(self):
        for name in (
            "Spawn", "TaskHandle::Abort", "JoinHandle::Abort", "shutdown()", "FakeContext",
            "weft_task_attach", "weft_task_attr.cpu_priority", "WEFT_NULL_TASK", "std::future",
            "SetBudget", "AdminService.SetBudget", "executor.kind", "executor.budget_*", "http.get",
            "weft/weft.h", "executor/executor.h", "task_io.h", "bench/README.md", "uring_nop_64",
        ):  # fmt: skip
            with self.subTest(name):
                page = HEAD + f"| spawn | so: `{name}` | `Suite.Case` |\n"
                self.assertEqual([], self.judge(page))

    def test_what_is_made_up_is_named(self):
        for name in (
            "SpawnNothing", "TaskHandle::Attach", "CoreOptions::node", "SpawnNothing::Abort",
            "weft_task_forget", "weft_task_attr.colour", "executor.kindness", "executor.colour_*",
            "weft/colour.h", "colour.h", "async/colour",
        ):  # fmt: skip
            with self.subTest(name):
                found = self.judge(HEAD + f"| spawn | `Spawn`, `{name}` | `Suite.Case` |\n")
                self.assertEqual([f"docs/capabilities.md:3: there is no {name}"], found)

    def test_what_only_a_comment_a_text_or_a_test_tells_of_is_not_ours(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "server").mkdir()
            code = 'struct Real { int member; };  // Told\nconst char* text = "Quoted";\n'
            (root / "server/code.h").write_text(code)
            (root / "server/code_test.cc").write_text("struct Tested {};")
            ours = capabilities.Ours(root)
            self.assertTrue(ours.has("Real") and ours.has("Real::member"))
            for name in ("Told", "Quoted", "Tested", "Real::text"):
                self.assertFalse(ours.has(name), name)

    def test_rows_without_a_test_or_with_an_empty_cell_are_findings(self):
        self.assertEqual(1, len(self.judge(HEAD + "| spawn | `Spawn` | later |\n")))
        self.assertEqual(1, len(self.judge(HEAD + "| spawn | | `Suite.Case` |\n")))
        self.assertEqual(1, len(self.judge("nothing\n")))
        self.assertEqual(2, len(self.judge("| a | b |\n|---|---|\n| 1 | 2 |\n")) - 1)

    @unittest.skipUnless("WEFT_BUILD" in os.environ, "WEFT_BUILD names no build folder")
    def test_every_test_named_is_run(self):
        listed = subprocess.run(
            ["ctest", "--test-dir", os.environ["WEFT_BUILD"], "--show-only=json-v1"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        run = capabilities.run_by_ctest(listed.stdout)
        page = (ROOT / capabilities.PAGE).read_text(encoding="utf-8")
        self.assertEqual([], list(capabilities.judge(page, run, self.ours, ROOT)))

    def test_what_is_run_has_the_names_of_the_macros(self):
        listed = {
            "tests": [
                {"name": "Suite.Case"},
                {"name": "Backends/Ring.Nop/Threads  # GetParam() = 1-byte object <02>"},
                {"name": "Typed/0.Case  # TypeParam = int"},
                {"name": "Suite.Off", "properties": [{"name": "DISABLED", "value": True}]},
                {"name": "tidy", "properties": [{"name": "TIMEOUT", "value": 60.0}]},
            ]
        }
        run = capabilities.run_by_ctest(json.dumps(listed))
        self.assertEqual({"Suite.Case", "Ring.Nop", "Typed.Case", "tidy"}, run)

    def test_names_are_those_of_the_macros(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "tests").mkdir()
            text = "TEST_F(Suite,\n       LongCase) {}\nTEST(A, B) {"
            (root / "tests/some_test.cc").write_text(text)
            self.assertEqual({"Suite.LongCase", "A.B"}, capabilities.gtest_names(root))


if __name__ == "__main__":
    unittest.main()
