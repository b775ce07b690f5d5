"""Which failures are tried again, how often, and after what wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kimi_jupyter.models.provider import Finished, Piece
from kimi_jupyter.models.retry import stream_with_retries
from kimi_jupyter.models.scripted import ScriptedProvider
from kimi_jupyter.protocol.errors import ModelError
from tests.models.asking import pieces_of, request

pytestmark = pytest.mark.anyio


class Story:
    """Plays failures, then a reply; writes down what was told and how long it would have waited."""

    def __init__(self, *failures: dict[str, Any], text: str = "good") -> None:
        self.left = list(failures)
        self.told: list[tuple[str, int, int, int]] = []
        self.waits: list[float] = []
        self.provider = ScriptedProvider(
            lambda _: [{"error": self.left.pop(0)}] if self.left else [{"text": text}]
        )

    async def play(self) -> list[Piece]:
        async def wait(seconds: float) -> None:
            self.waits.append(seconds)

        return await pieces_of(
            stream_with_retries(
                self.provider, request(), on_retry=self._told, wait=wait, jitter=lambda: 0.0
            )
        )

    def _told(self, error: ModelError, attempt: int, attempts: int, wait_ms: int) -> None:
        self.told.append((error.fault, attempt, attempts, wait_ms))


def _failure(fault: str, *, retry: bool = True, **more: object) -> dict[str, Any]:
    return {"message": f"{fault}!", "fault": fault, "retry": retry, **more}


async def test_a_good_reply_is_asked_for_once() -> None:
    story = Story()
    assert isinstance((await story.play())[-1], Finished)
    assert (story.told, len(story.provider.requests)) == ([], 1)


async def test_waits_double_up_to_a_limit() -> None:
    story = Story(*[_failure("server")] * 9)
    await story.play()
    assert story.waits == [0.5, 1, 2, 4, 8, 16, 32, 32, 32]
    assert story.told[0] == ("server", 2, 10, 500)
    assert story.told[-1] == ("server", 10, 10, 32_000)


async def test_the_tenth_failure_is_the_last() -> None:
    story = Story(*[_failure("rate_limit")] * 10)
    with pytest.raises(ModelError, match="rate_limit!"):
        await story.play()
    assert (len(story.provider.requests), len(story.waits)) == (10, 9)


async def test_the_wait_that_the_api_names_is_the_least_and_grows() -> None:
    story = Story(*[_failure("rate_limit", retry_after=20.0)] * 3)
    await story.play()
    assert story.waits == [20.5, 21, 22]


async def test_an_overloaded_service_is_given_more_time() -> None:
    story = Story(*[_failure("overloaded")] * 3)
    await story.play()
    assert story.waits == [2, 4, 8]


@pytest.mark.parametrize(
    "fault", ["quota", "bad_key", "no_key", "daily_limit", "content_filter", "bad_request"]
)
async def test_what_can_not_get_better_is_not_tried_again(fault: str) -> None:
    story = Story(_failure(fault, retry=False))
    with pytest.raises(ModelError, match=fault):
        await story.play()
    assert (story.told, len(story.provider.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("fault", "tries"), [("stalled", 3), ("unreachable", 5), ("broken_stream", 10)]
)
async def test_each_kind_has_its_own_number_of_tries(fault: str, tries: int) -> None:
    story = Story(*[_failure(fault)] * 20)
    with pytest.raises(ModelError):
        await story.play()
    assert len(story.provider.requests) == tries


async def test_nobody_is_kept_waiting_for_more_than_five_minutes() -> None:
    story = Story(_failure("rate_limit", retry_after=3600.0))
    with pytest.raises(ModelError):
        await story.play()
    assert story.waits == []


async def test_waiting_can_be_cancelled() -> None:
    story = Story(_failure("server"))
    waiting = asyncio.Event()

    async def wait(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    stream = stream_with_retries(story.provider, request(), on_retry=story._told, wait=wait)
    task = asyncio.create_task(pieces_of(stream))
    await asyncio.wait_for(waiting.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(story.provider.requests) == 1


async def test_a_failure_of_the_reader_after_the_end_sends_nothing_again() -> None:
    story = Story()
    stream = stream_with_retries(story.provider, request(), on_retry=story._told)
    async for piece in stream:
        if isinstance(piece, Finished):
            break
    await stream.aclose()
    assert len(story.provider.requests) == 1
