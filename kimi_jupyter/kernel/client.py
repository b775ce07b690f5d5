"""The agent in the Jupyter server: requests by HTTP, a task's events and commands by websocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast
from urllib.parse import quote

from pydantic import Field, TypeAdapter, ValidationError
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    websocket_connect,
)

from kimi_jupyter.kernel.find import Server
from kimi_jupyter.kernel.http import NoAnswer, ask
from kimi_jupyter.kernel.link import Failed, Item, Opened, Place, Status, TaskLine, Where
from kimi_jupyter.protocol.commands import Command, Refusal
from kimi_jupyter.protocol.errors import KimiError, TaskBusy, TaskNotFound
from kimi_jupyter.protocol.events import Event
from kimi_jupyter.version import __version__

PATIENCE = 30.0
"""Seconds within which a lost server may come back."""
_TIMEOUT = 15.0
_LARGEST_FRAME = 64 << 20
_LOST = (
    "The Jupyter server can't be reached any more. The turn may still go on there: "
    "look at the task in the Kimi sidebar, or run the cell again."
)
_frames: TypeAdapter[Event | Refusal] = TypeAdapter(
    Annotated[Event | Refusal, Field(discriminator="type")]
)


class ServerBackend:
    """Talks to one server; `find_again` is asked when it is lost, since a restarted one has another secret."""

    where: Where = "server"

    def __init__(self, server: Server, find_again: Callable[[], Server | None]) -> None:
        self.server = server
        self._find_again = find_again

    def place(self) -> Place:
        facts = self.server.facts
        return Place(
            workspace=str(facts.get("workspace", "")),
            unattended="deny" if facts.get("unattended") == "deny" else "plan",
            notebook=facts.get("notebook"),
        )

    async def status(self) -> Status:
        facts = await self._ask("GET", "status")
        models = tuple(str(model["id"]) for model in facts.get("models", ()))
        return Status(model=facts.get("model", ""), mode=facts.get("mode", "ask"), models=models)

    async def create(self, notebook: str | None) -> str:
        answer = await self._ask("POST", "tasks", {"notebook": notebook} if notebook else {})
        return str(answer["id"])

    async def tasks(self, limit: int) -> list[TaskLine]:
        answer = await self._ask("GET", f"tasks?limit={limit}")
        return [
            TaskLine(id=t["id"], title=t["title"], status=t["status"], updated_at=t["updated_at"])
            for t in answer.get("tasks", ())
        ]

    async def open(self, task: str, after: int, deliver: Callable[[Item], None]) -> SocketChannel:
        channel = SocketChannel(self, task, after, deliver)
        await channel.connect()
        return channel

    async def set_key(self, key: str) -> str:
        raise KimiError(
            "The key is kept by the Jupyter server: open the Kimi sidebar and paste it there."
        )

    async def aclose(self) -> None:
        """Nothing runs in this process."""

    async def find_again(self) -> None:
        """Look for the server once more; keeps what it has when there is none."""
        found = await asyncio.to_thread(self._find_again)
        if found is not None:
            self.server = found

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        for attempt in (1, 2):
            server = self.server
            try:
                code, answer = await asyncio.to_thread(
                    ask, method, server.url + path, server.headers, body=body, timeout=_TIMEOUT
                )
            except NoAnswer:
                code, answer = 0, {}
            if 200 <= code < 300:
                return answer
            if code in (0, 403) and attempt == 1:
                await self.find_again()
                continue
            raise _error(code, answer)
        raise KimiError(_LOST)


def _error(code: int, answer: Mapping[str, Any]) -> KimiError:
    told = cast("Mapping[str, Any]", answer.get("error") or {})
    text = str(told.get("message") or "")
    if code == 0:
        return KimiError(_LOST)
    if told.get("code") == "task_not_found":
        return TaskNotFound(text or "There is no such task; it may have been deleted.")
    if told.get("code") == "task_busy":
        return TaskBusy(text or "Another process has this task open; close it there.")
    return KimiError(
        text or f"The Jupyter server refused with status {code}; its log has the details."
    )


class SocketChannel:
    """A task's websocket; it connects again from the last event that it saw, and sends what is still to be sent."""

    def __init__(
        self, backend: ServerBackend, task: str, after: int, deliver: Callable[[Item], None]
    ) -> None:
        self._backend = backend
        self._task = task
        self._after = after
        self._deliver = deliver
        self._socket: WebSocketClientConnection | None = None
        self._unsent: list[Command] = []
        self._running: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Open the link; raises `KimiError` where that can't be."""
        self._socket = await self._connected()
        self._deliver(Opened())
        self._running = asyncio.create_task(self._run())

    def send(self, command: Command) -> None:
        self._unsent.append(command)
        self._flush()

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        self._drop()

    def _drop(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def _flush(self) -> None:
        while self._socket is not None and self._unsent:
            try:
                self._socket.write_message(self._unsent[0].model_dump_json())
            except WebSocketClosedError:
                return
            self._unsent.pop(0)

    async def _connected(self) -> WebSocketClientConnection:
        server = self._backend.server
        address = f"ws{server.url[4:]}tasks/{quote(self._task)}/socket?after={self._after}"
        request = HTTPRequest(
            address, headers=dict(server.headers), connect_timeout=5, request_timeout=15
        )
        try:
            return await websocket_connect(
                request, ping_interval=20, max_message_size=_LARGEST_FRAME
            )
        except HTTPClientError as error:  # a socket that is refused brings no body
            kinds = {404: "task_not_found", 409: "task_busy"}
            raise _error(error.code, {"error": {"code": kinds.get(error.code)}}) from error
        except (OSError, StreamClosedError) as error:
            raise KimiError(_LOST) from error

    async def _run(self) -> None:
        while True:
            self._flush()
            try:
                await self._read()
                await self._reconnect()
            except KimiError as error:
                self._deliver(Failed(str(error)))
                return

    async def _read(self) -> None:
        """Pass on what comes until the connection is gone."""
        socket = self._socket
        while socket is not None:
            frame = await socket.read_message()
            if frame is None:
                return
            try:
                item = understood(frame)
            except ValidationError as error:
                raise KimiError(self._strange()) from error
            if item is None:
                continue
            if not isinstance(item, Refusal):
                self._after = max(self._after, item.seq)
            self._deliver(item)

    async def _reconnect(self) -> None:
        self._drop()
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + PATIENCE, 0.1
        while True:
            try:
                self._socket = await self._connected()
            except TaskNotFound:
                raise
            except KimiError:
                if loop.time() > end:
                    raise
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)
                await self._backend.find_again()
            else:
                self._deliver(Opened())
                return

    def _strange(self) -> str:
        theirs = self._backend.server.facts.get("version")
        return (
            f"The Jupyter server speaks another version of Kimi Jupyter ({theirs or 'unknown'}; this kernel has "
            f"{__version__}). Install the same version in both environments and restart both."
        )


def understood(frame: str | bytes) -> Event | Refusal | None:
    """What a frame says; `None` for an event of a newer version, which changes nothing that we show.

    Raises `ValidationError` for a known one in another form.
    """
    try:
        return _frames.validate_json(frame)
    except ValidationError as error:
        if error.errors()[0]["type"] == "union_tag_invalid":
            return None
        raise
