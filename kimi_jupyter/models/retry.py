"""Sends a request again where the kind of failure allows it, with growing waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from kimi_jupyter.models.provider import Piece, Provider, Request
from kimi_jupyter.protocol.errors import ModelError

ATTEMPTS: dict[str, int] = {
    "rate_limit": 10,
    "overloaded": 10,
    "server": 10,
    "broken_stream": 10,
    "unreachable": 5,
    "stalled": 3,
}
"""Tries at most, the first included; a stalled one has already cost the idle limit each time."""
LONGEST_WAIT = 32.0
LONGEST_RETRY_AFTER = 300.0
"""Where the API names a longer wait than this, the user is told instead of kept waiting."""

OnRetry = Callable[[ModelError, int, int, int], None]
"""Called before each wait with the error, the try that comes next, the tries at most, the wait in ms."""


def attempts_for(error: ModelError) -> int:
    """How many tries a failure of this kind is worth."""
    if not error.retry or error.retry_after > LONGEST_RETRY_AFTER:
        return 1
    return ATTEMPTS.get(error.fault, 1)


def wait_before(error: ModelError, attempt: int, jitter: float) -> float:
    """Seconds before try number `attempt` (from 2): doubling, at least what the API named, up to 25 % more."""
    doublings = attempt - 2 + (2 if error.fault == "overloaded" else 0)
    backoff: float = min(0.5 * 2**doublings, LONGEST_WAIT)
    return error.retry_after + backoff * (1 + 0.25 * jitter)


async def stream_with_retries(
    provider: Provider,
    request: Request,
    *,
    on_retry: OnRetry,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> AsyncGenerator[Piece]:
    """The pieces of one reply; after `on_retry` they begin again from the start of another reply.

    Raises the last `ModelError` where another try is not worth it. Nothing is sent again once the reply was complete.
    """
    attempt = 1
    while True:
        try:
            async with aclosing(provider.stream(request)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        except ModelError as error:
            attempts = attempts_for(error)
            attempt += 1
            if attempt > attempts:
                raise
            seconds = wait_before(error, attempt, jitter())
            on_retry(error, attempt, attempts, round(seconds * 1000))
        await wait(seconds)
