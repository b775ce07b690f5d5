"""Checkpoints: what a task changed can be put back, what others changed is left alone, and the way back can be undone."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from kimi_jupyter.history.checkpoints import Checkpoints
from kimi_jupyter.history.scan import scan
from kimi_jupyter.history.store import Store
from kimi_jupyter.history.warm import Warm
from kimi_jupyter.protocol.events import Checkpoint, Event, Rewound, TaskCreated, TurnStarted
from kimi_jupyter.safety.paths import Workspace

pytestmark = pytest.mark.anyio


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Desk:
    """A workspace, and a log as a task writes it."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "work"
        self.root.mkdir()
        self.store = Store(tmp_path / "data", self.root)
        self.log = self.store.create(TaskCreated())
        self.checkpoints = self.store.checkpoints(self.log.id)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def text(self, path: str) -> str | None:
        file = self.root / path
        return file.read_text(encoding="utf-8") if file.exists() else None

    def turn(self) -> int:
        return self.log.emit(TurnStarted(text="go on")).seq

    def emit(self, event: Event | None) -> None:
        if event is not None:
            self.log.emit(event)

    async def tool_writes(self, path: str, text: str) -> None:
        self.emit(await self.checkpoints.write("c", {path: digest(text)}))
        self.write(path, text)

    async def runs(self, command: str) -> Checkpoint | None:
        before = await self.checkpoints.scan("c")
        subprocess.run(command, shell=True, cwd=self.root, check=True)
        checkpoint = await self.checkpoints.after(before)
        self.emit(checkpoint)
        self.checkpoints.settle(before)
        return checkpoint

    async def rewind(self, to: int, *, undone: bool = False) -> Rewound:
        done = await self.checkpoints.restore(self.log.events, to)
        event = Rewound(to=to, restored=done.restored, kept=done.kept, undone=undone)
        rewound = self.log.emit(event)
        self.emit(done.checkpoint)
        assert isinstance(rewound, Rewound)
        return rewound


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_files_go_back_to_any_turn(desk: Desk) -> None:
    desk.write("a.py", "one")
    first = desk.turn()
    await desk.tool_writes("a.py", "two")
    second = desk.turn()
    await desk.tool_writes("a.py", "three")
    await desk.tool_writes("new/b.py", "b")

    assert (await desk.rewind(second)).restored == ("a.py", "new/b.py")
    assert (desk.text("a.py"), desk.text("new/b.py")) == ("two", None)
    await desk.rewind(first)
    assert desk.text("a.py") == "one"


async def test_a_file_that_the_user_changed_since_is_left_alone_and_said(desk: Desk) -> None:
    desk.write("a.py", "one")
    desk.write("b.py", "one")
    turn = desk.turn()
    await desk.tool_writes("a.py", "two")
    await desk.tool_writes("b.py", "two")
    await desk.tool_writes("c.py", "new")
    desk.write("a.py", "the user's own")
    desk.write("c.py", "the user's own")

    rewound = await desk.rewind(turn)
    assert (rewound.restored, rewound.kept) == (("b.py",), ("a.py", "c.py"))
    assert desk.text("a.py") == desk.text("c.py") == "the user's own"
    assert desk.text("b.py") == "one"


async def test_a_file_that_the_user_removed_since_stays_removed(desk: Desk) -> None:
    desk.write("a.py", "one")
    turn = desk.turn()
    await desk.tool_writes("a.py", "two")
    (desk.root / "a.py").unlink()
    assert (await desk.rewind(turn)).kept == ("a.py",)
    assert desk.text("a.py") is None


async def test_what_a_command_changed_made_and_removed_goes_back(desk: Desk) -> None:
    for name in ("kept", "changed", "removed", "sub/moved"):
        desk.write(name, name)
    turn = desk.turn()
    checkpoint = await desk.runs("echo x >> changed; rm removed; mv sub/moved m; touch kept")
    assert checkpoint is not None
    assert [image.path for image in checkpoint.files] == ["changed", "m", "removed", "sub/moved"]
    assert checkpoint.uncovered == ()

    rewound = await desk.rewind(turn)
    assert rewound.kept == ()
    names = ("kept", "changed", "removed", "sub/moved", "m")
    assert [desk.text(name) for name in names] == [*names[:-1], None]


