"""Small real images, made by hand."""

from __future__ import annotations

import base64
import random
import zlib


def png(width: int, height: int, *, noise: int = 0) -> bytes:
    """A red PNG; with a seed one of coloured noise, which no compression makes smaller."""
    source = random.Random(noise)
    row = b"\xd0\x20\x20\xff" * width
    rows = b"".join(b"\0" + (source.randbytes(width * 4) if noise else row) for _ in range(height))
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\0\0\0"
    parts = (b"IHDR" + head, b"IDAT" + zlib.compress(rows), b"IEND")
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
