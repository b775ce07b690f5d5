"""A task on a desk: a real workspace, a real log, a scripted model and three small tools."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from kimi_jupyter.agent.services import AnyTool, Environment, Services
from kimi_jupyter.agent.task import Task, task_created
from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store
from kimi_jupyter.models.body import messages_body, tools_body
from kimi_jupyter.models.catalogue import BUNDLED, OFFLINE_MODEL
from kimi_jupyter.models.provider import Balance, ModelInfo, Piece, Provider, Request
from kimi_jupyter.models.scripted import Chooser, ScriptedProvider, Step
from kimi_jupyter.protocol.commands import AskAnswer, Command, TurnStart
from kimi_jupyter.protocol.effects import CommandLine, Effect, EffectKind
from kimi_jupyter.protocol.errors import FileChanged, KimiError
from kimi_jupyter.protocol.events import AskOpened, Event, TurnEnded
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety import files
from kimi_jupyter.safety.paths import Workspace
from tests.moonshot.watch import PrefixWatch

E = TypeVar("E", bound=Event)


class PathParams(Params):
    path: str


class WriteParams(Params):
    path: str
    content: str


class RunParams(Params):
    command: str


class Look:
    """Reads a file."""

    name: ClassVar[str] = "look"
    description: ClassVar[str] = "Reads a file."
    kind: ClassVar[EffectKind] = "read"
    params: ClassVar[type[Params]] = PathParams

    async def effect(self, params: PathParams, work: Work) -> Effect:
        path = work.workspace.resolve(params.path, folder=work.folder)
        return Effect(kind="read", title=f"Look at {path}", paths=(path,), digest=path)

    async def run(self, params: PathParams, effect: Effect, work: Work) -> Result:
        return Result(ok=True, output=files.read_text(work.workspace, effect.paths[0]).text)


class Put:
    """Writes a file."""

    name: ClassVar[str] = "put"
    description: ClassVar[str] = "Writes a file."
    kind: ClassVar[EffectKind] = "write"
    params: ClassVar[type[Params]] = WriteParams

    async def effect(self, params: WriteParams, work: Work) -> Effect:
        path = work.workspace.resolve(params.path, folder=work.folder)
        exists = work.workspace.stat(path) is not None
        diff = files.diff(
            path, files.read_text(work.workspace, path) if exists else None, params.content
        )
        digest = hashlib.sha256(f"{path}{diff.before_hash}{diff.after_hash}".encode()).hexdigest()
        return Effect(kind="write", title=f"Put {path}", paths=(path,), diff=diff, digest=digest)

    async def run(self, params: WriteParams, effect: Effect, work: Work) -> Result:
        diff = effect.diff
        assert diff is not None
        target = work.workspace.root / diff.path
        now = hashlib.sha256(target.read_bytes()).hexdigest() if target.exists() else ""
        if now != diff.before_hash:
            raise FileChanged(f"{diff.path} has changed.")
        target.write_text(params.content, encoding="utf-8")
        return Result(ok=True, output=f"{diff.path} was written.", diff=diff)


class Run:
    """Pretends to run a command: `sleep` runs until it is cancelled, `deaf` swallows that, `crash` has a bug."""

    name: ClassVar[str] = "run"
    description: ClassVar[str] = "Runs a command."
    kind: ClassVar[EffectKind] = "command"
    params: ClassVar[type[Params]] = RunParams

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.cancelled: list[str] = []

    async def effect(self, params: RunParams, work: Work) -> Effect:
        line = CommandLine(command=params.command, cwd=work.folder, timeout_seconds=300)
        return Effect(kind="command", title=params.command, command=line, digest=params.command)

    async def run(self, params: RunParams, effect: Effect, work: Work) -> Result:
        self.ran.append(params.command)
        work.report(f"$ {params.command}\n")
        if params.command == "crash":
            raise ZeroDivisionError("no")
        if params.command == "deaf":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        if params.command == "sleep":
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.append(params.command)
        return Result(ok=True, output=f"ran {params.command}", summary="exit code 0")


class Played:
    """A provider made of a function that yields pieces."""

    def __init__(self, play: Callable[[Request], AsyncGenerator[Piece]]) -> None:
        self._play = play
        self.requests: list[Request] = []

    def stream(self, request: Request) -> AsyncGenerator[Piece]:
        self.requests.append(request)
        return self._play(request)

    async def models(self) -> tuple[ModelInfo, ...]:
        return BUNDLED

    async def balance(self) -> Balance | None:
        return None

    async def aclose(self) -> None:
        """Nothing to free."""


class Desk:
    """A task with what it touches; `close` it at the end."""

    def __init__(
        self,
        tmp_path: Path,
        script: Sequence[Step | Chooser] | Chooser | Provider,
        *,
        settings: Settings | None = None,
        origin: str = "browser",
        folder: str | None = None,
        secrets: Sequence[str] = (),
        tools: Sequence[AnyTool] | None = None,
        keeps_images: bool = False,
    ) -> None:
        self.root = tmp_path / "work"
        self.root.mkdir(exist_ok=True)
        self.settings = settings or Settings()
        self.remembered: list[str] = []
        self.remember_fails = False
        self.notified: list[tuple[str, str]] = []
        self.run_tool = Run()
        self.provider: Any = (
            ScriptedProvider(script) if isinstance(script, Sequence) or callable(script) else script
        )
        self.services = Services(
            workspace=Workspace(self.root),
            logs=tmp_path / "logs",
            environment=Environment(workspace_name="work", system="Linux", shell="bash"),
            tools=tools or (Look(), Put(), self.run_tool),
            settings=lambda: self.settings,
            provider_for=lambda model: self.provider,
            models=lambda: (*BUNDLED, OFFLINE_MODEL),
            remember_command=self._remember,
            secrets=lambda: secrets,
            notify=lambda what, task: self.notified.append((what, task)),
        )
        self.path = tmp_path / "0123456789abcdef0123456789abcdef.jsonl"
        if keeps_images:
            kept = Store(tmp_path / "data", self.root).checkpoints(self.path.stem)
            self.services = dataclasses.replace(self.services, checkpoints=kept)
        created = task_created(self.services, model="kimi-k2.6", origin=origin, folder=folder)
        self.task = Task(Log.create(self.path, created), self.services)

    async def _remember(self, pattern: str) -> None:
        if self.remember_fails:
            raise KimiError("The settings file can't be written.")
        self.remembered.append(pattern)

    def reopen(self) -> None:
        """Go on with the log as another server would."""
        self.task.log.close()
        self.task = Task(Log.open(self.path), self.services)

    async def send(self, text: str) -> TurnEnded:
        """Send a message and wait for the end of its turn."""
        await self.task.submit(TurnStart(text=text))
        return await self.until(TurnEnded)

    async def submit(self, command: Command, *, by: str = "browser") -> None:
        await self.task.submit(command, by=by)

    async def until(self, kind: type[E], *, after: int | None = None) -> E:
        """The first event of a kind after the last `turn.started`, or after a seq."""
        if after is None:
            after = max((e.seq for e in self.events if e.type == "turn.started"), default=0)
        follower = self.task.follow(after)

        async def first() -> E:
            async for event in follower:
                if isinstance(event, kind):
                    return event
            raise AssertionError(f"the log ended without {kind.__name__}")

        try:
            return await asyncio.wait_for(first(), 5)
        finally:
            follower.close()

    async def answer(
        self, decision: Any, *, by: str = "browser", after: int | None = None, **more: Any
    ) -> AskOpened:
        """Wait for an ask and answer it."""
        ask = await self.until(AskOpened, after=after)
        await self.task.submit(AskAnswer(ask=ask.ask, decision=decision, **more), by=by)
        return ask

    @property
    def events(self) -> list[Event]:
        return list(self.task.log.events)

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def requests(self) -> list[Request]:
        return self.provider.requests

    def check_prefixes(self) -> None:
        """Each request of the scripted model began with the bytes of the one before, known breaks aside."""
        watch = PrefixWatch()
        before: Request | None = None
        for request in getattr(self.provider, "requests", ()):
            if before and before.model != request.model and _shows(before) != _shows(request):
                watch.may_break(
                    request.task
                )  # another model has other eyes, and a cache of its own
            before = request
            messages = messages_body(request.messages)
            tools = tools_body(request.tools)
            watch.take({"prompt_cache_key": request.task, "messages": messages, "tools": tools})
        watch.check()


def _shows(request: Request) -> bool:
    return any(not isinstance(message.content, str) for message in request.messages)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call for a script."""
    return {"call": {"name": name, "arguments": arguments}}
