"""What events are made of."""

from __future__ import annotations

from typing import ClassVar, Literal

from kimi_jupyter.protocol.base import Data


class Stamped(Data):
    """What every event carries; `Log.emit` fills it in."""

    transient: ClassVar[bool] = False
    """Drawn and forgotten: not stored, and its `seq` is that of the last stored event."""

    seq: int = 0
    """Position in the log, from 1."""
    at: int = 0
    """Milliseconds since the epoch."""
    task: str = ""
    """The task's id."""


class Attachment(Data):
    """A file as it was inlined with a message."""

    path: str
    """Relative to the workspace, or the name of an uploaded file."""
    text: str
    """The text that the model is given."""
    size: int
    """Bytes of the file."""
    image: str | None = None
    """For an image: its `data:` URL; `text` is then empty."""


class TodoItem(Data):
    """One line of the agent's plan."""

    text: str
    """What is to be done."""
    status: Literal["open", "active", "done"]
    """How far it is."""


class FileImage(Data):
    """A file before and after a change, by the hashes of its bytes; empty where there was no file."""

    path: str
    """Relative to the workspace."""
    before: str
    """SHA-256 in hex of the kept image."""
    after: str
    """SHA-256 in hex of what the change left."""
