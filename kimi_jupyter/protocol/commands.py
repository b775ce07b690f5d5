"""What a client may ask of a task; a command changes nothing by itself, the event that follows does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from kimi_jupyter.protocol.base import Data, Mode

Decision = Literal["approve", "approve_task", "approve_remember", "reject"]


class AttachmentRequest(Data):
    """A file that the next message takes along."""

    path: str
    """Relative to the workspace, with `/`."""
    content: str | None = None
    """Base64 bytes of a file that comes from the user's own computer; `None` for a workspace file, which is read fresh."""


class TurnStart(Data):
    """Send a message; while a turn runs it is queued and enters at the next safe point."""

    type: Literal["turn.start"] = "turn.start"
    text: str
    """What the user typed."""
    attachments: tuple[AttachmentRequest, ...] = ()
    """Files to inline once."""
    notebook: str | None = None
    """The notebook that the user is in, relative to the workspace."""
    client: str | None = None
    """Id of the sending client; asks that make a browser act are addressed to it."""


class TurnUnqueue(Data):
    """Take back a message that is still queued."""

    type: Literal["turn.unqueue"] = "turn.unqueue"
    seq: int
    """The `turn.queued` event."""


class TurnStop(Data):
    """Stop the running turn at once, with every process that it started."""

    type: Literal["turn.stop"] = "turn.stop"


class AskAnswer(Data):
    """Answer an open ask; the first answer wins."""

    type: Literal["ask.answer"] = "ask.answer"
    ask: str
    """The ask's id."""
    decision: Decision
    """Must be one of the ask's options."""
    comment: str | None = None
    """With a reject: what to do instead; the turn then goes on. To a question: the answer, with `approve`."""
    edited: str | None = None
    """The proposal as the user changed it: a file's whole text, or a command."""
    hunks: tuple[int, ...] | None = None
    """Places of the hunks that are approved, from 0; `None` for all."""


class ModeSet(Data):
    """Change the approval mode of this task."""

    type: Literal["mode.set"] = "mode.set"
    mode: Mode
    """The mode to use from the next tool call on."""


class ModelSet(Data):
    """Change the model of this task."""

    type: Literal["model.set"] = "model.set"
    model: str
    """An id from the list of models."""


class TaskRewind(Data):
    """Go back to before an event; what came after it is no longer part of the conversation."""

    type: Literal["task.rewind"] = "task.rewind"
    seq: int
    """The first event to leave out: a `turn.started`; or a `rewound`, to undo that."""
    files: bool = True
    """Also put back the files that the agent changed since then."""


class CommandBackground(Data):
    """Let a running command go on in the background; its call is answered at once."""

    type: Literal["command.background"] = "command.background"
    call: str
    """The running call."""


class CommandStop(Data):
    """End a command that runs in the background, with every process that it started."""

    type: Literal["command.stop"] = "command.stop"
    call: str
    """The call that started it."""


class NotebookResult(Data):
    """A browser reports what a notebook operation did."""

    type: Literal["notebook.result"] = "notebook.result"
    ask: str
    """The ask's id."""
    ok: bool = True
    """Whether the operation was done."""
    result: dict[str, JsonValue] = Field(default_factory=dict)
    """What the operation gives back, or the reason of its failure."""


Command = Annotated[
    TurnStart
    | TurnUnqueue
    | TurnStop
    | AskAnswer
    | ModeSet
    | ModelSet
    | TaskRewind
    | CommandBackground
    | CommandStop
    | NotebookResult,
    Field(discriminator="type"),
]
command_adapter: TypeAdapter[Command] = TypeAdapter(Command)


class Refusal(Data):
    """The answer to a command that can't be taken; it goes to its sender only and is not part of the log."""

    type: Literal["command.refused"] = "command.refused"
    why: str
    """What happened and what to do."""
    command: str = ""
    """Type of the refused command."""
