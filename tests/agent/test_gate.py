"""The one way to a tool: what is validated, asked, looked at again, run and redacted."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from kimi_jupyter.agent import words
from kimi_jupyter.protocol.commands import AskAnswer, ModeSet, TurnStart
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Notice,
    ToolDone,
    ToolOutput,
    ToolRunning,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]


async def start(d: Desk, text: str = "Go") -> None:
    await d.submit(TurnStart(text=text))


@pytest.mark.parametrize(
    ("played", "said"),
    [
        ({"call": {"name": "look", "arguments": '{"path": "a'}}, "not valid JSON"),
        ({"call": {"name": "look", "arguments": "[" * 5000}}, "not valid JSON"),
        ({"call": {"name": "look", "arguments": '"a"'}}, "must be one JSON object"),
        ({"call": {"name": "look", "arguments": '{"path": "\\ud83d"}'}}, "surrogate"),
        (call("look", file="a"), "path: Field required; file: Extra inputs"),
        (call("look", path=3), "path: Input should be a valid string"),
        (
            call("fly", to="Rome"),
            "There is no tool 'fly'; nothing was executed. The tools are: look, put, run.",
        ),
        (call("look", path="../outside"), "outside"),
    ],
)
async def test_a_bad_call_is_answered_in_words(
    desk: Make, played: dict[str, Any], said: str
) -> None:
    d = desk([[played], END])
    assert (await d.send("Go")).reason == "done"
    (done,) = d.all(ToolDone)
    assert not done.ok
    assert said in done.output
    assert d.requests[1].messages[-1].content == done.output
    assert len(d.all(ToolStarted)) == 1
    assert not d.all(ToolRunning)


async def test_a_bug_in_a_tool_is_an_answer_not_a_hang(
    desk: Make, caplog: pytest.LogCaptureFixture
) -> None:
    d = desk([[call("run", command="crash")], END], settings=Settings(mode="bypass"))
    assert (await d.send("Go")).reason == "done"
    (done,) = d.all(ToolDone)
    assert (done.ok, "ZeroDivisionError" in done.output) == (False, True)
    assert "Traceback" in caplog.text


async def test_an_approved_write_is_done_and_told(desk: Make) -> None:
    d = desk([[call("put", path="a.txt", content="new\n")], END])
    await start(d)
    ask = await d.until(AskOpened)
    assert not (d.root / "a.txt").exists()
    assert d.task.status == "waiting"
    assert len(ask.ask) == 32
    assert ask.options == ("approve", "approve_task", "reject")
    assert ask.effect.diff is not None
    assert ask.effect.diff.after == "new\n"
    await d.answer("approve")
    assert (await d.until(TurnEnded)).reason == "done"
    assert (d.root / "a.txt").read_text() == "new\n"
    assert d.requests[1].messages[-1].content == "a.txt was written."
    types = [e.type for e in d.events if e.type.startswith(("tool", "ask"))]
    assert types == ["tool.started", "ask.opened", "ask.closed", "tool.running", "tool.done"]
    assert d.notified.count(("asks", d.task.id)) == 2


async def test_a_plain_reject_ends_the_turn_and_the_log_tells_the_model(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1"), call("look", path="b")], END])
    await start(d)
    await d.answer("reject")
    ended = await d.until(TurnEnded)
    assert ended.reason == "stopped"
    assert "rejected" in (ended.message or "")
    assert not (d.root / "a").exists()
    assert [done.output for done in d.all(ToolDone)] == [words.REJECTED, words.AFTER_REJECTION]
    assert len(d.requests) == 1
    assert (await d.send("Then not")).reason == "done"
    assert [m.role for m in d.requests[1].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
    ]


async def test_a_reject_with_a_comment_goes_on_with_the_comment(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END])
    await start(d)
    await d.answer("reject", comment=" use b instead ")
    assert (await d.until(TurnEnded)).reason == "done"
    assert "The user says: use b instead" in str(d.requests[1].messages[-1].content)
    assert d.all(AskClosed)[0].comment == "use b instead"


async def test_the_second_answer_is_refused_and_says_who_was_first(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END])
    await start(d)
    ask = await d.answer("approve")
    with pytest.raises(CommandRefused, match="already answered in the browser: approved"):
        await d.submit(AskAnswer(ask=ask.ask, decision="reject"))
    await d.until(TurnEnded)
    assert (d.root / "a").read_text() == "1"
    d.reopen()
    with pytest.raises(CommandRefused, match="already answered"):
        await d.submit(AskAnswer(ask=ask.ask, decision="approve"))


async def test_an_answer_that_was_not_offered_leaves_the_ask_open(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END])
    await start(d)
    ask = await d.until(AskOpened)
    for answer in (
        AskAnswer(ask=ask.ask, decision="approve_remember"),
        AskAnswer(ask=ask.ask, decision="approve", hunks=(0,)),
        AskAnswer(ask="0" * 32, decision="approve"),
    ):
        with pytest.raises(CommandRefused):
            await d.submit(answer)
    assert d.task.open_asks == 1
    await d.answer("approve")
    assert (await d.until(TurnEnded)).reason == "done"


@pytest.mark.parametrize("change", ["edit", "replace by a link"])
async def test_a_file_that_changed_since_the_card_is_asked_about_afresh(
    desk: Make, change: str
) -> None:
    d = desk([[call("put", path="a", content="mine\n")], END])
    (d.root / "a").write_text("old\n")
    (d.root / "b").write_text("other\n")
    await start(d)
    first = await d.until(AskOpened)
    if change == "edit":
        (d.root / "a").write_text("theirs\n")
    else:
        (d.root / "a").unlink()
        os.symlink("b", d.root / "a")
    await d.answer("approve")
    second = await d.until(AskOpened, after=first.seq)
    assert second.ask != first.ask
    assert "changed since" in second.why
    assert (d.root / "a").read_text() != "mine\n"
    await d.answer("approve", after=first.seq)
    assert (await d.until(TurnEnded)).reason == "done"
    assert (d.root / "a").read_text() == "mine\n"
    assert len(d.all(ToolRunning)) == 1


async def test_a_file_that_vanished_since_the_card_is_no_silent_write(desk: Make) -> None:
    d = desk([[call("put", path="a", content="mine\n")], END])
    (d.root / "a").write_text("old\n")
    await start(d)
    first = await d.until(AskOpened)
    (d.root / "a").unlink()
    await d.answer("approve")
    await d.until(AskOpened, after=first.seq)
    assert not (d.root / "a").exists()


async def test_approve_and_remember_stores_the_pattern_before_it_runs(desk: Make) -> None:
    d = desk([[call("run", command="make test")], END])
    await start(d)
    ask = await d.answer("approve_remember")
    assert ask.options == ("approve", "approve_task", "approve_remember", "reject")
    await d.until(TurnEnded)
    assert d.remembered == [r"^make\ test$"]
    assert d.run_tool.ran == ["make test"]


async def test_a_pattern_that_could_not_be_stored_is_said_and_the_command_runs_once(
    desk: Make,
) -> None:
    d = desk([[call("run", command="ls")], END])
    d.remember_fails = True
    await start(d)
    await d.answer("approve_remember")
    await d.until(TurnEnded)
    assert d.run_tool.ran == ["ls"]
    assert "not remembered" in d.all(Notice)[0].text


@pytest.mark.parametrize("command", ["ls\nls", "ls \u202ea", "echo " + "a" * 3_000])
async def test_remembering_is_not_offered_where_the_command_would_ask_again(
    desk: Make, command: str
) -> None:
    d = desk([[call("run", command=command)], END])
    await start(d)
    assert (await d.answer("approve")).options == ("approve", "approve_task", "reject")
    await d.until(TurnEnded)
    assert d.run_tool.ran == [command]


async def test_a_remembered_command_does_not_ask(desk: Make) -> None:
    allowed = Settings(auto_approve_commands=("^ls$",))
    d = desk([[call("run", command="ls")], END], settings=allowed)
    assert (await d.send("Go")).reason == "done"
    assert not d.all(AskOpened)


async def test_approve_for_the_task_covers_this_command_and_no_other(desk: Make) -> None:
    d = desk(
        [
            [call("run", command="ls")],
            [call("run", command="ls")],
            [call("run", command="ls -a")],
            END,
        ]
    )
    await start(d)
    first = await d.answer("approve_task")
    second = await d.until(AskOpened, after=first.seq)
    assert second.effect.title == "ls -a"
    assert d.run_tool.ran == ["ls", "ls"]


async def test_approve_for_the_task_covers_writes_but_no_protected_name(desk: Make) -> None:
    d = desk(
        [
            [call("put", path="a", content="1")],
            [call("put", path="b", content="2")],
            [call("put", path=".git/config", content="3")],
            END,
        ]
    )
    await start(d)
    first = await d.answer("approve_task")
    second = await d.until(AskOpened, after=first.seq)
    assert (d.root / "b").read_text() == "2"
    assert second.effect.paths == (".git/config",)
    assert second.options == ("approve", "reject")
    assert second.why


@pytest.mark.parametrize("mode", ["ask", "accept_edits", "bypass"])
async def test_a_protected_name_asks_in_every_mode(desk: Make, mode: Any) -> None:
    d = desk(
        [[call("put", path=".git/hooks/pre-commit", content="x")], END],
        settings=Settings(mode=mode),
    )
    await start(d)
    ask = await d.until(AskOpened)
    assert ask.options == ("approve", "reject")
    assert ask.effect.protected


async def test_a_link_to_a_protected_name_is_protected_too(desk: Make) -> None:
    d = desk([[call("look", path="notes.txt")], END], settings=Settings(mode="bypass"))
    (d.root / ".env").write_text("A=1")
    os.symlink(".env", d.root / "notes.txt")
    await start(d)
    assert (await d.until(AskOpened)).kind == "read"


async def test_plan_mode_offers_no_tool_that_changes_things_and_refuses_them(desk: Make) -> None:
    d = desk(
        [[call("put", path="a", content="1"), call("run", command="ls")], END],
        settings=Settings(mode="plan"),
    )
    await d.send("Go")
    assert [tool.name for tool in d.requests[0].tools] == ["look"]
    assert all(not done.ok and "Plan mode" in done.output for done in d.all(ToolDone))
    assert d.run_tool.ran == []
    assert not (d.root / "a").exists()


async def test_a_switch_to_plan_while_the_card_is_open_beats_the_approval(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END])
    await start(d)
    await d.until(AskOpened)
    await d.submit(ModeSet(mode="plan"))
    await d.answer("approve")
    await d.until(TurnEnded)
    assert "Plan mode" in d.all(ToolDone)[0].output
    assert not (d.root / "a").exists()


async def test_an_edited_command_is_what_runs_and_the_model_is_told(desk: Make) -> None:
    d = desk([[call("run", command="rm -r build")], END])
    await start(d)
    await d.answer("approve_remember", edited="rm -ri build")
    await d.until(TurnEnded)
    assert d.run_tool.ran == ["rm -ri build"]
    assert d.remembered == [r"^rm\ \-ri\ build$"]
    assert "what ran is: rm -ri build" in str(d.requests[1].messages[-1].content)


async def test_an_edited_text_is_what_is_written(desk: Make) -> None:
    d = desk([[call("put", path="a", content="model\n")], END])
    await start(d)
    await d.answer("approve", edited="user\n")
    await d.until(TurnEnded)
    assert (d.root / "a").read_text() == "user\n"
    assert "The user changed the text before approving it" in str(
        d.requests[1].messages[-1].content
    )
    diff = d.all(ToolDone)[0].diff
    assert diff is not None
    assert diff.after == "user\n"


async def test_secrets_reach_neither_model_nor_log_nor_screen(desk: Make) -> None:
    secret = "sk-0123456789abcdefghijABCDEFGHIJ"
    d = desk(
        [[call("look", path="a"), call("run", command="ls")], END],
        settings=Settings(mode="bypass"),
        secrets=[secret, "hunter2hunter2"],
    )
    (d.root / "a").write_text(f"key={secret} pass=hunter2hunter2")
    await d.send("Go")
    text = d.path.read_text()
    assert secret not in text
    assert "hunter2hunter2" not in text
    assert "hunter2hunter2" not in str(d.requests[1])


async def test_live_output_is_shown(desk: Make) -> None:
    d = desk([[call("run", command="sleep")], END], settings=Settings(mode="bypass"))
    await start(d)
    output = await d.until(ToolOutput)
    assert output.text == "$ sleep\n"


async def test_a_kernel_answers_only_the_asks_of_its_own_tasks(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END])
    await start(d)
    ask = await d.until(AskOpened)
    for command in (AskAnswer(ask=ask.ask, decision="approve"), ModeSet(mode="bypass")):
        with pytest.raises(CommandRefused, match="only the tasks that it started"):
            await d.submit(command, by="kernel:abc")
    assert d.task.open_asks == 1


async def test_the_kernel_that_started_a_task_answers_its_asks(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END], origin="kernel:abc")
    await start(d)
    with pytest.raises(CommandRefused):
        await d.answer("approve", by="kernel:other")
    await d.answer("approve", by="kernel:abc")
    assert (await d.until(TurnEnded)).reason == "done"
    assert d.all(AskClosed)[0].by == "kernel"
    assert len(d.all(TurnStarted)) == 1


async def test_reads_ask_where_the_setting_says_so(desk: Make) -> None:
    d = desk(
        [[call("look", path="a"), call("look", path="b")], END],
        settings=Settings(auto_approve_read=False),
    )
    (d.root / "a").write_text("A")
    (d.root / "b").write_text("B")
    await start(d)
    first = await d.answer("approve")
    await d.answer("approve", after=first.seq)
    assert (await d.until(TurnEnded)).reason == "done"
    assert [done.ok for done in d.all(ToolDone)] == [True, True]
