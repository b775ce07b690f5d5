"""The thread in which a kernel talks to its agent, so that the cell's own thread only draws and asks."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from kimi_jupyter.kernel.errands import Errand
from kimi_jupyter.kernel.link import (
    Backend,
    Channel,
    Failed,
    Inbox,
    Item,
    Opened,
    Opening,
    Status,
    Talk,
    TaskLine,
    Where,
)
from kimi_jupyter.kernel.notebook import inside
from kimi_jupyter.kernel.visible import as_code
from kimi_jupyter.models.catalogue import unknown_model_text
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.commands import Command, ModelSet, ModeSet, Refusal, TurnStart, TurnStop
from kimi_jupyter.protocol.errors import CommandRefused, KimiError, TaskNotFound
from kimi_jupyter.protocol.events import ModeChanged, ModelChanged

Connect = Callable[[], Awaitable[Backend]]
T = TypeVar("T")

_ANSWER_WITHIN = 10.0
"""Seconds for the agent to take or refuse a command."""
UNATTENDED = (
    "Kimi does not run here: nobody can answer its questions, and the setting `kimi.unattended` says `deny`. "
    "Run the notebook by hand, or set it to `plan`."
)


class AgentThread:
    """One conversation of one kernel with its agent. Public methods may be called from any thread but its own."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._loop = asyncio.new_event_loop()
        self._backend: Backend | None = None
        self._channel: Channel | None = None
        self._starting: asyncio.Task[None] | None = None
        self._leaving: asyncio.Future[None] | None = None
        self._inbox: Inbox | None = None
        self._watcher: Callable[[Item], None] | None = None
        self.talk = Talk()
        self._thread = threading.Thread(target=self._run, daemon=True, name="kimi-agent")
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def begin(self, opening: Opening, inbox: Inbox) -> None:
        """Start a turn; what it says comes into the inbox until `finish`."""

        def start() -> None:
            self._inbox = inbox
            self._starting = asyncio.ensure_future(self._start(opening, inbox))

        self._loop.call_soon_threadsafe(start)

    def send(self, command: Command) -> None:
        """Submit a command to the task whose turn runs."""

        def send() -> None:
            if self._channel is not None:
                self._channel.send(command)

        self._loop.call_soon_threadsafe(send)

    def stop(self) -> None:
        """Stop the turn, also one that has not begun yet."""

        def stop() -> None:
            if self._starting is not None and not self._starting.done():
                self._starting.cancel()
            if self._channel is not None:
                self._channel.send(TurnStop())

        self._loop.call_soon_threadsafe(stop)

    def finish(self) -> None:
        """The cell has ended: follow no longer."""

        def finish() -> None:
            # At once, not as a task: a cell that begins right after this one must not lose its inbox.
            self._inbox = None
            channel, self._channel = self._channel, None
            if channel is not None:
                self._leaving = asyncio.ensure_future(channel.close())

        self._loop.call_soon_threadsafe(finish)

    @property
    def works_in(self) -> Where:
        """Where the agent of the running turn works."""
        return "kernel" if self._backend is None else self._backend.where

    def where(self) -> Where:
        """Where the agent works; raises `KimiError`."""
        return self._call(self._where(), 60.0)

    def status(self) -> Status:
        return self._call(self._status(), 60.0)

    def tasks(self, limit: int) -> list[TaskLine]:
        return self._call(self._tasks(limit), 60.0)

    def set_key(self, key: str) -> str:
        """Keep the API key; returns what to tell the user."""
        return self._call(self._set_key(key), 60.0)

    def set_mode(self, mode: Mode) -> None:
        """The mode of this conversation from now on; raises `CommandRefused`."""
        self._call(self._set(ModeSet(mode=mode)), 60.0)

    def set_model(self, model: str) -> None:
        """The model of this conversation from now on; raises `CommandRefused`."""
        self._call(self._set(ModelSet(model=model)), 60.0)

    def stop_task(self) -> bool:
        """Stop what runs in this conversation's task, started here or elsewhere; whether there is a task."""
        return self._call(self._stop_task(), 60.0)

    def slash(self, text: str) -> str:
        """Send a slash command to this conversation's task; returns its notice."""
        return self._call(self._visit(lambda errand, channel: errand.slash(text, channel)), 180.0)

    def rewind(self) -> str:
        """Take back the last message of this conversation; returns what to tell the user."""
        return self._call(self._visit(lambda errand, channel: errand.rewind(channel)), 180.0)

    def forget(self) -> None:
        """The next turn starts another task."""
        self.talk = Talk()

    def close(self, *, timeout: float = 5.0) -> None:
        """Stop the turn that was started here, end the agent if it works in this process, and end the thread."""
        with contextlib.suppress(KimiError):
            self._call(self._close(), timeout)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout)
        if not self._thread.is_alive():
            self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except FutureTimeout as error:
            future.cancel()
            raise KimiError("Kimi's agent did not answer in time; try again.") from error
        except BaseException:
            future.cancel()
            raise

    async def _connected(self) -> Backend:
        if self._backend is None:
            self._backend = await self._connect()
        return self._backend

    async def _start(self, opening: Opening, inbox: Inbox) -> None:
        try:
            await self._turn(opening)
        except asyncio.CancelledError:
            inbox.put(Failed(""))
        except KimiError as error:
            inbox.put(Failed(str(error)))
        except Exception as error:  # noqa: BLE001 # top of a host
            told = as_code(f"{type(error).__name__}: {error}")
            inbox.put(Failed(f"Kimi could not start: {told}"))

    async def _turn(self, opening: Opening) -> None:
        backend = await self._connected()
        place = backend.place()
        if opening.is_new:
            self.talk = Talk(mode=self.talk.mode, model=self.talk.model)
        notebook = place.notebook or inside(opening.notebook, place.workspace)
        mode = opening.mode or self.talk.mode
        if not opening.is_attended and mode is None:
            if place.unattended == "deny":
                raise KimiError(UNATTENDED)
            mode = "plan"
        model = opening.model or self.talk.model
        channel = await self._open(backend, notebook)
        if mode is not None:
            await self._confirm(channel, ModeSet(mode=mode))
        if model is not None:
            await self._confirm(channel, ModelSet(model=model))
        self.talk.mode = self.talk.model = None
        channel.send(TurnStart(text=opening.text, notebook=notebook, client=opening.client))

    async def _open(self, backend: Backend, notebook: str | None) -> Channel:
        """Follow the conversation's task; a new one where there is none, or where it was deleted."""
        await self._leave()
        talk = self.talk
        if talk.task is not None:
            try:
                self._channel = await backend.open(talk.task, talk.last_seq, self._deliver)
            except TaskNotFound:
                talk.task, talk.last_seq = None, 0
            else:
                return self._channel
        talk.task = await backend.create(notebook)
        self._channel = await backend.open(talk.task, 0, self._deliver)
        return self._channel

    async def _leave(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _deliver(self, item: Item) -> None:
        if not isinstance(item, Refusal | Failed | Opened):
            self.talk.last_seq = max(self.talk.last_seq, item.seq)
        if self._watcher is not None:
            self._watcher(item)
        if self._inbox is not None:
            self._inbox.put(item)

    async def _confirm(self, channel: Channel, command: ModeSet | ModelSet) -> None:
        """Send it and wait until it is done; raises `CommandRefused`."""
        answered: asyncio.Future[None] = self._loop.create_future()

        def watch(item: Item) -> None:
            if answered.done():
                return
            if isinstance(item, Refusal) and item.command == command.type:
                answered.set_exception(CommandRefused(item.why))
            elif isinstance(item, Failed):
                answered.set_exception(KimiError(item.text))
            elif _is_done(command, item):
                answered.set_result(None)

        self._watcher = watch
        try:
            channel.send(command)
            await asyncio.wait_for(answered, _ANSWER_WITHIN)
        except asyncio.TimeoutError as error:
            raise KimiError("Kimi's agent did not take the mode or the model in time.") from error
        finally:
            self._watcher = None

    async def _set(self, command: ModeSet | ModelSet) -> None:
        backend = await self._connected()
        if self.talk.task is None:
            await self._keep(command, backend)
            return
        if self._channel is not None:
            await self._confirm(self._channel, command)
            return
        channel = await backend.open(self.talk.task, self.talk.last_seq, self._deliver)
        try:
            await self._confirm(channel, command)
        finally:
            await channel.close()

    async def _keep(self, command: ModeSet | ModelSet, backend: Backend) -> None:
        """There is no task yet: the next one is told."""
        if isinstance(command, ModeSet):
            self.talk.mode = command.mode
            return
        models = (await backend.status()).models
        if command.model not in models:
            raise CommandRefused(unknown_model_text(command.model, models))
        self.talk.model = command.model

    async def _where(self) -> Where:
        return (await self._connected()).where

    async def _status(self) -> Status:
        return await (await self._connected()).status()

    async def _tasks(self, limit: int) -> list[TaskLine]:
        return await (await self._connected()).tasks(limit)

    async def _set_key(self, key: str) -> str:
        return await (await self._connected()).set_key(key)

    async def _stop_task(self) -> bool:
        if self.talk.task is None:
            return False
        channel = self._channel or await (await self._connected()).open(
            self.talk.task, self.talk.last_seq, self._deliver
        )
        channel.send(TurnStop())
        if channel is not self._channel:
            await channel.close()
        return True

    async def _visit(self, do: Callable[[Errand, Channel], Awaitable[str]]) -> str:
        """Follow the task from its start for a moment, beside a cell that may follow it too."""
        if self.talk.task is None:
            raise KimiError("This notebook has no task yet.")
        errand = Errand()
        channel = await (await self._connected()).open(self.talk.task, 0, errand.put)
        try:
            return await do(errand, channel)
        finally:
            await channel.close()

    async def _close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
        if self._channel is not None and self._inbox is not None:
            self._channel.send(TurnStop())
        await self._leave()
        if self._backend is not None:
            await self._backend.aclose()


def _is_done(command: ModeSet | ModelSet, item: Item) -> bool:
    if isinstance(command, ModeSet):
        return isinstance(item, ModeChanged) and item.mode == command.mode
    return isinstance(item, ModelChanged) and item.model == command.model
