"""The tool that runs a shell command."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import CommandLine, Effect, EffectKind
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety.walk import HAS_DESCRIPTORS
from kimi_jupyter.tools import shell, shell_windows, threads
from kimi_jupyter.tools.common import fingerprint
from kimi_jupyter.tools.environment import for_commands
from kimi_jupyter.tools.named import protected_by
from kimi_jupyter.tools.output import Output
from kimi_jupyter.tools.shell import Ending
from kimi_jupyter.tools.threads import Stop


class ExecuteCommandParams(Params):
    """What to run."""

    command: str = Field(min_length=1, max_length=100_000)
    """The command line for bash. Operators, pipes and several lines work; quote paths with spaces."""
    cwd: str = "."
    """Folder to run in, relative to the working folder. Give it instead of a leading `cd`."""
    timeout_seconds: int = Field(300, ge=1, le=86_400)
    """After so many seconds the command and all that it started is ended. Raise it for long runs."""


class ExecuteCommand:
    """Runs a command under a supervisor; nothing of it outlives the call."""

    name: ClassVar[str] = "execute_command"
    description: ClassVar[str] = (
        "Run a command line with bash in the workspace and get its output (stdout and stderr merged) and exit code.\n"
        "Use it for tests, scripts, git, package managers and other programs. To read, list, search or edit files use"
        " the tools for that: they are more exact and need fewer approvals.\n"
        "Each call is a shell of its own: `cd`, variables and activated environments do not last. There is no"
        " keyboard input, so pass options such as `-y` instead of waiting for a question; there is no pager and no"
        " colour. Variables with secrets are not in the environment. Of a long output the first 4 KB and the last"
        " 12 KB come back, with the path of a log that read_file can open. Background processes are ended when the"
        " command ends."
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
            title="Run command",
            command=CommandLine(
                command=params.command, cwd=cwd, timeout_seconds=params.timeout_seconds
            ),
            protected=protected,
            digest=fingerprint(self.name, params.command, cwd, params.timeout_seconds),
        )

    async def run(self, params: ExecuteCommandParams, effect: Effect, work: Work) -> Result:
        """Run it; a failed command is a result with its output."""
        output = Output(work.logs, work.report)

        def body(stop: Stop) -> Ending:
            return _run(effect, work, output, stop)

        ending = await threads.run(body)
        return _result(ending, output, params)


def _run(effect: Effect, work: Work, output: Output, stop: Stop) -> Ending:
    line = effect.command
    if line is None:
        raise KimiError("There is no command to run.")
    environ = for_commands(os.environ)
    if not HAS_DESCRIPTORS:
        folder = work.workspace.absolute(line.cwd)
        return shell_windows.run(
            line.command,
            cwd=folder,
            seconds=line.timeout_seconds,
            environ=environ,
            output=output,
            stop=stop,
        )
    with work.workspace.open_folder(line.cwd) as cwd:
        return shell.run(
            line.command,
            cwd=cwd,
            seconds=line.timeout_seconds,
            environ=environ,
            output=output,
            stop=stop,
        )


def _result(ending: Ending, output: Output, params: ExecuteCommandParams) -> Result:
    status = {
        "exit": _exit(ending.code),
        "timeout": f"timed out after {params.timeout_seconds} s",
        "stopped": "stopped",
        "lost": "its supervisor was killed",
    }[ending.reason]
    notes = [status]
    if ending.reason == "timeout":
        notes.append(
            "The command and all that it started was ended; the output above is what it had printed. If it needs"
            " longer, give a larger timeout_seconds."
        )
    if ending.reason == "lost":
        notes.append("How the command ended is not known. Check what it did before you go on.")
    if ending.left:
        notes.append(
            f"Still running when the shell ended, and ended with it: {', '.join(ending.left)}."
            " Processes do not outlive the command."
        )
    text = output.text().rstrip("\n") or "(no output)"
    return Result(ok=ending.code == 0, output="\n\n".join([text, "\n".join(notes)]), summary=status)


def _exit(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"exit code {128 - code} (ended by {name})"
