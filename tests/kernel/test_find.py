from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from kimi_jupyter.kernel.find import find_server
from kimi_jupyter.kernel.http import is_near
from tests.kernel.servers import jupyter_server

ID = "0a1b2c3d-0000-4000-8000-0123456789ab"


class Stub:
    """A server that answers every request alike and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: tuple[int, object] = (200, {"kernel": True, "version": "9"})
        self.location: str | None = None
        self.got: list[dict[str, str]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub.got.append({"path": self.path, **self.headers})
                code, body = stub.answer
                self.send_response(code)
                if stub.location:
                    self.send_header("Location", stub.location)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    yield made
    made.close()


@pytest.fixture
def other(stub: Stub) -> Iterator[Stub]:
    made = Stub()
    yield made
    made.close()


def place(folder: Path, *urls: str, name: str = f"kernel-{ID}.json") -> Path:
    """A runtime folder with one file for each server, the first with pid 1."""
    for pid, url in enumerate(urls, 1):
        facts = {"pid": pid, "url": url, "base_url": "/", "secret": f"secret-{pid}"}
        (folder / f"kimi-server-{pid}.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder / name


def test_server_that_knows_the_kernel_is_found_with_its_secret(tmp_path: Path, stub: Stub) -> None:
    found = find_server(place(tmp_path, stub.url), {})

    assert found is not None
    assert found.url == f"{stub.url}kimi/"
    assert dict(found.headers) == {"X-Kimi-Kernel": "secret-1", "X-Kimi-Kernel-Id": ID}
    assert stub.got[0]["path"] == "/kimi/status"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"kernel": False}),
        (200, {"version": "9"}),
        (403, {}),
        (404, {}),
        (200, [1]),
        (500, {}),
    ],
)
def test_server_that_does_not_say_that_the_kernel_is_its_own_is_not_used(
    tmp_path: Path, stub: Stub, answer: tuple[int, object]
) -> None:
    stub.answer = answer

    assert find_server(place(tmp_path, stub.url), {}) is None


@pytest.mark.parametrize(
    "name", ["kernel-v2-123abc.json", "kernel-4711.json", "tmpabc.json", f"kernel-{ID}x.json"]
)
def test_kernel_that_no_server_named_asks_nobody(tmp_path: Path, stub: Stub, name: str) -> None:
    assert find_server(place(tmp_path, stub.url, name=name), {}) is None
    assert find_server(None, {}) is None
    assert stub.got == []


def test_parent_of_the_kernel_is_asked_first(tmp_path: Path, stub: Stub, other: Stub) -> None:
    connection = place(tmp_path, other.url, stub.url)
    found = find_server(connection, {"JPY_PARENT_PID": "2"}, parent=1_000_000)

    assert found is not None
    assert found.url.startswith(stub.url)
    assert other.got == []


def test_secret_goes_to_no_host_but_this_machine_and_the_one_of_the_hub(tmp_path: Path) -> None:
    assert is_near("http://127.0.0.1:8888/", {})
    assert is_near("http://[::1]:8888/", {})
    assert is_near("https://localhost/", {})
    hub = {"JUPYTERHUB_SERVICE_URL": "http://pod-7:8888/user/x/", "JUPYTERHUB_API_TOKEN": "t"}
    assert is_near("http://pod-7:8888/user/x/", hub)
    for url in (
        *("http://evil.example/", "http://127.0.0.1.evil.example/", "http://pod-7:8888/"),
        *("ftp://127.0.0.1/", "http+unix://sock/", "http://a@127.0.0.1/", "http://10.0.0.1/", ""),
    ):
        assert not is_near(url, {})
    assert find_server(place(tmp_path, "http://evil.example/"), hub) is None


def test_redirect_is_not_followed_with_the_secret(tmp_path: Path, stub: Stub, other: Stub) -> None:
    stub.answer, stub.location = (302, {}), f"{other.url}kimi/status"

    assert find_server(place(tmp_path, stub.url), {}) is None
    assert other.got == []


def test_proxy_of_the_environment_is_passed_by(tmp_path: Path, stub: Stub, other: Stub) -> None:
    code = (
        "import sys; from pathlib import Path; from kimi_jupyter.kernel.find import find_server; "
        "print(find_server(Path(sys.argv[1]), {}) is not None)"
    )
    environ = {**os.environ, "http_proxy": other.url, "HTTP_PROXY": other.url, "no_proxy": ""}
    command = [sys.executable, "-c", code, str(place(tmp_path, stub.url))]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)

    assert done.stdout.strip() == "True", done.stderr
    assert other.got == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"url": 3, "secret": "x"}', '{"url": "http://[x"}', "\x00"]
)
def test_broken_file_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "kimi-server-1.json").write_text(text, encoding="utf-8")

    assert find_server(tmp_path / f"kernel-{ID}.json", {}) is None


@pytest.mark.kernel
def test_real_server_without_our_extension_is_not_taken(
    environ: dict[str, str], folder: Path
) -> None:
    with jupyter_server(folder, environ, with_kimi=False) as server:
        kernel = server.start_kernel()
        file = server.connection_file(kernel)

        assert file.exists()
        assert find_server(file, {}) is None


@pytest.mark.kernel
def test_real_server_is_found_by_its_own_kernel_and_by_no_other(
    environ: dict[str, str], folder: Path
) -> None:
    with jupyter_server(folder, environ) as server:
        file = server.connection_file(server.start_kernel(notebook="sub/n.ipynb"))
        found = find_server(file, {})
        stranger = find_server(file.with_name(f"kernel-{ID}.json"), {})

    assert found is not None
    assert found.facts["notebook"] == "sub/n.ipynb"
    assert found.facts["workspace"] == str(folder)
    assert stranger is None
