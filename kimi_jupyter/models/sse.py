"""Splits a stream of bytes into the data of server-sent events, wherever the bytes were cut."""

from __future__ import annotations

_DATA = b"data:"
_BOM = b"\xef\xbb\xbf"
MOST_BYTES = 64_000_000
"""Of one event: a server that never ends one must not fill the memory."""


class SseParser:
    """Takes bytes in any split and gives whole data payloads; comments and other fields are skipped.

    Lines may end in LF or CRLF. Text is never decoded here, so a split inside a character does no harm.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._is_first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that these bytes complete; `ValueError` where an event does not end."""
        self._size += len(chunk)
        if self._size > MOST_BYTES:
            raise ValueError("an event without end")
        if b"\n" not in chunk:
            self._rest.append(chunk)
            return []
        lines = b"".join((*self._rest, chunk)).split(b"\n")
        self._rest = [lines.pop()]
        if self._is_first:
            self._is_first = False
            lines[0] = lines[0].removeprefix(_BOM)
        return self._payloads(lines)

    def close(self) -> list[bytes]:
        """The payload that the end of the stream completes, where its last line end is missing."""
        lines = [b"".join(self._rest), b""]
        self._rest = []
        return self._payloads(lines)

    def _payloads(self, lines: list[bytes]) -> list[bytes]:
        payloads: list[bytes] = []
        data = self._data
        for line in lines:
            if line.endswith(b"\r"):
                line = line[:-1]
            if not line:
                if data:
                    payloads.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
                self._size = 0
            elif line.startswith(_DATA):
                data.append(line[6:] if line[5:6] == b" " else line[5:])
        return payloads
