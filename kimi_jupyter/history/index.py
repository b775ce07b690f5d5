"""The history list and its full-text search: a cache in SQLite that is rebuilt from the logs whenever it is in doubt."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kimi_jupyter.history.fold import Fold
from kimi_jupyter.history.lock import is_held
from kimi_jupyter.history.reading import read
from kimi_jupyter.history.summary import TaskSummary, searchable, summarise
from kimi_jupyter.protocol.errors import HistoryError

VERSION = 2
"""Number of the tables' layout; another number in the file means that it is rebuilt."""

_TASKS = (
    "CREATE TABLE tasks (row INTEGER PRIMARY KEY, id TEXT UNIQUE, mtime INTEGER, size INTEGER,"
    " updated_at INTEGER, is_empty INTEGER, summary TEXT)"
)
_MORE = (
    "CREATE INDEX by_time ON tasks (updated_at)",
    "CREATE TABLE looked (folder INTEGER)",
    "CREATE TABLE locked (id TEXT)",
)
_SAME_TIME = 20
"""Tasks that are asked for beyond a page, in case that they are of the same millisecond as its last one."""
_TICK = 100_000_000
"""Nanoseconds: a folder that changed this recently may change again without another time."""
FTS = "CREATE VIRTUAL TABLE texts USING fts5(body, tokenize='trigram')"
PLAIN = "CREATE TABLE texts (body TEXT)"
"""For a SQLite without FTS5, or older than 3.34: slower, with the same results."""


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    path: str
    mtime: int
    size: int


class Index:
    """Safe to call from any thread; each call has its own connection."""

    def __init__(self, path: Path, *, texts: str = FTS) -> None:
        self._path = path
        self._texts = texts
        self._guard = threading.Lock()

    def list(
        self,
        folder: Path,
        *,
        query: str,
        limit: int,
        before: int | None,
        live: Mapping[str, TaskSummary],
    ) -> list[TaskSummary]:
        """Bring the index up to date with the logs in `folder`, and list; `live` holds the tasks that are open here."""
        with self._guard:
            for path in (str(self._path), str(self._path), ":memory:"):
                try:
                    with closing(_connect(path, self._texts)) as db:
                        _refresh(db, folder, live)
                        db.commit()
                        return _select(db, query=query, limit=limit, before=before, live=live)
                except sqlite3.Error:
                    # a cache that is broken, locked or on a full disk: once from scratch, then without a file
                    with contextlib.suppress(OSError):
                        self._path.unlink(missing_ok=True)
        raise HistoryError("The history list could not be built: SQLite does not work here.")

    def empty(self, *, before: int) -> list[str]:
        """Ids of tasks that were empty when they were last looked at, older than `before`."""
        asked = "SELECT id FROM tasks WHERE is_empty = 1 AND updated_at < ?"
        try:
            with self._guard, closing(_connect(str(self._path), self._texts)) as db:
                return [row[0] for row in db.execute(asked, (before,))]
        except sqlite3.Error:
            return []


def _files(folder: Path) -> tuple[list[_File], set[str]]:
    """All logs, and the ids of those that have a lock beside them."""
    found: list[_File] = []
    locked: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".jsonl.lock"):
                locked.add(entry.name.removesuffix(".jsonl.lock"))
            elif entry.name.endswith(".jsonl") and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    stat = entry.stat(follow_symlinks=False)
                    id = entry.name.removesuffix(".jsonl")
                    found.append(_File(id, entry.path, stat.st_mtime_ns, stat.st_size))
    return found, locked


def _watched(folder: Path, ids: Iterable[str]) -> list[_File]:
    found: list[_File] = []
    for id in ids:
        path = folder / f"{id}.jsonl"
        with contextlib.suppress(FileNotFoundError):
            stat = path.lstat()
            found.append(_File(id, str(path), stat.st_mtime_ns, stat.st_size))
    return found


