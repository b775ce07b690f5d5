"""The files that a task has written, as its log tells them; so they are known after a restart too."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_jupyter.protocol.events import Checkpoint, Event, ToolDone
from kimi_jupyter.safety.drift import is_cache


class Written:
    """Paths that the task's tools wrote and that changed under its commands; going back does not take them out.

    A command's caches do not count, else the second run of any test would ask. A rewind may leave a file as it is, so what
    was written before it counts on.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._read = 0
        self._paths: dict[str, None] = {}

    def paths(self) -> list[str]:
        """All of them up to now, the latest first."""
        for event in self._events[self._read :]:
            for path in _paths(event):
                self._paths.pop(path, None)
                self._paths[path] = None
        self._read = len(self._events)
        return list(reversed(self._paths))


def _paths(event: Event) -> list[str]:
    if isinstance(event, ToolDone):
        return [event.diff.path] if event.ok and event.diff else []
    if not isinstance(event, Checkpoint):
        return []
    kept = [image.path for image in event.files]
    # An entry of `uncovered` is a path with its reason in brackets, or a sentence about many files.
    left = [text.rsplit(" (", 1)[0] for text in event.uncovered if not text.startswith(_MANY)]
    return [path for path in (*kept, *left) if not is_cache(path)]


_MANY = "files in deep folders ("
