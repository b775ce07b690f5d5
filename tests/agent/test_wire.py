"""What tasks send is taken by the strict simulated API, whatever happened before."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest

from kimi_jupyter.protocol.commands import TaskRewind, TurnStart, TurnStop
from kimi_jupyter.protocol.events import (
    AskOpened,
    TextDelta,
    ToolRunning,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk
from tests.models.asking import provider
from tests.moonshot import Call, Moonshot, Reply, Switches, call
from tests.moonshot.script import K2_LEAK, Step

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]


async def test_a_task_with_every_mishap_is_never_refused(desk: Make) -> None:
    steps: list[Step] = [
        Reply("I try.", "Hm.", (Call("put", '{"path": "a'), Call("fly"), Call("größe", "{}"))),
        Reply("", "", (call("run", command="x" * 50),), finish="length"),
        Reply(K2_LEAK),
        Reply("", reasoning="only thoughts"),
        Reply("", "again", (call("put", path="a.txt", content="1"), call("run", command="ls"))),
        Reply("Words without end. " * 400, chunks_per_second=200),
        Reply("", None, (call("run", command="sleep"), call("look", path="a.txt"))),
        Reply("", "x", (call("look", path="nowhere"), call("look", path="../up"))),
        "Enough.",
        "To be forgotten.",
        "Done.",
    ]
    api = Moonshot(steps, switches=Switches(strict_reasoning=True))
    async with api, provider(api.url) as kimi:
        d = desk(kimi)
        await d.submit(TurnStart(text="Go"))
        await d.until(AskOpened)
        await d.answer("reject")
        await ended(d, "stopped")
        await d.submit(TurnStart(text="Tell"))
        await d.until(TextDelta)
        await d.submit(TurnStop())
        await ended(d, "stopped")
        d.settings = Settings(auto_approve_commands=("^sleep$",))
        await d.submit(TurnStart(text="Sleep"))
        await d.until(ToolRunning)
        await d.submit(TurnStop())
        await ended(d, "stopped")
        await d.submit(TurnStart(text="Look"))
        await ended(d, "done")
        await d.submit(TurnStart(text="Mistake"))
        await ended(d, "done")
        await d.submit(TaskRewind(seq=d.all(TurnStarted)[-1].seq))
        d.reopen()
        await d.submit(TurnStart(text="The end"))
        await ended(d, "done")
        sent = [[json.dumps(m) for m in body["messages"]] for body in api.bodies]
    assert len(sent) == len(steps)
    for earlier, later in itertools.pairwise(sent[:-1]):
        assert later[: len(earlier)] == earlier
    assert sent[-1][: len(sent[-2]) - 1] == sent[-2][:-1], "a rewind keeps what came before it"


async def ended(d: Desk, reason: str) -> None:
    end = await d.until(TurnEnded)
    assert (end.reason, end.fault) == (reason, None), end.message


async def test_most_input_of_a_long_turn_comes_from_the_cache(desk: Make) -> None:
    steps: list[Step] = [Reply("", "Next.", (call("look", path=f"{n}.txt"),)) for n in range(24)]
    api = Moonshot([*steps, "Done."])
    async with api, provider(api.url) as kimi:
        d = desk(kimi)
        for n in range(24):
            (d.root / f"{n}.txt").write_text("line of text\n" * 100)
        assert (await d.send("Read them one by one")).reason == "done"
    usage = d.all(UsageReported)[1:]
    share = sum(u.cached_tokens for u in usage) / sum(u.prompt_tokens for u in usage)
    assert share > 0.9


async def test_thinking_is_switched_within_a_turn_and_the_api_takes_it(desk: Make) -> None:
    """A step that came without reasoning is not refused once the model thinks again."""
    steps: list[Step] = [
        Reply("", None, (call("run", command="ls"),)),
        Reply("", "Hm.", (call("look", path="a.txt"),)),
        "Done.",
    ]
    api = Moonshot(steps, switches=Switches(strict_reasoning=True))
    async with api, provider(api.url) as kimi:
        d = desk(kimi, settings=Settings(thinking="off"))
        await d.submit(TurnStart(text="Go"))
        await d.until(AskOpened)
        d.settings = Settings()
        await d.answer("approve")
        await ended(d, "done")
        assert [body["thinking"]["type"] for body in api.bodies] == ["disabled", *["enabled"] * 2]
