"""What a tool is: its parameters, the effect that it declares, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from kimi_jupyter.agent.background import Commands
from kimi_jupyter.protocol.effects import Effect, EffectKind, FileDiff
from kimi_jupyter.protocol.parts import TodoItem
from kimi_jupyter.safety.paths import Workspace


class Params(BaseModel):
    """Base of all tools' parameters; the sentence under each field is what the model reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


P = TypeVar("P", bound=Params, contravariant=True)


@dataclass(frozen=True, slots=True)
class Result:
    """What a call did; a failure is an answer that the model can act on."""

    ok: bool
    output: str
    """For the model: what happened, and after a failure what to try."""
    summary: str = ""
    """One line for the card."""
    diff: FileDiff | None = None
    """For a write: what is in the file now, compared with before."""
    todo: tuple[TodoItem, ...] | None = None
    """The agent's plan, whole, where the call changed it."""
    images: tuple[str, ...] = ()
    """`data:` URLs for a model that sees; the output says what they are."""


@dataclass(frozen=True, slots=True)
class Work:
    """Where a tool call works."""

    workspace: Workspace
    folder: str
    """The working folder, relative to the workspace: relative paths of the model and commands start there."""
    logs: Path
    """A folder outside the workspace for full command logs (0700)."""
    report: Callable[[str], None] = field(default=lambda text: None)
    """Live output, for the card."""
    call: str = ""
    """The call's id."""
    commands: Commands = field(default_factory=Commands)
    """The task's running commands."""
    sees_images: bool = False
    """Whether the model of this moment takes images."""


class Tool(Protocol, Generic[P]):
    """A thing that the model can call; only `agent.gate` calls its methods, in this order."""

    name: ClassVar[str]
    description: ClassVar[str]
    """For the model: what it does, when to use it, what it answers."""
    kind: ClassVar[EffectKind]
    params: ClassVar[type[Params]]

    async def effect(self, params: P, work: Work) -> Effect:
        """Say what `run` would do, without doing it; raises `KimiError` where it can't be done."""
        ...

    async def run(self, params: P, effect: Effect, work: Work) -> Result:
        """Do exactly `effect`; cancelling it ends all that it started before it returns.

        Raises `KimiError` with a sentence for the model; `FileChanged` where the world no longer fits the effect.
        """
        ...
