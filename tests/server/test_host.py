"""How the extension loads, and servers on which it can't work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.manager import AsyncContentsManager
from traitlets.config import Config

from tests.server.conftest import Api, Call, OpenLink
from tests.server.test_rest import new_task

HEAVY = {"openai", "mcp", "keyring", "pydantic", "httpx", "httpx2"}


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys, json, kimi_jupyter; kimi_jupyter._jupyter_server_extension_points();"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr
    assert HEAVY.intersection(json.loads(done.stdout)) == set()


async def test_shutdown_ends_the_turn_and_the_next_request_finds_it_in_the_history(
    jp_serverapp: Any, call: Call, open_link: OpenLink, moonshot: Api
) -> None:
    from tests.moonshot import Reply

    async with moonshot(Reply(content="slow", fault="stall", fault_after=99), "Again."):
        task = await new_task(call)
        link = await open_link(task)
        link.send("turn.start", text="Talk")
        await link.until("text.delta")
        running = jp_serverapp.extension_manager.any_activity()

        await jp_serverapp.cleanup_extensions()
        await link.until_closed()
        _, listed = await call("GET", "tasks")
        again = await open_link(task, after=link.frames[-1]["seq"])
        again.send("turn.start", text="Go on")
        ended = await again.until("turn.ended")

        assert running
        assert link.frames[-1]["reason"] == "interrupted"
        assert [line["status"] for line in listed["tasks"]] == ["interrupted"]
        assert ended["reason"] == "done"


async def test_torn_last_line_of_a_log_is_said(
    jp_serverapp: Any, call: Call, open_link: OpenLink, jp_data_dir: Path
) -> None:
    task = await new_task(call)
    await jp_serverapp.cleanup_extensions()
    (log,) = jp_data_dir.rglob(f"{task}.jsonl")
    with log.open("ab") as file:
        file.write(b'{"type":"mode.chan')

    link = await open_link(task)
    notice = await link.until("notice")
    link.send("mode.set", mode="plan")
    changed = await link.until("mode.changed")

    assert notice["level"] == "warning"
    assert [frame["seq"] for frame in link.stored] == list(range(1, changed["seq"] + 1))
    assert all(json.loads(line) for line in log.read_text().splitlines())


async def test_log_that_another_process_holds_is_busy(
    jp_serverapp: Any, call: Call, jp_data_dir: Path
) -> None:
    task = await new_task(call)
    await jp_serverapp.cleanup_extensions()
    (log,) = jp_data_dir.rglob(f"{task}.jsonl")
    code = (
        "import sys; from pathlib import Path; from kimi_jupyter.history.log import Log;"
        "log = Log.open(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        code_, told = await call("GET", f"tasks/{task}/socket")
    finally:
        holder.communicate(timeout=10)

    assert (code_, told["error"]["code"]) == (409, "task_busy")


class NowhereContents(AsyncContentsManager):
    """Keeps its files in no folder of this machine."""


class TestNoLocalFiles:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        jp_server_config.ServerApp.contents_manager_class = NowhereContents
        return jp_server_config

    async def test_status_says_so_and_turns_are_refused(
        self, call: Call, open_link: OpenLink
    ) -> None:
        _, status = await call("GET", "status")
        link = await open_link(await new_task(call))
        link.send("turn.start", text="Hi")
        refused = await link.until("command.refused")

        assert "NowhereContents" in status["problem"]
        assert refused["why"] == status["problem"]
