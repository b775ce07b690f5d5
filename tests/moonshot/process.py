"""The simulated API in a process of its own, for tests that are not async and for real servers."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


class MoonshotProcess:
    """A running simulator, driven over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        """The base URL for clients."""
        self._root = url.removesuffix("/v1")

    def requests(self) -> list[dict[str, Any]]:
        """All requests so far: `path`, `body`, `headers`, `at`."""
        return self._get("/_requests")

    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests so far."""
        return [r["body"] for r in self.requests() if r["path"] == "/v1/chat/completions"]

    def sent(self) -> list[float]:
        """`time.time()` of the first content chunk of each streamed reply."""
        return self._get("/_sent")

    def set_script(self, steps: Sequence[object]) -> None:
        """Answer the next requests with these steps (JSON forms); then the default script goes on."""
        self._get("/_script", json.dumps(list(steps)).encode())

    def check_prefixes(self) -> None:
        """Raise `AssertionError` where a request of a task did not begin with the bytes of the one before."""
        violations = self._get("/_violations")
        assert not violations, "the prefix of a request was broken:\n" + "\n".join(violations)

    def _get(self, path: str, data: bytes | None = None) -> Any:
        with urllib.request.urlopen(self._root + path, data=data, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def moonshot_process(*options: str) -> Iterator[MoonshotProcess]:
    """Run `python -m tests.moonshot` with these options and end it afterwards."""
    command = [sys.executable, "-m", "tests.moonshot", *options]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http"), "the simulator did not start; see its error output"
        api = MoonshotProcess(line)
        yield api
        api.check_prefixes()
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
