"""The list of commands that run without a question: full matches only, and nothing that could hold a second command."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence

_log = logging.getLogger(__name__)
_MOST_COMMAND = 10_000
_MOST_PATTERN = 2_000
_MOST_PATTERNS = 1_000
_COMPOUND = frozenset(";&|<>$`(){}!\\#")
_INLINE_FLAGS = re.compile(r"(?<!\\)\(\?[aiLmsux-]+[:)]")
_NESTED_REPEAT = re.compile(r"[*+}]\)+[*+{]")


def remembered(command: str) -> str:
    """The pattern that "Approve & remember" stores: this command and no other."""
    return f"^{re.escape(command)}$"


def is_allowed(command: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern covers the whole command.

    Control characters never match. A command that could hold another one (operators, substitution, assignment) matches
    only the pattern that was remembered for exactly this text. A pattern that can't be used is left out with a warning.
    """
    if not command.strip() or len(command) > _MOST_COMMAND or _has_hidden(command):
        return False
    known = patterns[:_MOST_PATTERNS]
    if remembered(command) in known:
        return True
    if _COMPOUND.intersection(command) or "=" in command.split()[0]:
        return False
    return any(_matches(pattern, command) for pattern in known)


def _has_hidden(command: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in command)


def _matches(pattern: str, command: str) -> bool:
    try:
        return bool(_usable(pattern).fullmatch(command))
    except ValueError as error:
        _log.warning("kimi.autoApprove.commands: the pattern %r is ignored: %s.", pattern, error)
        return False


def _usable(pattern: str) -> re.Pattern[str]:
    """The compiled pattern; `ValueError` says why it is not used."""
    if len(pattern) > _MOST_PATTERN:
        raise ValueError("it is too long")
    if _INLINE_FLAGS.search(pattern):
        raise ValueError("flags inside a pattern are not allowed")
    if _NESTED_REPEAT.search(pattern):
        raise ValueError("a repeat inside a repeat can take too long")
    try:
        compiled = re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        raise ValueError(f"it is no valid regular expression ({error})") from error
    if compiled.fullmatch(""):
        raise ValueError("it matches empty text, so it would match too much")
    return compiled
