"""Makes any list of messages valid for the wire: every call answered once and at once, nothing empty, no orphan."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kimi_jupyter.agent import words
from kimi_jupyter.protocol.messages import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


def project(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The same conversation as the API accepts it; pure, and what it makes of a beginning never changes later.

    A result counts while its step is the last thing said; one that comes later, or answers nothing, is left out.
    """
    projection = _Projection()
    for message in messages:
        projection.add(message)
    return projection.finished()


class _Projection:
    def __init__(self) -> None:
        self._out: list[Message] = []
        self._ids: set[str] = set()
        self._waiting: list[tuple[str, ToolCall]] = []
        """Calls of the open step: the id as the model gave it, and the call as it is sent."""
        self._results: dict[str, ToolMessage] = {}
        """Results of the open step by the id that is sent."""

    def add(self, message: Message) -> None:
        if isinstance(message, ToolMessage):
            self._result(message)
        elif isinstance(message, AssistantMessage):
            self._close_step()
            self._assistant(message)
        else:
            self._close_step()
            is_due = isinstance(message, UserMessage) or not self._out
            if is_due and not _is_blank(message.content):
                self._out.append(message)

    def finished(self) -> tuple[Message, ...]:
        self._close_step()
        return tuple(self._out)

    def _assistant(self, message: AssistantMessage) -> None:
        calls = tuple(self._sendable(call) for call in message.tool_calls)
        content = message.content if message.content.strip() else ""
        if not content and not calls:
            return
        self._waiting = list(zip((call.id for call in message.tool_calls), calls, strict=True))
        self._out.append(message.model_copy(update={"content": content, "tool_calls": calls}))

    def _sendable(self, call: ToolCall) -> ToolCall:
        id = call.id
        number = 0
        while not id or id in self._ids:
            id = f"{call.id or call.name or 'call'}:{number}"
            number += 1
        self._ids.add(id)
        name = call.name
        if not _NAME.fullmatch(name):
            name = re.sub(r"[^A-Za-z0-9_-]", "_", f"_{name}", flags=re.ASCII)[:128]
        return call.model_copy(update={"id": id, "name": name})

    def _result(self, message: ToolMessage) -> None:
        for given, call in self._waiting:
            if given == message.tool_call_id and call.id not in self._results:
                content = words.NO_OUTPUT if _is_blank(message.content) else message.content
                self._results[call.id] = ToolMessage(tool_call_id=call.id, content=content)
                return

    def _close_step(self) -> None:
        for _, call in self._waiting:
            missing = ToolMessage(tool_call_id=call.id, content=words.NO_RESULT)
            self._out.append(self._results.get(call.id, missing))
        self._waiting = []
        self._results = {}


def _is_blank(content: object) -> bool:
    return not content or (isinstance(content, str) and not content.strip())
