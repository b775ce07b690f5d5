"""A task's socket: turns, approvals, refusals and reconnecting, against the simulated API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from kimi_jupyter.history.fold import Fold, View
from kimi_jupyter.protocol.events import event_adapter
from tests.moonshot import Reply
from tests.moonshot import call as tool_call
from tests.server.conftest import Api, Call, OpenLink
from tests.server.link import TRANSIENT, Frame, Link
from tests.server.test_rest import new_task

WRITE = Reply(
    reasoning="It wants a file.",
    tool_calls=(tool_call("write_file", path="src/a.txt", content="one\n"),),
)


def text_of(frames: Sequence[Frame]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "text.delta")


def view_of(*connections: Sequence[Frame]) -> View:
    """What a screen shows that read these frames, one list for each connection."""
    fold = Fold()
    for frames in connections:
        fold.link_opened()
        for frame in frames:
            if frame["type"] != "command.refused":
                fold.feed(event_adapter.validate_python(frame))
    return fold.view()


async def test_reply_streams_and_is_stored(call: Call, open_link: OpenLink, moonshot: Api) -> None:
    async with moonshot(Reply(content="Hello **world**.", reasoning="A greeting.")) as api:
        link = await open_link(await new_task(call))
        link.send("turn.start", text="Say hello")
        ended = await link.until("turn.ended")

        assert (ended["reason"], ended["message"]) == ("done", None)
        assert text_of(link.frames) == "Hello **world**."
        done = next(frame for frame in link.frames if frame["type"] == "reply.done")
        assert done["message"]["content"] == "Hello **world**."
        assert done["message"]["reasoning_content"] == "A greeting."
        assert [frame["seq"] for frame in link.stored] == list(range(1, len(link.stored) + 1))
        assert api.bodies[0]["messages"][-1]["role"] == "user"
        assert "Say hello" in json.dumps(api.bodies[0]["messages"][-1])
        assert {"task.created", "turn.started", "usage", "task.renamed"} <= set(link.types)


async def test_approved_edit_is_on_disk_and_the_model_is_told(
    call: Call, open_link: OpenLink, moonshot: Api, jp_root_dir: Path
) -> None:
    async with moonshot(WRITE, "Written.") as api:
        link = await open_link(await new_task(call))
        link.send("turn.start", text="Write it")
        ask = await link.until("ask.opened")
        assert ask["effect"]["title"] == "Write file src/a.txt (+1 −0)"
        assert not (jp_root_dir / "src").exists()

        link.send("ask.answer", ask=ask["ask"], decision="approve")
        ended = await link.until("turn.ended")

        assert (ended["reason"], ended["message"]) == ("done", None)
        assert (jp_root_dir / "src" / "a.txt").read_bytes() == b"one\n"
        closed = next(frame for frame in link.frames if frame["type"] == "ask.closed")
        assert (closed["decision"], closed["by"]) == ("approve", "browser")
        told = api.bodies[1]["messages"][-1]
        assert told["role"] == "tool"


async def test_rejected_edit_writes_nothing_and_stops(
    call: Call, open_link: OpenLink, moonshot: Api, jp_root_dir: Path
) -> None:
    async with moonshot(WRITE, "never asked for") as api:
        link = await open_link(await new_task(call))
        link.send("turn.start", text="Write it")
        ask = await link.until("ask.opened")
        link.send("ask.answer", ask=ask["ask"], decision="reject")
        ended = await link.until("turn.ended")

        assert ended["reason"] == "stopped"
        assert list(jp_root_dir.iterdir()) == []
        assert len(api.bodies) == 1


async def test_first_answer_wins_over_two_sockets(
    call: Call, open_link: OpenLink, moonshot: Api, jp_root_dir: Path
) -> None:
    async with moonshot(WRITE, "Written."):
        task = await new_task(call)
        first, second = await open_link(task), await open_link(task)
        first.send("turn.start", text="Write it")
        ask = (await first.until("ask.opened"))["ask"]
        assert (await second.until("ask.opened"))["ask"] == ask

        first.send("ask.answer", ask=ask, decision="approve")
        second_closed = await second.until("ask.closed")
        second.send("ask.answer", ask=ask, decision="reject")
        refused = await second.until("command.refused")
        await first.until("turn.ended")
        await second.until("turn.ended")

        assert refused["command"] == "ask.answer"
        assert "approved" in refused["why"]
        assert second_closed["decision"] == "approve"
        assert first.stored == second.stored
        assert first.types.count("ask.closed") == 1
        assert (jp_root_dir / "src" / "a.txt").read_bytes() == b"one\n"


@pytest.mark.parametrize("later", [0, 1, 2, 3, 7])
async def test_reconnecting_in_mid_stream_misses_and_doubles_nothing(
    later: int, call: Call, open_link: OpenLink, moonshot: Api
) -> None:
    words = " ".join(f"word{n}" for n in range(400))
    async with moonshot(Reply(content=words, reasoning="so " * 50, chunks_per_second=400)):
        task = await new_task(call)
        first = await open_link(task)
        first.send("turn.start", text="Talk")
        await first.until("think.delta")
        for _ in range(later):
            await first.next()
        first.close()
        last = max(frame["seq"] for frame in first.frames)
        second = await open_link(task, after=last)
        await second.until("turn.ended")
        whole = await open_link(task)
        await whole.until("turn.ended")

        before = [frame for frame in first.frames if not is_transient(frame)]
        after = [frame for frame in second.frames if not is_transient(frame)]
        assert before + after == whole.stored
        assert view_of(first.frames, second.frames) == view_of(whole.frames)
        assert view_of(whole.frames).turns[0].items[0].text == words  # type: ignore[union-attr]


def is_transient(frame: Frame) -> bool:
    return frame["type"].endswith(".delta") or frame["type"] in TRANSIENT


async def test_joining_in_mid_stream_shows_the_reply_from_its_start(
    call: Call, open_link: OpenLink, moonshot: Api
) -> None:
    stalled = Reply(content="The first half.", chunk_size=1, fault="stall", fault_after=99)
    async with moonshot(stalled) as api:
        task = await new_task(call)
        first = await open_link(task)
        first.send("turn.start", text="Talk")
        await api.streaming.wait()
        while text_of(first.frames) != "The first half.":
            await first.next()

        second = await open_link(task)
        while text_of(second.frames) != "The first half.":
            await second.next()
        first.send("turn.stop")

        assert (await second.until("turn.ended"))["reason"] == "stopped"


async def test_turn_goes_on_without_any_socket(
    call: Call, open_link: OpenLink, moonshot: Api, jp_root_dir: Path
) -> None:
    async with moonshot(Reply(content="slow " * 40, chunks_per_second=200), otherwise="again"):
        task = await new_task(call)
        link = await open_link(task)
        link.send("turn.start", text="Talk")
        await link.until("text.delta")
        link.close()

        again = await open_link(task)
        ended = await again.until("turn.ended")

        assert (ended["reason"], ended["message"]) == ("done", None)
        assert view_of(again.frames).turns[0].items[0].text == "slow " * 40  # type: ignore[union-attr]


async def test_open_approval_waits_for_the_next_socket(
    call: Call, open_link: OpenLink, moonshot: Api, jp_root_dir: Path
) -> None:
    async with moonshot(WRITE, "Written."):
        task = await new_task(call)
        link = await open_link(task)
        link.send("turn.start", text="Write it")
        await link.until("ask.opened")
        link.close()
        _, listed = await call("GET", "tasks")
        assert listed["tasks"][0]["status"] == "waiting"

        again = await open_link(task)
        ask = await again.until("ask.opened")
        again.send("ask.answer", ask=ask["ask"], decision="approve")
        await again.until("turn.ended")

        assert (jp_root_dir / "src" / "a.txt").read_bytes() == b"one\n"


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "1",
        '{"type": "nope"}',
        '{"type": "turn.start"}',
        '{"type": "turn.start", "text": 1}',
        '{"type": "turn.start", "text": "x", "mode": "bypass"}',
        '{"type": "turn.start", "text": "\\ud800"}',
        '{"type": "ask.answer", "ask": "x", "decision": "approve"}',
        '{"type": "ask.answer", "ask": "x", "decision": "maybe"}',
        '{"type": "mode.set", "mode": "root"}',
        '{"type": "model.set", "model": "gpt"}',
        '{"type": "task.rewind", "seq": 99}',
        '{"type": "task.rewind", "seq": 1e400}',
        '{"type": "turn.stop"}',
        "[" * 100_000,
    ],
)
async def test_command_that_cannot_be_taken_is_refused_in_words_to_its_sender(
    frame: str, call: Call, open_link: OpenLink
) -> None:
    task = await new_task(call)
    link, other = await open_link(task), await open_link(task)

    link.socket.write_message(frame)
    refused = await link.until("command.refused")
    link.send("mode.set", mode="plan")
    await link.until("mode.changed")
    await other.until("mode.changed")

    assert set(refused) == {"type", "why", "command"}
    assert refused["why"].rstrip("`").endswith((".", "?")) or ":" in refused["why"]
    assert len(refused["why"]) < 700
    assert "command.refused" not in other.types


async def test_binary_frame_is_read_like_text(call: Call, open_link: OpenLink) -> None:
    link = await open_link(await new_task(call))

    link.socket.write_message(b"\xff\xfe", binary=True)

    assert (await link.until("command.refused"))["command"] == ""


async def test_frame_that_is_too_large_costs_the_socket_only(
    call: Call, open_link: OpenLink
) -> None:
    task = await new_task(call)
    link = await open_link(task)

    link.send("turn.start", text="x" * (17 << 20))
    await link.until_closed()

    assert link.socket.close_code == 1009
    assert (await (await open_link(task)).until("task.created"))["seq"] == 1


async def test_second_message_waits_while_a_turn_runs_and_comes_back_when_that_is_stopped(
    call: Call, open_link: OpenLink, moonshot: Api
) -> None:
    async with moonshot(Reply(content="slow", fault="stall", fault_after=99)):
        link = await open_link(await new_task(call))
        link.send("turn.start", text="Talk")
        await link.until("text.delta")

        link.send("turn.start", text="And?")
        queued = await link.until("turn.queued")
        link.send("turn.stop")
        ended = await link.until("turn.ended")
        back = await link.until("turn.unqueued")

        assert queued["text"] == "And?"
        assert ended["reason"] == "stopped"
        assert (back["queued"], back["joined"]) == (queued["seq"], False)
        assert link.types.count("turn.started") == 1


async def test_many_deltas_come_in_few_frames(
    call: Call, open_link: OpenLink, moonshot: Api
) -> None:
    async with moonshot(Reply(content="x" * 4000, chunk_size=2)):
        link = await open_link(await new_task(call))
        link.send("turn.start", text="Talk")
        await link.until("turn.ended")

        assert link.types.count("text.delta") < 500


async def test_long_replay_leaves_room_for_other_requests(call: Call, open_link: OpenLink) -> None:
    task = await new_task(call)
    writer = await open_link(task)
    for n in range(1500):
        writer.send("mode.set", mode="plan" if n % 2 else "ask")
    for _ in range(1500):
        await writer.until("mode.changed")

    link = await open_link(task)
    await link.next()
    code, _ = await call("GET", "commands")
    buffered = link.socket.read_queue.qsize()

    assert code == 200
    assert buffered < 1500
    for _ in range(1500):
        await link.until("mode.changed")


async def test_deleting_a_task_closes_its_sockets(call: Call, open_link: OpenLink) -> None:
    task = await new_task(call)
    link = await open_link(task)
    await link.until("task.created")

    assert (await call("DELETE", f"tasks/{task}"))[0] == 204
    await link.until_closed()

    assert link.socket.close_code == 1001
    code, told = await call("GET", f"tasks/{task}/socket")
    assert (code, told["error"]["code"]) == (404, "task_not_found")


async def test_every_page_is_noticed_of_an_open_approval(
    call: Call, open_link: OpenLink, open_bus: OpenLink, moonshot: Api
) -> None:
    async with moonshot(WRITE, "Written."):
        link = await open_link(await new_task(call))
        bus = await open_bus()
        link.send("turn.start", text="Write it")
        ask = await link.until("ask.opened")

        opened = await notice(bus, "asks")
        link.send("ask.answer", ask=ask["ask"], decision="reject")
        closed = await notice(bus, "asks")
        await call("PUT", "key", body={"key": "sk-another"})
        await notice(bus, "key")

        assert (opened["open_asks"], closed["open_asks"]) == (1, 0)


async def notice(bus: Link, what: str) -> Frame:
    """The next of our notices about this."""
    while True:
        frame = await bus.next()
        assert frame is not None
        if frame["schema_id"].endswith("/kimi_jupyter/notice") and frame["what"] == what:
            return frame
