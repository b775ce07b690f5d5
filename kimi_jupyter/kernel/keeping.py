"""The button under a command that runs for a while: it lets the command go on in the background."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from kimi_jupyter.kernel.painter import NotebookPainter
from kimi_jupyter.kernel.render import RunningCall
from kimi_jupyter.kernel.visible import as_html
from kimi_jupyter.protocol.commands import CommandBackground

if TYPE_CHECKING:
    from kimi_jupyter.kernel.lane import CommLane

PATIENCE = 2.0
"""Seconds that a command runs before the button comes: most are over by then."""
_LABEL = "Keep running in the background"
_TIP = "Kimi goes on without waiting for it; it has no time limit then."


class Keeper(Protocol):
    """Offers to send running commands to the background; all methods are called on the cell's thread."""

    def tend(self, running: list[RunningCall]) -> None:
        """Draw and remove buttons, and pass on what was pressed."""
        ...

    def close(self) -> None: ...


class NoKeeper:
    """Where no click can come."""

    def tend(self, running: list[RunningCall]) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing is drawn."""


@dataclass(frozen=True, slots=True)
class _Shown:
    place: str
    parts: tuple[Any, ...]
    comm: str


class ButtonKeeper:
    """Draws the button in the place of the command's line."""

    def __init__(
        self,
        send: Callable[[CommandBackground], None],
        *,
        painter: NotebookPainter,
        wake: Callable[[], None],
        lane: CommLane | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._painter = painter
        self._wake = wake
        self._lane = lane
        self._clock = clock
        self._since: dict[str, float] = {}
        self._shown: dict[str, _Shown] = {}
        self._pressed: SimpleQueue[str] = SimpleQueue()

    def tend(self, running: list[RunningCall]) -> None:
        now = self._clock()
        self._since = {one.call: self._since.get(one.call, now) for one in running}
        for call in self._shown.keys() - self._since.keys():
            self._remove(call)
        for one in running:
            if one.call not in self._shown and now - self._since[one.call] >= PATIENCE:
                self._draw(one)
        with contextlib.suppress(Empty):
            while True:
                self._send(CommandBackground(call=self._pressed.get_nowait()))

    def close(self) -> None:
        for call in list(self._shown):
            self._remove(call)

    def _draw(self, one: RunningCall) -> None:
        from kimi_jupyter.kernel.shutter import widgets

        def pressed(button: Any) -> None:
            button.disabled = True
            self._pressed.put(one.call)
            self._wake()

        head = widgets.HTML(f"▸ {as_html(one.title)} <i>is running</i>")
        button = widgets.Button(
            description=_LABEL, tooltip=_TIP, layout=widgets.Layout(width="auto")
        )
        button.on_click(pressed)
        box = widgets.VBox((head, button))
        self._shown[one.call] = _Shown(one.place, (button, head, box), button.comm.comm_id)
        if self._lane is not None:
            self._lane.own_comms.add(button.comm.comm_id)
        data: Mapping[str, Any] = dict(box._repr_mimebundle_() or {})
        self._painter.seat(one.place, {**data, "text/plain": f"▸ {one.title} is running"})

    def _remove(self, call: str) -> None:
        from kimi_jupyter.kernel.shutter import close_all

        shown = self._shown.pop(call)
        if self._lane is not None:
            self._lane.own_comms.discard(shown.comm)
        close_all(shown.parts)
        self._painter.free(shown.place)
