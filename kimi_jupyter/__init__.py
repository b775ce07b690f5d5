"""Kimi Jupyter: an agentic coding assistant for Jupyter on your own Moonshot key; entry points only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimi_jupyter.version import __version__ as __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def _jupyter_labextension_paths() -> list[dict[str, str]]:  # pyright: ignore[reportUnusedFunction] -- Jupyter calls it
    return [{"src": "labextension", "dest": "kimi-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:  # pyright: ignore[reportUnusedFunction] -- Jupyter calls it
    from kimi_jupyter.server.extension import KimiJupyter

    return [{"module": "kimi_jupyter", "app": KimiJupyter}]


def load_ipython_extension(ip: InteractiveShell) -> None:
    """Add the `%%kimi` cell magic and the `%kimi` line magic."""
    from kimi_jupyter.kernel.magic import load

    load(ip)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """Take both magics away again."""
    from kimi_jupyter.kernel.magic import unload

    unload(ip)
