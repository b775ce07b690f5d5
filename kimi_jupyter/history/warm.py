"""Images of the workspace's present files, taken before a command may change them; shared by all tasks of a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from kimi_jupyter.history.images import Images
from kimi_jupyter.history.scan import Mark, Scan, scan
from kimi_jupyter.history.unfinished import Unfinished
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.protected import is_secret

MOST_SIZE = 5_000_000
"""Bytes of a file of which an image is kept."""
MOST_FILES = 5_000
MOST_BYTES = 300_000_000
SCAN_SECONDS = 1.0
"""What one look at the tree may take; a larger tree is covered as far as that goes."""
KEEP_SECONDS = 24 * 3600.0
"""How long an image stays that no scan of this process needs; another process may."""
_RACY = 20_000_000
"""Nanoseconds: a file that changed this shortly before the scan may change again within the same tick of its clock."""


class Warm:
    """May be called from any thread."""

    def __init__(
        self,
        folder: Path,
        workspace: Workspace,
        *,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = SCAN_SECONDS,
        most_files: int = MOST_FILES,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        self.images = Images(folder)
        self.unfinished = Unfinished(folder.with_name("unfinished"))
        self._workspace = workspace
        self._clock = clock
        self._seconds = seconds
        self._most_files = most_files
        self._skip = skip
        self._known: dict[str, tuple[Mark, str]] = {}
        self._guard = threading.Lock()
        self._is_swept = False

    def look(self) -> Scan:
        """The marks of all files now; reads no content."""
        until = self._clock() + self._seconds
        return scan(self._workspace.root, until=until, clock=self._clock, skip=self._skip)

    def before(self) -> tuple[Scan, dict[str, str]]:
        """The marks of all files, and the SHA-256 of those of which an image is kept now."""
        with self._guard:
            found = self.look()
            kept: dict[str, str] = {}
            size = 0
            until = self._clock() + self._seconds
            for path, mark in found.marks.items():
                if len(kept) >= self._most_files or self._clock() > until:
                    break
                if not mark.is_file or size + mark.size > MOST_BYTES:
                    continue
                digest = self._image(path, mark, found.at)
                if digest is not None:
                    kept[path] = digest
                    size += mark.size
            self._known = {path: (found.marks[path], digest) for path, digest in kept.items()}
            self._sweep()
            return found, kept

    def _image(self, path: str, mark: Mark, at: int) -> str | None:
        known = self._known.get(path)
        is_racy = mark.changed_at > at - _RACY
        if known is not None and known[0] == mark and not is_racy and self.images.has(known[1]):
            return known[1]
        if mark.size > MOST_SIZE or is_secret(path):
            return None
        try:
            data = self._workspace.read_bytes(path, limit=MOST_SIZE)
            return self.images.put(data, durable=False)
        except (KimiError, OSError):
            return None  # not readable, or no room for the image: said where the command changes it

    def _sweep(self) -> None:
        if not self._is_swept:
            self._is_swept = True
            known = {digest for _, digest in self._known.values()}
            self.images.sweep(known | self.unfinished.digests(), older_than=KEEP_SECONDS)
