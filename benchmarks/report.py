"""One measured number beside its limit and its peer, and the table of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One number; smaller is better."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    """What it may be at most."""
    beside: str = ""
    """The peer or physical limit that was measured in the same run, in words."""

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "pass" if self.value <= self.limit else "FAIL"


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    cells = [("what", "measured", "limit", "", "beside it")]
    for row in rows:
        limit = "" if row.limit is None else f"{row.limit:g} {row.unit}"
        cells.append((row.what, f"{row.value:.3g} {row.unit}", limit, row.verdict, row.beside))
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
