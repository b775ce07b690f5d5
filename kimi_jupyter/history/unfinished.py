"""What the workspace was before a command that still runs, on the disk: so that a killed host's last command can be gone back on too."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kimi_jupyter.history.folders import private_folder
from kimi_jupyter.history.scan import Mark, Scan
from kimi_jupyter.protocol.errors import KimiError

_NEW = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)
_ENDING = ".before"
_TOGETHER = 1_000
"""Files that are written in one piece, so that other threads get their turn."""


@dataclass(frozen=True)
class Before:
    """The workspace before a command; for `after` of the same checkpoints only."""

    call: str
    scan: Scan
    kept: Mapping[str, str]
    """SHA-256 by path, of the files of which an image is kept."""
    file: Path | None = None
    """Where it lies on the disk while the command runs."""


class Unfinished:
    """The folder of one workspace; may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, task: str, call: str, scan: Scan, kept: Mapping[str, str]) -> Before:
        """Keep it; where there is no room it is kept in memory only, and a killed command can't be gone back on."""
        digest = hashlib.sha256(call.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        path = self._folder / f"{task}-{digest}{_ENDING}"
        try:
            private_folder(self._folder)
            new = path.with_suffix(f".{secrets.token_hex(8)}")
            try:
                with os.fdopen(os.open(new, _NEW, 0o600), "w", encoding="ascii") as file:
                    for piece in _lines(call, scan, kept):
                        file.write(piece)
                new.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    new.unlink()
                raise
        except (KimiError, OSError):
            return Before(call, scan, kept)
        return Before(call, scan, kept, path)

    def of_task(self, task: str) -> list[tuple[Before, int]]:
        """What a task's killed commands left, and when each of them was last known to run (nanoseconds)."""
        found: list[tuple[Before, int]] = []
        for path in sorted(self._folder.glob(f"{task}-*{_ENDING}")):
            before = _read(path)
            with contextlib.suppress(OSError):
                if before is None:
                    path.unlink()
                else:
                    found.append((before, path.lstat().st_mtime_ns))
        return found

    def digests(self) -> set[str]:
        """The contents that somebody may need to go back."""
        needed: set[str] = set()
        for path in self._folder.glob(f"*{_ENDING}"):
            before = _read(path)
            needed |= set(before.kept.values()) if before is not None else set()
        return needed

    def remove(self, task: str) -> None:
        """Forget all of a task."""
        for path in self._folder.glob(f"{task}-*"):
            with contextlib.suppress(OSError):
                path.unlink()


def touch(before: Before) -> None:
    """The command still runs now."""
    if before.file is not None:
        with contextlib.suppress(OSError):
            os.utime(before.file)


def forget(before: Before) -> None:
    """What the command did is in the log."""
    if before.file is not None:
        with contextlib.suppress(OSError):
            before.file.unlink()


def _lines(call: str, scan: Scan, kept: Mapping[str, str]) -> Iterator[str]:
    head = {"call": call, "at": scan.at, "is_cut": scan.is_cut, "left": sorted(scan.left)}
    yield json.dumps(head) + "\n"
    rows = [(path, *mark, kept.get(path, "")) for path, mark in scan.marks.items()]
    for start in range(0, len(rows), _TOGETHER):
        yield "".join(json.dumps(row) + "\n" for row in rows[start : start + _TOGETHER])
    yield "end\n"


def _read(path: Path) -> Before | None:
    """`None` where it is not whole."""
    try:
        with path.open(encoding="ascii") as file:
            head: dict[str, Any] = json.loads(next(file))
            scan = Scan(left=set(head["left"]), at=head["at"], is_cut=head["is_cut"])
            kept: dict[str, str] = {}
            for line in file:
                if line == "end\n":
                    return Before(str(head["call"]), scan, kept, path)
                name, *mark, digest = json.loads(line)
                scan.marks[name] = Mark(*mark)
                if digest:
                    kept[name] = digest
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        pass
    return None
