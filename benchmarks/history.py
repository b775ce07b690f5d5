"""The history with 10,000 tasks: list and search, each beside the bare SQLite query and the look at the folder that it can't do without."""

from __future__ import annotations

import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.report import Row, table
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.events import (
    Event,
    ReplyDone,
    TaskCreated,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from kimi_jupyter.protocol.messages import AssistantMessage

TASKS = 10_000
LIMIT = 50.0
ROUNDS = 15
_WORDS = ("plot", "merge", "column", "index", "model", "train", "frame", "join", "axis", "cell")
_RARE = "Zwölfton"


def measure() -> list[Row]:
    """The list, a search for a frequent word, a search for a rare one; and the first ones after another task has changed."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "work").mkdir()
        store = Store(root / "data", root / "work")
        _fill(store, root / "work")
        start = time.perf_counter()
        assert len(store.list("", 50)) == 50
        built = time.perf_counter() - start
        folder = store.folder / "tasks"
        return [
            _row("list", store, "", _BARE_LIST, (), folder, f"; index built once in {built:.1f} s"),
            _row("search, frequent word", store, "merge", _BARE_SEARCH, ("%merge%",), folder, ""),
            _row("search, rare word", store, _RARE, _BARE_SEARCH, ("%zwölfton%",), folder, ""),
            _after_a_change("list", store, root, ""),
            _after_a_change("search, frequent word", store, root, "merge"),
        ]


_BARE_LIST = "SELECT summary FROM tasks ORDER BY updated_at DESC LIMIT 50"
_BARE_SEARCH = (
    "SELECT summary FROM tasks WHERE row IN (SELECT rowid FROM texts WHERE body LIKE ?)"
    " ORDER BY updated_at DESC LIMIT 50"
)


def _row(
    what: str,
    store: Store,
    query: str,
    sql: str,
    values: tuple[str, ...],
    folder: Path,
    more: str,
) -> Row:
    def bare() -> None:
        with closing(sqlite3.connect(store.folder / "index.sqlite3")) as db:
            db.execute(sql, values).fetchall()

    ours, query_only, names = (
        _median(lambda: store.list(query, 50)),
        _median(bare),
        _median(lambda: [entry.stat().st_size for entry in os.scandir(folder)]),
    )
    beside = f"bare query {query_only:.1f} ms, stat of the {TASKS:,} logs {names:.1f} ms{more}"
    return Row(f"history of {TASKS:,} tasks: {what}", ours, "ms", LIMIT, beside)


def _after_a_change(what: str, store: Store, root: Path, query: str) -> Row:
    """Another server renames a task each time, so the folder is another one and one log must be read."""
    other = Store(root / "data", root / "work")
    ids = [task.id for task in store.list("", ROUNDS)]
    times: list[float] = []
    for id in ids:
        other.rename(id, f"{_WORDS[1]} {len(times)}")
        start = time.perf_counter()
        found = store.list(query, 50)
        times.append((time.perf_counter() - start) * 1000)
        assert found[0].title == f"{_WORDS[1]} {len(times) - 1}"
    beside = f"the slowest of {len(times)}: {max(times):.1f} ms"
    return Row(
        f"history of {TASKS:,} tasks: {what} after a change",
        statistics.median(times),
        "ms",
        LIMIT,
        beside,
    )


def _median(act: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def _fill(store: Store, root: Path) -> None:
    """Write the logs as they lie on disk, without the locks and syncs of real tasks."""
    store.create(TaskCreated(title="first")).close()
    rnd = random.Random(1)
    for number in range(TASKS - 1):
        id = f"{rnd.getrandbits(128):032x}"
        lines = [event.model_dump_json() for event in _events(id, number, rnd)]
        (store.folder / "tasks" / f"{id}.jsonl").write_text("\n".join(lines) + "\n")


def _events(id: str, number: int, rnd: random.Random) -> list[Event]:
    text = " ".join(rnd.choices(_WORDS, k=40)) + (f" {_RARE}" if number % 2_500 == 7 else "")
    reply = AssistantMessage(content=" ".join(rnd.choices(_WORDS, k=150)))
    events: list[Event] = [
        TaskCreated(model="kimi-k2.6"),
        TurnStarted(text=text),
        ReplyDone(reply="r", message=reply, finish="stop"),
        UsageReported(prompt_tokens=900, cached_tokens=400, completion_tokens=200, cost=0.001),
        TurnEnded(reason="done"),
    ]
    at = 1_700_000_000_000 + number * 60_000
    return [
        event.model_copy(update={"seq": seq, "at": at + seq, "task": id})
        for seq, event in enumerate(events, 1)
    ]


if __name__ == "__main__":
    print(table(measure()))