async def test_a_command_that_keeps_size_and_time_is_seen_all_the_same(desk: Desk) -> None:
    desk.write("a", "one")
    turn = desk.turn()
    before = os.stat(desk.root / "a")
    await desk.runs("printf two > b && touch -r a b && cat b > a && touch -r b a && rm b")
    after = os.stat(desk.root / "a")
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    await desk.rewind(turn)
    assert desk.text("a") == "one"


async def test_a_rewind_is_undone_with_its_files_and_the_undoing_too(desk: Desk) -> None:
    desk.write("a.py", "one")
    turn = desk.turn()
    await desk.tool_writes("a.py", "two")
    await desk.runs("echo b > b.py")
    there = await desk.rewind(turn)
    desk.turn()
    await desk.tool_writes("a.py", "other")

    back = await desk.rewind(there.seq, undone=True)
    assert (desk.text("a.py"), desk.text("b.py")) == ("two", "b\n")
    await desk.rewind(back.seq, undone=True)
    assert (desk.text("a.py"), desk.text("b.py")) == ("other", None)


async def test_a_rewind_that_was_cut_off_is_done_again_to_the_end(desk: Desk) -> None:
    desk.write("a", "one")
    desk.write("b", "one")
    turn = desk.turn()
    await desk.tool_writes("a", "two")
    await desk.tool_writes("b", "two")
    await desk.checkpoints.restore(desk.log.events, turn)  # killed before it could be stored
    desk.write("b", "two")
    assert (await desk.rewind(turn)).restored == ("a", "b")
    assert (desk.text("a"), desk.text("b")) == ("one", "one")


async def test_a_write_that_failed_does_not_stand_in_the_way(desk: Desk) -> None:
    desk.write("a", "one")
    turn = desk.turn()
    await desk.tool_writes("a", "two")
    desk.emit(await desk.checkpoints.write("c", {"a": digest("three")}))  # but it was never written
    assert (await desk.rewind(turn)).restored == ("a",)
    assert desk.text("a") == "one"


async def test_the_users_git_and_his_skipped_folders_are_neither_read_nor_touched(
    desk: Desk,
) -> None:
    for name in (".git/HEAD", "node_modules/x.js", ".venv/y", ".ipynb_checkpoints/z"):
        desk.write(name, "before")
    turn = desk.turn()
    await desk.runs("for f in .git/HEAD node_modules/x.js .venv/y; do echo after > $f; done")
    assert (await desk.rewind(turn)).restored == ()
    assert desk.text(".git/HEAD") == "after\n"
    assert not list(desk.store.folder.glob("present/*"))


async def test_what_was_not_covered_is_said(desk: Desk) -> None:
    desk.write("large.bin", "x" * 5_000_001)
    desk.write(".env", "KEY=1")
    (desk.root / "link").symlink_to("large.bin")
    turn = desk.turn()
    checkpoint = await desk.runs(
        "echo y >> large.bin; echo y >> .env; ln -sf .env link; echo n > n"
    )
    assert checkpoint is not None
    assert [image.path for image in checkpoint.files] == ["n"]
    assert checkpoint.uncovered == (
        ".env (of secrets no image is kept)",
        "large.bin (no image was kept)",
        "link (no regular file)",
    )
    rewound = await desk.rewind(turn)
    assert (rewound.restored, rewound.kept) == (("n",), checkpoint.uncovered)


async def test_a_tree_too_large_to_look_at_is_said_and_nothing_is_taken_for_new(
    tmp_path: Path,
) -> None:
    root = tmp_path / "work"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "old.txt").write_text("old")
    ticks = iter([0.0, 0.0, 5.0, *[9.0] * 9])  # the time is over before `deep`
    workspace = Workspace(root)
    warm = Warm(tmp_path / "present", workspace, clock=lambda: next(ticks), seconds=1.0)
    checkpoints = Checkpoints(tmp_path / "images", workspace, warm)
    before = await checkpoints.scan("c")
    assert before.scan.left == {"deep"}
    checkpoint = await checkpoints.after(before)
    assert checkpoint == Checkpoint(
        call="c", uncovered=("files in deep folders (there are too many to look at)",)
    )


