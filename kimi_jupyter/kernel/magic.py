"""The `%%kimi` and `%kimi` magics; light, so that loading them costs next to nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kimi_jupyter.kernel.session import Session

_CELL = "get_ipython().run_cell_magic('kimi', "
_AWAITED = "await get_ipython().kimi_cell("


class Magics:
    """Both magics of one shell; the agent's side is imported and started by the first use."""

    def __init__(self, ip: InteractiveShell) -> None:
        self._ip: Any = ip  # IPython's own types are partial
        self._folder = Path.cwd()
        self._session: Session | None = None

    def session(self) -> Session:
        """The conversation of this shell."""
        if self._session is None:
            # Imported here: pydantic and our types take longer than loading the extension may take.
            from kimi_jupyter.kernel.session import Session

            self._session = Session(self._ip, self._folder, os.environ)
        return self._session

    def line(self, line: str) -> None:
        """`%kimi ...`"""
        self.session().line(line)

    def cell(self, line: str, cell: str) -> None:
        """`%%kimi` where the cell can't be awaited."""
        self.session().run_stepped(line, cell)

    async def awaited(self, line: str, cell: str) -> None:
        """`%%kimi` as the transformer calls it."""
        await self.session().run_awaited(line, cell)

    def close(self) -> None:
        """Stop what runs and end the agent."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def transform(self, lines: list[str]) -> list[str]:
        """Have a `%%kimi` cell awaited where that is possible; the cell then runs until the turn ends."""
        if lines and lines[0].startswith(_CELL) and self._can_await():
            return [_AWAITED + lines[0][len(_CELL) :], *lines[1:]]
        return lines

    def _can_await(self) -> bool:
        ip = self._ip
        return (
            getattr(ip, "kernel", None) is not None
            and bool(ip.autoawait)
            and ip.loop_runner is ip.loop_runner_map["asyncio"][0]
        )


def load(ip: InteractiveShell) -> None:
    """Add the magics."""
    unload(ip)
    magics = Magics(ip)
    shell: Any = ip  # its types are partial, and it takes attributes of ours
    shell.register_magic_function(magics.line, "line", "kimi")
    shell.register_magic_function(magics.cell, "cell", "kimi")
    shell.kimi = magics
    shell.kimi_cell = magics.awaited
    shell.input_transformers_post.append(magics.transform)


def unload(ip: InteractiveShell) -> None:
    """Take the magics away, and end what they started."""
    shell: Any = ip
    magics = getattr(shell, "kimi", None)
    if not isinstance(magics, Magics):
        return
    shell.input_transformers_post.remove(magics.transform)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("kimi", None)
    del shell.kimi, shell.kimi_cell
    magics.close()
