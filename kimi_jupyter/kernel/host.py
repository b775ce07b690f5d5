"""The agent inside this kernel, for kernels that no Jupyter server with our extension has started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from kimi_jupyter.agent.task import Task
from kimi_jupyter.kernel.link import Failed, Item, Opened, Place, Status, TaskLine, Where
from kimi_jupyter.protocol.commands import Command, Refusal
from kimi_jupyter.protocol.errors import CommandRefused, KimiError
from kimi_jupyter.runtime import Runtime


class KernelBackend:
    """Owns a runtime whose workspace is the kernel's folder."""

    where: Where = "kernel"

    def __init__(self, workspace: Path, *, name: str) -> None:
        self._runtime = Runtime(workspace=workspace, host="kernel")
        self._workspace = workspace
        self._name = name

    def place(self) -> Place:
        unattended = self._runtime.settings().unattended
        return Place(workspace=str(self._workspace), unattended=unattended)

    async def status(self) -> Status:
        facts = await self._runtime.status()
        return Status(
            model=facts["model"],
            mode=facts["mode"],
            models=tuple(str(model["id"]) for model in facts["models"]),
        )

    async def create(self, notebook: str | None) -> str:
        task = await self._runtime.create_task(notebook=notebook, origin=self._name)
        return task.id

    async def tasks(self, limit: int) -> list[TaskLine]:
        return [
            TaskLine(id=t.id, title=t.title, status=t.status, updated_at=t.updated_at)
            for t in await self._runtime.list_tasks("", limit, None)
        ]

    async def open(self, task: str, after: int, deliver: Callable[[Item], None]) -> TaskChannel:
        channel = TaskChannel(await self._runtime.task(task), deliver, by=self._name)
        channel.follow(after)
        return channel

    async def set_key(self, key: str) -> str:
        state = await self._runtime.keys.set(key)
        return state.warning or "The key is in the credential store of this computer."

    async def aclose(self) -> None:
        await self._runtime.aclose()


class TaskChannel:
    """One task of this process; commands are submitted in the order in which they were sent."""

    def __init__(self, task: Task, deliver: Callable[[Item], None], *, by: str) -> None:
        self._task = task
        self._deliver = deliver
        self._by = by
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []

    def follow(self, after: int) -> None:
        """Deliver the events behind `after`, and take commands."""
        self._follower = self._task.follow(after)
        self._deliver(Opened())
        self._workers = [asyncio.create_task(self._pump()), asyncio.create_task(self._submit())]

    def send(self, command: Command) -> None:
        self._commands.put_nowait(command)

    async def close(self) -> None:
        await self._commands.join()
        self._follower.close()
        for worker in self._workers:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    async def _pump(self) -> None:
        async for event in self._follower:
            self._deliver(event)
        self._deliver(Failed("The task was closed. Run the cell again to go on with it."))

    async def _submit(self) -> None:
        while True:
            command = await self._commands.get()
            try:
                await self._task.submit(command, by=self._by)
            except CommandRefused as error:
                self._deliver(Refusal(why=str(error), command=command.type))
            except KimiError as error:
                self._deliver(Failed(str(error)))
            finally:
                self._commands.task_done()
