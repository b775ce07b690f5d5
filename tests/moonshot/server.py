"""The simulated API as an HTTP server, and the handle by which a test drives it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.moonshot.cache import PrefixCache, prompt_tokens
from tests.moonshot.checks import CONTEXT, Refused, Switches, check
from tests.moonshot.chunks import Chunks, Frame, compact, usage_of, whole, within_budget
from tests.moonshot.script import Answer, Body, Failure, Reply, Step, answer_of
from tests.moonshot.watch import PrefixWatch

_OVER = Failure(
    400, "invalid_request_error", "Invalid request: the script of the simulator is over"
)
_BAD_KEY = Failure(401, "invalid_authentication_error", "Invalid Authentication")
_INCORRECT_KEY = Failure(401, "incorrect_api_key_error", "Incorrect API key provided")


@dataclass
class Recorded:
    """A request as it came."""

    path: str
    body: Body
    headers: dict[str, str]
    at: float
    connection: int
    """The client's port: equal for requests on one kept connection."""


class Moonshot:
    """`async with Moonshot(script=[...]) as api`: a server on a free port of the loopback interface.

    Each chat request that passes the checks takes the next step; when the script is over, `otherwise` answers.
    Any key counts that begins with `sk-` and not with `sk-wrong`.
    """

    def __init__(
        self,
        script: Iterable[Step] = (),
        *,
        otherwise: Step = _OVER,
        switches: Switches | None = None,
        models: Sequence[str] = tuple(CONTEXT),
        balance: float | None = 49.58894,
        port: int = 0,
    ) -> None:
        self.script: list[Step] = list(script)
        self.otherwise = otherwise
        self.switches = switches or Switches()
        self.models = list(models)
        self.balance = balance
        self.requests: list[Recorded] = []
        self.sent: list[float] = []
        """`time.time()` of the first content chunk of each streamed reply."""
        self.left = asyncio.Event()
        """Set when a client leaves in mid-stream."""
        self.streaming = asyncio.Event()
        """Set when a reply has sent as much as it will before a stall."""
        self._cache = PrefixCache()
        self._watch = PrefixWatch()
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def bodies(self) -> list[Body]:
        """The bodies of all chat requests."""
        return [r.body for r in self.requests if r.path == "/v1/chat/completions"]

    @property
    def violations(self) -> list[str]:
        """Requests of one task that did not begin with the bytes of the one before."""
        return self._watch.violations

    def may_break(self, task: str) -> None:
        """Declare that the next request of this task (`prompt_cache_key`) begins anew."""
        self._watch.may_break(task)

    async def __aenter__(self) -> Moonshot:
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if kind is None:
            self._watch.check()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=100 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/users/me/balance", self._balance)
        app.router.add_post("/v1/tokenizers/estimate-token-count", self._estimate)
        app.router.add_get("/_requests", self._show_requests)
        app.router.add_get("/_sent", self._show_sent)
        app.router.add_get("/_violations", self._show_violations)
        app.router.add_post("/_script", self._take_script)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._record(request)
        if refusal := self._unauthorised(request):
            return _failed(refusal)
        if self.script and not callable(self.script[0]):
            self.script[0] = first = answer_of(self.script[0], {})
            if isinstance(first, Failure):
                del self.script[0]
                return _failed(first)
        if not isinstance(body, dict):
            return _failed(Failure(400, "invalid_request_error", "Invalid request: bad JSON"))
        try:
            check(body, self.switches, prompt_tokens)
        except Refused as refused:
            return _failed(refused.failure)
        self._watch.take(body)
        answer = self._next(body)
        if isinstance(answer, Failure):
            return _failed(answer)
        return await self._reply(request, body, answer)

    def _next(self, body: Body) -> Answer:
        return answer_of(self.script.pop(0) if self.script else self.otherwise, body)

    async def _reply(self, request: web.Request, body: Body, reply: Reply) -> web.StreamResponse:
        reply = within_budget(reply, body)
        cached = self._cache.hit(body, self.switches.cache_floor)
        usage = usage_of(reply, body, prompt_tokens(body), cached)
        headers = _headers()
        if cached:
            headers["Msh-Context-Cache-Token-Saved"] = str(cached)
        if not body.get("stream"):
            return _json(whole(reply, body, usage, self.switches), headers=headers)
        headers["Content-Type"] = "text/event-stream"
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        stream = _Stream(self, request, response, reply)
        try:
            await stream.send(Chunks(reply, body, usage, self.switches))
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
            raise
        return response

    async def _record(self, request: web.Request) -> Any:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in request.headers.items()}
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        self.requests.append(Recorded(request.path, body, headers, time.time(), port))
        return body

    def _unauthorised(self, request: web.Request) -> Failure | None:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer" and key.startswith("sk-") and not key.startswith("sk-wrong"):
            return None
        return _INCORRECT_KEY if self.switches.incorrect_key and key else _BAD_KEY

    async def _models(self, request: web.Request) -> web.Response:
        await self._record(request)
        if refusal := self._unauthorised(request):
            return _failed(refusal)
        return _json({"object": "list", "data": [self._model(id) for id in self.models]})

    def _model(self, id: str) -> dict[str, Any]:
        if self.switches.bare_models:
            return {"id": id}
        return {
            "id": id,
            "object": "model",
            "created": 1_788_000_000,
            "owned_by": "moonshot",
            "context_length": CONTEXT.get(id, 0),
            "supports_image_in": True,
            "supports_video_in": True,
            "supports_reasoning": True,
        }

    async def _balance(self, request: web.Request) -> web.Response:
        await self._record(request)
        if refusal := self._unauthorised(request):
            return _failed(refusal)
        if self.balance is None:
            return _failed(Failure(404, "resource_not_found_error", "Not found"))
        cash = round(self.balance - 46.58893, 5)
        data = {
            "available_balance": self.balance,
            "voucher_balance": 46.58893,
            "cash_balance": cash,
        }
        return _json({"code": 0, "data": data, "scode": "0x0", "status": True})

    async def _estimate(self, request: web.Request) -> web.Response:
        body = await self._record(request)
        if refusal := self._unauthorised(request):
            return _failed(refusal)
        return _json({"data": {"total_tokens": prompt_tokens(body)}})

    async def _show_requests(self, _: web.Request) -> web.Response:
        return web.json_response([vars(recorded) for recorded in self.requests])

    async def _show_sent(self, _: web.Request) -> web.Response:
        return web.json_response(self.sent)

    async def _show_violations(self, _: web.Request) -> web.Response:
        return web.json_response(self.violations)

    async def _take_script(self, request: web.Request) -> web.Response:
        self.script[:] = await request.json()
        return web.json_response({"steps": len(self.script)})


