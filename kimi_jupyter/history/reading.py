"""Reads a log as it lies on disk, whatever state it is in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from kimi_jupyter.protocol.errors import HistoryError
from kimi_jupyter.protocol.events import (
    Event,
    Notice,
    TaskCreated,
    event_adapter,
)

_TORN = "The end of this task's log was broken off, as after a crash or on a full disk. All before it is there; the fragment is kept beside the log."

KNOWN: frozenset[str] = frozenset(
    str(event.model_fields["type"].default) for event in get_args(get_args(Event)[0])
)
"""The event types that this version knows."""


@dataclass
class Reading:
    """What a log holds."""

    events: list[Event] = field(default_factory=lambda: [])
    last_seq: int = 0
    """The highest number in the file, events of unknown types included."""
    whole: int = 0
    """Bytes up to the end of the last good line."""
    torn: bytes = b""
    """What lies behind that."""
    bad_lines: list[int] = field(default_factory=lambda: [])
    """Numbers of the lines before that which can't be read."""

    def notices(self) -> list[Notice]:
        """Sentences for the user about what is missing; those of bad lines only once in a log's life."""
        said = {event.text for event in self.events if isinstance(event, Notice)}
        bad = [text for text in map(_bad_line, self.bad_lines) if text not in said]
        torn = [_TORN] if self.torn.strip() else []
        return [Notice(level="warning", text=text) for text in (*torn, *bad)]


def read(path: Path) -> Reading:
    """Read a log; raises `HistoryError` where nothing in it is an event."""
    reading = Reading()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HistoryError(f"The log {path.name!r} can't be read: {error.strerror}.") from error
    offset = 0
    bad: list[int] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        offset += len(line) + 1
        if offset > len(data):
            break
        if _take(reading, line):
            reading.whole = offset
            reading.bad_lines += bad
            bad = []
        elif line.strip():
            bad.append(number)
    reading.torn = data[reading.whole :]
    if not reading.events:
        raise HistoryError(
            f"The log {path.name!r} holds nothing that can be read; it was left as it is."
        )
    first = reading.events[0]
    if not isinstance(first, TaskCreated):
        reading.events.insert(0, TaskCreated(at=first.at, task=path.name.split(".")[0]))
    return reading


def _bad_line(number: int) -> str:
    return f"Line {number} of this task's log can't be read and is left out; all the rest is there."


def _take(reading: Reading, line: bytes) -> bool:
    """Take in one line; `False` where it is no event of any version."""
    try:
        event = event_adapter.validate_json(line)
    except ValidationError as error:
        event = _newer(line, error)
    if event is None:
        return False
    if isinstance(event, int):
        reading.last_seq = max(reading.last_seq, event)
        return True
    seq = max(event.seq, reading.last_seq + 1)
    reading.last_seq = seq
    reading.events.append(event if event.seq == seq else event.model_copy(update={"seq": seq}))
    return True


def _newer(line: bytes, error: ValidationError) -> Event | int | None:
    """A line of a newer version: its event without the fields that we do not know, or the number of one that we do not know."""
    try:
        value: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    if not isinstance(fields.get("type"), str):
        return None
    if fields["type"] not in KNOWN:
        seq = fields.get("seq")
        return seq if isinstance(seq, int) else 0
    for fault in error.errors():
        if fault["type"] != "extra_forbidden":
            return None
        _remove(value, fault["loc"])
    try:
        return event_adapter.validate_python(value)
    except ValidationError:
        return None


def _remove(value: Any, location: tuple[int | str, ...]) -> None:
    for step in location[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            continue  # names of union members stand in the location too
    if isinstance(value, dict):
        cast("dict[int | str, Any]", value).pop(location[-1], None)
