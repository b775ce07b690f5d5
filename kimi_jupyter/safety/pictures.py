"""Images that a model can be shown: known by their bytes, measured, and refused where an API would refuse them."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass

from kimi_jupyter.protocol.errors import FileUnreadable

CAP = 1024 * 1024
"""Bytes of one image."""
MOST_EDGE = 4096
"""Pixels of the longer side; the API advises no more."""

_PNG = b"\x89PNG\r\n\x1a\n"
_GIFS = (b"GIF87a", b"GIF89a")
_JPEG = b"\xff\xd8\xff"
_URL = re.compile(r"data:(image/(?:png|jpeg|webp|gif));base64,([A-Za-z0-9+/]+={0,2})", re.ASCII)
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG markers behind which the size stands."""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers without a length."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the bytes of an image say of it."""

    format: str
    """`PNG`, `JPEG`, `WebP` or `GIF`."""
    width: int
    height: int
    size: int
    """Bytes."""

    def __str__(self) -> str:
        return f"{self.format} image, {self.width:,} × {self.height:,} pixels"


def is_image(start: bytes) -> bool:
    """Whether the first bytes of a file are those of an image that a model can be shown."""
    return start.startswith((_PNG, _JPEG, *_GIFS)) or (
        start.startswith(b"RIFF") and start[8:12] == b"WEBP"
    )


def measured(data: bytes, name: str) -> Picture:
    """The picture in these bytes; `FileUnreadable` names what is wrong with it and what to do.

    A damaged one must not get into a conversation: the API would refuse every request from then on.
    """
    if len(data) > CAP:
        raise too_large(name, len(data))
    format, size = _format_and_size(data)
    if size is None or not all(size):
        raise FileUnreadable(
            f"{name!r} begins like a {format} image but is damaged or cut off, so it can't be shown. "
            "Save it again, or use another file."
        )
    if max(size) > MOST_EDGE:
        raise FileUnreadable(
            f"{name!r} has {size[0]:,} × {size[1]:,} pixels; an image may have {MOST_EDGE:,} on its longer side. "
            "Save a smaller copy, or cut out the part that matters."
        )
    return Picture(format, *size, len(data))


def too_large(name: str, size: int) -> FileUnreadable:
    """The refusal of an image above the cap."""
    return FileUnreadable(
        f"{name!r} has {size:,} bytes; an image may have {CAP:,} (1 MB). "
        "Save a smaller copy, with fewer pixels or as JPEG."
    )


def data_url(data: bytes) -> str:
    """The image as the API takes it; for bytes that were `measured`."""
    kind = _format_and_size(data)[0].lower()
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def of_url(url: str) -> Picture | None:
    """The picture of a `data:` URL; `None` for any other text."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    try:
        picture = measured(base64.b64decode(found[2], validate=True), "image")
    except (ValueError, FileUnreadable):
        return None
    return picture if found[1] == f"image/{picture.format.lower()}" else None


def _format_and_size(data: bytes) -> tuple[str, tuple[int, int] | None]:
    if data.startswith(_PNG):
        return "PNG", _png(data)
    if data.startswith(_GIFS):
        is_whole = len(data) > 13 and b"\x3b" in data[-16:]
        return "GIF", (_little(data[6:8]), _little(data[8:10])) if is_whole else None
    if data.startswith(_JPEG):
        return "JPEG", _jpeg(data)
    return "WebP", _webp(data)


def _png(data: bytes) -> tuple[int, int] | None:
    """The size of a PNG whose parts are all there and unharmed."""
    at = len(_PNG)
    size: tuple[int, int] | None = None
    has_pixels = False
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        kind, body = data[at + 4 : at + 8], data[at + 8 : end]
        if zlib.crc32(kind + body) != int.from_bytes(data[end : end + 4], "big"):
            return None
        if kind == b"IHDR" and length >= 8:
            size = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            return size if has_pixels else None
        at = end + 4
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    if b"\xff\xd9" not in data:
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(
                data[at + 5 : at + 7], "big"
            )
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30 or _little(data[4:8]) + 8 > len(data):
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = _little(data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    return None


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