def _connect(path: str, texts: str) -> sqlite3.Connection:
    if path != ":memory:":
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with contextlib.suppress(OSError):  # where it can't be made SQLite says so
            os.close(os.open(path, flags, 0o600))
    db = sqlite3.connect(path, timeout=5)
    try:
        db.execute("PRAGMA journal_mode=DELETE")
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            _create(db, texts)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection, texts: str) -> None:
    for table in ("tasks", "texts", "looked", "locked"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for made in (_TASKS, *_MORE):
        db.execute(made)
    try:
        db.execute(texts)
    except sqlite3.OperationalError:
        db.execute(PLAIN)
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.commit()


def _refresh(db: sqlite3.Connection, folder: Path, live: Mapping[str, TaskSummary]) -> None:
    """Bring the tables up to date.

    Who writes a log makes a lock beside it first and removes it last, which changes the folder's time: while that is
    the same as at the last full look, only the logs that were locked then can have changed.
    """
    now, changed_at = time.time_ns(), folder.stat().st_mtime_ns
    if db.execute("SELECT folder FROM looked").fetchone() == (changed_at,):
        watched = {row[0] for row in db.execute("SELECT id FROM locked")} | live.keys()
        for file in _watched(folder, watched):
            asked = "SELECT mtime, size FROM tasks WHERE id = ?"
            _update(db, file, db.execute(asked, (file.id,)).fetchone(), live)
        return
    files, locked = _files(folder)
    rows = db.execute("SELECT id, mtime, size FROM tasks").fetchall()
    known = {id: (mtime, size) for id, mtime, size in rows}
    for file in files:
        _update(db, file, known.pop(file.id, None), live)
    for gone in known:
        _forget(db, gone)
    db.execute("DELETE FROM looked")
    db.execute("DELETE FROM locked")
    if abs(now - changed_at) > _TICK:
        db.execute("INSERT INTO looked VALUES (?)", (changed_at,))
        db.executemany("INSERT INTO locked VALUES (?)", [(id,) for id in locked])


def _update(
    db: sqlite3.Connection,
    file: _File,
    was: tuple[int, int] | None,
    live: Mapping[str, TaskSummary],
) -> None:
    summary = live.get(file.id)
    if summary is not None and summary.status in ("running", "waiting"):
        # its text changes every second: searched when the turn has ended
        _put(db, file, summary, None)
    elif was != (file.mtime, file.size):
        _read(db, file)


def _read(db: sqlite3.Connection, file: _File) -> None:
    try:
        reading = read(Path(file.path))
    except HistoryError:
        _forget(db, file.id)
        return
    state = Fold()
    for event in reading.events:
        state.feed(event)
    summary = summarise(file.id, reading.events, state)
    _put(db, file, summary, searchable(reading.events), is_current=True)


def _put(
    db: sqlite3.Connection,
    file: _File,
    summary: TaskSummary,
    text: str | None,
    *,
    is_current: bool = False,
) -> None:
    """`is_current` where the file need not be read again while it stays as it is."""
    mtime, size = (file.mtime, file.size) if is_current else (0, 0)
    is_hidden = summary.is_empty and is_current
    db.execute(
        "INSERT INTO tasks (id, mtime, size, updated_at, is_empty, summary) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET mtime = excluded.mtime, size = excluded.size,"
        " updated_at = excluded.updated_at, is_empty = excluded.is_empty, summary = excluded.summary",
        (file.id, mtime, size, summary.updated_at, is_hidden, summary.model_dump_json()),
    )
    if text is not None:
        row = db.execute("SELECT row FROM tasks WHERE id = ?", (file.id,)).fetchone()[0]
        db.execute("DELETE FROM texts WHERE rowid = ?", (row,))
        db.execute("INSERT INTO texts (rowid, body) VALUES (?, ?)", (row, text))


def _forget(db: sqlite3.Connection, id: str) -> None:
    db.execute("DELETE FROM texts WHERE rowid = (SELECT row FROM tasks WHERE id = ?)", (id,))
    db.execute("DELETE FROM tasks WHERE id = ?", (id,))


def _select(
    db: sqlite3.Connection, *, query: str, limit: int, before: int | None, live: Iterable[str]
) -> list[TaskSummary]:
    shown = tuple(live)  # an empty task is shown where somebody has it open
    places = ", ".join("?" * len(shown))
    conditions, values = [f"(is_empty = 0 OR id IN ({places}))"], list[str | int](shown)
    for word in query.casefold().split():
        pattern, escape = _like(word)
        conditions.append(f"row IN (SELECT rowid FROM texts WHERE body LIKE ?{escape})")
        values.append(pattern)
    if before is not None:
        conditions.append("updated_at < ?")
        values.append(before)
    where = " AND ".join(conditions)
    asked = (
        f"SELECT summary, updated_at FROM tasks WHERE {where} ORDER BY updated_at DESC, id LIMIT ?"
    )
    most = limit + _SAME_TIME
    rows = db.execute(asked, (*values, most)).fetchall()
    while len(rows) == most and rows[-1][1] == rows[limit - 1][1]:
        most *= 2
        rows = db.execute(asked, (*values, most)).fetchall()
    # tasks of one millisecond stay on one page, since `before` could not tell them apart
    last = rows[limit - 1][1] if len(rows) >= limit else 0
    return [TaskSummary.model_validate_json(row[0]) for row in rows if row[1] >= last]


def _like(word: str) -> tuple[str, str]:
    """The trigram index serves a LIKE without ESCAPE; words too short for it, and signs, need the plain one."""
    if len(word) >= 3 and not any(sign in word for sign in "%_\\"):
        return f"%{word}%", ""
    for sign in "\\%_":
        word = word.replace(sign, "\\" + sign)
    return f"%{word}%", " ESCAPE '\\'"


def settled(summary: TaskSummary, log: Path) -> TaskSummary:
    """A task that is unfinished on disk runs elsewhere, or was cut off."""
    if summary.status in ("running", "waiting") and not is_held(log):
        return summary.model_copy(update={"status": "interrupted"})
    return summary
