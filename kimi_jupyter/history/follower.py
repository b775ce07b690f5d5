"""A reader of a log: replay, then live; it never holds the writer up, however slow it is."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from kimi_jupyter.history.live import OUTPUT_LIMIT, Tail
from kimi_jupyter.protocol.events import (
    CallDelta,
    Event,
    ReplyDone,
    ReplyPartial,
    TextDelta,
    ThinkDelta,
    ToolDone,
    ToolOutput,
)

_Key = tuple[str, str]


class _Waiting:
    """A transient event that is not read yet; those that only add text grow into one."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self._text = Tail(OUTPUT_LIMIT if isinstance(event, ToolOutput) else None)
        if isinstance(event, ThinkDelta | TextDelta | ToolOutput):
            self._text.add(event.text)

    def add(self, event: ThinkDelta | TextDelta | ToolOutput) -> None:
        self._text.add(event.text)

    def merged(self) -> Event:
        if isinstance(self.event, ThinkDelta | TextDelta | ToolOutput):
            return self.event.model_copy(update={"text": self._text.text()})
        return self.event


class Follower:
    """An async iterator over a log's events from one place on; `close` ends it, and so does the log.

    Stored events are read from the log itself. Transient ones wait here, merged by kind and reply or call, and those that
    a stored event has replaced are dropped: so what waits is bounded by what is open at one moment.
    """

    def __init__(
        self,
        events: Sequence[Event],
        *,
        after: int,
        live: Iterable[Event],
        leave: Callable[[Follower], None],
    ) -> None:
        self._events = events
        self._next = bisect_right(events, after, key=lambda event: event.seq)
        self._seen = after
        self._waiting: dict[_Key, _Waiting] = {_key(event): _Waiting(event) for event in live}
        self._leave = leave
        self._wake = asyncio.Event()
        self._is_over = False

    def __aiter__(self) -> Follower:
        return self

    @property
    def ready(self) -> bool:
        """Whether an event is at hand, so that the next one comes without waiting."""
        return bool(self._waiting) or self._next < len(self._events)

    async def __anext__(self) -> Event:
        while True:
            event = self.take()
            if event is not None:
                return event
            if self._is_over:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()

    def take(self) -> Event | None:
        """The next event, `None` where there is none at the moment."""
        at_end = self._next >= len(self._events)
        key = next(iter(self._waiting), None)
        if key is not None and (at_end or self._waiting[key].event.seq <= self._seen):
            return self._waiting.pop(key).merged()
        if at_end:
            return None
        event = self._events[self._next]
        self._next += 1
        self._seen = event.seq
        return event

    def close(self) -> None:
        """Read no further; what waits is dropped."""
        self._waiting.clear()
        self._events, self._next = (), 0
        self._leave(self)
        self.end()

    def end(self) -> None:
        """For the log: nothing more will come after what waits."""
        self._is_over = True
        self._wake.set()

    def tell_transient(self, event: Event) -> None:
        """For the log: a transient event happened."""
        key = _key(event)
        waiting = self._waiting.get(key)
        if waiting is not None and isinstance(event, ThinkDelta | TextDelta | ToolOutput):
            waiting.add(event)
        else:
            self._waiting.pop(key, None)
            self._waiting[key] = _Waiting(event)
        if isinstance(event, ThinkDelta | TextDelta) and len(self._waiting) > 1:
            self._drop(lambda other: _is_reply(other) and _owner(other) != event.reply)
        self._wake.set()

    def tell_stored(self, event: Event) -> None:
        """For the log: a stored event was appended to its events."""
        if self._waiting:
            if isinstance(event, ReplyPartial | ReplyDone):
                self._drop(_is_reply if isinstance(event, ReplyDone) else _is_text)
            elif isinstance(event, ToolDone):
                self._drop(lambda other: _owner(other) == event.call)
        self._wake.set()

    def _drop(self, replaced: Callable[[Event], bool]) -> None:
        self._waiting = {k: w for k, w in self._waiting.items() if not replaced(w.event)}


def _key(event: Event) -> _Key:
    return event.type, _owner(event)


def _owner(event: Event) -> str:
    if isinstance(event, ThinkDelta | TextDelta | CallDelta):
        return event.reply
    return event.call if isinstance(event, ToolOutput) else ""


def _is_text(event: Event) -> bool:
    return isinstance(event, ThinkDelta | TextDelta)


def _is_reply(event: Event) -> bool:
    return isinstance(event, ThinkDelta | TextDelta | CallDelta)
