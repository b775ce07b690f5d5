"""Opening a log that a crash left: nothing of it is lost, nothing is left open, and the user is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kimi_jupyter.history.fold import fold
from kimi_jupyter.history.log import Log
from kimi_jupyter.history.reading import read
from kimi_jupyter.history.recovery import closing
from kimi_jupyter.protocol.errors import HistoryError
from kimi_jupyter.protocol.events import (
    AskClosed,
    CommandBackgrounded,
    CommandEnded,
    Notice,
    ReplyDone,
    ReplyPartial,
    Rewound,
    TaskCreated,
    ToolDone,
    TurnEnded,
    TurnStarted,
    TurnUnqueued,
)
from tests.history.refold import DATA, recorded


def copy(name: str, folder: Path) -> Path:
    return Path(shutil.copy(DATA / name, folder / name))


def texts(log: Log) -> list[str]:
    return [event.text for event in log.events if isinstance(event, Notice)]


def test_a_crash_in_a_command_is_closed_as_interrupted_with_an_unknown_outcome(
    tmp_path: Path,
) -> None:
    log = Log.open(copy("crash.jsonl", tmp_path))
    ask, ran, waited, ended = log.events[-4:]
    assert isinstance(ask, AskClosed)
    assert (ask.decision, ask.by) == ("cancelled", "agent")
    assert isinstance(ran, ToolDone)
    assert (ran.call, ran.ok, ran.summary) == ("execute_command:0", False, "outcome unknown")
    assert "may or may not have happened; check before trying again" in ran.output
    assert isinstance(waited, ToolDone)
    assert (waited.call, waited.summary) == ("execute_command:1", "was not run")
    assert isinstance(ended, TurnEnded)
    assert ended.reason == "interrupted"
    assert ended.message == (
        "The agent was stopped in the middle of this turn. Send a message to go on. "
        "It is not known whether this happened: `Run python -m pytest -q`. Check before you repeat it."
    )
    view = fold(log.events)
    assert (view.status, view.open_asks) == ("idle", ())
    log.close()


def test_a_log_is_closed_once(tmp_path: Path) -> None:
    path = copy("crash.jsonl", tmp_path)
    Log.open(path).close()
    size = path.stat().st_size
    Log.open(path).close()
    assert path.stat().st_size == size


@pytest.mark.parametrize(
    "name",
    [
        log.name
        for log in recorded()
        if log.name.count(".") == 1 and log.stem.partition("_")[0] not in ("crash", "torn")
    ],
)
def test_a_log_that_ended_well_is_opened_without_a_change(tmp_path: Path, name: str) -> None:
    path = copy(name, tmp_path)
    before = path.read_bytes()
    Log.open(path).close()
    assert path.read_bytes() == before


def test_a_reply_that_was_streaming_keeps_what_had_come(tmp_path: Path) -> None:
    done, ended = closing(
        [
            TurnStarted(text="q"),
            ReplyPartial(reply="lost", text="first try"),
            ReplyPartial(reply="r", think="hm ", text="one "),
            ReplyPartial(reply="r", think="so", text="two"),
        ]
    )
    assert isinstance(done, ReplyDone)
    assert (done.reply, done.finish, done.message.content) == ("r", "stopped", "one two")
    assert done.message.reasoning_content == "hm so"
    assert done.message.tool_calls == ()
    assert isinstance(ended, TurnEnded)


def test_a_rewound_turn_is_not_open() -> None:
    assert closing([TurnStarted(seq=2, text="q"), Rewound(to=2)]) == []


def test_a_torn_last_line_is_cut_off_kept_aside_and_told(tmp_path: Path) -> None:
    path = copy("torn.jsonl", tmp_path)
    fragment = path.read_bytes().split(b"\n")[-1]
    log = Log.open(path)
    assert "broken off" in texts(log)[0]
    assert (tmp_path / "torn.jsonl.torn").read_bytes() == fragment + b"\n"
    log.close()
    whole = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [line["seq"] for line in whole] == list(range(1, len(whole) + 1))


@pytest.mark.parametrize("end", [b"\0" * 40, b'{"type":"noti\n', b"\n\n", b"\xff\xfe\n{}\n"])
def test_any_broken_end_leaves_the_rest(tmp_path: Path, end: bytes) -> None:
    path = copy("plain.jsonl", tmp_path)
    good = path.read_bytes()
    path.write_bytes(good + end)
    log = Log.open(path)
    assert fold(log.events).turns == fold(read(DATA / "plain.jsonl").events).turns or texts(log)
    log.close()
    assert path.read_bytes().startswith(good)
    assert all(json.loads(line) for line in path.read_bytes().split(b"\n")[:-1])


def test_a_log_cut_at_any_byte_opens_with_all_whole_lines(tmp_path: Path) -> None:
    data = (DATA / "write_approved.jsonl").read_bytes()
    first = data.index(b"\n") + 1
    for size in range(first, len(data), 97):
        path = tmp_path / f"{size}.jsonl"
        path.write_bytes(data[:size])
        log = Log.open(path)
        whole = data[:size].count(b"\n")
        assert [event.seq for event in log.events[:whole]] == list(range(1, whole + 1))
        assert fold(log.events).status == "idle"
        log.close()


def test_a_bad_line_in_the_middle_costs_only_itself_and_is_told_once(tmp_path: Path) -> None:
    path = copy("plain.jsonl", tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[2] = b'{"type": "reply.partial", "reply": 7'
    path.write_bytes(b"\n".join(lines))
    for _ in range(2):
        log = Log.open(path)
        assert [text for text in texts(log) if "Line 3" in text] == [
            "Line 3 of this task's log can't be read and is left out; all the rest is there."
        ]
        assert "2 rows" not in texts(log)
        assert fold(log.events).turns[0].ended is not None
        log.close()
    assert lines[2] in path.read_bytes()


def test_events_of_a_newer_version_stay_in_the_file_and_out_of_memory(tmp_path: Path) -> None:
    path = copy("switches.jsonl", tmp_path)
    log = Log.open(path)
    told = log.emit(Notice(level="info", text="next"))
    assert "weather.changed" not in {event.type for event in log.events}
    assert b"weather.changed" in path.read_bytes()
    assert len({event.seq for event in log.events}) == len(log.events)
    assert told.seq == log.last_seq == 17
    log.close()


def test_a_newer_version_may_have_added_fields(tmp_path: Path) -> None:
    path = copy("plain.jsonl", tmp_path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    lines[1]["mood"] = "good"
    lines[-3]["message"]["signature"] = {"deep": [1]}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert fold(read(path).events) == fold(read(DATA / "plain.jsonl").events)


def test_a_log_that_lost_its_first_line_can_still_be_read(tmp_path: Path) -> None:
    path = copy("plain.jsonl", tmp_path)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([b"?", *lines[1:]]))
    log = Log.open(path)
    assert isinstance(log.events[0], TaskCreated)
    assert fold(log.events).turns[0].ended is not None
    log.close()


def test_a_file_that_holds_no_event_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"hello\n")
    with pytest.raises(HistoryError, match="nothing that can be read"):
        Log.open(path)
    assert path.read_bytes() == b"hello\n"


def test_numbers_that_two_writers_gave_twice_are_set_right_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    events = [TaskCreated(seq=1), Notice(seq=2, level="info", text="a")]
    events.append(Notice(seq=2, level="info", text="b"))
    path.write_text("".join(event.model_dump_json() + "\n" for event in events), encoding="utf-8")
    assert [event.seq for event in read(path).events] == [1, 2, 3]


def test_messages_that_waited_and_commands_in_the_background_are_closed_too(tmp_path: Path) -> None:
    log = Log.open(copy("crash_queued.jsonl", tmp_path))
    unqueued, command, ended = log.events[-3:]
    assert isinstance(unqueued, TurnUnqueued)
    assert (unqueued.queued, unqueued.joined) == (9, False)
    assert isinstance(command, CommandEnded)
    assert command.summary == "ended with the server"
    assert isinstance(ended, TurnEnded)
    view = log.fold.view()
    assert (view.status, view.queued) == ("idle", ())
    log.close()


def test_a_background_command_of_an_ended_turn_is_closed_once(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "t.jsonl", TaskCreated())
    log.emit(TurnStarted(text="go"))
    log.emit(CommandBackgrounded(call="c"))
    log.emit(TurnEnded(reason="done"))
    log.close()
    for _ in range(2):
        again = Log.open(tmp_path / "t.jsonl")
        assert [type(event) for event in again.events[4:]] == [CommandEnded]
        again.close()
