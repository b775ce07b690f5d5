"""A task as a file to keep or to give away: Markdown, JSON, or a notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, Literal

from kimi_jupyter.history.export_images import Block, Shown, cell_parts
from kimi_jupyter.history.fold import (
    AskItem,
    CompactedItem,
    Item,
    MessageItem,
    NoticeItem,
    ReplyItem,
    ToolItem,
    Turn,
    View,
    fold,
)
from kimi_jupyter.protocol.events import Event

Format = Literal["md", "json", "ipynb"]

MEDIA_TYPES: dict[Format, str] = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "ipynb": "application/x-ipynb+json",
}

OUTPUT_LIMIT = 4_000
"""Characters of a tool's output in Markdown and notebooks; JSON has it whole."""


def export(events: Sequence[Event], format: Format) -> bytes:
    """The task whose stored events these are, as the bytes of a file."""
    view = fold(events)
    if format == "json":
        return _json(events, view)
    blocks = [Block(_heading(events, view))]
    shown = Shown(events)
    for turn in view.turns:
        blocks += _turn(turn, shown)
    if format == "md":
        return ("\n\n".join(block.text for block in blocks) + "\n").encode()
    return _notebook(blocks)


def _json(events: Sequence[Event], view: View) -> bytes:
    value = {
        "format": "kimi-jupyter-task",
        "view": view.model_dump(mode="json"),
        "events": [event.model_dump(mode="json") for event in events],
    }
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _notebook(blocks: Sequence[Block]) -> bytes:
    cells = [_cell(number, block) for number, block in enumerate(blocks)]
    value: dict[str, Any] = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _cell(number: int, block: Block) -> dict[str, Any]:
    text, attachments = cell_parts(block)
    return {
        "cell_type": "markdown",
        "id": f"kimi-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
        **({"attachments": attachments} if attachments else {}),
    }


def _heading(events: Sequence[Event], view: View) -> str:
    at = datetime.fromtimestamp(events[0].at / 1000, timezone.utc) if events else None
    date = f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
    usage = view.usage
    tokens = f"{usage.prompt_tokens + usage.completion_tokens:,} tokens"
    cost = f", about {usage.cost:.4f} USD" if usage.cost is not None else ""
    return f"# {view.title or 'Untitled task'}\n\n{date} · {view.model} · {tokens}{cost}"


def _turn(turn: Turn, shown: Shown) -> Iterator[Block]:
    yield _message(turn, shown)
    for item in turn.items:
        if isinstance(item, ToolItem):
            yield shown.read(item.call, _tool(item))
        elif isinstance(item, MessageItem):
            yield _message(item, shown)
        else:
            yield from map(Block, _item(item))
    if turn.ended is not None and turn.ended.message:
        yield Block(f"*{turn.ended.message}*")


def _item(item: Item) -> Iterator[str]:
    if isinstance(item, ReplyItem):
        yield from _reply(item)
    elif isinstance(item, AskItem):
        yield f"**{item.title}**: {item.ask.comment or item.ask.decision or 'no answer yet'}"
    elif isinstance(item, CompactedItem):
        yield f"> What stands above was summed up for the model:\n>\n{_quoted(item.summary)}"
    elif isinstance(item, NoticeItem):
        yield _quoted(item.text)


def _message(message: Turn | MessageItem, shown: Shown) -> Block:
    return shown.attached(message.seq, message.attachments, f"## You\n\n{message.text}")


def _reply(item: ReplyItem) -> Iterator[str]:
    if item.think.strip():
        yield f"<details><summary>Reasoning</summary>\n\n{_fenced(item.think)}\n\n</details>"
    if item.text.strip():
        yield f"## Kimi\n\n{item.text}"


def _tool(item: ToolItem) -> str:
    says = item.summary or item.status
    head = f"**{item.title}**: {says}"
    if not item.output.strip():
        return head
    output = item.output
    if len(output) > OUTPUT_LIMIT:
        cut = len(output) - OUTPUT_LIMIT
        output = f"{output[:OUTPUT_LIMIT]}\n[{cut:,} characters left out]"
    return f"{head}\n\n<details><summary>Result</summary>\n\n{_fenced(output)}\n\n</details>"


def _quoted(text: str) -> str:
    return "> " + text.replace("\n", "\n> ")


def _fenced(text: str) -> str:
    """A code block that no run of backticks in the text can end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"
