"""A summary that the user asked for, between two turns: begun, stopped, and its failure told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from kimi_jupyter.agent.asks import Emit
from kimi_jupyter.protocol.errors import HistoryError, KimiError
from kimi_jupyter.protocol.events import Notice
from kimi_jupyter.safety.loggable import trace

logger = logging.getLogger(__name__)

SUMS_UP = "The conversation is being summed up; wait until that is done, or stop it."
TURN_RUNS = "A turn is running, and it sums up by itself where it must. Send `/compact` when it has ended, or stop it."
STOPPED = "Stopped; the conversation is as it was."
FAULT = "The conversation was not summed up, by a fault of Kimi's own; the server's log has the details."


class Summing:
    """At most one; a client's link is not held up by it."""

    def __init__(self, emit: Emit, ended: Callable[[], None]) -> None:
        self._emit = emit
        self._ended = ended
        self._work: asyncio.Task[None] | None = None

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self._work is not None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it; none may be running."""
        self._work = asyncio.create_task(work, name="kimi summary")
        self._work.add_done_callback(self._end)

    def cancel(self) -> None:
        """End it at once."""
        if self._work is not None:
            self._work.cancel()

    async def interrupt(self) -> None:
        """Cancel it and wait until it is over."""
        if self._work is not None:
            self.cancel()
            await asyncio.wait([self._work])

    def _end(self, work: asyncio.Task[None]) -> None:
        self._work = None
        with contextlib.suppress(HistoryError):
            notice = _told(work)
            if notice is not None:
                self._emit(notice)
        self._ended()


def _told(work: asyncio.Task[None]) -> Notice | None:
    if work.cancelled():
        return Notice(level="info", text=STOPPED)
    error = work.exception()
    if error is None:
        return None
    if isinstance(error, KimiError):
        return Notice(level="error", text=f"The conversation was not summed up. {error}")
    logger.error("summing up failed: %s", trace(error))
    return Notice(level="error", text=FAULT)
