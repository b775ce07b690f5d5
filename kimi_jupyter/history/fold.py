"""What a log comes to when it is read from the start: the reference for every screen (`tests/data/README.md` has the rules)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatchmethod

from kimi_jupyter.history.items import OpenAsk, OpenTool, OpenTurn
from kimi_jupyter.history.live import OUTPUT_LIMIT, Tail
from kimi_jupyter.history.view import (
    AskItem,
    AskState,
    BackgroundState,
    CompactedItem,
    End,
    Item,
    MessageItem,
    NoticeItem,
    Queued,
    ReplyItem,
    Rewind,
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
    CommandBackgrounded,
    CommandEnded,
    Compacted,
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
    TodoChanged,
    ToolDone,
    ToolOutput,
    ToolRunning,
    ToolStarted,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
    UsageReported,
)
from kimi_jupyter.protocol.parts import Attachment, TodoItem

__all__ = [
    "TITLE_LENGTH",
    "UNKNOWN",
    "AskItem",
    "AskState",
    "CompactedItem",
    "End",
    "Fold",
    "Item",
    "MessageItem",
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


@dataclass(frozen=True)
class _Past:
    """What a rewind left, to come back when it is undone."""

    turns: tuple[OpenTurn, ...]
    todo: tuple[TodoItem, ...]


class Fold:
    """The state of a task, event by event; events that change nothing here are passed over."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.title = ""
        self.mode: Mode = "ask"
        self.model = ""
        self.usage = UsageTotal()
        self._turns: list[OpenTurn] = []
        self._notices: list[NoticeItem] = []
        self._open_asks: list[str] = []
        self._queued: list[Queued] = []
        self._background: dict[str, BackgroundState] = {}
        self._todo: tuple[TodoItem, ...] = ()
        self._past: dict[int, _Past] = {}
        self._rewind: Rewind | None = None

    def _running(self) -> OpenTurn | None:
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
            turns=tuple(turn.view(self._background) for turn in self._turns),
            queued=tuple(self._queued),
            open_asks=tuple(self._open_asks),
            todo=self._todo,
            rewound=self._rewind,
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
        paths = _paths(event.attachments)
        self._turns.append(OpenTurn(event.seq, event.text, paths, todo=self._todo))
        self._rewind = None

    @feed.register
    def _(self, event: TurnQueued) -> None:
        paths = _paths(event.attachments)
        self._queued.append(Queued(seq=event.seq, text=event.text, attachments=paths))

    @feed.register
    def _(self, event: TurnUnqueued) -> None:
        waiting = next((queued for queued in self._queued if queued.seq == event.queued), None)
        if waiting is None:
            return
        self._queued.remove(waiting)
        if event.joined and self._turns:
            self._turns[-1].items.append(MessageItem.model_validate(waiting.model_dump()))

    @feed.register
    def _(self, event: TurnEnded) -> None:
        self._end(End(reason=event.reason, message=event.message))

    def _end(self, end: End) -> None:
        if not self._turns:
            return
        turn = self._turns[-1]
        turn.ended = end
        self._open_asks.clear()
        for item in turn.asking():
            if item.ask is not None and item.ask.open:
                item.ask = item.ask.model_copy(update={"open": False, "decision": "cancelled"})
        for tool in turn.tools():
            if not tool.done:
                tool.status = "unknown" if tool.status == "running" else "failed"

    @feed.register
    def _(self, event: Rewound) -> None:
        self._past[event.seq] = _Past(tuple(self._turns), self._todo)
        past = self._past.get(event.to) if event.undone else None
        if past is not None:
            self._turns, self._todo = list(past.turns), past.todo
        else:
            gone = [turn for turn in self._turns if turn.seq >= event.to]
            self._turns = [turn for turn in self._turns if turn.seq < event.to]
            self._todo = gone[0].todo if gone else self._todo
        self._open_asks.clear()
        self._queued.clear()
        self._rewind = Rewind(
            seq=event.seq, restored=event.restored, kept=event.kept, undone=event.undone
        )

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

    def _tool(self, call: str) -> OpenTool | None:
        turn = self._running()
        return turn.tool(call) if turn is not None else None

    @feed.register
    def _(self, event: ToolStarted) -> None:
        if turn := self._running():
            turn.items.append(OpenTool(event))
            self._background.pop(event.call, None)

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
        ask = AskState(ask=event.ask, kind=event.kind, open=True, decision=None, comment=None)
        if tool := self._tool(event.call):
            tool.ask, tool.status = ask, "asking"
        elif turn := self._running():
            turn.items.append(OpenAsk(event.effect.title, ask))

    @feed.register
    def _(self, event: AskClosed) -> None:
        if event.ask in self._open_asks:
            self._open_asks.remove(event.ask)
        turn = self._running()
        answer = {"open": False, "decision": event.decision, "comment": event.comment}
        for item in turn.asking() if turn else ():
            if item.ask is not None and item.ask.ask == event.ask and item.ask.open:
                item.ask = item.ask.model_copy(update=answer)
                if isinstance(item, OpenTool):
                    item.status = "waiting"

    @feed.register
    def _(self, event: CommandBackgrounded) -> None:
        self._background[event.call] = BackgroundState(ended=False, summary="")

    @feed.register
    def _(self, event: CommandEnded) -> None:
        self._background[event.call] = BackgroundState(ended=True, summary=event.summary)

    @feed.register
    def _(self, event: TodoChanged) -> None:
        self._todo = event.items

    @feed.register
    def _(self, event: Compacted) -> None:
        if self._turns:
            self._turns[-1].items.append(CompactedItem(summary=event.summary))

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


def _paths(attachments: Iterable[Attachment]) -> tuple[str, ...]:
    return tuple(attachment.path for attachment in attachments)


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
