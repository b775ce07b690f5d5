"""Opening an unfinished log closes it: the events that end what a killed process left open."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kimi_jupyter.history.fold import UNKNOWN
from kimi_jupyter.history.reading import Reading
from kimi_jupyter.history.writer import Writer
from kimi_jupyter.protocol.errors import HistoryError
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    CommandBackgrounded,
    CommandEnded,
    Event,
    ReplyDone,
    ReplyPartial,
    Rewound,
    TaskCreated,
    ToolDone,
    ToolRunning,
    ToolStarted,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
)
from kimi_jupyter.protocol.messages import AssistantMessage

NOT_RUN = "was not run"
"""The summary of a `tool.done` for a call that was never let through."""

ENDED = "ended with the server"
"""The summary of a `command.ended` for a command that ran in the background of a process that is gone."""

_UNKNOWN_OUTPUT = "outcome unknown: the agent was stopped while this ran, so it may or may not have happened; check before trying again."
_NOT_RUN_OUTPUT = "was not run: the agent was stopped before it began."
_INTERRUPTED = "The agent was stopped in the middle of this turn. Send a message to go on."


def repair(path: Path, reading: Reading, writer: Writer) -> None:
    """Cut a torn end off the log and keep it in a file beside it."""
    if not reading.torn:
        return
    if reading.torn.strip():
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            fd = os.open(torn_path(path), flags, 0o600)
            with os.fdopen(fd, "ab") as aside:
                aside.write(reading.torn + b"\n")
        except OSError as error:
            raise HistoryError(
                f"The broken end of the log {path.name!r} could not be put aside: {error.strerror}. Make room, then open the task again."
            ) from error
    writer.cut(reading.whole)


def torn_path(log: Path) -> Path:
    """Where the broken ends of a log are kept."""
    return log.with_name(log.name + ".torn")


@dataclass
class _Open:
    """What is open at some point of a log."""

    turn: bool = False
    asks: dict[str, AskOpened] = field(default_factory=lambda: {})
    calls: dict[str, ToolStarted] = field(default_factory=lambda: {})
    running: set[str] = field(default_factory=lambda: set())
    partials: list[ReplyPartial] = field(default_factory=lambda: [])
    queued: list[int] = field(default_factory=lambda: [])
    background: list[str] = field(default_factory=lambda: [])

    def next(self, *, turn: bool) -> _Open:
        """What outlives a turn's begin and end: messages that wait, and commands in the background."""
        return _Open(turn=turn, queued=self.queued, background=self.background)

    def feed(self, event: Event) -> None:
        if isinstance(event, ToolStarted | ToolRunning | ToolDone):
            self._call(event)
        elif isinstance(event, ReplyPartial):
            if self.partials and self.partials[-1].reply != event.reply:
                self.partials.clear()
            self.partials.append(event)
        elif isinstance(event, ReplyDone):
            self.partials.clear()
        elif isinstance(event, AskOpened):
            self.asks[event.ask] = event
        elif isinstance(event, AskClosed):
            self.asks.pop(event.ask, None)
        elif isinstance(event, CommandBackgrounded):
            self.background.append(event.call)
        elif isinstance(event, CommandEnded):
            self.background = [call for call in self.background if call != event.call]
        else:
            self._queue(event)

    def _queue(self, event: Event) -> None:
        if isinstance(event, TurnQueued):
            self.queued.append(event.seq)
        elif isinstance(event, TurnUnqueued):
            self.queued = [seq for seq in self.queued if seq != event.queued]

    def _call(self, event: ToolStarted | ToolRunning | ToolDone) -> None:
        if isinstance(event, ToolStarted):
            self.calls[event.call] = event
        elif isinstance(event, ToolRunning):
            self.running.add(event.call)
        else:
            self.calls.pop(event.call, None)
            self.running.discard(event.call)


def closing(events: Iterable[Event], *, ended: str = ENDED) -> list[Event]:
    """The events that close what these leave open; none where nothing is. `ended` is said of background commands."""
    state = _Open()
    for event in events:
        if isinstance(event, TaskCreated | TurnStarted | TurnEnded | Rewound):
            state = state.next(turn=isinstance(event, TurnStarted))
        else:
            state.feed(event)
        if isinstance(event, Rewound):
            state.queued = []
    closed: list[Event] = [TurnUnqueued(queued=seq, joined=False) for seq in state.queued]
    closed += [CommandEnded(call=call, summary=ended) for call in state.background]
    return closed + _turn_closing(state) if state.turn else closed


def _turn_closing(state: _Open) -> list[Event]:
    closed: list[Event] = [
        AskClosed(ask=ask, decision="cancelled", by="agent") for ask in state.asks
    ]
    closed += [_call_done(call, call in state.running) for call in state.calls]
    if state.partials:
        closed.append(_reply_done(state.partials))
    unknown = [event.title for call, event in state.calls.items() if call in state.running]
    closed.append(TurnEnded(reason="interrupted", message=_message(unknown)))
    return closed


def _call_done(call: str, was_running: bool) -> ToolDone:
    if was_running:
        return ToolDone(call=call, ok=False, output=_UNKNOWN_OUTPUT, summary=UNKNOWN)
    return ToolDone(call=call, ok=False, output=_NOT_RUN_OUTPUT, summary=NOT_RUN)


def _reply_done(partials: list[ReplyPartial]) -> ReplyDone:
    message = AssistantMessage(
        content="".join(partial.text for partial in partials),
        reasoning_content="".join(partial.think for partial in partials) or None,
    )
    return ReplyDone(reply=partials[-1].reply, message=message, finish="stopped")


def _message(unknown: list[str]) -> str:
    if not unknown:
        return _INTERRUPTED
    titles = ", ".join(f"`{title}`" for title in unknown)
    return f"{_INTERRUPTED} It is not known whether this happened: {titles}. Check before you repeat it."
