"""A part of a text with line numbers, and the sentence about what is not shown."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_jupyter.agent.tool import Result
from kimi_jupyter.tools.common import count

MOST_BYTES = 100_000
MOST_LINE = 2_000


def lines_of(text: str) -> list[str]:
    """The lines of a text; a last line end makes no further line."""
    return text.removesuffix("\n").split("\n")


def result(
    lines: Sequence[str],
    offset: int,
    limit: int,
    *,
    notes: Sequence[str] = (),
    numbered: bool = True,
) -> Result:
    """The lines from `offset` on, at most `limit` of them and 100 KB."""
    total = len(lines)
    if offset > total:
        return Result(
            ok=False,
            output=f"The file has {count(total, 'line')}; there is no line {offset:,}.",
            summary="no such line",
        )
    shown, cut = page(lines[offset - 1 : offset - 1 + limit], offset, numbered=numbered)
    last = offset + len(shown) - 1
    more = [f"continue with offset={last + 1}"] if last < total else []
    return Result(
        ok=True,
        output="\n".join([*shown, footer(offset, last, f"{total:,}", cut, [*more, *notes])]),
        summary=f"lines {offset}-{last} of {total:,}"
        if more or offset > 1
        else count(total, "line"),
    )


def page(
    lines: Sequence[str], offset: int, *, numbered: bool = True
) -> tuple[list[str], list[int]]:
    """As many lines as 100 KB take, with their numbers, and the numbers of those that were cut."""
    out: list[str] = []
    cut: list[int] = []
    size = 0
    for number, line in enumerate(lines, start=offset):
        if len(line) > MOST_LINE:
            cut.append(number)
            line = f"{line[:MOST_LINE]}… [{len(line) - MOST_LINE:,} more characters]"
        line = f"{number:>6}\t{line}" if numbered else line
        size += len(line.encode("utf-8", "replace")) + 1
        if size > MOST_BYTES and out:
            break
        out.append(line)
    return out, [number for number in cut if number < offset + len(out)]


def footer(first: int, last: int, total: str, cut: Sequence[int], notes: Sequence[str]) -> str:
    """The last line of an answer: which lines these are, and what to know of them."""
    parts = [f"lines {first}-{last} of {total}", *notes]
    if cut:
        names = ", ".join(map(str, cut[:10])) + (" …" if len(cut) > 10 else "")
        which = "line" if len(cut) == 1 else "lines"
        parts.append(
            f"{which} {names} cut at {MOST_LINE:,} characters: a search text for apply_diff must not end with the cut"
        )
    return f"[{'; '.join(parts)}]"
