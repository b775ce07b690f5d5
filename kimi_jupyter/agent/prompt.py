"""The system prompt, rendered once per task, and the note that goes with each message."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from string import Template

from kimi_jupyter.agent.services import Environment
from kimi_jupyter.agent.slash import MODE_NAMES
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.events import TurnEnd
from kimi_jupyter.protocol.settings import Settings

_FOLDER = Path(__file__).parent / "prompts"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029`]")
_HOSTS = {"server": "a Jupyter server", "kernel": "a notebook's kernel"}


def system_prompt(environment: Environment, settings: Settings, *, folder: str = ".") -> str:
    """The whole system prompt: role, environment, tools, safety, modes, style, instructions."""
    where = Template(_text("environment")).substitute(
        workspace=_quoted(environment.workspace_name),
        folder="the workspace itself" if folder == "." else _quoted(folder),
        system=environment.system,
        shell=environment.shell,
        python=f" Python: {environment.python}." if environment.python else "",
        host=_HOSTS[environment.host],
    )
    parts = [_text("role"), where, *map(_text, ("tools", "safety", "modes", "style"))]
    if settings.instructions_enabled:
        parts.append(
            f"# Instructions\n\n{settings.instructions_text.strip() or bundled_instructions()}"
        )
    return "\n\n".join(parts)


def bundled_instructions() -> str:
    """The text of `kimi.instructions.text` where the user has none of their own."""
    return _text("instructions")


def turn_note(
    *,
    today: date,
    mode: Mode,
    notebook: str | None,
    before: Mode | None,
    ended: TurnEnd | None,
    news: str = "",
) -> str:
    """What the model is told with a message: date, mode, open notebook, and how the last turn ended where that matters.

    `before` is the mode of the message before, `None` for the first; `news` is of background commands.
    """
    lines = [
        "Not typed by the user.",
        f"Date: {today.isoformat()}.",
        f"Approval mode: {MODE_NAMES[mode]}.",
    ]
    if notebook:
        lines.append(f"Open notebook: {_quoted(notebook)}.")
    if ended == "stopped":
        lines.append(
            "The turn before was stopped by the user; do not take it up again unless asked."
        )
    if ended == "interrupted":
        lines.append(
            "The turn before was cut off by a restart; check what was done before you go on."
        )
    if news:
        lines.append(news)
    if mode == "plan":
        lines.append(_text("plan"))
    elif before == "plan":
        lines.append("Plan mode is off again: you have all tools and may make the changes.")
    return "\n".join(lines)


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


def _quoted(name: str) -> str:
    """A name from the file system, which can't break out of its quotes or its line."""
    return f"`{_UNSAFE.sub('�', name)[:200]}`"
