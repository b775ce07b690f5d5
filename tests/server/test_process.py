"""A real server process: ended, killed and started again in the middle of things."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.moonshot import Reply
from tests.moonshot import call as tool_call
from tests.server.conftest import Api
from tests.server.real import RealServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and /proc of POSIX")

LONG = " ".join(f"word{n}" for n in range(2000))


@asynccontextmanager
async def server(
    home: Path, url: str, *options: str, in_terminal: bool = True
) -> AsyncIterator[RealServer]:
    real = RealServer(home, api=url, options=options)
    await real.start(in_terminal=in_terminal)
    try:
        yield real
    finally:
        await real.clean()


async def becomes(true: Callable[[], bool]) -> None:
    """Wait until this holds, at most five seconds."""

    async def poll() -> None:
        while not true():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(poll(), 5)


def running(marker: str) -> list[str]:
    """Command lines of live processes that have this in them."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if marker in line:
                found.append(line)
    return found


async def test_j2_killed_server_leaves_a_task_that_can_be_continued(
    tmp_path: Path, moonshot: Api
) -> None:
    slow = Reply(content=LONG, reasoning="Hm.", chunks_per_second=300)
    async with moonshot(slow, "Here I am again.") as api, server(tmp_path, api.url) as real:
        task = (await real.call("POST", "tasks", "{}"))["id"]
        link = await real.open_link(task)
        link.send("turn.start", text="Talk")
        partial = await link.until("reply.partial", where=lambda frame: bool(frame["text"]))
        first_file = tmp_path / "runtime" / f"kimi-server-{real.pid}.json"
        assert first_file.exists()
        await real.end(signal.SIGKILL)
        await link.until_closed()

        await real.start()
        line = (await real.call("GET", "tasks"))["tasks"][0]
        assert (line["id"], line["status"], line["title"]) == (task, "interrupted", "Talk")
        again = await real.open_link(task)
        ended = await again.until("turn.ended")
        again.send("turn.start", text="Go on")
        done = await again.until("turn.ended")

        assert ended["reason"] == "interrupted"
        assert LONG.startswith(partial["text"])
        assert partial in again.stored
        assert done["reason"] == "done", done
        assert [frame["seq"] for frame in again.stored] == list(range(1, len(again.stored) + 1))
        assert len(api.bodies) == 2
        assert not first_file.exists()


async def test_j2_killed_server_leaves_no_command_running_and_its_outcome_is_unknown(
    tmp_path: Path, moonshot: Api
) -> None:
    marker = f"sleep 3{os.getpid()}"
    command = tool_call("execute_command", command=f"setsid {marker} & {marker}")
    async with (
        moonshot(Reply(reasoning="Wait.", tool_calls=(command,)), "Where were we?") as api,
        server(tmp_path, api.url) as real,
    ):
        task = (await real.call("POST", "tasks", "{}"))["id"]
        link = await real.open_link(task)
        link.send("turn.start", text="Wait")
        ask = await link.until("ask.opened")
        link.send("ask.answer", ask=ask["ask"], decision="approve")
        await link.until("tool.running")
        await becomes(lambda: len(running(marker)) >= 2)

        await real.end(signal.SIGKILL)
        await link.until_closed()
        await becomes(lambda: running(marker) == [])

        await real.start()
        again = await real.open_link(task)
        done = await again.until("tool.done")
        await again.until("turn.ended", where=lambda frame: frame["reason"] == "interrupted")
        again.send("turn.start", text="And?")
        ended = await again.until("turn.ended")

        assert (done["ok"], done["summary"]) == (False, "outcome unknown")
        assert ended["reason"] == "done", ended


