"""How much of a long task's input comes from the API's prefix cache, as the simulated API counts it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.report import Row, table
from kimi_jupyter.protocol.commands import TurnStart
from kimi_jupyter.protocol.events import ToolDone, TurnEnded, UsageReported
from kimi_jupyter.runtime import Runtime
from tests.moonshot import Call, Moonshot, Reply
from tests.moonshot.script import Step

STEPS = 25
LIMIT = 5.0
"""Percent of the input that may be paid in full."""


def measure() -> list[Row]:
    """One task of `STEPS` requests: reads, searches and edits, with the real tools and prompts."""
    with tempfile.TemporaryDirectory() as folder:
        return [asyncio.run(_run(Path(folder)))]


async def _run(folder: Path) -> Row:
    work = folder / "work"
    work.mkdir()
    for number in range(6):
        lines = "".join(f"row {line} of part {number}\n" for line in range(60))
        (work / f"part{number}.txt").write_text(lines, encoding="utf-8")
    async with Moonshot(_script()) as api:
        settings = folder / "settings"
        environ = {"MOONSHOT_API_KEY": "sk-benchmark", "MOONSHOT_BASE_URL": api.url}
        runtime = Runtime(
            workspace=work, data_dir=folder / "data", settings_dir=settings, environ=environ
        )
        try:
            used = await _usage(runtime)
        finally:
            await runtime.aclose()
    assert len(used) == STEPS, f"only {len(used)} requests were made"
    later = used[1:]
    share = _percent(later)
    beside = (
        f"{share:.1f} % of the input of requests 2 to {STEPS} is cached; "
        f"{_percent(used):.1f} % with the first, which nothing can cache"
    )
    return Row(f"input outside the cache, {STEPS} steps", 100 - share, "%", LIMIT, beside)


async def _usage(runtime: Runtime) -> list[UsageReported]:
    task = await runtime.create_task()
    follower = task.follow()
    await task.submit(TurnStart(text="Renumber the parts, and tell me what you changed."))
    used: list[UsageReported] = []

    async def read() -> None:
        async for event in follower:
            if isinstance(event, UsageReported):
                used.append(event)
            if isinstance(event, ToolDone):
                assert event.ok, event.output
            if isinstance(event, TurnEnded):
                assert event.reason == "done", event.message
                return

    await asyncio.wait_for(read(), 120)
    return used


def _percent(used: list[UsageReported]) -> float:
    return 100 * sum(u.cached_tokens for u in used) / sum(u.prompt_tokens for u in used)


def _script() -> list[Step]:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_files", {"path": "."}),
        ("read_file", {"path": "part{n}.txt", "offset": 1, "limit": 20}),
        ("search_files", {"path": ".", "pattern": "row 1{n} "}),
        ("read_file", {"path": "part{n}.txt", "offset": 40, "limit": 20}),
    ]
    steps: list[Step] = []
    for number in range(STEPS - 1):
        name, arguments = calls[number % len(calls)]
        text = json.dumps(arguments).replace("{n}", str(number % 6))
        thought = "The next part has to be seen before anything is changed. "
        steps.append(Reply("", thought, (Call(name, text),)))
    return [*steps, "Nothing had to be changed: the parts are numbered as they should be."]


if __name__ == "__main__":
    print(table(measure()))
