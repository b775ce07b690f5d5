"""Text files of the workspace: read without loss, compared, and replaced whole at once."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from kimi_jupyter.protocol.effects import FileDiff, Hunk
from kimi_jupyter.protocol.errors import FileChanged, FileUnreadable
from kimi_jupyter.safety import encodings, lines
from kimi_jupyter.safety.names import shortened
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.walk import Missing, Place

TEMPORARY = ".kimi-tmp"
"""How the names of unfinished writes end; they may be removed when nothing runs."""
_MOST_DIFF_LINES = 2000
_MOST_SHOWN = 200_000
_MOST_HUNKS = 500
_NO_END = "\n\\ No newline at end of file"
_SAFE = (
    "utf-8",
    "ascii",
    "iso8859-1",
    "iso8859-15",
    "cp1252",
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
)
_FAULTS = frozenset(
    getattr(errno, name, -1)
    for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "EFBIG", "EACCES", "EPERM")
)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file as it was read; `encode` gives a changed text the same form."""

    path: str
    text: str
    """With `\\n` line ends, without the byte order mark."""
    encoding: str
    bom: bytes
    ends: tuple[str, ...]
    """The line ends that the file has, one item where all are equal."""
    mode: int
    """Permission bits."""
    size: int
    digest: str
    """SHA-256 of the bytes in hex."""


def digest(data: bytes) -> str:
    """SHA-256 in hex, as effects and `replace` use it."""
    return hashlib.sha256(data).hexdigest()


def read_text(ws: Workspace, path: str, *, limit: int = 10_000_000) -> TextFile:
    """A text file of the workspace; `FileUnreadable` says why it is none that can be edited without harm."""
    with ws.open_read(path) as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise FileUnreadable(
            f"{shortened(path)} is larger than {limit:,} bytes, the most that is read as text."
        )
    text, encoding, bom = encodings.decode(data, path)
    plain, ends = lines.split_ends(text)
    return TextFile(path, plain, encoding, bom, ends, mode, len(data), digest(data))


def encode(text: str, like: TextFile | None) -> bytes:
    """The bytes of a text in the form of a file: byte order mark, encoding and each line's end kept.

    A new file gets the line ends of the text itself, and so does a file without `\\r` that the text gives some.
    """
    encoding = encoding_for(text, like)
    if like is None:
        return _encoded(text, encoding, "")
    plain = lines.split_ends(text)[0]
    if "\r" not in text or like.ends != ("\n",):
        text = lines.join_ends(plain, like.text, like.ends)
    return like.bom + _encoded(text, encoding, like.path)


def encoding_for(text: str, like: TextFile | None) -> str:
    """How a text is written: as the byte order mark says that stays, else as its own coding cookie, else UTF-8."""
    if like is not None and like.bom:
        return like.encoding
    return encodings.cookie(text) or "utf-8"


def _encoded(text: str, encoding: str, path: str) -> bytes:
    what = f"{shortened(path)} is" if path else "The new file would be"
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        char = text[error.start]
        raise FileUnreadable(
            f"{what} {encoding} text, which can't hold {char!r} (U+{ord(char):04X}). Use other characters, or change"
            " the coding comment."
        ) from error
    except LookupError as error:
        raise FileUnreadable(f"{what} {encoding} text, which is no text encoding.") from error
    if encoding in _SAFE or encodings.decode(data, path or "the new text")[0] == text:
        return data
    raise FileUnreadable(f"{what} {encoding} text, which would not be read back as it was written.")


def diff(path: str, before: TextFile | None, after: str) -> FileDiff:
    """What writing `after` to the file changes; the hashes are those of the real bytes."""
    data = encode(after, before)
    old, new = before.text if before else "", lines.split_ends(after)[0]
    part = lines.window(old, new)
    a, b = _lines(part.a), _lines(part.b)
    found = lines.changes(a, b)
    unified = lines.unified(a, b, found, before=part.before)
    shown = list(islice(unified, _MOST_DIFF_LINES + 1))
    return FileDiff(
        path=path,
        is_new=before is None,
        added=sum(change.b_end - change.b_start for change in found),
        removed=sum(change.a_end - change.a_start for change in found),
        unified="".join(f"{line}\n" for line in shown[:_MOST_DIFF_LINES]),
        is_cut=len(shown) > _MOST_DIFF_LINES,
        before=old if before is not None and len(old) <= _MOST_SHOWN else None,
        after=new if len(new) <= _MOST_SHOWN else None,
        before_hash=before.digest if before else "",
        after_hash=digest(data),
        hunks=tuple(
            _hunk(group, part.before) for group in islice(lines.groups(found), _MOST_HUNKS)
        ),
    )


