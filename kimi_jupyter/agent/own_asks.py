"""Questions that the agent asks by itself, with no tool call: it goes round in circles, a limit is near."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from kimi_jupyter.protocol.effects import Effect, Question
from kimi_jupyter.protocol.events import AskOpened


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the agent asks; the ask's digest names it, so that the log can be read later."""

    name: str

    def owns(self, event: AskOpened) -> bool:
        """Whether an ask was opened for this reason."""
        return not event.call and event.effect.digest.partition(":")[0] == self.name


LOOP = Reason("loop")
COST = Reason("cost")


def own_ask(
    reason: Reason, *, title: str, text: str, options: tuple[str, ...], detail: str = ""
) -> AskOpened:
    """A question to the user; what an approval stands for is in the digest, behind the reason."""
    digest = f"{reason.name}:{detail}" if detail else reason.name
    question = Question(text=text, options=options)
    return AskOpened(
        ask=secrets.token_hex(16),
        kind="question",
        call="",
        effect=Effect(kind="question", title=title, question=question, digest=digest),
        options=("approve", "reject"),
    )
