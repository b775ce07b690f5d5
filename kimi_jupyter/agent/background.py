"""The running commands of a task, by their call: those that may be sent to the background, and those that are there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from kimi_jupyter.protocol.commands import CommandBackground, CommandStop
from kimi_jupyter.protocol.errors import CommandRefused, HistoryError, KimiError
from kimi_jupyter.protocol.events import CommandBackgrounded, CommandEnded, Event, TurnStarted

logger = logging.getLogger(__name__)

MOST = 16
"""Commands of one task that may run in the background at once."""
_LONGEST_END = 8.0
"""Seconds to wait for commands that are ended; their supervisors go on ending them."""
_GONE = (
    "No command runs in the background under this name any more; it has ended or was never there."
)
_NOT_RUNNING = (
    "This command is not running any more, so it can't go on in the background; nothing was done."
)


class Program(Protocol):
    """A running command as its tool knows it; called on the event loop."""

    def stop(self) -> None:
        """Wish its end, with all that it started; nothing where it is over."""
        ...

    async def ended(self) -> str:
        """Wait for its end; gives how it ended, such as `exit code 0`."""
        ...

    def text(self) -> str:
        """What it has printed, its head and tail where that is long."""
        ...

    def read(self, *, from_start: bool = False) -> str:
        """What it has printed since this was last asked; or as `text`."""
        ...


@dataclass(slots=True)
class Background:
    """A command in the background, running or over."""

    call: str
    program: Program
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing of it is left."""
    summary: str = ""
    """How it ended."""


@dataclass(frozen=True, slots=True)
class _Past:
    """A command of an earlier process, as the log remembers it."""

    output: str

    def stop(self) -> None:
        """It is over."""

    async def ended(self) -> str:
        return ""

    def text(self) -> str:
        return self.output

    def read(self, *, from_start: bool = False) -> str:
        return self.output


def _ignore(event: Event) -> Event:
    return event


class Commands:
    """One task's; all methods are called on one event loop. `command.ended` follows each `command.backgrounded`."""

    def __init__(
        self,
        emit: Callable[[Event], Event] = _ignore,
        *,
        events: Iterable[Event] = (),
        clean: Callable[[str], str] = str,
    ) -> None:
        self._emit = emit
        self._clean = clean
        self._wishes: dict[str, asyncio.Event] = {}
        self._all: dict[str, Background] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, list[Callable[[], Awaitable[None]]]] = {}
        self._news: list[str] = []
        self._remember(events)

    def _remember(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, TurnStarted):
                self._news.clear()
            elif isinstance(event, CommandEnded):
                past = Background(event.call, _Past(event.output), summary=event.summary)
                past.over.set()
                self._all[event.call] = past
                self._news.append(event.call)

    @property
    def is_busy(self) -> bool:
        """Whether a command runs in the background."""
        return bool(self._watches)

    def is_on(self, call: str) -> bool:
        """Whether this command runs in the background."""
        return call in self._watches

    async def submit(self, command: CommandBackground | CommandStop) -> None:
        """Take the user's command; raises `CommandRefused`."""
        if isinstance(command, CommandBackground):
            self.send(command.call)
        else:
            await self.stop(command.call)

    @contextmanager
    def foreground(self, call: str) -> Generator[asyncio.Event]:
        """While a call waits for its command; the event is set when the user sends it to the background."""
        wish = asyncio.Event()
        self._wishes[call] = wish
        try:
            yield wish
        finally:
            self._wishes.pop(call, None)

    def send(self, call: str) -> None:
        """The user's wish that a command goes on in the background; raises `CommandRefused`."""
        wish = self._wishes.get(call)
        if wish is None:
            raise CommandRefused(_NOT_RUNNING)
        if (why := self.full(call)) is not None:
            raise CommandRefused(why)
        wish.set()

    def full(self, call: str) -> str | None:
        """Why no further command can go on in the background, if so."""
        if call in self._watches:
            return "A command with the same call id runs in the background already; stop that one first."
        if len(self._watches) >= MOST:
            return f"{MOST} commands run in the background already; stop one of them first."
        return None

    def take(self, call: str, program: Program) -> None:
        """From here on the command runs by itself; where that can't be noted, it is ended."""
        try:
            self._emit(CommandBackgrounded(call=call))
        except HistoryError:
            program.stop()
            raise
        entry = Background(call, program)
        self._all[call] = entry
        self._watches[call] = asyncio.create_task(self._watch(entry), name=f"kimi command {call}")

    def at_end(self, call: str, last: Callable[[], Awaitable[None]]) -> bool:
        """Do this when the command has ended, before that is told; whether it runs in the background at all."""
        if call not in self._watches:
            return False
        self._last.setdefault(call, []).append(last)
        return True

    def find(self, call: str) -> Background:
        """A command in the background, running or over; raises `KimiError`."""
        entry = self._all.get(call)
        if entry is not None:
            return entry
        names = ", ".join(map(repr, self._all)) or "none"
        raise KimiError(f"No command went on in the background under {call!r}. There are: {names}.")

    async def stop(self, call: str) -> Background:
        """End a command with all that it started and wait until nothing of it is left; raises `CommandRefused`."""
        if call not in self._watches:
            raise CommandRefused(_GONE)
        entry = self._all[call]
        await self._end([call])
        return entry

    async def close(self) -> None:
        """End them all."""
        await self._end(list(self._watches))

    async def end_since(self, seq: int, events: Iterable[Event]) -> None:
        """End those that went to the background from this event on, before a rewind takes back what they write."""
        sent = (e for e in events if isinstance(e, CommandBackgrounded) and e.seq >= seq)
        await self._end([e.call for e in sent if e.call in self._watches])

    async def _end(self, calls: list[str]) -> None:
        watches = [self._watches[call] for call in calls]
        for call in calls:
            self._all[call].program.stop()
        if watches:
            await asyncio.wait(watches, timeout=_LONGEST_END)

    def known(self, call: str) -> None:
        """The model has been told of this command's end."""
        self._news = [other for other in self._news if other != call]

    def news(self) -> str:
        """What the model is told, once, of commands that have ended; empty where there is nothing to tell."""
        news, self._news = self._news, []
        return "\n".join(
            f"The background command of call {call} is over: {self._all[call].summary}."
            f" read_output has its output."
            for call in news
        )

    async def _watch(self, entry: Background) -> None:
        try:
            summary = await entry.program.ended()
        except Exception as error:  # noqa: BLE001 - whatever it was, the command is over and that must be told
            logger.error("a background command failed: %s", type(error).__name__)
            summary = "failed by a fault of its own"
        for last in self._last.pop(entry.call, ()):
            try:
                await last()
            except Exception as error:  # noqa: BLE001 - as above
                logger.error("the end of a background command: %s", type(error).__name__)
        entry.summary = self._clean(summary)
        self._news.append(entry.call)
        self._watches.pop(entry.call, None)
        entry.over.set()
        with contextlib.suppress(HistoryError):
            output = self._clean(entry.program.text())
            self._emit(CommandEnded(call=entry.call, summary=entry.summary, output=output))
