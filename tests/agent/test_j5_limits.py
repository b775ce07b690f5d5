"""J5: every limit of a turn stops it cleanly, keeps what was done, and lets the next message go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kimi_jupyter.models.provider import Request
from kimi_jupyter.protocol.commands import TurnStart
from kimi_jupyter.protocol.events import AskOpened, ToolDone, TurnEnded, UsageReported
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
WITHOUT = 30
"""Requests of a model that never stops, where no limit holds it; then the script gives up."""


def endless(usage: dict[str, int]) -> Callable[[Request], Any]:
    """A model that reads another file with every step."""
    made = 0

    def step(request: Request) -> Any:
        nonlocal made
        made += 1
        if made > WITHOUT:
            return [{"text": "At last."}]
        return [call("look", path=f"f{made}"), {"usage": usage}]

    return step


def limited(desk: Make, usage: dict[str, int], **values: Any) -> Desk:
    d = desk(endless(usage), settings=Settings.model_validate(values))
    for number in range(1, WITHOUT + 1):
        (d.root / f"f{number}").write_text(f"text {number}")
    return d


SMALL = {"prompt_tokens": 10, "completion_tokens": 1}
LARGE = {"prompt_tokens": 100_000, "completion_tokens": 0}
FREE = {"kimi.maxTurns": 1000, "kimi.maxTaskTokens": 100_000_000}


async def test_j5_without_limits_such_a_model_goes_on(desk: Make) -> None:
    """The danger: each request is paid for."""
    d = limited(desk, LARGE, **FREE)
    ended = await d.send("Read them")
    assert (ended.reason, len(d.requests)) == ("done", WITHOUT + 1)


@pytest.mark.parametrize(
    ("usage", "values", "reason", "requests"),
    [
        (SMALL, {"kimi.maxTurns": 4}, "turn_limit", 4),
        (LARGE, {"kimi.maxTurns": 1000, "kimi.maxTaskTokens": 250_000}, "token_limit", 3),
    ],
)
async def test_j5_a_limit_ends_the_turn_with_all_that_was_done_and_a_higher_one_goes_on(
    desk: Make, usage: dict[str, int], values: dict[str, Any], reason: str, requests: int
) -> None:
    d = limited(desk, usage, **values)
    ended = await d.send("Read them")
    assert (ended.reason, len(d.requests)) == (reason, requests)
    assert [done.output for done in d.all(ToolDone)] == [
        f"text {number}" for number in range(1, requests + 1)
    ]
    d.settings = Settings.model_validate(FREE)
    assert (await d.send("Go on")).reason == "done"
    told = str(d.requests[requests].messages)
    assert all(f"text {number}" in told for number in range(1, requests + 1))


async def test_j5_the_spend_cap_asks_before_the_request_and_nothing_is_spent_meanwhile(
    desk: Make,
) -> None:
    d = limited(desk, LARGE, **FREE, **{"kimi.maxTaskCost": 0.25})
    await d.submit(TurnStart(text="Read them"))
    await d.until(AskOpened)
    spent = len(d.requests)
    assert 0 < spent <= 3
    await d.answer("reject")
    ended = await d.until(TurnEnded)
    assert (ended.reason, len(d.requests)) == ("budget", spent)
    *before, _ = [event.cost or 0 for event in d.all(UsageReported)]
    assert sum(before) < 0.25, "no request was made once the cap was reached"