async def test_our_own_folder_inside_the_workspace_is_not_looked_at(tmp_path: Path) -> None:
    store = Store(tmp_path / ".local", tmp_path)
    (tmp_path / "a").write_text("a")
    store.create(TaskCreated())
    before = await store.checkpoints("0" * 32).scan("c")
    assert set(before.scan.marks) == {"a"}


async def test_k3_images_are_private_and_outside_the_workspace(desk: Desk) -> None:
    old = os.umask(0)
    try:
        desk.write("a", "one")
        await desk.tool_writes("a", "two")
        await desk.runs("echo three > a")
    finally:
        os.umask(old)
    images = [path for path in desk.store.folder.rglob("*") if len(path.name) == 64]
    assert len(images) >= 2
    for path in images:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {path.name for path in desk.root.iterdir()} == {"a"}


async def test_k3_a_planted_link_in_the_place_of_the_images_is_not_followed(
    desk: Desk, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = desk.store.folder / "checkpoints" / desk.log.id
    folder.symlink_to(elsewhere)
    desk.write("a", "one")
    checkpoint = await desk.checkpoints.write("c", {"a": digest("two")})
    assert checkpoint == Checkpoint(call="c", uncovered=("a (no image could be kept)",))
    assert not list(elsewhere.iterdir())


async def test_a_damaged_image_is_not_put_back(desk: Desk) -> None:
    desk.write("a", "one")
    turn = desk.turn()
    await desk.tool_writes("a", "two")
    image = next(path for path in desk.store.folder.rglob(digest("one")))
    image.write_text("something else")
    assert (await desk.rewind(turn)).kept == ("a",)
    assert desk.text("a") == "two"


async def test_a_recorded_path_that_became_a_link_leads_nowhere_else(
    desk: Desk, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("two")
    desk.write("a", "one")
    turn = desk.turn()
    await desk.tool_writes("a", "two")
    (desk.root / "a").unlink()
    (desk.root / "a").symlink_to(outside)
    assert (await desk.rewind(turn)).kept == ("a",)
    assert outside.read_text() == "two"


async def test_mode_bits_stay_when_a_file_goes_back(desk: Desk) -> None:
    desk.write("run.sh", "one")
    (desk.root / "run.sh").chmod(0o750)
    turn = desk.turn()
    await desk.tool_writes("run.sh", "two")
    await desk.rewind(turn)
    assert stat.S_IMODE((desk.root / "run.sh").stat().st_mode) == 0o750


async def test_deleting_a_task_removes_its_images(desk: Desk) -> None:
    desk.write("a", "one")
    await desk.tool_writes("a", "two")
    assert list((desk.store.folder / "checkpoints").iterdir())
    desk.store.delete(desk.log.id)
    assert not list((desk.store.folder / "checkpoints").iterdir())


async def test_an_unchanged_tree_is_not_read_again(desk: Desk) -> None:
    desk.write("a", "one")
    os.utime(desk.root / "a", (1, 1))
    first = await desk.checkpoints.scan("c")
    image = next(desk.store.folder.glob("present/*"))
    assert image.read_text() == "one"
    second = await desk.checkpoints.scan("c")
    assert first.kept == second.kept == {"a": digest("one")}
    assert await desk.checkpoints.after(second) is None


def test_a_scan_follows_no_link_and_says_what_it_could_not_enter(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "f").write_text("f")
    found = scan(tmp_path, until=1.0, clock=lambda: 0.0)
    assert {path: mark.is_file for path, mark in found.marks.items()} == {"f": True, "a/up": False}
    assert found.left == set()
    few = scan(tmp_path, until=1.0, clock=lambda: 0.0, most=1)
    assert (few.is_cut, few.left, few.covers("a/x"), few.covers("b")) == (True, {"a"}, False, True)
