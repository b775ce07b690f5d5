"""Says why a search text is not in a file, or is there more than once, so that the next try can be exact."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher

_MOST_PLACES = 20
_MOST_SHOWN = 40
_TIME = 0.25
_QUOTES = str.maketrans("‘’‚‛“”„‟′″«»–—−", '\'\'\'\'""""\'"""---')
_SPACES = re.compile(r"[\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_NUMBERED = re.compile(r"\s*\d+\t")

_LOOSER: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("spaces or tabs at the end of lines", str.rstrip),
    ("special spaces (such as NBSP)", lambda line: _SPACES.sub(" ", line)),
    ("typographic quotes or dashes", lambda line: line.translate(_QUOTES)),
    ("tabs against spaces", lambda line: line.expandtabs(4)),
    ("indentation", str.strip),
    ("whitespace within lines", lambda line: "".join(line.split())),
    ("upper and lower case", str.casefold),
)


def found_at(text: str, search: str, *, most: int = _MOST_PLACES) -> list[int]:
    """Where the search text begins, overlapping places included, at most so many."""
    places: list[int] = []
    at = text.find(search)
    while at >= 0 and len(places) < most:
        places.append(at)
        at = text.find(search, at + 1)
    return places


def ambiguous_text(text: str, search: str, replacement: str, name: str) -> str:
    """For a search text that is in the file several times: the lines of every place."""
    places = found_at(text, search, most=_MOST_PLACES + 1)
    lines = [text.count("\n", 0, place) + 1 for place in places[:_MOST_PLACES]]
    more = " and more" if len(places) > _MOST_PLACES else ""
    return (
        f"the search text is in {name} {len(lines)} times{more}, at lines {', '.join(map(str, lines))}. Add lines"
        " around it until it is unique."
    )


def missing_text(text: str, search: str, replacement: str, name: str) -> str:
    """For a search text that is not in the file: the nearest region, what differs, and whether it is done already."""
    parts = [f"search text not found in {name}."]
    wanted = search.split("\n")
    if sum(bool(_NUMBERED.match(line)) for line in wanted) > len(wanted) // 2:
        parts.append("It seems to have the line numbers of read_file in it; leave them out.")
    is_telling = len(replacement.strip()) > 4 and replacement not in search
    there = found_at(text, replacement) if is_telling else []
    if there:
        line = text.count("\n", 0, there[0]) + 1
        parts.append(
            f"The replacement text is already in the file, at line {line}: this hunk may have been applied before."
        )
    if not text:
        return " ".join([*parts, "The file is empty."])
    parts.append(_nearest(text.split("\n"), wanted))
    return "\n".join(parts)


def _nearest(lines: list[str], wanted: list[str]) -> str:
    core = _without_blank_ends(wanted)
    if not core:
        return "The search text is blank."
    loose = _loosely(lines, core)
    if loose is not None:
        start, names = loose
        head = f"Lines {start + 1}-{start + len(core)} differ only in {' and '.join(names)}:"
    else:
        start = _best_start(lines, core)
        if start is None:
            return "No part of the file is like it."
        head = f"The nearest region is lines {start + 1}-{min(start + len(core), len(lines))}:"
    shown = _numbered(lines, start, len(core))
    return "\n".join([head, shown, _first_difference(lines, core, start)]).rstrip()


def _without_blank_ends(wanted: list[str]) -> list[str]:
    start, end = 0, len(wanted)
    while start < end and not wanted[start].strip():
        start += 1
    while end > start and not wanted[end - 1].strip():
        end -= 1
    return wanted[start:end]


def _loosely(lines: list[str], core: list[str]) -> tuple[int, list[str]] | None:
    """Where the text fits once some kinds of difference are overlooked, and which kinds these are."""
    all_lines, all_core = lines, core
    deadline = time.monotonic() + _TIME
    for reached in range(1, len(_LOOSER) + 1):
        if time.monotonic() > deadline:
            break
        look = _LOOSER[reached - 1][1]
        all_lines, all_core = [look(line) for line in all_lines], [look(line) for line in all_core]
        start = _window(all_lines, all_core)
        if start is not None:
            region = lines[start : start + len(core)]
            return start, _needed(region, core, reached)
    return None


def _needed(region: list[str], core: list[str], reached: int) -> list[str]:
    """The kinds of difference that count: those without which the two do not become equal."""
    needed = list(_LOOSER[:reached])
    for kind in _LOOSER[:reached]:
        fewer = [other for other in needed if other is not kind]
        if _applied(region, fewer) == _applied(core, fewer):
            needed = fewer
    return [name for name, _ in needed] or [
        "the blank lines around it, or where its first and last line begin and end"
    ]


def _applied(lines: list[str], kinds: list[tuple[str, Callable[[str], str]]]) -> list[str]:
    for _, look in kinds:
        lines = [look(line) for line in lines]
    return lines


def _window(lines: list[str], core: list[str]) -> int | None:
    at = -1
    while True:
        try:
            at = lines.index(core[0], at + 1)
        except ValueError:
            return None
        if lines[at : at + len(core)] == core:
            return at


def _best_start(lines: list[str], core: list[str]) -> int | None:
    """The start of the most similar region: by lines in common, else by the likeness of its longest line."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        places.setdefault(line.strip(), []).append(number)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(core):
        at = places.get(line.strip(), []) if len(line.strip()) > 2 else []
        if len(at) <= 50:
            votes.update(place - offset for place in at)
    if votes:
        return max(0, votes.most_common(1)[0][0])
    return _likeliest(lines, core)


def _likeliest(lines: list[str], core: list[str]) -> int | None:
    offset, longest = max(enumerate(core), key=lambda item: len(item[1].strip()))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(longest.strip()[:500])
    best, best_at = 0.5, None
    end = time.monotonic() + _TIME
    for number, line in enumerate(lines):
        matcher.set_seq1(line.strip()[:500])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            if ratio > best:
                best, best_at = ratio, number
        if number % 64 == 0 and time.monotonic() > end:
            break
    return None if best_at is None else max(0, best_at - offset)


def _numbered(lines: list[str], start: int, length: int) -> str:
    end = min(start + length, len(lines))
    shown = [
        f"{number + 1:>6}\t{lines[number][:500]}"
        for number in range(start, min(end, start + _MOST_SHOWN))
    ]
    if end - start > _MOST_SHOWN:
        shown.append(f"       … to line {end}")
    return "\n".join(shown)


def _first_difference(lines: list[str], core: list[str], start: int) -> str:
    for offset, wanted in enumerate(core):
        at = start + offset
        there = lines[at] if at < len(lines) else None
        if there is None:
            return f"The file ends before line {at + 1} of it."
        if there != wanted:
            return f"First difference at line {at + 1}:\n  file:   {there[:300]!r}\n  search: {wanted[:300]!r}"
    return ""
