"""K5: a clock that jumps changes no order and no time limit, and another user of the machine sees nothing."""

from __future__ import annotations

import ast
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Generator
from pathlib import Path

import pytest

import kimi_jupyter
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.events import TaskCreated, TextDelta, TurnEnded, TurnStarted

DAY = 86_400_000
JUMPS = {
    "a day back": -DAY,
    "a year on": 365 * DAY,
    "an hour back": -3_600_000,
    "a leap second": -1_000,
    "standing still": 0,
    "before the epoch": -1_800_000_000_000,
}


@pytest.mark.parametrize("jump", JUMPS)
def test_k5_events_keep_their_order_whatever_the_clock_does(tmp_path: Path, jump: str) -> None:
    times = iter([1_700_000_000_000 + JUMPS[jump] * (number % 2) for number in range(99)])
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), now=lambda: next(times))
    texts = [str(number) for number in range(5)]
    for text in texts:
        log.emit(TurnStarted(text=text))
        log.emit(TextDelta(reply="r", text="x"))
        log.emit(TurnEnded(reason="done"))
    log.close()
    again = Log.open(log.path, now=lambda: next(times))
    assert [event.seq for event in again.events] == list(range(1, again.last_seq + 1))
    assert [event.text for event in again.events if isinstance(event, TurnStarted)] == texts
    assert again.emit(TurnStarted(text="more")).seq == again.last_seq
    assert len([event for event in again.events if event.seq > 3]) == again.last_seq - 3
    again.close()


@pytest.mark.parametrize("jump", ["a day back", "a year on", "before the epoch"])
def test_k5_the_list_sees_every_change_whatever_time_the_files_bear(
    tmp_path: Path, jump: str
) -> None:
    here, there = (Store(tmp_path / "data", tmp_path) for _ in range(2))
    log = here.create(TaskCreated(title="first"))
    log.close()
    here.list()
    at = (1_700_000_000_000 + JUMPS[jump]) / 1000 if jump != "before the epoch" else 1.0
    for number in range(3):
        there.rename(log.id, f"name {number}")
        os.utime(log.path, (at, at))
        os.utime(log.path.parent, (at, at))
        assert [task.title for task in here.list()] == [f"name {number}"]


STAMPS = {
    "history/log.py": "when an event was stored",
    "history/images.py": "the age of files",
    "history/index.py": "the age of a folder's last change",
    "history/scan.py": "when a look began, against the times of files",
    "history/store.py": "the age of tasks in which nobody wrote",
    "models/errors.py": "the date in Retry-After",
    "models/kimi.py": "when a balance was read",
    "safety/find.py": "the age of a folder's last change",
    "safety/settings.py": "the age of the settings file",
}
"""Who may read the clock on the wall, and for what; waits and limits are none of it."""


def test_k5_danger_and_guard_only_stamps_read_the_clock_on_the_wall() -> None:
    assert wall_clocks("import time\nend = time.time() + 5\n")
    root = Path(kimi_jupyter.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if wall_clocks(path.read_text(encoding="utf-8"))
    }
    assert found - STAMPS.keys() == set(), "use time.monotonic for waits and limits"


def wall_clocks(source: str) -> list[str]:
    """Where a module reads the clock that may jump."""
    names = ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today")
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(names)
    ]


posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


@pytest.fixture
def umask() -> Generator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def used(folder: Path) -> Store:
    """A store in which everything that is kept has been made."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    (work / "a.txt").write_text("content")
    store = Store(folder / "data", work)
    log = store.create(TaskCreated(title="secret plans"))
    store.logs(log.id)
    store.checkpoints(log.id)
    store._warm.before()
    log.emit(TurnStarted(text="secret plans"))
    log.close()
    store.list("secret")
    return store


@posix
@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_k5_all_that_is_kept_is_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.txt").write_text("content")
    (tmp_path / "work" / "a.txt").chmod(0o644)
    (tmp_path / "data").mkdir()
    os.umask(mask)
    used(tmp_path)
    top = tmp_path / "data" / "kimi_jupyter"
    kept = [top, *top.rglob("*")]
    assert len([path for path in kept if path.is_file()]) >= 4
    for path in kept:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) & ~expected == 0, path
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


@posix
@pytest.mark.usefixtures("umask")
def test_k5_modes_that_others_loosened_are_tightened_at_the_next_use(tmp_path: Path) -> None:
    store = used(tmp_path)
    top = tmp_path / "data" / "kimi_jupyter"
    for path in (top, *top.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    again = Store(tmp_path / "data", tmp_path / "work")
    id = again.list()[0].id
    log = again.open(id)
    log.emit(TurnStarted(text="more"))
    log.close()
    again.list()
    assert stat.S_IMODE(top.stat().st_mode) == 0o700
    for name in (f"tasks/{id}.jsonl", "index.sqlite3", "tasks/written"):
        assert stat.S_IMODE((store.folder / name).stat().st_mode) == 0o600, name


@posix
@pytest.mark.usefixtures("umask")
def test_k5_another_user_of_the_machine_reads_nothing() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        store = used(folder)
        (folder / "careless").write_text("secret plans")
        paths = [folder / "careless", store.folder, *store.folder.rglob("*")]
        script = textwrap.dedent(
            """
            import os, sys
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
            for path in sys.argv[1:]:
                try:
                    os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
                except OSError:
                    continue
                print(os.path.basename(path))
            """
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", script, *map(str, paths)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == ["careless"]  # the danger is real, and ours is not in it
