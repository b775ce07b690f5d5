"""What keeps a card's buttons shut until a person can have seen it, and the frame that all cards share.

A stock button can't tell a script's click from a person's. So a click counts only some time after the card was drawn;
that is decided here, never in the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets

from kimi_jupyter.kernel.visible import as_html

widgets: Any = ipywidgets  # its types are partial
LEAST_SECONDS = 0.5
"""Between the first sign that a page draws the card, else its display, and a click that counts."""
_UNSEEN_SECONDS = 2.0
"""After the display the buttons open even where no page has given a sign."""
_POKE_SECONDS = 0.4
_SILENT_SECONDS = 8.0
_HELP = (
    "No buttons here? This front end does not draw widgets: install ipywidgets where JupyterLab runs and reload the "
    "page, or decide in the Kimi sidebar."
)


class Shutter:
    """Opens once, some time after a page has drawn the card; `tend` is called again and again on the cell's thread."""

    def __init__(
        self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.is_open = False
        self.wake = wake
        self.clock = clock
        self._shown_at = clock()
        self._drawn_at: float | None = None
        self._poked_at = 0.0
        hidden = widgets.Layout
        self.help = widgets.HTML(layout=hidden(display="none"))
        # Stock widgets say nothing when they are drawn. It is Play's *view* that counts, so its first count is the sign.
        self.beacon = widgets.Play(min=0, max=3, interval=10, layout=hidden(display="none"))
        self.beacon.observe(self._beat, "value")

    def tend(self) -> bool:
        """Look for a sign of a page; whether the buttons may open now, told once."""
        now = self.clock()
        if self._drawn_at is None and now - self._poked_at >= _POKE_SECONDS:
            self._poked_at = now
            self.beacon.playing = not self.beacon.playing
        is_silent = self._drawn_at is None and now - self._shown_at > _SILENT_SECONDS
        if is_silent and not self.help.value:
            self.help.value, self.help.layout.display = f"<i>{as_html(_HELP)}</i>", ""
        if self.is_open or now < self._opens_at():
            return False
        self.is_open = True
        return True

    def is_early(self, at: float) -> bool:
        """Whether a click at this time comes too soon to be a person's."""
        start = self._shown_at if self._drawn_at is None else self._drawn_at
        return at - start < LEAST_SECONDS

    def _opens_at(self) -> float:
        if self._drawn_at is None:
            return self._shown_at + _UNSEEN_SECONDS
        return self._drawn_at + LEAST_SECONDS

    def _beat(self, change: object) -> None:
        if self._drawn_at is None:
            self._drawn_at = self.clock()
            self.wake()


def framed(*parts: Any) -> Any:
    """The parts below each other, as one card: pages set no frame around widgets of their own."""
    layout = widgets.Layout(
        border_left="3px solid var(--jp-warn-color1, #d99a2b)",
        padding="4px 8px 4px 12px",
        margin="4px 0",
    )
    return widgets.VBox(parts, layout=layout)


def close_all(parts: tuple[Any, ...]) -> None:
    """Take widgets out of the kernel; the page's buttons are dead from now on."""
    for part in parts:
        for own in (getattr(part, "style", None), part.layout, part):
            if own is not None:
                own.close()
