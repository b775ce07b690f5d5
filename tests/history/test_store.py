"""The store: where logs lie, and the list and search over them, whatever happens to the index."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from kimi_jupyter.history.fold import fold
from kimi_jupyter.history.index import FTS, PLAIN, Index
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.store import Store, workspace_folder
from kimi_jupyter.protocol.effects import Effect
from kimi_jupyter.protocol.errors import CommandRefused, HistoryError, TaskBusy, TaskNotFound
from kimi_jupyter.protocol.events import (
    AskOpened,
    CommandBackgrounded,
    ReplyDone,
    Rewound,
    TaskCreated,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from kimi_jupyter.protocol.messages import AssistantMessage
from tests.history.refold import DATA


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", tmp_path)


def ask(log: Log, text: str, reply: str = "Done.") -> None:
    log.emit(TurnStarted(text=text))
    log.emit(ReplyDone(reply="r", message=AssistantMessage(content=reply), finish="stop"))
    log.emit(UsageReported(prompt_tokens=10, cached_tokens=4, completion_tokens=2, cost=0.25))
    log.emit(TurnEnded(reason="done"))


def saved(store: Store, text: str, reply: str = "Done.") -> str:
    log = store.create(TaskCreated(model="kimi-k2.6"))
    ask(log, text, reply)
    log.close()
    return log.id


def index(store: Store) -> Path:
    return store.folder / "index.sqlite3"


def test_a_task_is_found_again_by_another_store_on_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "work")
    id = saved(Store(tmp_path / "data", tmp_path / "work"), "Fix the plot")
    there = Store(tmp_path / "data", tmp_path / "link")
    assert [(task.id, task.title) for task in there.list()] == [(id, "Fix the plot")]
    log = there.open(id)
    assert log.last_seq == 5
    log.close()


def test_two_folders_of_one_name_have_two_histories(tmp_path: Path) -> None:
    a = workspace_folder(tmp_path, tmp_path / "a" / "work")
    b = workspace_folder(tmp_path, tmp_path / "b" / "work")
    assert a != b
    assert a.name.startswith("work-")
    assert len(a.name) == len("work-") + 12
    assert workspace_folder(tmp_path, Path("/")).name.startswith("root-")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_k3_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(tmp_path / "data", tmp_path)
        saved(store, "x")
        store.list()
        store.logs("0" * 32)
        top = tmp_path / "data" / "kimi_jupyter"
        modes = {
            (path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (top, *top.rglob("*"))
        }
        assert modes == {(True, 0o700), (False, 0o600)}
        top.chmod(0o755)
        Store(tmp_path / "data", tmp_path).list()
        assert stat.S_IMODE(top.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_k3_a_planted_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data" / "kimi_jupyter").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HistoryError, match="is a link"):
        Store(tmp_path / "data", tmp_path).list()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_data_folder_that_can_t_be_made_is_said_at_the_first_use(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    store = Store(tmp_path / "data", tmp_path)
    with pytest.raises(HistoryError, match="Make that folder writable"):
        store.create(TaskCreated())


def test_a_line_of_the_list_says_what_the_task_is(store: Store) -> None:
    log = store.create(TaskCreated(model="m", mode="plan", notebook="a.ipynb", origin="kernel:7"))
    ask(log, "Hello")
    log.close()
    (task,) = store.list()
    assert task.model_dump(exclude={"created_at", "updated_at"}) == {
        "id": log.id,
        "title": "Hello",
        "status": "idle",
        "notebook": "a.ipynb",
        "usage": {
            "prompt_tokens": 10,
            "cached_tokens": 4,
            "completion_tokens": 2,
            "cost": 0.25,
            "requests": 1,
        },
        "model": "m",
        "mode": "plan",
        "origin": "kernel:7",
        "is_empty": False,
    }
    assert task.created_at <= task.updated_at


def test_newest_first_and_page_by_page(store: Store) -> None:
    paths = [store.folder / "tasks" / f"{number:032x}.jsonl" for number in range(7)]
    store.list()
    for number, path in enumerate(paths):
        at = 1_000 + min(number, 5)  # the last two in one millisecond
        path.write_text(
            TaskCreated(seq=1, at=at, title="t").model_dump_json() + "\n", encoding="utf-8"
        )
    pages: list[list[int]] = []
    before = None
    while page := store.list(limit=2, before=before):
        pages.append([int(task.id, 16) for task in page])
        before = page[-1].updated_at
    assert pages == [[5, 6], [4, 3], [2, 1], [0]]
    assert [int(task.id, 16) for task in store.list(limit=1)] == [5, 6]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("broadcast", True),
        ("BROADCASTING shape", True),
        ("shape banana", False),
        ("ÄPFEL", True),
        ("数据", True),
        ("分析数据", True),
        ("中", True),
        ("100%", True),
        ("100_", False),
        ("data\\raw", True),
        ('"; DROP TABLE tasks; --', False),
        ("src/utils.ts", True),
        ("secret output", False),
    ],
)
@pytest.mark.parametrize("texts", [FTS, PLAIN, "CREATE VIRTUAL TABLE texts USING nonsense"])
def test_search_finds_all_words_in_any_text(
    store: Store, query: str, found: bool, texts: str
) -> None:
    store._index = Index(index(store), texts=texts)
    log = store.create(TaskCreated())
    log.emit(TurnStarted(text="Explain broadcasting äpfel, 请分析数据"))
    arguments = '{"path": "src/utils.ts", "why": "\\u4e2d\\u6587", "dir": "data\\\\raw"}'
    log.emit(ToolStarted(call="c", name="read_file", title="Read", arguments=arguments))
    message = AssistantMessage(content="The shape counts 100%.")
    log.emit(ReplyDone(reply="r", message=message, finish="stop"))
    log.emit(TurnEnded(reason="done"))
    saved(store, "Something else")
    log.close()
    query = query.replace("data\\raw", "data\\\\raw")
    assert [task.id for task in store.list(query=query)] == ([log.id] if found else [])


def test_a_search_sees_the_last_turn_of_an_open_task(store: Store) -> None:
    log = store.create(TaskCreated())
    ask(log, "first")
    assert [task.id for task in store.list("first")] == [log.id]
    ask(log, "second")
    assert [task.id for task in store.list("second")] == [log.id]
    assert store.list()[0].usage.requests == 2
    log.close()


def test_an_open_task_is_running_or_waiting(store: Store) -> None:
    log = store.create(TaskCreated())
    log.emit(TurnStarted(text="q"))
    assert store.list()[0].status == "running"
    effect = Effect(kind="write", title="t")
    log.emit(AskOpened(ask="a", kind="write", call="c", effect=effect, options=("approve",)))
    assert store.list()[0].status == "waiting"
    log.emit(TurnEnded(reason="done"))
    assert store.list()[0].status == "idle"
    log.close()


def test_a_task_that_another_process_runs_is_listed_and_left_alone(store: Store) -> None:
    code = """
        import sys
        from pathlib import Path
        from kimi_jupyter.history.log import Log
        from kimi_jupyter.protocol.events import *
        log = Log.create(Path(sys.argv[1]), TaskCreated())
        log.emit(TurnStarted(text="elsewhere"))
        print("ready", flush=True)
        sys.stdin.read()
    """
    store.list()
    id = "ab" * 16
    path = store.folder / "tasks" / f"{id}.jsonl"
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            assert [(task.id, task.status) for task in store.list()] == [(id, "running")]
            for act in (store.open, store.delete, lambda id: store.rename(id, "mine")):
                with pytest.raises(TaskBusy):
                    act(id)
            assert len(store.events(id)) == 2
        finally:
            process.kill()
    assert store.list()[0].status == "interrupted"


def test_rename_works_on_open_and_closed_tasks(store: Store) -> None:
    log = store.create(TaskCreated())
    store.rename(log.id, "open")
    assert log.events[-1].type == "task.renamed"
    log.close()
    assert store.list()[0].title == "open"
    store.rename(log.id, "closed")
    assert store.list()[0].title == "closed"
    assert [task.id for task in store.list("closed")] == [log.id]


def test_delete_leaves_nothing(store: Store) -> None:
    id = saved(store, "x")
    (store.logs(id) / "command.log").write_text("output", encoding="utf-8")
    (store.folder / "tasks" / f"{id}.jsonl.torn").write_text("", encoding="utf-8")
    store.delete(id)
    left = [path for path in store.folder.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["written"]
    assert re.fullmatch(rf"({id} [0-9a-f]{{8}}\n)+", left[0].read_text())
    assert store.list() == []
    with pytest.raises(TaskNotFound):
        store.open(id)


@pytest.mark.parametrize("id", ["../../x", "", "0" * 31, "0" * 32, "0" * 32 + "/..", "A" * 32])
def test_an_id_that_is_none_is_not_found(store: Store, id: str) -> None:
    for act in (store.open, store.delete, store.events):
        with pytest.raises(TaskNotFound):
            act(id)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a database" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + os.urandom(20_000)),
        lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close(),
        lambda path: sqlite3.connect(path).execute("DROP TABLE texts").connection.close(),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["gone", "empty", "foreign", "cut", "scrambled", "newer", "tableless", "a folder"],
)
def test_a_broken_index_is_rebuilt_from_the_logs(store: Store, damage: object) -> None:
    ids = {saved(store, f"plot number {number}") for number in range(5)}
    store.list()
    assert callable(damage)
    damage(index(store))
    assert {task.id for task in store.list("plot number")} == ids


def test_a_log_written_behind_the_index_is_read_again(store: Store) -> None:
    id = saved(store, "before")
    assert store.list("afterwards") == []
    log = Log.open(store.folder / "tasks" / f"{id}.jsonl")
    ask(log, "afterwards")
    log.close()
    assert [task.id for task in store.list("afterwards")] == [id]


def test_a_log_that_can_t_be_read_is_not_listed_and_harms_no_other(store: Store) -> None:
    id = saved(store, "fine")
    (store.folder / "tasks" / f"{'9' * 32}.jsonl").write_bytes(b"\0\0\0")
    (store.folder / "tasks" / f"{'8' * 32}.jsonl").write_bytes(b"")
    assert [task.id for task in store.list()] == [id]


def test_the_recorded_logs_can_be_listed(store: Store) -> None:
    store.list()
    for number, path in enumerate(sorted(DATA.glob("*.jsonl"))):
        if path.name.count(".") == 1:
            target = store.folder / "tasks" / f"{number:032x}.jsonl"
            target.write_bytes(path.read_bytes())
    listed = {task.title: task.status for task in store.list()}
    assert listed["Run the tests and tidy up"] == "interrupted"
    assert listed["File names"] == "idle"


def test_a_log_that_another_process_opened_wrote_and_closed_is_read_again(tmp_path: Path) -> None:
    here, there = (Store(tmp_path / "data", tmp_path) for _ in range(2))
    id = saved(here, "Fix the plot")
    os.utime(here.folder / "tasks", (1, 1))  # so long ago that it may be trusted
    assert [task.title for task in here.list()] == ["Fix the plot"]
    there.rename(id, "Renamed there")
    assert [task.title for task in here.list()] == ["Renamed there"]


def test_the_list_after_a_change_looks_at_what_changed_and_at_no_other_log(tmp_path: Path) -> None:
    here, there = (Store(tmp_path / "data", tmp_path) for _ in range(2))
    quiet, renamed = saved(here, "quiet"), saved(here, "renamed")
    here.list()
    path = here.folder / "tasks" / f"{quiet}.jsonl"
    path.write_text(path.read_text().replace("quiet", "behind our back"))
    there.rename(renamed, "Renamed there")
    titles = {task.id: task.title for task in here.list()}
    assert titles == {quiet: "quiet", renamed: "Renamed there"}
    fresh = {task.id: task.title for task in Store(tmp_path / "data", tmp_path).list()}
    assert fresh[quiet] == "behind our back"


def test_a_log_that_was_replaced_put_in_or_taken_away_by_hand_is_seen(store: Store) -> None:
    kept, gone = saved(store, "old words"), saved(store, "gone")
    store.list()
    folder = store.folder / "tasks"
    text = (folder / f"{kept}.jsonl").read_text()
    (folder / "copy").write_text(text.replace("old words", "new words"))
    (folder / "copy").replace(folder / f"{kept}.jsonl")
    (folder / f"{gone}.jsonl").rename(folder / f"{'7' * 32}.jsonl")
    assert {task.id: task.title for task in store.list()} == {kept: "new words", "7" * 32: "gone"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(os.urandom(500)),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(b"\n".join([b"0" * 32 + b" 01234567"] * 60_000)),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to("nowhere")),
    ],
    ids=["gone", "empty", "scrambled", "torn", "too long", "a folder", "a link"],
)
def test_without_the_word_of_the_writers_all_logs_are_looked_at(
    tmp_path: Path, damage: object
) -> None:
    here, there = (Store(tmp_path / "data", tmp_path) for _ in range(2))
    id = saved(here, "before")
    here.list()
    there.rename(id, "Once")
    assert callable(damage)
    damage(here.folder / "tasks" / "written")
    assert [task.title for task in here.list()] == ["Once"]
    there.rename(id, "Twice")
    assert [task.title for task in here.list()] == ["Twice"]


def test_a_log_that_is_open_elsewhere_is_followed_without_a_look_at_all_others(
    tmp_path: Path,
) -> None:
    here, there = (Store(tmp_path / "data", tmp_path) for _ in range(2))
    log = there.create(TaskCreated(title="Open"))
    os.utime(here.folder / "tasks", (1, 1))
    assert [task.title for task in here.list()] == ["Open"]
    ask(log, "A new message")  # the folder does not change
    assert os.stat(here.folder / "tasks").st_mtime == 1
    assert [task.id for task in here.list("new message")] == [log.id]


def test_a_task_in_which_nobody_wrote_is_not_listed_once_it_is_closed(store: Store) -> None:
    log = store.create(TaskCreated())
    assert [task.id for task in store.list()] == [log.id]
    log.close()
    assert store.list() == []
    again = store.open(log.id)
    ask(again, "Hello")
    again.close()
    assert [task.title for task in store.list()] == ["Hello"]


def test_empty_tasks_are_removed_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", tmp_path)
    store.list()
    stale, fresh, named, rewound = (
        store.folder / "tasks" / f"{number:032x}.jsonl" for number in range(4)
    )
    now = int(time.time() * 1000)
    old = TaskCreated(seq=1, at=now - 25 * 3600_000)
    stale.write_text(old.model_dump_json() + "\n")
    fresh.write_text(TaskCreated(seq=1, at=now - 23 * 3600_000).model_dump_json() + "\n")
    named.write_text(old.model_copy(update={"title": "x"}).model_dump_json() + "\n")
    turn = TurnStarted(seq=2, at=old.at, text="one message")
    back = Rewound(seq=3, at=old.at, to=2)
    rewound.write_text("".join(f"{event.model_dump_json()}\n" for event in (old, turn, back)))
    unfinished = store.folder / "tasks" / f"{9:032x}.jsonl.new"
    unfinished.touch()
    os.utime(unfinished, (1, 1))

    later = Store(tmp_path / "data", tmp_path)
    assert {task.id[-1] for task in later.list()} == {"2", "3"}
    assert [path.exists() for path in (stale, fresh, named, rewound)] == [False, True, True, True]
    assert not unfinished.exists()


def test_a_fork_begins_with_the_log_up_to_there_and_leaves_the_other_as_it_is(
    store: Store,
) -> None:
    log = store.create(TaskCreated(model="m", origin="kernel:7", system="s"))
    ask(log, "Hello")
    upto = log.last_seq
    ask(log, "Something else")
    before = log.path.read_bytes()

    fork = store.fork(log.id, upto)
    assert (fork.id != log.id, fork.fold.title) == (True, "Hello (fork)")
    assert log.path.read_bytes() == before
    created = fork.events[0]
    assert isinstance(created, TaskCreated)
    assert (created.origin, created.system) == ("browser", "s")
    assert {event.task for event in fork.events} == {fork.id}
    assert [turn.text for turn in fork.fold.view().turns] == ["Hello"]
    ask(fork, "On another way")
    fork.close()
    assert [turn.text for turn in fold(store.events(fork.id)).turns] == ["Hello", "On another way"]
    assert {task.title for task in store.list()} == {"Hello", "Hello (fork)"}


def test_a_fork_in_the_middle_of_a_turn_closes_what_is_open_there(store: Store) -> None:
    log = store.create(TaskCreated())
    log.emit(TurnStarted(text="go"))
    log.emit(ToolStarted(call="c", name="execute_command", title="Run x", arguments="{}"))
    log.emit(CommandBackgrounded(call="c"))
    fork = store.fork(log.id, log.last_seq)
    assert fork.fold.view().status == "idle"
    assert fork.fold.view().turns[0].items[0].model_dump()["background"] == {
        "ended": True,
        "summary": "goes on in the task that this one was forked from",
    }
    assert log.fold.view().status == "running"


def test_a_fork_can_go_back_after_the_other_task_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    store = Store(tmp_path / "data", tmp_path / "work")
    log = store.create(TaskCreated())
    turn = log.emit(TurnStarted(text="go")).seq
    (tmp_path / "work" / "a").write_text("one")

    async def change() -> None:
        after = hashlib.sha256(b"two").hexdigest()
        checkpoint = await store.checkpoints(log.id).write("c", {"a": after})
        assert checkpoint is not None
        log.emit(checkpoint)

    asyncio.run(change())
    (tmp_path / "work" / "a").write_text("two")
    fork = store.fork(log.id, log.last_seq)
    store.delete(log.id)
    restored = asyncio.run(store.checkpoints(fork.id).restore(fork.events, turn))
    assert restored.restored == ("a",)
    assert (tmp_path / "work" / "a").read_text() == "one"


def test_there_is_nothing_to_fork_before_the_first_event(store: Store) -> None:
    log = store.create(TaskCreated())
    with pytest.raises(CommandRefused):
        store.fork(log.id, 0)
    with pytest.raises(TaskNotFound):
        store.fork("0" * 32, 1)
    assert len(list((store.folder / "tasks").glob("*.jsonl"))) == 1


def test_k3_two_processes_list_and_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from kimi_jupyter.history.store import Store
        from kimi_jupyter.protocol.events import TaskCreated
        store = Store(Path(sys.argv[1]) / "data", Path(sys.argv[1]))
        for number in range(25):
            store.create(TaskCreated(title=f"{sys.argv[2]} {number}")).close()
            store.list("a")
        """
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in "ab"
    ]
    assert [writer.wait(timeout=50) for writer in writers] == [0, 0]
    store = Store(tmp_path / "data", tmp_path)
    expected = {f"{name} {number}" for name in "ab" for number in range(25)}
    assert {task.title for task in store.list(limit=99)} == expected
