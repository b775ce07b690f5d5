"""The tool that asks the user a question."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind, Question


class AskUserParams(Params):
    """What to ask."""

    question: str = Field(min_length=1, max_length=2000)
    """One question that the user can answer in a few words."""
    options: tuple[str, ...] = Field((), max_length=6)
    """Answers to choose from, a few words each; the user may always answer in their own."""


class AskUser:
    """Puts one question to the user and waits for the answer."""

    name: ClassVar[str] = "ask_user"
    description: ClassVar[str] = (
        "Ask the user one question and wait for the answer.\n"
        "Use it only where the answer changes what you do and you can't find it out by reading: which of two things is"
        " meant, a choice that is the user's. Never ask for permission with it: writes and commands ask by themselves."
    )
    kind: ClassVar[EffectKind] = "question"
    params: ClassVar[type[Params]] = AskUserParams

    async def effect(self, params: AskUserParams, work: Work) -> Effect:
        """The question, as the card shows it."""
        text = "\0".join((params.question, *params.options))
        return Effect(
            kind="question",
            title="Question",
            question=Question(text=params.question, options=params.options),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )

    async def run(self, params: AskUserParams, effect: Effect, work: Work) -> Result:
        """Nothing is left to do: the gate tells the model the answer."""
        return Result(ok=True, output="", summary="answered")
