"""An @mention query over 100,000 files once they are indexed, beside one pass over the same names in memory."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row, table
from kimi_jupyter.safety.find import FileFinder

FOLDERS, FILES = 1_000, 100
LIMIT = 50.0
QUERIES = ("f", "file_04", "module_0777/fi", "zzz", "mdfl99", "éà")
ROUNDS = 5


def measure() -> list[Row]:
    """Three rows: the slowest query, the middle one, and the first, which waits for the first look."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        paths = _make(root)
        finder = FileFinder(root)
        start = time.perf_counter()
        finder.find("warm", 10)
        first = (time.perf_counter() - start) * 1000
        whole = _until_whole(finder, start)
        times = sorted(_median(finder, query) for query in QUERIES)
        start = time.perf_counter()
        assert sum("zzz" in path for path in paths) == 0
        beside = f"one pass over the names in memory {(time.perf_counter() - start) * 1000:.1f} ms"
        count = f"{FOLDERS * FILES:,} files"
        return [
            Row(
                f"@mention, {count}: slowest of {len(QUERIES)} queries",
                times[-1],
                "ms",
                LIMIT,
                beside,
            ),
            Row(f"@mention, {count}: middle query", statistics.median(times), "ms", LIMIT, beside),
            Row(
                f"@mention, {count}: first query, not indexed",
                first,
                "ms",
                None,
                f"indexed after {whole:.1f} s",
            ),
        ]


def _make(root: Path) -> list[str]:
    paths: list[str] = []
    for folder in range(FOLDERS):
        inside = root / f"package_{folder % 20:02}" / f"module_{folder:04}"
        inside.mkdir(parents=True)
        for number in range(FILES):
            path = inside / f"file_{number:02}_{folder * 7919 % 9973}.py"
            path.touch()
            paths.append(str(path.relative_to(root)))
    return paths


def _until_whole(finder: FileFinder, start: float) -> float:
    while len(finder.find("", FOLDERS * FILES)) < FOLDERS * FILES:
        time.sleep(0.01)
    return time.perf_counter() - start


def _median(finder: FileFinder, query: str) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        finder.find(query, 10)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    print(table(measure()))
