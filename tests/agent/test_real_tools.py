"""The agent with the tools that it ships with, on a real folder and a real shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kimi_jupyter import tools
from kimi_jupyter.protocol.commands import TurnStart, TurnStop
from kimi_jupyter.protocol.events import AskOpened, ToolDone, ToolOutput, TurnEnded
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]


async def test_read_edit_run(desk: Make) -> None:
    d = desk(
        [
            [call("read_file", path="a.py"), call("list_files"), call("search_files", pattern="1")],
            [call("apply_diff", path="a.py", hunks=[{"search": "x = 1", "replace": "x = 2"}])],
            [call("write_file", path="b.py", content="import a\nprint(a.x)\n")],
            [call("execute_command", command="python3 b.py")],
            END,
        ],
        tools=tools.ALL,
    )
    (d.root / "a.py").write_text("x = 1\n")
    await d.submit(TurnStart(text="Make it two"))
    seen = 0
    titles: list[str] = []
    for _ in range(3):
        ask = await d.answer("approve", after=seen)
        seen = ask.seq
        titles.append(ask.effect.title)
    assert (await d.until(TurnEnded)).reason == "done"
    assert [done.ok for done in d.all(ToolDone)] == [True] * 6, d.all(ToolDone)
    assert titles[1] == "Write file b.py (+2 −0)"
    assert (d.root / "a.py").read_text() == "x = 2\n"
    assert "2\n" in d.all(ToolDone)[-1].output
    assert "2\n" in "".join(str(m.content) for m in d.requests[-1].messages)


async def test_stop_kills_a_running_command_with_its_children(desk: Make) -> None:
    d = desk(
        [[call("execute_command", command="sleep 300 & echo pid $!; wait")], END],
        tools=tools.ALL,
        settings=Settings(mode="bypass"),
    )
    await d.submit(TurnStart(text="Wait"))
    output = await d.until(ToolOutput)
    pid = int(output.text.split()[1])
    assert Path(f"/proc/{pid}").exists()
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert not _runs(pid)


async def test_an_approved_edit_of_a_changed_file_is_shown_again(desk: Make) -> None:
    d = desk(
        [[call("apply_diff", path="a.py", hunks=[{"search": "x = 1", "replace": "x = 2"}])], END],
        tools=tools.ALL,
    )
    (d.root / "a.py").write_text("x = 1\n")
    await d.submit(TurnStart(text="Make it two"))
    first = await d.until(AskOpened)
    (d.root / "a.py").write_text("# by hand\nx = 1\n")
    await d.answer("approve")
    await d.answer("approve", after=first.seq)
    assert (await d.until(TurnEnded)).reason == "done"
    assert (d.root / "a.py").read_text() == "# by hand\nx = 2\n"


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
