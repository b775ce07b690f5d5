"""Reads the arguments of a tool call; what can't be used is answered in words that the model can act on."""

from __future__ import annotations

import json
from typing import cast

from pydantic import ValidationError

from kimi_jupyter.agent.services import AnyTool
from kimi_jupyter.agent.tool import Params
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.messages import ToolCall

_MOST_PROBLEMS = 8


def parse_arguments(call: ToolCall) -> dict[str, object]:
    """The arguments as an object; raises `KimiError` for anything else."""
    try:
        value: object = json.loads(call.arguments or "{}", parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise KimiError(
            f"The arguments of {call.name!r} are not valid JSON ({_one_line(error)}); the call was not executed. "
            "Issue it again with one complete JSON object."
        ) from error
    if not isinstance(value, dict):
        raise KimiError(
            f"The arguments of {call.name!r} must be one JSON object, not {type(value).__name__}; "
            "the call was not executed. Issue it again."
        )
    return cast("dict[str, object]", value)


def validated(tool: AnyTool, arguments: dict[str, object]) -> Params:
    """The tool's parameters; raises `KimiError` that names each field that does not fit."""
    try:
        return tool.params.model_validate(arguments)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        more = len(problems) - _MOST_PROBLEMS
        if more > 0:
            problems[_MOST_PROBLEMS:] = [f"and {more} more"]
        raise KimiError(
            f"The arguments do not fit {tool.name!r}; the call was not executed. "
            f"Correct them and issue it again: {'; '.join(problems)}."
        ) from error


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")


def _one_line(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeEncodeError):
        return "half a surrogate pair in a text"
    return " ".join(str(error).split())
