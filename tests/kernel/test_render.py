from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from kimi_jupyter.agent.words import SUMMING_UP
from kimi_jupyter.kernel.client import understood
from kimi_jupyter.kernel.link import Failed, Opened
from kimi_jupyter.kernel.render import Screen, seat
from kimi_jupyter.protocol.commands import Refusal
from kimi_jupyter.protocol.effects import Effect, FileDiff, Question
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    CommandBackgrounded,
    CommandEnded,
    Compacted,
    Event,
    Notice,
    ReplyDone,
    Rewound,
    TextDelta,
    ThinkDelta,
    TodoChanged,
    ToolDone,
    ToolStarted,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
    UsageReported,
)
from kimi_jupyter.protocol.messages import AssistantMessage
from kimi_jupyter.protocol.parts import TodoItem
from tests.pictures import png, url

DATA = Path(__file__).parents[1] / "data"
LOGS = sorted(DATA.glob("*.jsonl"))
_line: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


def read(path: Path) -> list[Event | Opened]:
    items: list[Event | Opened] = []
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        if _line.validate_json(line)["type"] == "link.opened":
            items.append(Opened())
        elif (event := understood(line)) is not None:
            items.append(event)
    return items


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_recorded_log_comes_to_the_same_as_in_every_other_reader(path: Path) -> None:
    screen = Screen(None)
    for item in read(path):
        screen.feed(item)
        screen.pieces()

    wanted = json.loads((DATA / f"{path.name.split('.')[0]}.fold.json").read_text(encoding="utf-8"))
    assert screen.fold.view().model_dump(mode="json") == wanted


def screen_of(*items: Event | Opened | Refusal | Failed) -> Screen:
    screen = Screen("me", "Do it")
    screen.feed(TurnStarted(seq=5, text="Do it", client="me"))
    for item in items:
        screen.feed(item)
    return screen


def shown(screen: Screen) -> str:
    return "\n".join(piece.markdown() for piece in screen.pieces() if piece.source)


def test_turns_of_others_before_ours_are_not_shown() -> None:
    screen = Screen("me", "Do it")
    screen.feed(TurnStarted(seq=2, text="Other", client="someone"))
    screen.feed(TextDelta(reply="a", text="Not mine"))
    screen.feed(TurnEnded(reason="done"))
    assert not screen.is_over

    screen.feed(TurnStarted(seq=5, text="Do it", client="me"))
    screen.feed(TextDelta(reply="b", text="Mine"))
    screen.feed(TurnEnded(reason="done"))
    assert screen.is_over
    assert shown(screen) == "Mine"


def test_reply_that_replaces_a_broken_one_takes_its_outputs() -> None:
    screen = screen_of(TextDelta(reply="a", text="Broken"))
    before = [piece.key for piece in screen.pieces()]
    screen.feed(TextDelta(reply="b", text="Whole"))

    assert [piece.key for piece in screen.pieces()] == before
    assert shown(screen) == "Whole"


def test_reasoning_is_folded_and_can_not_leave_its_fold() -> None:
    screen = screen_of(ThinkDelta(reply="a", text="Hm</details><img src=x>\n```\ncode"))
    thinking = shown(screen)
    assert thinking.startswith("<details><summary>Thinking…</summary>")
    assert thinking.count("</details>") == 1
    assert "<img" not in thinking
    assert thinking.endswith("```\n\n</details>")

    message = AssistantMessage(content="Done", reasoning_content="Hm")
    screen.feed(ReplyDone(reply="a", message=message, finish="stop", think_ms=3100))
    assert shown(screen).startswith(
        "<details><summary>Thought for 3 s</summary>\n\nHm\n\n</details>"
    )


def asked(ask: str, call: str = "c") -> AskOpened:
    effect = Effect(kind="write", title="Write file a`b.py (+1 −0)")
    return AskOpened(ask=ask, kind="write", call=call, effect=effect, options=("approve", "reject"))


