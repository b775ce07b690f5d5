"""The simulator's answers on the wire."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest

from tests.moonshot import Moonshot, Reply, Switches, call, moonshot_process, script

pytestmark = pytest.mark.anyio

HEADERS = {"Authorization": "Bearer sk-test"}
BODY: dict[str, Any] = {"model": "kimi-k2.6", "messages": [{"role": "user", "content": "hi"}]}


async def _post(
    api: Moonshot, body: object, headers: dict[str, str] = HEADERS
) -> tuple[int, str, dict[str, str]]:
    async with aiohttp.ClientSession() as session:
        url = f"{api.url}/chat/completions"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with session.post(url, data=data, headers=headers) as answer:
            names = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, await answer.text(), names


def _chunks(text: str) -> list[Any]:
    events = text.split("\n\n")
    assert events.pop() == ""
    assert all(event.startswith("data: ") for event in events)
    assert events.pop() == "data: [DONE]"
    return [json.loads(event[6:]) for event in events]


async def test_a_stream_has_the_shapes_and_the_order_of_the_real_one() -> None:
    step = Reply(
        "Hello", reasoning="The user", tool_calls=(call("a", x=1), call("b")), chunk_size=100
    )
    async with Moonshot([step]) as api:
        _, text, headers = await _post(
            api, {**BODY, "stream": True, "stream_options": {"include_usage": True}}
        )
        chunks = _chunks(text)
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["msh-request-id"]
        assert not [name for name in headers if name.startswith(("x-request-id", "x-ratelimit"))]
        assert all(re.fullmatch(r"chatcmpl-[0-9a-f]{24}", chunk["id"]) for chunk in chunks)
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
        assert deltas == [
            {"role": "assistant", "content": ""},
            {"reasoning_content": "The user"},
            {"reasoning_content": ""},
            {"content": "Hello"},
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "a:0",
                        "type": "function",
                        "function": {"name": "a", "arguments": ""},
                    }
                ]
            },
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"x": 1}'}}]},
            {
                "tool_calls": [
                    {
                        "index": 1,
                        "id": "b:1",
                        "type": "function",
                        "function": {"name": "b", "arguments": ""},
                    }
                ]
            },
            {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
            {},
        ]
        finish, last = chunks[-2:]
        assert finish["choices"][0]["finish_reason"] == "tool_calls"
        assert last["choices"] == []
        assert last["usage"] == finish["choices"][0]["usage"]
        assert last["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
        assert "cached_tokens" not in last["usage"]
        assert len(api.sent) == 1


async def test_without_include_usage_the_finish_chunk_is_the_last() -> None:
    async with Moonshot(["Hi"]) as api:
        _, text, _ = await _post(api, {**BODY, "stream": True})
        assert "usage" in _chunks(text)[-1]["choices"][0]


async def test_a_whole_reply_and_its_prefix_cache() -> None:
    async with Moonshot(["one", "two"]) as api:
        await _post(api, BODY)
        _, text, headers = await _post(api, BODY)
        reply = json.loads(text)
        usage = reply["usage"]
        assert reply["object"] == "chat.completion"
        assert reply["choices"][0]["message"] == {"role": "assistant", "content": "two"}
        assert usage["cached_tokens"] == usage["prompt_tokens"]
        assert usage["prompt_tokens_details"] == {"cached_tokens": usage["prompt_tokens"]}
        assert headers["msh-context-cache-token-saved"] == str(usage["prompt_tokens"])


async def test_a_longer_conversation_hits_the_cache_up_to_where_it_differs() -> None:
    async with Moonshot(["one", "two", "three"], switches=Switches(cache_floor=1000)) as api:
        long = {"role": "user", "content": "x" * 8000}
        await _post(api, {**BODY, "messages": [long]})
        _, text, _ = await _post(
            api, {**BODY, "messages": [long, {"role": "user", "content": "y"}]}
        )
        assert 2000 <= json.loads(text)["usage"]["cached_tokens"] <= 2020
        _, text, _ = await _post(
            api, {**BODY, "messages": [{"role": "user", "content": "x" * 400}]}
        )
        assert "cached_tokens" not in json.loads(text)["usage"]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "sk-test"}, {"Authorization": "Bearer sk-wrong"}]
)
async def test_without_a_good_key_nothing_is_answered(headers: dict[str, str]) -> None:
    async with Moonshot(["Hi"]) as api:
        status, text, _ = await _post(api, BODY, headers)
        assert status == 401
        assert (
            text
            == '{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}'
        )
        assert len(api.script) == 1


async def test_failures_are_compact_and_escaped_like_the_real_ones() -> None:
    async with Moonshot([script.rate_limited()]) as api:
        status, text, headers = await _post(api, BODY)
        assert status == 429
        assert headers["retry-after"] == headers["msh-cooldown-seconds"] == "1"
        assert (
            "\\u003cak-abcdefghij1111klmno1\\u003e request reached organization max RPM: 3" in text
        )


async def test_an_over_script_and_a_broken_body_say_so() -> None:
    async with Moonshot() as api:
        assert "script of the simulator is over" in (await _post(api, BODY))[1]
        assert (await _post(api, b"{"))[0] == 400


def test_it_runs_as_a_program_and_is_driven_over_http() -> None:
    import urllib.request

    def ask(text: str) -> str:
        body = {**BODY, "stream": True, "messages": [{"role": "user", "content": text}]}
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{api.url}/chat/completions", data=data, headers=HEADERS)
        with urllib.request.urlopen(request, timeout=10) as answer:
            chunks = _chunks(answer.read().decode())
        deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
        calls = [d["tool_calls"][0]["function"].get("name") for d in deltas if "tool_calls" in d]
        return "".join(d.get("content", "") for d in deltas) + "".join(filter(None, calls))

    with moonshot_process("--chunks-per-second", "0") as api:
        api.set_script(
            [{"content": "from the script", "reasoning": "r"}, {"failure": "overloaded"}]
        )
        assert ask("hello") == "from the script"
        with pytest.raises(urllib.error.HTTPError, match="429"):
            ask("hello")
        assert "simulated" in ask("hello")
        assert ask("run ls").endswith("execute_command")
        assert len(ask("long 20000")) == 20_000
        assert [body["messages"][0]["content"] for body in api.bodies()][:2] == ["hello", "hello"]
        assert len(api.sent()) == 4
