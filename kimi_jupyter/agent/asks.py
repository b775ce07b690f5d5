"""Open questions of the agent to the outside; the first answer wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kimi_jupyter.protocol.commands import AskAnswer
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import AskClosed, AskOpened, Event

Emit = Callable[[Event], Event]
"""Writes an event to the task's log and gives it back stamped."""

_WORDS = {
    "approve": "approved",
    "approve_task": "approved for this task",
    "approve_remember": "approved and remembered",
    "reject": "rejected",
}


@dataclass(frozen=True, slots=True)
class _Open:
    event: AskOpened
    is_editable: bool
    answered: asyncio.Future[AskAnswer]


class Asks:
    """The asks of one task; an ask is answered once, by someone who may, with an option that it offered."""

    def __init__(self, emit: Emit, closed: Iterable[AskClosed] = ()) -> None:
        self._emit = emit
        self._open: dict[str, _Open] = {}
        self._closed = {event.ask: event for event in closed}

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, event: AskOpened, *, is_editable: bool) -> AskAnswer:
        """Ask and wait for the answer; when the waiting is cancelled the ask closes as `cancelled`."""
        answered: asyncio.Future[AskAnswer] = asyncio.get_running_loop().create_future()
        self._open[event.ask] = _Open(event, is_editable, answered)
        try:
            self._emit(event)
            return await answered
        finally:
            if self._open.pop(event.ask, None) is not None:
                self._close(AskClosed(ask=event.ask, decision="cancelled", by="agent"))

    def answer(self, answer: AskAnswer, *, by: str) -> None:
        """Take an answer; raises `CommandRefused` where it does not count, and the ask stays as it is."""
        ask = self._open.get(answer.ask)
        if ask is None or ask.answered.done():
            raise CommandRefused(self._why_late(answer.ask))
        _check(answer, ask)
        del self._open[answer.ask]
        comment = (answer.comment or "").strip() or None
        self._close(
            AskClosed(
                ask=answer.ask, decision=answer.decision, by=by.partition(":")[0], comment=comment
            )
        )
        ask.answered.set_result(answer.model_copy(update={"comment": comment}))

    def _close(self, event: AskClosed) -> None:
        self._closed[event.ask] = event
        self._emit(event)

    def _why_late(self, ask: str) -> str:
        closed = self._closed.get(ask)
        if closed is None:
            return "This task has no such open question; nothing was done."
        if closed.decision == "cancelled":
            return "This question was cancelled because its turn ended; nothing was done."
        return f"This question was already answered in the {closed.by}: {_WORDS[closed.decision]}. The first answer counts."


def _check_hunks(hunks: tuple[int, ...], ask: _Open) -> None:
    diff = ask.event.effect.diff
    if diff is None or not ask.is_editable or len(diff.hunks) < 2:
        raise CommandRefused(
            "This proposal has no parts to choose from: approve the whole change, or reject it with a comment."
        )
    if not hunks or not set(hunks) <= set(range(len(diff.hunks))):
        raise CommandRefused(
            f"Name at least one of the {len(diff.hunks)} changes of this card, from 0; nothing was done."
        )


def _check(answer: AskAnswer, ask: _Open) -> None:
    if answer.decision not in ask.event.options:
        offered = ", ".join(ask.event.options)
        raise CommandRefused(f"This card does not offer {answer.decision!r}; it offers {offered}.")
    if answer.hunks is not None:
        _check_hunks(answer.hunks, ask)
    if answer.edited is not None and not ask.is_editable:
        raise CommandRefused(
            "This proposal can't be edited in the card: reject it with a comment that says what to change."
        )
