"""Suggests files for a path that does not exist."""

from __future__ import annotations

import time
from difflib import get_close_matches

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety import tree
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.tree import LeftOut

_TIME = 0.5
_MOST = 3


def suggestion(ws: Workspace, path: str) -> list[str]:
    """Up to three existing paths: like-named files in the same folder, then files of the same name elsewhere."""
    folder, _, name = path.rpartition("/")
    folder = folder or "."
    try:
        names = {
            entry.name.casefold(): entry.name for entry in ws.scan(folder) if entry.kind != "folder"
        }
    except KimiError:
        names = {}
    near = get_close_matches(name.casefold(), list(names), n=_MOST, cutoff=0.6)
    found = [tree.inside(folder, names[match]) for match in near]
    for other, entry in tree.walk(ws, ".", LeftOut(), deadline=time.monotonic() + _TIME):
        if len(found) >= _MOST:
            break
        if entry.name.casefold() == name.casefold() and other not in found:
            found.append(other)
    return found
