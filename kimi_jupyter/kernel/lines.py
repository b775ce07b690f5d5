"""The `%kimi` line magics: each word is one function, and what it returns is shown as Markdown."""

from __future__ import annotations

import difflib
import getpass
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kimi_jupyter.kernel.options import HELP, read_mode
from kimi_jupyter.kernel.visible import as_text
from kimi_jupyter.protocol.errors import KimiError

if TYPE_CHECKING:
    from kimi_jupyter.kernel.agent_thread import AgentThread

_KEY_IN_SOURCE = (
    "A key in a cell would be saved with the notebook, so it was not taken. Delete it from the cell, "
    "and run `%kimi key set` with nothing behind it: that asks in a password field."
)
_NO_FIELD = (
    "Nobody can type here. Set `MOONSHOT_API_KEY` in the environment in which the kernel starts, "
    "or run `%kimi key set` where you can type."
)
_HISTORY = 20


def run_line(line: str, agent: AgentThread) -> str:
    """Do what a line asks for; raises `KimiError` in words."""
    word, _, rest = line.strip().partition(" ")
    command = _COMMANDS.get(word or "help")
    if command is None:
        close = difflib.get_close_matches(word, _COMMANDS, 1)
        hint = f"Did you mean `%kimi {close[0]}`? " if close else ""
        raise KimiError(f"There is no `%kimi {word[:40]}`. {hint}`%kimi help` lists what there is.")
    return command(rest.strip(), agent)


def _help(rest: str, agent: AgentThread) -> str:
    return HELP


def _new(rest: str, agent: AgentThread) -> str:
    agent.forget()
    return "The next `%%kimi` cell starts another task."


def _stop(rest: str, agent: AgentThread) -> str:
    return "Stopped." if agent.stop_task() else "This notebook has no task yet."


def _mode(rest: str, agent: AgentThread) -> str:
    if not rest:
        return (
            f"New tasks start in the mode `{agent.status().mode}`. `%kimi mode plan` sets another."
        )
    mode = read_mode(rest)
    agent.set_mode(mode)
    return f"The approval mode is now `{mode}`."


def _model(rest: str, agent: AgentThread) -> str:
    if not rest:
        status = agent.status()
        models = "\n".join(f"- `{model}`" for model in status.models)
        return f"New tasks start with `{status.model}`. The models are:\n\n{models}"
    agent.set_model(rest)
    return f"The model is now `{as_text(rest)}`."


def _history(rest: str, agent: AgentThread) -> str:
    tasks = agent.tasks(_HISTORY)
    if not tasks:
        return "There is no task yet."
    rows = (
        f"| {time.strftime('%Y-%m-%d %H:%M', time.localtime(task.updated_at / 1000))} "
        f"| {as_text(task.title, markdown=True) or '(no title)'} | {task.status} |"
        for task in tasks
    )
    return "\n".join(["| Last change | Task | State |", "|---|---|---|", *rows])


def _rewind(rest: str, agent: AgentThread) -> str:
    return agent.slash(f"/rewind {rest}") if rest else agent.rewind()


def _compact(rest: str, agent: AgentThread) -> str:
    return agent.slash(f"/compact {rest}".strip())


def _export(rest: str, agent: AgentThread) -> str:
    return agent.slash(f"/export {rest}".strip())


def _mcp(rest: str, agent: AgentThread) -> str:
    return agent.slash("/mcp")


def _cost(rest: str, agent: AgentThread) -> str:
    return agent.slash("/cost")


def _setup(rest: str, agent: AgentThread) -> str:
    return _key("set", agent)


def _key(rest: str, agent: AgentThread) -> str:
    word, _, behind = rest.partition(" ")
    if behind or word.startswith("sk-"):
        raise KimiError(_KEY_IN_SOURCE)
    if word != "set":
        return (
            "`%kimi key set` asks for the key of your Moonshot account in a password field and keeps it in the "
            "credential store. `MOONSHOT_API_KEY` in the environment wins over it."
        )
    if agent.where() == "server":
        return "The key is kept by the Jupyter server: open the Kimi sidebar and paste it there."
    try:
        key = getpass.getpass("Moonshot API key: ")
    except (EOFError, NotImplementedError, RuntimeError) as error:
        raise KimiError(_NO_FIELD) from error
    return f"The key is set. {agent.set_key(key.strip())}"


_COMMANDS: dict[str, Callable[[str, AgentThread], str]] = {
    "help": _help,
    "new": _new,
    "clear": _new,
    "stop": _stop,
    "mode": _mode,
    "model": _model,
    "history": _history,
    "rewind": _rewind,
    "undo": _rewind,
    "compact": _compact,
    "export": _export,
    "mcp": _mcp,
    "cost": _cost,
    "setup": _setup,
    "key": _key,
}
