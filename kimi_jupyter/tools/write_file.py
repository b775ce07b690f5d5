"""The tool that writes a whole file."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.protocol.errors import FileUnreadable
from kimi_jupyter.safety import files
from kimi_jupyter.safety.files import TextFile
from kimi_jupyter.tools import writing
from kimi_jupyter.tools.common import shown


class WriteFileParams(Params):
    """What to write where."""

    path: str = Field(min_length=1)
    """The file, relative to the working folder. Missing folders are made."""
    content: str
    """The whole text of the file, to the last line; nothing of the present content stays."""


class WriteFile:
    """Creates a file or replaces its whole content."""

    name: ClassVar[str] = "write_file"
    description: ClassVar[str] = (
        "Create a file, or replace the whole content of one.\n"
        "Use it for new files and for rewrites of most of a file; for a change to a part of a file use apply_diff,"
        " which needs less text and can't lose the rest. Read a file before you replace it.\n"
        "Write the complete content, never a placeholder such as `... rest unchanged`. An existing file keeps its"
        " encoding, byte order mark, line ends and permissions. The user sees the difference and may reject it."
    )
    kind: ClassVar[EffectKind] = "write"
    params: ClassVar[type[Params]] = WriteFileParams

    async def effect(self, params: WriteFileParams, work: Work) -> Effect:
        """The difference to the present file; a read where there is none."""
        path = work.workspace.resolve(params.path, folder=work.folder)

        def look() -> Effect:
            before = _present(work, path)
            return writing.effect(self.name, "Write file", path, before, params.content, work)

        return await asyncio.to_thread(look)

    async def run(self, params: WriteFileParams, effect: Effect, work: Work) -> Result:
        """Write what the effect shows, if the file is still the one that it shows."""
        if effect.diff is None:
            name = shown(effect.paths[0], work)
            return Result(
                ok=True,
                output=f"{name} already has exactly this content; nothing was written.",
                summary="unchanged",
            )

        def write() -> Result:
            before = _present(work, effect.paths[0])
            return writing.write(effect, before, params.content, work)

        return await asyncio.to_thread(write)


def _present(work: Work, path: str) -> TextFile | None:
    """The file as it is; `None` where there is none yet."""
    if work.workspace.stat(path) is None:
        return None
    try:
        return files.read_text(work.workspace, path)
    except FileUnreadable as error:
        raise FileUnreadable(
            f"{error} write_file replaces text files only, so nothing was written."
        ) from error
