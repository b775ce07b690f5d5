"""The cost limit of a task: before a request that may go beyond it the user is asked, and their answer is kept in the log."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kimi_jupyter.agent import budget
from kimi_jupyter.agent.own_asks import COST, own_ask
from kimi_jupyter.history.fold import UsageTotal
from kimi_jupyter.models.catalogue import cost
from kimi_jupyter.models.provider import ModelInfo, Request
from kimi_jupyter.protocol.events import AskClosed, AskOpened, Event, TurnEnded, UsageReported
from kimi_jupyter.protocol.messages import Usage
from kimi_jupyter.protocol.settings import Settings

STOP = "Stop"
_USUAL_OUTPUT = 4_096
"""Output tokens that a step is expected to need at most, where none of the task needed more."""
_AMOUNT = re.compile(r"\$?\s*(\d+(?:[.,]\d+)?)\s*(?:\$|usd|dollars?)?", re.IGNORECASE)
_YES = ("yes", "ok", "okay", "go on")


@dataclass(frozen=True, slots=True)
class Bill:
    """What a task has used of its limit, and what the next request may add; in USD."""

    used: float
    limit: float
    step: float | None
    """`None` where the model's price is not known."""
    portion: float
    """By how much the limit is raised at a time: the setting."""

    @property
    def is_due(self) -> bool:
        """Whether the next request may go beyond the limit."""
        return self.used >= self.limit or self.used + (self.step or 0.0) > self.limit

    def question(self) -> AskOpened:
        """Ask whether to go on, and up to what."""
        enough = max(self.limit + self.portion, self.used + 2 * (self.step or 0.0), 0.01)
        offer = math.ceil(round(enough * 100, 6)) / 100
        step = "" if self.step is None else f"; the next step may cost up to {_usd(self.step)}"
        return own_ask(
            COST,
            title="This task is near its cost limit",
            text=f"This task has used about {_usd(self.used)} of {_usd(self.limit)}{step}. Go on?",
            options=(f"Go on up to {_usd(offer)}", STOP),
            detail=f"{offer:.2f}",
        )

    def ended(self) -> TurnEnded:
        """The end of a turn that the user does not want to go on."""
        step = "" if self.step is None else f", and the next step may cost up to {_usd(self.step)}"
        return TurnEnded(
            reason="budget",
            message=f"Reached the task cost limit: about {_usd(self.used)} of {_usd(self.limit)}{step}. "
            "Send another message to be asked again, raise `kimi.maxTaskCost` in the settings, "
            'or start afresh with "Kimi: New Task".',
        )


def bill(
    events: Iterable[Event],
    request: Request,
    *,
    usage: UsageTotal,
    info: ModelInfo | None,
    settings: Settings,
) -> Bill | None:
    """How the task stands before a request; `None` where it has no cost limit."""
    portion = settings.max_task_cost
    if portion is None:
        return None
    most = max((e.completion_tokens for e in events if isinstance(e, UsageReported)), default=0)
    worst = Usage(
        prompt_tokens=budget.input_tokens(request.messages, request.tools),
        completion_tokens=min(request.max_tokens, max(most, _USUAL_OUTPUT)),
    )
    return Bill(
        used=usage.cost or 0.0,
        limit=max(portion, granted(events)),
        step=cost(worst, info, settings),
        portion=portion,
    )


def granted(events: Iterable[Event]) -> float:
    """The highest limit that the user has agreed to for this task; rewound turns too, as what they used stays used."""
    most = 0.0
    opened: dict[str, AskOpened] = {}
    for event in events:
        if isinstance(event, AskOpened) and COST.owns(event):
            opened[event.ask] = event
        elif isinstance(event, AskClosed) and event.ask in opened and event.decision == "approve":
            most = max(most, _agreed(opened[event.ask], event.comment))
    return most


def _agreed(ask: AskOpened, said: str | None) -> float:
    """What the answer allows: the offer, or an amount in the user's own words; anything else allows nothing."""
    question = ask.effect.question
    text = (said or "").strip()
    if not text or (question and text in question.options[:1]) or text.casefold() in _YES:
        return float(ask.effect.digest.partition(":")[2] or 0)
    amount = _AMOUNT.fullmatch(text)
    return float(amount[1].replace(",", ".")) if amount else 0.0


def _usd(amount: float) -> str:
    if amount >= 0.1 or amount == round(amount, 2):
        return f"${amount:.2f}"
    return f"${amount:.3f}" if amount >= 0.01 else f"${amount:.4f}"
