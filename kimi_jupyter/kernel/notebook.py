"""Which notebook the running cell is in, as far as the kernel can know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit


def notebook_path(
    namespace: Mapping[str, object], environ: Mapping[str, str], cell: str
) -> str | None:
    """An absolute path, or `None`. VS Code leaves it in the namespace and in the cell's URI, Jupyter Server in the environment.

    Jupyter Server's name is the one at the kernel's start; where the server itself can be asked, its word is better.
    """
    given = namespace.get("__vsc_ipynb_file__")
    uri = urlsplit(cell)
    candidates = (
        given if isinstance(given, str) else "",
        unquote(uri.path) if uri.scheme == "vscode-notebook-cell" else "",
        environ.get("JPY_SESSION_NAME", ""),
    )
    for candidate in candidates:
        if (
            candidate.endswith(".ipynb")
            and "-jvsc-" not in candidate
            and Path(candidate).is_absolute()
        ):
            return candidate
    return None


def inside(path: str | None, workspace: str) -> str | None:
    """The path relative to the workspace, with `/`; `None` where it is not inside."""
    if path is None:
        return None
    try:
        return Path(path).resolve().relative_to(Path(workspace).resolve()).as_posix()
    except (ValueError, OSError):
        return None