def apply_hunks(before: str, after: str, places: Collection[int]) -> str:
    """The text `before` with only some hunks of its diff to `after`, named by their places in `FileDiff.hunks`."""
    a, b = _lines(before), _lines(after)
    text = "".join(f"{line}\n" for line in lines.chosen(a, b, lines.changes(a, b), places))
    return text.removesuffix(f"{_NO_END}\n")


def _hunk(group: list[lines.Change], before: int) -> Hunk:
    return Hunk(
        line=before + group[0].a_start + 1,
        added=sum(change.b_end - change.b_start for change in group),
        removed=sum(change.a_end - change.a_start for change in group),
    )


def _lines(text: str) -> list[str]:
    """Lines without ends; a last line without an end is told from the same line with one."""
    parts = text.split("\n")
    if parts[-1] == "":
        return parts[:-1]
    parts[-1] += _NO_END
    return parts


def replace(ws: Workspace, path: str, data: bytes, *, expected: str) -> str:
    """Put `data` in the file's place at once, and give its SHA-256; a crash leaves the old file or the new one.

    `expected` is the SHA-256 of the bytes that are there, empty where no file may be there; else `FileChanged`.
    A link's target is replaced, not the link; permission bits and extended attributes stay; missing folders are made.
    """
    try:
        with ws.place(path, make=not expected) as place:
            with _said(path):
                if expected:
                    _replace_known(place, path, data, expected)
                else:
                    _create(place, path, data)
            with suppress(OSError):  # it is written by now; only a power cut could still undo it
                place.sync()
    except (Missing, FileNotFoundError) as error:
        raise FileChanged(f"{shortened(path)} is no longer there; nothing was written.") from error
    return digest(data)


@contextmanager
def _said(path: str) -> Generator[None]:
    """A fault of the disk is said with what it means: until the last step nothing of a file is changed."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FAULTS:
            raise
        raise FileUnreadable(
            f"{shortened(path)} could not be written: {error.strerror}. Nothing was written; the user has to make room"
            " or mend the disk or its permissions before it can be tried again."
        ) from error


def _replace_known(place: Place, path: str, data: bytes, expected: str) -> None:
    fd = place.open(os.O_RDONLY)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise FileUnreadable(f"{shortened(path)} is no regular file; nothing was written.")
        if not status.st_mode & 0o222:
            raise FileUnreadable(f"{shortened(path)} is read-only; nothing was written.")
        _check(fd, path, expected)
        with _temporary(place, data, like=fd) as name:
            _check(fd, path, expected)
            now = place.stat()
            if (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino):
                raise _changed(path)
            if place.fd is None:  # Windows replaces no file that is open
                os.close(fd)
                fd = -1
            place.move(name)
    finally:
        if fd >= 0:
            os.close(fd)


def _create(place: Place, path: str, data: bytes) -> None:
    with _temporary(place, data, like=None) as name:
        try:
            place.link(name)
        except FileExistsError:
            raise _exists(path) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _create_without_links(place, path, name)
        else:
            place.remove(name)


def _create_without_links(place: Place, path: str, name: str) -> None:
    try:
        os.close(place.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        raise _exists(path) from None
    place.move(name)


def _exists(path: str) -> FileChanged:
    return FileChanged(f"{shortened(path)} exists by now; nothing was written. Read it first.")


def _changed(path: str) -> FileChanged:
    return FileChanged(
        f"{shortened(path)} changed since it was read; nothing was written. Re-read the file and try again."
    )


def _check(fd: int, path: str, expected: str) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    found = hashlib.sha256()
    while chunk := os.read(fd, 1 << 20):
        found.update(chunk)
    if found.hexdigest() != expected:
        raise _changed(path)


@contextmanager
def _temporary(place: Place, data: bytes, *, like: int | None) -> Generator[str]:
    """A synced file with the data under a name that nobody can foresee; gone afterwards unless it was moved."""
    name = f".{secrets.token_hex(12)}{TEMPORARY}"
    fd = place.open(
        os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if like is None else 0o600, name=name
    )
    try:
        try:
            _write_all(fd, data)
            if like is not None:
                _keep_attributes(like, fd)
            os.fsync(fd)
        finally:
            os.close(fd)
        yield name
    finally:
        with suppress(
            OSError
        ):  # mostly it was moved; where it can't be removed it is known by its name
            place.remove(name)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _keep_attributes(source: int, target: int) -> None:
    """Owner, extended attributes and permission bits, as far as this user may set them."""
    if os.name == "nt":
        return
    status = os.fstat(source)
    own = os.fstat(target)
    if (status.st_uid, status.st_gid) != (own.st_uid, own.st_gid):
        with suppress(OSError):
            os.fchown(target, status.st_uid, status.st_gid)
    if hasattr(os, "listxattr"):
        with suppress(OSError):
            for key in os.listxattr(source):
                with suppress(OSError):
                    os.setxattr(target, key, os.getxattr(source, key))
    os.fchmod(target, stat.S_IMODE(status.st_mode))
