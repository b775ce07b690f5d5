"""K1: a write path is killed at each of its system calls, and every file is the old one or the new one."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.events import TaskCreated, TurnStarted
from kimi_jupyter.safety.files import TEMPORARY
from kimi_jupyter.safety.settings import SettingsFile
from tests.history.killing import NEW, OLD

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="strace is a program of Linux"),
    pytest.mark.timeout(180),
]


def kills(path: str, folder: Path) -> list[Path]:
    """The folders that the killed runs left, one for each system call."""
    if shutil.which("strace") is None:
        pytest.fail(
            "`strace` is not installed; install it (`apt-get install strace`), then try again."
        )
    command = [sys.executable, "-m", "tests.history.killing", path, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stderr
    return [Path(left) for _, left in json.loads(done.stdout)]


def test_k1_danger_a_file_that_is_written_in_place_is_lost(tmp_path: Path) -> None:
    left = {(folder / "work/file.txt").read_bytes() for folder in kills("careless_edit", tmp_path)}
    assert b"" in left


def test_k1_an_edit_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    folders = kills("edit", tmp_path)
    assert len(folders) >= 5
    for folder in folders:
        file = folder / "work" / "file.txt"
        assert file.read_bytes() in (OLD, NEW)
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        assert (folder / "work" / "link.txt").readlink() == Path("file.txt")
        strays = {path.name for path in file.parent.iterdir()} - {"file.txt", "link.txt"}
        assert all(name.endswith(TEMPORARY) for name in strays)


def test_k1_a_restore_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    folders = kills("restore", tmp_path)
    assert len(folders) >= 5
    for folder in folders:
        assert (folder / "work" / "file.txt").read_bytes() in (OLD, b"before\n")


def test_k1_a_log_parses_and_lacks_at_most_what_was_being_said(tmp_path: Path) -> None:
    folders = kills("append", tmp_path)
    assert len(folders) >= 4
    for folder in folders:
        log = Log.open(folder / "task.jsonl")  # the dead one's lock does not keep us out
        assert isinstance(log.events[0], TaskCreated)
        texts = [event.text[:9] for event in log.events if isinstance(event, TurnStarted)]
        assert texts == ["message 0", "message 1", "message 2"][: len(texts)]
        log.emit(TurnStarted(text="goes on"))
        log.close()


def test_k1_an_index_is_used_or_built_again(tmp_path: Path) -> None:
    folders = kills("index", tmp_path)
    assert len(folders) >= 5
    for folder in folders:
        store = Store(folder / "data", folder / "work")
        assert [task.title for task in store.list()] == ["t"]
        assert [task.title for task in store.list("go")] == ["t"]


def test_k1_settings_are_the_old_ones_or_the_new_ones(tmp_path: Path) -> None:
    folders = kills("settings", tmp_path)
    assert len(folders) >= 3
    for folder in folders:
        file = SettingsFile(folder / "settings", environ={"JUPYTERLAB_DIR": os.fspath(folder)})
        settings = file.read()
        assert (settings.mode, file.warnings) == ("plan", ())
        assert settings.auto_approve_commands in ((), ("^ls$",))
