"""Which encoding a file's bytes have, without a guess: by byte order mark, then by coding cookie, then UTF-8."""

from __future__ import annotations

import codecs
import re

from kimi_jupyter.protocol.errors import FileUnreadable
from kimi_jupyter.safety.names import shortened

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_EXACT = ("utf-8", "ascii", "iso8859-1")
"""Codecs whose strict decoding always gives the same bytes back."""
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)


def cookie(text: str) -> str | None:
    """The codec that one of the first two lines names as PEP 263 says; `None` for none that exists."""
    for line in text.split("\n", 2)[:2]:
        found = _COOKIE.match(line)
        if found:
            try:
                return codecs.lookup(found[1]).name
            except LookupError:
                return None
        if line.strip() and not line.lstrip().startswith("#"):
            return None
    return None


def decode(data: bytes, path: str) -> tuple[str, str, bytes]:
    """Text, encoding and byte order mark; `FileUnreadable` with the reason where the bytes are no such text.

    The text gives the same bytes back when it is encoded again.
    """
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "")
    )
    body = data[len(mark) :]
    if not mark:
        if b"\0" in data:
            raise FileUnreadable(f"{shortened(path)} is a binary file, not text.")
        encoding = cookie(data[:400].decode("latin-1")) or "utf-8"
    try:
        text = body.decode(encoding)
        if encoding in _EXACT or text.encode(encoding) == body:
            return text, encoding, mark
    except UnicodeError as error:
        raise _misfit(path, encoding, error) from error
    except (LookupError, ValueError, TypeError, AssertionError) as error:
        raise FileUnreadable(
            f"{shortened(path)} names the encoding {encoding!r}, which is no text encoding."
        ) from error
    raise FileUnreadable(
        f"{shortened(path)} would not keep its bytes as {encoding} text, so it is not opened for editing."
    )


def _misfit(path: str, encoding: str, error: UnicodeError) -> FileUnreadable:
    where = f" (byte {error.start:,})" if isinstance(error, UnicodeDecodeError) else ""
    return FileUnreadable(
        f"{shortened(path)} is not valid {encoding} text{where}. If it is text in another encoding, convert it to"
        " UTF-8, or name the encoding in a coding comment (`# -*- coding: latin-1 -*-`) in its first line."
    )


def lenient(data: bytes) -> str | None:
    """Text for looking at only: what does not fit becomes U+FFFD; `None` for binary data."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return None if b"\0" in data else data.decode("utf-8", "replace")
