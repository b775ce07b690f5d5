"""A second task that begins with a part of another one's log."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kimi_jupyter.history.fold import fold
from kimi_jupyter.history.images import Images
from kimi_jupyter.history.recovery import closing
from kimi_jupyter.protocol.errors import CommandRefused, HistoryError
from kimi_jupyter.protocol.events import Checkpoint, Event, TaskCreated, TaskRenamed

_ELSEWHERE = "goes on in the task that this one was forked from"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
UNFINISHED = ".new"
"""How the name of a log ends that is not whole yet."""


def forked(events: Sequence[Event], upto: int, *, id: str, origin: str) -> list[Event]:
    """The events of the new task: the old ones up to `upto` with their numbers, what is open closed, another title."""
    kept: list[Event] = [event for event in events if event.seq <= upto]
    if not kept or not isinstance(kept[0], TaskCreated):
        raise CommandRefused(
            "There is nothing in this task up to that place; reload and choose again."
        )
    kept[0] = kept[0].model_copy(update={"origin": origin})
    seq, at = kept[-1].seq, kept[-1].at
    title = fold(kept).title or "Untitled task"
    for event in (*closing(kept, ended=_ELSEWHERE), TaskRenamed(title=f"{title} (fork)")):
        seq += 1
        kept.append(event.model_copy(update={"seq": seq, "at": at}))
    return [event.model_copy(update={"task": id}) for event in kept]


def write_log(path: Path, events: Sequence[Event]) -> None:
    """Write a whole log at once: it is there with all its events or not at all."""
    new = path.with_name(path.name + UNFINISHED)
    try:
        with os.fdopen(os.open(new, _NEW, 0o600), "wb") as file:
            for event in events:
                file.write(event.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise HistoryError(f"The fork could not be written: {error.strerror}.") from error


def copy_images(events: Sequence[Event], source: Images, target: Images) -> None:
    """Give the new task its own images, so that it can go back even when the old one is deleted."""
    for event in events:
        for image in event.files if isinstance(event, Checkpoint) else ():
            if image.before:
                target.adopt(image.before, source)
