"""The one way to a tool: validate, effect, policy, ask, look again, run, redact."""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from kimi_jupyter.agent import words
from kimi_jupyter.agent.arguments import parse_arguments, validated
from kimi_jupyter.agent.asks import Asks, Emit
from kimi_jupyter.agent.live import LiveOutput
from kimi_jupyter.agent.services import AnyTool, Services
from kimi_jupyter.agent.tool import Result, Work
from kimi_jupyter.agent.weigh import Scales, Weighed
from kimi_jupyter.models.provider import ToolSpec
from kimi_jupyter.models.schema import tool_schema
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.commands import AskAnswer, Decision
from kimi_jupyter.protocol.effects import Effect
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import (
    AskOpened,
    Notice,
    ToolDone,
    ToolOutput,
    ToolRunning,
    ToolStarted,
)
from kimi_jupyter.protocol.messages import ToolCall
from kimi_jupyter.safety.allowlist import remembered
from kimi_jupyter.safety.redact import redact

logger = logging.getLogger(__name__)

CHANGED = "The file changed since it was shown; this is the proposal against its present content."
_EDITABLE = ("command", "content")
"""Parameters that hold a whole proposal, so that the user's text can stand in for the model's."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Result
    ends_turn: bool = False


class Gate:
    """Lets tool calls through, asks, or refuses; every call ends in exactly one `tool.done`, unless it is cancelled."""

    def __init__(
        self, *, services: Services, folder: str, emit: Emit, asks: Asks, mode: Callable[[], Mode]
    ) -> None:
        self._services = services
        self._work = Work(workspace=services.workspace, folder=folder, logs=services.logs)
        self._emit = emit
        self._asks = asks
        self._mode = mode
        self._tools = {tool.name: tool for tool in services.tools}
        self._specs = tuple(_spec(tool) for tool in services.tools)
        self._scales = Scales(services, self._work, mode)

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools that the model may be told of now; plan mode leaves out those that change things."""
        if self._mode() != "plan":
            return self._specs
        return tuple(spec for spec in self._specs if self._tools[spec.name].kind == "read")

    def is_read(self, call: ToolCall) -> bool:
        """Whether a call only reads, so that it may run beside others."""
        tool = self._tools.get(call.name)
        return tool is not None and tool.kind == "read"

    async def call(self, call: ToolCall) -> bool:
        """Take up a call and answer it; whether the turn ends with it, because the user rejected it without a word."""
        started = time.monotonic()
        try:
            outcome = await self._through(call)
        except KimiError as error:
            outcome = _failed(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of a tool is an answer, not the end of the turn
            self._log(call, error)
            outcome = _failed(
                f"{call.name!r} failed by a fault of its own ({type(error).__name__}); it may have done a part of its work. "
                "Check before you go on, and use another way."
            )
        result = outcome.result
        self._emit(
            ToolDone(
                call=call.id,
                ok=result.ok,
                output=self._clean(result.output) or words.NO_OUTPUT,
                summary=self._clean(result.summary),
                ms=round((time.monotonic() - started) * 1000),
                diff=result.diff,
            )
        )
        return outcome.ends_turn

    async def _through(self, call: ToolCall) -> _Outcome:
        title = call.name or "Tool call"
        try:
            tool = self._known(call.name)
            weighed = await self._scales.weigh(tool, validated(tool, parse_arguments(call)))
            title = weighed.effect.title
        finally:
            self._emit(
                ToolStarted(call=call.id, name=call.name, title=title, arguments=call.arguments)
            )
        if weighed.verdict == "ask":
            answered = await self._ask(call, weighed)
            if isinstance(answered, _Outcome):
                return answered
            weighed = answered
        if weighed.verdict == "refuse":
            return _failed(weighed.why, summary="refused")
        return _Outcome(await self._run(call, weighed))

    def _known(self, name: str) -> AnyTool:
        tool = self._tools.get(name)
        if tool is None:
            names = ", ".join(spec.name for spec in self.specs())
            raise KimiError(
                f"There is no tool {name!r}; nothing was executed. The tools are: {names}."
            )
        return tool

    async def _ask(self, call: ToolCall, shown: Weighed) -> Weighed | _Outcome:
        """Ask until the answer is to what would be done now; what comes back is let through or refused, never asked."""
        why = shown.effect.protected or ""
        while True:
            answer = await self._asks.open(
                _opened(call, shown.effect, why), is_editable=_editable(shown) is not None
            )
            if answer.decision == "reject":
                return _rejected(answer.comment)
            fresh = await self._scales.weigh(shown.tool, shown.params)
            if fresh.effect != shown.effect:
                shown, why = fresh, CHANGED
                if fresh.verdict != "refuse":
                    continue
            if fresh.verdict == "refuse":
                return fresh
            approved = await self._as_answered(fresh, answer)
            if approved is None:
                why = CHANGED
                continue
            if approved.verdict == "refuse":
                return approved
            await self._keep_for_later(answer.decision, approved.effect)
            return replace(approved, verdict="allow")

    async def _as_answered(self, shown: Weighed, answer: AskAnswer) -> Weighed | None:
        """The call as the user approved it, edits included; `None` where the file changed under the edit."""
        told = f"The user approved this and said: {answer.comment}" if answer.comment else ""
        field = _editable(shown)
        if answer.edited is None or field is None or answer.edited == getattr(shown.params, field):
            return replace(shown, told=told)
        arguments: dict[str, object] = {
            **shown.params.model_dump(exclude_unset=True),
            field: answer.edited,
        }
        edited = await self._scales.weigh(shown.tool, validated(shown.tool, arguments))
        before, now = shown.effect.diff, edited.effect.diff
        if edited.effect.paths != shown.effect.paths or (
            before and now and before.before_hash != now.before_hash
        ):
            return None
        changed = (
            f"The user changed the command before approving it; what ran is: {answer.edited}"
            if field == "command"
            else "The user changed the text before approving it; the file now holds the user's version. Read it before you edit it."
        )
        return replace(edited, told="\n".join(filter(None, (changed, told))))

    async def _keep_for_later(self, decision: Decision, effect: Effect) -> None:
        if decision == "approve_task":
            self._scales.grant(effect)
        elif decision == "approve_remember" and effect.command is not None:
            try:
                await self._services.remember_command(remembered(effect.command.command))
            except KimiError as error:
                self._emit(
                    Notice(level="warning", text=f"Approved once, but not remembered: {error}")
                )

    async def _run(self, call: ToolCall, weighed: Weighed) -> Result:
        def show(text: str) -> None:
            self._emit(ToolOutput(call=call.id, text=text))

        live = LiveOutput(show, self._clean)
        self._emit(ToolRunning(call=call.id))
        try:
            result = await weighed.tool.run(
                weighed.params, weighed.effect, replace(self._work, report=live.report)
            )
        finally:
            live.close()
        if not weighed.told:
            return result
        return replace(result, output=f"{weighed.told}\n{result.output}")

    def _clean(self, text: str) -> str:
        return redact(words.storable(text), self._services.secrets())

    def _log(self, call: ToolCall, error: Exception) -> None:
        lines = "".join(traceback.format_exception(error))
        logger.error("tool %r failed: %s", call.name, self._clean(lines))


def _spec(tool: AnyTool) -> ToolSpec:
    return ToolSpec(
        name=tool.name, description=tool.description, parameters=tool_schema(tool.params)
    )


def _opened(call: ToolCall, effect: Effect, why: str) -> AskOpened:
    options: tuple[Decision, ...] = ("approve", "approve_task", "reject")
    if effect.protected is not None:
        options = ("approve", "reject")
    elif effect.kind == "command":
        options = ("approve", "approve_task", "approve_remember", "reject")
    return AskOpened(
        ask=secrets.token_hex(16),
        kind=effect.kind,
        call=call.id,
        effect=effect,
        options=options,
        why=why,
    )


def _editable(weighed: Weighed) -> str | None:
    """The parameter that the user's own text may replace."""
    fields = weighed.tool.params.model_fields
    return next((name for name in _EDITABLE if name in fields), None)


def _rejected(comment: str | None) -> _Outcome:
    if not comment:
        return _Outcome(Result(ok=False, output=words.REJECTED, summary="rejected"), ends_turn=True)
    text = f"Rejected by the user; nothing was done. The user says: {comment}"
    return _Outcome(Result(ok=False, output=text, summary="rejected"))


def _failed(text: str, *, summary: str = "failed") -> _Outcome:
    return _Outcome(Result(ok=False, output=text, summary=summary))
