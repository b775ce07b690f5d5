"""A shell command that runs in a thread of its own, in the foreground or in the background."""

from __future__ import annotations

import asyncio
import os
import signal

from kimi_jupyter.agent.tool import Result, Work
from kimi_jupyter.protocol.effects import CommandLine
from kimi_jupyter.safety.walk import HAS_DESCRIPTORS
from kimi_jupyter.tools import shell, shell_windows
from kimi_jupyter.tools.environment import for_commands
from kimi_jupyter.tools.output import Output
from kimi_jupyter.tools.shell import Ending, Limit
from kimi_jupyter.tools.threads import Stop, Thread


class RunningCommand:
    """Runs from the moment it is made; for the event loop."""

    def __init__(self, line: CommandLine, work: Work) -> None:
        self.line = line
        self._output = Output(work.logs, work.report)
        self._limit = Limit(line.timeout_seconds)
        if line.background:
            self._limit.lift()
        self._thread = Thread(lambda stop: _run(line, work, self._output, self._limit, stop))

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left."""
        return self._thread.done.done()

    async def wait(self, wish: asyncio.Event, *, seconds: float | None) -> None:
        """Wait for the end, the wish or the time. Cancelling it ends the command with all that it started."""
        waiting = asyncio.ensure_future(wish.wait())
        both = {self._thread.done, waiting}
        try:
            await self._thread.or_stopped(
                asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            )
        finally:
            waiting.cancel()

    def lift(self) -> None:
        """No time limit from here on."""
        self._limit.lift()

    def stop(self) -> None:
        """Wish its end, with all that it started; nothing where it is over."""
        self._thread.stop()

    async def ended(self) -> str:
        """Wait for its end; gives how it ended, such as `exit code 0`."""
        return self._status(await asyncio.shield(self._thread.done))

    def text(self) -> str:
        """What it has printed, its head and tail where that is long."""
        return self._with_pending(self._output.text())

    def read(self, *, from_start: bool = False) -> str:
        """What it has printed since this was last asked; or as `text`."""
        return self._with_pending(self._output.read(from_start=from_start))

    def _with_pending(self, text: str) -> str:
        pending = "" if self.is_over else self._output.pending
        return f"{text}{pending}".rstrip("\n") or "(no output)"

    def result(self) -> Result:
        """The answer to the call of a command that is over."""
        ending = self._thread.done.result()
        status = self._status(ending)
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
        return Result(
            ok=ending.code == 0,
            output="\n\n".join([self.text(), "\n".join(notes)]),
            summary=status,
        )

    def _status(self, ending: Ending) -> str:
        return {
            "exit": _exit(ending.code),
            "timeout": f"timed out after {self.line.timeout_seconds} s",
            "stopped": "stopped",
            "lost": "its supervisor was killed",
        }[ending.reason]


def _run(line: CommandLine, work: Work, output: Output, limit: Limit, stop: Stop) -> Ending:
    environ = for_commands(os.environ)
    if not HAS_DESCRIPTORS:
        folder = work.workspace.absolute(line.cwd)
        return shell_windows.run(
            line.command, cwd=folder, limit=limit, environ=environ, output=output, stop=stop
        )
    with work.workspace.open_folder(line.cwd) as cwd:
        return shell.run(
            line.command, cwd=cwd, limit=limit, environ=environ, output=output, stop=stop
        )


def _exit(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"exit code {128 - code} (ended by {name})"