class _Stream:
    """Writes one reply with its pace, its odd forms and its fault."""

    def __init__(
        self, api: Moonshot, request: web.Request, response: web.StreamResponse, reply: Reply
    ) -> None:
        self._api = api
        self._request = request
        self._response = response
        self._reply = reply
        self._end = "\r\n" if "crlf" in reply.wire else "\n"
        self._began = time.monotonic()
        self._count = 0
        self._has_content = False

    async def send(self, chunks: Chunks) -> None:
        fault = self._reply.fault
        for number, frame in enumerate(chunks.content()):
            if number == self._reply.fault_after and fault in ("stall", "cut", "error_event"):
                await self._break(fault)
                return
            await self._write(frame)
        if fault in ("stall", "cut", "error_event"):
            await self._break(fault)
            return
        if fault != "no_finish":
            await self._write(chunks.finish())
        if fault == "cut_before_done":
            self._cut()
        if fault is None:
            for frame in chunks.end():
                await self._write(frame)
        if fault != "cut_before_done":
            await self._response.write_eof()

    async def _break(self, fault: str) -> None:
        self._api.streaming.set()
        if fault == "stall":
            await asyncio.Event().wait()
        if fault == "cut":
            self._cut()
            return
        error = {"message": "The engine is currently overloaded", "type": "engine_overloaded_error"}
        await self._write(Frame(compact({"error": error})))
        await self._response.write_eof()

    def _cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.close()

    async def _write(self, frame: Frame) -> None:
        if self._reply.chunks_per_second:
            due = self._began + self._count / self._reply.chunks_per_second
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
        if frame.is_content and not self._has_content:
            self._has_content = True
            self._api.sent.append(time.time())
        data = f"data: {frame.data}{self._end}{self._end}".encode()
        if "comments" in self._reply.wire:
            data = f": keep-alive{self._end}{self._end}".encode() + data
        for part in [bytes([b]) for b in data] if "bytes" in self._reply.wire else [data]:
            await self._response.write(part)
        self._count += 1


def _headers() -> dict[str, str]:
    return {
        "Msh-Request-Id": str(uuid.uuid1()),
        "Msh-Trace-Mode": "on",
        "X-Msh-Trace-Id": secrets.token_hex(16),
        "Vary": "Origin",
    }


def _json(
    value: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        text=compact(value),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers=headers or _headers(),
    )


def _failed(failure: Failure) -> web.Response:
    headers = {**_headers(), **failure.headers}
    if failure.html:
        return web.Response(
            text=failure.html, status=failure.status, content_type="text/html", headers=headers
        )
    error = {"message": failure.message, "type": failure.type}
    return _json({"error": error}, status=failure.status, headers=headers)
