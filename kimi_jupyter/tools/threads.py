"""Blocking work in a thread of its own that a cancelled caller stops at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
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


async def run(work: Callable[[Stop], T]) -> T:
    """What `work` gives. Cancelling sets its `Stop`, waits until it has ended, and raises `CancelledError`.

    A thread of its own, since a command may run for hours and the loop's pool has few.
    """
    future: Future[T] = Future()
    stop = Stop()

    def body() -> None:
        try:
            future.set_result(work(stop))
        except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
            future.set_exception(error)
        finally:
            stop.close()

    waiting = asyncio.wrap_future(future)
    threading.Thread(target=body, name="kimi-tool", daemon=True).start()
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({waiting}, timeout=_LAST_WAIT)
        if waiting.done():
            waiting.exception()
        raise
