"""Small requests to our own server from a kernel: no proxy, no redirect, loopback or the hub's host only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO, Any, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener


class NoAnswer(Exception):
    """No server answered in the way that ours does."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the secret to another place."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


_opener = build_opener(ProxyHandler({}), _NoRedirect())


def is_near(url: str, environ: Mapping[str, str]) -> bool:
    """Whether a secret may be sent there: over http(s) to this machine, or to the host that JupyterHub named."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or parts.username is not None:
        return False
    hub = urlsplit(environ.get("JUPYTERHUB_SERVICE_URL", "")).hostname
    if host == "localhost" or (hub and "JUPYTERHUB_API_TOKEN" in environ and host == hub):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    body: Mapping[str, object] | None = None,
    timeout: float,
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object of the answer; raises `NoAnswer`. It blocks: call it in a worker thread."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers=dict(headers), method=method)
    try:
        with _opener.open(request, timeout=timeout) as answer:
            return answer.status, _object(answer.read())
    except HTTPError as error:
        with error:
            return error.code, _object(error.read())
    except (OSError, ValueError, HTTPException) as error:
        raise NoAnswer(str(error)) from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(data or b"{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
