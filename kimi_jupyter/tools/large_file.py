"""Reading a part of a file that is too large to hold whole."""

from __future__ import annotations

import time
from typing import BinaryIO

from kimi_jupyter.agent.tool import Result
from kimi_jupyter.safety.listing import size
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.tools import pages
from kimi_jupyter.tools.threads import Stop

_TIME = 2.0
_CHUNK = 65_536
_KEPT = 4 * pages.MOST_LINE


def read(ws: Workspace, path: str, name: str, offset: int, limit: int, stop: Stop) -> Result:
    """The lines from `offset` on as UTF-8 text; their total is not counted."""
    with ws.open_read(path) as file:
        length = file.seek(0, 2)
        file.seek(0)
        found, is_end = _lines(file, offset, limit, stop)
    if not found:
        return Result(
            ok=False,
            output=f"Line {offset:,} of {name} ({size(length)}) was not reached{'' if is_end else ' in time'}."
            " Use execute_command, for example with `sed -n` or Python.",
            summary="no such line",
        )
    shown, cut = pages.page(found, offset)
    last = offset + len(shown) - 1
    notes = [f"the file is large ({size(length)}), so its lines are not counted"]
    if not is_end or len(shown) < len(found):
        notes.insert(0, f"continue with offset={last + 1}")
    total = "the file" if not is_end else f"{offset + len(found) - 1:,}"
    return Result(
        ok=True,
        output="\n".join([*shown, pages.footer(offset, last, total, cut, notes)]),
        summary=f"lines {offset}-{last}",
    )


def _lines(file: BinaryIO, offset: int, limit: int, stop: Stop) -> tuple[list[str], bool]:
    """The lines wanted, long ones in part, and whether the file's end was reached."""
    found: list[str] = []
    number, taken, line = 1, 0, b""
    deadline = time.monotonic() + _TIME
    while not stop.is_set and time.monotonic() < deadline:
        part = file.readline(_CHUNK)
        if not part:
            return ([*found, _text(line)] if line else found), True
        if number >= offset:
            line = (line + part)[:_KEPT] if len(line) < _KEPT else line
            taken += len(part)
        if part.endswith(b"\n"):
            if number >= offset:
                found.append(_text(line))
                if len(found) >= limit or taken > 2 * pages.MOST_BYTES:
                    return found, False
            number, line = number + 1, b""
    return found, False


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
