"""The door of a task: what is taken, what is refused, and how turns stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from kimi_jupyter.agent import words
from kimi_jupyter.models.catalogue import OFFLINE
from kimi_jupyter.models.provider import Finished, Piece, Request, Text, Think
from kimi_jupyter.protocol.commands import (
    AskAnswer,
    ModelSet,
    ModeSet,
    NotebookResult,
    TaskRewind,
    TurnStart,
    TurnStop,
)
from kimi_jupyter.protocol.errors import CommandRefused, ModelError, SettingsError
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    ModeChanged,
    ModelChanged,
    Notice,
    ReplyDone,
    Retrying,
    Rewound,
    TextDelta,
    ToolDone,
    ToolRunning,
    TurnEnded,
    TurnStarted,
)
from kimi_jupyter.protocol.messages import AssistantMessage
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, Played, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]


async def endless(request: Request) -> AsyncGenerator[Piece]:
    yield Think("Hm.")
    yield Text("Once upon")
    await asyncio.Event().wait()
    yield Finished(AssistantMessage(content="never"), "stop", None)


async def test_stop_while_the_reply_streams_keeps_what_had_come(desk: Make) -> None:
    d = desk(Played(endless))
    await d.submit(TurnStart(text="Tell"))
    await d.until(TextDelta)
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    (reply,) = d.all(ReplyDone)
    assert reply.finish == "stopped"
    assert reply.message == AssistantMessage(content="Once upon", reasoning_content="Hm.")
    assert not d.task.is_running


async def test_stop_before_the_turn_took_its_first_step(desk: Make) -> None:
    d = desk([END])
    await d.submit(TurnStart(text="Go"))
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert d.requests == []
    assert not d.task.is_running


async def test_stop_while_an_ask_is_open_cancels_it(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1"), call("run", command="ls")], END])
    await d.submit(TurnStart(text="Go"))
    ask = await d.until(AskOpened)
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    (closed,) = d.all(AskClosed)
    assert (closed.decision, closed.by) == ("cancelled", "agent")
    assert [done.output for done in d.all(ToolDone)] == [words.STOPPED, words.STOPPED]
    with pytest.raises(CommandRefused, match="cancelled"):
        await d.submit(AskAnswer(ask=ask.ask, decision="approve"))
    assert not (d.root / "a").exists()
    assert [e.type for e in d.events[-4:]] == ["ask.closed", "tool.done", "tool.done", "turn.ended"]


async def test_stop_and_approve_in_the_same_moment_execute_nothing(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END])
    await d.submit(TurnStart(text="Go"))
    ask = await d.until(AskOpened)
    await d.submit(TurnStop())
    with pytest.raises(CommandRefused):
        await d.submit(AskAnswer(ask=ask.ask, decision="approve"))
    await d.until(TurnEnded)
    assert not (d.root / "a").exists()


async def test_stop_cancels_a_running_command_and_tells_the_model(desk: Make) -> None:
    d = desk([[call("run", command="sleep")], END], settings=Settings(mode="bypass"))
    await d.submit(TurnStart(text="Go"))
    await d.until(ToolRunning)
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert d.run_tool.cancelled == ["sleep"]
    (done,) = d.all(ToolDone)
    assert (done.ok, done.output) == (False, words.STOPPED_RUNNING)
    await d.send("What now?")
    assert [m.role for m in d.requests[1].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "user",
    ]
    assert "stopped by the user" in d.all(TurnStarted)[1].note


async def test_stop_during_the_wait_before_a_retry(desk: Make) -> None:
    async def play(request: Request) -> AsyncGenerator[Piece]:
        raise ModelError("Wait.", fault="rate_limit", retry=True, retry_after=200)
        yield

    d = desk(Played(play))
    await d.submit(TurnStart(text="Go"))
    await d.until(Retrying)
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert len(d.requests) == 1


async def test_nothing_to_stop_is_said(desk: Make) -> None:
    with pytest.raises(CommandRefused, match="No turn is running"):
        await desk([END]).submit(TurnStop())


async def test_the_conversation_can_not_go_back_while_a_turn_runs(desk: Make) -> None:
    d = desk(Played(endless))
    await d.submit(TurnStart(text="Tell"))
    with pytest.raises(CommandRefused, match="A turn is running"):
        await d.submit(TaskRewind(seq=2))
    assert len(d.all(TurnStarted)) == 1


async def test_of_two_messages_at_once_one_is_taken(desk: Make) -> None:
    d = desk(Played(endless))
    answers = await asyncio.gather(
        d.submit(TurnStart(text="One")), d.submit(TurnStart(text="Two")), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [type(None), CommandRefused]
    assert [turn.text for turn in d.all(TurnStarted)] == ["One"]


async def test_an_empty_message_is_refused(desk: Make) -> None:
    d = desk([END])
    with pytest.raises(CommandRefused, match="empty"):
        await d.submit(TurnStart(text=" \n"))
    assert len(d.events) == 1


async def test_closing_ends_the_turn_as_interrupted(desk: Make) -> None:
    d = desk([[call("run", command="sleep")]], settings=Settings(mode="bypass"))
    await d.submit(TurnStart(text="Go"))
    await d.until(ToolRunning)
    follower = d.task.follow(d.task.log.last_seq)
    await d.task.close()
    assert [event.type async for event in follower] == ["tool.done", "turn.ended"]
    (done,) = d.all(ToolDone)
    assert (done.summary, done.output) == ("outcome unknown", words.INTERRUPTED_RUNNING)
    assert d.all(TurnEnded)[0].reason == "interrupted"
    assert d.run_tool.cancelled == ["sleep"]


async def test_a_task_that_crashed_is_continued(desk: Make) -> None:
    d = desk(Played(endless))
    await d.submit(TurnStart(text="Tell"))
    await d.until(TextDelta)
    d.task.log.flush()
    crashed = d.path.read_bytes()
    await d.task.close()
    d.path.write_bytes(crashed)
    d.reopen()

    async def play(request: Request) -> AsyncGenerator[Piece]:
        yield Finished(AssistantMessage(content="ok"), "stop", None)

    d.provider = Played(play)
    assert (await d.send("Go on")).reason == "done"
    roles = [m.role for m in d.provider.requests[0].messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert "cut off by a restart" in d.all(TurnStarted)[1].note


async def test_the_model_is_changed_to_a_known_one_only(desk: Make) -> None:
    d = desk([END])
    for model, said in (
        ("gpt-5", 'Unknown model "gpt-5". Available models: kimi-k2.6'),
        ("kimi-k2.5", "kimi-k2.5 has been retired by Moonshot. Available models: "),
    ):
        with pytest.raises(CommandRefused, match=said):
            await d.submit(ModelSet(model=model))
    assert d.task.model == "kimi-k2.6"
    await d.submit(ModelSet(model=OFFLINE))
    await d.submit(ModelSet(model="kimi-k3"))
    assert [event.model for event in d.all(ModelChanged)] == [OFFLINE, "kimi-k3"]
    await d.send("Hi")
    assert d.requests[0].model == "kimi-k3"


async def test_the_mode_is_told_at_the_tail_and_the_prompt_stays(desk: Make) -> None:
    d = desk([END, END, END])
    await d.send("One")
    await d.submit(ModeSet(mode="plan"))
    await d.send("Two")
    await d.submit(ModeSet(mode="accept_edits"))
    await d.send("Three")
    assert [event.mode for event in d.all(ModeChanged)] == ["plan", "accept_edits"]
    notes = [turn.note for turn in d.all(TurnStarted)]
    assert "Plan mode is on" in notes[1]
    assert "Plan mode is off again" in notes[2]
    assert len({str(request.messages[0]) for request in d.requests}) == 1


async def test_bypass_does_not_survive_a_restart(desk: Make) -> None:
    d = desk([END])
    await d.submit(ModeSet(mode="bypass"))
    d.reopen()
    assert d.task.mode == "ask"
    assert "Bypass" in d.all(Notice)[0].text


async def test_rewinding_takes_messages_out_of_the_conversation(desk: Make) -> None:
    d = desk(lambda request: END)
    await d.send("One")
    await d.send("Two")
    second = d.all(TurnStarted)[1].seq
    with pytest.raises(CommandRefused):
        await d.submit(TaskRewind(seq=second + 1))
    await d.submit(TaskRewind(seq=second))
    with pytest.raises(CommandRefused):
        await d.submit(TaskRewind(seq=second))
    await d.send("Three")
    assert [event.to for event in d.all(Rewound)] == [second]
    texts = [str(m.content).split("\n")[0] for m in d.requests[-1].messages if m.role == "user"]
    assert texts == ["One", "Three"]


async def test_a_notebook_result_without_an_ask_is_refused(desk: Make) -> None:
    with pytest.raises(CommandRefused):
        await desk([END]).submit(NotebookResult(ask="0" * 32))


async def test_a_slash_command_needs_no_request_and_no_turn(desk: Make) -> None:
    d = desk([END])
    await d.submit(TurnStart(text="/help"))
    await d.submit(TurnStart(text="/model kimi-k3"))
    await d.submit(TurnStart(text="/mode accept edits"))
    await d.submit(TurnStart(text="/cost"))
    assert d.requests == []
    assert not d.all(TurnStarted)
    assert (d.task.model, d.task.mode, d.task.title) == ("kimi-k3", "accept_edits", "")
    notices = [notice.text for notice in d.all(Notice)]
    assert "| `/model` |" in notices[0]
    assert notices[1:] == [
        "The model is now `kimi-k3`.",
        "The approval mode is now **Accept edits**.",
        "This task has made no request yet.",
    ]


async def test_a_slash_command_that_can_not_be_done_is_refused(desk: Make) -> None:
    d = desk([END])
    for text, said in (
        ("/nonsense", "no command"),
        ("/model gpt-5", "Unknown model"),
        ("/mode yolo", "no mode 'yolo'"),
    ):
        with pytest.raises(CommandRefused, match=said):
            await d.submit(TurnStart(text=text))
    assert len(d.events) == 1


async def test_a_path_at_the_start_is_a_message(desk: Make) -> None:
    d = desk([END])
    await d.send("/srv/x.py does not start")
    assert d.all(TurnStarted)[0].text.startswith("/srv")


async def test_a_kernel_can_not_change_the_mode_by_a_slash_command(desk: Make) -> None:
    d = desk([END])
    with pytest.raises(CommandRefused):
        await d.submit(TurnStart(text="/mode bypass"), by="kernel:x")
    assert d.task.mode == "ask"


async def test_a_key_in_a_message_or_an_attachment_is_not_kept(desk: Make) -> None:
    d = desk([END], secrets=["my-very-own-secret"])
    (d.root / "a.txt").write_text("token: my-very-own-secret")
    await d.send("Use my-very-own-secret with @a.txt")
    assert "my-very-own-secret" not in d.path.read_text()
    assert "my-very-own-secret" not in str(d.requests[0].messages)


async def test_a_provider_that_can_not_be_made_ends_the_turn_in_its_words(desk: Make) -> None:
    def play(request: Request) -> AsyncGenerator[Piece]:
        raise SettingsError("`kimi.baseUrl` is no address.")

    ended = await desk(Played(play)).send("Hi")
    assert (ended.reason, ended.message) == ("error", "`kimi.baseUrl` is no address.")


async def test_a_tool_that_swallows_the_stop_does_not_keep_the_turn_alive(desk: Make) -> None:
    d = desk([[call("run", command="deaf")], END], settings=Settings(mode="bypass"))
    await d.submit(TurnStart(text="Go"))
    await d.until(ToolRunning)
    await d.submit(TurnStop())
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert len(d.requests) == 1


async def test_the_next_message_may_follow_at_once(desk: Make) -> None:
    d = desk([END, END])
    follower = d.task.follow()
    await d.submit(TurnStart(text="One"))
    async for event in follower:
        if isinstance(event, TurnEnded):
            break
    await d.submit(TurnStart(text="Two"))
    assert (await d.until(TurnEnded)).reason == "done"
    assert len(d.all(TurnEnded)) == 2
