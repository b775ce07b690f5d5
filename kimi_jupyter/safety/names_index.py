"""Many file names in two long texts, so that a query is a few searches of the interpreter's own and no loop."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator


class _Lines:
    """Texts in one, each behind a line break; `hits` gives the numbers of those that have something in them."""

    def __init__(self, texts: Iterable[str]) -> None:
        lines = list(texts)
        self.text = "".join(f"\n{line}" for line in lines) + "\n"
        self._starts: list[int] = []
        at = 0
        for line in lines:
            self._starts.append(at)
            at += len(line) + 1

    def hits(self, wanted: str) -> Iterator[int]:
        """In order; `wanted` may begin with a line break."""
        at = self.text.find(wanted)
        while at >= 0:
            number = self._number(at)
            if number >= len(self._starts):
                return
            yield number
            after = self._starts[number + 1] if number + 1 < len(self._starts) else -1
            if after < 0:
                return
            at = self.text.find(wanted, after)

    def matches(self, pattern: re.Pattern[str]) -> Iterator[int]:
        """For a pattern that begins with a line break and does not reach over the next one."""
        return (self._number(found.start()) for found in pattern.finditer(self.text))

    def _number(self, at: int) -> int:
        return bisect_right(self._starts, at) - 1


class NamesIndex:
    """The paths, shortest first, those of folders with a `/` at the end; made once, then only read, so any thread may."""

    def __init__(self, paths: Iterable[str]) -> None:
        # a line break in a name would look like two names
        self._paths = sorted(
            (path for path in paths if "\n" not in path), key=lambda path: (len(path), path)
        )
        plain = [path.casefold() for path in self._paths]
        self._whole = _Lines(plain)
        self._names = _Lines(path[path.rfind("/", 0, -1) + 1 :] for path in plain)

    def find(self, wanted: str, limit: int) -> list[str]:
        """The best paths for a text in folded case; all are good for an empty one."""
        if not wanted:
            return self._paths[:limit]
        if "\n" in wanted:
            return []
        found: dict[int, None] = {}
        for step in self._steps(wanted):
            if len(found) >= limit:
                break
            for number in step:
                found[number] = None
                if len(found) >= limit:
                    break
        return [self._paths[number] for number in found]

    def _steps(self, wanted: str) -> Iterator[Iterable[int]]:
        begin = f"\n{wanted}"
        yield _merged(self._names.hits(begin), self._whole.hits(begin))
        yield self._names.hits(wanted)
        yield self._whole.hits(wanted)
        letters = "".join(f"[^{re.escape(letter)}\n]*{re.escape(letter)}" for letter in wanted)
        yield self._whole.matches(re.compile("\n" + letters))


def _merged(first: Iterator[int], second: Iterator[int]) -> Iterator[int]:
    """Two rising sequences as one."""
    a, b = next(first, None), next(second, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a <= b):
            assert a is not None
            yield a
            a = next(first, None)
        else:
            yield b
            b = next(second, None)
