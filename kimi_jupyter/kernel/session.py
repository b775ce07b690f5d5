"""The conversation of one shell: it starts the agent's side at the first use, and runs one cell at a time."""

from __future__ import annotations

import asyncio
import atexit
import functools
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_jupyter.kernel import cell
from kimi_jupyter.kernel.agent_thread import AgentThread
from kimi_jupyter.kernel.client import ServerBackend
from kimi_jupyter.kernel.find import connection_file, find_server
from kimi_jupyter.kernel.lines import run_line
from kimi_jupyter.kernel.link import Backend, Opening
from kimi_jupyter.kernel.notebook import notebook_path
from kimi_jupyter.kernel.options import read_cell
from kimi_jupyter.kernel.surface import cell_id, surface_of
from kimi_jupyter.protocol.errors import KimiError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_LINES = {"/new": "new", "/clear": "new", "/history": "history"}


class Session:
    """Lives as long as the magics are loaded."""

    def __init__(self, ip: InteractiveShell, folder: Path, environ: Mapping[str, str]) -> None:
        self._ip: Any = ip  # IPython's own types are partial
        self._kernel: Any = getattr(ip, "kernel", None)
        self._folder = folder
        self._environ = environ
        self._is_busy = False
        self._agent = AgentThread(self._connect)
        atexit.register(self.close)

    async def _connect(self) -> Backend:
        connection = connection_file() if self._kernel is not None else None
        find = functools.partial(find_server, connection, self._environ)
        server = await asyncio.to_thread(find)
        if server is not None:
            return ServerBackend(server, find)
        return await asyncio.to_thread(self._own_backend)

    def _own_backend(self) -> Backend:
        # Imported here: a kernel that has a server never needs the runtime.
        from kimi_jupyter.kernel.host import KernelBackend

        return KernelBackend(self._folder, name=f"kernel:{uuid.uuid4().hex}")

    async def run_awaited(self, line: str, body: str) -> None:
        """One `%%kimi` cell on the kernel's loop."""
        if self._is_line(line, body):
            return
        with self._cell(line, body) as opening:
            await cell.run_awaited(self._ip, self._agent, opening)

    def run_stepped(self, line: str, body: str) -> None:
        """One `%%kimi` cell that can't be awaited."""
        if self._is_line(line, body):
            return
        with self._cell(line, body) as opening:
            cell.run_stepped(self._ip, self._agent, opening)

    def _is_line(self, line: str, body: str) -> bool:
        """Do a slash command that is the client's: it shows or starts something else than a turn."""
        word = _LINES.get(f"{line}\n{body}".strip())
        if word is not None:
            self.line(word)
        return word is not None

    def line(self, line: str) -> None:
        """One `%kimi` line."""
        try:
            cell.show(self._ip, run_line(line, self._agent))
        except KimiError as error:
            raise cell.usage_error(str(error)) from None

    def close(self) -> None:
        """Stop what this kernel started."""
        atexit.unregister(self.close)
        self._agent.close()

    @contextmanager
    def _cell(self, line: str, body: str) -> Generator[Opening]:
        if self._is_busy:
            raise cell.usage_error(
                "A `%%kimi` cell of this notebook is still running; wait for it, or interrupt it."
            )
        try:
            options = read_cell(line, body)
        except KimiError as error:
            raise cell.usage_error(str(error)) from None
        self._is_busy = True
        try:
            yield Opening(
                text=options.text,
                client=f"cell:{uuid.uuid4().hex}",
                notebook=notebook_path(self._ip.user_ns, self._environ, cell_id(self._kernel)),
                is_new=options.is_new,
                mode=options.mode,
                model=options.model,
                is_attended=surface_of(self._kernel) != "headless",
            )
        finally:
            self._is_busy = False
