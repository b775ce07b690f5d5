"""The live output of a running call on its way to the screen: whole lines, redacted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from kimi_jupyter.agent.words import storable

_LONGEST_LINE = 400
"""Characters of an unfinished line that are held back, so that a secret is not cut in two unseen."""
_MOST = 8_000
"""Characters after which a line is passed on whole."""
_OVERLAP = 200
"""Characters that stay behind at a cut, so that the beginning of a secret is seen for what it is."""


class LiveOutput:
    """Passes on what a tool reports; `report` may be called from any thread, the rest on the event loop."""

    def __init__(self, show: Callable[[str], None], clean: Callable[[str], str]) -> None:
        self._show = show
        self._clean = clean
        self._held = ""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._is_open = True

    def report(self, text: str) -> None:
        """More output."""
        if threading.get_ident() == self._thread:
            self._take(text)
        else:
            self._loop.call_soon_threadsafe(self._take, text)

    def close(self) -> None:
        """Pass on what is held back; later reports are dropped."""
        self._pass_on(len(self._held))
        self._is_open = False

    def _take(self, text: str) -> None:
        if not self._is_open:
            return
        self._held += text
        end = max(self._held.rfind("\n"), self._held.rfind("\r")) + 1
        self._pass_on(end)
        if len(self._held) > _LONGEST_LINE:
            self._cut_line()

    def _cut_line(self) -> None:
        """Pass on the beginning of a long line, cut where no secret is cut in two."""
        self._held = storable(self._held)
        whole = self._clean(self._held)
        last = len(self._held) - _OVERLAP
        space = self._held.rfind(" ", 0, last) + 1
        for end in (space, *range(last, max(0, last - _OVERLAP), -20)):
            if end and self._clean(self._held[:end]) + self._clean(self._held[end:]) == whole:
                self._pass_on(end)
                return
        if len(self._held) > _MOST:
            self._show(whole)
            self._held = ""

    def _pass_on(self, end: int) -> None:
        if end:
            part, self._held = self._held[:end], self._held[end:]
            self._show(self._clean(storable(part)))
