"""Finds the Jupyter server that owns this kernel, and proves it; never any other server."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kimi_jupyter.kernel.http import NoAnswer, ask, is_near

_CONNECTION_FILE = re.compile(
    r"kernel-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.json"
)
_TIMEOUT = 15.0
"""Seconds: the first request makes the server import its agent."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server with our extension that says that this kernel is its own."""

    url: str
    """Ends with `/kimi/`."""
    headers: Mapping[str, str]
    """What lets this kernel in; for this url only."""
    facts: Mapping[str, Any]
    """What it said of itself when it proved that it owns this kernel."""


def connection_file() -> Path | None:
    """The file by which this kernel was started; `None` outside a kernel."""
    from ipykernel.connect import get_connection_file

    try:
        return Path(get_connection_file())
    except RuntimeError:
        return None


def find_server(
    connection: Path | None, environ: Mapping[str, str], *, parent: int | None = None
) -> Server | None:
    """The server that owns the kernel of this connection file. It blocks: call it in a worker thread.

    Jupyter servers name the file `kernel-<uuid>.json` and keep it in their runtime folder, where our extension has left
    `kimi-server-<pid>.json`. Any other name means that no server started this kernel. The proof is the server's own
    word that it has a kernel of this id.
    """
    named = _CONNECTION_FILE.fullmatch(connection.name) if connection is not None else None
    if connection is None or named is None:
        return None
    ours = {environ.get("JPY_PARENT_PID"), str(os.getppid() if parent is None else parent)}
    files = sorted(
        connection.parent.glob("kimi-server-*.json"),
        key=lambda file: (file.stem.rpartition("-")[2] not in ours, file.name),
    )
    for file in files:
        server = _proven(_read(file), named[1], environ)
        if server is not None:
            return server
    return None


def _read(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", facts) if isinstance(facts, dict) else {}


def _proven(facts: dict[str, Any], kernel: str, environ: Mapping[str, str]) -> Server | None:
    url, secret = facts.get("url"), facts.get("secret")
    if not isinstance(url, str) or not isinstance(secret, str) or not is_near(url, environ):
        return None
    ours = url.rstrip("/") + "/kimi/"
    headers = {"X-Kimi-Kernel": secret, "X-Kimi-Kernel-Id": kernel}
    try:
        code, status = ask("GET", ours + "status", headers, timeout=_TIMEOUT)
    except NoAnswer:
        return None
    if code != 200 or status.get("kernel") is not True:
        return None
    return Server(url=ours, headers=headers, facts=status)
