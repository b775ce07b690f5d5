"""K4: whatever the network does, a request ends in time, and a tool call of which a part is missing is never given out."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from kimi_jupyter.models.provider import CallPart, Finished, Piece
from kimi_jupyter.models.retry import LONGEST_RETRY_AFTER, attempts_for, stream_with_retries
from kimi_jupyter.protocol.errors import ModelError
from tests.models.asking import pieces_of, provider, raw_server, reply_of, request

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
ARGUMENTS = '{"path": "größe.txt", "content": "0123456789"}'


def chunk(delta: dict[str, Any] | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, **more}
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


def part(arguments: str, *, index: int = 0, **more: Any) -> bytes:
    call = {"index": index, "function": {"arguments": arguments, **more}}
    if more:
        call["id"] = f"{more['name']}:{index}"
    return chunk({"tool_calls": [call]})


CALL = (
    chunk({"content": "Ich schreibe."})
    + part("", name="put")
    + b"".join(part(ARGUMENTS[at : at + 9]) for at in range(0, len(ARGUMENTS), 9))
)
DONE = b"data: [DONE]\n\n"
WHOLE = CALL + chunk(finish_reason="tool_calls") + DONE


def saying(*data: bytes) -> Any:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in data:
            writer.write(piece)
            await writer.drain()

    return answer


def for_ever(first: bytes, again: bytes, *, pause: float = 0.02) -> Any:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


async def outcome(answer: Any, *, idle: float = 5.0) -> Finished | ModelError:
    """A whole reply or an error, within ten seconds."""
    async with raw_server(answer) as url, provider(url, idle=idle) as kimi:
        try:
            return await reply_of(kimi.stream(request()))
        except ModelError as error:
            return error


def calls(got: Finished | ModelError) -> list[tuple[str, str]]:
    assert isinstance(got, Finished), got
    return [(call.name, call.arguments) for call in got.message.tool_calls]


async def test_k4_danger_who_takes_what_has_come_so_far_has_half_a_call() -> None:
    half = CALL[: len(CALL) * 3 // 4]
    pieces: list[Piece] = []

    async def take(stream: AsyncGenerator[Piece]) -> None:
        async for piece in stream:
            pieces.append(piece)

    async with raw_server(saying(HEAD + half)) as url, provider(url) as kimi:
        with pytest.raises(ModelError):
            await take(kimi.stream(request()))
    (begun,) = (piece for piece in pieces if isinstance(piece, CallPart))
    assert begun.name == "put"
    assert 0 < begun.size < len(ARGUMENTS)


async def test_k4_cut_at_any_byte_a_reply_is_whole_or_an_error() -> None:
    cuts = [*range(0, len(WHOLE), 7), *range(len(WHOLE) - 40, len(WHOLE) + 1)]
    waiting = iter(cuts)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + WHOLE[: next(waiting)])
        await writer.drain()

    ended = WHOLE.index(DONE)
    async with raw_server(answer) as url, provider(url) as kimi:
        for cut in cuts:
            try:
                got: Finished | ModelError = await reply_of(kimi.stream(request()))
            except ModelError as error:
                got = error
            if cut < ended - 2:
                assert isinstance(got, ModelError), cut
                assert (got.fault, got.retry) == ("broken_stream", True)
            else:
                assert calls(got) == [("put", ARGUMENTS)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"mixed"])
async def test_k4_split_characters_line_ends_and_a_byte_order_mark_change_nothing(
    size: int, end: bytes
) -> None:
    lines = WHOLE.split(b"\n")
    ends = itertools.cycle([b"\n", b"\r\n"] if end == b"mixed" else [end])
    wire = b"\xef\xbb\xbf" + b"".join(line + next(ends) for line in lines)
    got = await outcome(saying(HEAD, *(wire[at : at + size] for at in range(0, len(wire), size))))
    assert calls(got) == [("put", ARGUMENTS)]
    assert isinstance(got, Finished)
    assert got.message.content == "Ich schreibe."


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", b": still here\n\n"),
        (CALL, b": still here\n\n"),
        (CALL, b"\n\n"),
        (CALL, b"x"),
        (b"", b"data: {"),
        (CALL, b"event: ping\nid: 5\n\n"),
    ],
    ids=["comments", "comments in a call", "blank lines", "no line", "drip of a chunk", "fields"],
)
async def test_k4_what_says_nothing_for_ever_is_silence(first: bytes, again: bytes) -> None:
    got = await outcome(for_ever(HEAD + first, again), idle=0.3)
    assert isinstance(got, ModelError)
    assert got.fault == "stalled"


@pytest.mark.parametrize("again", [b": still here\n\n", b"x"])
async def test_k4_after_the_finish_nothing_is_waited_for_for_long(again: bytes) -> None:
    first = HEAD + CALL + chunk(finish_reason="tool_calls")
    assert calls(await outcome(for_ever(first, again))) == [("put", ARGUMENTS)]


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["an error", "a page", "headers"],
)
async def test_k4_an_answer_that_drips_for_ever_is_given_up(first: bytes) -> None:
    again = b"X-A: b\r\n" if first.endswith(b"OK\r\n") else b" "
    got = await outcome(for_ever(first, again), idle=0.3)
    assert isinstance(got, ModelError)
    assert got.fault in ("stalled", "broken_stream", "server", "unreachable")


async def test_k4_a_server_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    got = await outcome(mute, idle=0.3)
    assert isinstance(got, ModelError)
    assert (got.fault, got.retry) == ("stalled", True)


async def test_k4_a_connection_half_closed_by_the_server_ends_the_request() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + CALL)
        writer.write_eof()
        await asyncio.Event().wait()

    got = await outcome(half)
    assert isinstance(got, ModelError)
    assert got.fault == "broken_stream"


@pytest.mark.parametrize(
    "junk",
    [
        b"garbage without a colon\n\n",
        b"data\n\n",
        b"\x00\x01\xfe\xff\n\n",
        b"event: " + b"x" * 5_000 + b"\n\n",
        b": " + "größe".encode("latin-1") + b"\n\n",
    ],
)
async def test_k4_lines_that_are_no_data_are_skipped(junk: bytes) -> None:
    assert calls(await outcome(saying(HEAD + junk + CALL + junk + WHOLE[len(CALL) :]))) == [
        ("put", ARGUMENTS)
    ]


@pytest.mark.parametrize(
    "junk",
    [
        b"data: \xff\xfe\n\n",
        b'data: {"choices": [{"delta": {"content": "\xc3"}}]}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": {}}]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": 5}]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": 7}}]}\n\n',
        b'data: {"choices": {"a": 1}}\n\n',
        b'data: {"choices": [], "usage": {"prompt_tokens": NaN}}\n\n',
        b'data: {"choices": [], "usage": {"prompt_tokens": -1e999}}\n\n',
        b'data: {"choices": [{"delta": {"content": 5}}]}\n\n',
        b'data: {"choices": [{"delta": {"reasoning_content": []}}]}\n\n',
        b'data: {"choices": [{"delta": {}, "finish_reason": 3}]}\n\n',
    ],
)
async def test_k4_a_chunk_that_is_none_breaks_the_reply_and_no_call_is_given_out(
    junk: bytes,
) -> None:
    got = await outcome(saying(HEAD + CALL + junk + WHOLE[len(CALL) :]))
    assert isinstance(got, ModelError)
    assert (got.fault, got.retry) == ("broken_stream", True)


async def test_k4_an_event_of_ten_megabytes_arrives_whole_and_the_loop_goes_on() -> None:
    text = "x" * 10_000_000
    wire = HEAD + chunk({"content": text}) + chunk(finish_reason="stop") + DONE
    lag = 0.0

    async def beat() -> None:
        nonlocal lag
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.01)
            lag = max(lag, time.monotonic() - start - 0.01)

    heart = asyncio.create_task(beat())
    got = await outcome(saying(wire))
    heart.cancel()
    assert isinstance(got, Finished)
    assert got.message.content == text
    assert lag <= 0.25


async def test_k4_a_line_without_end_is_given_up_before_it_fills_the_memory() -> None:
    got = await outcome(for_ever(HEAD + b"data: ", b"x" * 1_000_000, pause=0))
    assert isinstance(got, ModelError)
    assert got.fault == "broken_stream"


async def test_k4_done_may_come_twice_or_never() -> None:
    for wire in (WHOLE + DONE, WHOLE.removesuffix(DONE), WHOLE + CALL):
        assert calls(await outcome(saying(HEAD + wire))) == [("put", ARGUMENTS)]


async def test_k4_calls_that_are_interleaved_are_told_apart() -> None:
    wire = part("", name="put") + part("", index=1, name="look")
    for one, two in itertools.zip_longest('{"path": "a"}', '{"path": "b"}'):
        wire += part(one) + part(two, index=1)
    got = await outcome(saying(HEAD + wire + chunk(finish_reason="tool_calls") + DONE))
    assert calls(got) == [("put", '{"path": "a"}'), ("look", '{"path": "b"}')]


async def test_k4_a_refusal_in_mid_stream_is_said_and_not_repeated() -> None:
    body = {"message": "Invalid Authentication", "type": "invalid_authentication_error"}
    wire = CALL + b"data: " + json.dumps({"error": body}).encode() + b"\n\n"
    got = await outcome(saying(HEAD + wire))
    assert isinstance(got, ModelError)
    assert (got.fault, got.retry) == ("bad_key", False)


def limited(value: str) -> bytes:
    body = b'{"error": {"type": "rate_limit_reached_error", "message": "slow down"}}'
    head = f"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: {value}\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        ("1.5", 1.5, 1.5),
        (60.0, 50, 61),
        (-60.0, 0, 0),
        ("Wed, 21 Oct", 0, 0),
        ("soon", 0, 0),
        ("-5", 0, 0),
        ("NaN", 0, 0),
        ("", 0, 0),
    ],
)
async def test_k4_the_wait_that_a_429_names(value: str | float, least: float, most: float) -> None:
    named = value if isinstance(value, str) else in_seconds(value)
    got = await outcome(saying(limited(named)))
    assert isinstance(got, ModelError)
    assert (got.fault, got.retry) == ("rate_limit", True)
    assert least <= got.retry_after <= most


@pytest.mark.parametrize("value", ["86400", "9" * 400, in_seconds(86_400)])
async def test_k4_nobody_is_kept_waiting_for_a_day(value: str) -> None:
    told: list[float] = []

    async def wait(seconds: float) -> None:
        told.append(seconds)

    async with raw_server(saying(limited(value))) as url, provider(url) as kimi:
        with pytest.raises(ModelError) as caught:
            await pieces_of(
                stream_with_retries(kimi, request(), on_retry=lambda *_: None, wait=wait)
            )
    assert caught.value.retry_after > LONGEST_RETRY_AFTER
    assert (attempts_for(caught.value), told) == (1, [])
