"""Followers: replay, then what has streamed, then live, for the fast and the slow alike."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_jupyter.history.fold import Fold
from kimi_jupyter.history.follower import Follower
from kimi_jupyter.history.live import OUTPUT_LIMIT
from kimi_jupyter.history.log import Log
from kimi_jupyter.protocol.events import (
    CallDelta,
    CommandBackgrounded,
    CommandEnded,
    Event,
    Notice,
    ReplyDone,
    Retrying,
    TaskCreated,
    TextDelta,
    ThinkDelta,
    ToolDone,
    ToolOutput,
    ToolRunning,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from kimi_jupyter.protocol.messages import AssistantMessage

pytestmark = pytest.mark.anyio


def new_log(folder: Path) -> Log:
    seconds = iter(range(10**9))
    return Log.create(folder / "a.jsonl", TaskCreated(), clock=lambda: next(seconds) / 7)


def drain(follower: Follower) -> list[Event]:
    events: list[Event] = []
    while (event := follower.take()) is not None:
        events.append(event)
    return events


def kinds(events: list[Event]) -> list[str]:
    return [event.type for event in events]


async def test_a_follower_waits_for_the_next_event_and_ends_with_the_log(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    seen: list[str] = []

    async def watch() -> None:
        async for event in log.follow():
            seen.append(event.type)
            if event.type == "turn.started":
                log.emit(TurnEnded(reason="done"))
            if event.type == "turn.ended":
                log.close()

    watching = asyncio.create_task(watch())
    log.emit(TurnStarted(text="q"))
    await asyncio.wait_for(watching, 5)
    assert seen == ["task.created", "turn.started", "turn.ended"]


async def test_a_closed_follower_ends_at_once(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    follower = log.follow()
    follower.close()
    log.emit(Notice(level="info", text="x"))
    assert [event async for event in follower] == []
    log.close()


def test_after_names_the_last_event_that_the_reader_has(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    for number in range(3):
        log.emit(Notice(level="info", text=str(number)))
    assert [event.seq for event in drain(log.follow(2))] == [3, 4]
    assert drain(log.follow(4)) == []
    log.close()


def test_a_reader_of_lost_events_gets_everything_anew(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    assert kinds(drain(log.follow(99))) == ["task.created"]
    log.close()


def test_one_who_joins_gets_what_has_streamed_in_one_delta_each(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=lambda: 0.0)
    log.emit(TurnStarted(text="q"))
    log.emit(ToolStarted(call="c", name="execute_command", title="Run x", arguments="{}"))
    log.emit(ToolRunning(call="c"))
    for text in ("a", "b"):
        log.emit(ToolOutput(call="c", text=text))
        log.emit(ThinkDelta(reply="r", text=text))
        log.emit(TextDelta(reply="r", text=text.upper()))
    log.emit(CallDelta(reply="r", name="write_file", size=9))
    joined = log.follow(log.last_seq)
    log.emit(TextDelta(reply="r", text="C"))
    deltas = [event.model_dump(include={"type", "text", "size"}) for event in drain(joined)]
    assert deltas == [
        {"type": "tool.output", "text": "ab"},
        {"type": "think.delta", "text": "ab"},
        {"type": "text.delta", "text": "ABC"},
        {"type": "call.delta", "size": 9},
    ]
    log.close()


def test_one_who_joins_gets_what_a_background_command_has_printed_also_after_its_turn(
    tmp_path: Path,
) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=lambda: 0.0)
    log.emit(TurnStarted(text="q"))
    log.emit(ToolStarted(call="c", name="execute_command", title="Run x", arguments="{}"))
    log.emit(ToolRunning(call="c"))
    log.emit(ToolOutput(call="c", text="told with the result"))
    log.emit(CommandBackgrounded(call="c"))
    log.emit(ToolDone(call="c", ok=True, output="told with the result", summary=""))
    log.emit(ToolOutput(call="c", text="one, "))
    log.emit(TurnEnded(reason="done"))
    log.emit(ToolOutput(call="c", text="two"))
    (output,) = drain(log.follow(log.last_seq))
    assert isinstance(output, ToolOutput)
    assert output.text == "one, two"
    log.emit(CommandEnded(call="c", summary="exit code 0"))
    assert drain(log.follow(log.last_seq)) == []
    log.close()


def test_a_countdown_is_seen_by_one_who_joins_until_the_next_try_speaks(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.emit(TurnStarted(text="q"))
    log.emit(Retrying(why="busy", attempt=2, attempts=10, wait_ms=500))
    assert kinds(drain(log.follow(2))) == ["retrying"]
    log.emit(TextDelta(reply="r2", text="x"))
    assert kinds(drain(log.follow(2))) == ["text.delta"]
    log.close()


def test_a_slow_reader_holds_one_delta_of_a_kind_and_no_more_output_than_the_limit(
    tmp_path: Path,
) -> None:
    log = new_log(tmp_path)
    log.emit(TurnStarted(text="q"))
    log.emit(ToolStarted(call="c", name="x", title="x", arguments="{}"))
    slow = log.follow(log.last_seq)
    for _ in range(2_000):
        log.emit(ToolOutput(call="c", text="0123456789" * 10))
        log.emit(TextDelta(reply="r", text="x"))
        log.emit(ThinkDelta(reply="r", text="y"))
    assert len(slow._waiting) <= 3
    output = [event for event in drain(slow) if isinstance(event, ToolOutput)]
    assert len(output) == 1
    assert len(output[0].text) == OUTPUT_LIMIT
    log.close()


def test_output_that_a_result_has_replaced_is_not_sent(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.emit(TurnStarted(text="q"))
    log.emit(ToolStarted(call="c", name="x", title="x", arguments="{}"))
    slow = log.follow(log.last_seq)
    log.emit(ToolOutput(call="c", text="x"))
    log.emit(ToolDone(call="c", ok=True, output="x"))
    assert kinds(drain(slow)) == ["tool.done"]
    log.close()


def test_two_followers_do_not_share_what_they_have_read(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    first, second = log.follow(), log.follow()
    log.emit(TextDelta(reply="r", text="x"))
    assert kinds(drain(first)) == kinds(drain(second)) == ["task.created", "text.delta"]
    log.close()


TEXTS = st.sampled_from(["a", "bc", "def ", "\n\n", "😀"])
STEP = st.one_of(
    st.tuples(st.just("think"), TEXTS),
    st.tuples(st.just("text"), TEXTS),
    st.tuples(st.just("output"), TEXTS),
    st.sampled_from([("retry", ""), ("done", ""), ("tool", ""), ("notice", "")]),
    st.sampled_from([("read", ""), ("reconnect", ""), ("crumb", "")]),
)


class Story:
    """A turn that is told to a log step by step."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.reply = 0
        self.text = self.think = ""
        self.call: str | None = None
        self.calls = 0
        log.emit(TurnStarted(text="q"))

    def tell(self, step: str, text: str) -> None:
        match step:
            case "think":
                self.think += text
                self.log.emit(ThinkDelta(reply=f"r{self.reply}", text=text))
            case "text":
                self.text += text
                self.log.emit(TextDelta(reply=f"r{self.reply}", text=text))
            case "output" if self.call:
                self.log.emit(ToolOutput(call=self.call, text=text))
            case "retry":
                self.log.emit(Retrying(why="x", attempt=2, attempts=3, wait_ms=1))
                self.next_reply()
            case "done":
                self.finish()
            case "tool":
                self.tool()
            case "notice":
                self.log.emit(Notice(level="info", text="x"))
            case _:
                pass

    def next_reply(self) -> None:
        self.reply += 1
        self.text = self.think = ""

    def finish(self) -> None:
        message = AssistantMessage(content=self.text, reasoning_content=self.think)
        self.log.emit(ReplyDone(reply=f"r{self.reply}", message=message, finish="stop"))
        self.next_reply()

    def tool(self) -> None:
        if self.call:
            self.log.emit(ToolDone(call=self.call, ok=True, output="out"))
            self.call = None
            return
        if self.text or self.think:
            self.finish()
        self.call = f"c{self.calls}"
        self.calls += 1
        self.log.emit(ToolStarted(call=self.call, name="n", title="t", arguments="{}"))
        self.log.emit(ToolRunning(call=self.call))


class Reader:
    """A client: reads now and then, and reconnects as a browser does."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.state = Fold()
        self.last = 0
        self.follower = log.follow()

    def read(self, most: int | None = None) -> None:
        while most is None or most > 0:
            event = self.follower.take()
            if event is None:
                return
            self.state.feed(event)
            self.last = max(self.last, event.seq)
            most = None if most is None else most - 1

    def reconnect(self) -> None:
        self.follower.close()
        self.state.link_opened()
        self.follower = self.log.follow(self.last)


@given(steps=st.lists(STEP, max_size=60))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_way_of_reading_and_reconnecting_comes_to_the_same_view(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    log = new_log(tmp_path_factory.mktemp("log"))
    story, fast, slow = Story(log), Reader(log), Reader(log)
    for step, text in steps:
        story.tell(step, text)
        fast.read()
        if step == "read":
            slow.read()
        elif step == "reconnect":
            slow.reconnect()
        elif step == "crumb":
            slow.read(most=1)
    fast.read()
    slow.read()
    late = Reader(log)
    late.read()
    assert slow.state.view() == fast.state.view() == late.state.view()
    log.close()
