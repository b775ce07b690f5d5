"""One turn: requests to the model and the tool calls that it asks for, until it has nothing more to do."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence

from kimi_jupyter.agent import budget, context, words
from kimi_jupyter.agent.asks import Emit
from kimi_jupyter.agent.gate import Gate
from kimi_jupyter.agent.reply import Reply
from kimi_jupyter.agent.services import Services
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.models.catalogue import cost, find
from kimi_jupyter.models.provider import Finished, ModelInfo, Request
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.events import Event, Notice, ToolDone, TurnEnded, UsageReported
from kimi_jupyter.protocol.messages import ToolCall

NO_KEY = (
    "No Moonshot API key set. Open the Kimi sidebar and paste the key, "
    'or run "Kimi: Set Moonshot API Key".'
)
_COMPLETE = ("tool_calls", "stop")
"""Finish words after which tool calls are whole; with any other they may be cut off."""


class Turn:
    """Runs once; what it does stands in the log. Cancelling `run` stops it at once."""

    def __init__(
        self,
        *,
        task: str,
        events: Sequence[Event],
        state: Fold,
        emit: Emit,
        gate: Gate,
        services: Services,
        is_stopped: Callable[[], bool],
        join_queued: Callable[[], bool],
    ) -> None:
        self._task = task
        self._events = events
        self._state = state
        self._emit = emit
        self._gate = gate
        self._services = services
        self._is_stopped = is_stopped
        self._join_queued = join_queued
        self._requests = 0
        self._was_empty = False
        self._has_leaked = False

    async def run(self) -> TurnEnded:
        """Work until the model stops, a limit is reached or the model fails; gives back how it ended, not yet emitted."""
        try:
            while True:
                over = budget.over_limit(
                    requests=self._requests,
                    usage=self._state.usage,
                    settings=self._services.settings(),
                )
                end = over or await self._step()
                if end is not None and end.reason != "done":
                    return end
                if self._is_stopped():  # a tool swallowed the cancellation
                    raise asyncio.CancelledError
                if self._join_queued():
                    self._requests = 0
                elif end is not None:
                    return end
        except ModelError as error:
            text = NO_KEY if error.fault == "no_key" else str(error)
            return TurnEnded(reason="error", message=text, fault=error.fault)

    async def _step(self) -> TurnEnded | None:
        model = self._state.model
        info = find(model, self._services.models())
        reply = Reply(self._emit, model)
        self._requests += 1
        finished = await reply.stream(
            self._services.provider_for(model), self._request(model, info)
        )
        self._count(finished, info)
        message = finished.message
        if message.tool_calls:
            reply.done(finished)
            if finished.finish in _COMPLETE:
                return await self._run_calls(message.tool_calls)
            self._answer(message.tool_calls, words.CUT_OFF, summary="not executed")
            return None
        if context.leaks(message):
            reply.done(finished)
            return self._leaked()
        if not message.content.strip():
            return self._empty(finished)
        reply.done(finished)
        return _said(finished)

    def _request(self, model: str, info: ModelInfo | None) -> Request:
        messages = context.messages(self._events, sees_images=info is not None and info.vision)
        tools = self._gate.specs()
        size = sum(len(json.dumps(tool.parameters)) + len(tool.description) for tool in tools)
        return Request(
            model=model,
            messages=messages,
            tools=tools,
            task=self._task,
            max_tokens=budget.output_limit(info.context if info else 0, messages, size),
        )

    def _count(self, finished: Finished, info: ModelInfo | None) -> None:
        usage = finished.usage
        if usage is None:
            return
        self._emit(
            UsageReported(
                prompt_tokens=usage.prompt_tokens,
                cached_tokens=usage.cached_tokens,
                completion_tokens=usage.completion_tokens,
                cost=cost(usage, info, self._services.settings()),
                context_tokens=info.context if info else 0,
            )
        )

    async def _run_calls(self, calls: Sequence[ToolCall]) -> TurnEnded | None:
        left = list(calls)
        for is_read, group in itertools.groupby(calls, key=self._gate.is_read):
            for batch in [list(group)] if is_read else [[call] for call in group]:
                del left[: len(batch)]
                if await self._run_batch(batch):
                    self._answer(left, words.AFTER_REJECTION, summary="not run")
                    return TurnEnded(
                        reason="stopped",
                        message="You rejected the proposal, so the turn stopped; nothing was changed by it. "
                        "Say what to do instead.",
                    )
        return None

    async def _run_batch(self, batch: Sequence[ToolCall]) -> bool:
        """Run calls side by side; whether one of them ends the turn."""
        if len(batch) == 1:
            return await self._gate.call(batch[0])
        ends = await asyncio.gather(*map(self._gate.call, batch), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return any(ends)

    def _answer(self, calls: Sequence[ToolCall], text: str, *, summary: str) -> None:
        for call in calls:
            self._emit(ToolDone(call=call.id, ok=False, output=text, summary=summary))

    def _leaked(self) -> TurnEnded | None:
        if not self._has_leaked:
            self._has_leaked = True
            self._emit(
                Notice(
                    level="warning",
                    text="The model wrote a malformed tool call; it was told to try again.",
                )
            )
            return None
        return TurnEnded(
            reason="error",
            message="The model wrote its tool calls as plain text twice, so nothing was run. "
            "Send the message again, or choose another model with `/model`.",
        )

    def _empty(self, finished: Finished) -> TurnEnded | None:
        if finished.finish == "content_filter":
            return TurnEnded(
                reason="error",
                message="The API's content filter held back the reply. Say it in other words, or leave out the part that it may mean.",
                fault="content_filter",
            )
        if not self._was_empty:
            self._was_empty = True
            return None
        what = (
            "used up its output limit while it was thinking"
            if finished.finish == "length"
            else "gave an empty answer"
        )
        return TurnEnded(
            reason="error",
            message=f"The model {what}, twice. Send the message again, perhaps in smaller steps, or choose another model with `/model`.",
        )


def _said(finished: Finished) -> TurnEnded:
    if finished.finish == "length":
        return TurnEnded(
            reason="done",
            message='The reply was cut off at the output limit. Send "continue" to have the rest.',
        )
    if finished.finish == "content_filter":
        return TurnEnded(
            reason="error",
            message="The API's content filter cut off the reply. Say it in other words.",
            fault="content_filter",
        )
    return TurnEnded(reason="done")
