"""Blocking work in a thread of its own that a cancelled caller stops at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")
_LAST_WAIT = 8.0


class Stop:
    """A wish to stop that a thread can wait for with `select`, beside its other descriptors."""

    def __init__(self) -> None:
        self._sender, self._receiver = socket.socketpair()
        self.is_set = False

    def fileno(self) -> int:
        """Readable once the wish is there."""
        return self._receiver.fileno()

    def set(self) -> None:
        """Wish it; may be called from any thread, and after the work has ended."""
        self.is_set = True
        with suppress(OSError):
            self._sender.send(b"!")

    def close(self) -> None:
        """Free the descriptors."""
        self._sender.close()
        self._receiver.close()


class Thread(Generic[T]):
    """Work that has begun in a thread of its own, since a command may run for hours and the loop's pool has few."""

    def __init__(self, work: Callable[[Stop], T]) -> None:
        self._future: Future[T] = Future()
        self._stop = Stop()
        self.done: asyncio.Future[T] = asyncio.wrap_future(self._future)
        """What `work` gives; never cancel it."""
        threading.Thread(target=self._body, args=(work,), name="kimi-tool", daemon=True).start()

    def _body(self, work: Callable[[Stop], T]) -> None:
        try:
            self._future.set_result(work(self._stop))
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            self._future.set_exception(error)
        finally:
            self._stop.close()

    def stop(self) -> None:
        """Set its `Stop`; nothing where it has ended."""
        self._stop.set()

    async def or_stopped(self, waiting: Awaitable[S]) -> S:
        """Wait for something; cancelling that stops the work and waits until it has ended."""
        try:
            return await waiting
        except asyncio.CancelledError:
            self.stop()
            await asyncio.wait({self.done}, timeout=_LAST_WAIT)
            if self.done.done():
                self.done.exception()
            raise


async def run(work: Callable[[Stop], T]) -> T:
    """What `work` gives. Cancelling sets its `Stop`, waits until it has ended, and raises `CancelledError`."""
    thread = Thread(work)
    return await thread.or_stopped(asyncio.shield(thread.done))
