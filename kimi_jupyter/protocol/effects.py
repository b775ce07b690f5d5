"""What a tool call would do, declared before it is done."""

from __future__ import annotations

from typing import Literal

from kimi_jupyter.protocol.base import Data

EffectKind = Literal["read", "write", "command", "note", "stop", "question"]
"""`note` touches nothing outside the task and never asks; `stop` ends what the agent itself started; `question` only asks."""


class FileDiff(Data):
    """What a write does to one file."""

    path: str
    """Relative to the workspace, with `/`."""
    is_new: bool
    """The file does not exist yet."""
    added: int
    """Lines added."""
    removed: int
    """Lines removed."""
    unified: str
    """Unified diff with three lines of context, cut after 2,000 lines."""
    is_cut: bool = False
    """The unified diff was cut."""
    before: str | None = None
    """The present text, `None` where it is longer than 200,000 characters."""
    after: str | None = None
    """The proposed text, `None` where it is longer than 200,000 characters."""
    before_hash: str = ""
    """SHA-256 of the present bytes in hex; empty for a new file."""
    after_hash: str = ""
    """SHA-256 of the bytes that will be written, in hex."""
    hunks: tuple[Hunk, ...] = ()
    """The changes in the order of the unified diff; an answer names them by their place, from 0."""


class Hunk(Data):
    """One change of a diff; the user may approve it without the others."""

    line: int
    """The line of the present text where it begins, from 1."""
    added: int
    """Lines added."""
    removed: int
    """Lines removed."""


class Question(Data):
    """What the agent wants to know from the user."""

    text: str
    """The question."""
    options: tuple[str, ...] = ()
    """Answers to choose from; a free text is always possible."""


class CommandLine(Data):
    """What a shell command would run."""

    command: str
    """The text for the shell, exactly."""
    cwd: str
    """Where it runs, relative to the workspace; `.` for the workspace itself."""
    timeout_seconds: int
    """After this it is ended with all that it started; in the background it has no time limit."""
    background: bool = False
    """It goes on in the background, until it ends or is stopped."""


class Effect(Data):
    """What a tool call would do, declared before it is done; the card shows this and nothing else."""

    kind: EffectKind
    """Which rule of the policy applies."""
    title: str
    """The card's headline, such as `Write file src/utils.ts (+5 −2)`."""
    paths: tuple[str, ...] = ()
    """Workspace-relative paths that it touches."""
    diff: FileDiff | None = None
    """For a write."""
    command: CommandLine | None = None
    """For a shell command."""
    question: Question | None = None
    """For a question, of the model or of the agent itself (a limit is reached, it goes round in circles)."""
    protected: str | None = None
    """Why it asks in every mode, where it touches a protected name."""
    digest: str = ""
    """SHA-256 over all that will be done, or what the agent's own question is about; an approval holds for this digest only."""
