"""Runs the simulated API as a program: prints its base URL, then serves until it is ended."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from pathlib import Path

from tests.moonshot.by_hand import ByHand
from tests.moonshot.server import Moonshot


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.moonshot", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="JSON list of steps to play first")
    parser.add_argument("--chunks-per-second", type=float, default=50.0, help="0: at once")
    parser.add_argument("--chunk-size", type=int, default=4, help="characters per chunk")
    parser.add_argument("--length", type=int, default=0, help="characters of every reply")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    by_hand = ByHand(
        length=options.length,
        chunks_per_second=options.chunks_per_second,
        chunk_size=options.chunk_size,
    )
    steps = json.loads(options.script.read_text(encoding="utf-8")) if options.script else []
    async with Moonshot(steps, otherwise=by_hand, port=options.port) as api:
        print(api.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_options()))
