"""Open JupyterLab with the Kimi sidebar on a copy of the sample workspace; further arguments go to JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from jupyterlab_server.workspaces_handler import WorkspacesManager

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "kimi_jupyter" / "demo" / "workspace"
COPY = ROOT / ".jupyterlab-demo"
LAYOUTS = ROOT / "build" / "demo-layouts"
PANEL = "kimi-jupyter-panel"


def layout(notebook: str | None) -> dict[str, object]:
    """JupyterLab's first layout: our panel open at the left, a notebook in the middle."""
    shell: dict[str, object] = {
        "left": {"collapsed": False, "visible": True, "current": PANEL, "widgets": [PANEL]},
        "relativeSizes": [0.34, 0.66, 0],
    }
    data: dict[str, object] = {"layout-restorer:data": shell}
    if notebook is not None:
        widget = f"notebook:{notebook}"
        dock = {"type": "tab-area", "currentIndex": 0, "widgets": [widget]}
        shell["main"] = {"dock": dock, "current": widget}
        data[widget] = {"data": {"path": notebook, "factory": "Notebook"}}
    return {"data": data, "metadata": {"id": "default"}}


def save_layout(folder: Path, notebook: str | None) -> None:
    """Write it where JupyterLab looks for its default workspace."""
    folder.mkdir(parents=True, exist_ok=True)
    WorkspacesManager(str(folder)).save("default", json.dumps(layout(notebook)))


def copy_sample(folder: Path) -> str | None:
    """Copy the sample workspace unless it is there; give the name of its first notebook."""
    if not folder.exists():
        shutil.copytree(SAMPLE, folder)
    return next((path.name for path in sorted(folder.glob("*.ipynb"))), None)


def main() -> None:
    """Copy what is missing and become JupyterLab."""
    notebook = copy_sample(COPY)
    if not LAYOUTS.exists():
        save_layout(LAYOUTS, notebook)
    os.environ.setdefault("KIMI_JUPYTER_OFFLINE", "1")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    options = [f"--ServerApp.root_dir={COPY}", f"--LabApp.workspaces_dir={LAYOUTS}"]
    if is_root:
        options.append("--allow-root")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options, *sys.argv[1:]])


if __name__ == "__main__":
    main()
