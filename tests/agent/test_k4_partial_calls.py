"""K4: a tool call of which a part is missing or broken is never executed, and the turn goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kimi_jupyter.protocol.commands import TurnStart
from kimi_jupyter.protocol.events import ToolDone, ToolRunning, TurnEnded
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk
from tests.models.asking import provider, raw_server
from tests.models.test_k4_network import DONE, HEAD, chunk, part

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
RUN = '{"command": "make build"}'
WHOLE = part("", name="run") + part(RUN[:9]) + part(RUN[9:])
END = chunk(finish_reason="tool_calls") + DONE
SAID = chunk({"content": "Enough."}) + chunk(finish_reason="stop") + DONE


async def turn(desk: Make, *replies: bytes) -> Desk:
    """A turn in which every command is approved by itself; the replies are sent as they are."""
    waiting = iter(replies)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + next(waiting))
        await writer.drain()

    async with raw_server(answer) as url, provider(url) as kimi:
        d = desk(kimi, settings=Settings(auto_approve_commands=("^make build$", "^ls$")))
        await d.submit(TurnStart(text="Go"))
        await d.until(TurnEnded)
        return d


async def test_k4_danger_a_whole_call_is_executed_without_a_question(desk: Make) -> None:
    d = await turn(desk, WHOLE + END, SAID)
    assert d.run_tool.ran == ["make build"]


@pytest.mark.parametrize("rest", [b"", END[:20], part(" ")[:-9]])
async def test_k4_a_reply_that_breaks_off_in_a_call_is_asked_for_again_and_not_executed(
    desk: Make, rest: bytes
) -> None:
    d = await turn(desk, WHOLE + rest, SAID)
    assert d.run_tool.ran == []
    assert d.all(ToolRunning) == []
    assert d.all(TurnEnded)[-1].reason == "done"


async def test_k4_a_call_is_not_executed_twice_where_its_first_reply_broke(desk: Make) -> None:
    d = await turn(desk, WHOLE, WHOLE + END, SAID)
    assert d.run_tool.ran == ["make build"]


@pytest.mark.parametrize(
    "arguments",
    [
        RUN[:-1],
        RUN[:-2],
        RUN + RUN,
        RUN[:10] + RUN,
        '{"command": NaN}',
        '{"command": "ls", "seconds": Infinity}',
        '{"command": ' + "[" * 5_000,
        '{"command": "ls", "and": "more"}',
        '{"comand": "ls"}',
        '{"command": ["ls"]}',
        '{"command": "\\ud800"}',
    ],
    ids=lambda text: text[:40],
)
async def test_k4_a_call_with_broken_arguments_is_answered_and_not_executed(
    desk: Make, arguments: str
) -> None:
    d = await turn(desk, part("", name="run") + part(arguments) + END, SAID)
    assert d.run_tool.ran == []
    (done,) = d.all(ToolDone)
    assert not done.ok
    assert "not executed" in done.output
    assert d.all(TurnEnded)[-1].reason == "done"


async def test_k4_one_call_that_is_unknown_keeps_no_other_from_running(desk: Make) -> None:
    wire = part("{}", name="fly") + part(RUN, index=1, name="run") + END
    d = await turn(desk, wire, SAID)
    assert d.run_tool.ran == ["make build"]
    assert [done.ok for done in d.all(ToolDone)] == [False, True]
