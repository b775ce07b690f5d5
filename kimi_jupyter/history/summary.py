"""One line of the history list, and the text by which it is found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Literal

from kimi_jupyter.history.fold import Fold, UsageTotal
from kimi_jupyter.protocol.base import Data, Mode
from kimi_jupyter.protocol.events import (
    Event,
    ReplyDone,
    TaskCreated,
    TaskRenamed,
    ToolStarted,
    TurnQueued,
    TurnStarted,
)

Status = Literal["idle", "running", "waiting", "interrupted"]


class TaskSummary(Data):
    """A task in the history list."""

    id: str
    """128 random bits in hex."""
    title: str
    """Empty until the first message or a rename names it."""
    created_at: int
    """Milliseconds since the epoch."""
    updated_at: int
    """When its last event was stored, in milliseconds since the epoch."""
    status: Status
    """`waiting`: an ask is open; `interrupted`: its last turn was cut off."""
    notebook: str | None
    """The notebook that it belongs to, relative to the workspace."""
    usage: UsageTotal
    """The usage of all its requests."""
    model: str
    """Model id."""
    mode: Mode
    """Approval mode."""
    origin: str
    """Who started it: `browser`, or `kernel:<id>`."""
    is_empty: bool = False
    """Nobody ever wrote in it or named it."""


def summarise(id: str, events: Sequence[Event], state: Fold) -> TaskSummary:
    """The line of a task whose stored events came to this state."""
    created = events[0] if isinstance(events[0], TaskCreated) else TaskCreated(at=events[0].at)
    return TaskSummary(
        id=id,
        title=state.title,
        created_at=created.at,
        updated_at=events[-1].at,
        status=_status(state),
        notebook=created.notebook,
        usage=state.usage,
        model=state.model,
        mode=state.mode,
        origin=created.origin,
        is_empty=is_empty(events),
    )


def is_empty(events: Iterable[Event]) -> bool:
    """Whether nobody ever wrote in a task or named it; what was rewound was written."""
    return not any(
        isinstance(event, TurnStarted | TurnQueued | TaskRenamed)
        or (isinstance(event, TaskCreated) and event.title)
        for event in events
    )


def _status(state: Fold) -> Status:
    if state.is_running:
        return "waiting" if state.has_open_asks else "running"
    return "interrupted" if state.last_end == "interrupted" else "idle"


def searchable(events: Iterable[Event]) -> str:
    """All that a search looks at, in lower case: what the user and the model wrote, titles, tools' arguments."""
    parts: list[str] = []
    for event in events:
        if isinstance(event, TurnStarted | TurnQueued):
            parts.append(event.text)
        elif isinstance(event, ReplyDone):
            parts.append(event.message.content)
        elif isinstance(event, ToolStarted):
            parts += (event.title, _readable(event.arguments))
        elif isinstance(event, TaskCreated | TaskRenamed):
            parts.append(event.title)
    return "\n".join(parts).casefold()


def _readable(arguments: str) -> str:
    """Models write other scripts as `\\uXXXX` in JSON, users search for the characters."""
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False)
    except ValueError:
        return arguments
