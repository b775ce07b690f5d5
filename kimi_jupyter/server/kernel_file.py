"""The file by which kernels of this server find it and prove that they belong to its owner."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import check_pid

_NAME = "kimi-server-{}.json"


@dataclass
class KernelFile:
    """`kimi-server-<pid>.json` in the server's runtime folder, readable by its owner only."""

    folder: Path
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def path(self) -> Path:
        return self.folder / _NAME.format(os.getpid())

    def write(self, url: str, base_url: str) -> None:
        """Write it anew, and remove those that dead servers left; raises `OSError`."""
        self._sweep()
        # One with our own pid is of an earlier process that had it, and is never written into.
        self.path.unlink(missing_ok=True)
        opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            facts = {"pid": os.getpid(), "url": url, "base_url": base_url, "secret": self.secret}
            json.dump(facts, file)

    def remove(self) -> None:
        """Remove it if it is still ours."""
        with contextlib.suppress(OSError, ValueError):
            if json.loads(self.path.read_text(encoding="utf-8"))["secret"] == self.secret:
                self.path.unlink()

    def _sweep(self) -> None:
        for path in self.folder.glob(_NAME.format("*")):
            pid = path.stem.rpartition("-")[2]
            if pid.isascii() and pid.isdecimal() and not check_pid(int(pid)):
                with contextlib.suppress(OSError):
                    path.unlink()


def kernel_url(server: ServerApp) -> str:
    """Where a kernel on this machine reaches the server: by loopback wherever it listens there."""
    url = urlsplit(server.connection_url)
    loopback = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "[::1]"}
    host = loopback.get(server.ip)
    if host is None or server.sock:
        return url.geturl()
    return url._replace(netloc=f"{host}:{server.port}").geturl()
