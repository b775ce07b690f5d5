"""Putting files back to what they held before an event."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from kimi_jupyter.history.images import Images
from kimi_jupyter.protocol.errors import FileChanged, FileUnreadable, KimiError
from kimi_jupyter.protocol.events import Checkpoint, Event
from kimi_jupyter.protocol.parts import FileImage
from kimi_jupyter.safety import files
from kimi_jupyter.safety.names import shortened
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.walk import Missing

MOST_SIZE = 50_000_000
"""Bytes of a file that is put back or replaced."""


@dataclass(frozen=True)
class Restored:
    """What a way back did."""

    restored: tuple[str, ...] = ()
    """Files that hold again what they held then."""
    kept: tuple[str, ...] = ()
    """Files that were left alone: they are not as the agent left them, or no image of them is there."""
    checkpoint: Checkpoint | None = None
    """What was replaced, for the undoing; emitted right after `rewound`. `None` where nothing was."""


@dataclass
class _Way:
    """One file's way through the checkpoints."""

    target: str
    """What it held before the first of them."""
    seen: set[str] = field(default_factory=set[str])
    """All that it held by our doing."""


def restore(workspace: Workspace, images: Images, events: Sequence[Event], to: int) -> Restored:
    """Put back every file that checkpoints from `to` on recorded, as it was before the first of them.

    Where a file holds anything else than what some of these checkpoints left or found, it is left alone.
    """
    ways: dict[str, _Way] = {}
    uncovered: dict[str, None] = {}
    for event in events:
        if isinstance(event, Checkpoint) and event.seq >= to:
            uncovered |= dict.fromkeys(event.uncovered)
            for image in event.files:
                way = ways.setdefault(image.path, _Way(image.before))
                way.seen |= {image.before, image.after}
    restored: list[str] = []
    kept: list[str] = []
    replaced: list[FileImage] = []
    for path, way in sorted(ways.items()):
        image = _put_back(workspace, images, path, way)
        if image is None:
            kept.append(path)
            continue
        restored.append(path)
        if image.before != image.after:
            replaced.append(image)
    checkpoint = Checkpoint(files=tuple(replaced)) if replaced else None
    return Restored(tuple(restored), (*kept, *uncovered), checkpoint)


def _put_back(workspace: Workspace, images: Images, path: str, way: _Way) -> FileImage | None:
    """What was there and what is there now; `None` where the file is left alone."""
    try:
        present = _present(workspace, path)
        now = "" if present is None else hashlib.sha256(present).hexdigest()
        if now == way.target:
            return FileImage(path=path, before=now, after=now)
        data = images.get(way.target) if way.target else b""
        if now not in way.seen or data is None:
            return None
        if present is not None:
            images.put(present)  # before it is gone: the way back can be undone
        if way.target:
            files.replace(workspace, path, data, expected=now)
        else:
            _remove(workspace, path, now)
    except (KimiError, OSError):
        return None
    return FileImage(path=path, before=now, after=way.target)


def _present(workspace: Workspace, path: str) -> bytes | None:
    if workspace.stat(path) is None:
        return None
    return workspace.read_bytes(path, limit=MOST_SIZE)


def _remove(workspace: Workspace, path: str, expected: str) -> None:
    """Remove a file that holds exactly what `expected` says."""
    try:
        with workspace.place(path) as place:
            fd = place.open(os.O_RDONLY)
            try:
                with os.fdopen(os.dup(fd), "rb") as file:
                    if hashlib.sha256(file.read()).hexdigest() != expected:
                        raise FileChanged(f"{shortened(path)} changed at this moment.")
            finally:
                os.close(fd)
            place.remove(place.name)
            place.sync()
    except (Missing, FileNotFoundError) as error:
        raise FileUnreadable(f"{shortened(path)} is no longer there.") from error
