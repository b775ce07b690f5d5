"""Whatever a log holds, the simulated API takes what comes of it, and what was sent stays as it was sent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_jupyter.agent import context, words
from kimi_jupyter.agent.own_asks import COST, LOOP, own_ask
from kimi_jupyter.history.recovery import closing
from kimi_jupyter.models.body import messages_body
from kimi_jupyter.protocol.events import (
    AskClosed,
    Event,
    ModeChanged,
    ReplyDone,
    ReplyPartial,
    Rewound,
    TaskCreated,
    ToolDone,
    ToolRunning,
    ToolStarted,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
)
from kimi_jupyter.protocol.messages import AssistantMessage, Message, ToolCall
from kimi_jupyter.protocol.parts import Attachment
from tests.moonshot.cache import prompt_tokens
from tests.moonshot.checks import Switches, check

Json = dict[str, Any]
Made = Callable[[int], Sequence[Event]]
"""Makes events that begin at a place in the log."""

_ids = st.sampled_from(["a", "b", "functions.x:0", "a:0", ""])
_names = st.sampled_from(["read_file", "größe x", "", "9lives", "x" * 200])
_arguments = st.sampled_from(["{}", "", '{"path": "a', "null", '{"a": "\\ud83d"}'])
_texts = st.sampled_from(["", " \n", "text", "<|tool_call_begin|>", "more\ntext", "\u2028"])
_calls = st.builds(ToolCall, id=_ids, name=_names, arguments=_arguments)


@st.composite
def _step(draw: st.DrawFn) -> list[Event]:
    """One reply with its calls: results in any order, some twice, some missing, some of other calls."""
    calls = tuple(draw(st.lists(_calls, max_size=3)))
    message = AssistantMessage(
        content=draw(_texts), reasoning_content=draw(st.none() | _texts), tool_calls=calls
    )
    finish = draw(st.sampled_from(["tool_calls", "stop", "length", "stopped", "error"]))
    events: list[Event] = []
    if draw(st.booleans()):
        events.append(ReplyPartial(reply="r", text=draw(_texts), think=draw(_texts)))
    events.append(ReplyDone(reply="r", message=message, finish=finish))
    for call in draw(st.permutations(calls)):
        events.append(
            ToolStarted(call=call.id, name=call.name, title="t", arguments=call.arguments)
        )
        events.append(ToolRunning(call=call.id))
        results = draw(st.sampled_from([0, 1, 1, 1, 1, 2]))
        events += [ToolDone(call=call.id, ok=True, output=draw(_texts))] * results
    if draw(st.integers(0, 5)) == 0:
        events.append(ToolDone(call=draw(_ids), ok=False, output=draw(_texts)))
    return events


@st.composite
def _turn(draw: st.DrawFn) -> list[Event]:
    """A message, some steps, and an end; cut somewhere where it was cancelled or the process died."""
    attachment = Attachment(path="a", text=draw(_texts), size=1)
    attachments = draw(st.sampled_from([(), (attachment,)]))
    events: list[Event] = [
        TurnStarted(text=draw(_texts), attachments=attachments, note=draw(_texts))
    ]
    for step in draw(st.lists(_step(), max_size=3)):
        events += step
    if draw(st.booleans()):
        events = events[: draw(st.integers(1, len(events)))]
    reason = draw(st.sampled_from(["done", "stopped", "interrupted", "error"]))
    return [*events, TurnEnded(reason=reason)]


@st.composite
def _queued(draw: st.DrawFn) -> Made:
    text, joined, steps = draw(_texts), draw(st.booleans()), draw(st.lists(_step(), max_size=2))
    between = [event for step in steps for event in step]
    return lambda seq: [
        TurnQueued(text=text),
        *between,
        TurnUnqueued(queued=seq, joined=joined),
    ]


@st.composite
def _asked(draw: st.DrawFn) -> list[Event]:
    reason = draw(st.sampled_from([LOOP, COST]))
    opened = own_ask(reason, title="t", text="q", options=("Go on", "Stop"))
    decision = draw(st.sampled_from(["approve", "reject", "cancelled"]))
    comment = draw(st.none() | _texts)
    return [opened, AskClosed(ask=opened.ask, decision=decision, by="browser", comment=comment)]


def _fixed(events: Sequence[Event]) -> Made:
    return lambda seq: events


_rewinds: st.SearchStrategy[Made] = st.builds(
    lambda back, undone: lambda seq: [Rewound(to=max(1, seq - back), undone=undone)],
    st.integers(0, 20),
    st.booleans(),
)
_parts: st.SearchStrategy[Made] = st.one_of(
    _turn().map(_fixed),
    _step().map(_fixed),
    _queued(),
    _asked().map(_fixed),
    st.just(_fixed([ModeChanged(mode="plan")])),
)


def log(parts: Sequence[Made]) -> list[Event]:
    """The events of a task, with their places."""
    events: list[Event] = [TaskCreated(system="Rules.")]
    for part in parts:
        events += part(len(events) + 1)
    return stamped(events)


def stamped(events: Sequence[Event]) -> list[Event]:
    return [
        event.model_copy(update={"seq": seq, "at": seq, "task": "0" * 32})
        for seq, event in enumerate(events, 1)
    ]


def body(messages: Sequence[Message]) -> list[Json]:
    """The messages as they go out; as bytes, so that nothing is in them that JSON or UTF-8 can't hold."""
    sent = json.dumps(messages_body(messages, echoes=True), ensure_ascii=False).encode()
    return json.loads(sent)


def assert_taken(events: Sequence[Event]) -> None:
    messages = body(context.messages(events))
    request = {"model": "kimi-k2.6", "messages": messages}
    check(request, Switches(strict_reasoning=True), prompt_tokens)
    assert messages[0]["role"] == "system"
    calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert results == calls, "every call has exactly one result, in the order of the calls"
    assert all(calls)
    for message in messages:
        assert message.get("tool_calls") or str(message["content"]).strip()


@given(st.lists(_parts | _rewinds, max_size=8), st.randoms())
@settings(max_examples=300, deadline=None)
def test_any_history_is_taken_by_the_api(parts: list[Made], chance: random.Random) -> None:
    whole = log(parts)
    assert_taken(whole)
    cut = whole[: chance.randint(1, len(whole))]
    assert_taken(cut)
    recovered = [*cut, *closing(cut)]
    assert_taken(stamped(recovered))
    assert_taken(stamped([*recovered, TurnStarted(text="And now?"), *whole[len(cut) :]]))
    mixed = whole[1:]
    chance.shuffle(mixed)
    assert_taken([whole[0], *mixed])
    assert_taken(stamped([whole[0], *mixed]))


@given(st.lists(_parts, max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_longer_log_only_adds_to_what_a_shorter_one_came_to(parts: list[Made]) -> None:
    """At each place where a request could be made: every call of the last step has its result."""
    whole = log(parts)
    final = body(context.messages(whole))
    for end in range(1, len(whole) + 1):
        sent = body(context.messages(whole[:end]))
        last = max((i for i, m in enumerate(sent) if m["role"] != "tool"), default=0)
        if not any(message["content"] == words.NO_RESULT for message in sent[last + 1 :]):
            assert final[: len(sent)] == sent
