"""Checkpoints of a task: what files held before it changed them, and the way back. Never touches the user's git."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kimi_jupyter.history import restoring
from kimi_jupyter.history.images import Images
from kimi_jupyter.history.restoring import Restored
from kimi_jupyter.history.scan import Mark, Scan
from kimi_jupyter.history.unfinished import Before, forget, touch
from kimi_jupyter.history.warm import Warm
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import Checkpoint, Event, ToolDone
from kimi_jupyter.protocol.parts import FileImage
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.protected import is_secret

__all__ = ["Before", "Checkpoints", "Restored"]

MOST_WRITTEN = 50_000_000
"""Bytes of a file of which an image is kept before a tool writes it."""
MOST_FILES = 5_000
ALIVE_SECONDS = 2.0
"""How often a command that runs is marked as such on the disk."""
AFTERWARDS = 10_000_000_000
"""Nanoseconds after the last such mark up to which a change is taken for the killed command's."""
MOST_NAMED = 50
"""Files without an image that are named one by one."""


class Checkpoints:
    """One task's; all work is done in threads. What can't be kept is said in the checkpoint and stops no tool.

    A write:    `emit(await checkpoints.write(call, {path: diff.after_hash}))` before the tool runs.
    A command:  `before = await checkpoints.scan(call)`; run; `emit(await checkpoints.after(before))`, then
                `checkpoints.settle(before)`. Where the process dies in between, `recovered` has what it did.
    Beside:     `since = await checkpoints.look(call)` as a command goes to the background; at its end `emit(await
                checkpoints.beside(since, left))`.
    A rewind:   `done = await checkpoints.restore(log.events, to)`; emit `Rewound(to, done.restored, done.kept)`, then
                `done.checkpoint`, in this order: a rewind to the `rewound` event then undoes it, files included.
    Each gives `None` instead of a checkpoint where there is nothing to tell.
    """

    def __init__(self, folder: Path, workspace: Workspace, warm: Warm) -> None:
        self._task = folder.name
        self._images = Images(folder)
        self._workspace = workspace
        self._warm = warm
        self._alive: dict[str, asyncio.Task[None]] = {}

    async def write(self, call: str, after: Mapping[str, str]) -> Checkpoint | None:
        """Keep what these files hold now; `after` is the SHA-256 of what each of them will hold."""
        return await asyncio.to_thread(self._write, call, after)

    async def scan(self, call: str) -> Before:
        """Look at the workspace before a command, and keep images of what it may change."""
        before = await asyncio.to_thread(self._before, call)
        self._alive[call] = asyncio.create_task(_keep_alive(before))
        return before

    async def after(self, before: Before) -> Checkpoint | None:
        """What has changed since `scan`, by the command or beside it."""
        if (alive := self._alive.pop(before.call, None)) is not None:
            alive.cancel()
        return await asyncio.to_thread(self._after, before)

    def settle(self, before: Before) -> None:
        """The checkpoint of `after` is in the log, or there was none."""
        forget(before)

    def recovered(self, events: Sequence[Event]) -> list[Checkpoint]:
        """What commands did that were killed together with the host, so that the log of `events` does not have it."""
        known = {event.call for event in events if isinstance(event, Checkpoint | ToolDone)}
        left = self._warm.unfinished.of_task(self._task)
        found = [
            self._after(before, until=alive_at + AFTERWARDS)
            for before, alive_at in left
            if before.call not in known
        ]
        return [checkpoint for checkpoint in found if checkpoint is not None]

    async def look(self, call: str) -> Before:
        """The workspace as it is now, without images; for `beside` only."""
        return Before(call, await asyncio.to_thread(self._warm.look), {})

    async def beside(self, since: Before, left: Mapping[str, str]) -> Checkpoint | None:
        """Name what has changed since `look` other than to what checkpoints say (`left`, SHA-256 by path)."""
        return await asyncio.to_thread(self._beside, since, left)

    async def restore(self, events: Iterable[Event], to: int) -> Restored:
        """Put back the files that checkpoints from the event `to` on recorded; one that changed since is left alone."""
        return await asyncio.to_thread(
            restoring.restore, self._workspace, self._images, tuple(events), to
        )

    def _before(self, call: str) -> Before:
        found, kept = self._warm.before()
        return self._warm.unfinished.put(self._task, call, found, kept)

    def _write(self, call: str, after: Mapping[str, str]) -> Checkpoint | None:
        files: list[FileImage] = []
        uncovered: list[str] = []
        for path, digest in after.items():
            try:
                before = self._present(path)
            except (KimiError, OSError):
                uncovered.append(f"{path} (no image could be kept)")
                continue
            if before is None:
                uncovered.append(f"{path} (of secrets no image is kept)")
            elif before != digest:
                files.append(FileImage(path=path, before=before, after=digest))
        return _checkpoint(call, files, uncovered)

    def _present(self, path: str) -> str | None:
        if is_secret(path):
            return None
        if self._workspace.stat(path) is None:
            return ""
        return self._images.put(self._workspace.read_bytes(path, limit=MOST_WRITTEN))

    def _after(self, before: Before, *, until: int | None = None) -> Checkpoint | None:
        """`until`: later changes are somebody else's, and are left alone."""
        now = self._warm.look()
        files: list[FileImage] = []
        uncovered: list[str] = []
        for path in _changed(before.scan, now):
            if len(files) >= MOST_FILES:
                uncovered.append(f"{path} (more than {MOST_FILES:,} files)")
                continue
            mark = now.marks.get(path)
            if until is not None and mark is not None and mark.changed_at > until:
                uncovered.append(f"{path} (changed after the agent was stopped)")
                continue
            image = self._image(path, before, mark)
            if isinstance(image, str):
                uncovered.append(f"{path} ({image})")
            elif image is not None:
                files.append(image)
        if before.scan.is_cut or now.is_cut:
            uncovered.append("files in deep folders (there are too many to look at)")
        return _checkpoint(before.call, files, uncovered)

    def _beside(self, since: Before, left: Mapping[str, str]) -> Checkpoint | None:
        now = self._warm.look()
        uncovered = [
            f"{path} (changed while a command ran in the background)"
            for path in _changed(since.scan, now)
            if not self._holds(path, now.marks.get(path), left.get(path))
        ]
        return _checkpoint(since.call, [], uncovered)

    def _holds(self, path: str, mark: Mark | None, digest: str | None) -> bool:
        """Whether a file is as a checkpoint says that it was left."""
        if digest is None or mark is None or not mark.is_file:
            return digest == "" and mark is None
        try:
            return self._digest(path) == digest
        except (KimiError, OSError):
            return False

    def _image(self, path: str, before: Before, now: Mark | None) -> FileImage | str | None:
        """What happened to a file; a sentence where it can't be undone, `None` where its content is the same."""
        if is_secret(path):
            return "of secrets no image is kept"
        was = before.scan.marks.get(path)
        if any(mark is not None and not mark.is_file for mark in (was, now)):
            return "no regular file"
        kept = before.kept.get(path, "") if was is not None else ""
        try:
            after = "" if now is None else self._digest(path)
            if was is not None and not kept:
                return "no image was kept"
            if kept == after:
                return None
            is_kept = self._images.adopt(kept, self._warm.images) if kept else True
        except (KimiError, OSError):
            return "not readable"
        return FileImage(path=path, before=kept, after=after) if is_kept else "no image was kept"

    def _digest(self, path: str) -> str:
        found = hashlib.sha256()
        with self._workspace.open_read(path) as file:
            size = 0
            while chunk := file.read(1 << 20):
                size += len(chunk)
                if size > MOST_WRITTEN:
                    raise OSError("too large")
                found.update(chunk)
        return found.hexdigest()


async def _keep_alive(before: Before) -> None:
    while True:
        await asyncio.sleep(ALIVE_SECONDS)
        await asyncio.to_thread(touch, before)


def _changed(before: Scan, now: Scan) -> list[str]:
    """Paths with another mark; what one of the two did not see is not taken for new or gone."""
    changed = [
        path
        for path, mark in now.marks.items()
        if before.marks.get(path) != mark and (path in before.marks or before.covers(path))
    ]
    changed += [path for path in before.marks if path not in now.marks and now.covers(path)]
    return sorted(changed)


def _checkpoint(call: str, files: list[FileImage], uncovered: list[str]) -> Checkpoint | None:
    if not files and not uncovered:
        return None
    if len(uncovered) > MOST_NAMED:
        more = len(uncovered) - MOST_NAMED
        uncovered = [*uncovered[:MOST_NAMED], f"{more:,} more files"]
    return Checkpoint(call=call, files=tuple(files), uncovered=tuple(uncovered))
