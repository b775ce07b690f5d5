"""Kimi Jupyter: an agentic coding assistant for Jupyter on your own Moonshot key; entry points only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from jupyter_server.serverapp import ServerApp

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "kimi-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "kimi_jupyter"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from kimi_jupyter.server.extension import load

    load(server)


def load_ipython_extension(ip: InteractiveShell) -> None:
    """Add the `%%kimi` cell magic and the `%kimi` line magic."""
    from kimi_jupyter.kernel.magic import load

    load(ip)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """Take both magics away again."""
    from kimi_jupyter.kernel.magic import unload

    unload(ip)
