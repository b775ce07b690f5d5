"""Assembly: settings, key, models, tools and history put together; what both hosts call."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from kimi_jupyter.agent import instructions, slash
from kimi_jupyter.agent.services import Change, Environment, Services
from kimi_jupyter.agent.task import Task, task_created
from kimi_jupyter.history.export import Format, export
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store, TaskSummary, default_data_dir
from kimi_jupyter.models.catalogue import OFFLINE
from kimi_jupyter.models.provider import ModelInfo
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.providers import Providers
from kimi_jupyter.safety.find import FileFinder
from kimi_jupyter.safety.keys import KeyStore
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.settings import SettingsFile
from kimi_jupyter.tools import ALL
from kimi_jupyter.version import __version__

OPEN_TASKS = 16
"""Tasks that stay open while nobody follows them; of the others the least recent are closed."""


class Runtime:
    """One per host; all methods are called on one event loop."""

    def __init__(
        self,
        *,
        workspace: Path,
        data_dir: Path | None = None,
        settings_dir: Path | None = None,
        environ: Mapping[str, str] | None = None,
        host: Literal["server", "kernel"] = "server",
    ) -> None:
        environ = os.environ if environ is None else environ
        self.workspace = Workspace(workspace)
        self.keys = KeyStore(environ)
        self.store = Store(data_dir or default_data_dir(), self.workspace.root)
        self.on_change: list[Callable[[str, str | None], None]] = []
        """Told `asks`, `settings` or `tasks`, and the id of the task that it is about."""
        self._settings_file = SettingsFile(settings_dir, environ=environ)
        self._last_settings: Settings | None = None
        self._providers = Providers(
            self.keys, self.settings, environ, on_models=lambda: self._tell("settings")
        )
        self._finder = FileFinder(self.workspace.root)
        self._tasks: dict[str, Task] = {}
        self._opening = asyncio.Lock()
        self._services = Services(
            workspace=self.workspace,
            logs=self.store.folder / "logs",
            environment=_environment(self.workspace, host),
            tools=ALL,
            settings=self.settings,
            provider_for=self._providers.of,
            models=self._providers.known,
            remember_command=self.remember_command,
            secrets=self._providers.secrets,
            notify=self._notify,
        )

    # --- settings and models

    def settings(self) -> Settings:
        """The settings as the files have them now."""
        settings = self._settings_file.read()
        has_changed = self._last_settings not in (None, settings)
        self._last_settings = settings
        if has_changed:
            self._tell("settings")
        return settings

    async def remember_command(self, pattern: str) -> None:
        """Append a pattern to `kimi.autoApprove.commands` in the user's settings file."""
        await asyncio.to_thread(self._settings_file.remember_command, pattern)
        self.settings()

    async def status(self) -> dict[str, Any]:
        """What `GET status` answers; never the key, and never an error.

        It waits for no API: a list of models that comes later is told as a change of the settings.
        """
        settings = self.settings()
        key = await self.keys.state()
        model = await self._providers.default_model()
        return {
            "version": __version__,
            "key": {"set": key.is_set, "source": key.source, "warning": key.warning},
            "provider": "offline" if model == OFFLINE else "moonshot",
            "base_url": self._providers.base_url(),
            "model": model,
            "default_model": model,
            "models": [asdict(info) for info in await self._providers.listed(wait=0)],
            "mode": settings.mode,
            "workspace": str(self.workspace.root),
            "display_name": settings.display_name,
            "auto_approve_write": settings.auto_approve_write,
            "instructions": await self._instructions(settings),
            "warnings": list(self._settings_file.warnings),
        }

    async def _instructions(self, settings: Settings) -> list[dict[str, str | int]]:
        """The workspace's instruction files that go with a message; none is read for this."""
        if not settings.instruction_files:
            return []
        return await asyncio.to_thread(instructions.listed, self.workspace)

    async def models(self, refresh: bool = False) -> tuple[ModelInfo, ...]:
        """The models that can be chosen; with `refresh` the API is asked now, and its `ModelError` is raised."""
        if refresh:
            await self._providers.refresh()
        return await self._providers.listed()

    async def balance(self) -> dict[str, Any]:
        """`{available, currency, read_at}`, all null where there is nothing to tell; a `problem` says why."""
        try:
            balance = await self._providers.balance()
        except ModelError as error:
            return {"available": None, "currency": None, "read_at": None, "problem": str(error)}
        if balance is None:
            return {"available": None, "currency": None, "read_at": None}
        return asdict(balance)

    def commands(self) -> list[dict[str, Any]]:
        """The slash commands with their help."""
        return [command.model_dump() for command in slash.commands()]

    # --- tasks

    @property
    def open_asks(self) -> int:
        """How many asks wait for an answer, in all tasks of this process."""
        return sum(task.open_asks for task in self._tasks.values())

    @property
    def running_turns(self) -> int:
        """How many turns run in this process."""
        return sum(task.is_running for task in self._tasks.values())

    @property
    def busy_tasks(self) -> int:
        """In how many tasks a turn runs, or a command in the background."""
        return sum(task.is_busy for task in self._tasks.values())

    async def create_task(
        self, *, notebook: str | None = None, folder: str | None = None, origin: str = "browser"
    ) -> Task:
        """Begin a task; it works in `folder`, else in its notebook's folder, else in the workspace."""
        model = await self._providers.default_model()
        created = task_created(
            self._services, model=model, notebook=notebook, folder=folder, origin=origin
        )
        async with self._opening:
            task = self._door(self.store.create(created))
        self._tell("tasks", task.id)
        return task

    async def fork_task(self, id: str, upto: int, *, origin: str = "browser") -> Task:
        """Begin a task with what another one holds up to an event; `TaskNotFound`, `CommandRefused`."""
        async with self._opening:
            log = await asyncio.to_thread(self.store.fork, id, upto, origin=origin)
            task = self._door(log)
        self._tell("tasks", task.id)
        return task

    async def task(self, id: str) -> Task:
        """A task, opened where it is not open yet; `TaskNotFound`, `TaskBusy`, `HistoryError`."""
        async with self._opening:
            task = self._tasks.pop(id, None)
            if task is None or task.log.is_closed:
                log = await asyncio.to_thread(self.store.open, id)
                return self._door(log)
            self._tasks[id] = task  # now the most recent
            return task

    async def list_tasks(
        self, query: str = "", limit: int = 50, before: int | None = None
    ) -> list[TaskSummary]:
        """The history, newest first."""
        live = self.store.live()
        return await asyncio.to_thread(self.store.list, query, limit, before, live=live)

    async def rename(self, id: str, title: str) -> None:
        """Give a task another title."""
        async with self._opening:
            task = self._tasks.get(id)
            if task is not None and not task.log.is_closed:
                task.rename(title)
                return
            await asyncio.to_thread(self.store.rename, id, title)
        self._tell("tasks", id)

    async def delete(self, id: str) -> None:
        """Stop a task's turn and remove it with all that was kept for it."""
        async with self._opening:
            task = self._tasks.pop(id, None)
            if task is not None:
                await task.close()
            await asyncio.to_thread(self.store.delete, id)
        self._tell("tasks", id)

    async def export(self, id: str, format: Format) -> bytes:
        """A task as the bytes of a file."""
        events = await asyncio.to_thread(self.store.events, id)
        return await asyncio.to_thread(export, events, format)

    async def find_files(self, query: str, limit: int = 10) -> list[dict[str, str]]:
        """Workspace files and folders for @mentions, best first."""
        paths = await asyncio.to_thread(self._finder.find, query, limit)
        return [{"path": path, "kind": _kind(path)} for path in paths]

    async def aclose(self) -> None:
        """End all turns with what they started, close all logs, free the connections."""
        async with self._opening:
            tasks, self._tasks = list(self._tasks.values()), {}
            results = await asyncio.gather(*(t.close() for t in tasks), return_exceptions=True)
            await self._providers.aclose()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _door(self, log: Log) -> Task:
        try:
            services = replace(
                self._services,
                logs=self.store.logs(log.id),
                checkpoints=self.store.checkpoints(log.id),
            )
            task = Task(log, services)
        except BaseException:
            log.close()
            raise
        self._tasks[log.id] = task
        idle = [t for t in self._tasks.values() if not (t.is_busy or t.log.is_followed)]
        for other in idle[:-OPEN_TASKS]:
            other.log.close()
            del self._tasks[other.id]
        return task

    def _notify(self, what: Change, task: str) -> None:
        self._tell(what, task)

    def _tell(self, what: str, task: str | None = None) -> None:
        for told in self.on_change:
            told(what, task)


def _kind(path: str) -> str:
    if path.endswith("/"):
        return "folder"
    return "notebook" if path.endswith(".ipynb") else "file"


def _environment(workspace: Workspace, host: Literal["server", "kernel"]) -> Environment:
    return Environment(
        workspace_name=workspace.root.name or "/",
        system=f"{platform.system()} {platform.release()}",
        shell="cmd.exe" if os.name == "nt" else "bash",
        host=host,
        python=platform.python_version(),
    )
