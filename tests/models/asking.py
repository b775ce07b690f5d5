"""What the provider's tests share: a provider for a simulated API, a request, and a whole reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager

from kimi_jupyter.models.kimi import KimiProvider
from kimi_jupyter.models.provider import Finished, Piece, Request, Text, Think, ToolSpec
from kimi_jupyter.protocol.messages import Message, UserMessage

KEY = "sk-test-0123456789abcdef0123456789"
HELLO: tuple[Message, ...] = (UserMessage(content="hello"),)


def request(
    messages: Sequence[Message] = HELLO,
    *,
    model: str = "kimi-k2.6",
    tools: tuple[ToolSpec, ...] = (),
    max_tokens: int = 4096,
) -> Request:
    return Request(model, tuple(messages), tools, "task-1", max_tokens)


@asynccontextmanager
async def provider(
    url: str, *, key: str | None = KEY, idle: float = 5.0
) -> AsyncIterator[KimiProvider]:
    async def give_key() -> str | None:
        return key

    made = KimiProvider(base_url=url, key=give_key, idle_timeout=idle)
    try:
        yield made
    finally:
        await made.aclose()


async def pieces_of(stream: AsyncGenerator[Piece]) -> list[Piece]:
    async def collect() -> list[Piece]:
        return [piece async for piece in stream]

    return await asyncio.wait_for(collect(), 10)


async def reply_of(stream: AsyncGenerator[Piece]) -> Finished:
    """The last piece; those before it must add up to it."""
    *parts, last = await pieces_of(stream)
    assert isinstance(last, Finished)
    assert "".join(p.text for p in parts if isinstance(p, Text)) == last.message.content
    thought = "".join(p.text for p in parts if isinstance(p, Think))
    assert thought == (last.message.reasoning_content or "")
    return last


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncIterator[str]:
    """A server that says what no sane one says; gives its base URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
