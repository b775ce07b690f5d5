"""Server-wide notices on Jupyter's own event bus, so that every page learns of changes without asking."""

from __future__ import annotations

from typing import Any

from jupyter_events import EventLogger

NOTICE = "https://schema.jupyter.org/kimi_jupyter/notice"

_SCHEMA: dict[str, Any] = {
    "$id": NOTICE,
    "version": "1",
    "title": "Kimi notice",
    "description": "Something that Kimi Jupyter shows changed; read it again.",
    "type": "object",
    "required": ["what", "open_asks"],
    "properties": {
        "what": {"enum": ["asks", "settings", "tasks", "key"], "description": "What changed."},
        "task": {"type": "string", "description": "The task's id, where it is about one."},
        "open_asks": {
            "type": "integer",
            "description": "How many asks wait for an answer, in all tasks.",
        },
    },
}


def register(events: EventLogger) -> None:
    """Make the notice known to the bus."""
    events.register_event_schema(_SCHEMA)


def emit(events: EventLogger, what: str, *, task: str | None = None, open_asks: int = 0) -> None:
    """Tell all listeners; called on the event loop."""
    data: dict[str, Any] = {"what": what, "open_asks": open_asks}
    events.emit(schema_id=NOTICE, data=data if task is None else {**data, "task": task})
