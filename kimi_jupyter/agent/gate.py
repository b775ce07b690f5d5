"""The one way to a tool: validate, effect, policy, ask, look again, run, redact."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from kimi_jupyter.agent import words
from kimi_jupyter.agent.arguments import parse_arguments, validated
from kimi_jupyter.agent.asks import Asks, Emit
from kimi_jupyter.agent.background import Commands
from kimi_jupyter.agent.claims import Claim, claim
from kimi_jupyter.agent.live import LiveOutput
from kimi_jupyter.agent.schedule import Seat
from kimi_jupyter.agent.secrets import check_arguments
from kimi_jupyter.agent.services import AnyTool, Services
from kimi_jupyter.agent.sight import Sight
from kimi_jupyter.agent.tool import Result, Work
from kimi_jupyter.agent.weigh import Scales, Weighed
from kimi_jupyter.history.checkpoints import Before, Checkpoints
from kimi_jupyter.models.provider import ToolSpec
from kimi_jupyter.models.schema import tool_schema
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.commands import AskAnswer, Decision
from kimi_jupyter.protocol.effects import Effect, FileDiff
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import (
    AskOpened,
    Checkpoint,
    Event,
    Notice,
    TodoChanged,
    ToolDone,
    ToolOutput,
    ToolRunning,
    ToolStarted,
)
from kimi_jupyter.protocol.messages import ToolCall
from kimi_jupyter.safety.allowlist import not_remembered, remembered
from kimi_jupyter.safety.files import apply_hunks
from kimi_jupyter.safety.loggable import trace
from kimi_jupyter.safety.redact import redact

logger = logging.getLogger(__name__)

_HARMLESS = ("read", "note", "question")
"""Kinds of tools that plan mode leaves in the list."""
CHANGED = "The file changed since it was shown; this is the proposal against its present content."


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Result
    ends_turn: bool = False
    ms: int = 0
    """How long it ran, the wait for an answer not counted."""


class Gate:
    """Lets tool calls through, asks, or refuses; every call ends in exactly one `tool.done`, unless it is cancelled."""

    def __init__(
        self,
        *,
        services: Services,
        folder: str,
        emit: Emit,
        asks: Asks,
        commands: Commands,
        mode: Callable[[], Mode],
        sight: Sight,
        events: Sequence[Event],
        remark: Callable[[ToolDone], ToolDone] = lambda done: done,
    ) -> None:
        self._services = services
        self._commands = commands
        self._work = Work(
            workspace=services.workspace, folder=folder, logs=services.logs, commands=commands
        )
        self._left: dict[str, str] = {}
        """By path: what a file holds by our doing, as the checkpoints say."""
        self._emit = emit
        self._asks = asks
        self._mode = mode
        self._remark = remark
        self._sight = sight
        self._tools = {tool.name: tool for tool in services.tools}
        self._specs = tuple(_spec(tool) for tool in services.tools)
        self._scales = Scales(services, self._work, mode, events)

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools that the model may be told of now; plan mode leaves out those that change things."""
        if self._mode() != "plan":
            return self._specs
        return tuple(spec for spec in self._specs if self._tools[spec.name].kind in _HARMLESS)

    def claim(self, call: ToolCall) -> Claim:
        """What a call touches, so that others may run beside it."""
        return claim(self._tools.get(call.name), call, self._work)

    async def call(self, call: ToolCall, seat: Seat) -> bool:
        """Take up a call and answer it; whether the turn ends with it, because the user rejected it without a word."""
        try:
            outcome = await self._through(call, seat)
        except KimiError as error:
            outcome = _failed(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of a tool is an answer, not the end of the turn
            self._log(call, error)
            outcome = _failed(
                f"{call.name!r} failed by a fault of its own ({type(error).__name__}); it may have done a part of its work. "
                "Check before you go on, and use another way."
            )
        result = outcome.result
        if result.todo is not None:
            self._emit(TodoChanged(items=result.todo))
        images, missing = self._sight.admitted(result.images)
        done = ToolDone(
            call=call.id,
            ok=result.ok,
            output=self._told("\n".join(filter(None, (result.output, missing)))),
            summary=self._clean(result.summary),
            ms=outcome.ms,
            diff=result.diff,
            images=images,
        )
        self._emit(self._remark(done))
        return outcome.ends_turn

    def _told(self, output: str) -> str:
        """What the model gets of a call, with the news of background commands."""
        text = self._clean(output) or words.NO_OUTPUT
        news = self._commands.news()
        return f"{text}\n\n[{news}]" if news else text

    async def _through(self, call: ToolCall, seat: Seat) -> _Outcome:
        await seat.turn()
        title = call.name or "Tool call"
        try:
            tool = self._known(call.name)
            params = validated(tool, parse_arguments(call))
            check_arguments((call.arguments, params.model_dump_json()), self._services.secrets())
            weighed = await self._scales.weigh(tool, params)
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
        seat.begin()
        started = time.monotonic()
        result = await self._run(call, weighed)
        return _Outcome(result, ms=round((time.monotonic() - started) * 1000))

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
        why = shown.effect.protected or shown.why
        while True:
            answer = await self._asks.open(
                _opened(call, shown, why), is_editable=self._is_editable(shown)
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

    def _is_editable(self, shown: Weighed) -> bool:
        """Whether the user's own text, or a part of the changes, may stand in for the proposal."""
        if shown.effect.command is not None:
            return "command" in shown.tool.params.model_fields
        return shown.effect.diff is not None and self._writer(shown) is not None

    def _writer(self, shown: Weighed) -> AnyTool | None:
        """The tool that writes a whole text in the place of what was proposed; the card must have shown all of it."""
        diff = shown.effect.diff
        if diff is None or diff.after is None or (diff.before is None and not diff.is_new):
            return None
        has_content = "content" in shown.tool.params.model_fields
        return shown.tool if has_content else self._tools.get("write_file")

    async def _as_answered(self, shown: Weighed, answer: AskAnswer) -> Weighed | None:
        """The call as the user approved it, edits included; `None` where the file changed under the edit."""
        said = f"The user approved this and said: {answer.comment}" if answer.comment else ""
        if shown.effect.question is not None:
            return replace(
                shown, told=f"The user answered: {answer.comment or 'yes, without a word'}"
            )
        if (edited := await self._edited(shown, answer)) is None:
            return replace(shown, told=said)
        before, now = shown.effect.diff, edited.effect.diff
        if edited.effect.paths != shown.effect.paths or (
            before and now and before.before_hash != now.before_hash
        ):
            return None
        return replace(edited, told="\n".join(filter(None, (_told(edited, answer, before), said))))

    async def _edited(self, shown: Weighed, answer: AskAnswer) -> Weighed | None:
        """What the user made of the proposal; `None` where they left it as it is."""
        diff = shown.effect.diff
        if diff is None:
            if answer.edited is None or answer.edited == getattr(shown.params, "command", None):
                return None
            given: dict[str, object] = {
                **shown.params.model_dump(exclude_unset=True),
                "command": answer.edited,
            }
            return await self._scales.weigh(shown.tool, validated(shown.tool, given))
        text = answer.edited
        if text is None and answer.hunks is not None and len(set(answer.hunks)) < len(diff.hunks):
            text = apply_hunks(diff.before or "", diff.after or "", answer.hunks)
        writer = self._writer(shown)
        if text is None or text == diff.after or writer is None:
            return None
        path = str(self._work.workspace.root / diff.path)
        return await self._scales.weigh(writer, validated(writer, {"path": path, "content": text}))

    async def _keep_for_later(self, decision: Decision, effect: Effect) -> None:
        if decision == "approve_task":
            self._scales.grant(effect)
        elif decision == "approve_remember" and effect.command is not None:
            command = effect.command.command
            try:
                if why := not_remembered(command):
                    raise KimiError(why)
                await self._services.remember_command(remembered(command))
            except KimiError as error:
                self._emit(
                    Notice(level="warning", text=f"Approved once, but not remembered: {error}")
                )

    async def _run(self, call: ToolCall, weighed: Weighed) -> Result:
        def show(text: str) -> None:
            self._emit(ToolOutput(call=call.id, text=text))

        live = LiveOutput(show, self._clean)

        async def close() -> None:
            live.close()

        async with self._imaged(call, weighed.effect):
            self._emit(ToolRunning(call=call.id))
            try:
                result = await weighed.tool.run(
                    weighed.params,
                    weighed.effect,
                    replace(
                        self._work,
                        report=live.report,
                        call=call.id,
                        sees_images=self._sight.sees(),
                    ),
                )
            finally:
                if not self._commands.at_end(call.id, close):
                    live.close()
        if not weighed.told:
            return result
        return replace(result, output=f"{weighed.told}\n{result.output}")

    @asynccontextmanager
    async def _imaged(self, call: ToolCall, effect: Effect) -> AsyncGenerator[None]:
        """Keep images of the files that a call changes: of a write before it, of a command's work also when it is stopped."""
        checkpoints = self._services.checkpoints
        if checkpoints is None or effect.kind == "read":
            yield
            return
        before: Before | None = None
        if effect.diff is not None:
            written = {effect.diff.path: effect.diff.after_hash}
            self._state(await checkpoints.write(call.id, written))
        elif effect.command is not None:
            before = await checkpoints.scan(call.id)
        try:
            yield
        finally:
            if before is not None:
                is_on = self._commands.is_on(call.id)
                since = await checkpoints.look(call.id) if is_on else None
                self._state(await checkpoints.after(before))
                checkpoints.settle(before)
                if since is not None:
                    await self._leave(since, checkpoints)

    async def _leave(self, since: Before, checkpoints: Checkpoints) -> None:
        """A command goes on in the background: what changes until its end is named, but can't be put back.

        By then the user may have worked on the same files for hours; an image from before would undo that too.
        """

        async def last() -> None:
            self._state(await checkpoints.beside(since, self._left))

        if not self._commands.at_end(since.call, last):
            await last()

    def _state(self, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            self._left |= {image.path: image.after for image in checkpoint.files}
            self._emit(checkpoint)

    def _clean(self, text: str) -> str:
        return redact(words.storable(text), self._services.secrets())

    def _log(self, call: ToolCall, error: Exception) -> None:
        logger.error("tool %r failed: %s", call.name, trace(error, self._services.secrets()))


def _spec(tool: AnyTool) -> ToolSpec:
    return ToolSpec(
        name=tool.name, description=tool.description, parameters=tool_schema(tool.params)
    )


def _opened(call: ToolCall, shown: Weighed, why: str) -> AskOpened:
    effect = shown.effect
    options: tuple[Decision, ...] = ("approve", "approve_task", "reject")
    if effect.protected is not None or effect.question is not None:
        options = ("approve", "reject")
    elif effect.kind == "command" and shown.is_lasting:
        options = ("approve", "approve_task", "approve_remember", "reject")
    return AskOpened(
        ask=secrets.token_hex(16),
        kind=effect.kind,
        call=call.id,
        effect=effect,
        options=options,
        why=why,
    )


def _told(edited: Weighed, answer: AskAnswer, proposed: FileDiff | None) -> str:
    """What the model must know of an edit: exactly what was done in place of its proposal."""
    if proposed is None:
        return f"The user changed the command before approving it; what ran is: {answer.edited}"
    what = "The user changed the text before approving it."
    if answer.edited is None:
        places = sorted(set(answer.hunks or ()))
        numbers = ", ".join(str(place + 1) for place in places)
        what = (
            f"The user approved only {len(places)} of the {len(proposed.hunks)} changes (number {numbers}); "
            "the others were left out. Do not make them again unless asked."
        )
    now = edited.effect.diff
    if now is None:
        return f"{what} The file is as it was before."
    return f"{what} Against the file before, what was written is:\n{now.unified}"


def _rejected(comment: str | None) -> _Outcome:
    if not comment:
        return _Outcome(Result(ok=False, output=words.REJECTED, summary="rejected"), ends_turn=True)
    text = f"Rejected by the user; nothing was done. The user says: {comment}"
    return _Outcome(Result(ok=False, output=text, summary="rejected"))


def _failed(text: str, *, summary: str = "failed") -> _Outcome:
    return _Outcome(Result(ok=False, output=text, summary=summary))
