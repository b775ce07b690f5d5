"""Puts a whole message together from the parts of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kimi_jupyter.models.provider import CallPart
from kimi_jupyter.protocol.messages import AssistantMessage, Message, ToolCall


@dataclass(slots=True)
class _OpenCall:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=lambda: [])
    size: int = 0


class Assembler:
    """Collects the parts of one reply.

    Calls are told apart by their index, as their parts may come in any order. Ids are kept verbatim, except
    empty ones and those in `taken` (of earlier calls of the conversation), which get a new one.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._reasoning: list[str] | None = None
        self._content: list[str] = []
        self._calls: dict[int, _OpenCall] = {}

    @property
    def has_calls(self) -> bool:
        """Whether a tool call has begun."""
        return bool(self._calls)

    def think(self, text: str) -> None:
        """More reasoning; an empty text still says that there is a field for it."""
        if self._reasoning is None:
            self._reasoning = []
        self._reasoning.append(text)

    def text(self, text: str) -> None:
        """More visible text."""
        self._content.append(text)

    def call(
        self, index: int | None, *, id: str = "", name: str = "", arguments: str = ""
    ) -> CallPart:
        """More of a tool call; without an index an id starts another call and anything else goes to the last one."""
        if index is None:
            index = self._index_without(id)
        call = self._calls.setdefault(index, _OpenCall())
        call.id = call.id or id
        call.name = call.name or name
        call.arguments.append(arguments)
        call.size += len(arguments)
        return CallPart(name=call.name, size=call.size)

    def message(self) -> AssistantMessage:
        """The message as far as it has come."""
        return AssistantMessage(
            content="".join(self._content),
            reasoning_content=None if self._reasoning is None else "".join(self._reasoning),
            tool_calls=tuple(self._finished_calls()),
        )

    def _index_without(self, id: str) -> int:
        last = max(self._calls, default=-1)
        if last < 0:
            return 0
        return last + 1 if id and id != self._calls[last].id else last

    def _finished_calls(self) -> list[ToolCall]:
        seen = set(self._taken)
        calls: list[ToolCall] = []
        for index, call in sorted(self._calls.items()):
            id = call.id if call.id and call.id not in seen else _unused(call, index, seen)
            seen.add(id)
            calls.append(ToolCall(id=id, name=call.name, arguments="".join(call.arguments)))
        return calls


def call_ids(messages: Sequence[Message]) -> set[str]:
    """The ids of all tool calls of a conversation."""
    return {
        call.id
        for message in messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
    }


def _unused(call: _OpenCall, index: int, seen: set[str]) -> str:
    base = call.id or f"{call.name or 'call'}:{index}"
    number = 0
    while (id := f"{base}-{number}" if number or base in seen else base) in seen:
        number += 1
    return id
