"""Where the tasks of one workspace lie: one log each, below the user's Jupyter data folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from kimi_jupyter.history.index import Index, settled
from kimi_jupyter.history.lock import LogLock
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.reading import read
from kimi_jupyter.history.recovery import torn_path
from kimi_jupyter.history.summary import TaskSummary, summarise
from kimi_jupyter.protocol.errors import HistoryError, TaskNotFound
from kimi_jupyter.protocol.events import Event, TaskCreated, TaskRenamed

__all__ = ["Store", "TaskSummary", "default_data_dir", "workspace_folder"]


def default_data_dir() -> Path:
    """Jupyter's own data folder of this user."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir())


def workspace_folder(data_dir: Path, workspace: Path) -> Path:
    """The folder of a workspace's history: the same for every host that works in the same place."""
    real = os.path.realpath(workspace)
    digest = hashlib.sha256(os.fsencode(os.path.normcase(real))).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(real).name).strip(".")[:40] or "root"
    return data_dir / "kimi_jupyter" / "workspaces" / f"{name}-{digest}"


class Store:
    """The logs of one workspace; `list` and `events` may be called on any thread, all else on the logs' own."""

    def __init__(self, data_dir: Path, workspace: Path) -> None:
        self.folder = workspace_folder(data_dir, workspace)
        self._tasks = self.folder / "tasks"
        self._index = Index(self.folder / "index.sqlite3")
        self._open: dict[str, Log] = {}
        self._is_ready = False

    def _prepare(self) -> None:
        """Make the folders, at the first use: a read-only home must not keep a server from starting."""
        if self._is_ready and self._tasks.is_dir():
            return
        top = self.folder.parent.parent
        with contextlib.suppress(OSError):  # said by the next line, of the folder that matters
            top.parent.mkdir(parents=True, exist_ok=True)
        for folder in (top, self.folder.parent, self.folder, self._tasks):
            _private(folder)
        self._is_ready = True

    def create(self, event: TaskCreated) -> Log:
        """Begin a task; its id is 128 random bits in hex."""
        self._prepare()
        id = secrets.token_hex(16)
        return self._keep(Log.create(self._path(id), event))

    def open(self, id: str) -> Log:
        """Go on with a task; `TaskNotFound`, `TaskBusy` where another process has it, `HistoryError`."""
        log = self._open_here(id)
        return log if log is not None else self._keep(Log.open(self._existing(id)))

    def list(
        self,
        query: str = "",
        limit: int = 50,
        before: int | None = None,
        *,
        live: Mapping[str, TaskSummary] | None = None,
    ) -> list[TaskSummary]:
        """Newest first; tasks older than `before` (an `updated_at`), and those that have all words of `query`.

        `live` is what `live()` gave on the loop, where this is called in a thread.
        """
        self._prepare()
        live = self.live() if live is None else live
        found = self._index.list(
            self._tasks, query=query, limit=max(1, limit), before=before, live=live
        )
        return [task if task.id in live else settled(task, self._path(task.id)) for task in found]

    def live(self) -> dict[str, TaskSummary]:
        """The lines of the tasks that are open in this process."""
        logs = [log for log in self._open.values() if not log.is_closed]
        return {log.id: summarise(log.id, log.events, log.fold) for log in logs}

    def events(self, id: str) -> list[Event]:
        """The stored events of a task as its log has them now, open elsewhere or not."""
        return read(self._existing(id)).events

    def rename(self, id: str, title: str) -> None:
        """Give a task another title."""
        log = self._open_here(id)
        if log is not None:
            log.emit(TaskRenamed(title=title))
            return
        log = Log.open(self._existing(id))
        try:
            log.emit(TaskRenamed(title=title))
        finally:
            log.close()

    def delete(self, id: str) -> None:
        """Remove a task with all that was kept for it; `TaskBusy` where another process has it."""
        path = self._existing(id)
        log = self._open.pop(id, None)
        if log is not None:
            log.close()
        lock = LogLock.take(path)
        try:
            path.unlink(missing_ok=True)
            torn_path(path).unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self.folder / "logs" / id)
        except OSError as error:
            raise HistoryError(f"The task could not be deleted: {error.strerror}.") from error
        finally:
            lock.release()

    def logs(self, id: str) -> Path:
        """A private folder for the full logs of a task's commands."""
        self._prepare()
        folder = self.folder / "logs" / id
        _private(folder.parent)
        _private(folder)
        return folder

    def _keep(self, log: Log) -> Log:
        self._open = {id: other for id, other in self._open.items() if not other.is_closed}
        self._open[log.id] = log
        return log

    def _open_here(self, id: str) -> Log | None:
        log = self._open.get(id)
        return None if log is None or log.is_closed else log

    def _path(self, id: str) -> Path:
        return self._tasks / f"{id}.jsonl"

    def _existing(self, id: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{32}", id) or not self._path(id).is_file():
            raise TaskNotFound("There is no such task here; it may have been deleted.")
        return self._path(id)


def _private(folder: Path) -> None:
    """Make a folder that nobody else can enter; one with a looser mode is tightened, a link is refused."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        is_loose = os.name == "posix" and folder.stat().st_mode & 0o077
        if folder.is_symlink():
            raise HistoryError(
                f"{str(folder)!r} is a link, and the history is kept in real folders only. Remove the link."
            )
        if is_loose:
            folder.chmod(0o700)
    except OSError as error:
        raise HistoryError(
            f"The history can't be kept in {str(folder)!r}: {error.strerror}. Make that folder writable."
        ) from error
