"""Which logs of a folder changed: every writer leaves the id of its log in a file beside it, so that nobody must look at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kimi_jupyter.history.folders import private_file

JOURNAL = "written"
MOST_SIZE = 1_000_000
"""Bytes of the file of ids after which a look at all logs begins it anew."""
_LINE = re.compile(r"([\w.-]+) [0-9a-f]{8}")
_FLAGS = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)
_NOBODY = "-"
_LOG = ".jsonl"
_LOCK = f"{_LOG}.lock"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log as it lies on disk; the same mark means the same content."""

    id: str
    path: str
    inode: int
    mtime: int
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where the file of ids was read."""

    offset: int = 0
    last: str = ""
    """The line before it: no two are the same, so another file is not taken for this one."""


def announce(log: Path) -> None:
    """Leave word that this log is written; called under its lock, so that a look sees the lock or the word.

    Where there is no room for it the file goes, and the next look is at all logs.
    """
    path = log.with_name(JOURNAL)
    line = f"{log.name.removesuffix(_LOG)} {secrets.token_hex(4)}\n".encode()
    try:
        fd = os.open(path, _FLAGS, 0o600)
        try:
            private_file(fd)
            is_whole = os.write(fd, line) == len(line)
        finally:
            os.close(fd)
    except OSError:
        is_whole = False
    if not is_whole:
        with contextlib.suppress(OSError):
            path.unlink()


def written_since(folder: Path, place: Place) -> tuple[set[str] | None, Place]:
    """Ids of the logs that were written after `place`, and the place for the next time; `None` where that can't be told."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            file.seek(place.offset - len(place.last))
            text = file.read(2 * MOST_SIZE).decode("ascii", "replace")
    except (OSError, ValueError):
        return None, Place()
    if not text.startswith(place.last):
        return None, Place()
    lines = text[len(place.last) :].splitlines(keepends=True)
    ids: set[str] = set()
    for line in lines:
        found = _LINE.fullmatch(line.removesuffix("\n"))
        if found is None or not line.endswith("\n"):
            return None, Place()
        ids.add(found[1])
        place = Place(place.offset + len(line), line)
    return (ids if place.offset <= MOST_SIZE else None), place


def begin_again(folder: Path) -> Place:
    """The place for after a look at all logs that now begins; a file of ids that is long or broken is begun anew."""
    ids, place = written_since(folder, Place())
    if ids is None:
        with contextlib.suppress(OSError):
            (folder / JOURNAL).unlink()
        announce(folder / f"{_NOBODY}{_LOG}")
        place = written_since(folder, Place())[1]
    return place


def names(folder: Path) -> tuple[dict[str, int], set[str]]:
    """The ids of all logs with their inodes, and the ids of those that have a lock beside them; stats none of them."""
    found: dict[str, int] = {}
    locked: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_LOCK):
                locked.add(entry.name.removesuffix(_LOCK))
            elif entry.name.endswith(_LOG) and entry.is_file(follow_symlinks=False):
                found[entry.name.removesuffix(_LOG)] = entry.inode()
    return found, locked


def logs(folder: Path, ids: Iterable[str]) -> list[LogFile]:
    """These logs as they are now; those that are gone are left out."""
    found: list[LogFile] = []
    for id in ids:
        path = folder / f"{id}{_LOG}"
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            found.append(LogFile(id, str(path), status.st_ino, status.st_mtime_ns, status.st_size))
    return found
