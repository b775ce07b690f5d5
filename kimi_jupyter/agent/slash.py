"""Slash commands: handled here, without a message to the model; one function each, its docstring is the help."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from kimi_jupyter.agent.budget import counted_tokens
from kimi_jupyter.agent.services import Services
from kimi_jupyter.history.fold import Fold, Turn
from kimi_jupyter.protocol.base import Data, Mode
from kimi_jupyter.protocol.commands import (
    Command,
    ModelSet,
    ModeSet,
    TaskRewind,
    TurnStart,
    TurnStop,
)
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
    def id(self) -> str: ...
    @property
    def is_running(self) -> bool: ...
    @property
    def state(self) -> Fold: ...
    @property
    def services(self) -> Services: ...

    async def submit(self, command: Command, *, by: str = "browser") -> None:
        """Take a command, as `Task.submit`."""
        ...

    def compact(self, wish: str = "") -> None:
        """Begin to sum up, as `Task.compact`."""
        ...


@dataclass(frozen=True, slots=True)
class _Call:
    desk: Desk
    argument: str
    by: str
    message: TurnStart
    """The message that is the command."""


_LISTED = 20
_LONGEST = 80
"""Characters of a message in a list."""
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


async def run(message: TurnStart, desk: Desk, *, by: str) -> str:
    """Do a slash command and give back what to tell the user, if anything; raises `CommandRefused` for one that can't be done."""
    name, argument = _split(message.text) or ("", "")
    if name not in _registry:
        raise CommandRefused(
            f"There is no command `/{name}`; `/help` lists them. To send it as a message, put a space before it."
        )
    _, command = _registry[name]
    return await command(_Call(desk, argument, by, message))


def _split(text: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"/([A-Za-z][A-Za-z-]*)(?:\s+(.*?))?\s*", text, re.DOTALL)
    return (match[1].lower(), match[2] or "") if match else None


def init_prompt() -> str:
    """What `/init` asks of the agent."""
    return (Path(__file__).parent / "prompts" / "init.md").read_text(encoding="utf-8").strip()


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
    money = "" if usage.cost is None else f", about {usage.cost:.4f} USD"
    return (
        f"{usage.requests} requests, {usage.prompt_tokens:,} tokens in ({usage.cached_tokens:,} of them cached), "
        f"{usage.completion_tokens:,} out{money}. Towards the task limit count {counted_tokens(usage):,} of {limit:,} "
        "(uncached input plus output)."
    )


@_slash("client")
async def history(call: _Call) -> str:
    """Shows the list of tasks."""
    return "Open the list of tasks with the History button."


@_slash("task")
async def stop(call: _Call) -> str:
    """Stops the running turn, or the summary that `/compact` began."""
    await call.desk.submit(TurnStop(), by=call.by)
    return ""


@_slash("task")
async def compact(call: _Call) -> str:
    """Sums up the older part of the conversation (one request to the model); `/compact keep the SQL` says what to mind."""
    call.desk.compact(call.argument.strip())
    return ""


@_slash("task")
async def rewind(call: _Call) -> str:
    """Goes back: `/rewind` lists your messages, `/rewind 2` takes back the last two, with the files that changed since."""
    turns = call.desk.state.view().turns
    if not turns:
        raise CommandRefused("There is no message to go back to yet.")
    if not call.argument:
        return _messages_to_go_back_to(turns)
    number = int(call.argument) if re.fullmatch(r"[0-9]{1,6}", call.argument) else 0
    if not 1 <= number <= len(turns):
        raise CommandRefused(
            f"`/rewind` takes a number from 1 (your last message) to {len(turns)} (your first); nothing was changed."
        )
    turn = turns[-number]
    await call.desk.submit(TaskRewind(seq=turn.seq), by=call.by)
    done = call.desk.state.view().rewound
    lines = [f"The conversation is where it was before: {_quoted(turn.text)}"]
    if done and done.restored:
        lines.append(f"Put back: {', '.join(map(_quoted, done.restored))}.")
    if done and done.kept:
        lines.append(f"Left alone, because changed since: {', '.join(map(_quoted, done.kept))}.")
    return "\n\n".join(lines)


def _messages_to_go_back_to(turns: Sequence[Turn]) -> str:
    shown = list(enumerate(reversed(turns), 1))[:_LISTED]
    rows = "\n".join(
        f"- `/rewind {number}` to before {_quoted(turn.text)}" for number, turn in shown
    )
    more = f"\n- … and {len(turns) - _LISTED} older ones" if len(turns) > _LISTED else ""
    return f"Going back also puts back the files that the agent changed since then:\n\n{rows}{more}"


def _quoted(text: str) -> str:
    line = " ".join(text.split()).replace("`", "'")
    return f"`{line if len(line) <= _LONGEST else line[:_LONGEST] + '…'}`"


@_slash("client")
async def export(call: _Call) -> str:
    """Saves this task as a file: `/export md`, `json` or `ipynb`."""
    format = call.argument.strip().lower() or "md"
    if format not in ("md", "json", "ipynb"):
        raise CommandRefused("`/export` takes `md`, `json` or `ipynb`; nothing was saved.")
    return (
        "Nothing was saved from here. The Kimi sidebar downloads the task with the same command; "
        f"by hand it is `GET kimi/tasks/{call.desk.id}/export?format={format}` below the server's address."
    )


@_slash("task")
async def init(call: _Call) -> str:
    """Has the agent write `AGENTS.md`, the workspace's notes for agents; this is a message to the model and costs tokens."""
    if call.desk.is_running:
        raise CommandRefused("A turn is running; send `/init` when it has ended.")
    await call.desk.submit(call.message.model_copy(update={"text": init_prompt()}), by=call.by)
    return ""


@_slash("task")
async def mcp(call: _Call) -> str:
    """Shows the MCP servers of this task."""
    return "No MCP servers are configured: this version of Kimi Jupyter can't connect to any yet."
