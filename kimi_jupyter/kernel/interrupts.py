"""Interrupts that work: ipykernel's own handler does not wake an idle loop, and may strike its own steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """The user interrupted the cell; later cells of a Run All do not run."""

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback through our code."""
        return [f"KeyboardInterrupt: {self}"]


Stopped.__name__ = "KeyboardInterrupt"  # what front ends are told


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Generator[None]:
    """SIGINT calls `act` for as long as this is open; off the main thread there are no signals, and this does nothing.

    `act` runs between two instructions of the main thread: it sets a flag and wakes the loop with `call_soon_threadsafe`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(signum: int, frame: object) -> None:
        act()

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
