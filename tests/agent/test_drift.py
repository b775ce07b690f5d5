"""The allow-list does not cover what the task wrote itself: it asks, says why, and knows it after a restart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kimi_jupyter import tools
from kimi_jupyter.protocol.commands import TurnStart
from kimi_jupyter.protocol.events import AskOpened, ToolDone, TurnEnded
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.allowlist import is_allowed
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]
RUN = f"{sys.executable} check.py"
RULES = (f"{sys.executable} check[.]py", "ls( .*)?", "bash check[.]sh", "bash make[.]sh")
HOSTILE = "open('owned', 'w').close()\n"


def settings(**values: Any) -> Settings:
    return Settings(auto_approve_commands=RULES, **values)


async def test_d5_danger_the_allow_list_alone_runs_what_was_just_written(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(HOSTILE)
    assert await is_allowed(RUN, RULES)
    subprocess.run(RUN.split(), cwd=tmp_path, check=True, timeout=20)
    assert (tmp_path / "owned").exists()


@pytest.mark.parametrize("given", [{"mode": "accept_edits"}, {"auto_approve_write": True}])
async def test_d5_a_file_written_without_a_question_is_not_run_without_one(
    desk: Make, given: dict[str, Any]
) -> None:
    d = desk(
        [[call("write_file", path="check.py", content=HOSTILE)], [call("execute_command", command=RUN)], END],
        tools=tools.ALL,
        settings=settings(**given),
    )  # fmt: skip
    await d.submit(TurnStart(text="Go"))
    ask = await d.until(AskOpened)
    assert (d.root / "check.py").exists()
    assert ask.why == "This task wrote check.py, which the command may run."
    assert ask.options == ("approve", "approve_task", "reject")
    assert not (d.root / "owned").exists()
    await d.answer("reject")
    await d.until(TurnEnded)
    assert not (d.root / "owned").exists()


async def test_d5_what_the_task_did_not_write_runs_unasked(desk: Make) -> None:
    d = desk(
        [[call("write_file", path="notes.md", content="x")], [call("execute_command", command=RUN)], END],
        tools=tools.ALL,
        settings=settings(mode="accept_edits"),
    )  # fmt: skip
    (d.root / "check.py").write_text("print('fine')\n")
    assert (await d.send("Go")).reason == "done"
    assert not d.all(AskOpened)
    assert "fine" in d.all(ToolDone)[-1].output


async def test_d5_a_program_that_only_reads_is_not_asked_about(desk: Make) -> None:
    d = desk(
        [[call("write_file", path="check.py", content=HOSTILE)], [call("execute_command", command="ls -l")], END],
        tools=tools.ALL,
        settings=settings(mode="accept_edits"),
    )  # fmt: skip
    assert (await d.send("Go")).reason == "done"
    assert "check.py" in d.all(ToolDone)[-1].output


async def test_d5_it_is_known_after_a_restart(desk: Make) -> None:
    d = desk(
        [[call("write_file", path="check.py", content=HOSTILE)], END, [call("execute_command", command=RUN)], END],
        tools=tools.ALL,
        settings=settings(mode="accept_edits"),
    )  # fmt: skip
    await d.send("Write")
    d.reopen()
    await d.submit(TurnStart(text="Run"))
    assert "wrote check.py" in (await d.until(AskOpened)).why
    assert not (d.root / "owned").exists()


async def test_d5_what_a_command_wrote_counts_too(desk: Make) -> None:
    d = desk(
        [[call("execute_command", command="bash make.sh")], [call("execute_command", command="bash check.sh")], END],
        tools=tools.ALL,
        settings=settings(),
        keeps_images=True,
    )  # fmt: skip
    (d.root / "make.sh").write_text(
        "echo 'touch owned' > check.sh; mkdir .pytest_cache; touch .pytest_cache/x\n"
    )
    await d.submit(TurnStart(text="Go"))
    ask = await d.until(AskOpened)
    assert (d.root / "check.sh").exists()
    assert ask.why == "This task wrote check.sh, which the command may run."
    assert not (d.root / "owned").exists()


async def test_d5_an_approval_for_the_task_lets_the_very_command_through(desk: Make) -> None:
    d = desk(
        [
            [call("write_file", path="check.py", content="print('one')\n")],
            [call("execute_command", command=RUN)],
            [call("write_file", path="check.py", content="print('two')\n")],
            [call("execute_command", command=RUN)],
            END,
        ],
        tools=tools.ALL,
        settings=settings(mode="accept_edits"),
    )
    await d.submit(TurnStart(text="Go"))
    await d.answer("approve_task")
    assert (await d.until(TurnEnded)).reason == "done"
    assert len(d.all(AskOpened)) == 1
    assert "two" in d.all(ToolDone)[-1].output
