"""A real `jupyter server` process that can be ended, killed and started again in the same folders."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from tests.server.link import Link

_ROOT = Path(__file__).resolve().parents[2]
_TOKEN = "the-token-of-the-process"
_START = 30.0
_EXTENSIONS = {
    "kimi_jupyter": True,
    **dict.fromkeys(("jupyterlab", "jupyter_lsp", "notebook", "notebook_shim"), False),
}


class RealServer:
    """Its root folder is `<home>/files`; its history lies below `<home>/data`."""

    def __init__(self, home: Path, *, api: str, options: tuple[str, ...] = ()) -> None:
        self.home = home
        self.files = home / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        self.log: list[str] = []
        self.links: list[Link] = []
        self._terminals: list[int] = []
        self._options = options
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(_ROOT),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "MOONSHOT_BASE_URL": api,
            "MOONSHOT_API_KEY": "sk-of-the-test",
        }
        self._process: subprocess.Popen[str] | None = None
        self._port = _free_port()

    async def start(self, *, in_terminal: bool = True) -> None:
        """Start it and wait until it answers. Jupyter handles Ctrl-C itself only where its input is a terminal."""
        command = [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            f"--ServerApp.jpserver_extensions={_EXTENSIONS}",
            f"--IdentityProvider.token={_TOKEN}",
            f"--ServerApp.root_dir={self.files}",
            f"--ServerApp.port={self._port}",
            "--ServerApp.port_retries=0",
            *self._options,
        ]
        terminal, stdin = os.openpty() if in_terminal else os.pipe()[::-1]
        process = subprocess.Popen(
            command, env=self._env, cwd=self.home, stdin=stdin, stderr=subprocess.PIPE, text=True
        )
        os.close(stdin)
        self._terminals.append(terminal)
        self._process = process
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        await asyncio.wait_for(self._answers(process), _START)

    async def _answers(self, process: subprocess.Popen[str]) -> None:
        while True:
            try:
                await self.call("GET", "commands")
            except ConnectionRefusedError:
                assert process.poll() is None, "".join(self.log)
                await asyncio.sleep(0.02)
            else:
                return

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            self.log.extend(lines)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def end(self, how: signal.Signals) -> int:
        """Send it a signal and wait for its end; its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return await asyncio.wait_for(asyncio.to_thread(self._process.wait), 20)

    async def clean(self) -> None:
        """Kill it if it still runs, and close what this process holds."""
        await self.end(signal.SIGKILL)
        for link in self.links:
            await link.end()
        for terminal in self._terminals:
            os.close(terminal)

    async def call(self, method: str, path: str, body: str | None = None) -> Any:
        """The JSON of an answer."""
        request = HTTPRequest(
            f"http://127.0.0.1:{self._port}/kimi/{path}",
            method=method,
            body=body,
            headers={"Authorization": f"token {_TOKEN}"},
            allow_nonstandard_methods=True,
        )
        return json.loads((await AsyncHTTPClient().fetch(request)).body)

    async def open_link(self, task: str, after: int = 0) -> Link:
        url = f"ws://127.0.0.1:{self._port}/kimi/tasks/{task}/socket?after={after}"
        request = HTTPRequest(url, headers={"Authorization": f"token {_TOKEN}"})
        self.links.append(Link(await websocket_connect(request)))
        return self.links[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
