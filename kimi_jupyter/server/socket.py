"""A task's websocket: its events out, commands in; the turn goes on without it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.server.handlers import KimiHandler, whole_number
from kimi_jupyter.server.rest import task_id

if TYPE_CHECKING:
    from kimi_jupyter.agent.task import Task
    from kimi_jupyter.history.log import Follower
    from kimi_jupyter.protocol.events import Event
    from kimi_jupyter.server.engine import Engine

_PAUSE = 0.03
"""Seconds to a delta's frame in the long run: one for each token would cost the browser much and show nothing more."""
_AT_ONCE = 6
"""Frames of deltas that may go out at once, so that a short reply streams as it comes."""
_LARGEST_FRAME = 16 << 20
_PING = 30.0


class _Pace:
    """Lets few deltas through at once, and one in each `_PAUSE` afterwards."""

    def __init__(self) -> None:
        self._room = float(_AT_ONCE)
        self._at = time.monotonic()

    def take(self) -> bool:
        """One more frame has gone out; whether there is room for another one now."""
        now = time.monotonic()
        self._room = min(self._room + (now - self._at) / _PAUSE, _AT_ONCE) - 1
        self._at = now
        return self._room >= 1


class TaskSocket(WebSocketMixin, WebSocketHandler, KimiHandler):  # pyright: ignore[reportIncompatibleMethodOverride] -- Jupyter's own mixin
    """One client's link to one task."""

    auth_resource = "kimi_jupyter:socket"
    _engine: Engine
    _task: Task
    _follower: Follower | None = None
    _pump: asyncio.Task[None] | None = None

    @property
    def max_message_size(self) -> int:
        return _LARGEST_FRAME

    @property
    def ping_interval(self) -> float:
        """Seconds, as tornado counts; Jupyter's mixin takes milliseconds, so its own pings are not begun."""
        return _PING

    @property
    def ping_timeout(self) -> float:
        return _PING

    def get_compression_options(self) -> None:
        """No compression: on one machine it costs more than it saves."""

    @ws_authenticated
    @authorized("execute")  # pyright: ignore[reportUntypedFunctionDecorator] -- it keeps the type
    async def get(self, given: str) -> None:
        after = self.get_query_argument("after", "0")
        self._after = whole_number("after", after, least=0, most=2**53 - 1)
        self._engine = await self.engine()
        self._task = await self._engine.runtime.task(task_id(given))
        await super().get(given)

    def open(self, *args: str, **kwargs: str) -> None:
        self._pace = _Pace()
        self._follower = self._task.follow(self._after)
        self._pump = asyncio.create_task(self._send(self._follower))
        self.host.sending.add(self._pump)
        self._pump.add_done_callback(self.host.sending.discard)

    async def on_message(self, message: str | bytes) -> None:
        command = ""
        try:
            asked = self._engine.read_command(message)
            command = asked.type
            if command == "turn.start" and self.host.problem:
                await self._refuse(self.host.problem, command)
            else:
                await self._task.submit(asked, by=self.by)
        except KimiError as error:
            await self._refuse(str(error), command)
        except Exception:
            self.log.exception("A command of type %r failed", command)
            await self._refuse("Something went wrong; the server's log has the details.", command)

    def on_close(self) -> None:
        if self._follower is not None:
            self._follower.close()
        if self._pump is not None:
            self._pump.cancel()

    async def _refuse(self, why: str, command: str) -> None:
        try:
            await self.write_message(self._engine.refusal(why, command))
        except WebSocketClosedError:
            return

    async def _send(self, follower: Follower) -> None:
        try:
            async for event in follower:
                if await self._burst(event, follower):
                    await asyncio.sleep(_PAUSE)
            self.close(1001, "The task was closed.")
        except WebSocketClosedError:
            return
        except Exception:
            self.log.exception("Sending the events of task %s failed", self._task.id)
            self.close(1011, "Sending failed; connect again.")

    async def _burst(self, first: Event, follower: Follower) -> bool:
        """Send what is there; whether so many deltas were among it that the next ones should gather first."""
        event: Event | None = first
        while event is not None:
            await self.write_message(event.model_dump_json())
            if event.transient and not self._pace.take():
                return True
            event = follower.take()
        return False
