"""The tool that lists a folder."""

from __future__ import annotations

import time
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety.paths import Entry
from kimi_jupyter.tools import threads, tree
from kimi_jupyter.tools.common import count, fingerprint, shown, size
from kimi_jupyter.tools.threads import Stop
from kimi_jupyter.tools.tree import Chain, LeftOut, inside

_TIME = 5.0


class ListFilesParams(Params):
    """What to list."""

    path: str = "."
    """The folder, relative to the working folder."""
    depth: int = Field(2, ge=1, le=10)
    """How many levels to show; 1 for the folder's own entries only."""
    limit: int = Field(300, ge=1, le=2000)
    """Most entries to show; upper levels come first."""


class ListFiles:
    """Shows a folder as a tree."""

    name: ClassVar[str] = "list_files"
    description: ClassVar[str] = (
        "List a folder of the workspace as a tree: folders first, files with their sizes.\n"
        "Use it to see what is there before you read or search. Version control data, `node_modules`,"
        " `.ipynb_checkpoints`, caches and what `.gitignore` names are left out; the last line says so. A folder that is"
        " not shown whole has the number of its entries beside it: list it to go deeper."
    )
    kind: ClassVar[EffectKind] = "read"
    params: ClassVar[type[Params]] = ListFilesParams

    async def effect(self, params: ListFilesParams, work: Work) -> Effect:
        """A read of the folder."""
        path = work.workspace.resolve(params.path, folder=work.folder)
        return Effect(
            kind="read",
            title=f"List files {path}",
            paths=(path,),
            digest=fingerprint(self.name, path, params.depth, params.limit),
        )

    async def run(self, params: ListFilesParams, effect: Effect, work: Work) -> Result:
        """The tree as text."""

        def body(stop: Stop) -> Result:
            listing = _Listing(params, work, stop)
            return listing.result(effect.paths[0])

        return await threads.run(body)


class _Listing:
    """Collects a folder level by level until depth, limit or time is reached."""

    def __init__(self, params: ListFilesParams, work: Work, stop: Stop) -> None:
        self.params = params
        self.work = work
        self.stop = stop
        self.left = LeftOut()
        self.deadline = time.monotonic() + _TIME
        self.shown: dict[str, list[Entry]] = {}
        self.totals: dict[str, int] = {}
        self.budget = params.limit

    def result(self, path: str) -> Result:
        level: list[tuple[str, Chain]] = [(path, tree.chain_above(self.work.workspace, path))]
        for depth in range(self.params.depth + 1):
            level = self._level(level, is_shown=depth < self.params.depth, is_first=depth == 0)
        lines = [f"{shown(path, self.work)}/" if path != "." else "./", *self._lines(path, "  ")]
        total = sum(map(len, self.shown.values()))
        lines.append(f"[{', '.join(self._notes(total))}]")
        return Result(
            ok=True,
            output="\n".join(lines),
            summary=count(total, "entry").replace("entrys", "entries"),
        )

    def _level(
        self, level: list[tuple[str, Chain]], *, is_shown: bool, is_first: bool
    ) -> list[tuple[str, Chain]]:
        below: list[tuple[str, Chain]] = []
        for folder, chain in level:
            if self.stop.is_set or time.monotonic() > self.deadline:
                self.left.is_cut = True
                return []
            try:
                own, found = tree.read(self.work.workspace, folder, chain, self.left)
            except (KimiError, OSError):
                if is_first:
                    raise
                self.left.unreadable += 1
                continue
            self.totals[folder] = len(found)
            if is_shown:
                self.shown[folder] = found[: self.budget]
                self.budget -= len(self.shown[folder])
                below += [
                    (inside(folder, entry.name), own)
                    for entry in self.shown[folder]
                    if entry.kind == "folder"
                ]
        return below

    def _lines(self, folder: str, indent: str) -> list[str]:
        lines: list[str] = []
        entries = self.shown.get(folder, [])
        for entry in entries:
            path = inside(folder, entry.name)
            lines.append(f"{indent}{_printable(entry.name)}{self._after(path, entry)}")
            if entry.kind == "folder" and self.shown.get(path):
                lines += self._lines(path, indent + "  ")
        hidden = self.totals.get(folder, 0) - len(entries)
        if hidden > 0:
            lines.append(f"{indent}… {hidden:,} more")
        return lines

    def _after(self, path: str, entry: Entry) -> str:
        if entry.kind == "folder":
            total = self.totals.get(path)
            if self.shown.get(path) or total is None:
                return "/"
            return f"/  ({total:,} entries)" if total != 1 else "/  (1 entry)"
        if entry.kind == "link":
            return "  (link)"
        return f"  {size(entry.size)}" if entry.kind == "file" else "  (no regular file)"

    def _notes(self, total: int) -> list[str]:
        notes = [f"{total:,} entries shown" if total != 1 else "1 entry shown"]
        out = sorted(self.left.skipped)
        if self.left.ignored:
            out.append(f"{self.left.ignored:,} by .gitignore")
        if out:
            notes.append("left out: " + ", ".join(out))
        if self.budget <= 0:
            notes.append("the limit is reached: list a subfolder or raise limit")
        if self.left.unreadable:
            notes.append(f"{self.left.unreadable:,} folders could not be read")
        if self.left.is_cut:
            notes.append("the time was over before the end: list a subfolder")
        return notes


def _printable(name: str) -> str:
    """A name on one line, whatever it holds."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "replace").decode()
        for char in name
    )
