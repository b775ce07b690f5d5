"""Who may come in: tokens, cookies, other origins, and what an authorizer says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from jupyter_server.auth.authorizer import Authorizer
from tornado.httpclient import HTTPClientError
from tornado.web import RequestHandler
from traitlets.config import Config

from tests.server.conftest import TOKEN, Call, answered

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPECTED = [
    "DELETE key",
    "DELETE tasks/x",
    "DELETE x",
    "GET balance",
    "GET commands",
    "GET files",
    "GET status",
    "GET tasks",
    "GET tasks/x/export",
    "GET tasks/x/socket",
    "GET x",
    "PATCH tasks/x",
    "PATCH x",
    "POST tasks",
    "POST x",
    "PUT key",
    "PUT x",
]


def routes(web_app: Any) -> Iterator[tuple[str, str, type[Any]]]:
    """Method, path below `kimi/` and handler of everything that the running app has of ours."""
    for rule in web_app.default_router.rules:
        for route in getattr(rule.target, "rules", []):
            pattern = route.matcher.regex.pattern
            if "/kimi/" not in pattern:
                continue
            path = pattern.partition("/kimi/")[2].rstrip("$").replace("([^/]+)", "x")
            for method in METHODS:
                made = getattr(route.target, method.lower())
                if made is not RequestHandler._unimplemented_method:
                    yield method, path.replace("(.*)", "x"), route.target


def test_routes_are_those_of_the_contract(jp_web_app: Any) -> None:
    found = sorted(f"{method} {path}" for method, path, _ in routes(jp_web_app))

    assert found == EXPECTED


async def test_every_route_is_closed_without_the_token(jp_web_app: Any, call: Call) -> None:
    codes: dict[str, list[int]] = {}
    for method, path, _ in routes(jp_web_app):
        none, told = await call(method, path, headers={"Authorization": ""})
        wrong, _ = await call(method, path, headers={"Authorization": "token wrong"})
        right, _ = await call(method, path)
        codes[f"{method} {path}"] = [none, wrong, right]
        assert set(told) == {"error"}

    assert {route: codes[:2] for route, codes in codes.items()} == {
        route: [403, 403] for route in codes
    }
    assert [route for route, (*_, right) in codes.items() if right == 403 or right >= 500] == []


class DenyAll(Authorizer):
    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return False


class TestDenyAll:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        jp_server_config.ServerApp.authorizer_class = DenyAll
        return jp_server_config

    async def test_no_route_passes_an_authorizer_that_denies_all(
        self, jp_web_app: Any, call: Call
    ) -> None:
        passed = [
            (method, path)
            for method, path, _ in routes(jp_web_app)
            if (await call(method, path))[0] != 403
        ]

        assert passed == []


def test_all_resources_are_named_after_us(jp_web_app: Any) -> None:
    resources = {handler.auth_resource for _, _, handler in routes(jp_web_app)}

    assert all(resource.startswith("kimi_jupyter:") for resource in resources)


async def signed_in(call: Call, jp_fetch: Any) -> dict[str, str]:
    """The headers of a browser that signed in earlier."""
    answer = await jp_fetch("kimi", "status")
    login = next(c for c in answer.headers.get_list("Set-Cookie") if c.startswith("username"))
    return {"Authorization": "", "Cookie": f"{login.split(';')[0]}; _xsrf={XSRF}"}


XSRF = "00112233445566778899aabbccddeeff"


async def test_cookie_needs_the_xsrf_token_to_change_anything(call: Call, jp_fetch: Any) -> None:
    cookie = await signed_in(call, jp_fetch)
    token = {"X-XSRFToken": XSRF}

    assert (await call("GET", "status", headers={**cookie, **token}))[0] == 200
    assert (await call("POST", "tasks", headers={**cookie, **token}, body={}))[0] == 201
    for method, path in (
        ("POST", "tasks"),
        ("PUT", "key"),
        ("DELETE", "key"),
        ("PATCH", "tasks/x"),
    ):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            headers = {**cookie, "Content-Type": kind}
            code, told = await call(method, path, headers=headers, body="key=sk-1")
            assert (code, told["error"]["code"]) == (403, "forbidden"), (method, path, kind)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://{host}.evil.example",
        "http://localhost:1",
        "HTTP://EVIL.EXAMPLE",
    ],
)
async def test_page_of_another_origin_changes_nothing_and_gets_no_socket(
    origin: str, call: Call, jp_fetch: Any, jp_ws_fetch: Any, jp_http_port: int
) -> None:
    _, task = await call("POST", "tasks", body={})
    cookie = await signed_in(call, jp_fetch)
    origin = origin.format(host=f"localhost:{jp_http_port}")
    headers = {**cookie, "X-XSRFToken": XSRF, "Origin": origin}

    post, _ = await call("POST", "tasks", body={}, headers=dict(headers))
    put, _ = await call("PUT", "key", body={"key": "sk-1"}, headers=dict(headers))
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("kimi", "tasks", task["id"], "socket", headers=dict(headers))

    assert (post, put, refused.value.code) == (404, 404, 403)
    assert (await call("GET", "status"))[1]["key"]["set"] is False


async def test_socket_needs_the_token(call: Call, jp_ws_fetch: Any) -> None:
    _, task = await call("POST", "tasks", body={})

    for headers in ({"Authorization": ""}, {"Authorization": "token wrong"}):
        with pytest.raises(HTTPClientError) as refused:
            await jp_ws_fetch("kimi", "tasks", task["id"], "socket", headers=headers)
        assert refused.value.code == 403


async def test_error_page_tells_no_script_and_no_html(call: Call, jp_fetch: Any) -> None:
    path = "<script>alert(1)</script>"
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("kimi", "tasks", quote(path, safe=""), "export")

    answer = refused.value.response
    assert answer is not None
    assert answer.code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert b"<script>" not in answer.body


async def test_token_in_the_address_lets_in_as_jupyter_does(jp_fetch: Any) -> None:
    code, _ = await answered(
        jp_fetch("kimi", "status", params={"token": TOKEN}, headers={"Authorization": ""})
    )

    assert code == 200
