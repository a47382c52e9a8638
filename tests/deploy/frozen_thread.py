"""Stops one thread of a process from outside, as a debugger does, while all others go on.

That is how a hang is made for the watchdog: the daemon has no switch for it.
"""

import ctypes
import os

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WAIT_ALL = 0x40000000  # __WALL: threads that are not the first, too.


class FrozenThread:
    """A context in which the thread stands still. One at a time, all from one thread of ours."""

    def __init__(self, thread):
        self.thread = thread
        self.gone = False
        self.ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.ptrace.restype = ctypes.c_long

    def __enter__(self):
        self._request(PTRACE_SEIZE)
        self._request(PTRACE_INTERRUPT)
        os.waitpid(self.thread, WAIT_ALL)
        return self

    def __exit__(self, *_):
        if not self.has_ended():
            self._request(PTRACE_DETACH)

    def has_ended(self):
        """Whether its process was killed. The process is only gone once we have been told."""
        while not self.gone:
            try:
                thread, status = os.waitpid(self.thread, WAIT_ALL | os.WNOHANG)
            except ChildProcessError:
                self.gone = True
                break
            if thread == 0:
                return False
            self.gone = os.WIFEXITED(status) or os.WIFSIGNALED(status)
        return True

    def _request(self, what):
        if self.ptrace(what, self.thread, None, None) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"ptrace({what:#x}, {self.thread}): {os.strerror(number)}")
