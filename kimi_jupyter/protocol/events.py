"""The facts that an agent states, as they are stored and as every client receives them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.commands import Decision
from kimi_jupyter.protocol.effects import Effect, EffectKind, FileDiff
from kimi_jupyter.protocol.messages import AssistantMessage
from kimi_jupyter.protocol.parts import Attachment, FileImage, Stamped, TodoItem

SCHEMA = 1
"""Version of the log format, in every `task.created`."""

AskKind = EffectKind
TurnEnd = Literal["done", "stopped", "turn_limit", "token_limit", "budget", "error", "interrupted"]


class TaskCreated(Stamped):
    """First event of every log."""

    type: Literal["task.created"] = "task.created"
    schema_version: int = SCHEMA
    """Version of the log format."""
    title: str = ""
    """Empty until the first message or a rename names it."""
    notebook: str | None = None
    """The notebook that it belongs to, relative to the workspace."""
    folder: str = "."
    """The working folder, relative to the workspace."""
    model: str = ""
    """Model id at the start."""
    mode: Mode = "ask"
    """Approval mode at the start."""
    system: str = ""
    """The system prompt, rendered once so that the prompt's prefix stays the same."""
    origin: str = "browser"
    """Who started it: `browser`, or `kernel:<id>`; a kernel may answer asks of its own tasks only."""


class TurnStarted(Stamped):
    """The user sent a message."""

    type: Literal["turn.started"] = "turn.started"
    text: str
    """What the user typed."""
    attachments: tuple[Attachment, ...] = ()
    """Files as they were read at that moment."""
    notebook: str | None = None
    """The notebook that the user was in."""
    client: str | None = None
    """The client that drives the turn."""
    note: str = ""
    """What the model is told besides: date, mode, open notebook; not typed by the user."""
    instructions: tuple[Attachment, ...] = ()
    """The workspace's own instruction files (`AGENTS.md`, `KIMI.md`) as they were at that moment; data, never rules."""


class TurnQueued(Stamped):
    """The user sent a message while a turn runs; it waits for the next safe point."""

    type: Literal["turn.queued"] = "turn.queued"
    text: str
    """What the user typed."""
    attachments: tuple[Attachment, ...] = ()
    """Files as they were read at that moment."""


class TurnUnqueued(Stamped):
    """A queued message no longer waits: it joined the turn, was taken back, or the turn was stopped first."""

    type: Literal["turn.unqueued"] = "turn.unqueued"
    queued: int
    """Its `turn.queued` event."""
    joined: bool
    """Whether the model is told of it from here on; if not, it is the user's draft again."""


class ThinkDelta(Stamped):
    """More reasoning of the open reply."""

    transient = True
    type: Literal["think.delta"] = "think.delta"
    reply: str
    """Id of the reply; a delta of another reply than the open one replaces that one."""
    text: str
    """The new part."""


class TextDelta(Stamped):
    """More text of the open reply."""

    transient = True
    type: Literal["text.delta"] = "text.delta"
    reply: str
    """Id of the reply."""
    text: str
    """The new part."""


class CallDelta(Stamped):
    """The model is writing the arguments of a tool call."""

    transient = True
    type: Literal["call.delta"] = "call.delta"
    reply: str
    """Id of the reply."""
    name: str
    """Name of the tool."""
    size: int
    """Characters of arguments so far."""


class ReplyPartial(Stamped):
    """What has come since the last `reply.partial` of the same reply; stored about once a second."""

    type: Literal["reply.partial"] = "reply.partial"
    reply: str
    """Id of the reply."""
    think: str = ""
    """Reasoning since the last one."""
    text: str = ""
    """Text since the last one."""


class ReplyDone(Stamped):
    """The model's whole message; replaces all parts of the same reply."""

    type: Literal["reply.done"] = "reply.done"
    reply: str
    """Id of the reply."""
    message: AssistantMessage
    """The message as it will be replayed to the model."""
    finish: str
    """`stop`, `length`, `tool_calls`, `content_filter`; `stopped` where the user stopped it, `error` where the last try failed."""
    model: str = ""
    """The model that wrote it."""
    think_ms: int = 0
    """How long it reasoned before the first text, in milliseconds."""


class ToolStarted(Stamped):
    """A tool call is taken up; nothing has been done yet."""

    type: Literal["tool.started"] = "tool.started"
    call: str
    """Id of the call."""
    name: str
    """Name of the tool."""
    title: str
    """Its headline, such as `Read file src/utils.ts`."""
    arguments: str
    """The arguments as JSON text."""


class ToolRunning(Stamped):
    """The call was let through and its effect begins: without a `tool.done` the outcome is unknown."""

    type: Literal["tool.running"] = "tool.running"
    call: str
    """Id of the call."""


class ToolOutput(Stamped):
    """Live output of a running call."""

    transient = True
    type: Literal["tool.output"] = "tool.output"
    call: str
    """Id of the call."""
    text: str
    """The new part."""


class ToolDone(Stamped):
    """A tool call has its result."""

    type: Literal["tool.done"] = "tool.done"
    call: str
    """Id of the call."""
    ok: bool
    """Whether it did what was asked."""
    output: str
    """What the model is told."""
    summary: str = ""
    """One line for the card, such as `exit code 0` or `120 lines`."""
    ms: int = 0
    """How long it ran, in milliseconds."""
    diff: FileDiff | None = None
    """For a write: what is in the file now, compared with before."""
    images: tuple[str, ...] = ()
    """`data:` URLs of images that the model is shown besides the output."""


