#!/usr/bin/env python3
"""Proves that the manual pages and the shell completions in the tree are what the programs' own
command line makes of them, that each command is in each of them, and that they work: man renders
the pages without a warning, the shells load the completions, bash completes.

Usage: manual_test.py [Manual.CASE ...], with the programs in WEFT and WEFTD.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANUAL = ROOT / "deploy/manual"
sys.path.insert(0, str(MANUAL))

import cli_model  # noqa: E402

PAGES = {"weft": ROOT / "docs/man/weft.1", "weftd": ROOT / "docs/man/weftd.8"}
PROGRAMS = {"weft": os.environ["WEFT"], "weftd": os.environ["WEFTD"]}
COMPLETIONS = ROOT / "deploy/completions"
EXIT_SKIPPED = 77


def needs(program):
    if shutil.which(program) is None:
        print(f"Skipped\n{program} is not installed")
        sys.exit(EXIT_SKIPPED)


def completed(program, *words, path=None):
    """What bash offers for the last of the words."""
    script = f"""
source {COMPLETIONS / program}.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_{program}
((${{#COMPREPLY[@]}} == 0)) || printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environment = dict(os.environ)
    if path:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    ran = subprocess.run(["bash", "-euc", script, "bash", program, *words], check=True,
                         capture_output=True, text=True, env=environment)  # fmt: skip
    if ran.stderr:
        raise AssertionError(ran.stderr)
    return ran.stdout.split()


class Manual(unittest.TestCase):
    def EqualWhatIsGenerated(self):
        command = [sys.executable, "-B", MANUAL / "generate.py", "--check"]
        command += ["--weft", PROGRAMS["weft"], "--weftd", PROGRAMS["weftd"]]
        ran = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def NameEveryCommandAndOption(self):
        for program, page in PAGES.items():
            root = cli_model.read(PROGRAMS[program])
            texts = {"page": page.read_text(encoding="utf-8").replace("\\-", "-")}
            for shell in (f"{program}.bash", f"_{program}", f"{program}.fish"):
                texts[shell] = (COMPLETIONS / shell).read_text(encoding="utf-8")
            flags = [flag for c in (root, *root.all_below()) for o in c.flags for flag in o.long]
            self.assertIn("help", flags)
            for name, text in texts.items():
                for command in root.all_below():
                    self.assertTrue(re.search(rf"[\s']{command.name}[\s':]", text),
                                    f"{name} lacks the command {command.name}")  # fmt: skip
                dashes = "-l " if name.endswith(".fish") else "--"
                for flag in flags:
                    self.assertTrue(f"{dashes}{flag}" in text, f"{name} lacks --{flag}")

    def RenderWithoutWarnings(self):
        needs("man")
        for page in sorted((ROOT / "docs/man").glob("*.[0-9]")):
            ran = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page],
                                 capture_output=True, text=True,
                                 env={**os.environ, "LC_ALL": "C.UTF-8"})  # fmt: skip
            self.assertEqual((ran.returncode, ran.stderr), (0, ""), page)
            self.assertRegex(ran.stdout, r"(?m)^NAME\n")

    def CompleteInBash(self):
        commands = [command.name for command in cli_model.read(PROGRAMS["weft"]).commands]
        self.assertEqual(set(commands) - set(completed("weft", "")), set())
        self.assertEqual(completed("weft", "hand"), ["handlers"])
        self.assertEqual(completed("weft", "run", "--prio"), ["--priority"])
        self.assertEqual(completed("weft", "run", "--priority", "h"), ["high"])
        self.assertEqual(completed("weft", "stats", "--prio"), [])
        # The third word may only be a file where the option before it takes one.
        self.assertIn("LICENSE", completed("weft", "run", "--file", f"{ROOT}/LIC")[0])
        self.assertEqual(completed("weftd", "--conf"), ["--config"])

    def CompleteHandlersByAskingTheDaemon(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder) / "weft"
            fake.write_text("#!/bin/sh\n"
                            'echo \'{"handlers": [{"name": "sha256",\'\n'
                            'echo \'"x": 1}, {\'\n'
                            'echo \'  "name": "sleep"}]}\'\n')  # fmt: skip
            fake.chmod(0o755)
            for words in (["run", "s"], ["submit", "s"], ["bench", "--handler", "s"],
                          ["run", "--priority", "low", "s"]):  # fmt: skip
                offered = completed("weft", *words, path=folder)
                self.assertEqual(offered, ["sha256", "sleep"], words)
            # Behind the handler comes its payload.
            self.assertEqual(completed("weft", "run", "sha256", "s", path=folder), [])

    def LoadInZshAndFish(self):
        for shell, name in (("zsh", "_{}"), ("fish", "{}.fish"), ("bash", "{}.bash")):
            if shutil.which(shell) is None:
                continue
            for program in PROGRAMS:
                file = COMPLETIONS / name.format(program)
                ran = subprocess.run([shell, "-n", file], capture_output=True, text=True)
                self.assertEqual((ran.returncode, ran.stderr), (0, ""), file)


if __name__ == "__main__":
    names = sys.argv[1:] or [f"Manual.{name}" for name in vars(Manual) if name[0].isupper()]
    suite = unittest.TestSuite(Manual(name.removeprefix("Manual.")) for name in names)
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
