"""What the scripts of this folder have in common: cases, each with a daemon of its own, and a main
by which ctest lists them (--list) and runs one (Class.case)."""

import re
import sys
import unittest

from weft_daemon import WeftDaemon

EXIT_SKIPPED = 77


class DaemonCase(unittest.TestCase):
    """Starts a daemon before each case. At its end the daemon must exit 0 on SIGTERM, and its last
    counts must add up, with nothing left in flight."""

    settings = ()
    # The text of the daemon's configuration file; None for none.
    config = None
    # Set by a case that has drained the daemon itself.
    drained = False

    def setUp(self):
        self.daemon = WeftDaemon(*self.settings, config=self.config)
        self.daemon.start()
        # Runs after tearDown and after what the case itself has registered.
        self.addCleanup(self.stop_daemon)

    def stop_daemon(self):
        code, counts = self.daemon.stop(already_draining=self.drained)
        self.assertEqual(code, 0)
        self.assertEqual(counts["in_flight"], 0)
        ended = ("succeeded", "failed", "cancelled", "expired")
        self.assertEqual(counts["accepted"], sum(counts[name] for name in ended))


def all_cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from all_cases(item)
        else:
            yield item


def sentence(case):
    """PythonClient.test_runs_a_task is listed as PythonClient.RunsATask."""
    kind, method = case.id().split(".")[-2:]
    words = method.removeprefix("test_").split("_")
    return f"{kind}.{''.join(word[:1].upper() + word[1:] for word in words)}"


def main():
    """No argument: every case. --list: their names. Otherwise: those named."""
    cases = list(all_cases(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    names = sys.argv[1:]
    if names == ["--list"]:
        print("\n".join(sentence(case) for case in cases))
        return
    chosen = [case for case in cases if not names or sentence(case) in names]
    if len(chosen) < len(names):
        sys.exit(f"there is no such case among {names}")
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(
        unittest.TestSuite(chosen))
    # A script that cannot run here is skipped before its cases are counted as run.
    if result.wasSuccessful() and result.skipped and len(result.skipped) >= result.testsRun:
        # As gtest says it, for tests/skipped.py.
        reason = re.sub(r"\s+", " ", result.skipped[0][1])
        print(f"Skipped\n{reason}")
        sys.exit(EXIT_SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
