"""Everything that can go wrong with a request, each with a clear sentence."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence

import pytest

from kimi_jupyter.models.retry import stream_with_retries
from kimi_jupyter.protocol.errors import ModelError
from tests.models.asking import pieces_of, provider, raw_server, reply_of, request
from tests.moonshot import Failure, Moonshot, Reply, Switches, script
from tests.moonshot.script import Fault, Step

pytestmark = pytest.mark.anyio

WORDS = Reply("some words " * 5, reasoning="some thoughts")


async def _failure(
    *steps: Step,
    key: str | None = "sk-good",
    model: str = "kimi-k2.6",
    idle: float = 5.0,
    models: Sequence[str] = ("kimi-k2.6",),
    switches: Switches | None = None,
) -> ModelError:
    api = Moonshot(steps, models=models, switches=switches)
    async with api, provider(api.url, key=key, idle=idle) as kimi:
        with pytest.raises(ModelError) as caught:
            await pieces_of(kimi.stream(request(model=model)))
        return caught.value


async def test_no_key() -> None:
    error = await _failure(key=None)
    assert error.fault == "no_key"
    assert "MOONSHOT_API_KEY" in str(error)


async def test_a_wrong_key_gets_the_words_of_the_api_and_what_to_do() -> None:
    error = await _failure(key="sk-wrong")
    assert (error.fault, error.retry) == ("bad_key", False)
    assert re.fullmatch(
        r'The API says: "Invalid Authentication"\. Check the API key at platform\.moonshot\.ai: a key of '
        r"api\.moonshot\.ai does not work at api\.moonshot\.cn, nor the other way round\. \(Msh-Request-Id: [-0-9a-f]+\)",
        str(error),
    )
    other = await _failure(key="sk-wrong", switches=Switches(incorrect_key=True))
    assert "Incorrect API key provided" in str(other)


@pytest.mark.parametrize("key", ["sk-schlüssel", "sk-\n", "sk-“quoted”"])
async def test_a_key_that_can_not_be_sent(key: str) -> None:
    error = await _failure(key=key)
    assert error.fault == "bad_key"
    assert key not in str(error)


async def test_a_retired_and_an_unknown_model_name_the_models_that_there_are() -> None:
    models = ["kimi-k2.6", "kimi-k3"]
    retired = await _failure(model="kimi-k2.5", models=models)
    assert (
        str(retired)
        == "kimi-k2.5 has been retired by Moonshot. Available models: kimi-k2.6, kimi-k3."
    )
    unknown = await _failure(model="gpt-5", models=models)
    assert str(unknown) == 'Unknown model "gpt-5". Available models: kimi-k2.6, kimi-k3.'
    assert (unknown.fault, unknown.retry) == ("unknown_model", False)


async def test_a_model_that_this_account_can_not_use_is_not_called_unknown() -> None:
    message = "Not found the model kimi-k3 or Permission denied"
    refusal = Failure(404, "resource_not_found_error", message)
    error = await _failure(refusal, model="kimi-k3", models=["kimi-k2.6"])
    assert message in str(error)
    assert "Your account can't use kimi-k3 now. Available models: kimi-k2.6." in str(error)


@pytest.mark.parametrize(
    ("step", "fault", "retry"),
    [
        (script.rate_limited(), "rate_limit", True),
        (script.overloaded(), "overloaded", True),
        (script.no_money(), "quota", False),
        (script.daily_limit(), "daily_limit", False),
        (script.server_error(), "server", True),
        (script.gateway_timeout(), "server", True),
        (script.high_risk(), "content_filter", False),
        (
            Failure(302, html="x", headers={"Location": "https://example.org/"}),
            "unreachable",
            False,
        ),
        (Failure(200, html="<html>Log in to the hotel's network</html>"), "unreachable", False),
    ],
)
async def test_answers_other_than_a_reply(step: Failure, fault: str, retry: bool) -> None:
    error = await _failure(step)
    assert (error.fault, error.retry) == (fault, retry)


async def test_a_rate_limit_brings_the_least_wait_along() -> None:
    assert (await _failure(script.rate_limited(retry_after=3))).retry_after == 3


@pytest.mark.parametrize("fault", ["cut", "no_finish"])
@pytest.mark.parametrize("after", [1, 5, 1000])
async def test_k4_a_reply_without_proof_of_its_end_is_broken(fault: Fault, after: int) -> None:
    error = await _failure(Reply("some words", fault=fault, fault_after=after))
    assert (error.fault, error.retry) == ("broken_stream", True)
    assert "broke in the middle of the reply" in str(error)


@pytest.mark.parametrize("fault", ["no_done", "cut_before_done"])
async def test_k4_after_the_finish_chunk_the_end_need_not_be_announced(fault: Fault) -> None:
    async with Moonshot([Reply("whole", fault=fault)]) as api, provider(api.url) as kimi:
        reply = await reply_of(kimi.stream(request()))
        assert (reply.message.content, reply.finish) == ("whole", "stop")
        assert reply.usage is not None


async def test_k4_silence_is_an_error_after_the_idle_limit() -> None:
    error = await _failure(Reply("some words", fault="stall"), idle=0.2)
    assert (error.fault, error.retry) == ("stalled", True)
    assert "nothing for 0.2 seconds" in str(error)


async def test_k4_comments_alone_are_silence() -> None:
    async def murmur(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(murmur) as url, provider(url, idle=0.3) as kimi:
        with pytest.raises(ModelError) as caught:
            await pieces_of(kimi.stream(request()))
        assert caught.value.fault == "stalled"


async def test_k4_an_error_in_mid_stream_is_an_error() -> None:
    error = await _failure(Reply("some words", fault="error_event"))
    assert (error.fault, error.retry) == ("overloaded", True)
    assert "The engine is currently overloaded" in str(error)


@pytest.mark.parametrize(
    "line",
    [b"data: {broken\n\n", b"data: []\n\n", b'data: {"choices": [5]}\n\n', b"data: \xff\n\n"],
)
async def test_k4_a_chunk_that_is_no_chunk_breaks_the_stream(line: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + line)
        await writer.drain()

    async with raw_server(speak) as url, provider(url) as kimi:
        with pytest.raises(ModelError) as caught:
            await pieces_of(kimi.stream(request()))
        assert (caught.value.fault, caught.value.retry) == ("broken_stream", True)


async def test_k4_a_server_that_hangs_up_before_it_answers() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...

    async with raw_server(hang_up) as url, provider(url) as kimi:
        with pytest.raises(ModelError) as caught:
            await pieces_of(kimi.stream(request()))
        assert (caught.value.fault, caught.value.retry) == ("broken_stream", True)


async def test_k4_an_unreachable_base_url_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        url = f"http://user:hunter2@127.0.0.1:{port}/v1?token=abc"
        async with provider(url) as kimi:
            with pytest.raises(ModelError) as caught:
                await pieces_of(kimi.stream(request()))
    assert (caught.value.fault, caught.value.retry) == ("unreachable", True)
    assert f"'http://127.0.0.1:{port}/v1'" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "abc" not in str(caught.value)


async def test_k4_a_server_name_that_does_not_exist_is_said() -> None:
    async with provider("http://no-such-server.invalid/v1") as kimi:
        with pytest.raises(ModelError, match="can't be found") as caught:
            await pieces_of(kimi.stream(request()))
    assert caught.value.fault == "unreachable"


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x.org/v1", "http://[::1"])
async def test_a_base_url_that_is_none(url: str) -> None:
    async with provider(url) as kimi:
        with pytest.raises(ModelError, match="is not a URL that can be called") as caught:
            await pieces_of(kimi.stream(request()))
    assert (caught.value.fault, caught.value.retry) == ("unreachable", False)


async def test_k4_a_server_without_tls_where_https_is_asked_for() -> None:
    async with Moonshot() as api, provider(api.url.replace("http:", "https:")) as kimi:
        with pytest.raises(ModelError, match="no trusted certificate or no TLS") as caught:
            await pieces_of(kimi.stream(request()))
        assert (caught.value.fault, caught.value.retry) == ("unreachable", False)


async def test_k4_a_broken_reply_is_asked_for_again_and_then_whole() -> None:
    told: list[str] = []

    async def wait(_: float) -> None: ...

    async with Moonshot([Reply("half", fault="cut"), script.overloaded(), WORDS]) as api:
        async with provider(api.url) as kimi:
            pieces = await pieces_of(
                stream_with_retries(
                    kimi, request(), on_retry=lambda error, *_: told.append(error.fault), wait=wait
                )
            )
        assert told == ["broken_stream", "overloaded"]
        assert pieces[-1].message.content == WORDS.content  # type: ignore[union-attr]
        assert api.bodies[0] == api.bodies[2]
