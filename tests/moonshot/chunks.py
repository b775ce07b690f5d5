"""The wire shapes of a reply: chunks of a stream, and the body of one without."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.moonshot.checks import Switches, max_tokens, thinking
from tests.moonshot.script import Body, Call, Reply


def compact(value: object) -> str:
    """JSON as the service writes it: no blanks, and `<`, `>` and `&` escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def tokens(text: str) -> int:
    """About four characters per token."""
    return (len(text) + 3) // 4


@dataclass(frozen=True)
class Frame:
    """One thing to send."""

    data: str
    is_content: bool = False
    """It is the visible text's, or a tool call's."""


class Chunks:
    """Everything that one streamed reply sends, in order."""

    def __init__(self, reply: Reply, body: Body, usage: dict[str, Any], switches: Switches) -> None:
        self._reply = with_ids(reply, body, switches)
        self._usage = usage
        self._switches = switches
        self._include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._base: dict[str, Any] = {
            "id": new_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body["model"],
        }
        self._tail = {"system_fingerprint": "fpv0_0a1b2c3d"} if switches.fingerprint else {}

    def content(self) -> Iterator[Frame]:
        """All frames before the finish chunk."""
        yield self._delta({"role": "assistant", "content": ""})
        if self._reply.reasoning is not None:
            for part in _cut(self._reply.reasoning, self._reply.chunk_size):
                yield self._delta({"reasoning_content": part})
            yield self._delta({"reasoning_content": ""})
        for part in _cut(self._reply.content, self._reply.chunk_size):
            yield self._delta({"content": part}, is_content=True)
        for delta in self._calls():
            yield self._delta({"tool_calls": [delta]}, is_content=True)

    def finish(self) -> Frame:
        """The chunk that names the finish reason."""
        choice = {"index": 0, "delta": {}, "finish_reason": finish_of(self._reply)}
        choice["usage"] = self._usage
        return self._frame({"choices": [choice], **self._tail})

    def end(self) -> Iterator[Frame]:
        """What follows the finish chunk."""
        if self._include_usage:
            yield self._frame({"choices": [], "usage": self._usage, **self._tail})
        yield Frame("[DONE]")

    def _calls(self) -> Iterator[dict[str, Any]]:
        late: list[dict[str, Any]] = []
        for index, call in enumerate(self._reply.tool_calls):
            function = {"name": call.name, "arguments": ""}
            head = {"index": index, "id": call.id, "type": "function", "function": function}
            parts: list[dict[str, Any]] = [
                {"index": index, "function": {"arguments": part}}
                for part in _cut(call.arguments, self._reply.chunk_size)
            ]
            if "late_arguments" in self._reply.wire and index == 0 and len(parts) > 1:
                late = [parts.pop()]
            first = "arguments_first" in self._reply.wire and parts
            yield from [parts[0], head, *parts[1:]] if first else [head, *parts]
            if index == 1:
                yield from late
                late = []
        yield from late

    def _delta(self, delta: dict[str, Any], *, is_content: bool = False) -> Frame:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        null = {"usage": None} if self._switches.usage_null and self._include_usage else {}
        return self._frame({"choices": [choice], **null, **self._tail}, is_content=is_content)

    def _frame(self, more: dict[str, Any], *, is_content: bool = False) -> Frame:
        return Frame(compact({**self._base, **more}), is_content)


def whole(reply: Reply, body: Body, usage: dict[str, Any], switches: Switches) -> dict[str, Any]:
    """The body of a reply that is not streamed."""
    reply = with_ids(reply, body, switches)
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.tool_calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": finish_of(reply)}
    return {
        "id": new_id(),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [choice],
        "usage": usage,
    }


def new_id() -> str:
    """The time of acceptance and 16 random digits."""
    return f"chatcmpl-{int(time.time()):08x}{secrets.token_hex(8)}"


def finish_of(reply: Reply) -> str:
    """The word for why it ended."""
    return reply.finish or ("tool_calls" if reply.tool_calls else "stop")


def within_budget(reply: Reply, body: Body) -> Reply:
    """Cut where reasoning and content together exceed the output budget."""
    left = max_tokens(body) * 4
    reasoning = reply.reasoning if thinking(body) else None
    written = len(reasoning or "") + len(reply.content)
    if written <= left:
        return replace(reply, reasoning=reasoning)
    cut = reasoning[:left] if reasoning is not None else None
    content = reply.content[: left - len(cut or "")]
    return replace(reply, reasoning=cut, content=content, tool_calls=(), finish="length")


def usage_of(reply: Reply, body: Body, prompt: int, cached: int) -> dict[str, Any]:
    """The usage object, with `cached_tokens` in its places or absent."""
    if reply.usage is not None:
        return dict(reply.usage)
    reasoning = tokens(reply.reasoning or "")
    calls = "".join(call.name + call.arguments for call in reply.tool_calls)
    completion = reasoning + tokens(reply.content) + tokens(calls) + 15
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if cached:
        usage["cached_tokens"] = cached
    if thinking(body):
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    if cached:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    return usage


def with_ids(reply: Reply, body: Body, switches: Switches) -> Reply:
    """Number the tool calls over the whole conversation, as the service does."""
    count = sum(len(message.get("tool_calls") or ()) for message in body["messages"])
    calls: list[Call] = []
    for index, call in enumerate(reply.tool_calls):
        if body["model"] == "kimi-k3":
            id = f"{call.name}_{count + index}"
        else:
            prefix = "functions." if switches.functions_ids else ""
            id = f"{prefix}{call.name}:{count + index}"
        calls.append(call if call.id is not None else replace(call, id=id))
    return replace(reply, tool_calls=tuple(calls))


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
