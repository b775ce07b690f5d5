"""Finds workspace files and folders by a piece of their name, for @mentions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kimi_jupyter.safety.names_index import NamesIndex
from kimi_jupyter.safety.protected import is_secret

SKIPPED = frozenset(
    [".git", ".hg", ".svn", "node_modules", ".ipynb_checkpoints", "__pycache__", ".venv"]
)
TIME_LIMIT = 1.0
"""Seconds that the first look may take; what it did not reach is found in the background."""
BACKGROUND_LIMIT = 20.0
"""Seconds that a look in the background may take; a larger tree is searched as far as that goes."""
KEEP_SECONDS = 3.0
"""How long the names serve before the tree is looked at again."""
_PATIENCE = 0.02
"""Seconds that a query waits for a look in the background: enough for a small tree."""
_TICK = 100_000_000
"""Nanoseconds: a folder that changed this recently may change again without another time."""


@dataclass(frozen=True, slots=True)
class _Folder:
    changed_at: int
    """Its time of change in nanoseconds; 0 where that can't be trusted."""
    folders: tuple[str, ...]
    names: tuple[str, ...]
    """What may be mentioned: files, and folders with a `/` at the end."""


_NOTHING = _Folder(0, (), ())


class FileFinder:
    """Keeps the names of the files and folders below a folder; for worker threads."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._guard = threading.Lock()
        self._looking: threading.Thread | None = None
        self._folders: dict[str, _Folder] = {}
        self._index = NamesIndex(())
        self._is_whole = False
        self._read_at: float | None = None

    def find(self, query: str, limit: int) -> list[str]:
        """Paths relative to the root, those of folders with a `/` at the end, best first: names that begin with the query, that hold it, that have its letters in order."""
        looking = self._fresh()
        if looking is not None:
            looking.join(_PATIENCE)
        return self._index.find(query.strip().removeprefix("./").casefold(), max(0, limit))

    def _fresh(self) -> threading.Thread | None:
        """Look at the tree where that is due: the first time at once, then beside the queries."""
        with self._guard:
            if self._read_at is None:
                self._look(TIME_LIMIT)
            is_due = self._clock() - (self._read_at or 0.0) > KEEP_SECONDS or not self._is_whole
            if is_due and (self._looking is None or not self._looking.is_alive()):
                self._looking = threading.Thread(
                    target=self._look, args=(BACKGROUND_LIMIT,), name="kimi-names", daemon=True
                )
                self._looking.start()
            return self._looking if is_due else None

    def _look(self, seconds: float) -> None:
        now = self._clock()
        known, until = self._folders, now + seconds
        found: dict[str, _Folder] = {}
        waiting = [""]
        is_whole, has_changed = True, False
        for path in waiting:  # it grows: near files come before deep ones when time runs out
            if self._clock() > until:
                is_whole = False
                break
            was = known.get(path, _NOTHING)
            folder = self._entries(path, was)
            has_changed = has_changed or folder is not was
            found[path] = folder
            waiting += folder.folders
        if has_changed or len(found) != len(known):
            self._index = NamesIndex(name for folder in found.values() for name in folder.names)
        self._folders = found
        self._is_whole = is_whole or seconds >= BACKGROUND_LIMIT
        self._read_at = self._clock() if self._read_at is not None else now

    def _entries(self, path: str, was: _Folder) -> _Folder:
        """What is in a folder, links left out: those to folders could lead round in a circle or outside."""
        try:
            changed_at = (self._root / path).stat().st_mtime_ns
            if changed_at == was.changed_at:
                return was
            folders, names = _listed(self._root / path, f"{path}/" if path else "")
        except OSError:
            return _NOTHING
        is_fresh = abs(time.time_ns() - changed_at) < _TICK
        return _Folder(0 if is_fresh else changed_at, tuple(folders), tuple(names))


def _listed(folder: Path, start: str) -> tuple[Iterable[str], Iterable[str]]:
    folders: list[str] = []
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = start + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    folders.append(path)
                    names += [] if is_secret(path) else [f"{path}/"]
            elif entry.is_file(follow_symlinks=False) and not is_secret(path):
                names.append(path)
    return sorted(folders), names
