"""Folders that nobody but the user can enter, and files that nobody else can read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from kimi_jupyter.protocol.errors import HistoryError


def private_folder(folder: Path) -> None:
    """Make a folder that nobody else can enter; one with a looser mode is tightened, a link is refused."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise HistoryError(
                f"{str(folder)!r} is a link, and the history is kept in real folders only. Remove the link."
            )
        if os.name == "posix" and folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise HistoryError(
            f"The history can't be kept in {str(folder)!r}: {error.strerror}. Make that folder writable."
        ) from error


def private_file(fd: int) -> None:
    """Give an open file the mode 0600, whatever the umask made of it and whoever loosened it."""
    if os.name == "posix" and os.fstat(fd).st_mode & 0o777 != 0o600:
        with contextlib.suppress(OSError):
            os.fchmod(fd, 0o600)
