"""One turn: requests to the model and the tool calls that it asks for, until it has nothing more to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kimi_jupyter.agent import budget, context, loopguard, purse, words
from kimi_jupyter.agent.asks import Emit
from kimi_jupyter.agent.compaction import Compaction
from kimi_jupyter.agent.gate import Gate
from kimi_jupyter.agent.reply import Reply
from kimi_jupyter.agent.schedule import Step
from kimi_jupyter.agent.services import Services
from kimi_jupyter.agent.usage import reported
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.models.catalogue import find
from kimi_jupyter.models.provider import Finished, ModelInfo, Request
from kimi_jupyter.protocol.commands import AskAnswer
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.events import (
    AskOpened,
    Event,
    Notice,
    ToolDone,
    TurnEnded,
)
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
        ask: Callable[[AskOpened], Awaitable[AskAnswer]],
        services: Services,
        is_stopped: Callable[[], bool],
        join_queued: Callable[[], bool],
    ) -> None:
        self._task = task
        self._events = events
        self._state = state
        self._emit = emit
        self._gate = gate
        self._ask = ask
        self._services = services
        self._is_stopped = is_stopped
        self._join_queued = join_queued
        self._compaction = Compaction(
            events=events, state=state, emit=emit, services=services, request=self.next_request
        )
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
                end = over or await self._paused() or await self._step()
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

    async def _paused(self) -> TurnEnded | None:
        """Ask the user before a request where the agent goes in circles or the money runs out; the end, if they want none."""
        circle = loopguard.loop(self._events)
        if circle is not None and loopguard.stops(await self._ask(loopguard.question(circle))):
            return loopguard.STOPPED
        while (bill := self._bill()) is not None and bill.is_due:
            await self._ask(bill.question())
            if purse.granted(self._events) <= bill.limit:
                return bill.ended()
        return None

    def _bill(self) -> purse.Bill | None:
        if self._services.settings().max_task_cost is None:
            return None
        model = self._state.model
        info = find(model, self._services.models())
        return purse.bill(
            self._events,
            self._request(model, info),
            usage=self._state.usage,
            info=info,
            settings=self._services.settings(),
        )

    async def _step(self) -> TurnEnded | None:
        model = self._state.model
        info = find(model, self._services.models())
        reply = Reply(self._emit, model)
        self._requests += 1
        await self._compaction.make_room()
        provider = self._services.provider_for(model)
        try:
            finished = await reply.stream(provider, self._request(model, info))
        except ModelError as error:
            await self._compaction.after(error)
            finished = await reply.stream(provider, self._request(model, info))
        self._count(finished, info)
        message = finished.message
        if message.tool_calls:
            self._was_empty = self._has_leaked = False
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

    def next_request(self) -> Request:
        """The request that would be made now."""
        model = self._state.model
        return self._request(model, find(model, self._services.models()))

    async def sum_up(self, wish: str) -> None:
        """Do nothing but sum up the conversation; raises `ModelError`."""
        await self._compaction.run(wish)

    def _request(self, model: str, info: ModelInfo | None) -> Request:
        messages = context.messages(self._events, sees_images=info is not None and info.vision)
        tools = self._gate.specs()
        return Request(
            model=model,
            messages=messages,
            tools=tools,
            task=self._task,
            max_tokens=budget.output_limit(
                info.context if info else 0, messages, budget.size_of(tools)
            ),
            thinking=self._services.settings().thinking == "on",
        )

    def _count(self, finished: Finished, info: ModelInfo | None) -> None:
        usage = reported(finished, info, self._services.settings())
        if usage is not None:
            self._emit(usage)

    async def _run_calls(self, calls: Sequence[ToolCall]) -> TurnEnded | None:
        left = await Step(calls, claim=self._gate.claim, take=self._gate.call).run()
        if left is None:
            return None
        self._answer(left, words.AFTER_REJECTION, summary="not run")
        return TurnEnded(
            reason="stopped",
            message="You rejected the proposal, so the turn stopped; nothing was changed by it. "
            "Say what to do instead.",
        )

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
