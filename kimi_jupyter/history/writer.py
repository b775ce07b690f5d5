"""Appends whole lines to a file: all of a line or nothing, and on the disk within about a second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path

from kimi_jupyter.protocol.errors import HistoryError

SYNC_SECONDS = 1.0
_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Writer:
    """The open file of one log; `append` is called on one thread."""

    def __init__(self, path: Path, *, create: bool) -> None:
        flags = _FLAGS | os.O_CREAT | os.O_EXCL if create else _FLAGS
        self._path = path
        self._fd = os.open(path, flags, 0o600)
        self._guard = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._fault: OSError | None = None
        self._entry_synced = not create
        self._is_dirty = False
        self.size = os.fstat(self._fd).st_size
        if os.name == "posix":
            os.fchmod(self._fd, 0o600)

    def append(self, data: bytes) -> None:
        """Write all of `data`; raises `HistoryError`, and then the file is as it was."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise self._failed(fault) from fault
        try:
            if self._is_dirty:
                self._truncate()
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self.cut(self.size)
            raise self._failed(error) from error
        self.size += len(data)
        self._sync_soon()

    def cut(self, size: int) -> None:
        """Drop what lies behind `size`; where even that fails, the next `append` tries again."""
        self.size, self._is_dirty = size, True
        with contextlib.suppress(OSError):
            self._truncate()

    def _truncate(self) -> None:
        os.ftruncate(self._fd, self.size)
        self._is_dirty = False

    def close(self) -> None:
        """Bring everything to the disk and let the file go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sync()
        with self._guard:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def _failed(self, error: OSError) -> HistoryError:
        return HistoryError(
            f"The task's log could not be written: {error.strerror}. Make room for {str(self._path.parent)!r}, then send the message again."
        )

    def _sync_soon(self) -> None:
        if self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # outside a loop `close` does it
        self._timer = loop.call_later(SYNC_SECONDS, self._sync_in_thread, loop)

    def _sync_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        with contextlib.suppress(RuntimeError):  # the loop is ending: `close` does it
            loop.run_in_executor(None, self._sync)

    def _sync(self) -> None:
        with self._guard:
            if self._fd < 0:
                return
            try:
                os.fsync(self._fd)
                if not self._entry_synced and os.name == "posix":
                    _sync_folder(self._path.parent)
                self._entry_synced = True
            except OSError as error:
                self._fault = error


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
