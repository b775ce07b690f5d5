"""The tool that reads what a command in the background prints."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.background import Background
from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind


class ReadOutputParams(Params):
    """Which command, and how."""

    call: str = Field(min_length=1, max_length=200)
    """The call id of the execute_command that started it, as its answer names it."""
    from_start: bool = False
    """All that it has printed, its head and tail where that is long, and not only what is new."""
    wait_seconds: int = Field(0, ge=0, le=60)
    """Wait so long for its end before you look; 0 looks at once."""


class ReadOutput:
    """Reads; the command is not touched."""

    name: ClassVar[str] = "read_output"
    description: ClassVar[str] = (
        "Get what a command in the background has printed since you last looked, and whether it still runs.\n"
        "Name the command by the call id that the answer of its execute_command gives. Instead of asking again and"
        " again give `wait_seconds`, or do other work: when the command ends you are told so with the next result."
    )
    kind: ClassVar[EffectKind] = "read"
    params: ClassVar[type[Params]] = ReadOutputParams

    async def effect(self, params: ReadOutputParams, work: Work) -> Effect:
        """The output of one command of this task."""
        work.commands.find(params.call)
        return Effect(kind="read", title="Read the output of a background command")

    async def run(self, params: ReadOutputParams, effect: Effect, work: Work) -> Result:
        """Wait where that is asked for, then look."""
        entry = work.commands.find(params.call)
        if params.wait_seconds and not entry.over.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(entry.over.wait(), params.wait_seconds)
        if entry.over.is_set():
            work.commands.known(params.call)
        text = entry.program.read(from_start=params.from_start)
        return Result(ok=True, output=f"{text}\n\n{state(entry)}", summary=summary(entry))


def state(entry: Background) -> str:
    """How a command stands, for the model."""
    if entry.over.is_set():
        return f"It is over: {entry.summary}."
    return "It still runs."


def summary(entry: Background) -> str:
    """How a command stands, for the card."""
    return entry.summary if entry.over.is_set() else "still runs"
