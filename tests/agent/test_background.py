"""Commands in the background of a task: sent there, told of, stopped, rewound, closed and found again in the log."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kimi_jupyter import tools
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.commands import (
    CommandBackground,
    CommandStop,
    ModeSet,
    TaskRewind,
    TurnStart,
    TurnStop,
)
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import (
    AskOpened,
    Checkpoint,
    CommandBackgrounded,
    CommandEnded,
    Rewound,
    ToolDone,
    ToolRunning,
    TurnEnded,
    TurnStarted,
)
from kimi_jupyter.protocol.messages import ToolMessage
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call
from tests.tools.support import alive, until_async

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
Make = Callable[..., Desk]
BYPASS = Settings(mode="bypass")
END = [{"text": "ok"}]


@pytest.fixture
def mark() -> str:
    """A word for `sleep`'s arguments, so that the test finds its own processes and no others."""
    return f"3{uuid.uuid4().int % 10**9:09d}"


def start(command: str) -> dict[str, object]:
    return call("execute_command", command=command, background=True)


def last_call(d: Desk) -> str:
    return d.all(ToolRunning)[-1].call


async def test_a_running_command_goes_to_the_background_and_the_turn_goes_on(
    desk: Make, mark: str
) -> None:
    d = desk(
        [[call("execute_command", command=f"echo out; setsid sleep {mark} & wait")], END],
        tools=tools.ALL,
        settings=BYPASS,
    )
    await d.submit(TurnStart(text="Serve"))
    running = await d.until(ToolRunning)
    assert await until_async(lambda: alive(f"sleep\0{mark}") != [])
    await d.submit(CommandBackground(call=running.call))
    assert (await d.until(TurnEnded)).reason == "done"
    done = d.all(ToolDone)[-1]
    assert (done.ok, done.summary) == (True, "in the background")
    assert d.all(CommandBackgrounded)[0].seq < done.seq
    assert f"stop_command(call='{running.call}')" in str(d.requests[-1].messages[-1].content)
    assert alive(f"sleep\0{mark}") != []
    assert d.task.is_busy
    await d.submit(CommandStop(call=running.call))
    assert alive(mark) == []
    assert (d.all(CommandEnded)[0].summary, d.task.is_busy) == ("stopped", False)


async def test_j1_stop_ends_the_turns_command_and_leaves_the_background_alone(
    desk: Make, mark: str
) -> None:
    d = desk(
        [[start(f"exec sleep {mark}")], [call("execute_command", command=f"sleep {mark}9")], END],
        tools=tools.ALL,
        settings=BYPASS,
    )
    await d.submit(TurnStart(text="Go"))
    assert await until_async(lambda: alive(f"sleep\0{mark}9") != [])
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert (alive(f"{mark}9"), len(alive(f"sleep\0{mark}"))) == ([], 1)


async def test_j2_closing_the_task_ends_what_runs_in_the_background(desk: Make, mark: str) -> None:
    d = desk([[start(f"setsid sleep {mark} & wait")], END], tools=tools.ALL, settings=BYPASS)
    await d.send("Go")
    assert alive(f"sleep\0{mark}") != []
    await d.task.close()
    assert alive(mark) == []
    assert [event.summary for event in d.all(CommandEnded)] == ["stopped"]


async def test_the_agent_waits_for_the_end_of_what_it_started(desk: Make) -> None:
    d = desk(
        [
            [start("until test -e go; do sleep 0.01; done")],
            [call("write_file", path="go", content="x\n")],
            lambda _: [call("read_output", call=d.all(ToolRunning)[0].call, wait_seconds=30)],
            END,
        ],
        tools=tools.ALL,
        settings=BYPASS,
    )
    await d.send("Go")
    assert d.all(ToolDone)[-1].output == "(no output)\n\nIt is over: exit code 0."


async def test_the_end_is_told_with_the_next_message_and_once(desk: Make) -> None:
    d = desk(
        [[start("until test -e go; do sleep 0.01; done")], END, END, END],
        tools=tools.ALL,
        settings=BYPASS,
    )
    await d.send("Go")
    background = last_call(d)
    (d.root / "go").touch()
    await d.until(CommandEnded)
    before = d.requests[-1].messages
    await d.send("And?")
    assert f"The background command of call {background} is over: exit code 0." in (
        d.all(TurnStarted)[-1].note or ""
    )
    assert d.requests[-1].messages[: len(before)] == before
    await d.send("And now?")
    assert "background" not in (d.all(TurnStarted)[-1].note or "")


async def test_a_result_brings_the_news_of_a_command_that_has_ended(desk: Make) -> None:
    wait = "until test -e {0}; do sleep 0.01; done"
    d = desk(
        [
            [start(wait.format("go"))],
            [call("execute_command", command=f"touch go; {wait.format('on')}")],
            END,
        ],
        tools=tools.ALL,
        settings=BYPASS,
    )
    await d.submit(TurnStart(text="Go"))
    await d.until(CommandEnded)
    (d.root / "on").touch()
    await d.until(TurnEnded)
    told = d.requests[-1].messages[-1]
    assert isinstance(told, ToolMessage)
    assert str(told.content).endswith("is over: exit code 0. read_output has its output.]")


