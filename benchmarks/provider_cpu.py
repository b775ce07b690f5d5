"""CPU per streamed chunk: our provider beside a bare `create(stream=True)` loop of the openai SDK, in one run."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.report import Row, table
from kimi_jupyter.models.kimi import KimiProvider
from kimi_jupyter.models.provider import Request, Text
from kimi_jupyter.protocol.messages import UserMessage

ROOT = Path(__file__).resolve().parent.parent
CHUNKS = 5_000
ROUNDS = 7
LIMIT = 0.5
WAYS = {"once": "all chunks in one write", "each": "a write per chunk"}
KEY = "sk-benchmark"


def measure() -> list[Row]:
    """A row for each way of sending; the server is another process, so that its work does not count."""
    command = [sys.executable, "-m", "benchmarks.provider_cpu", "--serve"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        return [asyncio.run(_compare(f"http://127.0.0.1:{port}/{way}/v1", way)) for way in WAYS]
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


async def _compare(url: str, way: str) -> Row:
    import openai

    async def key() -> str:
        return KEY

    provider = KimiProvider(base_url=url, key=key)
    client = openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0)

    async def ours() -> int:
        seen = 0
        request = Request("kimi-k2.6", (UserMessage(content="go"),), (), "task", 1000)
        async for piece in provider.stream(request):
            if isinstance(piece, Text):
                seen += len(piece.text)
        return seen

    async def bare() -> int:
        seen = 0
        stream = await client.chat.completions.create(
            model="kimi-k2.6", messages=[{"role": "user", "content": "go"}], stream=True
        )
        async for chunk in stream:
            seen += len(chunk.choices[0].delta.content or "")
        return seen

    await ours()
    await bare()
    pairs = [(await _cpu(ours), await _cpu(bare)) for _ in range(ROUNDS)]
    await provider.aclose()
    await client.close()
    mine, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    beside = (
        f"ours {mine:.1f} µs a chunk, create(stream=True) {theirs:.1f} µs; "
        f"{CHUNKS} chunks, median of {ROUNDS} pairs"
    )
    return Row(f"provider CPU, {WAYS[way]}", mine / theirs, "of a bare loop", LIMIT, beside)


async def _cpu(run: Callable[[], Awaitable[int]]) -> float:
    began = time.process_time()
    seen = await run()
    used = time.process_time() - began
    assert seen == 5 * (CHUNKS - 1), f"only {seen} characters arrived"
    return used / CHUNKS * 1e6


def _events() -> list[bytes]:
    base = {"id": "chatcmpl-6a96d2dd476982652f98bcc8", "object": "chat.completion.chunk"}
    base |= {"created": 1788269277, "model": "kimi-k2.6"}
    word = [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}]
    last = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    texts = [json.dumps({**base, "choices": word}, separators=(",", ":"))] * (CHUNKS - 1)
    texts += [json.dumps({**base, "choices": last}, separators=(",", ":")), "[DONE]"]
    return [f"data: {text}\n\n".encode() for text in texts]


async def _serve() -> None:
    events = _events()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                parts = events if b"/each/" in head.split(b"\r\n")[0] else [b"".join(events)]
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
                writer.write(b"transfer-encoding: chunked\r\n\r\n")
                for part in parts:
                    writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(_serve())
    else:
        print(table(measure()))
