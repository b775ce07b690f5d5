"""Every error that the product raises by itself, in one tree; foreign errors are mapped where they enter.

KimiError
├── ModelError          the model's API refused, failed or fell silent
├── PathRefused         a path that no tool may touch
├── FileChanged         a file is no longer the one that was shown
├── FileUnreadable      a file that is no text we can edit without harm
├── CommandRefused      a command of a client that can't be taken now
├── TaskNotFound        no task has this id
├── TaskBusy            another process holds the task
├── HistoryError        a task's log can't be read or written
├── KeyStoreError       the credential store did not keep or give the key
└── SettingsError       a setting has a value that can't be used
"""

from __future__ import annotations

from typing import ClassVar, Literal

ModelFault = Literal[
    "no_key",
    "bad_key",
    "forbidden",
    "unknown_model",
    "bad_request",
    "too_long",
    "content_filter",
    "rate_limit",
    "daily_limit",
    "overloaded",
    "quota",
    "server",
    "unreachable",
    "stalled",
    "broken_stream",
]


class KimiError(Exception):
    """An error for people: its text says what happened and what to do."""

    code: ClassVar[str] = "error"
    """What the REST answer names it."""
    status: ClassVar[int] = 400
    """The HTTP status of the REST answer."""


class ModelError(KimiError):
    """The model's API refused, failed or fell silent.

    `retry` tells whether the same request may be sent again; `retry_after` is the least wait in seconds that the API named.
    """

    code = "model_error"
    status = 502

    def __init__(
        self, message: str, *, fault: ModelFault, retry: bool = False, retry_after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.retry = retry
        self.retry_after = retry_after


class PathRefused(KimiError):
    """A path that no tool may touch; the text never tells whether anything exists there."""

    code = "path_refused"
    status = 403


class FileChanged(KimiError):
    """The bytes on disk are no longer those that were shown to the user or read by the model."""

    code = "file_changed"
    status = 409


class FileUnreadable(KimiError):
    """A file that can't be read as text without harm: binary, too large, an encoding that does not fit."""

    code = "file_unreadable"


class CommandRefused(KimiError):
    """A command of a client that can't be taken now; the sender is told why, nothing changes."""

    code = "refused"
    status = 409


class TaskNotFound(KimiError):
    """No task has this id."""

    code = "task_not_found"
    status = 404


class TaskBusy(KimiError):
    """Another process holds the task's log."""

    code = "task_busy"
    status = 409


class HistoryError(KimiError):
    """A task's log can't be read or written; what is on disk stays as it is."""

    code = "history"
    status = 507


class KeyStoreError(KimiError):
    """The credential store did not keep, give or remove the key."""

    code = "key_store"
    status = 500


class SettingsError(KimiError):
    """A setting has a value that can't be used."""

    code = "bad_setting"
