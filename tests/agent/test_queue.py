"""Messages that the user sends while a turn runs wait for its next safe point."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kimi_jupyter.protocol.commands import TurnStart, TurnStop, TurnUnqueue
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import (
    AskOpened,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
)
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]


def told(d: Desk) -> list[list[tuple[str, str]]]:
    """Role and text of each message of each request."""
    return [[(m.role, str(m.content)) for m in request.messages] for request in d.requests]


async def test_a_message_joins_after_the_results_of_the_running_step(desk: Make) -> None:
    d = desk([[call("run", command="ls")], END])
    await d.submit(TurnStart(text="Look"))
    await d.until(AskOpened)
    await d.submit(TurnStart(text="And be brief"))
    await d.answer("approve")
    assert (await d.until(TurnEnded)).reason == "done"

    first, second = told(d)
    assert second[: len(first)] == first, "the prefix changed"
    assert [role for role, _ in second[len(first) :]] == ["assistant", "tool", "user"]
    assert second[-1][1] == "And be brief"
    queued = d.all(TurnQueued)[0]
    assert [(e.queued, e.joined) for e in d.all(TurnUnqueued)] == [(queued.seq, True)]
    assert len(d.all(TurnStarted)) == 1


async def test_a_message_that_comes_during_the_last_reply_keeps_the_turn_going(desk: Make) -> None:
    d = desk([[call("run", command="sleep")], END, END])
    await d.submit(TurnStart(text="Look"))
    await d.until(AskOpened)
    await d.submit(TurnStart(text="one"))
    await d.submit(TurnStart(text="two"))
    await d.answer("reject", comment="no need")
    assert (await d.until(TurnEnded)).reason == "done"
    assert [text for role, text in told(d)[-1] if role == "user"][-2:] == ["one", "two"]


@pytest.mark.parametrize("how", ["stop", "reject"])
async def test_messages_are_given_back_when_the_turn_ends_before_they_were_told(
    desk: Make, how: str
) -> None:
    d = desk([[call("run", command="ls")], END])
    await d.submit(TurnStart(text="Look"))
    await d.until(AskOpened)
    await d.submit(TurnStart(text="later"))
    if how == "stop":
        await d.submit(TurnStop())
    else:
        await d.answer("reject")
    ended = await d.until(TurnEnded)
    back = await d.until(TurnUnqueued)
    assert ended.reason == "stopped"
    assert not back.joined
    assert back.seq > ended.seq
    assert len(d.requests) == 1


async def test_a_waiting_message_can_be_taken_back_once(desk: Make) -> None:
    d = desk([[call("run", command="ls")], END])
    await d.submit(TurnStart(text="Look"))
    await d.until(AskOpened)
    await d.submit(TurnStart(text="later"))
    queued = d.all(TurnQueued)[0]
    await d.submit(TurnUnqueue(seq=queued.seq))
    with pytest.raises(CommandRefused, match="no longer waits"):
        await d.submit(TurnUnqueue(seq=queued.seq))
    await d.answer("approve")
    await d.until(TurnEnded)
    assert "later" not in str(told(d))
