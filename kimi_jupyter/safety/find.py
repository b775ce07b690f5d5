"""Finds workspace files by a piece of their name, for @mentions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kimi_jupyter.safety.protected import is_secret

SKIPPED = frozenset(
    [".git", ".hg", ".svn", "node_modules", ".ipynb_checkpoints", "__pycache__", ".venv"]
)
TIME_LIMIT = 1.0
"""Seconds that one walk over the tree may take; a larger tree is searched as far as that goes."""
KEEP_SECONDS = 5.0
"""How long a list of names serves the next keystrokes."""


class FileFinder:
    """Lists the files below a folder; for worker threads."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._names: list[str] = []
        self._read_at: float | None = None

    def find(self, query: str, limit: int) -> list[str]:
        """Paths relative to the root, best first: names that begin with the query, that hold it, that have its letters in order."""
        now = self._clock()
        if self._read_at is None or now - self._read_at > KEEP_SECONDS:
            self._names = list(self._walk(now + TIME_LIMIT))
            self._read_at = now
        wanted = query.strip().removeprefix("./").casefold()
        ranked = ((rank, len(path), path) for path in self._names if (rank := _rank(path, wanted)))
        return [path for _, _, path in sorted(ranked)[: max(0, limit)]]

    def _walk(self, until: float) -> Iterator[str]:
        folders = [""]
        for folder in folders:  # it grows: near files come before deep ones when time runs out
            if self._clock() > until:
                return
            for name, is_folder in _entries(self._root / folder):
                path = f"{folder}/{name}" if folder else name
                if is_folder and name not in SKIPPED:
                    folders.append(path)
                elif not is_folder and not is_secret(path):
                    yield path


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names of a folder's files and folders, links to folders left out: they could lead round in a circle or outside."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
            )
    except OSError:
        return []


def _rank(path: str, wanted: str) -> int:
    """From 1 for the best; 0 for no match."""
    plain = path.casefold()
    name = plain.rpartition("/")[2]
    if name.startswith(wanted) or plain.startswith(wanted):
        return 1
    if wanted in name:
        return 2
    if wanted in plain:
        return 3
    letters = iter(plain)
    return 4 if all(letter in letters for letter in wanted) else 0
