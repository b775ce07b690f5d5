"""A provider that plays written steps: the offline demo, and the model of our own tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from kimi_jupyter.models.catalogue import OFFLINE_MODEL
from kimi_jupyter.models.provider import Balance, Finished, ModelInfo, Piece, Request, Text, Think
from kimi_jupyter.models.reply import Assembler
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.messages import AssistantMessage, Message, Usage

Play = Mapping[str, Any]
"""One thing to play, with one of these keys.

`{"think": text}`, `{"text": text}`, `{"pause": seconds}`, `{"call": {"name": ..., "arguments": {...} or JSON text, "id": ...}}`,
`{"finish": word}`, `{"usage": {"prompt_tokens": ...}}`, `{"error": {"message": ..., "fault": ..., "retry": ...}}`.
"""
Step = Sequence[Play]
Chooser = Callable[[Request], Step]
"""Finds the step that answers a request; it must depend on the request alone, so that a restart changes nothing."""

_PIECE = 12
"""Characters per streamed piece."""


def in_order(steps: Sequence[Step | Chooser]) -> Chooser:
    """The n-th step answers the request that holds n replies already; a step may be a function of the request."""

    def choose(request: Request) -> Step:
        position = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if position >= len(steps):
            return [{"text": "The script is over."}]
        step = steps[position]
        return step(request) if callable(step) else step

    return choose


class ScriptedProvider:
    """Plays what `steps` says: a list in order, or a function that chooses by the request.

    `delay` is the pause between pieces in seconds. `requests` keeps what was asked, for tests.
    """

    def __init__(self, steps: Sequence[Step | Chooser] | Chooser, *, delay: float = 0.0) -> None:
        self._choose = steps if callable(steps) else in_order(steps)
        self._delay = delay
        self.requests: list[Request] = []

    async def stream(self, request: Request) -> AsyncGenerator[Piece]:
        """Play the step that answers the request."""
        self.requests.append(request)
        reply = Assembler()
        finish = ""
        usage = _estimate(request.messages)
        for play in self._choose(request):
            if "pause" in play:
                await asyncio.sleep(play["pause"] if self._delay else 0)
            elif "error" in play:
                raise ModelError(play["error"]["message"], **_error_options(play["error"]))
            elif "finish" in play:
                finish = str(play["finish"])
            elif "usage" in play:
                usage = Usage(**play["usage"])
            else:
                for piece in _pieces(play, reply, request.messages):
                    yield piece
                    await asyncio.sleep(self._delay)
        message = reply.message()
        finish = finish or ("tool_calls" if message.tool_calls else "stop")
        yield Finished(message=message, finish=finish, usage=_with_output(usage, message))

    async def models(self) -> tuple[ModelInfo, ...]:
        """The scripted model only."""
        return (OFFLINE_MODEL,)

    async def balance(self) -> Balance | None:
        """There is no account."""
        return None

    async def aclose(self) -> None:
        """There is nothing to free."""


def _pieces(play: Play, reply: Assembler, messages: Sequence[Message]) -> list[Piece]:
    pieces: list[Piece] = []
    if "think" in play:
        for text in _cut(play["think"]):
            reply.think(text)
            pieces.append(Think(text))
    if "text" in play:
        for text in _cut(play["text"]):
            reply.text(text)
            pieces.append(Text(text))
    if "call" in play:
        call = play["call"]
        arguments = call.get("arguments", {})
        written = (
            arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        )
        before = sum(len(m.tool_calls) for m in messages if isinstance(m, AssistantMessage))
        index = len(reply.message().tool_calls)
        id = call.get("id", f"{call['name']}:{before + index}")
        pieces.append(reply.call(index, id=id, name=call["name"]))
        pieces += [reply.call(index, arguments=text) for text in _cut(written)]
    return pieces


def _cut(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _error_options(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"fault": "server", **{key: value for key, value in error.items() if key != "message"}}


def _estimate(messages: Sequence[Message]) -> Usage:
    """About four characters per token, so that counters have something to count."""
    return Usage(prompt_tokens=sum(len(message.model_dump_json()) for message in messages) // 4)


def _with_output(usage: Usage, message: AssistantMessage) -> Usage:
    written = len(message.content) + len(message.reasoning_content or "")
    written += sum(len(call.arguments) for call in message.tool_calls)
    return usage.model_copy(
        update={"completion_tokens": usage.completion_tokens or max(1, written // 4)}
    )