class AskOpened(Stamped):
    """The agent waits for the outside."""

    type: Literal["ask.opened"] = "ask.opened"
    ask: str
    """128 random bits in hex; single use."""
    kind: AskKind
    """Which card draws it."""
    call: str
    """The tool call that waits; empty where the agent itself asks (a limit is reached, it goes round in circles)."""
    effect: Effect
    """What is asked about."""
    options: tuple[Decision, ...]
    """The answers that count."""
    why: str = ""
    """Why it asks, where that is not plain: a protected name, a file changed since the last card."""


class AskClosed(Stamped):
    """An ask has its answer."""

    type: Literal["ask.closed"] = "ask.closed"
    ask: str
    """The ask's id."""
    decision: Decision | Literal["cancelled"]
    """`cancelled` where the turn ended first."""
    by: str
    """`browser`, `kernel`, or `agent` for a cancelled one."""
    comment: str | None = None
    """What the user said to it."""


class CommandBackgrounded(Stamped):
    """A command goes on in the background after its call was answered."""

    type: Literal["command.backgrounded"] = "command.backgrounded"
    call: str
    """The call that started it; `read_output` and `stop_command` name it so."""


class CommandEnded(Stamped):
    """A background command is over."""

    type: Literal["command.ended"] = "command.ended"
    call: str
    """The call that started it."""
    summary: str
    """Such as `exit code 0` or `stopped`."""
    output: str = ""
    """What it had printed, its head and tail where that is long; without secrets."""


class UsageReported(Stamped):
    """What one request used."""

    type: Literal["usage"] = "usage"
    prompt_tokens: int
    """All input, cached input included."""
    cached_tokens: int
    """Input served from the prefix cache."""
    completion_tokens: int
    """Output, reasoning included."""
    cost: float | None = None
    """Estimate in `currency`; `None` where no price is known."""
    currency: str = "USD"
    """Currency of the cost."""
    context_tokens: int = 0
    """Size of the model's context window; 0 where unknown."""


class TodoChanged(Stamped):
    """The agent's plan, whole."""

    type: Literal["todo.changed"] = "todo.changed"
    items: tuple[TodoItem, ...]
    """All lines in order."""


class ModeChanged(Stamped):
    """The approval mode of the task changed."""

    type: Literal["mode.changed"] = "mode.changed"
    mode: Mode
    """The mode from now on."""


class ModelChanged(Stamped):
    """The model of the task changed."""

    type: Literal["model.changed"] = "model.changed"
    model: str
    """The model from now on."""


class Compacted(Stamped):
    """Older conversation was replaced by a summary; the log keeps the originals."""

    type: Literal["compacted"] = "compacted"
    summary: str
    """What stands for the older part."""
    upto: int
    """The last event that the summary stands for."""


class Checkpoint(Stamped):
    """Files that a tool call changed, with images to go back to."""

    type: Literal["checkpoint"] = "checkpoint"
    call: str = ""
    """The tool call."""
    files: tuple[FileImage, ...] = ()
    """What can be put back."""
    uncovered: tuple[str, ...] = ()
    """Changed files of which no image was kept: too large, too many, or not readable."""


class Rewound(Stamped):
    """The conversation went back; events from `to` to here no longer count."""

    type: Literal["rewound"] = "rewound"
    to: int
    """The first event that is left out."""
    restored: tuple[str, ...] = ()
    """Files that were put back."""
    kept: tuple[str, ...] = ()
    """Files that were left alone, because they changed since the agent wrote them."""
    undone: bool = False
    """This undoes the `rewound` event at `to`: what that left out counts again."""


class Retrying(Stamped):
    """A request failed and will be sent again."""

    transient = True
    type: Literal["retrying"] = "retrying"
    why: str
    """What the API said."""
    attempt: int
    """The try that comes next, from 2."""
    attempts: int
    """How many tries there are at most."""
    wait_ms: int
    """How long until then."""


class Notice(Stamped):
    """Something that the user should know."""

    type: Literal["notice"] = "notice"
    level: Literal["info", "warning", "error"]
    """How it is drawn."""
    text: str
    """What happened and what to do."""


class TaskRenamed(Stamped):
    """The task has another title."""

    type: Literal["task.renamed"] = "task.renamed"
    title: str
    """The title from now on."""


class TurnEnded(Stamped):
    """The agent stopped; the next message starts another turn."""

    type: Literal["turn.ended"] = "turn.ended"
    reason: TurnEnd
    """Why it stopped."""
    message: str | None = None
    """What happened and what to do, where that is not plain."""
    fault: str | None = None
    """For `error`: the kind of fault, as `ModelError.fault` names it."""


Event = Annotated[
    TaskCreated
    | TurnStarted
    | TurnQueued
    | TurnUnqueued
    | ThinkDelta
    | TextDelta
    | CallDelta
    | ReplyPartial
    | ReplyDone
    | ToolStarted
    | ToolRunning
    | ToolOutput
    | ToolDone
    | AskOpened
    | AskClosed
    | CommandBackgrounded
    | CommandEnded
    | UsageReported
    | TodoChanged
    | ModeChanged
    | ModelChanged
    | Compacted
    | Checkpoint
    | Rewound
    | Retrying
    | Notice
    | TaskRenamed
    | TurnEnded,
    Field(discriminator="type"),
]
event_adapter: TypeAdapter[Event] = TypeAdapter(Event)
