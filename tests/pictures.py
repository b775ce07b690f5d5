"""Small real images, made by hand."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Iterable


def png(width: int, height: int, *, noise: int = 0) -> bytes:
    """A red PNG; with a seed one of coloured noise, which no compression makes smaller."""
    source = random.Random(noise)
    row = b"\xd0\x20\x20\xff" * width
    return _png(width, (source.randbytes(width * 4) if noise else row for _ in range(height)))


def chart(width: int, height: int) -> bytes:
    """A PNG with seven bars on white."""
    tops = [0.3, 0.5, 0.4, 0.7, 0.9, 0.6, 0.35]

    def pixel(x: int, y: int) -> bytes:
        bar, place = divmod(x * len(tops) / width, 1)
        is_bar = 0.15 < place < 0.85 and 1 - y / height < tops[int(bar)]
        return b"\x3f\x6f\xc8\xff" if is_bar else b"\xff\xff\xff\xff"

    return _png(width, (b"".join(pixel(x, y) for x in range(width)) for y in range(height)))


def _png(width: int, lines: Iterable[bytes]) -> bytes:
    rows = [b"\0" + line for line in lines]
    head = width.to_bytes(4, "big") + len(rows).to_bytes(4, "big") + b"\x08\x06\0\0\0"
    parts = (b"IHDR" + head, b"IDAT" + zlib.compress(b"".join(rows)), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(part) - 4).to_bytes(4, "big") + part + zlib.crc32(part).to_bytes(4, "big")
        for part in parts
    )


def url(data: bytes, kind: str = "png") -> str:
    """An image as the API takes it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


GIF = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
JPEG = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x0b\x08\0\x02\0\x03\1\1\x11\0"
    b"\xff\xda\0\x08\1\1\0\0\x3f\0\x7f\xff\xd9"
)
