"""The list of commands that run without a question: each part of a line must be matched in full by a pattern.

It is no sandbox: a pattern that allows a program allows what that program runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
import unicodedata
from collections.abc import Sequence
from itertools import repeat

from kimi_jupyter.safety.patterns import Rule, all_match, lint, prefix, rule
from kimi_jupyter.safety.shell_parts import parts

__all__ = ["MOST_PATTERNS", "is_allowed", "lint", "not_remembered", "remembered"]
_log = logging.getLogger(__name__)
_MOST_COMMAND = 10_000
MOST_PATTERNS = 1_000
_SECONDS = 0.09
_HIDDEN = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"])


def remembered(command: str) -> str:
    """The pattern that "Approve & remember" stores: this command and no other."""
    return f"^{re.escape(command)}$"


def not_remembered(command: str) -> str | None:
    """Why a command would ask again although its pattern was stored, as a sentence; `None` where it would not."""
    if _has_hidden(command):
        return "A command of several lines, or with invisible characters, asks every time."
    if lint(remembered(command)) is not None:
        return "A command as long as this one asks every time."
    return None


async def is_allowed(command: str, patterns: Sequence[str], *, seconds: float = _SECONDS) -> bool:
    """Whether the patterns cover the whole command; no where that is not known after `seconds`.

    Control and invisible characters never pass. The pattern that was remembered for exactly this text covers it. Else
    the line is taken apart, and every part needs a pattern; what can't be taken apart is not covered. A pattern that
    `lint` refuses is left out with a warning.
    """
    if not command.strip() or len(command) > _MOST_COMMAND or _has_hidden(command):
        return False
    known = patterns[:MOST_PATTERNS]
    if remembered(command) in known:
        return True
    if not known or os.name == "nt":  # PowerShell and cmd read a line differently
        return False
    return await asyncio.to_thread(_is_covered, command, known, seconds)


def _has_hidden(command: str) -> bool:
    return any(char != " " and unicodedata.category(char) in _HIDDEN for char in command)


def _is_covered(command: str, patterns: Sequence[str], seconds: float) -> bool:
    found = parts(command)
    if found is None:
        return False
    deadline = time.monotonic() + seconds
    rules: list[Rule] = []
    for pattern in patterns:
        if time.monotonic() > deadline:
            return False
        if not any(map(str.startswith, found, repeat(prefix(pattern)))):
            continue
        try:
            rules.append(rule(pattern))
        except ValueError as error:
            _log.warning("kimi.autoApprove.commands: pattern %r is ignored: %s.", pattern, error)
    return all_match(found, rules, deadline=deadline)
