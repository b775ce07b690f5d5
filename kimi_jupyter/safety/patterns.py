"""The regular expressions of the allow-list: which are refused and why, and what they match, in bounded time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_INTERPRETERS = """
python python3 ipython pypy bash sh zsh fish dash ksh csh node deno bun perl ruby php lua julia R Rscript tclsh
osascript powershell pwsh cmd env sudo doas su eval exec source . command builtin time timeout nice nohup setsid
xargs parallel watch ssh script strace gdb awk gawk sqlite3 psql mysql vim vi ed
"""
_PARENTS = """
git hg svn gh glab docker podman kubectl helm npm npx yarn pnpm pip pip3 pipx uv uvx conda mamba poetry pdm hatch
cargo rustup go mvn gradle gradlew make just task tox nox brew apt apt-get dnf yum pacman snap systemctl service
launchctl terraform ansible aws gcloud az jupyter dvc
"""
INTERPRETERS = frozenset(_INTERPRETERS.split())
"""Programs whose arguments are programs."""
WITH_SUBCOMMANDS = frozenset(_PARENTS.split())
"""Programs that do quite different things by their first argument."""
_MOST = 2_000
_WORK = 2_000_000
"""Steps up to which a match is made here; beyond them a program of its own makes it, which can be ended."""
_WORKER = Path(__file__).with_name("regex_worker.py")
_INLINE_FLAGS = re.compile(r"(?<!\\)\(\?[aiLmsux-]+[:)]")
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(\?P<\w+>|\(\?|[*+?]|\{\d*,?\d*\}|.", re.DOTALL
)
_PROBE = "zq7x"
_ANYTHING = (f"{_PROBE} -{_PROBE}", f"qx7z --{_PROBE} y/{_PROBE}")
_ARGUMENTS = tuple(
    form.replace("@", _PROBE)
    for form in ("@", "--@", "-c @.y=x status", "-C /@ status", "-c @", "/@/x.py")
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A usable pattern."""

    text: str
    compiled: re.Pattern[str]
    prefix: str
    """What every text that it matches begins with."""
    repeats: int
    """Unbounded repeats of single characters, one after the other."""
    doubles: int
    """Places where a match can go two ways."""
    is_nested: bool
    """A repeat holds a group, or something stands there whose cost is not known."""

    def is_quick(self, length: int) -> bool:
        """Whether a match with a text of that length takes few steps, whatever the text."""
        if self.is_nested or self.repeats > 8 or self.doubles > 20:
            return False
        return (length + 1) ** self.repeats << self.doubles <= _WORK


def lint(pattern: str) -> str | None:
    """Why a pattern of `kimi.autoApprove.commands` is refused, as the end of a sentence; `None` for a good one."""
    found = _read(pattern)
    return found if isinstance(found, str) else None


def rule(pattern: str) -> Rule:
    """The pattern ready for use; `ValueError` with the reason where it is refused."""
    found = _read(pattern)
    if isinstance(found, str):
        raise ValueError(found)
    return found


@lru_cache(maxsize=4096)
def _read(pattern: str) -> Rule | str:
    if len(pattern) > _MOST:
        return f"it is longer than {_MOST:,} characters"
    if _INLINE_FLAGS.search(pattern):
        return "flags inside a pattern, such as (?i), are not allowed"
    try:
        compiled = re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        return f"it is no valid regular expression ({error})"
    if compiled.fullmatch(""):
        return "it matches empty text, so it would match too much"
    found = Rule(pattern, compiled, prefix(pattern), *_shape(pattern))
    return _too_wide(found) or found


def _too_wide(found: Rule) -> str | None:
    """Short texts only are tried, so that no pattern takes long here."""
    fits = found.compiled.fullmatch
    if all(map(fits, _ANYTHING)) or fits(_PROBE):
        return "it matches any command"
    for name in sorted(INTERPRETERS):
        if any(map(fits, _probes(name, found.prefix))):
            return f"{name!r} runs what its arguments say: name them in the pattern"
    for name in sorted(WITH_SUBCOMMANDS):
        if any(map(fits, _probes(name, found.prefix))):
            return (
                f"after {name!r} it must name the sub-command, as in `git (status|diff|log)( .*)?`"
            )
    word = re.match(r"\^?([\w./-]+)\.[*+]", found.text, re.ASCII)
    if word and fits(word[1] + _PROBE):
        return f"it also matches programs whose name only begins so: write `{word[1]}( .*)?`"
    return None


def _probes(name: str, prefix: str) -> Iterator[str]:
    texts = (f"{name} {arguments}" for arguments in _ARGUMENTS)
    return (text for text in texts if text.startswith(prefix))


def _pieces(pattern: str) -> list[str]:
    return [piece.group() for piece in _PIECE.finditer(pattern)]


def _is_repeat(piece: str) -> bool:
    return piece in ("*", "+", "?") or (piece.startswith("{") and len(piece) > 1)


def _shape(pattern: str) -> tuple[int, int, bool]:
    """Repeats, doubles, and whether there is a repeated group or an unknown construct."""
    repeats, doubles, is_nested = 0, 0, False
    before = ""
    for piece in _pieces(pattern):
        if _is_repeat(piece):
            if not _is_repeat(before):
                doubles += piece == "?"
                repeats += piece != "?"
                is_nested = is_nested or (piece != "?" and before == ")")
        elif piece == "|":
            doubles += 1
        elif piece == "(?" or (piece[0] == "\\" and piece[1:].isdigit()):
            is_nested = True
        before = piece
    return repeats, doubles, is_nested


def prefix(pattern: str) -> str:
    """The literal text with which all that a pattern matches begins; known without compiling it."""
    depth, out, is_literal = 0, "", True
    pieces = _pieces(pattern.removeprefix("^"))
    for at, piece in enumerate(pieces):
        if piece == "|" and depth == 0:
            return ""
        depth += piece.startswith("(") - (piece == ")")
        char = _literal(piece)
        is_repeated = at + 1 < len(pieces) and _is_repeat(pieces[at + 1])
        is_literal = is_literal and char is not None and not is_repeated
        out += char if is_literal and char is not None else ""
    return out


def _literal(piece: str) -> str | None:
    """The one character that a piece stands for; `None` where it may be others."""
    if len(piece) == 2 and piece[0] == "\\":
        return None if piece[1].isalnum() else piece[1]
    return None if len(piece) != 1 or piece in r".^$*+?{}[]()|\\" else piece


def all_match(texts: Sequence[str], rules: Sequence[Rule], *, deadline: float) -> bool:
    """Whether each text is matched in full by a rule; no where that is not known by the deadline."""
    slow: list[Rule] = []
    left: list[str] = []
    for text in texts:
        near = [one for one in rules if text.startswith(one.prefix)]
        quick = [one for one in near if one.is_quick(len(text))]
        if time.monotonic() > deadline:
            return False
        if any(one.compiled.fullmatch(text) for one in quick):
            continue
        if len(quick) == len(near):
            return False
        left.append(text)
        slow += [one for one in near if one not in quick and one not in slow]
    return not left or _in_worker(left, slow, deadline)


def _in_worker(texts: list[str], rules: list[Rule], deadline: float) -> bool:
    job = json.dumps({"texts": texts, "patterns": [one.text for one in rules]})
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_WORKER)],
            input=job.encode(),
            capture_output=True,
            timeout=max(0.001, deadline - time.monotonic()),
            check=False,
        )
        return done.stdout == b"yes"
    return False
