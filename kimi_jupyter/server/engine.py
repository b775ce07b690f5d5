"""The heavy half of the host: the runtime and the wire types, imported in a worker thread at first use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from kimi_jupyter.protocol.commands import Command, Refusal, command_adapter
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.runtime import Runtime


class Engine:
    """One runtime for the life of the server."""

    def __init__(self, workspace: Path, on_change: Callable[[str, str | None], None]) -> None:
        self.runtime = Runtime(workspace=workspace, host="server")
        self.runtime.on_change.append(on_change)

    @property
    def open_asks(self) -> int:
        """How many asks wait for an answer, in all tasks."""
        return self.runtime.open_asks

    @property
    def busy_tasks(self) -> int:
        """In how many tasks a turn or a background command runs now."""
        return self.runtime.busy_tasks

    @staticmethod
    def read_command(frame: str | bytes) -> Command:
        """The command in a frame; raises `CommandRefused` in words."""
        try:
            return command_adapter.validate_json(frame)
        except ValidationError as error:
            raise CommandRefused(f"This is not a command that I know: {_said(error)}") from error

    @staticmethod
    def refusal(why: str, command: str = "") -> str:
        """The frame that tells a sender that its command was not taken."""
        return Refusal(why=why, command=command).model_dump_json()


def _said(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    told = (": ".join([*filter(None, [_place(one["loc"])]), one["msg"]]) for one in found)
    return "; ".join(told)[:500]


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc)
