"""The history list and its full-text search: a cache in SQLite that is rebuilt from the logs whenever it is in doubt."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from kimi_jupyter.history.changes import LogFile, Place, begin_again, logs, names, written_since
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.history.folders import private_file
from kimi_jupyter.history.lock import is_held
from kimi_jupyter.history.reading import read
from kimi_jupyter.history.summary import TaskSummary, searchable, summarise
from kimi_jupyter.protocol.errors import HistoryError

VERSION = 3
"""Number of the tables' layout; another number in the file means that it is rebuilt."""

_TASKS = (
    "CREATE TABLE tasks (row INTEGER PRIMARY KEY, id TEXT UNIQUE, inode INTEGER, mtime INTEGER,"
    " size INTEGER, updated_at INTEGER, is_empty INTEGER, summary TEXT)"
)
_MORE = (
    "CREATE INDEX by_time ON tasks (updated_at)",
    "CREATE TABLE looked (folder INTEGER, offset INTEGER, last TEXT)",
    "CREATE TABLE locked (id TEXT)",
)
_SAME_TIME = 20
"""Tasks that are asked for beyond a page, in case that they are of the same millisecond as its last one."""
_TICK = 100_000_000
"""Nanoseconds: a folder that changed this recently may change again without another time."""
FTS = "CREATE VIRTUAL TABLE texts USING fts5(body, tokenize='trigram')"
PLAIN = "CREATE TABLE texts (body TEXT)"
"""For a SQLite without FTS5, or older than 3.34: slower, with the same results."""


class Index:
    """Safe to call from any thread; each call has its own connection."""

    def __init__(self, path: Path, *, texts: str = FTS) -> None:
        self._path = path
        self._texts = texts
        self._guard = threading.Lock()
        self._has_looked = False
        """Whether this process has looked at all logs once: others may have changed them behind our back."""

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
                        _refresh(db, folder, live, whole=not self._has_looked)
                        db.commit()
                        self._has_looked = True
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


def _connect(path: str, texts: str) -> sqlite3.Connection:
    if path != ":memory:":
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with contextlib.suppress(OSError):  # where it can't be made SQLite says so
            fd = os.open(path, flags, 0o600)
            private_file(fd)
            os.close(fd)
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


def _refresh(
    db: sqlite3.Connection, folder: Path, live: Mapping[str, TaskSummary], *, whole: bool
) -> None:
    """Bring the tables up to date, looking only at the logs that may have changed.

    Who writes a log makes a lock beside it first, leaves its id behind, and removes the lock last. So these may have
    changed: what was locked at the last look, what was written since, and what has come or was replaced.
    """
    now, changed_at = time.time_ns(), folder.stat().st_mtime_ns
    looked = db.execute("SELECT folder, offset, last FROM looked").fetchone()
    written, place = written_since(folder, Place(*looked[1:]) if looked else Place())
    if written is None or looked is None or whole:
        place = begin_again(folder)
        _look_at_all(db, folder, live)
    else:
        ids = written | live.keys() | {row[0] for row in db.execute("SELECT id FROM locked")}
        if looked[0] != changed_at:
            ids |= _take_names(db, *names(folder))
        _look(db, folder, ids, live)
    at = changed_at if abs(now - changed_at) > _TICK else 0
    if looked != (at, place.offset, place.last):
        db.execute("DELETE FROM looked")
        db.execute("INSERT INTO looked VALUES (?, ?, ?)", (at, place.offset, place.last))


def _look_at_all(db: sqlite3.Connection, folder: Path, live: Mapping[str, TaskSummary]) -> None:
    found, locked = names(folder)
    _take_names(db, found, locked)
    rows = db.execute("SELECT id, inode, mtime, size FROM tasks").fetchall()
    known = {row[0]: row[1:] for row in rows}
    for file in logs(folder, found):
        _update(db, file, known.get(file.id), live)


def _take_names(db: sqlite3.Connection, found: dict[str, int], locked: set[str]) -> set[str]:
    """Forget the logs that are gone; ids of those that have come, were replaced or are written now."""
    known: dict[str, int] = dict(db.execute("SELECT id, inode FROM tasks").fetchall())
    for gone in known.keys() - found.keys():
        _forget(db, gone)
    db.execute("DELETE FROM locked")
    db.executemany("INSERT INTO locked VALUES (?)", [(id,) for id in locked])
    return locked | {id for id, inode in found.items() if known.get(id) != inode}


def _look(
    db: sqlite3.Connection, folder: Path, ids: Iterable[str], live: Mapping[str, TaskSummary]
) -> None:
    asked = "SELECT inode, mtime, size FROM tasks WHERE id = ?"
    for file in logs(folder, ids):
        _update(db, file, db.execute(asked, (file.id,)).fetchone(), live)


def _update(
    db: sqlite3.Connection,
    file: LogFile,
    was: tuple[int, int, int] | None,
    live: Mapping[str, TaskSummary],
) -> None:
    summary = live.get(file.id)
    if summary is not None and summary.status in ("running", "waiting"):
        # its text changes every second: searched when the turn has ended
        _put(db, file, summary, None)
    elif was is None or was[1:] != (file.mtime, file.size):
        _read(db, file)
    elif was[0] != file.inode:  # on some network disks they change by themselves
        db.execute("UPDATE tasks SET inode = ? WHERE id = ?", (file.inode, file.id))


def _read(db: sqlite3.Connection, file: LogFile) -> None:
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
    file: LogFile,
    summary: TaskSummary,
    text: str | None,
    *,
    is_current: bool = False,
) -> None:
    """`is_current` where the file need not be read again while it stays as it is."""
    mtime, size = (file.mtime, file.size) if is_current else (0, 0)
    is_hidden = summary.is_empty and is_current
    db.execute(
        "INSERT INTO tasks (id, inode, mtime, size, updated_at, is_empty, summary)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET inode = excluded.inode, mtime = excluded.mtime, size = excluded.size,"
        " updated_at = excluded.updated_at, is_empty = excluded.is_empty, summary = excluded.summary",
        (
            file.id,
            file.inode,
            mtime,
            size,
            summary.updated_at,
            is_hidden,
            summary.model_dump_json(),
        ),
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
    has_trigrams = _has_trigrams(db) if query else False
    shown = tuple(live)  # an empty task is shown where somebody has it open
    places = ", ".join("?" * len(shown))
    conditions, values = [f"(is_empty = 0 OR id IN ({places}))"], list[str | int](shown)
    for word in query.casefold().split():
        condition, value = _contains(word, has_trigrams=has_trigrams)
        conditions.append(f"row IN (SELECT rowid FROM texts WHERE {condition})")
        values.append(value)
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


def _has_trigrams(db: sqlite3.Connection) -> bool:
    made = db.execute("SELECT sql FROM sqlite_master WHERE name = 'texts'").fetchone()
    return made is not None and "trigram" in made[0]


def _contains(word: str, *, has_trigrams: bool) -> tuple[str, str]:
    """The condition that a text has this word in it; words too short for the trigrams are looked for in every text."""
    if has_trigrams and len(word) >= 3 and "\0" not in word:
        return "texts MATCH ?", '"' + word.replace('"', '""') + '"'
    for sign in "\\%_":
        word = word.replace(sign, "\\" + sign)
    return "body LIKE ? ESCAPE '\\'", f"%{word}%"


def settled(summary: TaskSummary, log: Path) -> TaskSummary:
    """A task that is unfinished on disk runs elsewhere, or was cut off."""
    if summary.status in ("running", "waiting") and not is_held(log):
        return summary.model_copy(update={"status": "interrupted"})
    return summary
