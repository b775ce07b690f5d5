"""What a call touches, as its tool and its arguments declare it before it is taken up."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from kimi_jupyter.agent.arguments import parse_arguments, validated
from kimi_jupyter.agent.services import AnyTool
from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.messages import ToolCall

_ROOT = "."
_NOTES = "\0notes"
"""Stands for what the task itself keeps, such as the plan; no file has this name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call touches."""

    paths: tuple[str, ...] = (_ROOT,)
    """Relative to the workspace, a folder with all that it holds; `.` for anything."""
    writes: bool = True
    is_alone: bool = False
    """Nothing may run beside it: nobody knows what it touches, or it needs the user."""


ALONE = Claim(is_alone=True)


def claim(tool: AnyTool | None, call: ToolCall, work: Work) -> Claim:
    """Reads and writes of files claim their path; commands, questions and what can't be understood run alone."""
    if tool is None or tool.kind not in ("read", "write", "note"):
        return ALONE
    if tool.kind == "note":
        return Claim((_NOTES,))
    try:
        given = getattr(validated(tool, parse_arguments(call)), "path", None)
        if not isinstance(given, str):
            return Claim(writes=False) if tool.kind == "read" else ALONE
        path = work.workspace.resolve(given, folder=work.folder)
        return Claim((path, work.workspace.real(path)), writes=tool.kind == "write")
    except KimiError:
        return ALONE


def conflict(one: Claim, other: Claim) -> bool:
    """Whether the later of two calls must wait for the earlier."""
    if one.is_alone or other.is_alone:
        return True
    if not (one.writes or other.writes):
        return False
    return any(_meet(a, b) for a in one.paths for b in other.paths)


def _meet(one: str, other: str) -> bool:
    """Whether two paths are the same or one holds the other; spellings that some disks take for one count as one."""
    a, b = sorted((_parts(one), _parts(other)), key=len)
    return b[: len(a)] == a


def _parts(path: str) -> list[str]:
    return [] if path == _ROOT else unicodedata.normalize("NFC", path).casefold().split("/")
