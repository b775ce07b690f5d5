"""Runs a shell command on Windows, where there is no supervisor: its tree is ended with `taskkill`."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from kimi_jupyter.tools.output import Output
from kimi_jupyter.tools.shell import Ending, Limit
from kimi_jupyter.tools.threads import Stop

_TICK = 0.05
_DRAIN = 0.25


def shell() -> list[str]:
    """PowerShell from its fixed place, else `cmd`."""
    system = Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32"
    power = system / "WindowsPowerShell" / "v1.0" / "powershell.exe"
    if power.exists():
        return [str(power), "-NoProfile", "-NonInteractive", "-Command"]
    return [str(system / "cmd.exe"), "/d", "/s", "/c"]


def run(
    command: str, *, cwd: Path, limit: Limit, environ: dict[str, str], output: Output, stop: Stop
) -> Ending:
    """Run the command; blocks its thread until it has ended."""
    process = subprocess.Popen(
        [*shell(), command],
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lock = threading.Lock()

    def read() -> None:
        if process.stdout is None:
            return
        with suppress(OSError, ValueError):
            while data := os.read(process.stdout.fileno(), 65_536):
                with lock:
                    output.feed(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    ending = _wait(process, limit, output, stop, lock)
    reader.join(_DRAIN)
    with lock:
        output.finish()
    return ending


def _wait(
    process: subprocess.Popen[bytes],
    limit: Limit,
    output: Output,
    stop: Stop,
    lock: threading.Lock,
) -> Ending:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return Ending("exit", process.wait(_TICK))
        with lock:
            output.tick()
        if stop.is_set or time.monotonic() >= limit.at:
            _end(process)
            return Ending("stopped" if stop.is_set else "timeout")


def _end(process: subprocess.Popen[bytes]) -> None:
    subprocess.run(
        ["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(2)
