"""Reads the first line of a `%%kimi` cell."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import get_args

from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.errors import KimiError

HELP = """\
`%%kimi` and a message below it asks Kimi; the cell runs until the answer is complete. Interrupt stops it.

| First line | What it does |
|---|---|
| `%%kimi` | goes on with this notebook's task |
| `%%kimi --new` | starts another task |
| `%%kimi --mode plan` | sets the approval mode: `ask`, `accept_edits`, `plan` or `bypass` |
| `%%kimi --model kimi-k2.6` | sets the model |

| Line | What it does |
|---|---|
| `%kimi new` | the next cell starts another task |
| `%kimi stop` | stops what runs in this notebook's task |
| `%kimi mode [MODE]` | shows or sets the approval mode |
| `%kimi model [ID]` | shows or sets the model |
| `%kimi undo`, `%kimi rewind` | takes back the last message of this notebook's task, with the files that it changed; `%kimi rewind 3` the last three |
| `%kimi compact` | sums up the older part of the task (one request to the model) |
| `%kimi export [FORMAT]` | says how the task is saved as `md`, `json` or `ipynb` |
| `%kimi cost` | shows what the task has used |
| `%kimi history` | lists the newest tasks |
| `%kimi setup`, `%kimi key set` | asks for the API key in a password field |
| `%kimi help` | shows this |
"""

MODES: tuple[Mode, ...] = get_args(Mode)
_OPTIONS = ("--new", "--mode", "--model")


@dataclass(frozen=True, slots=True)
class Options:
    """What a cell asks for beside its message."""

    text: str
    is_new: bool = False
    mode: Mode | None = None
    model: str | None = None


def read_cell(line: str, cell: str) -> Options:
    """The options and the message; what stands behind the options on the first line belongs to the message.

    Raises `KimiError` with a sentence for an option that is not known or lacks its value.
    """
    words = line.split()
    is_new, mode, model = False, None, None
    while words and words[0].startswith("-"):
        name, _, value = words.pop(0).partition("=")
        if name == "--new":
            is_new = True
            continue
        if name not in _OPTIONS:
            raise KimiError(_unknown(name))
        value = value or (words.pop(0) if words else "")
        if not value or value.startswith("-"):
            raise KimiError(
                f"The option `{name}` needs a value, such as `{name} {_example(name)}`."
            )
        if name == "--mode":
            mode = read_mode(value)
        else:
            model = value
    first = " ".join(words)
    text = f"{first}\n{cell}".strip()
    if not text:
        raise KimiError("There is no message: write it below `%%kimi` and run the cell again.")
    return Options(text=text, is_new=is_new, mode=mode, model=model)


def read_mode(given: str) -> Mode:
    """The approval mode of this name; raises `KimiError` naming the modes."""
    name = given.lower().replace("-", "_")
    for mode in MODES:
        if mode == name:
            return mode
    raise KimiError(f"There is no mode {given!r}; the modes are {', '.join(MODES)}.")


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, _OPTIONS, 1)
    hint = f"did you mean `{close[0]}`?" if close else f"the options are {', '.join(_OPTIONS)}."
    return f"`%%kimi` has no option `{name}`; {hint} `%kimi help` explains them."


def _example(name: str) -> str:
    return "plan" if name == "--mode" else "kimi-k2.6"
