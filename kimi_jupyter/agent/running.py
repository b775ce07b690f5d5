"""The running turn of a task: begun, cancelled, and closed so that the log is whole however it ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

from kimi_jupyter.agent import words
from kimi_jupyter.agent.asks import Emit
from kimi_jupyter.agent.services import Services
from kimi_jupyter.history.fold import UNKNOWN
from kimi_jupyter.protocol.errors import HistoryError, KimiError
from kimi_jupyter.protocol.events import Event, ReplyDone, ToolDone, ToolRunning, TurnEnded
from kimi_jupyter.safety.loggable import trace

logger = logging.getLogger(__name__)

FAULT = "The agent failed by a fault of its own; the server's log has the details. Send the message again."
_LONGEST_INTERRUPT = 10.0
"""Seconds to wait for a turn that is shut down; what it leaves open is closed when its log is opened again."""


class Running:
    """At most one turn; `turn.ended` follows each that was begun."""

    def __init__(
        self,
        task: str,
        events: Sequence[Event],
        emit: Emit,
        services: Services,
        ended: Callable[[], None],
    ) -> None:
        self._task = task
        self._events = events
        self._emit = emit
        self._services = services
        self._ended = ended
        self._turn: asyncio.Task[TurnEnded] | None = None
        self._reason: Literal["stopped", "interrupted"] = "interrupted"
        self.is_cancelled = False

    @property
    def is_on(self) -> bool:
        """Whether a turn runs."""
        return self._turn is not None

    def begin(self, turn: Coroutine[Any, Any, TurnEnded]) -> None:
        """Run a turn; none may be running."""
        self._reason = "interrupted"
        self.is_cancelled = False
        self._turn = asyncio.create_task(turn, name=f"kimi turn {self._task}")
        self._turn.add_done_callback(self._end)

    def cancel(self, reason: Literal["stopped", "interrupted"]) -> None:
        """End the turn at once, with all that it started."""
        if self._turn is not None:
            self._reason = reason
            self.is_cancelled = True
            self._turn.cancel()

    async def interrupt(self) -> None:
        """Cancel the turn and wait until it is over."""
        if self._turn is not None:
            self.cancel("interrupted")
            await asyncio.wait([self._turn], timeout=_LONGEST_INTERRUPT)

    def _end(self, turn: asyncio.Task[TurnEnded]) -> None:
        """Close the turn, also one that was cancelled before its first step."""
        self._turn = None
        ended = self._ending(turn)
        with contextlib.suppress(HistoryError):
            self._close_calls()
        with contextlib.suppress(HistoryError):
            self._emit(ended)
            self._ended()
        self._services.notify("tasks", self._task)

    def _ending(self, turn: asyncio.Task[TurnEnded]) -> TurnEnded:
        if turn.cancelled():
            return TurnEnded(reason=self._reason)
        error = turn.exception()
        if error is None:
            return turn.result()
        if isinstance(error, KimiError):
            return TurnEnded(reason="error", message=str(error))
        logger.error("the turn failed: %s", trace(error, self._services.secrets()))
        return TurnEnded(reason="error", message=FAULT)

    def _close_calls(self) -> None:
        """Give every call of the last step that has no result one."""
        open_calls: dict[str, bool] = {}
        for event in self._events:
            if isinstance(event, ReplyDone):
                open_calls = {call.id: False for call in event.message.tool_calls}
            elif isinstance(event, ToolRunning) and event.call in open_calls:
                open_calls[event.call] = True
            elif isinstance(event, ToolDone):
                open_calls.pop(event.call, None)
        for call, was_running in open_calls.items():
            self._emit(self._closed(call, was_running=was_running))

    def _closed(self, call: str, *, was_running: bool) -> ToolDone:
        if self._reason == "stopped":
            text = words.STOPPED_RUNNING if was_running else words.STOPPED
            return ToolDone(call=call, ok=False, output=text, summary="stopped")
        text = words.INTERRUPTED_RUNNING if was_running else words.INTERRUPTED
        return ToolDone(
            call=call, ok=False, output=text, summary=UNKNOWN if was_running else "not run"
        )
