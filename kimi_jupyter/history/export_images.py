"""The images of a task as an exported file shows them: named in words, and in a notebook drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kimi_jupyter.protocol.events import Event, ToolDone, TurnQueued, TurnStarted
from kimi_jupyter.safety import pictures
from kimi_jupyter.safety.pictures import Picture


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an exported conversation."""

    text: str
    """Markdown."""
    images: tuple[str, ...] = ()
    """`data:` URLs of what belongs to it."""


class Shown:
    """All images of a log, by the message or the call that they came with."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._attached: dict[int, dict[str, str]] = {}
        self._read: dict[str, tuple[str, ...]] = {}
        for event in events:
            if isinstance(event, TurnStarted | TurnQueued):
                self._attached[event.seq] = {
                    file.path: file.image for file in event.attachments if file.image is not None
                }
            elif isinstance(event, ToolDone):
                self._read[event.call] = event.images

    def attached(self, seq: int, paths: Sequence[str], text: str) -> Block:
        """A message with the names of its files."""
        images = self._attached.get(seq, {})
        lines: list[str] = []
        for path in paths:
            picture = pictures.of_url(images.get(path, ""))
            lines.append(f"Attached: `{path}`{f' ({_facts(picture)})' if picture else ''}")
        return Block("\n\n".join([text, *lines]), tuple(images.values()))

    def read(self, call: str, text: str) -> Block:
        """A tool call with the images that it showed."""
        images = self._read.get(call, ())
        lines = [f"Shown: {_facts(picture)}" for _, picture in _drawable(images)]
        return Block("\n\n".join([text, *lines]), images)


def cell_parts(block: Block) -> tuple[str, dict[str, Any]]:
    """A Markdown cell's text that draws the block's images, and the attachments that hold them."""
    text = block.text
    attachments: dict[str, Any] = {}
    for number, (url, picture) in enumerate(_drawable(block.images), 1):
        kind = picture.format.lower()
        name = f"image-{number}.{kind}"
        attachments[name] = {f"image/{kind}": url.partition(",")[2]}
        text += f"\n\n![{picture}](attachment:{name})"
    return text, attachments


def _drawable(images: Sequence[str]) -> Iterator[tuple[str, Picture]]:
    for url in images:
        picture = pictures.of_url(url)
        if picture is not None:
            yield url, picture


def _facts(picture: Picture) -> str:
    return f"{picture}, {picture.size / 1024:,.1f} KB"
