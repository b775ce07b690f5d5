"""Reads what a message takes along: picked files, uploads and @mentions, fresh at the moment of sending."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from kimi_jupyter.agent.words import storable
from kimi_jupyter.protocol.commands import AttachmentRequest
from kimi_jupyter.protocol.errors import CommandRefused, FileUnreadable, KimiError, PathRefused
from kimi_jupyter.protocol.events import Attachment
from kimi_jupyter.safety.encodings import decode
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.protected import strictest

FILE_CAP = 1024 * 1024
"""Bytes of one file."""
TURN_CAP = 4 * 1024 * 1024
"""Bytes of all files of one message."""
_NOTEBOOK_CAP = 32 * 1024 * 1024
"""Bytes of a notebook on disk: its outputs are left out before the caps above count."""
_OUTPUT_CAP = 1000
"""Characters of one cell output."""

_MENTION = re.compile(r"""(?<![\w@.`/])@(?:"([^"\n]+)"|([^\s"'`<>|]+))""")
_TRAILING = ".,;:!?)]}"


def read_attachments(
    workspace: Workspace, *, folder: str, text: str, requests: Sequence[AttachmentRequest]
) -> tuple[Attachment, ...]:
    """The files of a message, each once; raises `CommandRefused` that names the file, its size and the cap.

    Blocks on the disk: call it in a thread.
    """
    found: dict[str, Attachment] = {}
    for request in requests:
        _add(found, _requested(workspace, request))
    for path in mentions(workspace, folder=folder, text=text):
        if path not in found:
            _add(found, _from_workspace(workspace, path))
    return tuple(found.values())


def _add(found: dict[str, Attachment], attachment: Attachment) -> None:
    found.setdefault(attachment.path, attachment)
    total = sum(map(_weight, found.values()))
    if total > TURN_CAP:
        raise CommandRefused(
            f"Not sent: with {attachment.path!r} ({_size(_weight(attachment))}) the attachments come to {_size(total)}; "
            f"one message takes {_size(TURN_CAP)}. Leave some out."
        )


def mentions(workspace: Workspace, *, folder: str, text: str) -> Iterator[str]:
    """Workspace files that the text names with `@`; a word that names no file is just a word."""
    for match in _MENTION.finditer(text):
        given = match[1] or match[2]
        names = dict.fromkeys((given, given.rstrip(_TRAILING)))
        path = next(
            (
                path
                for name in names
                for base in dict.fromkeys((".", folder))
                if name and (path := _existing(workspace, name, base)) is not None
            ),
            None,
        )
        if path is not None:
            yield path


def _existing(workspace: Workspace, name: str, folder: str) -> str | None:
    try:
        path = workspace.resolve(name, folder=folder)
        stat = workspace.stat(path)
    except (KimiError, OSError):
        return None
    return path if stat is not None and stat.st_mode & 0o170000 == 0o100000 else None


def _requested(workspace: Workspace, request: AttachmentRequest) -> Attachment:
    if request.content is not None:
        return _uploaded(request.path, request.content)
    try:
        path = workspace.resolve(request.path)
    except KimiError as error:
        raise CommandRefused(f"Not sent: {error}") from error
    return _from_workspace(workspace, path)


def _uploaded(name: str, content: str) -> Attachment:
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CommandRefused(
            f"Not sent: the upload of {name!r} is damaged. Attach it again."
        ) from error
    return _attachment(name, data)


def _from_workspace(workspace: Workspace, path: str) -> Attachment:
    cap = _NOTEBOOK_CAP if _is_notebook(path) else FILE_CAP
    try:
        guard = strictest((path, workspace.real(path)), root=workspace.root)
        if guard is not None and guard.read:
            raise CommandRefused(
                f"Not sent: {guard.why} So it is not given to the model; leave it out, "
                "or copy the lines that matter into the message."
            )
        stat = workspace.stat(path)
        if stat is None:
            raise CommandRefused(f"Not sent: there is no file {path!r} in the workspace.")
        if stat.st_mode & 0o170000 == 0o040000:
            raise CommandRefused(f"Not sent: {path!r} is a folder; attach its files.")
        if stat.st_size > cap:
            raise _too_large(path, stat.st_size, cap)
        return _attachment(path, workspace.read_bytes(path, limit=cap))
    except OSError as error:
        raise CommandRefused(f"Not sent: {path!r} can't be read ({error.strerror}).") from error
    except (FileUnreadable, PathRefused) as error:
        raise CommandRefused(f"Not sent: {error}") from error


def _attachment(path: str, data: bytes) -> Attachment:
    text = _decoded(path, data)
    if _is_notebook(path):
        text = notebook_text(text) or text
    size = len(text.encode()) if _is_notebook(path) else len(data)
    if size > FILE_CAP:
        raise _too_large(path, size, FILE_CAP)
    return Attachment(path=path, text=text, size=len(data))


def _decoded(path: str, data: bytes) -> str:
    try:
        text, _, _ = decode(data, path)
    except FileUnreadable as error:
        raise CommandRefused(f"Not sent: {error}") from error
    return storable(text.replace("\r\n", "\n"))


def _is_notebook(path: str) -> bool:
    return path.lower().endswith(".ipynb")


def _weight(attachment: Attachment) -> int:
    return len(attachment.text.encode())


def _too_large(path: str, size: int, cap: int) -> CommandRefused:
    return CommandRefused(
        f"Not sent: {path!r} has {_size(size)}; a file may have {_size(cap)}. "
        "Leave it out: the agent can read parts of a workspace file by itself."
    )


def _size(count: int) -> str:
    return (
        f"{count / 1024 / 1024:.2f} MB".replace(".00 ", " ")
        if count >= 1024 * 1024
        else f"{count / 1024:.1f} kB"
    )


def notebook_text(source: str) -> str | None:
    """A notebook as the text of its cells with short outputs; `None` for what is no notebook of format 4."""
    try:
        notebook: object = json.loads(source)
    except (ValueError, RecursionError):
        return None
    cells = cast("dict[str, Any]", notebook).get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return None
    return "\n\n".join(
        _cell_text(number, cast("dict[str, Any]", cell))
        for number, cell in enumerate(cast("list[object]", cells), 1)
        if isinstance(cell, dict)
    )


def _cell_text(number: int, cell: dict[str, Any]) -> str:
    name = f" id={cell['id']}" if isinstance(cell.get("id"), str) else ""
    parts = [
        f"[cell {number}: {cell.get('cell_type', 'unknown')}{name}]\n{_joined(cell.get('source'))}"
    ]
    outputs = cell.get("outputs")
    for output in cast("list[object]", outputs) if isinstance(outputs, list) else []:
        text = _output_text(cast("dict[str, Any]", output)) if isinstance(output, dict) else ""
        if len(text) > _OUTPUT_CAP:
            text = f"{text[:_OUTPUT_CAP]}\n[{len(text) - _OUTPUT_CAP} characters left out]"
        if text:
            parts.append(f"[output of cell {number}]\n{text}")
    return "\n".join(parts)


def _output_text(output: dict[str, Any]) -> str:
    if "text" in output:
        return _joined(output["text"])
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {output.get('evalue')}"
    data = output.get("data")
    if not isinstance(data, dict):
        return ""
    bundle = cast("dict[str, Any]", data)
    if "text/plain" in bundle:
        return _joined(bundle["text/plain"])
    return f"[{', '.join(sorted(bundle))}]"


def _joined(text: object) -> str:
    """Notebooks hold text whole or as a list of lines."""
    if isinstance(text, list):
        return "".join(part for part in cast("list[object]", text) if isinstance(part, str))
    return text if isinstance(text, str) else ""
