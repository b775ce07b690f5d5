"""K2: each system call of a write path fails once; what was there stays, the fault is said, and the next try succeeds."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import TaskCreated, TurnStarted
from kimi_jupyter.safety.settings import SettingsFile
from tests.history.failing import NEW, OLD
from tests.tools.support import call, put, work_in

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="strace is a program of Linux"),
    pytest.mark.timeout(180),
]


@dataclass
class Failed:
    """What a run left in which one call failed."""

    what: str
    folder: Path
    file: str
    """What the file holds after it: `old`, `new` or `neither`."""
    first: str
    """What was said when it failed; empty where it did not matter."""
    second: str
    """What was said to the next try."""


def runs(path: str, folder: Path) -> list[Failed]:
    if shutil.which("strace") is None:
        pytest.fail(
            "`strace` is not installed; install it (`apt-get install strace`), then try again."
        )
    command = [sys.executable, "-m", "tests.history.failing", path, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stderr
    return [
        Failed(f"{error} at {Path(left).name}", Path(left), *said)
        for _, error, left, said in json.loads(done.stdout)
    ]


def assert_said(failed: Failed) -> None:
    """A sentence, never a fault of the program; and the next try goes through."""
    assert not failed.first.startswith("FAULT"), (failed.what, failed.first)
    assert failed.second == "", (failed.what, failed.second)


def test_k2_danger_a_file_that_is_written_in_place_is_lost(tmp_path: Path) -> None:
    found = runs("careless_edit", tmp_path)
    assert any(failed.file == "neither" and failed.first for failed in found)


def test_k2_a_failed_edit_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    found = runs("edit", tmp_path)
    assert len([failed for failed in found if failed.first]) >= 5
    for failed in found:
        assert_said(failed)
        assert failed.file == ("old" if failed.first else "new"), failed.what
        assert (failed.folder / "ws" / "file.txt").read_text() == NEW  # by the next try
        assert len(os.listdir(failed.folder / "ws")) <= 2, failed.what


def test_k2_a_log_keeps_whole_lines_and_takes_more_afterwards(tmp_path: Path) -> None:
    found = runs("append", tmp_path)
    assert len([failed for failed in found if failed.first]) >= 3
    for failed in found:
        assert_said(failed)
        log = Log.open(failed.folder / "task.jsonl")
        assert isinstance(log.events[0], TaskCreated)
        texts = [event.text[:9] for event in log.events if isinstance(event, TurnStarted)]
        assert texts[-2:] == ["message 0", "message 1"], failed.what
        log.close()


def test_k2_the_list_is_complete_whatever_becomes_of_the_index(tmp_path: Path) -> None:
    for failed in runs("index", tmp_path):
        assert_said(failed)
        store = Store(failed.folder / "data", failed.folder / "ws")
        assert [task.title for task in store.list("find")] == ["find me"]


def test_k2_settings_that_could_not_be_written_are_the_old_ones_and_that_is_said(
    tmp_path: Path,
) -> None:
    found = runs("settings", tmp_path)
    assert len([failed for failed in found if failed.first]) >= 3
    for failed in found:
        assert_said(failed)
        file = SettingsFile(
            failed.folder / "settings", environ={"JUPYTERLAB_DIR": os.fspath(failed.folder)}
        )
        assert (file.read().mode, file.read().auto_approve_commands) == ("plan", ("^ls$",))


def test_k2_on_a_file_system_without_room_an_edit_is_told_and_goes_through_when_there_is_some(
    tmp_path: Path,
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small file system")
    try:
        work = work_in(small)
        put(work, {"file.txt": OLD})
        filler = small / "filler"
        room = os.statvfs(small)
        filler.write_bytes(b"x" * (room.f_bavail * room.f_bsize))
        with pytest.raises(KimiError, match="Nothing was written; the user has to make room"):
            asyncio.run(call("write_file", work, path="file.txt", content=NEW))
        assert (work.workspace.root / "file.txt").read_text() == OLD
        assert os.listdir(work.workspace.root) == ["file.txt"]
        filler.unlink()
        assert asyncio.run(call("write_file", work, path="file.txt", content=NEW)).ok
        assert (work.workspace.root / "file.txt").read_text() == NEW
    finally:
        subprocess.run(["umount", str(small)], check=True)
