"""Contents of files, each kept once under its hash: private files outside the workspace."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import time
from pathlib import Path

from kimi_jupyter.history.folders import private_folder

_HASH = re.compile(r"[0-9a-f]{64}")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_TEMPORARY = ".new"


class Images:
    """A folder of contents; may be called from any thread, and from several processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, digest: str) -> bool:
        """Whether the content of this SHA-256 is kept; the empty one means no file and always is."""
        return digest == "" or self._path(digest).is_file()

    def put(self, data: bytes, *, durable: bool = True) -> str:
        """Keep a content, and give its SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        if self.has(digest):
            return digest
        private_folder(self._folder)
        new = self._folder / f"{secrets.token_hex(12)}{_TEMPORARY}"
        try:
            with os.fdopen(os.open(new, _NEW | _SAFE, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            new.replace(self._path(digest))
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        return digest

    def get(self, digest: str) -> bytes | None:
        """The content, or `None` where it is not kept or no longer what its name says."""
        if not _HASH.fullmatch(digest):
            return None
        try:
            with os.fdopen(os.open(self._path(digest), os.O_RDONLY | _SAFE), "rb") as file:
                data = file.read()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def adopt(self, digest: str, source: Images) -> bool:
        """Take a content over from another folder; `False` where it is not there."""
        if self.has(digest):
            return True
        data = source.get(digest)
        if data is None:
            return False
        self.put(data)
        return True

    def sweep(self, keep: set[str], *, older_than: float) -> None:
        """Remove what is not to be kept and has not been written for so many seconds."""
        limit = time.time() - older_than
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                is_old = entry.stat(follow_symlinks=False).st_mtime < limit
                if is_old and entry.name not in keep:
                    with contextlib.suppress(OSError):
                        Path(entry.path).unlink()

    def _path(self, digest: str) -> Path:
        if not _HASH.fullmatch(digest):
            raise ValueError(f"{digest!r} is no SHA-256 in hex")
        return self._folder / digest
