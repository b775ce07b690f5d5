"""A program of its own that matches patterns, so that one that never ends can be killed.

It is started as `python -I -S regex_worker.py` with JSON `{texts, patterns}` on its input, and says `yes` where every
text is matched in full by one of the patterns.
"""

from __future__ import annotations

import json
import re
import sys


def main() -> None:
    """Answer the one question of the input."""
    job = json.loads(sys.stdin.buffer.read())
    patterns: list[re.Pattern[str]] = [re.compile(text, re.ASCII) for text in job["patterns"]]
    if all(any(pattern.fullmatch(text) for pattern in patterns) for text in job["texts"]):
        sys.stdout.write("yes")


if __name__ == "__main__":
    main()
