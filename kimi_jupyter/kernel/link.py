"""What a cell needs of an agent, wherever it runs: one small Protocol, and what comes back from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Literal, Protocol

from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.commands import Command, Refusal
from kimi_jupyter.protocol.events import Event

Where = Literal["server", "kernel"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The link is there (again): what only deltas told comes once more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing more will come; the text says what happened and what to do."""

    text: str


Item = Event | Refusal | Opened | Failed


class Inbox:
    """Items on their way from the agent's thread to the cell's; `wake` is called from the agent's thread."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._items: SimpleQueue[Item] = SimpleQueue()
        self._wake = wake

    def put(self, item: Item) -> None:
        self._items.put(item)
        self._wake()

    def take(self) -> list[Item]:
        """All that has come, in order; never waits."""
        taken: list[Item] = []
        while True:
            try:
                taken.append(self._items.get_nowait())
            except Empty:
                return taken


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task of the history."""

    id: str
    title: str
    status: str
    updated_at: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the agent's side says of itself."""

    model: str
    """The model that new tasks start with."""
    mode: Mode
    """The approval mode that new tasks start with."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the agent works, and what holds there."""

    workspace: str
    """Absolute path of the folder that the agent may touch."""
    unattended: Literal["plan", "deny"]
    """What to do where nobody can answer."""
    notebook: str | None = None
    """The kernel's notebook as the server knows it, relative to the workspace."""


class Channel(Protocol):
    """One task, followed and steered; all methods are called on the agent's loop."""

    def send(self, command: Command) -> None:
        """Submit a command after those sent before; a refusal comes back as an item."""
        ...

    async def close(self) -> None:
        """Follow no longer; what was sent is still submitted, and a running turn goes on."""
        ...


class Backend(Protocol):
    """An agent: in the Jupyter server, or in this process; all methods are called on the link's loop.

    They raise `KimiError` with a sentence for the user.
    """

    @property
    def where(self) -> Where: ...

    def place(self) -> Place:
        """Makes no request."""
        ...

    async def status(self) -> Status: ...

    async def create(self, notebook: str | None) -> str:
        """Start a task; returns its id."""
        ...

    async def tasks(self, limit: int) -> list[TaskLine]:
        """The newest tasks."""
        ...

    async def open(self, task: str, after: int, deliver: Callable[[Item], None]) -> Channel:
        """Follow a task from behind event `after`; raises `TaskNotFound`, `TaskBusy`."""
        ...

    async def set_key(self, key: str) -> str:
        """Keep the API key; returns what to tell the user."""
        ...

    async def aclose(self) -> None:
        """End what runs in this process."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """What a cell starts with."""

    text: str
    client: str
    """Names this run of the cell; the turn that carries it is the cell's."""
    notebook: str | None
    """Absolute path of the notebook, where the kernel knows it."""
    is_new: bool = False
    """Start another task."""
    mode: Mode | None = None
    model: str | None = None
    is_attended: bool = True
    """Somebody can answer."""


@dataclass
class Talk:
    """The conversation of this kernel: which task, and how far it was read."""

    task: str | None = None
    last_seq: int = 0
    mode: Mode | None = None
    """Wanted, and not yet given to a task."""
    model: str | None = None
    """Wanted, and not yet given to a task."""
