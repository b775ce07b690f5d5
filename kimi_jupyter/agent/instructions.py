"""The workspace's own instruction files (`AGENTS.md`, `KIMI.md`), read fresh for each message."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from typing import NamedTuple

from kimi_jupyter.agent.services import Services
from kimi_jupyter.agent.words import storable
from kimi_jupyter.protocol.errors import FileUnreadable, KimiError
from kimi_jupyter.protocol.parts import Attachment
from kimi_jupyter.safety.encodings import decode
from kimi_jupyter.safety.names import shortened
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.protected import strictest
from kimi_jupyter.safety.redact import redact

NAMES = ("AGENTS.md", "KIMI.md")
CAP = 32 * 1024
"""Bytes of one file that the model is given."""


class Instructions(NamedTuple):
    """What a message takes along."""

    files: tuple[Attachment, ...]
    """The root's first, those of the working folder last, as the nearest count most."""
    problems: tuple[str, ...]
    """What was left out or cut, in words for the user."""


def read_instructions(workspace: Workspace, *, folder: str) -> Instructions:
    """The files that are there; one that may not be read is left out and said. Blocks on the disk."""
    files: list[Attachment] = []
    problems: list[str] = []
    for path, size in _present(workspace, folder, problems):
        try:
            text = _text(workspace, path, size)
        except (KimiError, OSError) as error:
            problems.append(_left_out(path, error))
            continue
        if size > CAP:
            problems.append(
                f"Of `{path}` the model is given the first {CAP // 1024} kB; the file has {size / 1024:.1f} kB."
            )
        if text.strip():
            files.append(Attachment(path=path, text=text, size=size))
    return Instructions(tuple(files), tuple(problems))


async def fresh(services: Services, *, folder: str) -> Instructions:
    """The files as they are now, without secrets; none where the setting says so."""
    if not services.settings().instruction_files:
        return Instructions((), ())
    found = await asyncio.to_thread(read_instructions, services.workspace, folder=folder)
    secrets = services.secrets()
    clean = [f.model_copy(update={"text": redact(f.text, secrets)}) for f in found.files]
    return found._replace(files=tuple(clean))


def listed(workspace: Workspace, *, folder: str = ".") -> list[dict[str, str | int]]:
    """Which files count, by path and size; reads none of them. Blocks on the disk."""
    return [{"path": path, "size": size} for path, size in _present(workspace, folder, [])]


def _present(workspace: Workspace, folder: str, problems: list[str]) -> Iterator[tuple[str, int]]:
    for place in dict.fromkeys((".", folder)):
        for name in NAMES:
            try:
                path = workspace.resolve(name, folder=place)
                status = workspace.stat(path)
                if status is None or not stat.S_ISREG(status.st_mode):
                    continue
                _check(workspace, path)
            except (KimiError, OSError) as error:
                problems.append(_left_out(name if place == "." else f"{place}/{name}", error))
                continue
            yield path, status.st_size


def _check(workspace: Workspace, path: str) -> None:
    guard = strictest((path, workspace.real(path)), root=workspace.root)
    if guard is not None and guard.read:
        raise FileUnreadable(guard.why)


def _text(workspace: Workspace, path: str, size: int) -> str:
    with workspace.open_read(path) as file:
        data = file.read(CAP + 1)
    if len(data) <= CAP:
        text, _, _ = decode(data, path)
        return storable(text.replace("\r\n", "\n"))
    whole = data[:CAP].decode("utf-8", "ignore")
    return (
        f"{storable(whole)}\n[Cut here: the file has {size:,} bytes, the first {CAP:,} are given.]"
    )


def _left_out(path: str, error: KimiError | OSError) -> str:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return f"{shortened(path)} was not given to the model: {why}"
