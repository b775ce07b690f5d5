"""Moonshot's API behind the provider's Protocol, by way of the openai SDK."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from kimi_jupyter.models.body import messages_body, tools_body
from kimi_jupyter.models.catalogue import BUNDLED, find, thinking_switch, thinks, unknown_model_text
from kimi_jupyter.models.chunks import ChunkReader
from kimi_jupyter.models.connection import from_openai
from kimi_jupyter.models.errors import broken_stream, from_body, impossible_key, no_key, stalled
from kimi_jupyter.models.provider import Balance, Finished, ModelInfo, Piece, Request
from kimi_jupyter.models.reply import call_ids
from kimi_jupyter.models.sse import SseParser
from kimi_jupyter.protocol.errors import ModelError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")
_CONNECT_SECONDS = 15.0
_IDLES_TO_ANSWER = 3
"""How many idle limits an answer may take until it begins to stream, or until an error is told."""
_AFTER_FINISH_SECONDS = 5.0
"""How long the last usage chunk and `[DONE]` are waited for once the finish reason is known."""
_AFTER_DONE_SECONDS = 0.2
"""How long the end of the body is waited for, so that the connection can be used again."""


class KimiProvider:
    """Streams replies of Moonshot's API; one client serves all requests of the provider's life."""

    def __init__(
        self,
        *,
        base_url: str,
        key: Callable[[], Awaitable[str | None]],
        idle_timeout: float = 120.0,
    ) -> None:
        self.base_url = base_url
        self._key = key
        self._idle = idle_timeout
        self._client: AsyncOpenAI | None = None
        self._failures: tuple[type[Exception], ...] = ()
        self._lock = asyncio.Lock()
        self._listed: tuple[ModelInfo, ...] = ()

    async def stream(self, request: Request) -> AsyncGenerator[Piece]:
        """Yield the pieces of one reply, `Finished` last; see `Provider.stream`."""
        client = await self._ready_client()
        headers: dict[str, str] = {}
        try:
            opening = client.chat.completions.with_streaming_response.create(
                model=request.model,
                messages=[],
                max_completion_tokens=request.max_tokens,
                stream=True,
                stream_options={"include_usage": True},
                extra_body=_conversation(request),
            )
            async with AsyncExitStack() as stack:
                response = await self._in_time(stack.enter_async_context(opening))
                headers.update(response.headers)
                if "text/event-stream" not in headers.get("content-type", ""):
                    text = await self._in_time(response.text())
                    raise from_body(response.status_code, text, headers, url=self.base_url)
                reader = ChunkReader(call_ids(request.messages), headers=headers)
                async with aclosing(self._pieces(response.iter_bytes(), reader)) as pieces:
                    async for piece in pieces:
                        yield piece
        except self._failures as error:
            mapped = from_openai(error, url=self.base_url, idle=self._idle, headers=headers)
            raise await self._explained(mapped, request.model) from error

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that this account may use; gaps are filled from the bundled list."""
        data = (await self._get("/models")).get("data")
        entries = cast("list[Mapping[str, Any]]", data if isinstance(data, list) else [])
        self._listed = tuple(_model_info(entry) for entry in entries if entry.get("id"))
        return self._listed or BUNDLED

    async def balance(self) -> Balance | None:
        """The account's balance; `None` where the service at this base URL tells none."""
        try:
            answer = await self._get("/users/me/balance")
            available = float(answer["data"]["available_balance"])
        except (KeyError, TypeError, ValueError):
            return None
        except ModelError as error:
            if error.fault in ("bad_request", "unknown_model", "forbidden"):
                return None
            raise
        host = urlsplit(self.base_url).hostname or ""
        currency = "CNY" if host.endswith(".cn") else "USD"
        return Balance(available=available, currency=currency, read_at=int(time.time() * 1000))

    async def aclose(self) -> None:
        """Free the connections; the next request opens others."""
        async with self._lock:
            client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _in_time(self, answer: Awaitable[T]) -> T:
        """What comes in small drips never falls silent, so it has a limit of its own."""
        try:
            return await _within(_IDLES_TO_ANSWER * self._idle, answer)
        except TimeoutError as error:
            raise stalled(self._idle) from error

    async def _pieces(
        self, chunks: AsyncIterator[bytes], reader: ChunkReader
    ) -> AsyncGenerator[Piece]:
        parser = SseParser()
        heard_at = time.monotonic()
        while not reader.is_done:
            data = await self._next(chunks, reader)
            try:
                payloads = parser.feed(data) if data is not None else parser.close()
            except ValueError as error:
                raise broken_stream() from error
            for piece in reader.read(payloads):
                yield piece
            if payloads:
                await asyncio.sleep(0)  # bytes that wait already hold up nobody who reads along
            now = time.monotonic()
            if payloads:
                heard_at = now
            elif reader.has_finish and now - heard_at > _AFTER_FINISH_SECONDS:
                break
            elif now - heard_at > self._idle:
                raise stalled(self._idle)
            if data is None:
                break
        finished: Finished = reader.finished()
        if reader.is_done:
            await self._next(chunks, reader)
        yield finished

    async def _next(self, chunks: AsyncIterator[bytes], reader: ChunkReader) -> bytes | None:
        """The next bytes, `None` at the end; once the finish reason is known nothing that fails matters."""
        if not reader.has_finish and not reader.is_done:
            return await anext(chunks, None)
        limit = _AFTER_DONE_SECONDS if reader.is_done else _AFTER_FINISH_SECONDS
        try:
            return await _within(limit, anext(chunks, None))
        except (TimeoutError, *self._failures):
            return None

    async def _get(self, path: str) -> Mapping[str, Any]:
        client = await self._ready_client()
        try:
            answer = await client.get(path, cast_to=object)
        except self._failures as error:
            raise from_openai(error, url=self.base_url, idle=self._idle) from error
        return cast("Mapping[str, Any]", answer) if isinstance(answer, dict) else {}

    async def _explained(self, mapped: ModelError, model: str) -> ModelError:
        """Names the models that there are where the API does not know the one that was asked for."""
        if mapped.fault != "unknown_model":
            return mapped
        try:
            models = await self.models()
        except ModelError:
            models = self._listed or BUNDLED
        ids = [info.id for info in models]
        if find(model) is None:
            return ModelError(unknown_model_text(model, ids), fault="unknown_model")
        text = f"{mapped} Your account can't use {model} now. Available models: {', '.join(ids)}."
        return ModelError(text, fault="unknown_model")

    async def _ready_client(self) -> AsyncOpenAI:
        """The client with the present key; the SDK is imported at first use, in a thread."""
        key = await self._key()
        if not key:
            raise no_key()
        if not key.isascii() or not key.isprintable():
            raise impossible_key()
        async with self._lock:
            if self._client is None:
                self._client = await asyncio.to_thread(self._build, key)
            elif self._client.api_key != key:
                # the copy keeps the connections: replies that stream with the former key go on
                self._client = _without_ambient(self._client.copy(api_key=key))
            return self._client

    def _build(self, key: str) -> AsyncOpenAI:
        import anyio
        import openai

        # httpx or httpx2, whichever the SDK was built upon
        bases = openai.DefaultAsyncHttpxClient.__mro__
        base = next(base for base in bases if base.__name__ == "AsyncClient")
        http = importlib.import_module(base.__module__.partition(".")[0])
        self._failures = (
            openai.OpenAIError,
            http.HTTPError,
            http.InvalidURL,
            anyio.EndOfStream,
            OSError,
        )
        timeout = openai.Timeout(self._idle, connect=_CONNECT_SECONDS)
        try:
            client = openai.AsyncOpenAI(
                api_key=key,
                base_url=self.base_url,
                max_retries=0,
                timeout=timeout,
                # a redirect would take the conversation, though not the key, to another server
                http_client=openai.DefaultAsyncHttpxClient(timeout=timeout, follow_redirects=False),
            )
        except self._failures as error:
            raise from_openai(error, url=self.base_url) from error
        _ = client.chat.completions
        return _without_ambient(client)


