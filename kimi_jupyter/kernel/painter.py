"""Draws pieces as outputs of the cell: each is displayed once and then updated, at a bounded rate."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from kimi_jupyter.kernel.words import Piece

LEAST_PAUSE = 0.1
"""Seconds between two paints."""
_BUDGET = 150_000
"""Characters a second of pieces that change: an update costs what the piece is long."""


class Display(Protocol):
    """Shows a MIME bundle as an output, or puts it in the place of the one with the same id."""

    def __call__(self, data: Mapping[str, Any], *, display_id: str, update: bool) -> None: ...


class Painter(Protocol):
    """Where pieces go."""

    def is_due(self) -> bool:
        """Whether enough time has passed since the last paint."""
        ...

    def paint(self, pieces: Sequence[Piece]) -> None:
        """Bring the output to these pieces."""
        ...


class NotebookPainter:
    """For front ends that update outputs; what they last show is what is saved."""

    def __init__(self, display: Display, clock: Callable[[], float] = time.monotonic) -> None:
        self._display = display
        self._clock = clock
        self._shown: dict[str, Piece] = {}
        self._ids: dict[str, str] = {}
        self._seated: set[str] = set()
        self._next = 0.0

    def is_due(self) -> bool:
        return self._clock() >= self._next

    def paint(self, pieces: Sequence[Piece]) -> None:
        changed = 0
        for piece in pieces:
            if piece.key not in self._seated and self._shown.get(piece.key) != piece:
                changed += self._show(piece)
        for key in self._shown.keys() - {piece.key for piece in pieces} - self._seated:
            self._show(Piece(key, "", ""))
        self._next = self._clock() + max(LEAST_PAUSE, changed / _BUDGET)

    def seat(self, key: str, data: Mapping[str, Any]) -> None:
        """Give the output of this key to a card, until it is freed."""
        self._seated.add(key)
        self._put(key, data)

    def free(self, key: str) -> None:
        """The card is gone: the next paint writes its line there."""
        self._seated.discard(key)
        self._shown.pop(key, None)

    def _show(self, piece: Piece) -> int:
        before = self._shown.get(piece.key)
        self._shown[piece.key] = piece
        if before is not None and replace(before, is_open=piece.is_open) == piece:
            return 0
        bundle = piece.bundle()
        self._put(piece.key, bundle)
        return max(map(len, bundle.values()))

    def _put(self, key: str, data: Mapping[str, Any]) -> None:
        known = key in self._ids
        display_id = self._ids.setdefault(key, uuid.uuid4().hex)
        self._display(data, display_id=display_id, update=known)


class ConsolePainter:
    """For terminals, which can't change what they have printed: a reply grows, all else waits until it is settled."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._printed: dict[str, str] = {}
        self._at_line_start = True
        self._next = 0.0

    def is_due(self) -> bool:
        return self._clock() >= self._next

    def paint(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            printed = self._printed.get(piece.key)
            if piece.kind == "reply":
                self._grow(piece, printed)
            elif printed is None and not piece.is_open and piece.plain:
                self._line(piece)
        self._next = self._clock() + LEAST_PAUSE

    def _grow(self, piece: Piece, printed: str | None) -> None:
        if printed is None:
            self._break()
        elif not piece.plain.startswith(printed):
            self._break()
            printed = None
        more = piece.plain[len(printed or "") :]
        if more:
            self._write(more)
            self._at_line_start = False
        self._printed[piece.key] = piece.plain

    def _line(self, piece: Piece) -> None:
        self._break()
        self._write(piece.plain + "\n")
        self._at_line_start = True
        self._printed[piece.key] = piece.plain

    def _break(self) -> None:
        if not self._at_line_start:
            self._write("\n")
            self._at_line_start = True
