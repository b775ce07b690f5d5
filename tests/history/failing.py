"""Lets one system call of a write path fail: python -m tests.history.failing PATH FOLDER prints what was said as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import TaskCreated, TurnStarted
from kimi_jupyter.safety.settings import SettingsFile
from tests.tools.support import call, work_in

FAULTS = (
    ("write,pwrite64", "ENOSPC"),
    ("write,pwrite64", "EDQUOT"),
    ("write,pwrite64", "EIO"),
    ("openat", "EMFILE"),
    ("openat", "EROFS"),
    ("fsync,fdatasync", "EIO"),
    ("rename,renameat,renameat2", "EROFS"),
    ("rename,renameat,renameat2", "ENOSPC"),
    ("unlink,unlinkat", "EIO"),
    ("ftruncate", "EIO"),
    ("fchmod,fchmodat,chmod", "EROFS"),
)
MOST = 10
OLD, NEW = "old\n" * 2_000, "new\n" * 3_000


def edit(folder: Path) -> None:
    work = work_in(folder)
    result = asyncio.run(call("write_file", work, path="file.txt", content=NEW))
    assert result.ok, result.output


def careless_edit(folder: Path) -> None:
    """What is not done: the file is emptied first and then written."""
    (folder / "ws" / "file.txt").write_text(NEW)


def append(folder: Path) -> None:
    log = Log.open(folder / "task.jsonl")
    try:
        for number in range(2):
            log.emit(TurnStarted(text=f"message {number} " + "x" * 5_000))
    finally:
        log.close()


def index(folder: Path) -> None:
    store = Store(folder / "data", folder / "ws")
    assert [task.title for task in store.list("find")] == ["find me"]


def settings(folder: Path) -> None:
    SettingsFile(folder / "settings", environ={"JUPYTERLAB_DIR": str(folder)}).remember_command(
        "^ls$"
    )


PATHS: dict[str, Callable[[Path], None]] = {
    "edit": edit,
    "careless_edit": careless_edit,
    "append": append,
    "index": index,
    "settings": settings,
}


def prepare(folder: Path) -> None:
    """What is there before."""
    (folder / "ws").mkdir(parents=True)
    (folder / "ws" / "file.txt").write_text(OLD)
    Log.create(folder / "task.jsonl", TaskCreated(title="t")).close()
    file = SettingsFile(folder / "settings", environ={"JUPYTERLAB_DIR": str(folder)}).path
    file.parent.mkdir(parents=True)
    file.write_text('{"kimi.mode": "plan"}')
    store = Store(folder / "data", folder / "ws")
    store.create(TaskCreated(title="find me")).close()
    store.list()


def said(act: Callable[[Path], None], folder: Path) -> str:
    try:
        act(folder)
    except KimiError as error:
        return str(error)
    except BaseException as error:
        return f"FAULT {type(error).__name__}: {error}"
    return ""


def run(act: Callable[[Path], None], folder: Path, calls: str, error: str, number: int) -> bool:
    """Do it in a child, with that call of it failing; what it said is in `said`. Whether there was such a call."""
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(wait, 1)
        text = said(act, folder)
        while True:  # the call that fails may be one of these
            with contextlib.suppress(OSError):
                (folder / "said").write_text(text)
                os._exit(0)
    trace = folder / "trace"
    inject = f"inject={calls}:error={error}:when={number}"
    command = ["strace", "-f", "-o", str(trace), "-e", f"trace={calls}", "-e", inject]
    with subprocess.Popen(
        [*command, "-p", str(child)], stderr=subprocess.PIPE, text=True
    ) as strace:
        assert strace.stderr is not None
        told = strace.stderr.readline()
        if "attached" not in told:
            os.kill(child, 9)
            raise SystemExit(f"strace could not attach: {told}")
        os.write(go, b"x")
        os.waitpid(child, 0)
    os.close(wait)
    os.close(go)
    return "(INJECTED)" in trace.read_text()


def main() -> None:
    name, top = sys.argv[1], Path(sys.argv[2])
    prepare(top / "warm")
    assert said(PATHS[name], top / "warm") == ""  # imports that come late are done
    found: list[tuple[str, str, str, list[str]]] = []
    for calls, error in FAULTS:
        for number in range(1, MOST + 1):
            folder = top / f"{calls.partition(',')[0]}-{error}-{number}"
            prepare(folder)
            if not run(PATHS[name], folder, calls, error, number):
                break
            left = (folder / "ws" / "file.txt").read_text()
            text = {OLD: "old", NEW: "new"}.get(left, "neither")
            texts = [text, (folder / "said").read_text(), said(PATHS[name], folder)]
            found.append((calls, error, str(folder), texts))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
