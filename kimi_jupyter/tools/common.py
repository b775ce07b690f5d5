"""What the tools share: how paths are named to the model, and what an approval binds to."""

from __future__ import annotations

import hashlib
import json
import posixpath

from kimi_jupyter.agent.tool import Work


def shown(path: str, work: Work) -> str:
    """A workspace path as the model would write it: relative to the working folder."""
    return posixpath.relpath(path, work.folder) if work.folder != "." else path


def fingerprint(*parts: str | int | None) -> str:
    """SHA-256 over all that a call will do, each part told from the next."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def count(number: int, word: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
