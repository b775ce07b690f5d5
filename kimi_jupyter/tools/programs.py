"""Runs a helper program that starts no others, and gives its output as it comes; never longer than a deadline."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from kimi_jupyter.tools.threads import Stop

_TICK = 0.05
_AHEAD = 64
"""Chunks that are read before they are taken."""


class Program:
    """One run; iterate over `chunks`, then look at `code` and `is_late`."""

    def __init__(
        self, arguments: Sequence[str], *, cwd: Path, environ: dict[str, str], feed: bytes = b""
    ) -> None:
        self._arguments = arguments
        self._cwd = cwd
        self._environ = environ
        self._feed = feed
        self.code: int | None = None
        """The exit code; `None` where it was ended."""
        self.is_late = False
        """The deadline came first."""

    def chunks(self, stop: Stop, deadline: float) -> Iterator[bytes]:
        """The output; closing the iterator ends the program."""
        process = subprocess.Popen(
            list(self._arguments),
            cwd=self._cwd,
            env=self._environ,
            stdin=subprocess.PIPE if self._feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        ahead: queue.Queue[bytes] = queue.Queue(_AHEAD)
        is_open = threading.Event()
        is_open.set()
        helpers = [
            threading.Thread(target=_write, args=(process.stdin, self._feed), daemon=True),
            threading.Thread(target=_read, args=(process.stdout, ahead, is_open), daemon=True),
        ]
        for helper in helpers:
            helper.start()
        try:
            yield from self._taken(ahead, stop, deadline)
            with suppress(subprocess.TimeoutExpired):
                self.code = None if self.is_late or stop.is_set else process.wait(1)
        finally:
            is_open.clear()
            process.kill()
            process.wait()
            for helper in helpers:
                helper.join()

    def _taken(self, ahead: queue.Queue[bytes], stop: Stop, deadline: float) -> Iterator[bytes]:
        """What the reader has put there, until its empty last chunk, the deadline, or the wish to stop."""
        while not stop.is_set:
            if time.monotonic() >= deadline:
                self.is_late = True
                return
            try:
                data = ahead.get(timeout=_TICK)
            except queue.Empty:
                continue
            if not data:
                return
            yield data


def _read(pipe: IO[bytes] | None, ahead: queue.Queue[bytes], is_open: threading.Event) -> None:
    if pipe is None:
        return
    with pipe:
        while is_open.is_set():
            data = os.read(pipe.fileno(), 1 << 16)
            while is_open.is_set():
                with suppress(queue.Full):
                    ahead.put(data, timeout=_TICK)
                    break
            if not data:
                return


def _write(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        return
    with suppress(OSError), pipe:
        pipe.write(data)
