"""The tool that ends a command in the background."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.tools.read_output import state, summary


class StopCommandParams(Params):
    """Which command."""

    call: str = Field(min_length=1, max_length=200)
    """The call id of the execute_command that started it, as its answer names it."""


class StopCommand:
    """Ends what this task has started, and nothing else; it never asks, and plan mode has it not."""

    name: ClassVar[str] = "stop_command"
    description: ClassVar[str] = (
        "End a command that runs in the background, with all that it started, and get the rest of its output.\n"
        "Name the command by the call id that the answer of its execute_command gives. Stop what you no longer need,"
        " such as a server after a test; leave what the user sent to the background alone unless asked to end it."
    )
    kind: ClassVar[EffectKind] = "stop"
    params: ClassVar[type[Params]] = StopCommandParams

    async def effect(self, params: StopCommandParams, work: Work) -> Effect:
        """The end of one command of this task."""
        work.commands.find(params.call)
        return Effect(kind="stop", title="Stop a background command")

    async def run(self, params: StopCommandParams, effect: Effect, work: Work) -> Result:
        """End it and wait until nothing of it is left."""
        entry = work.commands.find(params.call)
        if not entry.over.is_set():
            await work.commands.stop(params.call)
        work.commands.known(params.call)
        is_over = entry.over.is_set()
        text = f"{entry.program.read()}\n\n{state(entry)}"
        if not is_over:
            text += " It was told to end; look again with read_output."
        return Result(ok=is_over, output=text, summary=summary(entry))
