"""Going back takes the files along, leaves alone what the user changed since, and can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from kimi_jupyter import tools
from kimi_jupyter.history.store import Store
from kimi_jupyter.protocol.commands import TaskRewind
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import Checkpoint, Rewound, TurnEnded, TurnStarted
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]


async def worked(desk: Make, tmp_path: Path, *calls: object) -> Desk:
    """A desk whose agent has done these calls in its second turn."""
    d = desk([END, list(calls), END, END], tools=tools.ALL, settings=Settings(mode="bypass"))
    checkpoints = Store(tmp_path / "data", d.root).checkpoints(d.task.id)
    d.task.services = dataclasses.replace(d.task.services, checkpoints=checkpoints)
    d.task._gate._services = d.task.services
    (d.root / "a.txt").write_text("one\n")
    await d.send("First")
    await d.send("Second")
    return d


def second(d: Desk) -> int:
    return d.all(TurnStarted)[1].seq


async def test_files_that_were_written_and_made_go_back_with_the_conversation(
    desk: Make, tmp_path: Path
) -> None:
    d = await worked(
        desk,
        tmp_path,
        call("write_file", path="a.txt", content="two\n"),
        call("write_file", path="new.txt", content="new\n"),
    )
    await d.submit(TaskRewind(seq=second(d)))
    assert (d.root / "a.txt").read_text() == "one\n"
    assert not (d.root / "new.txt").exists()
    rewound = d.all(Rewound)[0]
    assert sorted(rewound.restored) == ["a.txt", "new.txt"]

    said = len(d.requests)
    await d.send("Third")
    assert [m.role for m in d.requests[said].messages] == ["system", "user", "assistant", "user"]


async def test_what_a_command_changed_goes_back_too(desk: Make, tmp_path: Path) -> None:
    d = await worked(
        desk, tmp_path, call("execute_command", command="echo two > a.txt; rm -f gone; echo x > b")
    )
    assert {image.path for image in d.all(Checkpoint)[0].files} == {"a.txt", "b"}
    await d.submit(TaskRewind(seq=second(d)))
    assert (d.root / "a.txt").read_text() == "one\n"
    assert not (d.root / "b").exists()


async def test_a_file_that_the_user_changed_since_is_left_alone_and_named(
    desk: Make, tmp_path: Path
) -> None:
    d = await worked(desk, tmp_path, call("write_file", path="a.txt", content="two\n"))
    (d.root / "a.txt").write_text("mine\n")
    await d.submit(TaskRewind(seq=second(d)))
    assert (d.root / "a.txt").read_text() == "mine\n"
    assert d.all(Rewound)[0].kept == ("a.txt",)


async def test_files_stay_where_the_user_wants_only_the_conversation_back(
    desk: Make, tmp_path: Path
) -> None:
    d = await worked(desk, tmp_path, call("write_file", path="a.txt", content="two\n"))
    await d.submit(TaskRewind(seq=second(d), files=False))
    assert (d.root / "a.txt").read_text() == "two\n"


async def test_going_back_can_be_undone_until_something_is_said(desk: Make, tmp_path: Path) -> None:
    d = await worked(desk, tmp_path, call("write_file", path="a.txt", content="two\n"))
    before = d.requests[-1].messages
    await d.submit(TaskRewind(seq=second(d)))
    await d.submit(TaskRewind(seq=d.all(Rewound)[0].seq))
    assert (d.root / "a.txt").read_text() == "two\n"
    assert d.all(Rewound)[1].undone
    await d.send("Third")
    assert d.requests[-1].messages[: len(before)] == before

    with pytest.raises(CommandRefused, match="no message of this conversation"):
        await d.submit(TaskRewind(seq=d.all(Rewound)[1].seq))
    assert d.all(TurnEnded)[-1].reason == "done"
