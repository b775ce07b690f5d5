"""Which kind of binary file some bytes are, in words."""

from __future__ import annotations

import codecs

_TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"PAR1", "a Parquet file; load it with pandas or pyarrow through execute_command"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "an executable"),
    (b"ARROW1", "an Arrow file"),
)
_ZIPPED = {
    ".xlsx": "an Excel workbook; load it with pandas through execute_command",
    ".docx": "a Word document",
    ".pptx": "a PowerPoint file",
    ".npz": "a NumPy archive",
    ".whl": "a Python wheel",
}


def describe(path: str, start: bytes) -> str:
    """What a file is by its first bytes; empty for text."""
    if start.startswith(b"PK\x03\x04"):
        suffix = "." + path.rsplit(".", 1)[-1].casefold()
        return _ZIPPED.get(suffix, "a zip archive")
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "a WebP image"
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    if b"\0" in start and not start.startswith((*_TEXT_MARKS, codecs.BOM_UTF32_BE)):
        return "a binary file"
    return ""
