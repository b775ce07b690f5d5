"""Writes the table of decisions: mode, tool, target and setting, as the gate's scales weigh them.

`python -m tests.safety.decisions` writes `decisions.txt`; a person reads the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

from kimi_jupyter import tools
from kimi_jupyter.agent.arguments import validated
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk

FILE = Path(__file__).with_name("decisions.txt")
MODES: tuple[Mode, ...] = get_args(Mode)
TARGETS = {
    "plain": "plain.txt",
    "new": "new/plain.txt",
    "protected": "conftest.py",
    "secret": ".env",
    "our own": ".jupyter/lab/user-settings/kimi-jupyter/settings.jupyterlab-settings",
    "link to protected": "link.txt",
    "outside": "../outside.txt",
}
COMMANDS = {
    "listed": "ls -l",
    "listed, more": "ls -l; touch x",
    "not listed": "touch x",
    "listed, redirect": "ls > conftest.py",
    "listed, secret": "ls .env",
    "our own": "ls .jupyter/lab/user-settings/kimi-jupyter/settings.jupyterlab-settings",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {"auto_approve_commands": ("ls( .*)?",)},
    "switched": {"auto_approve_commands": (), "auto_approve_read": False, "auto_approve_write": True},
}  # fmt: skip


def _calls() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for target, path in TARGETS.items():
        yield "read_file", target, {"path": path}
        yield "write_file", target, {"path": path, "content": "changed\n"}
        if target != "new":
            yield "apply_diff", target, {"path": path, "hunks": [{"search": "old", "replace": "x"}]}
    for target, command in COMMANDS.items():
        yield "execute_command", target, {"command": command}
    yield "list_files", "plain", {}
    yield "search_files", "plain", {"pattern": "x"}
    yield "todo", "-", {"items": []}
    yield "ask_user", "-", {"question": "Well?"}


def _furnish(root: Path) -> None:
    for target, path in TARGETS.items():
        if target in ("new", "link to protected", "outside"):
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("old\n")
    (root / "link.txt").symlink_to("conftest.py")


async def _verdict(d: Desk, tool: Any, arguments: dict[str, Any]) -> str:
    try:
        weighed = await d.task._gate._scales.weigh(tool, validated(tool, arguments))
    except KimiError:
        return "refuse"
    return weighed.verdict


async def table() -> str:
    """The whole table as text."""
    known = {tool.name: tool for tool in tools.ALL}
    lines = [
        f"{'tool':16} {'target':18} {'settings':9} " + " ".join(f"{m:12}" for m in MODES).rstrip()
    ]
    with tempfile.TemporaryDirectory() as folder:
        desks: dict[tuple[Mode, str], Desk] = {}
        for mode, name in product(MODES, SETTINGS):
            place = Path(folder, f"{mode}-{name}")
            place.mkdir()
            desks[mode, name] = Desk(
                place, [], tools=tools.ALL, settings=Settings(mode=mode, **SETTINGS[name])
            )
            _furnish(desks[mode, name].root)
        for name, target, arguments in sorted(_calls(), key=lambda row: row[:2]):
            for setting in SETTINGS:
                found = [
                    await _verdict(desks[mode, setting], known[name], arguments) for mode in MODES
                ]
                row = " ".join(f"{verdict:12}" for verdict in found).rstrip()
                lines.append(f"{name:16} {target:18} {setting:9} {row}")
        for d in desks.values():
            await d.task.close()
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    FILE.write_text(asyncio.run(table()), encoding="utf-8")
