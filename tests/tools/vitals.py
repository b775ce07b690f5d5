"""How the event loop and the memory of this process fare while something runs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MOST_LAG = 0.25
"""Seconds that the event loop may be held."""
MOST_MEMORY = 100_000_000


@dataclass
class Vitals:
    """The worst that was seen."""

    lag: float = 0.0
    beats: int = 0
    memory: int = 0
    """Bytes more than at the beginning."""
    seconds: float = 0.0


@asynccontextmanager
async def vitals() -> AsyncGenerator[Vitals]:
    """Watch from here to the end of the block."""
    seen = Vitals()
    started, first = time.monotonic(), _resident()

    async def beat() -> None:
        while True:
            at = time.monotonic()
            await asyncio.sleep(0.01)
            seen.lag = max(seen.lag, time.monotonic() - at - 0.01)
            seen.beats += 1
            seen.memory = max(seen.memory, _resident() - first)

    heart = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        yield seen
    finally:
        heart.cancel()
        with suppress(asyncio.CancelledError):
            await heart
        seen.seconds = time.monotonic() - started


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
