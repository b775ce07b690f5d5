"""What a kernel may do with the secret that the server left for it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from kimi_jupyter.server.kernel_file import KernelFile
from tests.server.conftest import Api, Call, OpenLink
from tests.server.test_access import METHODS, routes
from tests.server.test_socket import WRITE

ALLOWED = {"GET status", "GET commands", "GET tasks", "POST tasks", "GET tasks/x/socket"}
KERNEL = "6f1ff1f6-4a3c-4c1d-9c2c-0d2ae7f1a001"


def kernel_file(server: Any) -> Path:
    return Path(server.runtime_dir) / f"kimi-server-{os.getpid()}.json"


def as_kernel(server: Any, *, id: str = KERNEL) -> dict[str, str]:
    """The headers of a kernel that read the file."""
    secret = json.loads(kernel_file(server).read_text())["secret"]
    return {"Authorization": "", "X-Kimi-Kernel": secret, "X-Kimi-Kernel-Id": id}


async def test_file_is_private_and_says_where_the_server_is(jp_serverapp: Any, call: Call) -> None:
    await call("GET", "status")
    path = kernel_file(jp_serverapp)
    facts = json.loads(path.read_text())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert facts["pid"] == os.getpid()
    assert facts["base_url"] == jp_serverapp.base_url
    assert facts["url"] == f"http://localhost:{jp_serverapp.port}{jp_serverapp.base_url}"
    assert len(facts["secret"]) >= 43
    assert jp_serverapp.identity_provider.token not in path.read_text()


async def test_file_goes_with_the_server(jp_serverapp: Any, call: Call) -> None:
    await call("GET", "status")
    assert kernel_file(jp_serverapp).exists()

    await jp_serverapp.cleanup_extensions()

    assert not kernel_file(jp_serverapp).exists()


def test_files_of_dead_servers_are_removed_and_others_stay(tmp_path: Path) -> None:
    dead = tmp_path / "kimi-server-4194305.json"  # above the largest pid that Linux gives
    alive = tmp_path / f"kimi-server-{os.getppid()}.json"
    foreign = tmp_path / "kimi-server-x.json"
    for path in (dead, alive, foreign):
        path.write_text("{}")

    KernelFile(tmp_path).write("http://localhost/", "/")

    assert [path.exists() for path in (dead, alive, foreign)] == [False, True, True]


def test_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    file = KernelFile(tmp_path)
    file.path.symlink_to(victim)

    file.write("http://localhost/", "/")

    assert victim.read_text() == "untouched"
    assert not file.path.is_symlink()


async def test_secret_opens_the_listed_routes_and_no_other(
    jp_web_app: Any, jp_serverapp: Any, call: Call
) -> None:
    await call("GET", "status")
    kernel = as_kernel(jp_serverapp)

    passed = {
        f"{method} {path}"
        for method, path, _ in routes(jp_web_app)
        if (await call(method, path, headers=dict(kernel)))[0] != 403
    }

    assert passed == ALLOWED
    assert METHODS


async def test_secret_opens_nothing_of_jupyter_itself(
    jp_serverapp: Any, call: Call, jp_fetch: Any
) -> None:
    await call("GET", "status")

    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("api", "contents", headers=as_kernel(jp_serverapp))

    assert refused.value.code == 403


@pytest.mark.parametrize(
    "change",
    [
        {"X-Kimi-Kernel": "wrong"},
        {"X-Kimi-Kernel": ""},
        {"X-Kimi-Kernel": "wrong", "Authorization": "token the-token-of-the-test"},
        {"X-Kimi-Kernel-Id": ""},
        {"X-Kimi-Kernel-Id": "a b\tc"},
        {"Origin": "http://localhost"},
        {"Sec-Websocket-Origin": "http://localhost"},
    ],
)
async def test_wrong_secret_no_name_or_a_web_page_is_refused(
    change: dict[str, str], jp_serverapp: Any, call: Call
) -> None:
    await call("GET", "status")

    code, told = await call("POST", "tasks", body={}, headers={**as_kernel(jp_serverapp), **change})

    assert (code, told["error"]["code"]) == (403, "forbidden")


async def test_task_of_a_kernel_carries_its_name(jp_serverapp: Any, call: Call) -> None:
    await call("GET", "status")

    code, task = await call("POST", "tasks", body={}, headers=as_kernel(jp_serverapp))
    _, listed = await call("GET", "tasks")

    assert code == 201
    assert [(t["id"], t["origin"]) for t in listed["tasks"]] == [(task["id"], f"kernel:{KERNEL}")]


async def test_server_knows_its_own_kernels_only(jp_serverapp: Any, call: Call) -> None:
    await call("GET", "status")

    _, status = await call("GET", "status", headers=as_kernel(jp_serverapp))

    assert (status["kernel"], status["notebook"]) == (False, None)


async def test_kernel_answers_its_own_asks_and_no_others(
    jp_serverapp: Any, call: Call, open_link: OpenLink, moonshot: Api, jp_root_dir: Path
) -> None:
    async with moonshot(WRITE, "Written.", WRITE, "Written."):
        kernel = as_kernel(jp_serverapp)
        _, own = await call("POST", "tasks", body={}, headers=dict(kernel))
        link = await open_link(own["id"], headers=dict(kernel))
        link.send("turn.start", text="Write it")
        ask = await link.until("ask.opened")
        link.send("ask.answer", ask=ask["ask"], decision="approve")
        closed = await link.until("ask.closed")
        await link.until("turn.ended")
        assert (jp_root_dir / "src" / "a.txt").read_bytes() == b"one\n"
        (jp_root_dir / "src" / "a.txt").unlink()

        _, foreign = await call("POST", "tasks", body={})
        page = await open_link(foreign["id"])
        intruder = await open_link(foreign["id"], headers=dict(kernel))
        page.send("turn.start", text="Write it")
        ask = await page.until("ask.opened")
        await intruder.until("ask.opened")
        for mode in ("bypass", "accept_edits"):
            intruder.send("mode.set", mode=mode)
            await intruder.until("command.refused")
        intruder.send("turn.start", text="/mode bypass")
        await intruder.until("command.refused")
        intruder.send("ask.answer", ask=ask["ask"], decision="approve")
        refused = await intruder.until("command.refused")
        page.send("ask.answer", ask=ask["ask"], decision="reject")
        await page.until("turn.ended")

        assert closed["by"].startswith("kernel")
        assert refused["command"] == "ask.answer"
        assert not (jp_root_dir / "src" / "a.txt").exists()
        assert "mode.changed" not in page.types


async def test_wrong_secret_gets_no_socket(
    jp_serverapp: Any, call: Call, open_link: OpenLink
) -> None:
    _, task = await call("POST", "tasks", body={})

    for change in ({"X-Kimi-Kernel": "wrong"}, {"Origin": f"http://localhost:{jp_serverapp.port}"}):
        with pytest.raises(HTTPClientError) as refused:
            await open_link(task["id"], headers={**as_kernel(jp_serverapp), **change})
        assert refused.value.code == 403


async def test_a_kernel_forks_no_task(jp_serverapp: Any, call: Call) -> None:
    _, task = await call("POST", "tasks", body={})
    body = {"from": task["id"], "upto": 1}
    code, _ = await call("POST", "tasks", body=body, headers=as_kernel(jp_serverapp))
    assert code == 403
