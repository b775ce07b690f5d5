"""A provider that plays written steps."""

from __future__ import annotations

import pytest

from kimi_jupyter.models.provider import Finished, Text, Think
from kimi_jupyter.models.scripted import ScriptedProvider
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.messages import (
    AssistantMessage,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from tests.models.asking import HELLO, pieces_of, reply_of, request

pytestmark = pytest.mark.anyio


async def test_a_step_is_streamed_in_small_pieces() -> None:
    provider = ScriptedProvider(
        [[{"think": "hm " * 10}, {"text": "Hello, this is a longer text."}]]
    )
    pieces = await pieces_of(provider.stream(request()))
    assert sum(isinstance(p, Think) for p in pieces) == 3
    assert sum(isinstance(p, Text) for p in pieces) == 3
    finished = pieces[-1]
    assert isinstance(finished, Finished)
    assert (finished.finish, finished.message.reasoning_content) == ("stop", "hm " * 10)


async def test_the_step_follows_from_the_number_of_replies_so_far() -> None:
    steps = [[{"text": "one"}], lambda r: [{"text": f"two for {r.task}"}]]
    earlier = (*HELLO, AssistantMessage(content="one"), UserMessage(content="go on"))
    restarted = ScriptedProvider(steps)
    assert (await reply_of(restarted.stream(request(earlier)))).message.content == "two for task-1"
    assert (await reply_of(restarted.stream(request()))).message.content == "one"
    beyond = (*earlier, AssistantMessage(content="two"), UserMessage(content="and now?"))
    assert "over" in (await reply_of(restarted.stream(request(beyond)))).message.content


async def test_ids_of_calls_count_over_the_conversation() -> None:
    call = {"call": {"name": "read_file", "arguments": {"path": "a"}}}
    provider = ScriptedProvider(
        [[call, call], [call, {"call": {"name": "x", "arguments": "{bad", "id": "odd"}}]]
    )
    first = await reply_of(provider.stream(request()))
    assert (first.finish, [c.id for c in first.message.tool_calls]) == (
        "tool_calls",
        ["read_file:0", "read_file:1"],
    )
    results = [ToolMessage(tool_call_id=c.id, content="ok") for c in first.message.tool_calls]
    second = await reply_of(provider.stream(request((*HELLO, first.message, *results))))
    assert second.message.tool_calls == (
        ToolCall(id="read_file:2", name="read_file", arguments='{"path": "a"}'),
        ToolCall(id="odd", name="x", arguments="{bad"),
    )


async def test_usage_finish_and_errors_can_be_written() -> None:
    steps = [
        [
            {"text": "x"},
            {"pause": 1},
            {"usage": {"prompt_tokens": 7, "completion_tokens": 3}},
            {"finish": "length"},
        ],
    ]
    reply = await reply_of(ScriptedProvider(steps).stream(request()))
    assert (reply.finish, reply.usage) == ("length", Usage(prompt_tokens=7, completion_tokens=3))
    failing = ScriptedProvider([[{"text": "x"}, {"error": {"message": "no", "fault": "quota"}}]])
    with pytest.raises(ModelError, match="no") as caught:
        await pieces_of(failing.stream(request()))
    assert (caught.value.fault, caught.value.retry) == ("quota", False)


async def test_it_has_no_account() -> None:
    provider = ScriptedProvider([])
    (model,) = await provider.models()
    assert (model.id, model.name) == ("offline-demo", "Offline demo (scripted, no key)")
    assert (model.input_price, model.output_price) == (None, None)
    assert await provider.balance() is None
