"""What a kernel asks of its task between two cells: slash commands, and going back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from kimi_jupyter.agent.words import SUMMED_UP, SUMMING_UP
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.kernel.link import Channel, Failed, Item, Opened
from kimi_jupyter.kernel.visible import as_text, safe_markdown
from kimi_jupyter.protocol.commands import Command, Refusal, TaskRewind, TurnStart, TurnUnqueue
from kimi_jupyter.protocol.errors import CommandRefused, KimiError
from kimi_jupyter.protocol.events import Compacted, Notice, Rewound

T = TypeVar("T")
_QUIET = 0.15
"""Seconds without an event after which what was missed has been read."""
_WITHIN = 150.0
"""Seconds for a command to be done; summing up makes a request to the model."""


class Errand:
    """Follows a task for a moment. `put` is what the channel delivers to."""

    def __init__(self) -> None:
        self.fold = Fold()
        self._items: asyncio.Queue[Item] = asyncio.Queue()

    def put(self, item: Item) -> None:
        """Take in what came."""
        if not isinstance(item, Opened | Failed | Refusal):
            self.fold.feed(item)
        self._items.put_nowait(item)

    async def slash(self, text: str, channel: Channel) -> str:
        """Send a slash command; returns its notice, as Markdown that a page may draw. Raises `KimiError`."""
        await self._caught_up(channel)
        return await self._done(channel, TurnStart(text=text), _notice)

    async def rewind(self, channel: Channel) -> str:
        """Take back the last message, with what was done to files; returns what to tell. Raises `KimiError`."""
        await self._caught_up(channel)
        view = self.fold.view()
        if not view.turns:
            raise KimiError("This notebook's task has no message to take back.")
        last = view.turns[-1]
        done = await self._done(channel, TaskRewind(seq=last.seq), _rewound)
        lines = [f"Taken back: {as_text(last.text, markdown=True)}"]
        if done.restored:
            lines.append(f"Put back: {as_text(', '.join(done.restored), markdown=True)}")
        if done.kept:
            names = as_text(", ".join(done.kept), markdown=True)
            lines.append(f"Left alone, because changed since: {names}")
        return "\n\n".join(lines)

    async def _caught_up(self, channel: Channel) -> None:
        """Read what was missed: a command that is always refused marks its end."""
        channel.send(TurnUnqueue(seq=0))
        while True:
            item = await self._next(_WITHIN)
            if isinstance(item, Refusal):
                break
        while not await self._is_quiet():
            pass

    async def _is_quiet(self) -> bool:
        try:
            await asyncio.wait_for(self._items.get(), _QUIET)
        except asyncio.TimeoutError:
            return True
        return False

    async def _done(
        self, channel: Channel, command: Command, read: Callable[[Item], T | None]
    ) -> T:
        channel.send(command)
        while True:
            item = await self._next(_WITHIN)
            if isinstance(item, Refusal) and item.command == command.type:
                raise CommandRefused(item.why)
            found = read(item)
            if found is not None:
                return found

    async def _next(self, seconds: float) -> Item:
        try:
            item = await asyncio.wait_for(self._items.get(), seconds)
        except asyncio.TimeoutError as error:
            raise KimiError("Kimi's agent did not answer in time; try again.") from error
        if isinstance(item, Failed):
            raise KimiError(item.text)
        return item


def _notice(item: Item) -> str | None:
    if isinstance(item, Notice) and item.text != SUMMING_UP:
        return safe_markdown(item.text)
    return SUMMED_UP if isinstance(item, Compacted) else None


def _rewound(item: Item) -> Rewound | None:
    return item if isinstance(item, Rewound) else None
