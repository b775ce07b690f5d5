"""Calls of one step run side by side where what they declare allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

import pytest

from kimi_jupyter.agent import words
from kimi_jupyter.agent.claims import ALONE, Claim, conflict
from kimi_jupyter.agent.services import AnyTool
from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.models.provider import Request
from kimi_jupyter.protocol.commands import TurnStart, TurnStop
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.protocol.events import AskOpened, ToolDone, ToolRunning, TurnEnded
from kimi_jupyter.protocol.messages import ToolMessage
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, PathParams, Put, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
EVERYTHING = Settings(mode="bypass")


class Slow:
    """Waits at its path until the test lets it go on."""

    description: ClassVar[str] = "Waits."
    params: ClassVar[type[Params]] = PathParams

    def __init__(self, name: str, kind: EffectKind) -> None:
        self.name = name
        self.kind = kind
        self.log: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}

    def let(self, path: str) -> None:
        self._gates.setdefault(path, asyncio.Event()).set()

    async def effect(self, params: PathParams, work: Work) -> Effect:
        path = work.workspace.resolve(params.path, folder=work.folder)
        return Effect(kind=self.kind, title=f"{self.name} {path}", paths=(path,), digest=path)

    async def run(self, params: PathParams, effect: Effect, work: Work) -> Result:
        self.log.append(f"begin {params.path}")
        try:
            await self._gates.setdefault(params.path, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.log.append(f"cancelled {params.path}")
            raise
        self.log.append(f"end {params.path}")
        return Result(ok=True, output=f"{self.name} {params.path}")


def slow(name: str, kind: EffectKind) -> AnyTool:
    return Slow(name, kind)  # pyright: ignore[reportReturnType]


async def running(d: Desk, number: int) -> None:
    """Wait until so many calls run, and every other has had its chance to."""
    after = 0
    for _ in range(number):
        after = (await d.until(ToolRunning, after=after)).seq
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(d.all(ToolRunning)) == number


def results(request: Request) -> list[str]:
    return [str(m.content) for m in request.messages if isinstance(m, ToolMessage)]


@pytest.mark.parametrize(
    ("one", "other", "is_conflict"),
    [
        (Claim(("a",), writes=False), Claim(("a",), writes=False), False),
        (Claim(("a",)), Claim(("b",)), False),
        (Claim(("a",)), Claim(("ab",)), False),
        (Claim(("a",)), Claim(("a",)), True),
        (Claim(("Straße",)), Claim(("STRASSE",)), True),
        (Claim(("link", "real/a")), Claim(("real/a",)), True),
        (Claim(("src/a",)), Claim(("src",), writes=False), True),
        (Claim(("src/a",)), Claim(writes=False), True),
        (Claim(("a",), writes=False), ALONE, True),
    ],
)
def test_what_may_overlap(one: Claim, other: Claim, is_conflict: bool) -> None:
    assert conflict(one, other) is is_conflict
    assert conflict(other, one) is is_conflict


async def test_writes_of_different_files_run_together_and_answer_in_the_order_of_the_calls(
    desk: Make,
) -> None:
    write = Slow("slow", "write")
    d = desk(
        [[call("slow", path="a"), call("slow", path="b")], [{"text": "ok"}]],
        settings=EVERYTHING,
        tools=[write],
    )
    await d.submit(TurnStart(text="Both"))
    await running(d, 2)
    write.let("b")
    await d.until(ToolDone)
    write.let("a")
    assert (await d.until(TurnEnded)).reason == "done"
    assert write.log == ["begin a", "begin b", "end b", "end a"]
    assert [done.output for done in d.all(ToolDone)] == ["slow b", "slow a"]
    assert results(d.requests[1]) == ["slow a", "slow b"]


async def test_a_read_waits_for_the_write_of_its_file_and_others_pass_it(desk: Make) -> None:
    write, read = Slow("slow", "write"), Slow("see", "read")
    d = desk(
        [
            [call("slow", path="x/a"), call("see", path="x"), call("see", path="b")],
            [{"text": "ok"}],
        ],
        settings=EVERYTHING,
        tools=[write, read],
    )
    await d.submit(TurnStart(text="Go"))
    await running(d, 1)
    read.let("x")
    read.let("b")
    write.let("x/a")
    assert (await d.until(TurnEnded)).reason == "done"
    assert results(d.requests[1]) == ["slow x/a", "see x", "see b"]
    assert write.log == ["begin x/a", "end x/a"]


async def test_a_command_runs_alone(desk: Make) -> None:
    command, read = Slow("do", "command"), Slow("see", "read")
    d = desk(
        [[call("see", path="a"), call("do", path="b"), call("see", path="c")], [{"text": "ok"}]],
        settings=EVERYTHING,
        tools=[command, read],
    )
    await d.submit(TurnStart(text="Go"))
    await running(d, 1)
    read.let("a")
    await d.until(ToolDone)
    await running(d, 2)
    assert command.log == ["begin b"]
    assert read.log == ["begin a", "end a"]
    command.let("b")
    read.let("c")
    assert (await d.until(TurnEnded)).reason == "done"


async def test_a_rejection_stops_what_has_not_begun_and_lets_the_rest_end(desk: Make) -> None:
    write, read = Slow("slow", "write"), Slow("see", "read")
    d = desk(
        [
            [
                call("see", path="a"),
                call("slow", path="b"),
                call("slow", path="c"),
                call("see", path="d"),
            ],
            [{"text": "ok"}],
        ],
        tools=[write, read],
    )
    await d.submit(TurnStart(text="Go"))
    await d.answer("reject")
    for _ in range(20):
        await asyncio.sleep(0)
    assert not d.all(TurnEnded), "what has begun is waited for"
    read.let("a")
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert read.log == ["begin a", "end a"]
    assert write.log == []
    assert len(d.all(AskOpened)) == 1
    told = {done.call: done.output for done in d.all(ToolDone)}
    assert told == {
        "see:0": "see a",
        "slow:1": words.REJECTED,
        "slow:2": words.AFTER_REJECTION,
        "see:3": words.AFTER_REJECTION,
    }


async def test_approve_for_the_task_covers_the_next_call_of_the_same_step(desk: Make) -> None:
    d = desk(
        [
            [call("put", path="a", content="1"), call("put", path="b", content="2")],
            [{"text": "ok"}],
        ],
        tools=[Put()],
    )
    await d.submit(TurnStart(text="Go"))
    await d.answer("approve_task")
    assert (await d.until(TurnEnded)).reason == "done"
    assert len(d.all(AskOpened)) == 1
    assert (d.root / "a").read_text() + (d.root / "b").read_text() == "12"


async def test_stop_cancels_all_that_runs_side_by_side(desk: Make) -> None:
    read = Slow("see", "read")
    d = desk([[call("see", path="a"), call("see", path="b")]], tools=[read])
    await d.submit(TurnStart(text="Go"))
    await running(d, 2)
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert read.log == ["begin a", "begin b", "cancelled a", "cancelled b"]
    assert [done.output for done in d.all(ToolDone)] == [words.STOPPED_RUNNING] * 2


async def test_no_request_is_made_again_after_a_tool_of_its_step_has_run(desk: Make) -> None:
    """A fault that comes after a tool has run ends the turn; the step before it is not asked for once more."""
    answers: list[list[dict[str, object]]] = [
        [call("run", command="pay")],
        [{"error": {"message": "Refused.", "fault": "bad_request"}}],
    ]
    d = desk(lambda request: answers.pop(0), settings=EVERYTHING)
    assert (await d.send("Go")).fault == "bad_request"
    assert d.run_tool.ran == ["pay"]
    assert len(d.requests) == 2
