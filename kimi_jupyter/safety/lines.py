"""Line ends and line differences of texts, fast where a large text changes little."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_END = re.compile(r"\r\n|\n|\r")
_MOST_COMPARED = 4_000_000
"""Above this product of line counts a changed region is shown as replaced, not compared line by line."""
_CONTEXT = 3
_STRIDE = 1024
"""Lines that are compared in one step."""
_PIECE = 1 << 16
"""Characters that are compared in one step."""


class Change(NamedTuple):
    """Lines `a_start:a_end` of the first text became lines `b_start:b_end` of the second."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int


def split_ends(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with `\\n` only, and the ends that its lines had, in order; one item where all are equal."""
    if "\r" not in text:
        return text, ("\n",)
    plain = text.replace("\r\n", "\n")
    pairs = len(text) - len(plain)
    if "\r" not in plain and plain.count("\n") == pairs:
        return plain, ("\r\n",)
    if "\n" not in text:
        return text.replace("\r", "\n"), ("\r",)
    return plain.replace("\r", "\n"), tuple(_END.findall(text))


def join_ends(text: str, before: str, ends: tuple[str, ...]) -> str:
    """Give the lines of a text the ends that the same lines had before; new lines get the commonest."""
    if len(ends) == 1:
        return text if ends[0] == "\n" else text.replace("\n", ends[0])
    common = Counter(ends).most_common(1)[0][0]
    lines = text.split("\n")
    chosen = [common] * (len(lines) - 1)
    old = before.split("\n")
    a_at, b_at = 0, 0
    for change in [*changes(old, lines), Change(len(old), len(old), len(lines), len(lines))]:
        # A changed line keeps its end as an unchanged one does; only lines beyond those that it replaced are new.
        for a_to, b_to in ((change.a_start, change.b_start), (change.a_end, change.b_end)):
            kept = ends[a_at:a_to][: max(0, min(b_to, len(chosen)) - b_at)]
            chosen[b_at : b_at + len(kept)] = kept
            a_at, b_at = a_to, b_to
    for at in range(1, len(chosen)):
        if not lines[at] and (chosen[at - 1], chosen[at]) == ("\r", "\n"):
            chosen[at] = "\r"  # else the two ends would be read as one
    return "".join(line + end for line, end in zip(lines, [*chosen, ""], strict=True))


def changes(a: Sequence[str], b: Sequence[str]) -> list[Change]:
    """What differs, in order; lines that are equal at both ends are not compared further."""
    start = _common_start(a, b)
    end = _common_end(a, b, min(len(a), len(b)) - start)
    a_end, b_end = len(a) - end, len(b) - end
    if start == a_end and start == b_end:
        return []
    if (a_end - start) * (b_end - start) > _MOST_COMPARED:
        return [Change(start, a_end, start, b_end)]
    matcher = SequenceMatcher(None, a[start:a_end], b[start:b_end], autojunk=False)
    return [
        Change(start + i, start + j, start + k, start + m)
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    ]


class Window(NamedTuple):
    """The parts of two texts that hold all their differences, with the lines around them; whole lines."""

    before: int
    """Lines that both have before it."""
    a: str
    b: str


def window(a: str, b: str) -> Window:
    """Where two texts differ, with three lines around; quick where they are large and differ little."""
    least = min(len(a), len(b))
    same = _same_start(a, b, least)
    start = same
    for _ in range(_CONTEXT + 1):
        start = a.rfind("\n", 0, max(0, start - 1)) + 1
    tail = _same_end(a, b, least - same)
    at = len(a) - tail
    for _ in range(_CONTEXT + 1):
        end = a.find("\n", at) + 1
        at = end or len(a)
    return Window(a.count("\n", 0, start), a[start:at], b[start : len(b) - (len(a) - at)])


def _same_start(a: str, b: str, most: int) -> int:
    """How many characters are equal at the begin."""
    at, step = 0, _PIECE
    while step:
        while at + step <= most and a[at : at + step] == b[at : at + step]:
            at += step
        step //= 2
    return at


def _same_end(a: str, b: str, most: int) -> int:
    """How many characters are equal at the end."""
    at, step = 0, _PIECE
    while step:
        while at + step <= most and (
            a[len(a) - at - step : len(a) - at] == b[len(b) - at - step : len(b) - at]
        ):
            at += step
        step //= 2
    return at


def _common_start(a: Sequence[str], b: Sequence[str]) -> int:
    least, at = min(len(a), len(b)), 0
    while at + _STRIDE <= least and a[at : at + _STRIDE] == b[at : at + _STRIDE]:
        at += _STRIDE
    while at < least and a[at] == b[at]:
        at += 1
    return at


def _common_end(a: Sequence[str], b: Sequence[str], most: int) -> int:
    at = 0
    while at + _STRIDE <= most and (
        a[len(a) - at - _STRIDE : len(a) - at] == b[len(b) - at - _STRIDE : len(b) - at]
    ):
        at += _STRIDE
    while at < most and a[-1 - at] == b[-1 - at]:
        at += 1
    return at


def unified(
    a: Sequence[str], b: Sequence[str], found: Sequence[Change], *, before: int = 0
) -> Iterator[str]:
    """The lines of a unified diff without file headers; the lines given have no ends, and `before` come before them."""
    for group in groups(found):
        first, last = group[0], group[-1]
        a_from = max(0, first.a_start - _CONTEXT)
        b_from = max(0, first.b_start - _CONTEXT)
        a_to = min(len(a), last.a_end + _CONTEXT)
        b_to = min(len(b), last.b_end + _CONTEXT)
        a_range, b_range = (
            _range(before + start, before + end) for start, end in ((a_from, a_to), (b_from, b_to))
        )
        yield f"@@ -{a_range} +{b_range} @@"
        at = a_from
        for change in group:
            yield from (f" {line}" for line in a[at : change.a_start])
            yield from (f"-{line}" for line in a[change.a_start : change.a_end])
            yield from (f"+{line}" for line in b[change.b_start : change.b_end])
            at = change.a_end
        yield from (f" {line}" for line in a[at:a_to])


def chosen(
    a: Sequence[str], b: Sequence[str], found: Sequence[Change], places: Collection[int]
) -> list[str]:
    """The first text with only those hunks of its unified diff applied whose places, from 0, are named."""
    out: list[str] = []
    at = 0
    for place, group in enumerate(groups(found)):
        for change in group if place in places else ():
            out += [*a[at : change.a_start], *b[change.b_start : change.b_end]]
            at = change.a_end
    return [*out, *a[at:]]


def groups(found: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes that one hunk of a unified diff shows together."""
    group: list[Change] = []
    for change in found:
        if group and change.a_start - group[-1].a_end > 2 * _CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
