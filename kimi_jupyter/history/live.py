"""What has streamed but is not stored yet: the open reply since its last partial, and what commands print."""

from __future__ import annotations

from collections import deque

from kimi_jupyter.protocol.events import (
    CallDelta,
    CommandBackgrounded,
    CommandEnded,
    Event,
    ReplyDone,
    ReplyPartial,
    Retrying,
    TextDelta,
    ThinkDelta,
    ToolDone,
    ToolOutput,
    TurnEnded,
    TurnStarted,
)

OUTPUT_LIMIT = 64 * 1024
"""Characters of a running call's output that are kept for those who join later."""


class Tail:
    """The last `limit` characters of a text that grows, at a flat cost per part."""

    def __init__(self, limit: int | None = None) -> None:
        self._parts: deque[str] = deque()
        self._limit = limit
        self.size = 0

    def add(self, text: str) -> None:
        if self._limit is not None:
            text = text[-self._limit :]
        self._parts.append(text)
        self.size += len(text)
        while self._limit is not None and self.size > self._limit:
            first = self._parts.popleft()
            over = self.size - self._limit
            if over < len(first):
                self._parts.appendleft(first[over:])
            self.size -= min(over, len(first))

    def text(self) -> str:
        return "".join(self._parts)


class Live:
    """Kept by the log; `catch_up` brings a reader who has all stored events to the present moment."""

    def __init__(self) -> None:
        self._outputs: dict[str, Tail] = {}
        self._background: set[str] = set()
        self._reset()

    def _reset(self) -> None:
        self.reply = ""
        self._think, self._text = Tail(), Tail()
        self._call: CallDelta | None = None
        self._retrying: Retrying | None = None
        self._outputs = {
            call: output for call, output in self._outputs.items() if call in self._background
        }

    @property
    def size(self) -> int:
        """Characters of the open reply that are not stored."""
        return self._think.size + self._text.size

    def transient(self, event: Event) -> None:
        """Take in a transient event."""
        if isinstance(event, ThinkDelta | TextDelta | CallDelta):
            self._delta(event)
        elif isinstance(event, ToolOutput):
            self._outputs.setdefault(event.call, Tail(OUTPUT_LIMIT)).add(event.text)
        elif isinstance(event, Retrying):
            self._retrying = event

    def _delta(self, event: ThinkDelta | TextDelta | CallDelta) -> None:
        self._retrying = None
        if event.reply != self.reply:
            self.reply, self._call = event.reply, None
            self._clear_parts()
        if isinstance(event, ThinkDelta):
            self._think.add(event.text)
        elif isinstance(event, TextDelta):
            self._text.add(event.text)
        else:
            self._call = event

    def stored(self, event: Event) -> None:
        """A stored event makes some of it needless."""
        if isinstance(event, ReplyPartial):
            self._clear_parts()
        elif isinstance(event, ReplyDone):
            self._clear_parts()
            self._call = self._retrying = None
        elif isinstance(event, ToolDone):
            self._outputs.pop(event.call, None)
        elif isinstance(event, CommandBackgrounded):
            self._background.add(event.call)
        elif isinstance(event, CommandEnded):
            self._background.discard(event.call)
            self._outputs.pop(event.call, None)
        elif isinstance(event, TurnStarted | TurnEnded):
            self._reset()

    def partial(self) -> ReplyPartial | None:
        """What `reply.partial` would store now."""
        if not self.size:
            return None
        return ReplyPartial(reply=self.reply, think=self._think.text(), text=self._text.text())

    def catch_up(self) -> list[Event]:
        """All of it, in as few events as there are."""
        events: list[Event] = [
            ToolOutput(call=call, text=output.text()) for call, output in self._outputs.items()
        ]
        if self._think.size:
            events.append(ThinkDelta(reply=self.reply, text=self._think.text()))
        if self._text.size:
            events.append(TextDelta(reply=self.reply, text=self._text.text()))
        events += [event for event in (self._call, self._retrying) if event is not None]
        return events

    def _clear_parts(self) -> None:
        self._think, self._text = Tail(), Tail()
