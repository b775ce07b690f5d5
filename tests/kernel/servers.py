"""A real Jupyter server in its own process, driven by its REST API."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from tests.kernel.front_end import FrontEnd

_OTHERS = ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals")
"""Extensions that come with the environment of the tests and would only slow the start."""


@dataclass
class JupyterServer:
    """A running server with a token."""

    url: str
    token: str
    runtime: Path
    folder: Path
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def start_kernel(self, *, notebook: str = "n.ipynb", spec: str = "python3") -> str:
        """Start a session for a notebook as a front end does; returns the kernel's id."""
        body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": spec}}
        return self.ask("POST", "api/sessions", body)["kernel"]["id"]

    def connection_file(self, kernel: str) -> Path:
        return self.runtime / f"kernel-{kernel}.json"

    @contextmanager
    def front_end(self, kernel: str) -> Iterator[FrontEnd]:
        """A front end beside the server, on the kernel's own sockets."""
        client = BlockingKernelClient(connection_file=str(self.connection_file(kernel)))
        client.load_connection_file()
        client.start_channels(hb=False)  # a kernel of a busy machine is not a dead one
        try:
            client.wait_for_ready(timeout=60)
            yield FrontEnd(client, lambda: self.interrupt(kernel))
        finally:
            client.stop_channels()

    def interrupt(self, kernel: str) -> None:
        self.ask("POST", f"api/kernels/{kernel}/interrupt", {})


@contextmanager
def jupyter_server(
    folder: Path,
    environ: Mapping[str, str],
    *,
    with_kimi: bool = True,
    python: str = sys.executable,
) -> Iterator[JupyterServer]:
    """Run a server on `folder`; kernels run under `python`."""
    write_spec(Path(environ["JUPYTER_DATA_DIR"]), python)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    extensions = {**dict.fromkeys(_OTHERS, False), "kimi_jupyter": with_kimi}
    config = {"ServerApp": {"jpserver_extensions": extensions}}
    place = Path(environ["JUPYTER_CONFIG_DIR"]) / "jupyter_server_config.json"
    place.write_text(json.dumps(config), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "jupyter_server", f"--ServerApp.port={port}"),
        *(f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={token}"),
        *("--ServerApp.open_browser=False", "--ServerApp.ip=127.0.0.1", "--allow-root"),
    ]
    log = folder.parent / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=dict(environ), stdout=out, stderr=subprocess.STDOUT)
        server = JupyterServer(
            url=f"http://127.0.0.1:{port}/",
            token=token,
            runtime=Path(environ["JUPYTER_RUNTIME_DIR"]),
            folder=folder,
            process=process,
        )
        try:
            _wait_ready(server, with_kimi, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_ready(server: JupyterServer, with_kimi: bool, log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.process.poll() is None:
        try:
            server.ask("GET", "api/status")
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # another process: there is nothing to wait on
            continue
        if not with_kimi or (server.runtime / f"kimi-server-{server.process.pid}.json").exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def write_spec(data: Path, python: str) -> None:
    """The kernelspec `python3` of this test."""
    folder = data / "kernels" / "python3"
    folder.mkdir(parents=True, exist_ok=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
