"""A program of its own that matches a pattern in files, so that a pattern that never ends can be killed.

It is started as `python -I -S matcher.py`. On its input: a line of JSON `{root, pattern, ignore_case}`, then paths, each
ended by NUL. It answers as ripgrep does: `path NUL line : column : end of line`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import BinaryIO

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety.encodings import lenient
from kimi_jupyter.safety.paths import Workspace

MOST_BYTES = 10 * 1024 * 1024
"""Larger files are not searched."""
MOST_IN_FILE = 1000
"""Matching lines of one file that are given."""


def main(source: BinaryIO, target: BinaryIO) -> None:
    """Answer for every path of the input, as soon as it comes."""
    job = json.loads(source.readline())
    pattern = re.compile(job["pattern"], re.IGNORECASE if job["ignore_case"] else 0)
    workspace = Workspace(Path(job["root"]))
    for path in _paths(source):
        try:
            text = lenient(workspace.read_bytes(path, limit=MOST_BYTES))
        except (KimiError, OSError):
            continue
        if text is not None:
            target.write(b"".join(_hits(pattern, text, os.fsencode(path))))
            target.flush()


def _paths(source: BinaryIO) -> list[str]:
    return [os.fsdecode(name) for name in source.read().split(b"\0") if name]


def _hits(pattern: re.Pattern[str], text: str, path: bytes) -> list[bytes]:
    hits: list[bytes] = []
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        found = pattern.search(line.removesuffix("\r"))
        if found:
            column = len(line[: found.start()].encode("utf-8", "replace")) + 1
            hits.append(b"%s\0%d:%d:\n" % (path, number, column))
            if len(hits) == MOST_IN_FILE:
                break
    return hits


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
