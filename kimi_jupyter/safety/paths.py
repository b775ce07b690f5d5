"""The workspace: one root folder, and the only way by which a path that comes from a model is opened."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from kimi_jupyter.protocol.errors import FileUnreadable
from kimi_jupyter.safety import names
from kimi_jupyter.safety.walk import HAS_DESCRIPTORS, Missing, Place, locate, relative_to_root

Kind = Literal["file", "folder", "link", "other"]
_WINDOWS = os.name == "nt"


class Entry(NamedTuple):
    """One name in a folder."""

    name: str
    kind: Kind
    size: int
    """Bytes of a file, else 0."""


class Workspace:
    """One root folder; every path of the model goes through `resolve` and then through its methods.

    The methods take what `resolve` gives and may be called from any thread. Links inside the root are followed,
    links that lead out are refused, whatever happens to the tree meanwhile.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._spellings = tuple(
            dict.fromkeys(path.as_posix() for path in (self.root, root.absolute()))
        )

    def resolve(self, given: str, *, folder: str = ".") -> str:
        """The path relative to the root with `/`; `.` for the root. Touches no file.

        Relative paths start at `folder`; absolute ones are taken where they lie below the root.
        """
        names.check(given, windows=_WINDOWS)
        text = given.replace("\\", "/") if _WINDOWS else given
        parts = [] if folder == "." else folder.split("/")
        if text.startswith("/") or (_WINDOWS and text[1:2] == ":"):
            below = relative_to_root(posixpath.normpath(text), self._spellings, fold=_WINDOWS)
            if below is None:
                raise names.outside(given)
            text, parts = below, []
        for part in text.split("/"):
            if part == ".." and not parts:
                raise names.outside(given)
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                names.check_component(part, given, windows=_WINDOWS)
                parts.append(part)
        return "/".join(parts) or "."

    def real(self, path: str) -> str:
        """The path with all links resolved, relative to the root; works for what does not exist yet."""
        try:
            with locate(self.root, path) as place:
                return place.real
        except Missing as missing:
            return missing.real

    def place(self, path: str, *, make: bool = False) -> AbstractContextManager[Place]:
        """The opened folder of a path and its last name, for writing; raises `walk.Missing`."""
        return locate(self.root, path, make=make)

    @contextmanager
    def open_read(self, path: str) -> Generator[BinaryIO]:
        """An open regular file; anything else is `FileUnreadable`."""
        try:
            with locate(self.root, path) as place:
                _require_file(place.stat().st_mode, path)
                fd = place.open(os.O_RDONLY)
        except (Missing, FileNotFoundError) as error:
            raise FileUnreadable(f"no such file: {names.shortened(path)}") from error
        with os.fdopen(fd, "rb") as file:
            _require_file(os.fstat(file.fileno()).st_mode, path)
            yield file

    def read_bytes(self, path: str, *, limit: int) -> bytes:
        """The whole content of a regular file of at most `limit` bytes."""
        with self.open_read(path) as file:
            try:
                data = file.read(limit + 1)
            except OSError as error:
                raise FileUnreadable(
                    f"{names.shortened(path)} can't be read: {error.strerror}."
                ) from error
        if len(data) > limit:
            raise FileUnreadable(
                f"{names.shortened(path)} is larger than {limit:,} bytes, the most that is read."
            )
        return data

    def stat(self, path: str) -> os.stat_result | None:
        """What is at the path, links resolved; `None` where nothing is."""
        try:
            with locate(self.root, path) as place:
                return place.stat()
        except (Missing, FileNotFoundError):
            return None

    @contextmanager
    def open_folder(self, path: str) -> Generator[int]:
        """A descriptor of a folder (not on Windows); `FileUnreadable` where it is none."""
        try:
            with locate(self.root, path) as place:
                fd = place.open_folder()
        except (Missing, FileNotFoundError) as error:
            raise FileUnreadable(f"no such folder: {names.shortened(path)}") from error
        try:
            yield fd
        finally:
            os.close(fd)

    def scan(self, path: str) -> list[Entry]:
        """The names in a folder with their sizes, unsorted; a link is reported as a link."""
        if not HAS_DESCRIPTORS:
            with os.scandir(self.absolute(path)) as entries:
                return [_entry(entry) for entry in entries]
        with self.open_folder(path) as fd, os.scandir(fd) as entries:
            return [_entry(entry) for entry in entries]

    def listdir(self, path: str) -> list[tuple[str, Kind]]:
        """The names in a folder and what each is, unsorted."""
        return [(entry.name, entry.kind) for entry in self.scan(path)]

    def absolute(self, path: str) -> Path:
        """The real folder of a path, to start a program in."""
        try:
            with locate(self.root, path) as place:
                is_folder = stat.S_ISDIR(place.stat().st_mode)
                real = place.real
        except (Missing, FileNotFoundError) as error:
            raise FileUnreadable(f"no such folder: {names.shortened(path)}") from error
        if not is_folder:
            raise FileUnreadable(f"{names.shortened(path)} is a file, not a folder.")
        return self.root / real


def _require_file(mode: int, path: str) -> None:
    if stat.S_ISDIR(mode):
        raise FileUnreadable(f"{names.shortened(path)} is a folder.")
    if not stat.S_ISREG(mode):
        raise FileUnreadable(f"{names.shortened(path)} is no regular file, so it is not opened.")


def _entry(entry: os.DirEntry[str]) -> Entry:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return Entry(entry.name, "other", 0)
    if stat.S_ISLNK(status.st_mode):
        return Entry(entry.name, "link", 0)
    if stat.S_ISDIR(status.st_mode):
        return Entry(entry.name, "folder", 0)
    if stat.S_ISREG(status.st_mode):
        return Entry(entry.name, "file", status.st_size)
    return Entry(entry.name, "other", 0)
