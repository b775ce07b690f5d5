"""The parts of a fold while events still change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    ReplyItem,
    ToolItem,
    ToolStatus,
    Turn,
)
from kimi_jupyter.protocol.events import ToolDone, ToolStarted
from kimi_jupyter.protocol.parts import TodoItem


class Text:
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


class OpenReply:
    """A reply, whole or not."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.think = Text()
        self.text = Text()
        self.done: ReplyItem | None = None

    def cut_to_stored(self) -> None:
        self.think.cut_to_stored()
        self.text.cut_to_stored()

    def view(self) -> ReplyItem:
        return self.done or ReplyItem(
            reply=self.reply, think=str(self.think), text=str(self.text), done=False, finish=""
        )


class OpenTool:
    """A tool call, answered or not."""

    def __init__(self, event: ToolStarted) -> None:
        self.call = event.call
        self.name = event.name
        self.title = event.title
        self.status: ToolStatus = "waiting"
        self.ask: AskState | None = None
        self.live = Tail(OUTPUT_LIMIT)
        self.done: ToolDone | None = None

    def view(self, background: BackgroundState | None) -> ToolItem:
        return ToolItem(
            call=self.call,
            name=self.name,
            title=self.title,
            status=self.status,
            ask=self.ask,
            output=self.live.text() if self.done is None else self.done.output,
            summary=self.done.summary if self.done is not None else "",
            background=background,
        )


@dataclass
class OpenAsk:
    """What the agent itself asks."""

    title: str
    ask: AskState

    def view(self) -> AskItem:
        return AskItem(title=self.title, ask=self.ask)


OpenItem = OpenReply | OpenTool | OpenAsk | MessageItem | CompactedItem | NoticeItem


@dataclass
class OpenTurn:
    """A turn, ended or not."""

    seq: int
    text: str
    attachments: tuple[str, ...]
    todo: tuple[TodoItem, ...] = ()
    """The list as it was when the turn began."""
    items: list[OpenItem] = field(default_factory=lambda: [])
    ended: End | None = None

    def open_reply(self) -> OpenReply | None:
        return next(
            (i for i in reversed(self.items) if isinstance(i, OpenReply) and not i.done), None
        )

    def reply(self, reply: str) -> OpenReply | None:
        """The unfinished reply of this id; another unfinished one gives way to it. `None` for a finished one."""
        for item in reversed(self.items):
            if isinstance(item, OpenReply) and item.reply == reply:
                return None if item.done else item
        unfinished = self.open_reply()
        if unfinished is not None:
            self.items.remove(unfinished)
        fresh = OpenReply(reply)
        self.items.append(fresh)
        return fresh

    def tools(self) -> list[OpenTool]:
        return [item for item in self.items if isinstance(item, OpenTool)]

    def asking(self) -> list[OpenTool | OpenAsk]:
        return [item for item in self.items if isinstance(item, OpenTool | OpenAsk)]

    def tool(self, call: str) -> OpenTool | None:
        return next((t for t in reversed(self.tools()) if t.call == call), None)

    def view(self, background: Mapping[str, BackgroundState]) -> Turn:
        return Turn(
            seq=self.seq,
            text=self.text,
            attachments=self.attachments,
            items=tuple(_view(item, background) for item in self.items),
            ended=self.ended,
        )


def _view(item: OpenItem, background: Mapping[str, BackgroundState]) -> Item:
    if isinstance(item, OpenTool):
        return item.view(background.get(item.call))
    return item.view() if isinstance(item, OpenReply | OpenAsk) else item
