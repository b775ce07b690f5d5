"""What a command visibly names: targets of redirects, secret files, and our own files. A courtesy, not a control."""

from __future__ import annotations

import re
from pathlib import Path

from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.errors import PathRefused
from kimi_jupyter.safety.protected import protection, strictest

_TARGET = re.compile(r"(?:>>?\|?|&>>?)\s*([^\s;&|<>()]+)")
_APART = re.compile(r"[\s;&|<>()$`'\"=,@]+")
_MOST_WORDS = 1_000


def protected_by(command: str, cwd: str, work: Work) -> str | None:
    """Why a command asks in every mode: it writes to a protected name, or names a file that holds secrets.

    Raises `PathRefused` where it names one of our own files.
    """
    written = [_name(target.strip("'\""), cwd, work) for target in _TARGET.findall(command)]
    secret = [name for name in _words(command, cwd, work) if _is_secret_file(name, work)]
    found = strictest([*written, *secret], folder=work.folder, root=work.workspace.root)
    if found is not None and found.refuse:
        raise PathRefused(f"{found.why} The command was not run.")
    return found.why if found else None


def _words(command: str, cwd: str, work: Work) -> list[str]:
    words = dict.fromkeys(word for word in _APART.split(command) if word)
    return [_name(word, cwd, work) for word in list(words)[:_MOST_WORDS]]


def _name(word: str, cwd: str, work: Work) -> str:
    """The workspace path that a word stands for; outside of the workspace the word, with `~` expanded."""
    if word.startswith("~/"):
        word = str(Path.home() / word[2:])
    try:
        return work.workspace.resolve(word, folder=cwd)
    except PathRefused:
        return word


def _is_secret_file(name: str, work: Work) -> bool:
    """A name alone is no secret: `jq .key` reads none, so a secret file must be there."""
    found = protection(name, folder=work.folder, root=work.workspace.root)
    if found is None or not found.read:
        return False
    try:
        return found.refuse or (work.workspace.root / name).exists()
    except (OSError, ValueError):
        return False
