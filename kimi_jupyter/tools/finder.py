"""Finds the lines that match a pattern: with ripgrep where it is there, else with a program of our own; both alike."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kimi_jupyter.safety import tree
from kimi_jupyter.safety.files import TEMPORARY
from kimi_jupyter.safety.ignore import SKIPPED, is_ignored
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.protected import is_secret
from kimi_jupyter.safety.tree import LeftOut
from kimi_jupyter.tools.environment import for_commands
from kimi_jupyter.tools.globs import Glob
from kimi_jupyter.tools.matcher import MOST_IN_FILE
from kimi_jupyter.tools.programs import Program
from kimi_jupyter.tools.threads import Stop

MOST_HITS = 20_000
_MATCHER = Path(__file__).with_name("matcher.py")
_HIT = re.compile(rb"([^\0\n]+)\0(\d+):(\d+):[^\n]*\n")
_OTHER_MEANING = re.compile(r"\\[<>]|[+*?}]\+")
"""What ripgrep's language reads differently."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for where."""

    workspace: Workspace
    path: str
    """A folder or a file, relative to the workspace."""
    is_folder: bool
    pattern: str
    """A regular expression of Python, found within one line."""
    ignore_case: bool
    glob: Glob | None
    seconds: float


@dataclass(slots=True)
class Found:
    """The matching lines."""

    hits: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    """By path, then line number: the byte column of the first match, from 1."""
    total: int = 0
    is_cut: bool = False
    """There are more."""
    is_full: bool = False
    """No more are taken."""
    is_late: bool = False
    """The time was over before the end."""

    def add(self, path: str, line: int, column: int) -> None:
        lines = self.hits.setdefault(path, {})
        lines[line] = column
        self.total += 1
        self.is_full = self.total >= MOST_HITS
        self.is_cut = self.is_cut or self.is_full or len(lines) >= MOST_IN_FILE


def ripgrep(workspace: Workspace) -> str | None:
    """The `rg` beside our Python, else one of the search path that is not in the workspace."""
    beside = shutil.which("rg", path=str(Path(sys.executable).parent))
    if beside:
        return beside
    other = shutil.which("rg", path=for_commands(os.environ)["PATH"])
    if other is None or workspace.root in Path(os.path.realpath(other)).parents:
        return None
    return other


def find(query: Query, stop: Stop, *, rg: str | None) -> Found:
    """All matching lines, at most `MOST_HITS`, without secret files unless one is named itself."""
    deadline = time.monotonic() + query.seconds
    if rg is not None and not _OTHER_MEANING.search(query.pattern):
        found = _with_ripgrep(query, stop, rg, deadline)
        if found is not None:
            return found
    return _with_matcher(query, stop, deadline)


def _with_ripgrep(query: Query, stop: Stop, rg: str, deadline: float) -> Found | None:
    """`None` where ripgrep can't run the pattern, so that the other way is to be taken."""
    folder, _, name = query.path.rpartition("/")
    base = query.path if query.is_folder else (folder or ".")
    arguments = [
        rg,
        *_options(query),
        "-e",
        query.pattern,
        "--",
        "./" if query.is_folder else f"./{name}",
    ]
    program = Program(
        arguments, cwd=query.workspace.absolute(base), environ=for_commands(os.environ)
    )
    wanted = _Filter(query, base)
    found = Found()
    for path, line, column in _parse(program.chunks(stop, deadline)):
        full = tree.inside(base, path.removeprefix("./"))
        if wanted.takes(full):
            found.add(full, line, column)
        if found.is_full:
            return found
    found.is_late = program.is_late
    return None if program.code not in (0, 1, None) and not found.total else found


def _options(query: Query) -> list[str]:
    options = [
        "--no-config",
        "--hidden",
        "--no-require-git",
        "--no-ignore-parent",
        "--no-ignore-dot",
        "--no-ignore-global",
        "--no-ignore-exclude",
        "--no-messages",
        "--color=never",
        "--no-heading",
        "--with-filename",
        "--line-number",
        "--column",
        "--null",
        "--max-columns=1",
        "--crlf",
        "--max-filesize=10M",
    ]
    options.append("--ignore-case" if query.ignore_case else "--case-sensitive")
    options += [f"--glob=!{name}/" for name in sorted(SKIPPED)]
    for name in query.glob.plain_names if query.glob else ():
        options.append(f"--type-add=kimi:{name}")
    return [*options, "--type=kimi"] if query.glob and query.glob.plain_names else options


class _Filter:
    """What is left out by rules that ripgrep is not told of."""

    def __init__(self, query: Query, base: str) -> None:
        self.query = query
        self.base = base
        self.above = tree.chain_above(query.workspace, base) if query.is_folder else ()
        self.known: dict[str, bool] = {}

    def takes(self, path: str) -> bool:
        if path not in self.known:
            self.known[path] = self._takes(path)
        return self.known[path]

    def _takes(self, path: str) -> bool:
        below = path if self.base == "." else path[len(self.base) + 1 :]
        if self.query.glob and not self.query.glob.matches(below):
            return False
        if not self.query.is_folder:
            return True
        if path.endswith(TEMPORARY) or is_secret(path):
            return False
        parts = below.split("/")
        folders = (tree.inside(self.base, "/".join(parts[:end])) for end in range(1, len(parts)))
        return not (
            any(is_ignored(folder, self.above, is_folder=True) for folder in folders)
            or is_ignored(path, self.above, is_folder=False)
        )


def _with_matcher(query: Query, stop: Stop, deadline: float) -> Found:
    found = Found()
    left = LeftOut()
    job = {
        "root": str(query.workspace.root),
        "pattern": query.pattern,
        "ignore_case": query.ignore_case,
    }
    paths = list(_candidates(query, stop, left, deadline))
    feed = json.dumps(job).encode() + b"\n" + b"".join(os.fsencode(path) + b"\0" for path in paths)
    program = Program(
        [sys.executable, "-I", "-S", str(_MATCHER)],
        cwd=query.workspace.root,
        environ=for_commands(os.environ),
        feed=feed,
    )
    for path, line, column in _parse(program.chunks(stop, deadline)):
        found.add(path, line, column)
        if found.is_full:
            break
    found.is_late = left.is_cut or program.is_late
    return found


def _candidates(query: Query, stop: Stop, left: LeftOut, deadline: float) -> Iterator[str]:
    folder, _, _ = query.path.rpartition("/")
    wanted = _Filter(query, query.path if query.is_folder else (folder or "."))
    if not query.is_folder:
        yield from [query.path] if wanted.takes(query.path) else []
        return
    for path, _ in tree.walk(query.workspace, query.path, left, deadline=deadline):
        if stop.is_set:
            return
        if wanted.takes(path):
            yield path


def _parse(chunks: Iterator[bytes]) -> Iterator[tuple[str, int, int]]:
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = rest.rfind(b"\n") + 1
        for hit in _HIT.finditer(rest, 0, end):
            yield os.fsdecode(hit[1]), int(hit[2]), int(hit[3])
        rest = rest[end:]
