"""The files of the workspace in order, without what ignore files and habit leave out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety.files import TEMPORARY
from kimi_jupyter.safety.ignore import SKIPPED, IgnoreFile, is_ignored, parse
from kimi_jupyter.safety.paths import Entry, Workspace

_MOST_DEPTH = 200
Chain = tuple[IgnoreFile, ...]


@dataclass(slots=True)
class LeftOut:
    """What a walk did not show."""

    skipped: set[str] = field(default_factory=set[str])
    """Names of folders that are never entered."""
    ignored: int = 0
    """Entries that `.gitignore` leaves out."""
    unreadable: int = 0
    """Folders that can't be read."""
    is_cut: bool = False
    """The time was over before the end."""


def inside(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return name if folder == "." else f"{folder}/{name}"


def chain_above(workspace: Workspace, folder: str) -> Chain:
    """The ignore files from the root down to the folder above this one."""
    chain: Chain = ()
    at = "."
    for part in [] if folder == "." else folder.split("/"):
        chain = _with_own(workspace, at, chain)
        at = inside(at, part)
    return chain


def read(
    workspace: Workspace, folder: str, above: Chain, left: LeftOut
) -> tuple[Chain, list[Entry]]:
    """What is in a folder and not left out, folders first, and the chain for its subfolders.

    `above` are the ignore files of the folders above.
    """
    found = workspace.scan(folder)
    chain = above
    if any(entry.name == ".gitignore" for entry in found):
        chain = _with_own(workspace, folder, above)
    kept: list[Entry] = []
    for entry in found:
        if entry.name in SKIPPED and entry.kind != "file":
            left.skipped.add(entry.name)
        elif entry.name.endswith(TEMPORARY):
            continue
        elif is_ignored(inside(folder, entry.name), chain, is_folder=entry.kind == "folder"):
            left.ignored += 1
        else:
            kept.append(entry)
    kept.sort(key=lambda entry: (entry.kind != "folder", entry.name.casefold(), entry.name))
    return chain, kept


def walk(
    workspace: Workspace, folder: str, left: LeftOut, *, deadline: float
) -> Iterator[tuple[str, Entry]]:
    """Every regular file below a folder with its path, depth first; links are not followed."""
    stack: list[tuple[str, Chain]] = [(folder, chain_above(workspace, folder))]
    while stack:
        at, above = stack.pop()
        if time.monotonic() > deadline:
            left.is_cut = True
            return
        try:
            chain, found = read(workspace, at, above, left)
        except (KimiError, OSError):
            left.unreadable += 1
            continue
        below: list[tuple[str, Chain]] = []
        for entry in found:
            path = inside(at, entry.name)
            if entry.kind == "folder" and path.count("/") < _MOST_DEPTH:
                below.append((path, chain))
            elif entry.kind == "file":
                yield path, entry
        stack.extend(reversed(below))


def _with_own(workspace: Workspace, folder: str, chain: Chain) -> Chain:
    """The chain with the folder's own ignore file, where it has one."""
    try:
        data = workspace.read_bytes(inside(folder, ".gitignore"), limit=1_000_000)
    except (KimiError, OSError):
        return chain
    return (*chain, parse(folder, data.decode("utf-8", "replace")))