def test_call_is_one_piece_from_its_card_to_its_result() -> None:
    started = ToolStarted(
        call="c", name="write_file", title="Write file a`b.py (+1 −0)", arguments=""
    )
    screen = screen_of(started)
    assert screen.pieces() == []

    screen.feed(asked("x"))
    assert screen.pieces() == [], "the card is in its place"
    assert [ask.ask for ask in screen.open_asks] == ["x"]

    screen.feed(AskClosed(ask="x", decision="approve", by="browser"))
    (waiting,) = screen.pieces()
    assert waiting.key == seat(asked("x"))
    screen.feed(ToolDone(call="c", ok=True, output="", summary="1 line"))
    (done,) = screen.pieces()
    assert done.key == waiting.key
    assert done.markdown() == "✓ Approved in the sidebar: ``Write file a`b.py (+1 −0)`` — 1 line"
    assert screen.open_asks == []


def test_second_card_of_a_call_says_what_became_of_the_first() -> None:
    started = ToolStarted(call="c", name="write_file", title="Write", arguments="")
    closed = AskClosed(ask="x", decision="approve", by="kernel")
    screen = screen_of(started, asked("x"), closed, asked("y"))

    (first,) = screen.pieces()
    assert "changed since this card was drawn" in first.source
    assert first.key == seat(asked("x"))


def test_cost_is_one_line_at_the_end() -> None:
    usage = UsageReported(
        prompt_tokens=12_345, cached_tokens=6_172, completion_tokens=90, cost=0.0123
    )
    screen = screen_of(usage)
    assert shown(screen) == ""

    screen.feed(TurnEnded(reason="done"))
    assert screen.pieces()[-1].plain == "[12.3k tokens in (50% cached) · 90 out · about $0.0123]"


def test_slash_command_ends_with_its_notice() -> None:
    screen = Screen("me", "/help")
    screen.feed(Notice(level="info", text="| Command |"))

    assert screen.is_over
    assert shown(screen) == "| Command |"


def test_cell_that_sums_up_ends_when_it_is_done() -> None:
    screen = Screen("me", "/compact")
    screen.feed(Notice(level="info", text=SUMMING_UP))
    assert not screen.is_over
    screen.feed(Compacted(summary="Long", upto=3))

    assert screen.is_over
    assert "The older conversation was summed up." in shown(screen)


def test_message_that_is_refused_or_fails_ends_the_cell_in_words() -> None:
    refused = Screen("me", "x")
    refused.feed(Refusal(why="A turn is running.", command="turn.start"))
    assert refused.is_over
    assert "A turn is running." in shown(refused)

    failed = screen_of(Failed("The server is gone."))
    assert failed.is_over
    assert "The server is gone." in shown(failed)


def test_error_of_the_turn_is_shown() -> None:
    screen = screen_of(
        TurnEnded(reason="error", message="Invalid key <img src=x>", fault="bad_key")
    )

    assert shown(screen) == "✗ Invalid key <\u2060img src=x>"


@pytest.mark.parametrize("call", ["c", ""], ids=["of the model", "of the agent itself"])
def test_question_becomes_a_line_with_its_answer(call: str) -> None:
    effect = Effect(kind="question", title="Ask", question=Question(text="Which *one*?"))
    ask = AskOpened(
        ask="x", kind="question", call=call, effect=effect, options=("approve", "reject")
    )
    started = ToolStarted(call="c", name="ask_user", title="Ask", arguments="")
    screen = screen_of(*([started] if call else []), ask)
    assert screen.pieces() == []
    assert screen.open_asks == [ask]

    screen.feed(AskClosed(ask="x", decision="approve", by="kernel", comment="the first"))
    (line,) = screen.pieces()
    assert line.key == seat(ask)
    assert line.markdown() == "✓ Which \\*one\\*? — **the first**"


def test_message_of_the_sidebar_that_joins_is_quoted() -> None:
    screen = screen_of(TurnQueued(seq=6, text="Also *this*"))
    assert shown(screen) == ""
    screen.feed(TurnUnqueued(seq=7, queued=6, joined=True))

    assert shown(screen) == "> You added: Also \\*this\\*"


def test_message_of_the_cell_that_must_wait_takes_over_the_turn_it_joins() -> None:
    screen = Screen("me", "Do it")
    screen.feed(TurnQueued(seq=6, text="Do it"))
    screen.feed(TextDelta(reply="a", text="Not mine"))
    assert screen.queued == 6
    assert "the message waits" in shown(screen)

    screen.feed(TurnUnqueued(seq=7, queued=6, joined=True))
    screen.feed(TextDelta(reply="b", text="Mine"))
    assert shown(screen) == "Mine"
    screen.feed(TurnEnded(reason="done"))
    assert screen.is_over


