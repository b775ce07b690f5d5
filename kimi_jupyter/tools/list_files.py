"""The tool that lists a folder."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.safety.listing import Listing
from kimi_jupyter.tools import threads
from kimi_jupyter.tools.common import count, fingerprint, shown
from kimi_jupyter.tools.threads import Stop


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
            path = effect.paths[0]
            listing = Listing(
                work.workspace,
                path,
                depth=params.depth,
                limit=params.limit,
                is_stopped=lambda: stop.is_set,
            )
            return Result(
                ok=True,
                output=listing.text(shown(path, work) if path != "." else "."),
                summary=count(listing.total, "entry").replace("entrys", "entries"),
            )

        return await threads.run(body)
