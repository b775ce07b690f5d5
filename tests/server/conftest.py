"""A Jupyter server with our extension, as strict as a server can be set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 -- here, not in the root: it makes a server for every test
from tornado.httpclient import HTTPClientError, HTTPResponse
from traitlets.config import Config

from tests.moonshot import Moonshot
from tests.moonshot.script import Step
from tests.server.link import Link

TOKEN = "the-token-of-the-test"
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, _own_home: object) -> None:
    monkeypatch.setenv("MOONSHOT_BASE_URL", NOWHERE)


@pytest.fixture
def jp_server_config() -> Config:
    return Config(
        {
            "ServerApp": {
                "jpserver_extensions": {"kimi_jupyter": True, "jupyter_server_terminals": False},
                "allow_unauthenticated_access": False,
                "reraise_server_extension_failures": True,
            },
            "IdentityProvider": {"token": TOKEN},
        }
    )


Call = Callable[..., Awaitable[tuple[int, Any]]]


async def answered(response: Awaitable[HTTPResponse]) -> tuple[int, Any]:
    """Status and body of an answer, whatever it is; JSON is read."""
    try:
        answer = await response
    except HTTPClientError as error:
        if error.response is None:
            raise
        answer = error.response
    body = answer.body
    if body and "json" in answer.headers.get("Content-Type", ""):
        return answer.code, json.loads(body)
    return answer.code, body


@pytest.fixture
def call(jp_fetch: Any) -> Call:
    """`await call("GET", "status")` gives the status and the body."""

    def fetch(method: str, *path: str, body: Any = None, **options: Any) -> Any:
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return answered(
            jp_fetch(
                "kimi", *path, method=method, body=body, allow_nonstandard_methods=True, **options
            )
        )

    return fetch


OpenLink = Callable[..., Awaitable[Link]]


@pytest.fixture
def links(jp_asyncio_loop: asyncio.AbstractEventLoop, jp_serverapp: Any) -> Iterator[list[Link]]:
    """All links of a test; they are closed at its end."""
    opened: list[Link] = []
    yield opened
    for link in opened:
        jp_asyncio_loop.run_until_complete(link.end())


@pytest.fixture
def open_link(jp_ws_fetch: Any, links: list[Link]) -> OpenLink:
    """`await open_link(task)` opens a task's socket."""

    async def open(task: str, after: int = 0, headers: dict[str, str] | None = None) -> Link:
        socket = await jp_ws_fetch(
            "kimi", "tasks", task, "socket", params={"after": after}, headers=headers
        )
        links.append(Link(socket))
        return links[-1]

    return open


@pytest.fixture
def open_bus(jp_ws_fetch: Any, links: list[Link]) -> OpenLink:
    """`await open_bus()` listens to Jupyter's event bus."""

    async def open() -> Link:
        links.append(Link(await jp_ws_fetch("api", "events", "subscribe")))
        return links[-1]

    return open


Api = Callable[..., AbstractAsyncContextManager[Moonshot]]


@pytest.fixture
def moonshot(monkeypatch: pytest.MonkeyPatch) -> Api:
    """`async with moonshot(step, ...)` runs the simulated API, and the server uses it."""

    @asynccontextmanager
    async def run(*script: Step, **options: Any) -> AsyncIterator[Moonshot]:
        async with Moonshot(script, **options) as api:
            monkeypatch.setenv("MOONSHOT_BASE_URL", api.url)
            monkeypatch.setenv("MOONSHOT_API_KEY", "sk-of-the-test")
            yield api

    return run
