"""The log: what is told is stored, what is stored can be read again, and there is one writer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kimi_jupyter.history.fold import fold
from kimi_jupyter.history.log import PARTIAL_SIZE, Log
from kimi_jupyter.history.reading import read
from kimi_jupyter.protocol.errors import HistoryError, TaskBusy
from kimi_jupyter.protocol.events import (
    Event,
    Notice,
    ReplyPartial,
    TaskCreated,
    TextDelta,
    ThinkDelta,
    TurnEnded,
    TurnStarted,
)

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def stored(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def run(code: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_stored_events_are_numbered_dated_and_named_by_their_task(tmp_path: Path) -> None:
    times = iter([1_000, 2_000])
    log = Log.create(tmp_path / "abc.jsonl", TaskCreated(title="t"), now=lambda: next(times))
    told = log.emit(TurnStarted(text="hello"))
    assert (told.seq, told.at, told.task) == (2, 2_000, "abc")
    assert [(line["seq"], line["at"], line["task"]) for line in stored(log.path)] == [
        (1, 1_000, "abc"),
        (2, 2_000, "abc"),
    ]
    log.close()


def test_a_log_read_again_holds_the_same_events(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(title="t"))
    log.emit(TurnStarted(text="line\u2028separator, 😀, \x00 and \\u0000"))
    log.emit(TurnEnded(reason="done"))
    events = list(log.events)
    log.close()
    again = Log.open(log.path)
    assert list(again.events) == events
    again.close()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_k3_the_files_are_private_whatever_the_umask_and_looser_modes_are_tightened(
    tmp_path: Path,
) -> None:
    before = os.umask(0)
    try:
        log = Log.create(tmp_path / "a.jsonl", TaskCreated())
        assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
        log.close()
        log.path.chmod(0o644)
        Log.open(log.path).close()
        assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_deltas_are_not_stored_and_carry_the_number_of_the_last_stored_event(
    tmp_path: Path,
) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=Clock())
    told = log.emit(TextDelta(reply="r", text="x"))
    assert (told.seq, log.last_seq, len(stored(log.path))) == (1, 1, 1)
    log.close()


def test_a_partial_is_stored_about_once_a_second_while_deltas_come(tmp_path: Path) -> None:
    clock = Clock()
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=clock)
    log.emit(TurnStarted(text="q"))
    for number in range(25):
        log.emit(TextDelta(reply="r", text=f"{number} "))
        clock.seconds += 0.1
    log.flush()
    partials = [event.text for event in log.events if isinstance(event, ReplyPartial)]
    assert "".join(partials) == "".join(f"{number} " for number in range(25))
    assert len(partials) == 3
    log.flush()
    assert len([event for event in log.events if isinstance(event, ReplyPartial)]) == 3
    log.close()


def test_a_burst_is_stored_before_the_second_is_over(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=Clock())
    log.emit(TextDelta(reply="r", text="x" * PARTIAL_SIZE))
    assert isinstance(log.events[-1], ReplyPartial)
    log.close()


def test_a_turn_that_ends_stores_what_had_streamed(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=Clock())
    log.emit(TurnStarted(text="q"))
    log.emit(ThinkDelta(reply="r", text="hm"))
    log.emit(TurnEnded(reason="error"))
    assert [event.type for event in log.events[2:]] == ["reply.partial", "turn.ended"]
    log.close()


def test_a_closed_log_takes_nothing_more(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated())
    log.close()
    with pytest.raises(HistoryError, match="closed"):
        log.emit(Notice(level="info", text="x"))


def test_a_second_opening_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated())
    with pytest.raises(TaskBusy, match="another Jupyter server or kernel"):
        Log.open(log.path)
    log.close()
    Log.open(log.path).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "written"]


def test_k3_another_process_holds_the_task_until_it_is_killed(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from kimi_jupyter.history.log import Log
        from kimi_jupyter.protocol.events import TaskCreated
        log = Log.create(Path(sys.argv[1]), TaskCreated())
        print("ready", flush=True)
        sys.stdin.read()
        time.sleep(60)
    """
    path = tmp_path / "a.jsonl"
    with run(code, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            with pytest.raises(TaskBusy):
                Log.open(path)
        finally:
            process.kill()
    Log.open(path).close()


def test_k1_a_process_killed_while_it_writes_leaves_a_log_that_parses(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from kimi_jupyter.history.log import Log
        from kimi_jupyter.protocol.events import *
        log = Log.create(Path(sys.argv[1]), TaskCreated())
        log.emit(TurnStarted(text="q"))
        print("ready", flush=True)
        n = 0
        while True:
            log.emit(Notice(level="info", text=str(n) + "x" * (n % 5000)))
            print(n, flush=True)
            n += 1
    """
    path = tmp_path / "a.jsonl"
    with run(code, path) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(300)][-1]
        process.send_signal(signal.SIGKILL)
        told = (process.stdout.read().split("\n")[:-1] or [told.strip()])[-1]
    log = Log.open(path)
    texts = [event.text.rstrip("x") for event in log.events if isinstance(event, Notice)]
    written = [text for text in texts if text.isdigit()]
    assert written == [str(n) for n in range(len(written))]
    assert len(written) > int(told)
    assert fold(log.events).turns[0].ended is not None
    log.close()


@pytest.mark.skipif(os.name != "posix", reason="file size limits are POSIX")
def test_k2_a_full_disk_is_said_and_the_log_goes_on_when_there_is_room_again(
    tmp_path: Path,
) -> None:
    code = """
        import asyncio, json, resource, signal, sys
        from pathlib import Path
        from kimi_jupyter.history.log import Log
        from kimi_jupyter.protocol.errors import HistoryError
        from kimi_jupyter.protocol.events import *
        async def main():
            log = Log.create(Path(sys.argv[1]), TaskCreated())
            log.emit(TurnStarted(text="q"))
            follower = log.follow(log.last_seq)
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 100, hard))
            failures = []
            for event in (Notice(level="info", text="x" * 500), TurnEnded(reason="error", message="disk")):
                try:
                    log.emit(event)
                except HistoryError as error:
                    failures.append(str(error))
            told = []
            while (event := follower.take()) is not None:
                told.append(event.type)
            whole = Path(sys.argv[1]).read_bytes().endswith(b"\\n")
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            log.emit(TurnStarted(text="again"))
            log.close()
            print(json.dumps([failures, told, whole]))
        asyncio.run(main())
    """
    path = tmp_path / "a.jsonl"
    with run(code, path) as process:
        assert process.stdout is not None
        failures, told, whole = json.loads(process.stdout.read())
    assert len(failures) == 2
    assert "could not be written: File too large" in failures[0]
    assert told == ["notice", "turn.ended"]
    assert whole
    assert [event.type for event in read(path).events] == [
        "task.created",
        "turn.started",
        "turn.ended",
        "turn.started",
    ]


def test_a_log_that_can_t_be_opened_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(HistoryError, match="can't be opened for writing"):
        Log.open(tmp_path / "a.jsonl")
    with pytest.raises(HistoryError, match="can't be opened for writing: No such file"):
        Log.create(tmp_path / "gone" / "a.jsonl", TaskCreated())
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


async def test_events_reach_the_disk_without_the_loop_waiting_for_it(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "a.jsonl", TaskCreated())
    for _ in range(50):
        log.emit(Notice(level="info", text="x"))
    await asyncio.sleep(0)
    log.close()
    assert len(stored(log.path)) == 51


def test_the_writer_sees_no_slower_event_for_a_longer_reply(tmp_path: Path) -> None:
    """Counted, not timed: what is held besides the stored events stays bounded."""
    clock = Clock()
    log = Log.create(tmp_path / "a.jsonl", TaskCreated(), clock=clock)
    log.emit(TurnStarted(text="q"))
    follower = log.follow()
    sizes: list[int] = []
    for _ in range(3_000):
        log.emit(TextDelta(reply="r", text="0123456789"))
        clock.seconds += 0.01
        sizes.append(log._live.size)
    assert max(sizes) <= 1_100
    read_back: list[Event] = []
    while (event := follower.take()) is not None:
        read_back.append(event)
    assert fold(read_back).turns[0].items[0].model_dump()["text"] == "0123456789" * 3_000
    log.close()
