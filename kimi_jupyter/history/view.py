"""A task as a screen shows it: what a fold of its log comes to."""

from __future__ import annotations

from typing import Literal

from kimi_jupyter.protocol.base import Data, Mode
from kimi_jupyter.protocol.parts import TodoItem

ToolStatus = Literal["waiting", "asking", "running", "done", "failed", "rejected", "unknown"]


class ReplyItem(Data):
    """One reply of the model."""

    kind: Literal["reply"] = "reply"
    reply: str
    think: str
    text: str
    done: bool
    finish: str


class AskState(Data):
    """The last ask of a tool call."""

    ask: str
    kind: str
    open: bool
    decision: str | None
    comment: str | None
    """What the user said to it: to a question the answer."""


class BackgroundState(Data):
    """How far a command is that went on after its call was answered."""

    ended: bool
    summary: str


class ToolItem(Data):
    """One tool call."""

    kind: Literal["tool"] = "tool"
    call: str
    name: str
    title: str
    status: ToolStatus
    ask: AskState | None
    output: str
    summary: str
    background: BackgroundState | None


class MessageItem(Data):
    """A message that was queued and joined the turn."""

    kind: Literal["message"] = "message"
    seq: int
    text: str
    attachments: tuple[str, ...]


class AskItem(Data):
    """What the agent itself asks, apart from any tool call."""

    kind: Literal["ask"] = "ask"
    title: str
    ask: AskState


class CompactedItem(Data):
    """The mark where older conversation was replaced by a summary."""

    kind: Literal["compacted"] = "compacted"
    summary: str


class NoticeItem(Data):
    """A sentence for the user."""

    kind: Literal["notice"] = "notice"
    level: Literal["info", "warning", "error"]
    text: str


Item = ReplyItem | ToolItem | MessageItem | AskItem | CompactedItem | NoticeItem


class End(Data):
    """How a turn ended."""

    reason: str
    message: str | None


class Turn(Data):
    """One message of the user and what followed."""

    seq: int
    text: str
    attachments: tuple[str, ...]
    items: tuple[Item, ...]
    ended: End | None


class Queued(Data):
    """A message that waits for the next safe point."""

    seq: int
    text: str
    attachments: tuple[str, ...]


class Rewind(Data):
    """The last way back, until the next message; `seq` is what `task.rewind` undoes it by."""

    seq: int
    restored: tuple[str, ...]
    kept: tuple[str, ...]
    undone: bool


class UsageTotal(Data):
    """The usage of all requests, of rewound turns too: they were paid for."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    requests: int = 0


class View(Data):
    """A task as a screen shows it."""

    title: str
    mode: Mode
    model: str
    status: Literal["idle", "running"]
    notices: tuple[NoticeItem, ...]
    turns: tuple[Turn, ...]
    queued: tuple[Queued, ...]
    open_asks: tuple[str, ...]
    todo: tuple[TodoItem, ...]
    rewound: Rewind | None
    usage: UsageTotal
