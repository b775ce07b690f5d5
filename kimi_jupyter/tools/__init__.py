"""What the model can call; one file per tool, and the list of them in the order in which it is told."""

from __future__ import annotations

from typing import Any

from kimi_jupyter.agent.tool import Tool
from kimi_jupyter.tools.apply_diff import ApplyDiff
from kimi_jupyter.tools.ask_user import AskUser
from kimi_jupyter.tools.execute_command import ExecuteCommand
from kimi_jupyter.tools.list_files import ListFiles
from kimi_jupyter.tools.read_file import ReadFile
from kimi_jupyter.tools.read_output import ReadOutput
from kimi_jupyter.tools.search_files import SearchFiles
from kimi_jupyter.tools.stop_command import StopCommand
from kimi_jupyter.tools.todo import Todo
from kimi_jupyter.tools.write_file import WriteFile

ALL: tuple[Tool[Any], ...] = (
    ReadFile(),
    ListFiles(),
    SearchFiles(),
    WriteFile(),
    ApplyDiff(),
    ExecuteCommand(),
    ReadOutput(),
    StopCommand(),
    Todo(),
    AskUser(),
)

__all__ = ["ALL"]
