"""Cuts a growing Markdown text into blocks, so that only the open one is sent again while a reply streams."""

from __future__ import annotations

import re

LEAST = 1_500
"""Characters in a block before it may be closed."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CONTINUES = re.compile(r"\s|[-*+>|]|\d+[.)]")
"""A line that may belong to the list, table or quotation above it."""


def split_point(text: str, least: int = LEAST) -> int | None:
    """Where the text can be parted last: at a blank line outside a fence, before a line that starts something."""
    position, found = 0, None
    fence = ""
    lines = text.split("\n")
    for index, line in enumerate(lines[:-1]):
        end = position + len(line) + 1
        mark = _FENCE.match(line)
        if mark is not None:
            run = mark[1]
            if not fence:
                fence = run
            elif run[0] == fence[0] and len(run) >= len(fence) and line.strip() == run:
                fence = ""
        elif not fence and not line.strip() and position >= least:
            following = lines[index + 1]
            if following and not _CONTINUES.match(following):
                found = end
        position = end
    return found


class Blocks:
    """One reply's text in blocks; a closed block never changes while the text only grows."""

    def __init__(self, least: int = LEAST) -> None:
        self._least = least
        self._closed: list[str] = []
        self._start = 0
        self._text = ""

    def update(self, text: str) -> list[str]:
        """The blocks of the text, the open one last; a text that does not go on from the last one starts afresh."""
        if not text.startswith(self._text):
            self._closed, self._start = [], 0
        self._text = text
        cut = split_point(text[self._start :], self._least)
        if cut is not None:
            self._closed.append(text[self._start : self._start + cut].strip("\n"))
            self._start += cut
        tail = text[self._start :].strip("\n")
        return [*self._closed, tail] if tail.strip() else list(self._closed)
