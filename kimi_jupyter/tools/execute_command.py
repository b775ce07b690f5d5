"""The tool that runs a shell command."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import CommandLine, Effect, EffectKind
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.tools import threads
from kimi_jupyter.tools.background import RunningCommand
from kimi_jupyter.tools.common import fingerprint
from kimi_jupyter.tools.named import protected_by
from kimi_jupyter.tools.threads import Stop


class ExecuteCommandParams(Params):
    """What to run."""

    command: str = Field(min_length=1, max_length=100_000)
    """The command line for bash. Operators, pipes and several lines work; quote paths with spaces."""
    cwd: str = "."
    """Folder to run in, relative to the working folder. Give it instead of a leading `cd`."""
    timeout_seconds: int = Field(300, ge=1, le=86_400)
    """After so many seconds the command and all that it started is ended. Raise it for long runs. It does not count in the background."""
    background: bool = False
    """Let it run on while you go on, such as a server or a long training; without a time limit."""


_EARLY = 1.0
"""Seconds in which a command that is started in the background may end, so that its failure is told at once."""


class ExecuteCommand:
    """Runs a command under a supervisor; nothing of it outlives the call, or the task where it goes to the background."""

    name: ClassVar[str] = "execute_command"
    description: ClassVar[str] = (
        "Run a command line with bash in the workspace and get its output (stdout and stderr merged) and exit code.\n"
        "Use it for tests, scripts, git, package managers and other programs. To read, list, search or edit files use"
        " the tools for that: they are more exact and need fewer approvals.\n"
        "Each call is a shell of its own: `cd`, variables and activated environments do not last. There is no"
        " keyboard input, so pass options such as `-y` instead of waiting for a question; there is no pager and no"
        " colour. Variables with secrets are not in the environment. Of a long output the first 4 KB and the last"
        " 12 KB come back, with the path of a log that read_file can open. Processes that it leaves running,"
        " as by `&`, are ended with it; for a server or another long run give `background`, then use read_output and"
        " stop_command. The user too may send a running command to the background."
    )
    kind: ClassVar[EffectKind] = "command"
    params: ClassVar[type[Params]] = ExecuteCommandParams

    async def effect(self, params: ExecuteCommandParams, work: Work) -> Effect:
        """The command, its folder and its limit."""
        if "\0" in params.command:
            raise KimiError("A command can't hold a NUL character.")
        cwd = work.workspace.resolve(params.cwd, folder=work.folder)

        def look(stop: Stop) -> str | None:
            work.workspace.absolute(cwd)
            return protected_by(params.command, cwd, work)

        protected = await threads.run(look)
        return Effect(
            kind="command",
            title="Run command in the background" if params.background else "Run command",
            command=CommandLine(
                command=params.command,
                cwd=cwd,
                timeout_seconds=params.timeout_seconds,
                background=params.background,
            ),
            protected=protected,
            digest=fingerprint(
                self.name, params.command, cwd, params.timeout_seconds, params.background
            ),
        )

    async def run(self, params: ExecuteCommandParams, effect: Effect, work: Work) -> Result:
        """Run it to its end, or until it goes to the background; a failed command is a result with its output."""
        line = effect.command
        if line is None:
            raise KimiError("There is no command to run.")
        if line.background and (why := work.commands.full(work.call)) is not None:
            raise KimiError(f"The command was not run: {why}")
        running = RunningCommand(line, work)
        with work.commands.foreground(work.call) as wish:
            await running.wait(wish, seconds=_EARLY if line.background else None)
        if running.is_over:
            return running.result()
        running.lift()
        work.commands.take(work.call, running)
        return Result(ok=True, output=_goes_on(running, work), summary="in the background")


def _goes_on(running: RunningCommand, work: Work) -> str:
    """The answer to a call whose command goes on."""
    who = "As you asked, it" if running.line.background else "The user let it go on: it"
    return (
        f"{running.read(from_start=True)}\n\n{who} goes on in the background, without a time limit, until it ends, is stopped, or the"
        f" task is closed. It is known by its call: read_output(call={work.call!r}) gives what it prints from here on,"
        f" stop_command(call={work.call!r}) ends it."
    )