async def _within(seconds: float, answer: Awaitable[T]) -> T:
    """`TimeoutError` after that time. Not `asyncio.wait_for`: before Python 3.12 that may swallow a cancellation."""
    import anyio

    with anyio.fail_after(seconds):
        return await answer


def _without_ambient(client: AsyncOpenAI) -> AsyncOpenAI:
    """What the SDK reads from `OPENAI_...` variables is nothing that Moonshot should see."""
    client.organization = None
    client.project = None
    return client


def _conversation(request: Request) -> dict[str, object]:
    """What goes past the SDK's typed parameters: those it walks through at length, and those that it may not know.

    No temperature: it is fixed, and another one with thinking than without.

    A conversation of 800 messages holds the loop for 90 ms as a typed parameter, and for 6 ms this way.
    """
    echoes = thinks(request.model, request.thinking)
    body: dict[str, object] = {"messages": messages_body(request.messages, echoes=echoes)}
    if request.tools:
        body["tools"] = tools_body(request.tools)
    thinking = thinking_switch(request.model, request.thinking)
    if thinking is not None:
        body["thinking"] = thinking
    body["prompt_cache_key"] = request.task
    return body


def _model_info(entry: Mapping[str, Any]) -> ModelInfo:
    id = str(entry["id"])
    bundled = find(id)
    context = entry.get("context_length")
    if not isinstance(context, int) or context <= 0:
        context = bundled.context if bundled else 0
    vision = entry.get("supports_image_in")
    if not isinstance(vision, bool):
        vision = bundled.vision if bundled else False
    return ModelInfo(
        id=id,
        name=str(entry.get("display_name") or (bundled.name if bundled else id)),
        context=context,
        vision=vision,
        input_price=bundled.input_price if bundled else None,
        cached_price=bundled.cached_price if bundled else None,
        output_price=bundled.output_price if bundled else None,
    )
