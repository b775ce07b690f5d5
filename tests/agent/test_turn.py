"""The loop: replies, tool calls, limits, failures."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable

import pytest

from kimi_jupyter.agent import words
from kimi_jupyter.models.provider import Finished, Piece, Request, Text, Think
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.events import (
    Notice,
    ReplyDone,
    Retrying,
    TaskRenamed,
    TextDelta,
    ToolDone,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from kimi_jupyter.protocol.messages import AssistantMessage, ToolMessage, Usage
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, Played, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]


def results(request: Request) -> list[str]:
    return [str(m.content) for m in request.messages if isinstance(m, ToolMessage)]


async def test_a_reply_is_streamed_and_kept_whole(desk: Make) -> None:
    d = desk([[{"think": "Easy."}, {"text": "Four."}]])
    follower = d.task.follow()
    ended = await d.send("What is 2 + 2?")
    assert ended.reason == "done"
    (reply,) = d.all(ReplyDone)
    assert reply.message == AssistantMessage(content="Four.", reasoning_content="Easy.")
    assert reply.model == "kimi-k2.6"
    seen = []
    while (event := follower.take()) is not None:
        seen.append(event.type)
    assert seen[:2] == ["task.created", "turn.started"]
    assert seen[-2:] == ["reply.done", "turn.ended"]


async def test_a_tool_call_is_answered_and_the_model_goes_on(desk: Make) -> None:
    d = desk([[{"text": "I look."}, call("look", path="a.txt")], [{"text": "It says hello."}]])
    (d.root / "a.txt").write_text("hello")
    ended = await d.send("What is in a.txt?")
    assert ended.reason == "done"
    (started,) = d.all(ToolStarted)
    assert (started.title, json.loads(started.arguments)) == ("Look at a.txt", {"path": "a.txt"})
    assert results(d.requests[1]) == ["hello"]


async def test_reads_of_a_step_overlap_and_results_keep_their_order(desk: Make) -> None:
    d = desk(
        [
            [call("look", path="b"), call("look", path="a"), call("look", path="none")],
            [{"text": "ok"}],
        ]
    )
    (d.root / "a").write_text("A")
    (d.root / "b").write_text("B")
    await d.send("Both")
    assert results(d.requests[1])[:2] == ["B", "A"]
    assert "none" in results(d.requests[1])[2]


async def test_the_first_message_names_the_task(desk: Make) -> None:
    d = desk([[{"text": "ok"}], [{"text": "ok"}]])
    await d.send(
        "\n  Find the bug in the parser, it fails on empty input and on long lines  \nplease"
    )
    await d.send("Another")
    (renamed,) = d.all(TaskRenamed)
    assert renamed.title == "Find the bug in the parser, it fails on empty input and on…"
    assert d.task.title == renamed.title
    assert ("tasks", d.task.id) in d.notified


async def test_no_key_ends_the_turn_with_the_cure(desk: Make) -> None:
    d = desk([[{"error": {"message": "none", "fault": "no_key"}}]])
    ended = await d.send("Hi")
    assert (ended.reason, ended.fault) == ("error", "no_key")
    assert (ended.message or "").startswith("No Moonshot API key set.")
    assert "Kimi: Set Moonshot API Key" in (ended.message or "")


async def test_an_error_of_the_api_is_told_in_its_words_and_the_next_message_goes_on(
    desk: Make,
) -> None:
    answers: list[list[dict[str, object]]] = [
        [{"error": {"message": "Your account is out of balance.", "fault": "quota"}}],
        [{"text": "There."}],
    ]
    d = desk(lambda request: answers.pop(0))
    ended = await d.send("Hi")
    assert (ended.reason, ended.message, ended.fault) == (
        "error",
        "Your account is out of balance.",
        "quota",
    )
    assert (await d.send("Again")).reason == "done"
    assert [m.role for m in d.requests[1].messages] == ["system", "user", "user"]


async def test_a_retry_begins_the_reply_anew(desk: Make) -> None:
    tries = iter([False, True])

    async def play(request: Request) -> AsyncGenerator[Piece]:
        yield Text("Half")
        if not next(tries):
            raise ModelError("The stream broke.", fault="broken_stream", retry=True)
        yield Text(" and whole")
        yield Finished(AssistantMessage(content="Half and whole"), "stop", None)

    d = desk(Played(play))
    follower = d.task.follow()
    assert (await d.send("Tell")).reason == "done"
    told = []
    while (event := follower.take()) is not None:
        told.append(event)
    deltas = [e for e in told if isinstance(e, TextDelta)]
    (retrying,) = [e for e in told if isinstance(e, Retrying)]
    (reply,) = d.all(ReplyDone)
    assert retrying.attempt == 2
    assert retrying.why == "The stream broke."
    assert {e.reply for e in deltas} <= {reply.reply}, "what the broken try had said is dropped"
    assert reply.message.content == "Half and whole"


async def test_what_had_come_before_the_last_try_failed_is_kept(desk: Make) -> None:
    async def play(request: Request) -> AsyncGenerator[Piece]:
        yield Think("Hm.")
        yield Text("Half")
        raise ModelError("Refused.", fault="bad_request")

    d = desk(Played(play))
    assert (await d.send("Tell")).fault == "bad_request"
    (reply,) = d.all(ReplyDone)
    assert (reply.finish, reply.message.content) == ("error", "Half")


async def test_the_turn_limit_counts_requests_since_the_last_message(desk: Make) -> None:
    d = desk(lambda request: [call("look", path="a")], settings=Settings(max_turns=3))
    (d.root / "a").write_text("A")
    ended = await d.send("Go")
    assert ended.reason == "turn_limit"
    assert (ended.message or "").startswith("Reached the agent turn limit")
    assert len(d.requests) == 3
    assert (await d.send("continue")).reason == "turn_limit"
    assert len(d.requests) == 6


async def test_the_token_limit_counts_uncached_input_and_output_of_the_task(desk: Make) -> None:
    usage = {"prompt_tokens": 5000, "cached_tokens": 4500, "completion_tokens": 100}
    d = desk(
        lambda request: [{"text": "ok"}, {"usage": usage}], settings=Settings(max_task_tokens=1000)
    )
    assert (await d.send("One")).reason == "done"
    assert (await d.send("Two")).reason == "done"
    ended = await d.send("Three")
    assert ended.reason == "token_limit"
    assert len(d.requests) == 2
    for part in ("Reached the task token limit", "kimi.maxTaskTokens", "Kimi: New Task"):
        assert part in (ended.message or "")
    d.settings = Settings(max_task_tokens=100_000)
    assert (await d.send("Four")).reason == "done"


async def test_usage_is_reported_with_its_price(desk: Make) -> None:
    async def play(request: Request) -> AsyncGenerator[Piece]:
        usage = Usage(prompt_tokens=1_000_000, cached_tokens=0, completion_tokens=0)
        yield Finished(AssistantMessage(content="ok"), "stop", usage)

    d = desk(Played(play))
    await d.send("Hi")
    (usage,) = d.all(UsageReported)
    assert (usage.prompt_tokens, usage.cost, usage.context_tokens) == (1_000_000, 0.95, 262_144)


@pytest.mark.parametrize("finish", ["length", "strange"])
async def test_calls_of_a_cut_reply_are_never_executed(desk: Make, finish: str) -> None:
    d = desk([[call("run", command="rm"), {"finish": finish}], [{"text": "ok"}]])
    await d.send("Go")
    (done,) = d.all(ToolDone)
    assert (done.ok, done.output) == (False, words.CUT_OFF)
    assert results(d.requests[1]) == [words.CUT_OFF]
    assert d.run_tool.ran == []


async def test_an_empty_reply_is_asked_for_once_more(desk: Make) -> None:
    answers = [[{"think": "Hm."}], [{"text": "Now."}]]
    d = desk(lambda request: answers.pop(0))
    assert (await d.send("Go")).reason == "done"
    assert [r.message.content for r in d.all(ReplyDone)] == ["Now."]


async def test_an_empty_reply_later_in_the_turn_is_asked_for_once_more_too(desk: Make) -> None:
    answers: list[list[dict[str, object]]] = [
        [{"think": "Hm."}],
        [call("look", path="a")],
        [{"think": "Hm."}],
        [{"text": "Now."}],
    ]
    d = desk(lambda request: answers.pop(0))
    assert (await d.send("Go")).reason == "done"
    assert answers == []


async def test_two_empty_replies_end_the_turn_with_words(desk: Make) -> None:
    d = desk(lambda request: [{"think": "Hm."}, {"finish": "length"}])
    ended = await d.send("Go")
    assert ended.reason == "error"
    assert "output limit" in (ended.message or "")
    assert len(d.requests) == 2


async def test_leaked_markup_is_told_to_the_model_once(desk: Make) -> None:
    leak = "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0"
    d = desk([[{"text": leak}], [{"text": "Sorry. Done."}]])
    assert (await d.send("Go")).reason == "done"
    assert d.requests[1].messages[-1].content == words.MALFORMED_CALL
    assert [n.level for n in d.all(Notice)] == ["warning"]


async def test_markup_in_the_thoughts_of_an_empty_reply_is_told_too(desk: Make) -> None:
    answers = [[{"think": "<|tool_call_begin|>functions.run:0"}], [{"text": "Done."}]]
    d = desk(lambda request: answers.pop(0))
    assert (await d.send("Go")).reason == "done"
    assert d.requests[1].messages[-1].content == words.MALFORMED_CALL
    assert d.run_tool.ran == []


async def test_markup_that_leaks_twice_ends_the_turn(desk: Make) -> None:
    d = desk(lambda request: [{"text": "<|open|>tools call"}])
    ended = await d.send("Go")
    assert ended.reason == "error"
    assert len(d.requests) == 2


async def test_a_reply_at_the_output_limit_says_so(desk: Make) -> None:
    d = desk([[{"text": "A long story"}, {"finish": "length"}]])
    ended = await d.send("Tell")
    assert ended.reason == "done"
    assert "output limit" in (ended.message or "")


async def test_every_request_begins_with_the_one_before(desk: Make) -> None:
    d = desk(
        [
            [{"think": "a"}, call("look", path="a"), call("look", path="nowhere")],
            [call("run", command="ls")],
            [{"text": "<|tool_call_begin|>"}],
            [{"text": "Done."}],
            [{"text": "More."}],
        ],
        settings=Settings(mode="bypass"),
    )
    (d.root / "a").write_text("</attachment> A")
    await d.send("Read @a")
    await d.send("And then?")
    sent = [
        [json.dumps(message.model_dump()) for message in request.messages] for request in d.requests
    ]
    assert len(sent) == 5
    for earlier, later in itertools.pairwise(sent):
        assert later[: len(earlier)] == earlier
    assert all(request.tools == d.requests[0].tools for request in d.requests)
    assert {request.task for request in d.requests} == {d.task.id}


async def test_output_tokens_are_clamped_to_what_the_window_has_left(desk: Make) -> None:
    d = desk([[{"text": "ok"}], [{"text": "ok"}]])
    await d.send("x" * 700_000)
    await d.send("x" * 100_000)
    assert 1024 <= d.requests[0].max_tokens < 32_768
    assert d.requests[1].max_tokens == 1024


async def test_a_fault_of_our_own_ends_the_turn_instead_of_hanging(
    desk: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def play(request: Request) -> AsyncGenerator[Piece]:
        raise ZeroDivisionError("sk-abcdefghij0123456789klmnopqrst")

    d = desk(Played(play))
    ended = await d.send("Go")
    assert ended.reason == "error"
    assert not d.task.is_running
    assert "ZeroDivisionError" in caplog.text
    assert "sk-abcdefghij" not in caplog.text


async def test_a_half_surrogate_in_a_reply_does_not_break_the_log(desk: Make) -> None:
    async def play(request: Request) -> AsyncGenerator[Piece]:
        yield Text("\ud83d")
        yield Finished(AssistantMessage(content="ok"), "stop", None)

    d = desk(Played(play))
    assert (await d.send("Go")).reason == "done"


async def test_the_note_tells_date_mode_and_notebook(desk: Make) -> None:
    d = desk([[{"text": "ok"}]])
    await d.send("Hi")
    (started,) = d.all(TurnStarted)
    assert started.text == "Hi"
    assert "Approval mode: Ask permission." in started.note
    assert started.note in str(d.requests[0].messages[1].content)


async def test_what_streams_is_shown_while_it_comes(desk: Make) -> None:
    go_on = asyncio.Event()

    async def play(request: Request) -> AsyncGenerator[Piece]:
        yield Text("First")
        await go_on.wait()
        yield Finished(AssistantMessage(content="First"), "stop", None)

    d = desk(Played(play))
    waiting = asyncio.create_task(d.send("Go"))
    while not d.events or d.events[-1].type == "task.created":
        await asyncio.sleep(0)
    delta = await d.until(TextDelta)
    assert delta.text == "First"
    assert not d.all(TurnEnded)
    go_on.set()
    assert (await waiting).reason == "done"
