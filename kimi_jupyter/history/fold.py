"""What a log comes to when it is read from the start: the reference for every screen (`tests/data/README.md` has the rules)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

from kimi_jupyter.history.live import OUTPUT_LIMIT, Tail
from kimi_jupyter.history.view import (
    AskState,
    End,
    Item,
    NoticeItem,
    ReplyItem,
    ToolItem,
    ToolStatus,
    Turn,
    UsageTotal,
    View,
)
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Event,
    ModeChanged,
    ModelChanged,
    Notice,
    ReplyDone,
    ReplyPartial,
    Rewound,
    TaskCreated,
    TaskRenamed,
    TextDelta,
    ThinkDelta,
    ToolDone,
    ToolOutput,
    ToolRunning,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UsageReported,
)

__all__ = [
    "TITLE_LENGTH",
    "UNKNOWN",
    "AskState",
    "End",
    "Fold",
    "Item",
    "NoticeItem",
    "ReplyItem",
    "ToolItem",
    "ToolStatus",
    "Turn",
    "UsageTotal",
    "View",
    "fold",
    "title_from",
]

UNKNOWN = "outcome unknown"
"""The summary of a `tool.done` for a call that may or may not have happened."""
TITLE_LENGTH = 60
"""Characters of a title that is taken from the first message."""


class _Text:
    """A text that grows at a flat cost: the stored part, and behind it what only deltas told."""

    def __init__(self) -> None:
        self._stored: list[str] = []
        self._fresh: list[str] = []

    def add(self, text: str) -> None:
        self._fresh.append(text)

    def store(self, text: str) -> None:
        self._fresh.clear()
        self._stored.append(text)

    def cut_to_stored(self) -> None:
        self._fresh.clear()

    def __str__(self) -> str:
        if len(self._stored) > 1:
            self._stored = ["".join(self._stored)]
        return "".join((*self._stored, *self._fresh))


class _Reply:
    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.think = _Text()
        self.text = _Text()
        self.done: ReplyItem | None = None

    def cut_to_stored(self) -> None:
        self.think.cut_to_stored()
        self.text.cut_to_stored()

    def view(self) -> ReplyItem:
        return self.done or ReplyItem(
            reply=self.reply, think=str(self.think), text=str(self.text), done=False, finish=""
        )


class _Tool:
    def __init__(self, event: ToolStarted) -> None:
        self.call = event.call
        self.name = event.name
        self.title = event.title
        self.status: ToolStatus = "waiting"
        self.ask: AskState | None = None
        self.live = Tail(OUTPUT_LIMIT)
        self.done: ToolDone | None = None

    def view(self) -> ToolItem:
        return ToolItem(
            call=self.call,
            name=self.name,
            title=self.title,
            status=self.status,
            ask=self.ask,
            output=self.live.text() if self.done is None else self.done.output,
            summary=self.done.summary if self.done is not None else "",
        )


@dataclass
class _Turn:
    seq: int
    text: str
    attachments: tuple[str, ...]
    items: list[_Reply | _Tool | NoticeItem] = field(default_factory=lambda: [])
    ended: End | None = None

    def open_reply(self) -> _Reply | None:
        return next((i for i in reversed(self.items) if isinstance(i, _Reply) and not i.done), None)

    def reply(self, reply: str) -> _Reply | None:
        """The unfinished reply of this id; another unfinished one gives way to it. `None` for a finished one."""
        for item in reversed(self.items):
            if isinstance(item, _Reply) and item.reply == reply:
                return None if item.done else item
        unfinished = self.open_reply()
        if unfinished is not None:
            self.items.remove(unfinished)
        fresh = _Reply(reply)
        self.items.append(fresh)
        return fresh

    def tools(self) -> list[_Tool]:
        return [item for item in self.items if isinstance(item, _Tool)]

    def tool(self, call: str) -> _Tool | None:
        return next((t for t in reversed(self.tools()) if t.call == call), None)

    def view(self) -> Turn:
        items = tuple(i if isinstance(i, NoticeItem) else i.view() for i in self.items)
        return Turn(
            seq=self.seq,
            text=self.text,
            attachments=self.attachments,
            items=items,
            ended=self.ended,
        )


class Fold:
    """The state of a task, event by event; events that change nothing here are passed over."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.title = ""
        self.mode: Mode = "ask"
        self.model = ""
        self.usage = UsageTotal()
        self._turns: list[_Turn] = []
        self._notices: list[NoticeItem] = []
        self._open_asks: list[str] = []

    def _running(self) -> _Turn | None:
        return self._turns[-1] if self._turns and self._turns[-1].ended is None else None

    @property
    def is_running(self) -> bool:
        return self._running() is not None

    @property
    def last_end(self) -> str | None:
        """Why the last turn ended; `None` while it runs, and without one."""
        end = self._turns[-1].ended if self._turns else None
        return end.reason if end is not None else None

    @property
    def has_open_asks(self) -> bool:
        return bool(self._open_asks)

    def view(self) -> View:
        """The state so far, as data."""
        return View(
            title=self.title,
            mode=self.mode,
            model=self.model,
            status="running" if self.is_running else "idle",
            notices=tuple(self._notices),
            turns=tuple(turn.view() for turn in self._turns),
            open_asks=tuple(self._open_asks),
            usage=self.usage,
        )

    def link_opened(self) -> None:
        """A reader's link is there again: drop what only deltas told, it comes once more."""
        turn = self._running()
        if turn is None:
            return
        reply = turn.open_reply()
        if reply is not None:
            reply.cut_to_stored()
        for tool in turn.tools():
            tool.live = Tail(OUTPUT_LIMIT)

    @singledispatchmethod
    def feed(self, event: Event) -> None:
        """Take in the next event."""

    @feed.register
    def _(self, event: TaskCreated) -> None:
        self._reset()
        self.title, self.mode, self.model = event.title, event.mode, event.model

    @feed.register
    def _(self, event: TaskRenamed) -> None:
        self.title = event.title

    @feed.register
    def _(self, event: ModeChanged) -> None:
        self.mode = event.mode

    @feed.register
    def _(self, event: ModelChanged) -> None:
        self.model = event.model

    @feed.register
    def _(self, event: TurnStarted) -> None:
        if self.is_running:
            self._end(End(reason="interrupted", message=None))
        self.title = self.title or title_from(event.text)
        paths = tuple(attachment.path for attachment in event.attachments)
        self._turns.append(_Turn(event.seq, event.text, paths))

    @feed.register
    def _(self, event: TurnEnded) -> None:
        self._end(End(reason=event.reason, message=event.message))

    def _end(self, end: End) -> None:
        if not self._turns:
            return
        turn = self._turns[-1]
        turn.ended = end
        self._open_asks.clear()
        for tool in turn.tools():
            if tool.ask is not None and tool.ask.open:
                tool.ask = tool.ask.model_copy(update={"open": False, "decision": "cancelled"})
            if not tool.done:
                tool.status = "unknown" if tool.status == "running" else "failed"

    @feed.register
    def _(self, event: Rewound) -> None:
        self._turns = [turn for turn in self._turns if turn.seq < event.to]
        self._open_asks.clear()

    @feed.register
    def _(self, event: ThinkDelta) -> None:
        if (turn := self._running()) and (reply := turn.reply(event.reply)):
            reply.think.add(event.text)

    @feed.register
    def _(self, event: TextDelta) -> None:
        if (turn := self._running()) and (reply := turn.reply(event.reply)):
            reply.text.add(event.text)

    @feed.register
    def _(self, event: ReplyPartial) -> None:
        if (turn := self._running()) and (reply := turn.reply(event.reply)):
            reply.think.store(event.think)
            reply.text.store(event.text)

    @feed.register
    def _(self, event: ReplyDone) -> None:
        if (turn := self._running()) and (reply := turn.reply(event.reply)):
            reply.done = ReplyItem(
                reply=event.reply,
                think=event.message.reasoning_content or "",
                text=event.message.content,
                done=True,
                finish=event.finish,
            )

    def _tool(self, call: str) -> _Tool | None:
        turn = self._running()
        return turn.tool(call) if turn is not None else None

    @feed.register
    def _(self, event: ToolStarted) -> None:
        if turn := self._running():
            turn.items.append(_Tool(event))

    @feed.register
    def _(self, event: ToolRunning) -> None:
        if tool := self._tool(event.call):
            tool.status = "running"

    @feed.register
    def _(self, event: ToolOutput) -> None:
        if tool := self._tool(event.call):
            tool.live.add(event.text)

    @feed.register
    def _(self, event: ToolDone) -> None:
        if tool := self._tool(event.call):
            tool.done = event
            tool.status = _status(event, tool.ask)

    @feed.register
    def _(self, event: AskOpened) -> None:
        self._open_asks.append(event.ask)
        if tool := self._tool(event.call):
            tool.ask = AskState(ask=event.ask, kind=event.kind, open=True, decision=None)
            tool.status = "asking"

    @feed.register
    def _(self, event: AskClosed) -> None:
        if event.ask in self._open_asks:
            self._open_asks.remove(event.ask)
        turn = self._running()
        for tool in turn.tools() if turn else ():
            if tool.ask is not None and tool.ask.ask == event.ask and tool.ask.open:
                tool.ask = tool.ask.model_copy(update={"open": False, "decision": event.decision})
                tool.status = "waiting"

    @feed.register
    def _(self, event: Notice) -> None:
        item = NoticeItem(level=event.level, text=event.text)
        if self._turns:
            self._turns[-1].items.append(item)
        else:
            self._notices.append(item)

    @feed.register
    def _(self, event: UsageReported) -> None:
        total = self.usage
        cost = total.cost if event.cost is None else (total.cost or 0.0) + event.cost
        self.usage = UsageTotal(
            prompt_tokens=total.prompt_tokens + event.prompt_tokens,
            cached_tokens=total.cached_tokens + event.cached_tokens,
            completion_tokens=total.completion_tokens + event.completion_tokens,
            cost=cost,
            requests=total.requests + 1,
        )


def _status(event: ToolDone, ask: AskState | None) -> ToolStatus:
    if event.ok:
        return "done"
    if event.summary == UNKNOWN:
        return "unknown"
    return "rejected" if ask is not None and ask.decision == "reject" else "failed"


def title_from(text: str) -> str:
    """A title for a task from its first message: the first line that says something, cut to 60 characters."""
    line = next((line for line in text.split("\n") if line.strip()), "")
    words = " ".join(line.split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1].rstrip() + "…"


def fold(events: Iterable[Event]) -> View:
    """The view of a task after these events."""
    state = Fold()
    for event in events:
        state.feed(event)
    return state.view()
