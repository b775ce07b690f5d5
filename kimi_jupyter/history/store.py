"""Where the tasks of one workspace lie: one log each, below the user's Jupyter data folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from kimi_jupyter.history.checkpoints import Checkpoints
from kimi_jupyter.history.folders import private_folder
from kimi_jupyter.history.forking import UNFINISHED, copy_images, forked, write_log
from kimi_jupyter.history.images import Images
from kimi_jupyter.history.index import Index, settled
from kimi_jupyter.history.lock import LogLock
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.reading import read
from kimi_jupyter.history.recovery import torn_path
from kimi_jupyter.history.summary import TaskSummary, is_empty, summarise
from kimi_jupyter.history.warm import Warm
from kimi_jupyter.protocol.errors import HistoryError, KimiError, TaskNotFound
from kimi_jupyter.protocol.events import Event, TaskCreated, TaskRenamed
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.walk import relative_to_root

EMPTY_SECONDS = 24 * 3600.0
"""How long a task stays in which nobody wrote anything."""

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
    return top_folder(data_dir) / "workspaces" / f"{name}-{digest}"


def top_folder(data_dir: Path) -> Path:
    """Where all of ours lies; it may be inside a workspace, such as a home folder."""
    return Path(os.path.realpath(data_dir)) / "kimi_jupyter"


class Store:
    """The logs of one workspace; `list` and `events` may be called on any thread, all else on the logs' own."""

    def __init__(self, data_dir: Path, workspace: Path) -> None:
        self.folder = workspace_folder(data_dir, workspace)
        self._tasks = self.folder / "tasks"
        self._index = Index(self.folder / "index.sqlite3")
        self._open: dict[str, Log] = {}
        self._is_ready = False
        self._is_swept = False
        self._workspace = Workspace(workspace)
        own = relative_to_root(str(top_folder(data_dir)), (str(self._workspace.root),))
        skip = frozenset([own] if own else [])
        self._warm = Warm(self.folder / "present", self._workspace, skip=skip)

    def _prepare(self) -> None:
        """Make the folders, at the first use: a read-only home must not keep a server from starting."""
        if self._is_ready and self._tasks.is_dir():
            return
        top = self.folder.parent.parent
        with contextlib.suppress(OSError):  # said by the next line, of the folder that matters
            top.parent.mkdir(parents=True, exist_ok=True)
        for folder in (top, self.folder.parent, self.folder, self._tasks):
            private_folder(folder)
        self._is_ready = True

    def create(self, event: TaskCreated) -> Log:
        """Begin a task; its id is 128 random bits in hex."""
        self._prepare()
        id = secrets.token_hex(16)
        return self._keep(Log.create(self._path(id), event))

    def open(self, id: str) -> Log:
        """Go on with a task; `TaskNotFound`, `TaskBusy` where another process has it, `HistoryError`."""
        log = self._open_here(id)
        return log if log is not None else self._keep(self._opened(id))

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
        try:
            found = self._index.list(
                self._tasks, query=query, limit=max(1, limit), before=before, live=live
            )
        except OSError as error:
            raise HistoryError(
                f"The history in {str(self._tasks)!r} can't be read: {error.strerror}. Try again."
            ) from error
        if not self._is_swept:
            self._is_swept = True
            self._sweep()
        return [task if task.id in live else settled(task, self._path(task.id)) for task in found]

    def _sweep(self) -> None:
        """Remove what nobody can miss: tasks in which nobody wrote anything, a day old, and logs that never got whole."""
        day_ago = time.time() - EMPTY_SECONDS
        for id in self._index.empty(before=int(day_ago * 1000)):
            with contextlib.suppress(KimiError, OSError):
                self._remove_empty(self._path(id))
        for path in self._tasks.glob(f"*{UNFINISHED}"):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < day_ago:
                    path.unlink()

    def _remove_empty(self, path: Path) -> None:
        lock = LogLock.take(path)
        try:
            if is_empty(read(path).events):  # under the lock: now nobody can write in it
                path.unlink()
        finally:
            lock.release()

    def live(self) -> dict[str, TaskSummary]:
        """The lines of the tasks that are open in this process."""
        logs = [log for log in self._open.values() if not log.is_closed]
        return {log.id: summarise(log.id, log.events, log.fold) for log in logs}

    def events(self, id: str) -> list[Event]:
        """The stored events of a task as its log has them now, open elsewhere or not."""
        return read(self._existing(id)).events

    def fork(self, id: str, upto: int, *, origin: str = "browser") -> Log:
        """A new task with the events of another one up to `upto`, its title and ` (fork)`; the other one stays as it is."""
        new = secrets.token_hex(16)
        events = forked(self.events(id), upto, id=new, origin=origin)
        images = self.folder / "checkpoints"
        private_folder(images)
        copy_images(events, Images(images / id), Images(images / new))
        write_log(self._path(new), events)
        return self._keep(Log.open(self._path(new)))

    def rename(self, id: str, title: str) -> None:
        """Give a task another title."""
        log = self._open_here(id)
        if log is not None:
            log.emit(TaskRenamed(title=title))
            return
        log = self._opened(id)
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
            self._warm.unfinished.remove(id)
            for kept in ("logs", "checkpoints"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(self.folder / kept / id)
        except OSError as error:
            raise HistoryError(f"The task could not be deleted: {error.strerror}.") from error
        finally:
            lock.release()

    def logs(self, id: str) -> Path:
        """A private folder for the full logs of a task's commands."""
        self._prepare()
        folder = self.folder / "logs" / id
        private_folder(folder.parent)
        private_folder(folder)
        return folder

    def checkpoints(self, id: str) -> Checkpoints:
        """What a task needs to go back: images of the files that it changed, removed with the task."""
        self._prepare()
        private_folder(self.folder / "checkpoints")
        return Checkpoints(self.folder / "checkpoints" / id, self._workspace, self._warm)

    def _opened(self, id: str) -> Log:
        """A log, with what its last command did where that was killed together with its host."""
        checkpoints = Checkpoints(self.folder / "checkpoints" / id, self._workspace, self._warm)
        log = Log.open(self._existing(id), recovered=checkpoints.recovered)
        self._warm.unfinished.remove(id)  # all of it is in the log now
        return log

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
