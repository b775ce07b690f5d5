"""The tool that keeps the agent's plan in the user's sight."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.protocol.parts import TodoItem


class TodoLine(Params):
    """One line of the plan."""

    text: str = Field(min_length=1, max_length=200)
    """What is to be done, in a few words."""
    status: Literal["open", "active", "done"]
    """At most one line is active."""


class TodoParams(Params):
    """The plan."""

    items: tuple[TodoLine, ...] = Field(max_length=50)
    """All lines, also those that are done; an empty list takes the plan away."""


class Todo:
    """Shows the user what is planned and how far it is."""

    name: ClassVar[str] = "todo"
    description: ClassVar[str] = (
        "Show the user your plan for a task of three or more steps, and how far you are.\n"
        "Give the whole list each time: when you begin, when a step is done, when the plan changes. Not for small tasks. It changes nothing"
        " and answers with what is left."
    )
    kind: ClassVar[EffectKind] = "note"
    params: ClassVar[type[Params]] = TodoParams

    async def effect(self, params: TodoParams, work: Work) -> Effect:
        """Nothing outside the task."""
        return Effect(kind="note", title="Plan")

    async def run(self, params: TodoParams, effect: Effect, work: Work) -> Result:
        """Hand the plan on."""
        items = tuple(TodoItem(text=line.text, status=line.status) for line in params.items)
        done = sum(item.status == "done" for item in items)
        left = [f"- {item.text} ({item.status})" for item in items if item.status != "done"]
        output = "\n".join([f"The plan is shown: {done} of {len(items)} done.", *left])
        return Result(ok=True, output=output, summary=f"{done} of {len(items)} done", todo=items)
