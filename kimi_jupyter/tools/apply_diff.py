"""The tool that replaces exact parts of a file."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.protocol.errors import FileChanged, FileUnreadable, KimiError
from kimi_jupyter.safety import files
from kimi_jupyter.safety.files import TextFile
from kimi_jupyter.safety.lines import split_ends
from kimi_jupyter.tools import writing
from kimi_jupyter.tools.common import count, fingerprint, shown
from kimi_jupyter.tools.misses import ambiguous_text, found_at, missing_text


class Hunk(Params):
    """One replacement."""

    search: str = Field(min_length=1)
    """Text that is in the file exactly once, whitespace included; as many lines as make it unique."""
    replace: str
    """What stands there afterwards; empty to delete."""


class ApplyDiffParams(Params):
    """What to replace where."""

    path: str = Field(min_length=1)
    """The file, relative to the working folder."""
    hunks: tuple[Hunk, ...] = Field(min_length=1)
    """The replacements, in order; each is looked for in the result of those before it."""


class ApplyDiff:
    """Replaces exact, unique parts of a file; all of them or none."""

    name: ClassVar[str] = "apply_diff"
    description: ClassVar[str] = (
        "Change parts of an existing text file: each hunk replaces a text that is in the file exactly once.\n"
        "Read the file first and copy the search text from it exactly, with its indentation but without the line"
        " numbers. Take a few lines around the change, so that the place is unique. Write line ends as `\\n`, also"
        " for files that have CRLF.\n"
        "All hunks are applied or none: if one does not fit, nothing is changed, and the answer says which line is"
        " nearest and what differs. Encoding, line ends and permissions stay. For a new file or a rewrite of most of"
        " a file use write_file."
    )
    kind: ClassVar[EffectKind] = "write"
    params: ClassVar[type[Params]] = ApplyDiffParams

    async def effect(self, params: ApplyDiffParams, work: Work) -> Effect:
        """The difference to the present file; a read where there is none.

        A hunk that does not fit is a read too: the answer shows the nearest lines, and whether it fits tells of the content.
        """
        path = work.workspace.resolve(params.path, folder=work.folder)

        def look() -> Effect:
            before = _present(work, path)
            try:
                after = changed(before.text, params.hunks, shown(path, work))
            except KimiError:
                title = f"Edit file {path}: the text to replace was not found"
                digest = fingerprint(self.name, path, before.digest)
                return Effect(kind="read", title=title, paths=(path,), digest=digest)
            return writing.effect(self.name, "Edit file", path, before, after, work)

        return await asyncio.to_thread(look)

    async def run(self, params: ApplyDiffParams, effect: Effect, work: Work) -> Result:
        """Write what the effect shows, if the file is still the one that it shows; say why a hunk does not fit."""
        name = shown(effect.paths[0], work)

        def look() -> bool:
            before = _present(work, effect.paths[0])
            return changed(before.text, params.hunks, name) == before.text

        if effect.diff is None:
            if not await asyncio.to_thread(look):
                raise FileChanged(f"{name} changed since this was looked at; nothing was written.")
            return Result(
                ok=True,
                output=f"The hunks change nothing in {name}; nothing was written.",
                summary="unchanged",
            )

        def write() -> Result:
            before = _present(work, effect.paths[0])
            after = changed(before.text, params.hunks, name)
            return writing.write(effect, before, after, work)

        return await asyncio.to_thread(write)


def changed(text: str, hunks: tuple[Hunk, ...], name: str) -> str:
    """The text with all hunks applied; `KimiError` says for the first that does not fit what to do."""
    for number, hunk in enumerate(hunks, start=1):
        search, replacement = split_ends(hunk.search)[0], split_ends(hunk.replace)[0]
        places = found_at(text, search, most=2)
        if len(places) == 1:
            text = text[: places[0]] + replacement + text[places[0] + len(search) :]
            continue
        explain = ambiguous_text if places else missing_text
        parts = [f"{_hunk(number, hunks)}: {explain(text, search, replacement, name)}"]
        if len(hunks) > 1:
            parts.append(_others(text, hunks, number))
        parts.append(f"Nothing was changed; re-read the file with read_file ({name}).")
        raise KimiError("\n".join(parts))
    return text


def _hunk(number: int, hunks: tuple[Hunk, ...]) -> str:
    return f"Hunk {number} of {len(hunks)}" if len(hunks) > 1 else "apply_diff"


def _others(text: str, hunks: tuple[Hunk, ...], failed: int) -> str:
    """Which of the other hunks fit, those after the failed one tried without it."""
    fits = list(range(1, failed))
    misfits: list[int] = []
    for number, hunk in enumerate(hunks[failed:], start=failed + 1):
        search = split_ends(hunk.search)[0]
        places = found_at(text, search, most=2)
        (fits if len(places) == 1 else misfits).append(number)
        if len(places) == 1:
            replacement = split_ends(hunk.replace)[0]
            text = text[: places[0]] + replacement + text[places[0] + len(search) :]
    lines: list[str] = []
    if fits:
        lines.append(
            f"{_numbers(fits)} would have fit; send all of them again with the corrected one."
        )
    if misfits:
        lines.append(f"{_numbers(misfits)} would not fit without it.")
    return "\n".join(lines)


def _numbers(numbers: list[int]) -> str:
    return f"{count(len(numbers), 'other hunk')} ({', '.join(map(str, numbers))})"


def _present(work: Work, path: str) -> TextFile:
    if work.workspace.stat(path) is None:
        raise FileUnreadable(
            f"There is no file {shown(path, work)!r}. Use write_file to create it, or list_files to find the right path."
        )
    return files.read_text(work.workspace, path)
