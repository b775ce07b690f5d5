"""Finding a place below a root through folder descriptors, so that a swapped link leads nowhere else."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kimi_jupyter.protocol.errors import FileUnreadable, PathRefused
from kimi_jupyter.safety import names

HAS_DESCRIPTORS = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_HOPS = 40
_FOLDER = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_FILE = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class Missing(Exception):
    """A folder on the way is not there; `real` is the path with the links before it resolved."""

    def __init__(self, real: str) -> None:
        super().__init__(real)
        self.real = real


@dataclass(frozen=True, slots=True)
class Place:
    """A name in an opened folder; the last name is no link, or the call on it fails."""

    fd: int | None
    """Descriptor of the folder; `None` where the system has none (Windows)."""
    prefix: str
    """What stands before the name where there is no descriptor."""
    name: str
    """`.` for the root itself."""
    real: str
    """The path relative to the root, with all links resolved."""

    def open(self, flags: int, mode: int = 0o666, *, name: str | None = None) -> int:
        """A descriptor of the name, or of another name in the same folder; links are not followed."""
        return os.open(self.prefix + (name or self.name), flags | _FILE, mode, dir_fd=self.fd)

    def stat(self, *, name: str | None = None) -> os.stat_result:
        """What the name is, a link as a link."""
        return os.stat(self.prefix + (name or self.name), dir_fd=self.fd, follow_symlinks=False)

    def move(self, source: str) -> None:
        """Put another name of the folder in this one's place, at once."""
        os.replace(
            self.prefix + source, self.prefix + self.name, src_dir_fd=self.fd, dst_dir_fd=self.fd
        )

    def link(self, source: str) -> None:
        """Give another name of the folder this name as well; `FileExistsError` where it is taken."""
        os.link(
            self.prefix + source,
            self.prefix + self.name,
            src_dir_fd=self.fd,
            dst_dir_fd=self.fd,
            follow_symlinks=False,
        )

    def remove(self, name: str) -> None:
        """Remove another name of the folder."""
        os.unlink(self.prefix + name, dir_fd=self.fd)

    def open_folder(self) -> int:
        """A descriptor of the folder that has this name."""
        return os.open(self.prefix + self.name, _FOLDER, dir_fd=self.fd)

    def sync(self) -> None:
        """Make a rename in the folder durable, where the system can."""
        if self.fd is not None:
            os.fsync(self.fd)


@contextmanager
def locate(root: Path, path: str, *, make: bool = False) -> Generator[Place]:
    """The place of a workspace path, links resolved by hand; `make` creates missing folders on the way.

    Raises `Missing` for a missing folder, `PathRefused` where a link leads out of the root.
    """
    if not HAS_DESCRIPTORS:
        yield _locate_by_name(root, path, make=make)
        return
    try:
        walker = _Walker(root, path, make=make)
    except OSError as error:
        raise _foreign(error, path) from error
    try:
        yield walker.run()
    except OSError as error:
        raise _foreign(error, path) from error
    finally:
        os.close(walker.fd)


class _Walker:
    """One walk from the root; `fd` is the folder where it stands and `done` that folder's real path."""

    def __init__(self, root: Path, path: str, *, make: bool) -> None:
        self.root = root
        self.path = path
        self.make = make
        self.done: list[str] = []
        self.todo: deque[str] = deque(path.split("/"))
        self.fd = os.open(root, _FOLDER)

    def run(self) -> Place:
        for _ in range(_HOPS):
            place = self._straight()
            if place is not None:
                return place
        raise names.outside(self.path)

    def _straight(self) -> Place | None:
        """Walk until the last name, or until a link or `..` makes it start again from the root."""
        while self.todo:
            part = self.todo.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                if not self.done:
                    raise names.outside(self.path)
                self._again(self.done[:-1])
                return None
            target = self._link(part)
            if target is not None:
                self._follow(target)
                return None
            if not any(rest not in ("", ".") for rest in self.todo):
                return Place(self.fd, "", part, "/".join([*self.done, part]))
            self._enter(part)
        return Place(self.fd, "", ".", "/".join(self.done) or ".")

    def _link(self, part: str) -> str | None:
        try:
            return os.readlink(part, dir_fd=self.fd)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _follow(self, target: str) -> None:
        if not target.startswith("/"):
            self.todo.extendleft(reversed(target.split("/")))
            self._again(self.done)
            return
        below = relative_to_root(target, (str(self.root),))
        if below is None:
            raise names.outside(self.path)
        self.todo.extendleft(reversed(below.split("/")))
        self._again([])

    def _again(self, done: list[str]) -> None:
        self.todo.extendleft(reversed(done))
        self.done = []
        os.close(self.fd)
        self.fd = os.open(self.root, _FOLDER)

    def _enter(self, part: str) -> None:
        try:
            inner = self._open_or_make(part)
        except (FileNotFoundError, NotADirectoryError) as error:
            if self.make:
                raise
            rest = [name for name in self.todo if name not in ("", ".")]
            raise Missing("/".join([*self.done, part, *rest])) from error
        os.close(self.fd)
        self.fd = inner
        self.done.append(part)

    def _open_or_make(self, part: str) -> int:
        with suppress(FileNotFoundError):
            return os.open(part, _FOLDER, dir_fd=self.fd)
        if self.make:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=self.fd)
        return os.open(part, _FOLDER, dir_fd=self.fd)


def relative_to_root(path: str, roots: tuple[str, ...], *, fold: bool = False) -> str | None:
    """The part of an absolute path below one of the roots, by text; `None` where it lies outside."""
    for root in roots:
        start = root.rstrip("/") + "/"
        whole, begin = (path.casefold(), start.casefold()) if fold else (path, start)
        if whole + "/" == begin:
            return "."
        if whole.startswith(begin):
            return path[len(start) :]
    return None


def _locate_by_name(root: Path, path: str, *, make: bool) -> Place:
    """Without folder descriptors: contained by its real name at this moment."""
    real = Path(os.path.realpath(root / path))
    if real != root and root not in real.parents:
        raise names.outside(path)
    if make:
        real.parent.mkdir(parents=True, exist_ok=True)
    elif not real.parent.is_dir():
        raise Missing(real.relative_to(root).as_posix())
    if real == root:
        return Place(None, str(root) + os.sep, ".", ".")
    return Place(None, str(real.parent) + os.sep, real.name, real.relative_to(root).as_posix())


def _foreign(error: OSError, path: str) -> Exception:
    shown = names.shortened(path)
    if isinstance(error, FileNotFoundError | FileExistsError):
        return error
    if error.errno == errno.ELOOP:
        return PathRefused(f"{shown} was replaced by a link at this moment; nothing was done.")
    if isinstance(error, NotADirectoryError):
        return FileUnreadable(f"{shown}: a part of the path is a file, not a folder.")
    if isinstance(error, IsADirectoryError):
        return FileUnreadable(f"{shown} is a folder.")
    return FileUnreadable(f"{shown}: {(error.strerror or str(error)).lower()}.")