async def test_a_log_whose_command_was_cut_off_says_so_when_it_is_opened_again(
    desk: Make, mark: str
) -> None:
    d = desk(
        [
            [start(f"exec sleep {mark}")],
            END,
            lambda _: [call("read_output", call=background)],
            END,
        ],
        tools=tools.ALL,
        settings=BYPASS,
    )
    await d.send("Go")
    background = last_call(d)
    before = d.task
    d.reopen()
    await before.close()
    assert [(e.call, e.summary) for e in d.all(CommandEnded)] == [
        (background, "ended with the server")
    ]
    await d.send("And?")
    assert "is over: ended with the server" in (d.all(TurnStarted)[-1].note or "")
    assert d.all(ToolDone)[-1].summary == "ended with the server"
    with pytest.raises(CommandRefused, match="No command runs in the background"):
        await d.submit(CommandStop(call=background))


async def test_the_card_says_that_a_command_goes_on_in_the_background(
    desk: Make, mark: str
) -> None:
    d = desk([[start(f"exec sleep {mark}")], END], tools=tools.ALL)
    await d.submit(TurnStart(text="Go"))
    ask = await d.until(AskOpened)
    assert ask.effect.title == "Run command in the background"
    assert ask.effect.command is not None
    assert ask.effect.command.background
    assert alive(mark) == []
    await d.answer("approve")
    assert (await d.until(TurnEnded)).reason == "done"
    assert len(alive(f"sleep\0{mark}")) == 1


async def test_d5_an_approval_of_a_command_for_the_task_is_none_for_the_background(
    desk: Make,
) -> None:
    d = desk([[call("execute_command", command="true")], [start("true")], END], tools=tools.ALL)
    await d.submit(TurnStart(text="Go"))
    first = await d.answer("approve_task")
    second = await d.answer("approve", after=first.seq)
    assert second.effect.command is not None
    assert second.effect.command.background
    assert (await d.until(TurnEnded)).reason == "done"


async def test_plan_mode_reads_the_output_and_has_no_way_to_stop_a_command(
    desk: Make, mark: str
) -> None:
    script = [
        [start(f"exec sleep {mark}")],
        END,
        lambda _: [call("read_output", call=last_call(d)), call("stop_command", call=last_call(d))],
        END,
    ]
    d = desk(script, tools=tools.ALL, settings=BYPASS)
    await d.send("Go")
    await d.submit(ModeSet(mode="plan"))
    await d.send("Look")
    names = [tool.name for tool in d.requests[-1].tools]
    assert "read_output" in names
    assert "stop_command" not in names
    assert [done.ok for done in d.all(ToolDone)[-2:]] == [True, False]
    assert len(alive(f"sleep\0{mark}")) == 1


async def test_a_call_that_is_no_running_command_is_refused(desk: Make) -> None:
    d = desk([END])
    await d.send("Go")
    with pytest.raises(CommandRefused, match="not running any more"):
        await d.submit(CommandBackground(call="execute_command:0"))
    with pytest.raises(CommandRefused, match="only the tasks that it started"):
        await d.submit(CommandStop(call="execute_command:0"), by="kernel:1")


async def test_a_rewind_to_before_a_command_ends_it(desk: Make, mark: str) -> None:
    d = desk([[start(f"exec sleep {mark}")], END], tools=tools.ALL, settings=BYPASS)
    await d.send("Go")
    await d.submit(TaskRewind(seq=d.all(TurnStarted)[0].seq))
    assert alive(mark) == []
    assert d.all(CommandEnded)[0].seq < d.all(Rewound)[0].seq


async def test_what_changes_while_a_command_runs_in_the_background_is_named(
    desk: Make, tmp_path: Path
) -> None:
    command = "echo 2 > early; touch started; until test -e go; do sleep 0.01; done; echo 3 > late"
    d = desk(
        [[start(command)], [call("write_file", path="mine", content="x\n")], END, END],
        tools=tools.ALL,
        settings=BYPASS,
    )
    checkpoints = Store(tmp_path / "data", d.root).checkpoints(d.task.id)
    d.task.services = replace(d.task.services, checkpoints=checkpoints)
    d.task._gate._services = d.task.services
    (d.root / "early").write_text("1\n")
    (d.root / "late").write_text("1\n")
    await d.send("Go")
    (d.root / "go").touch()
    ended = await d.until(CommandEnded)
    last = d.all(Checkpoint)[-1]
    assert last.seq < ended.seq
    assert (last.files, set(last.uncovered)) == (
        (),
        {f"{name} (changed while a command ran in the background)" for name in ("go", "late")},
    )
    await d.submit(TaskRewind(seq=d.all(TurnStarted)[0].seq))
    assert ((d.root / "early").read_text(), (d.root / "late").read_text()) == ("1\n", "3\n")
    assert any("late" in kept for kept in d.all(Rewound)[0].kept)
