"""Reads what a message takes along: picked files, uploads and @mentions, fresh at the moment of sending."""

from __future__ import annotations

import base64
import binascii
import re
import stat
from collections.abc import Iterator, Sequence

from kimi_jupyter.agent.notebook_text import notebook_text
from kimi_jupyter.agent.words import storable
from kimi_jupyter.protocol.commands import AttachmentRequest
from kimi_jupyter.protocol.errors import CommandRefused, FileUnreadable, KimiError, PathRefused
from kimi_jupyter.protocol.events import Attachment
from kimi_jupyter.safety import pictures
from kimi_jupyter.safety.encodings import decode
from kimi_jupyter.safety.listing import Listing
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.protected import is_secret, strictest

FILE_CAP = 1024 * 1024
"""Bytes of one file."""
TURN_CAP = 4 * 1024 * 1024
"""Bytes of all files of one message."""
_NOTEBOOK_CAP = 32 * 1024 * 1024
"""Bytes of a notebook on disk: its outputs are left out before the caps above count."""
_FOLDER_DEPTH = 3
_FOLDER_LIMIT = 200
"""Entries of a folder that are named."""

_MENTION = re.compile(r"""(?<![\w@.`/])@(?:"([^"\n]+)"|([^\s"'`<>|]+))""")
_TRAILING = ".,;:!?)]}"


def read_attachments(
    workspace: Workspace, *, folder: str, text: str, requests: Sequence[AttachmentRequest]
) -> tuple[Attachment, ...]:
    """The files and folders of a message, each once; raises `CommandRefused` that names the file, its size and the cap.

    Blocks on the disk: call it in a thread.
    """
    found: list[Attachment] = []
    for request in requests:
        _add(found, _requested(workspace, request))
    for path in dict.fromkeys(mentions(workspace, folder=folder, text=text)):
        _add(found, _from_workspace(workspace, path))
    return tuple(found)


def _add(found: list[Attachment], attachment: Attachment) -> None:
    """Take it in, unless it is there already; two of one name may be different files, one of them uploaded."""
    if attachment in found:
        return
    found.append(attachment)
    total = sum(map(_weight, found))
    if total > TURN_CAP:
        raise CommandRefused(
            f"Not sent: with {attachment.path!r} ({_size(_weight(attachment))}) the attachments come to {_size(total)}; "
            f"one message takes {_size(TURN_CAP)}. Leave some out."
        )


def mentions(workspace: Workspace, *, folder: str, text: str) -> Iterator[str]:
    """Workspace files and folders that the text names with `@`; a word that names none is just a word."""
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
        status = workspace.stat(path)
    except (KimiError, OSError):
        return None
    if status is None:
        return None
    is_folder = stat.S_ISDIR(status.st_mode) and (bool(name.strip("./")) or name == "./")
    is_plain = is_folder or (stat.S_ISREG(status.st_mode) and not name.endswith("/"))
    return path if is_plain else None


def _requested(workspace: Workspace, request: AttachmentRequest) -> Attachment:
    if request.content is not None:
        return _uploaded(request.path, request.content)
    try:
        path = workspace.resolve(request.path)
    except KimiError as error:
        raise CommandRefused(f"Not sent: {error}") from error
    return _from_workspace(workspace, path)


def _uploaded(name: str, content: str) -> Attachment:
    if is_secret(name):
        raise CommandRefused(
            f"Not sent: {name!r} has the name of a file that may hold secrets, so it is not given to the model; "
            "leave it out, or copy the lines that matter into the message."
        )
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
        status = workspace.stat(path)
        if status is None:
            raise CommandRefused(f"Not sent: there is no file {path!r} in the workspace.")
        if stat.S_ISDIR(status.st_mode):
            return _folder(workspace, path)
        if status.st_size > cap:
            raise _too_large(path, status.st_size, cap, is_image=_is_image(workspace, path))
        return _attachment(path, workspace.read_bytes(path, limit=cap))
    except OSError as error:
        raise CommandRefused(f"Not sent: {path!r} can't be read ({error.strerror}).") from error
    except (FileUnreadable, PathRefused) as error:
        raise CommandRefused(f"Not sent: {error}") from error


def _folder(workspace: Workspace, path: str) -> Attachment:
    """A folder as the names in it, without secrets and what ignore files leave out."""
    listing = Listing(workspace, path, depth=_FOLDER_DEPTH, limit=_FOLDER_LIMIT, hides_secrets=True)
    text = storable(listing.text(path))
    return Attachment(path="./" if path == "." else f"{path}/", text=text, size=len(text.encode()))


def _attachment(path: str, data: bytes) -> Attachment:
    if pictures.is_image(data):
        if len(data) > FILE_CAP:
            raise _too_large(path, len(data), FILE_CAP, is_image=True)
        try:
            pictures.measured(data, path)
        except FileUnreadable as error:
            raise CommandRefused(f"Not sent: {error}") from error
        return Attachment(path=path, text="", size=len(data), image=pictures.data_url(data))
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
    return attachment.size if attachment.image is not None else len(attachment.text.encode())


def _is_image(workspace: Workspace, path: str) -> bool:
    with workspace.open_read(path) as file:
        return pictures.is_image(file.read(16))


def _too_large(path: str, size: int, cap: int, *, is_image: bool = False) -> CommandRefused:
    what = (
        "Save a smaller copy of the image, with fewer pixels or as JPEG, and attach that."
        if is_image
        else "Leave it out: the agent can read parts of a workspace file by itself."
    )
    return CommandRefused(
        f"Not sent: {path!r} has {_size(size)}; a file may have {_size(cap)}. {what}"
    )


def _size(count: int) -> str:
    return (
        f"{count / 1024 / 1024:.2f} MB".replace(".00 ", " ")
        if count >= 1024 * 1024
        else f"{count / 1024:.1f} kB"
    )
