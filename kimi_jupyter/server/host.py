"""What the extension keeps for the life of the server; light, so that loading it costs next to nothing."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_jupyter.server.access import KernelAuthorizer, KernelIdentity

if TYPE_CHECKING:
    from kimi_jupyter.server.engine import Engine

_LAST_WORDS = 1.0


@dataclass(eq=False)
class Host:
    """Holds the engine, which is imported and made when a request first needs it."""

    workspace: Path
    problem: str
    """Why no turn may run on this server; empty where it may."""
    kernel_identity: KernelIdentity
    on_change: Callable[[str, str | None], None]
    """Told what changed and in which task, if in one; called on the event loop."""
    kernel_authorizer: KernelAuthorizer = field(default_factory=KernelAuthorizer)
    sending: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    """What sends events to open sockets; at shutdown the last events are given a moment to go out."""
    _making: asyncio.Task[Engine] | None = None

    async def engine(self) -> Engine:
        """The engine; all first callers wait for the same one."""
        if self._making is None or _failed(self._making):
            self._making = asyncio.create_task(self._make())
        return await asyncio.shield(self._making)

    @property
    def made(self) -> Engine | None:
        """The engine if there is one yet."""
        making = self._making
        return making.result() if making and making.done() and not _failed(making) else None

    async def close(self) -> None:
        """Stop all turns and close all logs."""
        making, self._making = self._making, None
        if making is not None and not _failed(making):
            await (await making).runtime.aclose()
            if self.sending:
                await asyncio.wait(self.sending, timeout=_LAST_WORDS)

    async def _make(self) -> Engine:
        # pydantic and our models take longer to import than the whole extension may take to load.
        module = await asyncio.to_thread(importlib.import_module, "kimi_jupyter.server.engine")
        return module.Engine(self.workspace, self.on_change)


def _failed(task: asyncio.Task[Engine]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
