"""Runs a shell command to its end under a supervisor that leaves no process behind."""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.tools.output import Output
from kimi_jupyter.tools.threads import Stop

_SHELLS = (
    "/bin/bash",
    "/usr/bin/bash",
    "/usr/local/bin/bash",
    "/opt/homebrew/bin/bash",
    "/run/current-system/sw/bin/bash",
)
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_TICK = 0.05
_DRAIN = 0.25
_END = 7.0
"""Seconds that the supervisor has to end everything."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    reason: Literal["exit", "timeout", "stopped", "lost"]
    """`lost` where the supervisor itself was killed."""
    code: int | None = None
    """The exit code, negative for a signal; `None` where it was ended."""
    left: tuple[str, ...] = ()
    """What it had left running and was ended with it."""


class Limit:
    """When a command's time is up; may be lifted from another thread while it runs."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def lift(self) -> None:
        """From here on it may run as long as it likes."""
        self.at = math.inf


@dataclass(slots=True)
class _State:
    reason: Literal["exit", "timeout", "stopped"] = "exit"
    child: int | None = None
    code: int | None = None
    left: list[str] = field(default_factory=list[str])
    is_reported: bool = False
    heard: bytes = b""


def shell() -> list[str]:
    """The shell and its arguments before the command; a fixed place, no start files."""
    for path in _SHELLS:
        if os.access(path, os.X_OK):
            return [path, "--noprofile", "--norc", "-c"]
    return ["/bin/sh", "-c"]


def run(
    command: str, *, cwd: int, limit: Limit, environ: dict[str, str], output: Output, stop: Stop
) -> Ending:
    """Run the command in the folder of the descriptor `cwd`; blocks its thread until nothing of it is left."""
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    try:
        with ours:
            process = _start([*shell(), command], theirs, cwd, write, environ)
            theirs.close()
            os.close(write)
            write = -1
            try:
                return _Watch(ours, read, stop, output, limit).run()
            finally:
                _reap(process)
    finally:
        theirs.close()
        for descriptor in (read, write):
            if descriptor >= 0:
                os.close(descriptor)
        output.finish()


def _start(
    arguments: list[str], link: socket.socket, cwd: int, output: int, environ: dict[str, str]
) -> subprocess.Popen[bytes]:
    supervisor = [
        sys.executable, "-I", "-S", str(_SUPERVISOR), str(link.fileno()), str(cwd), *arguments,
    ]  # fmt: skip
    try:
        return subprocess.Popen(
            supervisor,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(link.fileno(), cwd),
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        raise KimiError(f"The command could not be started: {error.strerror}.") from error


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Watch:
    """Moves output until the supervisor reports the end; asks it to end on stop and timeout."""

    def __init__(
        self, link: socket.socket, read: int, stop: Stop, output: Output, limit: Limit
    ) -> None:
        self.link = link
        self.read = read
        self.stop = stop
        self.output = output
        self.limit = limit
        self.deadline = math.inf
        self.is_ending = False
        self.state = _State()
        self.ready = selectors.DefaultSelector()
        for source in (link, read, stop):
            self.ready.register(source, selectors.EVENT_READ)

    def run(self) -> Ending:
        with self.ready:
            while self.link in self.ready.get_map() and not self._is_overdue():
                self._step()
            end = time.monotonic() + _DRAIN
            while self.read in self.ready.get_map() and time.monotonic() < end:
                self._step()
        return self._ending()

    def _step(self) -> None:
        for key, _ in self.ready.select(_TICK):
            if key.fileobj is self.link:
                self._listen()
            elif key.fileobj is self.stop:
                self.ready.unregister(self.stop)
                self._end("stopped")
            else:
                data = os.read(self.read, 65_536)
                if data:
                    self.output.feed(data)
                else:
                    self.ready.unregister(self.read)
        self.output.tick()

    def _is_overdue(self) -> bool:
        if time.monotonic() < (self.deadline if self.is_ending else self.limit.at):
            return False
        if self.is_ending:
            return True
        self._end("timeout")
        return False

    def _end(self, reason: Literal["timeout", "stopped"]) -> None:
        if self.is_ending or self.state.is_reported:
            return
        self.is_ending = True
        self.state.reason = reason
        self.deadline = time.monotonic() + _END
        with suppress(OSError):
            self.link.shutdown(socket.SHUT_WR)

    def _listen(self) -> None:
        try:
            data = self.link.recv(65_536)
        except OSError:
            data = b""
        if not data:
            self.ready.unregister(self.link)
            return
        *lines, self.state.heard = (self.state.heard + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            self.state.child = message.get("pid", self.state.child)
            if "code" in message:
                self.state.code, self.state.left = message["code"], message["left"]
                self.state.is_reported = True

    def _ending(self) -> Ending:
        state = self.state
        if not state.is_reported:
            if state.child is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(state.child, signal.SIGKILL)
            return Ending(state.reason if self.is_ending else "lost")
        code = state.code if state.reason == "exit" else None
        return Ending(state.reason, code, tuple(state.left))
