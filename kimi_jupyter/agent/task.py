"""A task: the only door through which hosts start, steer and follow the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from pathlib import PurePosixPath
from typing import Literal

from kimi_jupyter.agent import compaction, context, instructions, loopguard, slash, words
from kimi_jupyter.agent.asks import Asks
from kimi_jupyter.agent.attachments import read_attachments
from kimi_jupyter.agent.background import Commands
from kimi_jupyter.agent.gate import Gate
from kimi_jupyter.agent.prompt import system_prompt, turn_note
from kimi_jupyter.agent.running import Running
from kimi_jupyter.agent.secrets import stated
from kimi_jupyter.agent.services import Services
from kimi_jupyter.agent.sight import Sight
from kimi_jupyter.agent.summing import SUMS_UP, TURN_RUNS, Summing
from kimi_jupyter.agent.turn import Turn
from kimi_jupyter.history.checkpoints import Restored
from kimi_jupyter.history.fold import Fold, title_from
from kimi_jupyter.history.log import Follower, Log
from kimi_jupyter.models.catalogue import OFFLINE, unknown_model_text
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.commands import (
    AskAnswer,
    Command,
    CommandBackground,
    CommandStop,
    ModelSet,
    ModeSet,
    TaskRewind,
    TurnStart,
    TurnStop,
    TurnUnqueue,
)
from kimi_jupyter.protocol.errors import CommandRefused, HistoryError
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Event,
    ModeChanged,
    ModelChanged,
    Notice,
    Rewound,
    TaskCreated,
    TaskRenamed,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
)
from kimi_jupyter.protocol.parts import Attachment
from kimi_jupyter.safety.redact import redact

BUSY = "A turn is just beginning; try again."


def task_created(
    services: Services,
    *,
    model: str,
    notebook: str | None = None,
    folder: str | None = None,
    origin: str = "browser",
) -> TaskCreated:
    """The first event of a new task, system prompt included; hand it to `Store.create`.

    `folder` is the working folder; without it the notebook's folder, else the workspace. Raises `PathRefused`.
    """
    settings = services.settings()
    if notebook is not None:
        notebook = services.workspace.resolve(notebook)
    if folder is None:
        folder = str(PurePosixPath(notebook).parent) if notebook else "."
    folder = services.workspace.resolve(folder)
    return TaskCreated(
        notebook=notebook,
        folder=folder,
        model=model,
        mode=settings.mode,
        system=system_prompt(services.environment, settings, folder=folder),
        origin=origin,
    )


class Task:
    """One conversation with its log; all methods are called on one event loop.

    A message that begins with `/` and names a slash command starts no turn: it is answered by a `notice`
    (and `mode.changed`, `model.changed` ...), never by `turn.started`.
    """

    def __init__(self, log: Log, services: Services) -> None:
        created = log.events[0]
        if not isinstance(created, TaskCreated):
            raise HistoryError("The log does not begin with a task; it can't be continued.")
        self.log = log
        self.services = services
        self.created = created
        self._asks = Asks(self._emit, (e for e in log.events if isinstance(e, AskClosed)))
        self._commands = Commands(
            self._emit,
            events=log.events,
            clean=lambda text: redact(words.storable(text), services.secrets()),
        )
        self._sight = Sight(events=log.events, model=lambda: self.model, models=services.models)
        self._gate = Gate(
            services=services,
            folder=created.folder,
            emit=self._emit,
            asks=self._asks,
            commands=self._commands,
            mode=lambda: self.mode,
            remark=lambda done: loopguard.reminded(self.log.events, done),
            events=log.events,
            sight=self._sight,
        )
        self._queued: list[int] = []
        """Messages that wait, by the place of their `turn.queued`."""
        self._running = Running(self.id, log.events, self._emit, services, self._give_back)
        self._summing = Summing(self._emit, lambda: services.notify("tasks", self.id))
        self._is_starting = False
        if self.mode == "bypass" and len(log.events) > 1:
            self._disarm_bypass()

    @property
    def id(self) -> str:
        """The task's id."""
        return self.log.id

    @property
    def state(self) -> Fold:
        """Title, mode, model and usage as the log has them."""
        return self.log.fold

    @property
    def is_running(self) -> bool:
        """Whether a turn runs, or a summary that the user asked for."""
        return self._is_starting or self._running.is_on or self._summing.is_on

    @property
    def is_busy(self) -> bool:
        """Whether a turn runs, or a command in the background: closing the task would end it."""
        return self.is_running or self._commands.is_busy

    @property
    def status(self) -> Literal["idle", "running", "waiting"]:
        """`waiting` where an ask is open."""
        if not self.is_running:
            return "idle"
        return "waiting" if self.open_asks else "running"

    @property
    def title(self) -> str:
        """Empty until the first message or a rename names it."""
        return self.state.title

    @property
    def mode(self) -> Mode:
        """The approval mode."""
        return self.state.mode

    @property
    def model(self) -> str:
        """Id of the model."""
        return self.state.model

    @property
    def origin(self) -> str:
        """Who created it: `browser`, or `kernel:<id>`."""
        return self.created.origin

    @property
    def open_asks(self) -> int:
        """How many asks wait for an answer."""
        return len(self._asks)

    async def submit(self, command: Command, *, by: str = "browser") -> None:
        """Take a command; raises `CommandRefused` with the reason, and then nothing has changed."""
        if isinstance(command, TurnStart):
            await self._start(command, by)
        elif isinstance(command, TurnStop):
            self._stop()
        elif isinstance(command, AskAnswer):
            self._check_kernel(by, "answer")
            self._asks.answer(command, by=by)
        elif isinstance(command, ModeSet):
            self._check_kernel(by, "change the mode of")
            self._emit(ModeChanged(mode=command.mode))
        elif isinstance(command, ModelSet):
            self._set_model(command.model)
        elif isinstance(command, TaskRewind):
            await self._rewind(command)
        elif isinstance(command, TurnUnqueue):
            self._unqueue(command.seq)
        elif isinstance(command, CommandBackground | CommandStop):
            self._check_kernel(by, "steer the commands of")
            await self._commands.submit(command)
        else:
            raise CommandRefused("This task has no such open question; nothing was done.")

    def follow(self, after: int = 0) -> Follower:
        """All events after `after`, then the live ones."""
        return self.log.follow(after)

    def rename(self, title: str) -> None:
        """Give the task another title."""
        self._emit(TaskRenamed(title=title))
        self.services.notify("tasks", self.id)

    async def close(self) -> None:
        """End a running turn as `interrupted`, and all commands, with all that they started; then close the log."""
        await self._summing.interrupt()
        await self._running.interrupt()
        await self._commands.close()
        self.log.close()

    async def _start(self, command: TurnStart, by: str) -> None:
        if slash.is_slash(command.text):
            if text := await slash.run(command, self, by=by):
                self._emit(Notice(level="info", text=text))
            return
        if not command.text.strip():
            raise CommandRefused("The message is empty; type what you want to have done.")
        if self._is_starting:
            raise CommandRefused(BUSY)
        if self._summing.is_on:
            raise CommandRefused(SUMS_UP)
        if self._running.is_on:
            await self._queue(command)
            return
        self._is_starting = True
        try:
            started = await self._started(command)
            files = await instructions.fresh(self.services, folder=self.created.folder)
            is_untitled = not self.title
            self._emit(started.model_copy(update={"instructions": files.files}))
            self._tell_once(files.problems)
            if is_untitled:
                self._emit(TaskRenamed(title=title_from(started.text)))
            self._running.begin(self._turn().run())
        finally:
            self._is_starting = False
        self.services.notify("tasks", self.id)

    def _tell_once(self, texts: Iterable[str]) -> None:
        """Notices that the log does not hold yet."""
        told = {event.text for event in self.log.events if isinstance(event, Notice)}
        for text in texts:
            if redact(text, self.services.secrets()) not in told:
                self._emit(Notice(level="warning", text=text))

    async def _queue(self, command: TurnStart) -> None:
        """Let a message wait for the running turn's next safe point; if the turn ends while its files are read, it is given back."""
        text, attachments = await self._read(command)
        queued = self._emit(TurnQueued(text=text, attachments=attachments))
        self._queued.append(queued.seq)
        if not self._running.is_on:
            self._give_back()

    def _join_queued(self) -> bool:
        """Tell the model of the waiting messages from here on; whether there were any."""
        joined, self._queued = self._queued, []
        for seq in joined:
            self._emit(TurnUnqueued(queued=seq, joined=True))
        return bool(joined)

    def _give_back(self) -> None:
        left, self._queued = self._queued, []
        for seq in left:
            self._emit(TurnUnqueued(queued=seq, joined=False))

    def _unqueue(self, seq: int) -> None:
        if seq not in self._queued:
            raise CommandRefused("This message no longer waits; the model has been told of it.")
        self._queued.remove(seq)
        self._emit(TurnUnqueued(queued=seq, joined=False))

    async def _read(self, command: TurnStart) -> tuple[str, tuple[Attachment, ...]]:
        """The message and its files as they are stored: read now, without secrets."""
        attachments = await asyncio.to_thread(
            read_attachments,
            self.services.workspace,
            folder=self.created.folder,
            text=command.text,
            requests=command.attachments,
        )
        for attachment in attachments:
            if attachment.image is not None:
                self._sight.check(attachment.path)
        secrets = self.services.secrets()
        return redact(words.storable(command.text), secrets), tuple(
            attachment.model_copy(update={"text": redact(attachment.text, secrets)})
            for attachment in attachments
        )

    async def _started(self, command: TurnStart) -> TurnStarted:
        text, attachments = await self._read(command)
        before, ended = context.last_turn(self.log.events)
        note = turn_note(
            today=date.today(),
            mode=self.mode,
            notebook=command.notebook,
            before=before,
            ended=ended,
            news=self._commands.news(),
        )
        return TurnStarted(
            text=text,
            attachments=attachments,
            notebook=command.notebook,
            client=command.client,
            note=note,
        )

    def _stop(self) -> None:
        if self._summing.is_on:
            self._summing.cancel()
        elif self._running.is_on:
            self._running.cancel("stopped")
        else:
            raise CommandRefused("No turn is running.")

    def _set_model(self, model: str) -> None:
        available = [info.id for info in self.services.models()]
        if model != OFFLINE and model not in available:
            raise CommandRefused(unknown_model_text(model, available))
        self._emit(ModelChanged(model=model))

    def compact(self, wish: str = "") -> None:
        """Begin to sum up the conversation; what comes of it stands in the log. Raises `CommandRefused`."""
        if self.is_running:
            raise CommandRefused(SUMS_UP if self._summing.is_on else TURN_RUNS)
        compaction.check_worth(context.kept(self.log.events))
        self._summing.begin(self._turn().sum_up(redact(wish, self.services.secrets())))
        self.services.notify("tasks", self.id)

    async def _rewind(self, command: TaskRewind) -> None:
        """Go back to before a message, files included where asked; a rewind to the last rewind undoes that one."""
        if self.is_running:
            raise CommandRefused("A turn is running; stop it before you go back.")
        undoes = command.seq == self._undoable()
        turns = {e.seq for e in context.kept(self.log.events) if isinstance(e, TurnStarted)}
        if not undoes and command.seq not in turns:
            raise CommandRefused(
                "There is no message of this conversation at that place; reload and choose again."
            )
        checkpoints = self.services.checkpoints if command.files else None
        self._is_starting = True
        try:
            await self._commands.end_since(command.seq, self.log.events)
            done = (
                await checkpoints.restore(self.log.events, command.seq)
                if checkpoints
                else Restored()
            )
            self._emit(
                Rewound(to=command.seq, restored=done.restored, kept=done.kept, undone=undoes)
            )
            if done.checkpoint is not None:
                self._emit(done.checkpoint)
        finally:
            self._is_starting = False
        self.services.notify("tasks", self.id)

    def _undoable(self) -> int | None:
        """The last rewind, as long as nothing was said since."""
        last = next(
            (e for e in reversed(self.log.events) if isinstance(e, Rewound | TurnStarted)), None
        )
        return last.seq if isinstance(last, Rewound) else None

    def _check_kernel(self, by: str, verb: str) -> None:
        if by != "browser" and by != self.origin:
            raise CommandRefused(
                f"A notebook's kernel may {verb} only the tasks that it started; use the Kimi sidebar."
            )

    def _turn(self) -> Turn:
        return Turn(
            task=self.id,
            events=self.log.events,
            state=self.state,
            emit=self._emit,
            gate=self._gate,
            ask=lambda event: self._asks.open(event, is_editable=False),
            services=self.services,
            is_stopped=lambda: self._running.is_cancelled,
            join_queued=self._join_queued,
        )

    def _disarm_bypass(self) -> None:
        """Bypass holds until the server restarts, unless the settings make it the default."""
        mode = self.services.settings().mode
        if mode != "bypass":
            self._emit(ModeChanged(mode=mode))
            text = (
                "Bypass permissions ended with the restart; the mode of the settings counts again."
            )
            self._emit(Notice(level="info", text=text))

    def _emit(self, event: Event) -> Event:
        stamped = self.log.emit(stated(event, self.services.secrets()))
        if isinstance(event, AskOpened | AskClosed):
            self.services.notify("asks", self.id)
        return stamped
