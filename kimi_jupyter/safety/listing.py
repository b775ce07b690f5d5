"""A folder as a tree of names, level by level within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety import tree
from kimi_jupyter.safety.paths import Entry, Workspace
from kimi_jupyter.safety.protected import is_secret
from kimi_jupyter.safety.tree import Chain, LeftOut, inside

_TIME = 5.0


class Listing:
    """Collects a folder level by level until depth, limit or time is reached; made for one folder.

    Raises `KimiError` or `OSError` where the folder can't be read.
    """

    def __init__(
        self,
        workspace: Workspace,
        path: str,
        *,
        depth: int,
        limit: int,
        hides_secrets: bool = False,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._workspace = workspace
        self._path = path
        self._hides_secrets = hides_secrets
        self._is_stopped = is_stopped
        self._left = LeftOut()
        self._secrets = 0
        self._deadline = time.monotonic() + _TIME
        self._shown: dict[str, list[Entry]] = {}
        self._totals: dict[str, int] = {}
        self._budget = limit
        level: list[tuple[str, Chain]] = [(path, tree.chain_above(workspace, path))]
        for at in range(depth + 1):
            level = self._level(level, is_shown=at < depth, is_first=at == 0)

    @property
    def total(self) -> int:
        """How many entries are shown."""
        return sum(map(len, self._shown.values()))

    def text(self, name: str) -> str:
        """The tree below the name that its folder is to have; the last line says what is not shown."""
        lines = [f"{_printable(name)}/", *self._lines(self._path, "  ")]
        return "\n".join([*lines, f"[{', '.join(self._notes())}]"])

    def _level(
        self, level: list[tuple[str, Chain]], *, is_shown: bool, is_first: bool
    ) -> list[tuple[str, Chain]]:
        below: list[tuple[str, Chain]] = []
        for folder, chain in level:
            if self._is_stopped() or time.monotonic() > self._deadline:
                self._left.is_cut = True
                return []
            try:
                own, found = tree.read(self._workspace, folder, chain, self._left)
            except (KimiError, OSError):
                if is_first:
                    raise
                self._left.unreadable += 1
                continue
            found = self._visible(folder, found)
            self._totals[folder] = len(found)
            if is_shown:
                self._shown[folder] = found[: self._budget]
                self._budget -= len(self._shown[folder])
                below += [
                    (inside(folder, entry.name), own)
                    for entry in self._shown[folder]
                    if entry.kind == "folder"
                ]
        return below

    def _visible(self, folder: str, found: list[Entry]) -> list[Entry]:
        if not self._hides_secrets:
            return found
        kept = [entry for entry in found if not is_secret(inside(folder, entry.name))]
        self._secrets += len(found) - len(kept)
        return kept

    def _lines(self, folder: str, indent: str) -> list[str]:
        lines: list[str] = []
        entries = self._shown.get(folder, [])
        for entry in entries:
            path = inside(folder, entry.name)
            lines.append(f"{indent}{_printable(entry.name)}{self._after(path, entry)}")
            if entry.kind == "folder" and self._shown.get(path):
                lines += self._lines(path, indent + "  ")
        hidden = self._totals.get(folder, 0) - len(entries)
        if hidden > 0:
            lines.append(f"{indent}… {hidden:,} more")
        return lines

    def _after(self, path: str, entry: Entry) -> str:
        if entry.kind == "folder":
            total = self._totals.get(path)
            if self._shown.get(path) or total is None:
                return "/"
            return f"/  ({total:,} entries)" if total != 1 else "/  (1 entry)"
        if entry.kind == "link":
            return "  (link)"
        return f"  {size(entry.size)}" if entry.kind == "file" else "  (no regular file)"

    def _notes(self) -> list[str]:
        total = self.total
        notes = [f"{total:,} entries shown" if total != 1 else "1 entry shown"]
        out = sorted(self._left.skipped)
        if self._left.ignored:
            out.append(f"{self._left.ignored:,} by .gitignore")
        if self._secrets:
            out.append(f"{self._secrets:,} that may hold secrets")
        if out:
            notes.append("left out: " + ", ".join(out))
        if self._budget <= 0:
            notes.append("the limit is reached: list a subfolder or raise limit")
        if self._left.unreadable:
            notes.append(f"{self._left.unreadable:,} folders could not be read")
        if self._left.is_cut:
            notes.append("the time was over before the end: list a subfolder")
        return notes


def _printable(name: str) -> str:
    """A name on one line, whatever it holds."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "replace").decode()
        for char in name
    )


def size(number: int) -> str:
    """Bytes for people: `12 B`, `3.4 KB`, `1.2 GB`."""
    value = float(number)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{number} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return ""