@pytest.mark.parametrize(
    ("how", "summary"),
    [(signal.SIGKILL, "ended with the server"), (signal.SIGTERM, "stopped")],
)
async def test_j2_the_servers_end_leaves_nothing_in_the_background(
    how: signal.Signals, summary: str, tmp_path: Path, moonshot: Api
) -> None:
    marker = f"sleep 5{os.getpid()}"
    command = tool_call(
        "execute_command", command=f"setsid {marker} & nohup {marker} & {marker}", background=True
    )
    async with (
        moonshot(Reply(reasoning="Wait.", tool_calls=(command,)), "It runs.") as api,
        server(tmp_path, api.url, "--ServerApp.answer_yes=True") as real,
    ):
        task = (await real.call("POST", "tasks", "{}"))["id"]
        link = await real.open_link(task)
        link.send("turn.start", text="Serve")
        ask = await link.until("ask.opened")
        link.send("ask.answer", ask=ask["ask"], decision="approve")
        await link.until("turn.ended")
        assert len(running(marker)) >= 3

        await real.end(how)
        await link.until_closed()
        await becomes(lambda: running(marker) == [])

        await real.start()
        again = await real.open_link(task)
        ended = await again.until("command.ended")
        assert (ended["call"], ended["summary"]) == (ask["call"], summary)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_ended_server_stops_the_command_and_closes_the_log(
    how: signal.Signals, tmp_path: Path, moonshot: Api
) -> None:
    marker = f"sleep 4{os.getpid()}"
    command = tool_call("execute_command", command=f"setsid {marker} & {marker}")
    async with (
        moonshot(Reply(reasoning="Wait.", tool_calls=(command,)), "Where were we?") as api,
        server(tmp_path, api.url, "--ServerApp.answer_yes=True") as real,
    ):
        task = (await real.call("POST", "tasks", "{}"))["id"]
        link = await real.open_link(task)
        link.send("turn.start", text="Wait")
        ask = await link.until("ask.opened")
        link.send("ask.answer", ask=ask["ask"], decision="approve")
        await link.until("tool.running")
        await becomes(lambda: len(running(marker)) >= 2)

        code = await real.end(how)

        assert code == 0, real.log[-20:]
        await becomes(lambda: running(marker) == [])
        assert list((tmp_path / "runtime").glob("kimi-server-*.json")) == []
        await link.until_closed()
        assert link.frames[-1]["type"] == "turn.ended"
        assert link.frames[-1]["reason"] == "interrupted"
        assert [line for line in real.log if "Traceback" in line] == []

        await real.start()
        listed = (await real.call("GET", "tasks"))["tasks"]
        assert [(line["id"], line["status"]) for line in listed] == [(task, "interrupted")]
        again = await real.open_link(task, after=link.frames[-1]["seq"])
        again.send("turn.start", text="And?")
        assert (await again.until("turn.ended"))["reason"] == "done"
        assert again.types[0] == "turn.started"


async def test_interrupt_outside_a_terminal_leaves_nothing_running_and_nothing_lost(
    tmp_path: Path, moonshot: Api
) -> None:
    marker = f"sleep 5{os.getpid()}"
    command = tool_call("execute_command", command=f"setsid {marker} & {marker}")
    async with (
        moonshot(Reply(reasoning="Wait.", tool_calls=(command,))) as api,
        server(tmp_path, api.url, in_terminal=False) as real,
    ):
        task = (await real.call("POST", "tasks", "{}"))["id"]
        link = await real.open_link(task)
        link.send("turn.start", text="Wait")
        ask = await link.until("ask.opened")
        link.send("ask.answer", ask=ask["ask"], decision="approve")
        await link.until("tool.running")
        await becomes(lambda: len(running(marker)) >= 2)

        await real.end(signal.SIGINT)
        await becomes(lambda: running(marker) == [])
        await real.start()

        listed = (await real.call("GET", "tasks"))["tasks"]
        assert [(line["id"], line["status"]) for line in listed] == [(task, "interrupted")]
        assert len(list((tmp_path / "runtime").glob("kimi-server-*.json"))) == 1


async def test_j2_approval_that_was_open_at_the_kill_is_cancelled_and_writes_nothing(
    tmp_path: Path, moonshot: Api
) -> None:
    write = tool_call("write_file", path="a.txt", content="x")
    async with (
        moonshot(Reply(reasoning="Write.", tool_calls=(write,)), "As you like.") as api,
        server(tmp_path, api.url) as real,
    ):
        task = (await real.call("POST", "tasks", "{}"))["id"]
        link = await real.open_link(task)
        link.send("turn.start", text="Write")
        ask = await link.until("ask.opened")
        await real.end(signal.SIGKILL)
        await link.until_closed()

        await real.start()
        again = await real.open_link(task)
        closed = await again.until("ask.closed")
        await again.until("turn.ended")
        again.send("ask.answer", ask=ask["ask"], decision="approve")
        refused = await again.until("command.refused")

        assert (closed["ask"], closed["decision"]) == (ask["ask"], "cancelled")
        assert refused["command"] == "ask.answer"
        assert list(real.files.iterdir()) == []


async def test_server_on_all_addresses_gives_kernels_the_loopback_address(
    tmp_path: Path, moonshot: Api
) -> None:
    async with moonshot() as api, server(tmp_path, api.url, "--ServerApp.ip=0.0.0.0") as real:
        await real.call("GET", "status")
        text = (tmp_path / "runtime" / f"kimi-server-{real.pid}.json").read_text()

        assert '"url": "http://127.0.0.1:' in text
