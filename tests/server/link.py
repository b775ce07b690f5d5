"""A client of a task's socket that keeps what came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tornado.websocket import WebSocketClientConnection

WAIT = 5.0
Frame = dict[str, Any]


class Link:
    """Frames are kept in `frames` in the order in which they came."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self._is_closed = False

    def send(self, type: str, **fields: Any) -> None:
        self.socket.write_message(json.dumps({"type": type, **fields}))

    async def next(self) -> Frame | None:
        """The next frame; `None` when the server has closed the socket."""
        raw = await asyncio.wait_for(self.socket.read_message(), WAIT)
        if raw is None:
            self._is_closed = True
            return None
        self.frames.append(json.loads(raw))
        return self.frames[-1]

    async def until(
        self, *types: str, where: Callable[[Frame], bool] = lambda frame: True
    ) -> Frame:
        """Read on until a frame of one of these types comes."""
        while True:
            frame = await self.next()
            assert frame is not None, f"closed before {types}; came: {self.types}"
            if frame["type"] in types and where(frame):
                return frame

    async def until_closed(self) -> None:
        while await self.next() is not None:
            pass

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    @property
    def stored(self) -> list[Frame]:
        """The stored events that came, without deltas."""
        seqs: dict[int, Frame] = {}
        for frame in self.frames:
            if not frame["type"].endswith(".delta") and frame["type"] not in TRANSIENT:
                assert frame["seq"] not in seqs, f"{frame} came twice"
                seqs[frame["seq"]] = frame
        return list(seqs.values())

    def close(self) -> None:
        self.socket.close()

    async def end(self) -> None:
        """Close it and wait until it is."""
        self.close()
        if not self._is_closed:
            await self.until_closed()


TRANSIENT = ("command.refused", "tool.output", "retrying")
