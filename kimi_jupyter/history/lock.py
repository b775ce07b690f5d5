"""One writer per log: a lock on a file beside it, which the system lets go when its process dies."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from pathlib import Path

from kimi_jupyter.protocol.errors import TaskBusy

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_TRIES = 4
_PAUSE = 0.01
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def lock_path(log: Path) -> Path:
    """The file beside the log that carries its lock."""
    return log.with_name(log.name + ".lock")


class LogLock:
    """Held from `take` to `release`; on a file system that has no locks at all it holds nothing."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    @classmethod
    def take(cls, log: Path) -> LogLock:
        """Take the lock, or raise `TaskBusy`; a look of `is_held` may hold it for a moment, so it tries more than once."""
        for _ in range(_TRIES):
            lock = cls._try(lock_path(log))
            if lock is not None:
                return lock
            time.sleep(_PAUSE)
        raise TaskBusy(
            "This task is open in another Jupyter server or kernel. Go on there, or close it there first."
        )

    @classmethod
    def _try(cls, path: Path) -> LogLock | None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
        try:
            _lock(fd)
        except OSError as error:
            os.close(fd)
            if error.errno not in _HELD:
                raise
            return None
        if _is_same(fd, path):
            return cls(path, fd)
        os.close(fd)
        return None

    def release(self) -> None:
        """Let the lock go, and its file with it."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._fd)
        self._fd = -1


def is_held(log: Path) -> bool:
    """Whether somebody writes this log at the moment."""
    if not lock_path(log).exists():
        return False
    try:
        LogLock.take(log).release()
    except TaskBusy:
        return True
    return False


def _is_same(fd: int, path: Path) -> bool:
    """A holder that let go may have removed the file between our opening and our locking it."""
    try:
        there, ours = path.stat(), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _lock(fd: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise
        _posix_lock(fd)


def _posix_lock(fd: int) -> None:
    """For network file systems without `flock`; where these are missing too there is no lock."""
    if sys.platform == "win32":
        return
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise
