"""A task as a screen shows it: what a fold of its log comes to."""

from __future__ import annotations

from typing import Literal

from kimi_jupyter.protocol.base import Data, Mode

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


class NoticeItem(Data):
    """A sentence for the user."""

    kind: Literal["notice"] = "notice"
    level: Literal["info", "warning", "error"]
    text: str


Item = ReplyItem | ToolItem | NoticeItem


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
    open_asks: tuple[str, ...]
    usage: UsageTotal
