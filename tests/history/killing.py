"""Kills one write path at each of its system calls in turn: python -m tests.history.killing PATH FOLDER prints what was left as JSON."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.events import TaskCreated, TurnStarted
from kimi_jupyter.safety.files import replace
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.settings import SettingsFile

CALLS = (
    "openat",
    "write,pwrite64",
    "fsync,fdatasync",
    "rename,renameat,renameat2",
    "unlink,unlinkat",
    "ftruncate",
    "link,linkat",
    "fchmod,fchmodat,chmod",
)
MOST = 12
OLD, NEW = b"old\n" * 5_000, b"new\n" * 7_000


def edit(folder: Path) -> None:
    old = hashlib.sha256(OLD).hexdigest()
    replace(Workspace(folder / "work"), "link.txt", NEW, expected=old)


def careless_edit(folder: Path) -> None:
    """What is not done: the file is emptied first and then written."""
    (folder / "work" / "file.txt").write_bytes(NEW)


def append(folder: Path) -> None:
    log = Log.open(folder / "task.jsonl")
    for number in range(3):
        log.emit(TurnStarted(text=f"message {number} " + "x" * 10_000))
    log.close()


def index(folder: Path) -> None:
    Store(folder / "data", folder / "work").list()


def settings(folder: Path) -> None:
    SettingsFile(folder / "settings", environ={"JUPYTERLAB_DIR": str(folder)}).remember_command(
        "^ls$"
    )


def restore(folder: Path) -> None:
    store = Store(folder / "data", folder / "work")
    id = (folder / "id").read_text()
    asyncio.run(store.checkpoints(id).restore(store.events(id), 2))


PATHS: dict[str, Callable[[Path], None]] = {
    "edit": edit,
    "careless_edit": careless_edit,
    "append": append,
    "index": index,
    "settings": settings,
    "restore": restore,
}


def prepare(folder: Path) -> None:
    """What is there before."""
    (folder / "work").mkdir(parents=True)
    (folder / "work" / "file.txt").write_bytes(OLD)
    (folder / "work" / "file.txt").chmod(0o640)
    (folder / "work" / "link.txt").symlink_to("file.txt")
    log = Log.create(folder / "task.jsonl", TaskCreated(title="t"))
    log.close()
    file = SettingsFile(folder / "settings", environ={"JUPYTERLAB_DIR": str(folder)}).path
    file.parent.mkdir(parents=True)
    file.write_text('{"kimi.mode": "plan"}')
    store = Store(folder / "data", folder / "work")
    task = store.create(TaskCreated(title="t"))
    task.emit(TurnStarted(text="go"))
    (folder / "work" / "file.txt").write_bytes(b"before\n")
    after = hashlib.sha256(OLD).hexdigest()
    checkpoint = asyncio.run(store.checkpoints(task.id).write("c", {"file.txt": after}))
    assert checkpoint is not None
    task.emit(checkpoint)
    task.close()
    (folder / "work" / "file.txt").write_bytes(OLD)
    (folder / "id").write_text(task.id)


def run(act: Callable[[Path], None], folder: Path, calls: str, number: int) -> bool:
    """Do it in a child that is killed at the call of that number; whether it came to that."""
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(wait, 1)
        try:
            act(folder)
        finally:
            os._exit(0)
    inject = f"inject={calls}:signal=KILL:when={number}"
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject]
    with subprocess.Popen(
        [*command, "-p", str(child)], stderr=subprocess.PIPE, text=True
    ) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline()
        if "attached" not in said:
            os.kill(child, 9)
            raise SystemExit(f"strace could not attach: {said}")
        os.write(go, b"x")
        status = os.waitpid(child, 0)[1]
    os.close(wait)
    os.close(go)
    return os.WIFSIGNALED(status)


def main() -> None:
    name, top = sys.argv[1], Path(sys.argv[2])
    kills: list[tuple[str, str]] = []
    for calls in CALLS:
        for number in range(1, MOST + 1):
            folder = top / f"{calls.partition(',')[0]}-{number}"
            prepare(folder)
            if not run(PATHS[name], folder, calls, number):
                break
            kills.append((calls, str(folder)))
    print(json.dumps(kills))


if __name__ == "__main__":
    main()
