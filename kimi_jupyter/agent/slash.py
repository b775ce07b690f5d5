"""Slash commands: handled here, without a request to the model; one function each, its docstring is the help."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from kimi_jupyter.agent.budget import counted_tokens
from kimi_jupyter.agent.services import Services
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.protocol.base import Data, Mode
from kimi_jupyter.protocol.commands import Command, ModelSet, ModeSet
from kimi_jupyter.protocol.errors import CommandRefused

MODE_NAMES: dict[Mode, str] = {
    "ask": "Ask permission",
    "accept_edits": "Accept edits",
    "plan": "Plan mode",
    "bypass": "Bypass permissions",
}


class SlashCommand(Data):
    """A slash command as menus and `/help` show it."""

    name: str
    """Without the slash."""
    help: str
    """One sentence of markdown."""
    where: Literal["client", "task"]
    """Who does it: the client (it shows other things), or the task."""


class Desk(Protocol):
    """What a slash command may use."""

    @property
    def state(self) -> Fold: ...
    @property
    def services(self) -> Services: ...

    async def submit(self, command: Command, *, by: str = "browser") -> None:
        """Take a command, as `Task.submit`."""
        ...


@dataclass(frozen=True, slots=True)
class _Call:
    desk: Desk
    argument: str
    by: str


Run = Callable[[_Call], Awaitable[str]]
_registry: dict[str, tuple[SlashCommand, Run]] = {}


def _slash(where: Literal["client", "task"]) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        name = run.__name__
        entry = SlashCommand(name=name, help=(run.__doc__ or "").strip(), where=where)
        _registry[name] = (entry, run)
        return run

    return register


def commands() -> tuple[SlashCommand, ...]:
    """All slash commands, in the order of the menu."""
    return tuple(entry for entry, _ in _registry.values())


def is_slash(text: str) -> bool:
    """Whether a message is a slash command; a path such as `/srv/data` is none."""
    return _split(text) is not None


async def run(text: str, desk: Desk, *, by: str) -> str:
    """Do a slash command and give back what to tell the user; raises `CommandRefused` for one that can't be done."""
    name, argument = _split(text) or ("", "")
    if name not in _registry:
        raise CommandRefused(
            f"There is no command `/{name}`; `/help` lists them. To send it as a message, put a space before it."
        )
    _, command = _registry[name]
    return await command(_Call(desk, argument, by))


def _split(text: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"/([A-Za-z][A-Za-z-]*)(?:\s+(.*?))?\s*", text, re.DOTALL)
    return (match[1].lower(), match[2] or "") if match else None


@_slash("task")
async def help(call: _Call) -> str:
    """Shows all commands."""
    rows = "\n".join(f"| `/{entry.name}` | {entry.help} |" for entry in commands())
    return f"| Command | What it does |\n|---|---|\n{rows}"


@_slash("client")
async def new(call: _Call) -> str:
    """Starts a fresh task; this one stays in the history."""
    return 'This task is saved. Start a fresh one with "Kimi: New Task".'


@_slash("client")
async def clear(call: _Call) -> str:
    """Same as `/new`."""
    return await new(call)


@_slash("task")
async def model(call: _Call) -> str:
    """Switches the model: `/model kimi-k2.6`; without an id it lists the models."""
    if call.argument:
        await call.desk.submit(ModelSet(model=call.argument), by=call.by)
        return f"The model is now `{call.argument}`."
    names = "\n".join(f"- `{info.id}` {info.name}" for info in call.desk.services.models())
    return f"This task uses `{call.desk.state.model}`. Switch with `/model <id>`:\n\n{names}"


@_slash("task")
async def mode(call: _Call) -> str:
    """Switches the approval mode: `/mode ask`, `accept_edits`, `plan` or `bypass`."""
    for mode in get_args(Mode):
        if mode == call.argument.lower().replace(" ", "_").replace("-", "_"):
            await call.desk.submit(ModeSet(mode=mode), by=call.by)
            return f"The approval mode is now **{MODE_NAMES[mode]}**."
    modes = "\n".join(f"- `/mode {mode}` {name}" for mode, name in MODE_NAMES.items())
    now = f"This task is in the mode **{MODE_NAMES[call.desk.state.mode]}**. The modes are:\n\n{modes}"
    if call.argument:
        raise CommandRefused(f"There is no mode {call.argument!r}. {now}")
    return now


@_slash("task")
async def plan(call: _Call) -> str:
    """Switches to plan mode: the agent reads and proposes, and changes nothing."""
    await call.desk.submit(ModeSet(mode="plan"), by=call.by)
    return f"The approval mode is now **{MODE_NAMES['plan']}**."


@_slash("task")
async def cost(call: _Call) -> str:
    """Shows what this task has used: requests, tokens and the estimated cost."""
    usage = call.desk.state.usage
    if not usage.requests:
        return "This task has made no request yet."
    limit = call.desk.services.settings().max_task_tokens
    money = "" if usage.cost is None else f", about ${usage.cost:.4f}"
    return (
        f"{usage.requests} requests, {usage.prompt_tokens:,} tokens in ({usage.cached_tokens:,} of them cached), "
        f"{usage.completion_tokens:,} out{money}. Towards the task limit count {counted_tokens(usage):,} of {limit:,} "
        "(uncached input plus output)."
    )


@_slash("client")
async def history(call: _Call) -> str:
    """Shows the list of tasks."""
    return "Open the list of tasks with the History button."