def test_message_of_the_cell_that_is_taken_back_ends_the_cell() -> None:
    screen = Screen("me", "Do it")
    screen.feed(TurnQueued(seq=6, text="Do it"))
    screen.feed(TurnUnqueued(seq=7, queued=6, joined=False))

    assert screen.is_over
    assert "taken back" in shown(screen)


def test_list_of_the_agent_is_one_piece_that_changes() -> None:
    screen = screen_of(TodoChanged(items=(TodoItem(text="a", status="active"),)))
    (first,) = screen.pieces()
    items = (TodoItem(text="a", status="done"), TodoItem(text="b", status="open"))
    screen.feed(TodoChanged(items=items))
    (second,) = screen.pieces()

    assert first.key == second.key
    assert (first.plain, second.plain) == ("▸ a", "☑ a\n☐ b")


def test_summing_up_and_going_back_are_a_line_each() -> None:
    screen = screen_of(Compacted(summary="Long", upto=3))
    assert shown(screen) == "*What stands above was summed up for the model.*"

    screen.feed(Rewound(seq=9, to=5, restored=("a.py",), kept=("b.py",)))
    (line,) = screen.pieces()
    assert line.plain == (
        "↶ The conversation went back to before its last messages. Put back: a.py. "
        "Left alone, because changed since: b.py."
    )


def test_command_in_the_background_is_a_line_and_so_is_its_end() -> None:
    started = ToolStarted(call="c", name="execute_command", title="sleep 9", arguments="")
    screen = screen_of(started, CommandBackgrounded(call="c"))
    screen.feed(ToolDone(call="c", ok=True, output="", summary="in the background"))
    screen.feed(CommandEnded(call="c", summary="exit code 0"))
    screen.feed(CommandEnded(call="before", summary="stopped"))

    assert [piece.plain for piece in screen.pieces()][1:] == [
        "↷ Goes on in the background: sleep 9",
        "■ The background command ended: sleep 9 — exit code 0",
        "■ A background command of an earlier message ended — stopped",
    ]


def diff_of(*changes: str) -> FileDiff:
    hunks = "".join(f"@@ -{n} +{n} @@\n ctx\n+{text}\n" for n, text in enumerate(changes))
    unified = f"--- a\n+++ b\n{hunks}"
    return FileDiff(path="a", is_new=False, added=len(changes), removed=0, unified=unified)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (("one", "three"), "Approved 2 of 3 changes in the sidebar"),
        (("one", "two", "three"), "Approved in the sidebar"),
        (("one", "edited"), "Approved in the sidebar"),
    ],
)
def test_part_of_a_change_that_was_approved_is_told(written: tuple[str, ...], said: str) -> None:
    effect = Effect(kind="write", title="Write a", diff=diff_of("one", "two", "three"))
    ask = AskOpened(ask="x", kind="write", call="c", effect=effect, options=("approve", "reject"))
    screen = screen_of(
        ToolStarted(call="c", name="write_file", title="Write a", arguments=""),
        ask,
        AskClosed(ask="x", decision="approve", by="browser"),
        ToolDone(call="c", ok=True, output="", diff=diff_of(*written)),
    )

    assert shown(screen) == f"✓ {said}: `Write a`"


def test_images_of_a_tool_follow_its_line_and_what_is_no_image_is_left_out() -> None:
    screen = Screen(None)
    for event in (
        TurnStarted(seq=1, text="q"),
        ToolStarted(seq=2, call="c", name="read_file", title="Read a.png", arguments="{}"),
        ToolDone(
            seq=3,
            call="c",
            ok=True,
            output="It is shown.",
            images=(
                "data:image/svg+xml;base64,PHN2Zz4=",
                "https://example.org/a.png",
                url(png(3, 2)),
            ),
        ),
    ):
        screen.feed(event)
    line, image = screen.pieces()
    assert "Read a.png" in line.source
    assert image.image == url(png(3, 2))
    assert set(image.bundle()) == {"image/png", "text/plain"}
