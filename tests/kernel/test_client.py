"""The link to a server: it connects again from the last event, and says so where it can't."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError
from tornado.websocket import WebSocketHandler

from kimi_jupyter.kernel.client import ServerBackend
from kimi_jupyter.kernel.find import Server
from kimi_jupyter.kernel.link import Failed, Item, Opened
from kimi_jupyter.protocol.commands import Refusal, TurnStop
from kimi_jupyter.protocol.errors import KimiError, TaskNotFound
from kimi_jupyter.protocol.events import Notice

pytestmark = pytest.mark.anyio

SECRET = {"X-Kimi-Kernel": "s", "X-Kimi-Kernel-Id": "k"}


def notice(seq: int) -> str:
    return Notice(seq=seq, level="info", text=f"n{seq}").model_dump_json()


class Fake:
    """A server whose sockets do what the test says."""

    def __init__(self) -> None:
        self.afters: list[str] = []
        self.headers: list[str] = []
        self.received: list[str] = []
        self.open: Callable[[WebSocketHandler], None] = lambda socket: None
        self.on_message: Callable[[WebSocketHandler], None] = lambda socket: None
        self.refuse: int = 0
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[ServerBackend]:
        fake = self

        class Socket(WebSocketHandler):
            async def get(self, *args: str) -> None:  # type: ignore[override]
                fake.headers.append(self.request.headers.get("X-Kimi-Kernel", ""))
                if fake.refuse:
                    raise HTTPError(fake.refuse)
                await super().get(*args)

            def open(self, *args: str) -> None:
                fake.afters.append(self.get_query_argument("after"))
                fake.open(self)

            def on_message(self, message: str | bytes) -> None:
                fake.received.append(json.loads(message)["type"])
                fake.on_message(self)

        listening, port = bind_unused_port()
        server = HTTPServer(Application([(r"/kimi/tasks/t/socket", Socket)]))
        server.add_socket(listening)
        self.url = f"http://127.0.0.1:{port}/kimi/"
        found = Server(url=self.url, headers=SECRET, facts={"version": "9.9"})
        try:
            yield ServerBackend(found, lambda: None)
        finally:
            server.stop()
            await server.close_all_connections()


class Delivered:
    """What came over the link, and a way to wait for more."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._came = asyncio.Event()

    def __call__(self, item: Item) -> None:
        self.items.append(item)
        self._came.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not is_true():
                self._came.clear()
                await self._came.wait()

        await asyncio.wait_for(wait(), 5)

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items if isinstance(item, Notice)]


async def test_lost_link_is_opened_again_behind_the_last_event() -> None:
    fake, got = Fake(), Delivered()

    def opened(socket: WebSocketHandler) -> None:
        first = len(fake.afters) == 1
        for seq in (5, 6) if first else (7,):
            socket.write_message(notice(seq))
        if first:
            socket.close()

    fake.open = opened
    async with fake.serve() as backend:
        channel = await backend.open("t", 4, got)
        await got.until(lambda: got.texts == ["n5", "n6", "n7"])
        await channel.close()

    assert fake.afters == ["4", "6"]
    assert fake.headers == ["s", "s"]
    assert [type(item) for item in got.items].count(Opened) == 2


async def test_command_that_was_sent_while_the_link_was_lost_goes_out_when_it_is_back() -> None:
    fake, got = Fake(), Delivered()
    sent = False

    def opened(socket: WebSocketHandler) -> None:
        if len(fake.afters) == 1:
            socket.close()

    fake.open = opened
    fake.on_message = lambda socket: socket.write_message(notice(1)) and None
    async with fake.serve() as backend:
        channel = await backend.open("t", 0, got)
        await got.until(lambda: [type(item) for item in got.items].count(Opened) == 2)
        channel.send(TurnStop())
        sent = True
        await got.until(lambda: got.texts == ["n1"])
        await channel.close()

    assert sent
    assert fake.received == ["turn.stop"]


async def test_refusals_come_through_and_events_of_a_newer_version_are_passed_over() -> None:
    fake, got = Fake(), Delivered()

    def opened(socket: WebSocketHandler) -> None:
        socket.write_message('{"type": "weather.changed", "seq": 3}')
        socket.write_message(Refusal(why="No.", command="mode.set").model_dump_json())

    fake.open = opened
    async with fake.serve() as backend:
        channel = await backend.open("t", 0, got)
        await got.until(lambda: len(got.items) == 2)
        await channel.close()

    assert got.items[1] == Refusal(why="No.", command="mode.set")


async def test_server_of_another_version_is_said_in_words() -> None:
    fake, got = Fake(), Delivered()
    fake.open = lambda socket: (
        socket.write_message('{"type": "notice", "seq": 1, "new": 2}') and None
    )
    async with fake.serve() as backend:
        channel = await backend.open("t", 0, got)
        await got.until(lambda: isinstance(got.items[-1], Failed))
        await channel.close()

    failed = got.items[-1]
    assert isinstance(failed, Failed)
    assert "another version of Kimi Jupyter (9.9" in failed.text


async def test_task_that_is_gone_is_not_found() -> None:
    fake = Fake()
    fake.refuse = 404
    async with fake.serve() as backend:
        with pytest.raises(TaskNotFound):
            await backend.open("t", 0, Delivered())


async def test_server_that_is_gone_is_said_in_words() -> None:
    async with Fake().serve() as backend:
        pass
    with pytest.raises(KimiError, match="can't be reached any more"):
        await backend.status()
    with pytest.raises(KimiError, match="can't be reached any more"):
        await backend.open("t", 0, Delivered())
