"""Who is out there: a notebook that draws cards, a console that can type, or nobody."""

from __future__ import annotations

import sys
from typing import Any, Literal

Surface = Literal["notebook", "console", "headless"]


def surface_of(kernel: Any) -> Surface:
    """What the cell that runs now can be answered from; `kernel` is `None` in plain IPython.

    JupyterLab, Notebook 7 and VS Code name the cell in the request; consoles name none but allow `input()`;
    nbclient, nbconvert and papermill do neither.
    """
    if kernel is None:
        return "console" if sys.stdin is not None and sys.stdin.isatty() else "headless"
    request: dict[str, Any] = kernel.get_parent("shell") or {}
    if not request.get("content", {}).get("allow_stdin"):
        return "headless"
    return "notebook" if "cellId" in (request.get("metadata") or {}) else "console"


def cell_id(kernel: Any) -> str:
    """What the front end calls the running cell: an nbformat id, in VS Code a URI, else empty."""
    if kernel is None:
        return ""
    request: dict[str, Any] = kernel.get_parent("shell") or {}
    metadata: dict[str, Any] = request.get("metadata") or {}
    return str(metadata.get("cellId", ""))
