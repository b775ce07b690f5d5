"""Runs the calls of one step: side by side where what they declare allows it, else in the model's order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kimi_jupyter.agent.claims import Claim, conflict
from kimi_jupyter.protocol.messages import ToolCall


class Seat:
    """A call's place in its step: calls are let through in their order, one at a time; then they run side by side."""

    def __init__(self, earlier: Sequence[Seat] = ()) -> None:
        self._earlier = tuple(earlier)
        self._left = asyncio.Event()
        self._is_off = False

    @property
    def has_begun(self) -> bool:
        """Whether the call was let through, so that it may have had an effect."""
        return self._left.is_set()

    async def turn(self) -> None:
        """Wait until all earlier calls were let through or answered, so that none of them can ask any more."""
        for seat in self._earlier:
            await seat._left.wait()

    def begin(self) -> None:
        """The call is let through and its effect begins; raises `CancelledError` where it was called off."""
        if self._is_off:
            raise asyncio.CancelledError
        self.leave()

    def leave(self) -> None:
        """The next call may be weighed."""
        self._left.set()

    def call_off(self) -> None:
        """Let the call not begin any more."""
        self._is_off = True


Take = Callable[[ToolCall, Seat], Awaitable[bool]]
"""Takes up a call and answers it; whether the turn ends with it."""


class Step:
    """The calls of one reply, each taken up once."""

    def __init__(
        self, calls: Sequence[ToolCall], *, claim: Callable[[ToolCall], Claim], take: Take
    ) -> None:
        self._calls = calls
        self._claims = [claim(call) for call in calls]
        self._take = take
        self._seats: list[Seat] = []
        for _ in calls:
            self._seats.append(Seat(self._seats))
        self._tasks: list[asyncio.Task[bool]] = []
        self._left: list[ToolCall] | None = None

    async def run(self) -> list[ToolCall] | None:
        """Take up all calls; where one of them ends the turn, the calls that were not begun, else `None`.

        What has begun is abandoned only when this is cancelled: then all of it is cancelled at once and waited for.
        """
        for index in range(len(self._calls)):
            self._tasks.append(asyncio.create_task(self._one(index)))
        for end in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end
        return self._left

    async def _one(self, index: int) -> bool:
        before = [self._tasks[earlier] for earlier in range(index) if self._waits(index, earlier)]
        if before:
            await asyncio.wait(before)
        seat = self._seats[index]
        try:
            ends = await self._take(self._calls[index], seat)
            if ends:
                self._call_off()
            return ends
        except Exception:
            self._call_off()
            raise
        finally:
            seat.leave()

    def _waits(self, index: int, earlier: int) -> bool:
        """Two calls of one id can't be told apart by their results, so they keep their order too."""
        return self._calls[earlier].id == self._calls[index].id or conflict(
            self._claims[earlier], self._claims[index]
        )

    def _call_off(self) -> None:
        idle = [index for index, seat in enumerate(self._seats) if not seat.has_begun]
        own = asyncio.current_task()
        left: list[ToolCall] = []
        for index in idle:
            if self._tasks[index] is not own:
                self._seats[index].call_off()
                self._tasks[index].cancel()
                left.append(self._calls[index])
        self._left = left if self._left is None else self._left
