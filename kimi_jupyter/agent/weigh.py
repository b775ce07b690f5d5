"""Weighs a tool call: what it would do, what protects it, and what the policy says to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kimi_jupyter.agent.secrets import check_change
from kimi_jupyter.agent.services import AnyTool, Services
from kimi_jupyter.agent.tool import Params, Work
from kimi_jupyter.agent.written import Written
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.effects import CommandLine, Effect
from kimi_jupyter.protocol.events import Event
from kimi_jupyter.safety.allowlist import is_allowed, not_remembered
from kimi_jupyter.safety.drift import may_run
from kimi_jupyter.safety.policy import Verdict, decide
from kimi_jupyter.safety.protected import Protection, strictest


@dataclass(frozen=True, slots=True)
class Weighed:
    """A call with what it would do and what the policy says to it."""

    tool: AnyTool
    params: Params
    effect: Effect
    verdict: Verdict
    why: str
    told: str = ""
    """What the model is told besides the result."""
    is_lasting: bool = True
    """Whether a pattern for this command would let it through the next time."""


class Scales:
    """The policy of one task: mode, settings, protected names, and what the user let through for the task."""

    def __init__(
        self, services: Services, work: Work, mode: Callable[[], Mode], events: Sequence[Event]
    ) -> None:
        self._services = services
        self._written = Written(events)
        self._work = work
        self._mode = mode
        self._granted: set[tuple[str, ...]] = set()

    async def weigh(self, tool: AnyTool, params: Params) -> Weighed:
        """The effect of a call at this moment and the verdict on it; raises `KimiError` where it can't be done."""
        if (refused := self._refused_unseen(tool, params)) is not None:
            return refused
        effect = await tool.effect(params, self._work)
        check_change(effect.diff, self._services.secrets())
        guard = self._protection(effect)
        effect = effect.model_copy(update={"protected": guard.why if guard else None})
        settings = self._services.settings()
        drift = self._drift(effect.command)
        verdict, why = decide(
            effect.kind,
            self._mode(),
            settings,
            protected=guard,
            allowlisted=effect.command is not None
            and not drift
            and await is_allowed(effect.command.command, settings.auto_approve_commands),
        )
        if verdict == "ask" and guard is None and _scope(effect) in self._granted:
            verdict = "allow"
        if verdict == "ask":
            why = why or drift
        is_lasting = not drift and not (effect.command and not_remembered(effect.command.command))
        return Weighed(tool, params, effect, verdict, why, is_lasting=is_lasting)

    def _refused_unseen(self, tool: AnyTool, params: Params) -> Weighed | None:
        """A call that the mode refuses whatever it is about; it does not even look, as a refusal tells what it saw."""
        settings = self._services.settings()
        verdict, why = decide(tool.kind, self._mode(), settings, protected=None, allowlisted=False)
        if verdict != "refuse":
            return None
        return Weighed(tool, params, Effect(kind=tool.kind, title=tool.name), verdict, why)

    def grant(self, effect: Effect) -> None:
        """Let the like of it through for the rest of this task, protected names excepted."""
        self._granted.add(_scope(effect))

    def _drift(self, command: CommandLine | None) -> str:
        """Why the allow-list does not cover a command now: it may run what this task wrote."""
        path = may_run(command.command, self._written.paths()) if command else None
        return f"This task wrote {path}, which the command may run." if path else ""

    def _protection(self, effect: Effect) -> Protection | None:
        """What protects a call's paths, as given and with links resolved; for a read only secret names count."""
        workspace = self._work.workspace
        names = {name for path in effect.paths for name in (path, workspace.real(path))}
        found = strictest(sorted(names), folder=self._work.folder, root=workspace.root)
        if found is None and effect.protected is not None:
            return Protection(effect.protected, read=True)
        return found if found is None or found.read or effect.kind != "read" else None


def _scope(effect: Effect) -> tuple[str, ...]:
    """What an approval for the task covers: all reads, all writes, or this very command in this folder."""
    if effect.command is None:
        return (effect.kind,)
    line = effect.command
    return (effect.kind, line.command, line.cwd, *(["background"] if line.background else []))
