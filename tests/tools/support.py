"""What the tool tests share: a tool is called as the gate calls it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kimi_jupyter.agent.tool import Result, Work
from kimi_jupyter.protocol.effects import Effect
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.tools import ALL

TOOLS = {tool.name: tool for tool in ALL}


def work_in(
    tmp_path: Path, *, folder: str = ".", report: Callable[[str], None] = lambda text: None
) -> Work:
    """A workspace `ws` and a folder for logs, side by side."""
    root = tmp_path / "ws"
    root.mkdir(exist_ok=True)
    return Work(workspace=Workspace(root), folder=folder, logs=tmp_path / "logs", report=report)


def put(work: Work, files: dict[str, str | bytes]) -> Path:
    """Write files into the workspace; gives its root."""
    for path, content in files.items():
        target = work.workspace.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return work.workspace.root


async def effect_of(name: str, work: Work, **arguments: Any) -> Effect:
    """The effect that a call declares."""
    tool = TOOLS[name]
    return await tool.effect(tool.params(**arguments), work)


async def call(name: str, work: Work, **arguments: Any) -> Result:
    """A whole call, as if it were approved."""
    tool = TOOLS[name]
    params = tool.params(**arguments)
    return await tool.run(params, await tool.effect(params, work), work)


def alive(mark: str) -> list[int]:
    """Processes with the mark in their arguments; those that have ended but are not collected do not count."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        try:
            arguments = Path(f"/proc/{name}/cmdline").read_bytes()
            state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if (
            name.isdigit()
            and mark.encode() in arguments
            and state != "Z"
            and int(name) != os.getpid()
        ):
            found.append(int(name))
    return found


def until(condition: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    """Wait for a condition; whether it came about in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


async def until_async(condition: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    """As `until`, with the event loop running."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.005)
    return True
