"""One change to a 10 MB file with apply_diff, beside reading, hashing, writing and syncing the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row, table
from kimi_jupyter.agent.tool import Work
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.tools.apply_diff import ApplyDiff, ApplyDiffParams, Hunk

SIZE = 9_990_000
LIMIT = 150.0
ROUNDS = 7


def measure() -> list[Row]:
    """Four rows: wall and processor time of effect and run together, for `\\n` and for CRLF line ends."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "ws"
        root.mkdir()
        work = Work(workspace=Workspace(root), folder=".", logs=Path(name) / "logs")
        return [*_rows(work, "\n", "LF"), *_rows(work, "\r\n", "CRLF")]


def _rows(work: Work, end: str, label: str) -> list[Row]:
    path = work.workspace.root / f"{label}.py"
    line = "def function_{:06}(value): return value  # some words of a usual length"
    count = SIZE // (len(line.format(0)) + len(end))
    path.write_bytes("".join(line.format(n) + end for n in range(count)).encode())
    wall: list[float] = []
    own: list[float] = []
    for number in range(ROUNDS):
        start, used = time.perf_counter(), time.process_time()
        asyncio.run(_edit(work, path.name, count // 2 + number))
        own.append((time.process_time() - used) * 1000)
        wall.append((time.perf_counter() - start) * 1000)
    floor = statistics.median(_floor(path) for _ in range(ROUNDS))
    beside = f"read + sha256 + write + fsync {floor:.0f} ms"
    what = f"apply_diff, 10 MB, {label}: effect and run"
    return [
        Row(what, statistics.median(wall), "ms", LIMIT, beside),
        Row(f"{what}, CPU", statistics.median(own), "ms", LIMIT, beside),
    ]


async def _edit(work: Work, name: str, number: int) -> None:
    tool = ApplyDiff()
    hunk = Hunk(search=f"function_{number:06}(value)", replace=f"changed_{number:06}(value)")
    params = ApplyDiffParams(path=name, hunks=(hunk,))
    result = await tool.run(params, await tool.effect(params, work), work)
    assert result.ok


def _floor(path: Path) -> float:
    start = time.perf_counter()
    data = path.read_bytes()
    hashlib.sha256(data).hexdigest()
    target = os.open(path.with_suffix(".copy"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(target, data)
    os.fsync(target)
    os.close(target)
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    print(table(measure()))
