"""What the provider sends and what it makes of good replies, against the simulated API."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from kimi_jupyter.models.body import messages_body
from kimi_jupyter.models.kimi import KimiProvider
from kimi_jupyter.models.provider import CallPart, Finished, Text, Think, ToolSpec
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.messages import (
    AssistantMessage,
    ImagePart,
    Message,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from tests.models.asking import HELLO, KEY, pieces_of, provider, reply_of, request
from tests.moonshot import Call, Moonshot, Reply, Switches, call
from tests.moonshot.checks import Refused, check
from tests.moonshot.script import Wire

pytestmark = pytest.mark.anyio

READ = ToolSpec(
    "read_file", "Reads a file.", {"type": "object", "properties": {"path": {"type": "string"}}}
)


async def test_a_request_has_the_fields_that_the_api_knows_and_no_others() -> None:
    async with Moonshot(["Hello!"]) as api, provider(api.url) as kimi:
        await reply_of(kimi.stream(request(tools=(READ,))))
        (body,) = api.bodies
        assert body == {
            "model": "kimi-k2.6",
            "messages": [{"role": "user", "content": "hello"}],
            "thinking": {"type": "enabled", "keep": "all"},
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "read_file",
                        "description": "Reads a file.",
                        "parameters": READ.parameters,
                    },
                }
            ],
            "max_completion_tokens": 4096,
            "stream": True,
            "stream_options": {"include_usage": True},
            "prompt_cache_key": "task-1",
        }
        assert api.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_without_tools_there_is_no_tools_field() -> None:
    async with Moonshot(["Hello!"]) as api, provider(api.url) as kimi:
        await reply_of(kimi.stream(request()))
        assert "tools" not in api.bodies[0]


async def test_openai_variables_of_the_environment_send_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ORG_ID", "PROJECT_ID", "API_KEY", "ADMIN_KEY", "BASE_URL"):
        monkeypatch.setenv(f"OPENAI_{name}", "http://leak.invalid")
    async with Moonshot(["Hello!"]) as api, provider(api.url) as kimi:
        await reply_of(kimi.stream(request()))
        assert "leak" not in json.dumps(api.requests[0].headers)


async def test_messages_of_all_roles_go_out_as_the_api_wants_them() -> None:
    picture = "data:image/png;base64,iVBORw0KGgo="
    messages = (
        SystemMessage(content="rules"),
        UserMessage(content=(TextPart(text="a"), TextPart(text="b"))),
        AssistantMessage(
            reasoning_content="",
            tool_calls=(ToolCall(id="read_file:0", name="read_file", arguments="{"),),
        ),
        ToolMessage(tool_call_id="read_file:0", content="malformed"),
        AssistantMessage(content="done", reasoning_content=None),
        UserMessage(content=(TextPart(text="look"), ImagePart(url=picture))),
    )
    async with Moonshot(["I see."]) as api, provider(api.url) as kimi:
        await reply_of(kimi.stream(request(messages)))
        assert api.bodies[0]["messages"] == [
            {"role": "system", "content": "rules"},
            {"role": "user", "content": "a\nb"},
            {
                "role": "assistant",
                "reasoning_content": "",
                "tool_calls": [
                    {
                        "id": "read_file:0",
                        "type": "function",
                        "function": {"name": "read_file", "arguments": "{"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "read_file:0", "content": "malformed"},
            {"role": "assistant", "content": "done", "reasoning_content": ""},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": picture}},
                ],
            },
        ]


async def test_a_reply_comes_in_pieces_and_then_whole() -> None:
    said = Reply(
        "Grüße, 世界!", reasoning="Greet them.", tool_calls=(call("read_file", path="a.py"),)
    )
    async with Moonshot([said]) as api, provider(api.url) as kimi:
        pieces = await pieces_of(kimi.stream(request(tools=(READ,))))
        assert isinstance(pieces[0], Think)
        assert {type(piece) for piece in pieces} == {Think, Text, CallPart, Finished}
        assert [p for p in pieces if isinstance(p, CallPart)][-1] == CallPart("read_file", 16)
        finished = pieces[-1]
        assert isinstance(finished, Finished)
        assert finished.finish == "tool_calls"
        assert finished.message == AssistantMessage(
            content="Grüße, 世界!",
            reasoning_content="Greet them.",
            tool_calls=(
                ToolCall(id="read_file:0", name="read_file", arguments='{"path": "a.py"}'),
            ),
        )


async def test_reasoning_and_ids_are_echoed_verbatim() -> None:
    """The simulator answers 400 where reasoning is missing in the calls of the present turn."""
    steps = [
        Reply(reasoning="", tool_calls=(Call("read_file", "{}", "functions.read_file:0"),)),
        "Done.",
    ]
    async with Moonshot(steps) as api, provider(api.url) as kimi:
        first = await reply_of(kimi.stream(request(tools=(READ,))))
        result = ToolMessage(tool_call_id=first.message.tool_calls[0].id, content="text")
        second = await reply_of(
            kimi.stream(request((*HELLO, first.message, result), tools=(READ,)))
        )
        assert second.message.content == "Done."
        assert api.bodies[1]["messages"][1]["reasoning_content"] == ""
        assert api.bodies[1]["messages"][1]["tool_calls"][0]["id"] == "functions.read_file:0"


def without_reasoning() -> tuple[Message, ...]:
    """A step of the present turn that came without reasoning, as a model that does not think gives it."""
    asked = AssistantMessage(
        tool_calls=(ToolCall(id="read_file:0", name="read_file", arguments="{}"),)
    )
    return (*HELLO, asked, ToolMessage(tool_call_id="read_file:0", content="text"))


async def test_calls_without_reasoning_are_refused_by_the_api_and_get_an_empty_one() -> None:
    bare = {"model": "kimi-k2.6", "messages": messages_body(without_reasoning())}
    with pytest.raises(Refused, match=r"reasoning_content is missing .* at index 1"):
        check(bare, Switches(), lambda body: 1)
    async with Moonshot(["Done."]) as api, provider(api.url) as kimi:
        assert (await reply_of(kimi.stream(request(without_reasoning())))).finish == "stop"
        assert api.bodies[0]["messages"][1]["reasoning_content"] == ""


@pytest.mark.parametrize(
    ("model", "thinking", "field"),
    [
        ("kimi-k2.6", True, {"type": "enabled", "keep": "all"}),
        ("kimi-k2.6", False, {"type": "disabled"}),
        ("kimi-k2.7-code", True, {"type": "enabled"}),
        ("kimi-k2.7-code", False, {"type": "enabled"}),
        ("kimi-k2.7-code-highspeed", False, {"type": "enabled"}),
        ("kimi-k3", True, None),
        ("kimi-k3", False, None),
    ],
)
async def test_each_model_is_told_to_think_as_it_takes_it(
    model: str, thinking: bool, field: dict[str, str] | None
) -> None:
    async with Moonshot(["Done."]) as api, provider(api.url) as kimi:
        asked = replace(request(without_reasoning(), model=model), thinking=thinking)
        assert (await reply_of(kimi.stream(asked))).finish == "stop"
        (body,) = api.bodies
        assert body.get("thinking") == field
        assert not {"temperature", "top_p", "n", "reasoning_effort"} & body.keys()
        is_echoed = "reasoning_content" in body["messages"][1]
        assert is_echoed is (model != "kimi-k2.6" or thinking)


async def test_usage_names_cached_tokens_where_there_are_some() -> None:
    async with Moonshot(["one", "two"]) as api, provider(api.url) as kimi:
        first = await reply_of(kimi.stream(request()))
        second = await reply_of(kimi.stream(request()))
        assert first.usage is not None
        assert second.usage is not None
        assert (first.usage.cached_tokens, second.usage.cached_tokens) == (
            0,
            first.usage.prompt_tokens,
        )
        assert second.usage.completion_tokens > 0
        assert api.bodies[0] == api.bodies[1]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "cached_tokens": 4},
        {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
    ],
)
async def test_cached_tokens_are_found_in_both_places(usage: dict[str, object]) -> None:
    async with Moonshot([Reply("x", usage=usage)]) as api, provider(api.url) as kimi:
        reply = await reply_of(kimi.stream(request()))
        assert reply.usage == Usage(prompt_tokens=9, cached_tokens=4, completion_tokens=2)


@pytest.mark.parametrize("wire", ["bytes", "crlf", "comments", "arguments_first", "late_arguments"])
async def test_odd_but_legal_streams_give_the_same_reply(wire: Wire) -> None:
    said = Reply(
        "Grüße 🎉 世界",
        reasoning="Ünï",
        tool_calls=(call("read_file", path="ä.py"), call("write_file", path="b", content="c" * 40)),
        wire=frozenset({wire}),
    )
    async with Moonshot([said], switches=Switches(usage_null=True, fingerprint=True)) as api:
        async with provider(api.url) as kimi:
            reply = await reply_of(kimi.stream(request()))
        assert (reply.message.content, reply.message.reasoning_content) == ("Grüße 🎉 世界", "Ünï")
        assert [c.name for c in reply.message.tool_calls] == ["read_file", "write_file"]
        assert [json.loads(c.arguments)["path"] for c in reply.message.tool_calls] == ["ä.py", "b"]


async def test_arguments_split_at_every_character_and_malformed_ones_come_as_they_are() -> None:
    said = Reply(
        tool_calls=(Call("a", '{"x": "1\\n'), call("b", y=[1, 2])), chunk_size=1, reasoning="r"
    )
    async with Moonshot([said]) as api, provider(api.url) as kimi:
        reply = await reply_of(kimi.stream(request()))
        assert [c.arguments for c in reply.message.tool_calls] == ['{"x": "1\\n', '{"y": [1, 2]}']


async def test_ids_of_k3_come_with_an_underscore() -> None:
    async with (
        Moonshot([Reply(tool_calls=(call("a"), call("b")))]) as api,
        provider(api.url) as kimi,
    ):
        reply = await reply_of(kimi.stream(request(model="kimi-k3")))
        assert [c.id for c in reply.message.tool_calls] == ["a_0", "b_1"]


async def test_a_reply_that_exceeds_the_budget_says_length() -> None:
    async with (
        Moonshot([Reply("word " * 100, reasoning="think " * 100)]) as api,
        provider(api.url) as kimi,
    ):
        reply = await reply_of(kimi.stream(request(max_tokens=20)))
        assert (reply.finish, reply.message.content) == ("length", "")


async def test_a_content_filter_in_mid_reply_is_a_finish() -> None:
    async with Moonshot([Reply("half", finish="content_filter")]) as api, provider(api.url) as kimi:
        assert (await reply_of(kimi.stream(request()))).finish == "content_filter"


async def test_a_long_reply_arrives_whole() -> None:
    text = "0123456789" * 10_000
    async with Moonshot([Reply(text)]) as api, provider(api.url) as kimi:
        reply = await reply_of(kimi.stream(request(max_tokens=32_768)))
        assert reply.message.content == text


async def test_closing_the_stream_ends_the_request_at_once() -> None:
    async with (
        Moonshot([Reply("x" * 100, fault="stall", fault_after=4)]) as api,
        provider(api.url) as kimi,
    ):
        stream = kimi.stream(request())
        assert isinstance(await asyncio.wait_for(anext(stream), 5), Text)
        await stream.aclose()
        await asyncio.wait_for(api.left.wait(), 5)


async def test_cancelling_the_reader_ends_the_request_at_once() -> None:
    async with (
        Moonshot([Reply("x" * 100, fault="stall", fault_after=4)]) as api,
        provider(api.url) as kimi,
    ):
        task = asyncio.create_task(pieces_of(kimi.stream(request())))
        await asyncio.wait_for(api.streaming.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(api.left.wait(), 5)


async def test_several_replies_stream_at_the_same_time() -> None:
    async with Moonshot([Reply(str(i) * 500) for i in range(5)]) as api, provider(api.url) as kimi:
        replies = await asyncio.gather(*(reply_of(kimi.stream(request())) for _ in range(5)))
        assert sorted(r.message.content[0] for r in replies) == list("01234")


async def test_replies_one_after_another_use_one_connection() -> None:
    async with Moonshot([Reply("x" * 400)] * 3) as api, provider(api.url) as kimi:
        for _ in range(3):
            await reply_of(kimi.stream(request()))
        await kimi.models()
        assert len({recorded.connection for recorded in api.requests}) == 1


async def test_a_changed_key_is_used_from_the_next_request_on() -> None:
    keys = ["sk-wrong-key", "sk-right-key"]

    async def give_key() -> str:
        return keys[0]

    async with Moonshot(["Hello!"]) as api:
        kimi = KimiProvider(base_url=api.url, key=give_key)
        with pytest.raises(ModelError, match="Invalid Authentication"):
            await reply_of(kimi.stream(request()))
        del keys[0]
        assert (await reply_of(kimi.stream(request()))).message.content == "Hello!"
        await kimi.aclose()


def test_importing_the_provider_imports_no_heavy_package() -> None:
    code = (
        "import sys; import kimi_jupyter.models.kimi, kimi_jupyter.models.demo; "
        "print([n for n in ('openai', 'httpx', 'httpx2', 'anyio') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
