"""What the files of a workspace look like from outside, to see afterwards which of them a command changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from kimi_jupyter.safety.files import TEMPORARY

SKIPPED = frozenset(
    [".git", ".hg", ".svn", ".jj", "node_modules", ".venv", ".ipynb_checkpoints", "__pycache__"]
)
"""Folders that are never looked into."""
MOST_FILES = 50_000
"""Files that one scan looks at."""


class Mark(NamedTuple):
    """What changes when a file changes; `changed_at` also where a program sets the time back."""

    size: int
    modified_at: int
    changed_at: int
    inode: int
    is_file: bool
    """`False` for a link, a socket and the like."""


@dataclass
class Scan:
    """The files below a folder by their paths, near ones first."""

    marks: dict[str, Mark] = field(default_factory=dict[str, Mark])
    left: set[str] = field(default_factory=set[str])
    """Folders that were not looked into: no time, too many files, or not readable."""
    at: int = 0
    """When it began, in nanoseconds since the epoch."""
    is_cut: bool = False
    """The time or the number of files was used up."""

    def covers(self, path: str) -> bool:
        """Whether it would have seen this path."""
        return not any(_is_below(path, folder) for folder in self.left)


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def scan(
    root: Path,
    *,
    until: float,
    clock: Callable[[], float] = time.monotonic,
    most: int = MOST_FILES,
    skip: frozenset[str] = frozenset(),
) -> Scan:
    """Look at every file below `root` until that moment of the clock; reads no content and follows no link.

    `skip` are paths of folders that do not count, such as our own.
    """
    found = Scan(at=time.time_ns())
    folders = [""]
    for folder in folders:  # it grows: near files come before deep ones when time runs out
        if clock() > until or len(found.marks) >= most:
            found.is_cut = True
            found.left.add(folder)
        elif folder not in skip:
            _look_into(root, folder, found, folders)
    return found


def _look_into(root: Path, folder: str, found: Scan, folders: list[str]) -> None:
    start = f"{folder}/" if folder else ""
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if entry.name.endswith(TEMPORARY):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    found.marks[start + entry.name] = _mark(entry.stat(follow_symlinks=False))
                elif entry.name not in SKIPPED:
                    folders.append(start + entry.name)
    except OSError:
        found.left.add(folder)


def _mark(status: os.stat_result) -> Mark:
    return Mark(
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        S_ISREG(status.st_mode),
    )
