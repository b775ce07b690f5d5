"""`%%kimi` in a kernel that a Jupyter server has started: the server's agent does the work."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.browser.scripts import call, say
from tests.kernel.conftest import KERNELS, clean_environ, for_api, interpreter
from tests.kernel.front_end import FrontEnd
from tests.kernel.servers import JupyterServer, jupyter_server
from tests.moonshot.process import MoonshotProcess

pytestmark = pytest.mark.kernel

CODE = "%%kimi\nPlease do it"


@pytest.fixture(scope="module", params=list(KERNELS))
def running(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shared_api: MoonshotProcess,
) -> Iterator[JupyterServer]:
    """One server for all tests of a generation of ipykernel."""
    home = tmp_path_factory.mktemp("server")
    environ = clean_environ(home) | for_api(shared_api)
    folder = home / "work"
    (folder / "sub").mkdir(parents=True)
    python = interpreter(request)
    with jupyter_server(folder, environ, python=python) as server:
        yield server


@pytest.fixture
def server(running: JupyterServer) -> JupyterServer:
    """The server, with no task of another test."""
    for task in tasks(running):
        running.ask("DELETE", f"kimi/tasks/{task['id']}")
    return running


@pytest.fixture
def folder(running: JupyterServer) -> Path:
    return running.folder


@pytest.fixture
def api(shared_api: MoonshotProcess) -> MoonshotProcess:
    return shared_api


@pytest.fixture
def kernel_id(server: JupyterServer) -> Iterator[str]:
    kernel = server.start_kernel(notebook="sub/n.ipynb")
    yield kernel
    server.ask("DELETE", f"api/kernels/{kernel}")


@pytest.fixture
def front(server: JupyterServer, kernel_id: str) -> Iterator[FrontEnd]:
    with server.front_end(kernel_id) as front_end:
        front_end.do("%load_ext kimi_jupyter")
        yield front_end


def tasks(server: JupyterServer) -> list[dict[str, Any]]:
    return server.ask("GET", "kimi/tasks")["tasks"]


def test_task_is_the_server_s_and_names_its_notebook(
    front: FrontEnd, server: JupyterServer, api: MoonshotProcess, kernel_id: str
) -> None:
    api.set_script([say("From the server.")])
    cell = front.do(CODE)

    assert "From the server." in cell.text
    (task,) = tasks(server)
    assert task["title"] == "Please do it"
    assert task["notebook"] == "sub/n.ipynb"
    exported = server.ask("GET", f"kimi/tasks/{task['id']}/export?format=json")
    assert f"kernel:{kernel_id}" in json.dumps(exported)
    modules = front.do("import sys; print('kimi_jupyter.runtime' in sys.modules)").streams
    assert modules == "False\n", "the kernel has no need of an agent of its own"


def test_approve_in_the_card_while_the_cell_runs_writes_the_file(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    api.set_script([call("write_file", path="made.txt", content="one\n"), say("Done.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    front.draw()
    front.press("Approve")
    front.finish(cell)

    assert [path.read_text() for path in folder.rglob("made.txt")] == ["one\n"]
    assert "✓ Approved: `Write file" in cell.text
    assert front.comms == {}


def test_next_cell_goes_on_with_the_same_task(
    front: FrontEnd, server: JupyterServer, api: MoonshotProcess
) -> None:
    api.set_script([say("One."), say("Two.")])
    front.do(CODE)
    cell = front.do("%%kimi\nAnd now?")

    assert "Two." in cell.text
    assert "One." not in cell.text
    assert len(tasks(server)) == 1
    assert "Please do it" in front.do("%kimi history").text


async def _answer(server: JupyterServer, task: str, decision: str) -> None:
    """Answer the open ask of a task as the sidebar does."""
    address = f"ws{server.url[4:]}kimi/tasks/{task}/socket?token={server.token}"
    socket: WebSocketClientConnection = await websocket_connect(address)
    ask = None
    while ask is None:
        frame = await socket.read_message()
        assert frame is not None
        event = json.loads(frame)
        ask = event["ask"] if event["type"] == "ask.opened" else None
    await socket.write_message(json.dumps({"type": "ask.answer", "ask": ask, "decision": decision}))
    while json.loads(await socket.read_message() or "{}").get("type") != "ask.closed":
        pass
    socket.close()
    while await socket.read_message() is not None:
        pass


def test_card_that_is_answered_in_the_sidebar_is_taken_out_of_the_cell(
    front: FrontEnd, server: JupyterServer, api: MoonshotProcess
) -> None:
    api.set_script([call("execute_command", command="echo side"), say("Done.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    (task,) = tasks(server)
    assert task["status"] == "waiting"
    asyncio.run(asyncio.wait_for(_answer(server, task["id"], "approve"), 20))
    front.finish(cell)

    assert "Approved in the sidebar" in cell.text
    assert front.comms == {}


def test_interrupt_stops_the_turn_on_the_server_and_kills_its_command(
    front: FrontEnd, server: JupyterServer, api: MoonshotProcess, folder: Path
) -> None:
    pid = folder / "pid.txt"
    command = f"echo $$ > {pid}; sleep 300"
    api.set_script([call("execute_command", command=command), say("Never said.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    front.draw()
    front.press("Approve")
    front.until(lambda: pid.exists() and pid.read_text() != "")
    before = time.monotonic()
    front.interrupt()
    front.finish(cell)

    assert time.monotonic() - before < 2
    assert cell.error is not None
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    (task,) = tasks(server)
    assert task["status"] != "running"


def test_kernel_that_is_restarted_stops_its_turn(
    front: FrontEnd, server: JupyterServer, api: MoonshotProcess, kernel_id: str
) -> None:
    api.set_script([call("execute_command", command="echo never"), say("Never said.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    server.ask("POST", f"api/kernels/{kernel_id}/restart", {})
    end = time.monotonic() + 10
    while tasks(server)[0]["status"] == "waiting":
        assert time.monotonic() < end, "the card still waits"

    exported = server.ask("GET", f"kimi/tasks/{tasks(server)[0]['id']}/export?format=json")
    assert '"cancelled"' in json.dumps(exported)
