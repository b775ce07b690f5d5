"""A command that is killed together with its host: what it did to the files is known to the next host, and can be gone back on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from kimi_jupyter.history.store import Store
from kimi_jupyter.history.warm import KEEP_SECONDS
from kimi_jupyter.protocol.events import Checkpoint, Event, TaskCreated

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="a signal that can't be caught is POSIX"),
]

HOST = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from kimi_jupyter.history.store import Store
    from kimi_jupyter.protocol.events import TaskCreated, ToolRunning, ToolStarted, TurnStarted
    folder = Path(sys.argv[1])

    async def main():
        store = Store(folder / "data", folder / "work")
        log = store.create(TaskCreated(title="t"))
        log.emit(TurnStarted(text="go"))
        log.emit(ToolStarted(call="c", name="execute_command", title="Change", arguments="{}"))
        before = await store.checkpoints(log.id).scan("c")
        log.emit(ToolRunning(call="c"))
        command = "printf new > a; rm b; printf made > sub/d; echo " + log.id + "; exec sleep 100"
        await asyncio.create_subprocess_shell(command, cwd=folder / "work")
        await asyncio.sleep(100)

    asyncio.run(main())
    """
)


@pytest.fixture
def killed(tmp_path: Path) -> tuple[Path, str]:
    """A host was killed with signal 9 while its command ran: the folder of it all, and the id of the task."""
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    for name in ("a", "b", "c"):
        (work / name).write_text(f"old {name}")
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as host:
        assert host.stdout is not None
        id = host.stdout.readline().strip()
        os.killpg(host.pid, signal.SIGKILL)
    return tmp_path, id


def opened(folder: Path, id: str) -> tuple[Store, list[Event]]:
    store = Store(folder / "data", folder / "work")
    log = store.open(id)
    log.close()
    return store, list(log.events)


def unfinished(folder: Path) -> list[Path]:
    return list((folder / "data").rglob("*.before"))


async def test_k1_what_a_killed_command_changed_goes_back(killed: tuple[Path, str]) -> None:
    folder, id = killed
    store, events = opened(folder, id)
    assert [event.type for event in events] == [
        *("task.created", "turn.started", "tool.started", "tool.running"),
        *("checkpoint", "tool.done", "turn.ended"),
    ]
    await store.checkpoints(id).restore(events, to=2)
    work = folder / "work"
    assert {path.name: path.read_text() for path in work.iterdir() if path.is_file()} == {
        name: f"old {name}" for name in "abc"
    }
    assert not (work / "sub" / "d").exists()


def test_k1_it_is_said_once_and_nothing_stays_behind(killed: tuple[Path, str]) -> None:
    folder, id = killed
    assert len(unfinished(folder)) == 1
    assert unfinished(folder)[0].stat().st_mode & 0o777 == 0o600
    opened(folder, id)
    assert unfinished(folder) == []
    _, events = opened(folder, id)
    assert sum(isinstance(event, Checkpoint) for event in events) == 1


async def test_k1_what_was_changed_after_the_kill_is_named_and_left_alone(
    killed: tuple[Path, str],
) -> None:
    folder, id = killed
    (left,) = unfinished(folder)
    os.utime(left, ns=(0, time.time_ns() - 60_000_000_000))  # a minute passed since the last sign
    (folder / "work" / "c").write_text("the user's own work")
    store, events = opened(folder, id)
    (checkpoint,) = (event for event in events if isinstance(event, Checkpoint))
    assert "c (changed after the agent was stopped)" in checkpoint.uncovered
    await store.checkpoints(id).restore(events, to=2)
    assert (folder / "work" / "c").read_text() == "the user's own work"
    assert (folder / "work" / "b").read_text() == "old b"


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b'{"call": "c"}\n[1]\nend\n'])
def test_k1_a_torn_note_of_what_was_before_harms_nothing(
    killed: tuple[Path, str], damage: bytes
) -> None:
    folder, id = killed
    unfinished(folder)[0].write_bytes(damage)
    _, events = opened(folder, id)
    assert [event.type for event in events][-2:] == ["tool.done", "turn.ended"]


def test_k1_images_that_a_killed_command_needs_outlive_the_next_hosts_sweep(
    killed: tuple[Path, str],
) -> None:
    folder, id = killed
    old = time.time() - 2 * KEEP_SECONDS
    for image in (folder / "data").rglob("present/*"):
        os.utime(image, (old, old))
    store = Store(folder / "data", folder / "work")
    store.create(TaskCreated(title="another"))
    store._warm.before()
    _, events = opened(folder, id)
    (checkpoint,) = (event for event in events if isinstance(event, Checkpoint))
    assert {image.path for image in checkpoint.files} == {"a", "b", "sub/d"}
    assert checkpoint.uncovered == ()


def test_k1_a_deleted_task_leaves_no_note(killed: tuple[Path, str]) -> None:
    folder, id = killed
    Store(folder / "data", folder / "work").delete(id)
    assert unfinished(folder) == []
