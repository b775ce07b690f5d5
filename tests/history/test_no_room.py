"""K2: where there is no room on the disk, what was there stays, it is said, and all goes on when there is room again."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")

HEAD = """
import asyncio, hashlib, os, resource, signal, sys
from pathlib import Path
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import TaskCreated, TurnStarted
from kimi_jupyter.safety.files import replace
from kimi_jupyter.safety.paths import Workspace
from kimi_jupyter.safety.settings import SettingsFile
folder = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def room(size):
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if size is None else size, most))

def said(act):
    try:
        act()
    except (KimiError, OSError) as error:
        return str(error)
    raise SystemExit("it did not fail")
"""


def run(script: str, folder: Path) -> str:
    """Run it in a process of its own, since the limit holds for all of a process."""
    assert signal.SIGXFSZ
    command = [sys.executable, "-c", HEAD + textwrap.dedent(script), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_k2_danger_a_file_that_is_written_in_place_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old " * 100)
    run("room(64); said(lambda: (folder / 'f').write_text('new ' * 100))", tmp_path)
    assert (tmp_path / "f").stat().st_size <= 64


def test_k2_an_edit_that_finds_no_room_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old " * 100)
    old = hashlib.sha256(b"old " * 100).hexdigest()
    run(
        f"""
        room(64)
        edit = lambda: replace(Workspace(folder), "f", b"new " * 100, expected={old!r})
        assert "too large" in said(edit).lower()
        assert (folder / "f").read_text() == "old " * 100
        assert os.listdir(folder) == ["f"]
        room(None)
        edit()
        """,
        tmp_path,
    )
    assert (tmp_path / "f").read_text() == "new " * 100


def test_k2_settings_stay_as_they_were_and_that_is_said(tmp_path: Path) -> None:
    run(
        """
        file = SettingsFile(folder, environ={"JUPYTERLAB_DIR": str(folder)})
        file.remember_command("^first$")
        room(16)
        assert "was not remembered" in said(lambda: file.remember_command("^second$"))
        assert file.read().auto_approve_commands == ("^first$",)
        assert len(os.listdir(file.path.parent)) == 1
        room(None)
        file.remember_command("^second$")
        assert file.read().auto_approve_commands == ("^first$", "^second$")
        """,
        tmp_path,
    )


def test_k2_the_list_needs_no_room_and_a_log_and_a_fork_go_on_later(tmp_path: Path) -> None:
    run(
        """
        store = Store(folder / "data", folder)
        log = store.create(TaskCreated(title="t"))
        size = log.path.stat().st_size
        room(size)
        assert "could not be written" in said(lambda: log.emit(TurnStarted(text="x" * 99)))
        assert log.path.stat().st_size == size
        assert [task.title for task in store.list()] == ["t"]
        assert "could not be written" in said(lambda: store.fork(log.id, 1))
        assert sorted(p.name for p in log.path.parent.iterdir()) == [log.path.name, log.path.name + ".lock", "written"]
        room(None)
        log.emit(TurnStarted(text="x" * 99))
        assert [event.seq for event in store.events(log.id)] == [1, 2]
        store.fork(log.id, 2)
        """,
        tmp_path,
    )


def test_k2_an_image_without_room_is_said_and_stops_no_tool(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a").write_text("a" * 500)
    run(
        """
        store = Store(folder / "data", folder / "work")
        log = store.create(TaskCreated(title="t"))
        room(64)
        made = asyncio.run(store.checkpoints(log.id).write("c", {"a": "0" * 64}))
        assert made.uncovered == ("a (no image could be kept)",), made
        assert made.files == ()
        """,
        tmp_path,
    )
