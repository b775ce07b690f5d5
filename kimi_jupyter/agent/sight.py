"""Whether a task's model sees images, and what is said where it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kimi_jupyter.models.catalogue import find
from kimi_jupyter.models.provider import ModelInfo
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import Event, ToolDone, TurnStarted
from kimi_jupyter.safety import pictures

TURN_CAP = 4 * 1024 * 1024
"""Bytes of all images that the tools of one turn may show; a log and a request grow by no more."""


class Sight:
    """The eyes of one task; what it says counts for the model of this moment."""

    def __init__(
        self,
        *,
        events: Sequence[Event],
        model: Callable[[], str],
        models: Callable[[], Sequence[ModelInfo]],
    ) -> None:
        self._events = events
        self._model = model
        self._models = models

    def sees(self) -> bool:
        """Whether the model takes images; one that is not known does not."""
        info = find(self._model(), self._models())
        return info is not None and info.vision

    def check(self, path: str) -> None:
        """Raise `CommandRefused` for an image that the model can't see."""
        if self.sees():
            return
        others = [info.id for info in self._models() if info.vision]
        hint = f"choose another model ({', '.join(others)}) or " if others else ""
        raise CommandRefused(
            f"Not sent: {path!r} is an image, and {self._model()} can't see images; {hint}leave it out."
        )

    def admitted(self, images: Sequence[str]) -> tuple[tuple[str, ...], str]:
        """Of a tool's images those that may be shown, and a word about the others; called as the result is stated."""
        if not images:
            return (), ""
        left = TURN_CAP - sum(len(url) * 3 // 4 for url in self._shown_this_turn())
        kept: list[str] = []
        for url in images:
            picture = pictures.of_url(url) if self.sees() else None
            if picture is not None and picture.size <= left:
                kept.append(url)
                left -= picture.size
        missing = len(images) - len(kept)
        if not missing:
            return tuple(kept), ""
        why = (
            f"the tools of one turn may show {TURN_CAP // 1024 // 1024} MB of images"
            if self.sees()
            else "this model can't see images"
        )
        return tuple(kept), f"[{missing} of {len(images)} images not shown: {why}]"

    def _shown_this_turn(self) -> list[str]:
        found: list[str] = []
        for event in reversed(self._events):
            if isinstance(event, TurnStarted):
                break
            if isinstance(event, ToolDone):
                found += event.images
        return found
