"""Where steps are done: in a child process that is watched, or right here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Protocol

from workers.child import Order, execute
from workers.outcome import Ending, Outcome

LOOK_S = 0.25
PAGE = os.sysconf("SC_PAGE_SIZE")

Watch = Callable[[], Outcome | None]
"""Says how the attempt ends if it has to end now, else None; asked a few times a second."""


class Slot(Protocol):
    """Does one step at a time."""

    def run(self, order: Order, watch: Watch) -> Outcome:
        """Do a step and return how it ended."""

    def close(self) -> None:
        """Let go of what it holds."""


class Here:
    """Does steps in this process, where nothing can stop them before they are done."""

    def run(self, order: Order, watch: Watch) -> Outcome:
        """Do a step and return how it ended."""
        return watch() or execute(order)

    def close(self) -> None:
        """Nothing is held."""


class Child:
    """Does steps in a process of their own: it can be ended at any moment, and its memory is limited."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: Connection | None = None

    def run(self, order: Order, watch: Watch) -> Outcome:
        """Do a step and return how it ended."""
        process, orders = self._started()
        try:
            orders.send(order)
            while not orders.poll(LOOK_S):
                ended = watch() or self._too_large(process, order.means.memory_mib)
                if ended is not None:
                    self.close()
                    return ended
            outcome: Outcome = orders.recv()
        except (EOFError, OSError):
            code = process.wait()
            self.close()
            return Outcome(Ending.CRASHED, _explained(code))
        except BaseException:
            self.close()
            raise
        return outcome

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._orders is not None:
            self._orders.close()
        self._process = self._orders = None

    def _started(self) -> tuple[subprocess.Popen[bytes], Connection]:
        if self._process is not None and self._orders is not None and self._process.poll() is None:
            return self._process, self._orders
        self.close()
        self._orders, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-m", "workers.child", str(theirs.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603 - our own module
        return self._process, self._orders

    @staticmethod
    def _too_large(process: subprocess.Popen[bytes], most_mib: int) -> Outcome | None:
        if not most_mib:
            return None
        try:
            resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * PAGE >> 20
        except (OSError, IndexError):
            return None
        if resident <= most_mib:
            return None
        reason = f"needs more than the {most_mib} MiB of memory that a step may use: raise SOS_STEP_MEMORY_MIB"
        return Outcome(Ending.REFUSED, reason)


def _explained(code: int) -> str:
    if code == -9:
        return "its process was killed (signal 9), perhaps for want of memory"
    return f"its process ended by signal {-code}" if code < 0 else f"its process ended with exit code {code}"


def wait_a_moment() -> None:
    """Wait as long as watchers wait between two looks."""
    time.sleep(LOOK_S)
