"""How a cell waits: on the kernel's loop, or by turning the comm lane by hand where it can't be awaited."""

from __future__ import annotations

import asyncio
import threading
from typing import Protocol

from kimi_jupyter.kernel.lane import CommLane

TICK = 0.1
"""Seconds between two looks at what is to be painted."""
_PUMP = 0.03


class Waiting(Protocol):
    """How a driver waits: by the kernel's loop, or by turning it by hand."""

    def wake(self) -> None:
        """End the wait; from any thread."""
        ...

    async def wait(self) -> bool:
        """Wait for a wake, a tick at most; whether the user interrupted."""
        ...


class LoopWaiting:
    """For a cell that is awaited."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()
        self._interrupted = False

    def wake(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    def interrupt(self) -> None:
        """The user interrupted; called from a signal handler."""
        self._interrupted = True
        self.wake()

    async def wait(self) -> bool:
        # No `wait_for`: before Python 3.12 it can swallow a cancel that comes together with the event.
        timer = self._loop.call_later(TICK, self._event.set)
        try:
            await self._event.wait()
        except asyncio.CancelledError:
            self._interrupted = True
        finally:
            timer.cancel()
        self._event.clear()
        interrupted, self._interrupted = self._interrupted, False
        return interrupted


class StepWaiting:
    """For a cell that can't be awaited: the lane is pumped where there is one; it never suspends."""

    def __init__(self, lane: CommLane | None) -> None:
        self._lane = lane
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    async def wait(self) -> bool:
        try:
            if self._lane is not None:
                self._lane.pump(_PUMP)
            else:
                self._event.wait(TICK)
                self._event.clear()
        except KeyboardInterrupt:
            return True
        return False
