"""Sums up the older part of a conversation before it outgrows the model's window."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from kimi_jupyter.agent import context, words
from kimi_jupyter.agent.asks import Emit
from kimi_jupyter.agent.project import project
from kimi_jupyter.agent.services import Services
from kimi_jupyter.agent.usage import reported
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.models.catalogue import find
from kimi_jupyter.models.provider import Finished, ModelInfo, Piece, Request
from kimi_jupyter.models.retry import stream_with_retries
from kimi_jupyter.protocol.errors import CommandRefused, ModelError
from kimi_jupyter.protocol.events import (
    Compacted,
    Event,
    Notice,
    ReplyDone,
    Retrying,
    ToolDone,
    TurnQueued,
    TurnStarted,
    UsageReported,
)
from kimi_jupyter.protocol.messages import Message, ToolMessage, UserMessage

TRIES = 3
SHARE = 0.85
"""Of the model's window: from here on the conversation is summed up."""
LEFT = 50_000
"""Tokens that a large window must have left."""
LARGE = 200_000
"""Tokens of a window for which `LEFT` counts."""
_BYTES_PER_TOKEN = 3
INSTRUCTION = (
    "<compaction>\nNot typed by the user. This conversation is about to be shortened: you will go on with the user's own "
    "messages and with what you write now, and with nothing else of it. Write a hand-off to yourself in plain text, "
    "without calling any tool. Say, as far as it applies: what the user wants and how they want it done; what was found "
    "out, with paths, names, numbers and commands as they are; what was changed, file by file; what was tried and failed; "
    "what was rejected or stopped by the user; what is not known or not tested; the very next step. Do not begin anything "
    "new, do not take up again what is finished. At most 1,500 words.\n</compaction>"
)
"""What the model is asked, after the whole conversation, so that the cached prefix counts."""
_ADVICE = (
    "Start a fresh task with `/new`, go back with `/rewind`, or choose a model with a larger window with `/model`; "
    "this task stays in the history."
)


class Compaction:
    """Sums up when it is due. `request` makes the request that is next, in full length."""

    def __init__(
        self,
        *,
        events: Sequence[Event],
        state: Fold,
        emit: Emit,
        services: Services,
        request: Callable[[], Request],
    ) -> None:
        self._events = events
        self._state = state
        self._emit = emit
        self._services = services
        self._request = request

    async def make_room(self) -> None:
        """Sum up where the next request would come near the model's window; raises `ModelError` where that fails."""
        if is_due(context.kept(self._events), self._info()):
            await self.run()

    async def after(self, error: ModelError) -> None:
        """Sum up where the API found the conversation too long; any other error is raised again."""
        if error.fault != "too_long":
            raise error
        await self.run()

    async def run(self, wish: str = "") -> None:
        """Sum up now; `wish` is what the user wants to be kept. Raises `ModelError`, and then all is as before."""
        upto = self._events[-1].seq
        request = self._request()
        self._emit(Notice(level="info", text=words.SUMMING_UP))
        summary = await self._summary(request, wish)
        self._emit(Compacted(summary=words.storable(summary), upto=upto))

    async def _summary(self, request: Request, wish: str) -> str:
        fault = ""
        messages = request.messages
        for _ in range(TRIES):
            asked = UserMessage(content=_instruction(wish, fault))
            try:
                finished = await self._reply(replace(request, messages=(*messages, asked)))
            except ModelError as error:
                shorter = _without_oldest(messages)
                if error.fault != "too_long" or shorter is None:
                    raise
                messages, fault = shorter, "the conversation was too long"
                continue
            fault = _fault(finished)
            if not fault:
                return finished.message.content.strip()
        raise ModelError(
            f"The conversation is too long for the model, and {TRIES} tries to sum it up failed: {fault}. {_ADVICE}",
            fault="too_long",
        )

    async def _reply(self, request: Request) -> Finished:
        """The whole reply; nothing of it is shown, and no tool call in it is run."""
        provider = self._services.provider_for(request.model)
        pieces = stream_with_retries(provider, request, on_retry=self._retrying)
        finished = await _last(pieces)
        usage = reported(finished, self._info(), self._services.settings())
        if usage is not None:
            self._emit(usage)
        return finished

    def _retrying(self, error: ModelError, attempt: int, attempts: int, wait_ms: int) -> None:
        self._emit(Retrying(why=str(error), attempt=attempt, attempts=attempts, wait_ms=wait_ms))

    def _info(self) -> ModelInfo | None:
        return find(self._state.model, self._services.models())


def is_due(events: Sequence[Event], info: ModelInfo | None) -> bool:
    """Whether the next request comes near the window: the last one's tokens, and an estimate of what was added.

    A request must have been made since the last summary, so that one summary never follows the other.
    """
    if info is None or not info.context:
        return False
    summary = context.last_summary(events)
    since = events if summary is None else [e for e in events if e.seq > summary.seq]
    last = next((e for e in reversed(since) if isinstance(e, UsageReported)), None)
    if last is None:
        return False
    added = sum(_size(event) for event in since if event.seq > last.seq)
    used = last.prompt_tokens + last.completion_tokens + added // _BYTES_PER_TOKEN
    limit = info.context * SHARE
    if info.context >= LARGE:
        limit = min(limit, info.context - LEFT)
    return used >= limit


def check_worth(events: Sequence[Event]) -> None:
    """Raise `CommandRefused` where there is nothing to sum up."""
    summary = context.last_summary(events)
    since = events if summary is None else [e for e in events if e.seq > summary.seq]
    if not any(isinstance(event, ReplyDone) for event in since):
        what = "since the last summary" if summary else "in this task"
        raise CommandRefused(f"There is nothing to sum up: no reply has come {what}.")


async def _last(pieces: AsyncGenerator[Piece]) -> Finished:
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Finished):
                return piece
    raise ModelError(
        "The model's summary ended before it was complete. Send the message again.",
        fault="broken_stream",
    )


def _instruction(wish: str, fault: str) -> str:
    text = INSTRUCTION
    if wish:
        text += f"\n\nThe user asks you to mind in it: {wish}"
    if fault:
        text += f"\n\nThe last try could not be used: {fault}. Write plain text, and less."
    return text


def _fault(finished: Finished) -> str:
    """What is wrong with a summary; empty for a good one."""
    message = finished.message
    if message.tool_calls or context.leaks(message):
        return "it called tools"
    if finished.finish == "content_filter":
        return "the API's content filter held it back"
    if finished.finish != "stop":
        return "it was cut off"
    return "" if message.content.strip() else "it was empty"


def _without_oldest(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The later half of a conversation behind its system prompt; `None` where nothing can be left out."""
    system, said = messages[:1], messages[1:]
    half = [*said[(len(said) + 1) // 2 :]]
    while half and isinstance(half[0], ToolMessage):
        del half[0]
    if not half:
        return None
    note = UserMessage(
        content="<note>\nNot typed by the user. The beginning of the conversation is left out.\n</note>"
    )
    return project((*system, note, *half))


def _size(event: Event) -> int:
    """Bytes that an event adds to the next request."""
    if isinstance(event, ToolDone):
        return len(event.output.encode("utf-8", "surrogatepass"))
    if isinstance(event, TurnStarted | TurnQueued):
        return len(context.user_text(event, "").encode("utf-8", "surrogatepass"))
    return 0
