"""The cost limit: asked about before the request that may go beyond it; nothing is spent while nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kimi_jupyter.agent import purse
from kimi_jupyter.protocol.commands import AskAnswer, TaskRewind, TurnStart
from kimi_jupyter.protocol.events import AskOpened, TurnEnded, TurnStarted
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]

# 200,000 tokens of input at $0.95 per million
NINETEEN_CENTS = {"usage": {"prompt_tokens": 200_000, "completion_tokens": 1}}


def limited(most: float) -> Settings:
    return Settings.model_validate({"kimi.maxTaskCost": most})


def spender(desk: Make, most: float) -> Desk:
    """A model of which every answer costs 19 cents."""
    return desk(lambda request: [{"text": "ok"}, NINETEEN_CENTS], settings=limited(most))


async def question(d: Desk, text: str = "More") -> tuple[AskOpened, str, tuple[str, ...]]:
    await d.submit(TurnStart(text=text))
    ask = await d.until(AskOpened)
    asked = ask.effect.question
    assert asked is not None
    return ask, asked.text, asked.options


async def test_it_is_asked_before_the_request_that_may_go_beyond_the_limit(desk: Make) -> None:
    d = spender(desk, 0.2)
    assert (await d.send("First")).reason == "done"
    ask, text, options = await question(d)
    assert (ask.call, ask.kind) == ("", "question")
    assert text.startswith(
        "This task has used about 0.19 USD of 0.20 USD; the next step may cost up to "
    )
    assert text.endswith("Go on?")
    assert options == ("Go on up to 0.40 USD", "Stop")
    assert len(d.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"decision": "reject"},
        {"decision": "reject", "comment": "No answer: this notebook runs unattended."},
        {"decision": "approve", "comment": "Stop"},
        {"decision": "approve", "comment": "rather not"},
        {"decision": "approve", "comment": "$0.10"},
    ],
)
async def test_any_answer_but_a_yes_spends_nothing(desk: Make, answer: Any) -> None:
    d = spender(desk, 0.2)
    await d.send("First")
    ask, _, _ = await question(d)
    await d.submit(AskAnswer(ask=ask.ask, **answer))
    ended = await d.until(TurnEnded)
    assert ended.reason == "budget"
    for part in ("Reached the task cost limit: about 0.19 USD of 0.20 USD", "kimi.maxTaskCost"):
        assert part in (ended.message or "")
    assert len(d.requests) == 1


@pytest.mark.parametrize(
    ("said", "limit"),
    [(None, 0.4), ("Go on up to 0.40 USD", 0.4), ("yes", 0.4), ("$2", 2.0), ("0,75 USD", 0.75)],
)
async def test_going_on_raises_the_limit_of_this_task(
    desk: Make, said: str | None, limit: float
) -> None:
    d = spender(desk, 0.2)
    await d.send("First")
    ask, _, _ = await question(d)
    await d.submit(AskAnswer(ask=ask.ask, decision="approve", comment=said))
    assert (await d.until(TurnEnded)).reason == "done"
    assert purse.granted(d.events) == limit
    assert d.settings.max_task_cost == 0.2
    assert len(d.requests) == 2


async def test_the_raised_limit_survives_restart_and_rewind(desk: Make) -> None:
    d = spender(desk, 0.195)
    await d.send("First")
    ask, _, _ = await question(d)
    await d.submit(AskAnswer(ask=ask.ask, decision="approve", comment="Go on up to 0.39 USD"))
    assert (await d.until(TurnEnded)).reason == "done"
    await d.submit(TaskRewind(seq=d.all(TurnStarted)[1].seq))
    d.reopen()
    _, text, options = await question(d)
    assert text.startswith("This task has used about 0.38 USD of 0.39 USD;")
    assert options[0] == "Go on up to 0.59 USD"


async def test_a_message_after_the_end_is_asked_about_afresh(desk: Make) -> None:
    d = spender(desk, 0.2)
    await d.send("First")
    first, _, _ = await question(d)
    await d.submit(AskAnswer(ask=first.ask, decision="reject"))
    assert (await d.until(TurnEnded)).reason == "budget"
    second, _, _ = await question(d)
    await d.submit(AskAnswer(ask=second.ask, decision="approve"))
    assert (await d.until(TurnEnded)).reason == "done"
    assert len(d.requests) == 2


async def test_a_higher_setting_needs_no_question(desk: Make) -> None:
    d = spender(desk, 0.2)
    await d.send("First")
    ask, _, _ = await question(d)
    await d.submit(AskAnswer(ask=ask.ask, decision="reject"))
    await d.until(TurnEnded)
    d.settings = limited(5)
    assert (await d.send("More")).reason == "done"


async def test_the_first_step_is_weighed_too(desk: Make) -> None:
    d = spender(desk, 0.001)
    _, text, _ = await question(d, "A long text. " * 20_000)
    assert text.startswith(
        "This task has used about 0.00 USD of 0.0010 USD; the next step may cost up to 0."
    )
    assert d.requests == []


async def test_without_a_limit_nothing_is_asked(desk: Make) -> None:
    d = desk(lambda request: [{"text": "ok"}, NINETEEN_CENTS])
    for _ in range(3):
        assert (await d.send("Go")).reason == "done"


async def test_a_model_without_a_price_is_held_by_what_is_used_already(desk: Make) -> None:
    d = spender(desk, 0.1)
    await d.submit(TurnStart(text="Go"))
    await d.until(TurnEnded)
    await d.submit(TurnStart(text="/model offline-demo"))
    _, text, _ = await question(d)
    assert text == "This task has used about 0.19 USD of 0.10 USD. Go on?"
