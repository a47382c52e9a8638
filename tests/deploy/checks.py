"""Checks of one part, run in order: a line each, and a summary."""

import sys
import time
import traceback


class Checks:
    def __init__(self, part):
        self.part = part
        self.failed = []
        self.count = 0

    def run(self, name, function, *arguments):
        """Runs one check: it fails by raising. True when it passed."""
        self.count += 1
        began = time.monotonic()
        try:
            function(*arguments)
        except Exception as error:
            self.failed.append(name)
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error}".rstrip()
            self._say(f"FAIL {name} ({where.name}:{where.lineno}): {text}")
            return False
        self._say(f"ok   {name} ({time.monotonic() - began:.1f} s)")
        return True

    def finish(self):
        """Prints the summary; returns the exit code."""
        passed = self.count - len(self.failed)
        self._say(f"{'FAIL' if self.failed else 'PASS'}: {passed} of {self.count} checks")
        return 1 if self.failed or self.count == 0 else 0

    def _say(self, text):
        print(f"{self.part}: {text}", flush=True)


def expect(condition, message):
    """An assertion that says what was found."""
    if not condition:
        raise AssertionError(message)


def await_that(condition, what, patience_s=30):
    """Asks again and again until condition() is true; returns what it gave."""
    until = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= until:
            raise AssertionError(f"not within {patience_s} s: {what}")
        time.sleep(0.1)


def exit_on_signals():
    """Turns SIGTERM into an exit, so that `finally` blocks end what was started."""
    import signal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
