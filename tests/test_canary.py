"""E1: a key that exists nowhere else goes through a whole run, and no file holds it afterwards in any form."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from pathlib import Path
from urllib.parse import quote

import pytest

from kimi_jupyter.agent.task import Task
from kimi_jupyter.protocol.commands import AskAnswer, TurnStart
from kimi_jupyter.protocol.events import AskOpened, TurnEnded
from kimi_jupyter.runtime import Runtime
from tests.moonshot.script import Call, Failure, Reply
from tests.moonshot.server import Moonshot

pytestmark = pytest.mark.anyio

KEY = "sk-canary/7f+9a2c=4e1b8d6053aa41c9"


def forms(key: str) -> set[bytes]:
    """The key raw, URL-encoded, JSON-escaped, in hex, reversed, and in base64 at each of its three offsets."""
    plain = key.encode()
    found = {plain, quote(key, safe="").encode(), plain.hex().encode(), plain[::-1]}
    found.add(key.replace("/", "\\/").encode())
    for offset in range(3):
        text = base64.b64encode(b"x" * offset + plain)
        found.add(text[4 if offset else 0 : -4].rstrip(b"="))
    return found


def holding(folder: Path) -> list[Path]:
    """Files with the key in them or in their names."""
    wanted = forms(KEY)
    return [
        path
        for path in folder.rglob("*")
        if any(form in path.name.encode() for form in wanted)
        or (path.is_file() and any(form in path.read_bytes() for form in wanted))
    ]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        json.dumps({"a": KEY}),
        f"https://x/?k={quote(KEY, safe='')}",
        base64.b64encode(f"Bearer {KEY}".encode()).decode(),
        base64.b64encode(f"{KEY}\n".encode()).decode(),
        KEY[::-1],
    ],
)
async def test_e1_danger_a_key_that_leaks_is_found_in_every_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "log").write_text(f"some {text} text")
    assert holding(tmp_path) == [tmp_path / "sub" / "log"]


async def play(task: Task, text: str) -> None:
    """One turn, with all asks approved."""
    follower = task.follow(task.log.last_seq)
    await task.submit(TurnStart(text=text))
    async for event in follower:
        if isinstance(event, AskOpened):
            await task.submit(AskAnswer(ask=event.ask, decision="approve"))
        if isinstance(event, TurnEnded):
            break
    follower.close()


async def test_e1_no_file_holds_the_key_after_a_run_with_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("MOONSHOT_API_KEY", KEY)
    logs = logging.FileHandler(tmp_path / "server.log")
    root = logging.getLogger()
    level = root.level
    root.addHandler(logs)
    root.setLevel(logging.DEBUG)
    arguments = [
        {"command": 'env; printf %s "$MOONSHOT_API_KEY" > stolen.txt; cat /proc/self/environ'},
        {"command": "tr '\\0' '\\n' < /proc/$PPID/cmdline; false"},
    ]
    calls = tuple(Call("execute_command", json.dumps(given)) for given in arguments)
    write = Call("write_file", json.dumps({"path": "a.txt", "content": "hello\n"}))
    script = [
        Reply("I look around.", reasoning="Hm.", tool_calls=calls),
        Reply("", tool_calls=(write,)),
        Reply("Done."),
        Failure(401, "invalid_authentication_error", f"Invalid Authentication: {KEY}"),
        Failure(400, "invalid_request_error", f"Authorization: Bearer {KEY} was refused"),
    ]
    try:
        async with Moonshot(script=script) as api:
            monkeypatch.setenv("MOONSHOT_BASE_URL", api.url)
            runtime = Runtime(
                workspace=tmp_path / "work",
                data_dir=tmp_path / "data",
                settings_dir=tmp_path / "settings",
            )
            task = await runtime.create_task()
            for text in ("Look around", f"My key is {KEY}, is it?", "And now?"):
                await asyncio.wait_for(play(task, text), 40)
            await runtime.remember_command("^ls$")
            await runtime.rename(task.id, "A title")
            for fmt in ("md", "json", "ipynb"):
                (tmp_path / f"export.{fmt}").write_bytes(await runtime.export(task.id, fmt))
            (tmp_path / "status.json").write_text(json.dumps(await runtime.status()))
            await runtime.list_tasks("key")
            sent = [request.headers for request in api.requests]
            (tmp_path / "bodies.json").write_text(json.dumps(api.bodies))
            await runtime.aclose()
    finally:
        root.removeHandler(logs)
        root.setLevel(level)
        logs.close()
    assert any(KEY in str(headers) for headers in sent)  # it was in use
    assert (tmp_path / "work" / "a.txt").exists()
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} >= {".jsonl", ".log"}
    assert holding(tmp_path) == []
